/*
 * serve/coding/recode.c - see serve/coding/recode.h.
 */
#include "tools/serve/coding/recode.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/files/disk.h"
#include "tools/serve/coding/codec.h"
#include "tools/serve/limits.h"

/* What was made, or that it is of no use. Whoever holds its entry holds the file, too. */
struct recode_made {
  struct site_entry entry; /* first; bytes and size once it is made */
  struct file *file;
  struct making *making; /* NULL: it is decided */
  enum site_result result;
  uint8_t *content;
};

/* A job, and those who wait for it. Holds the file. */
struct making {
  struct job job; /* first */
  struct recode *recode;
  struct recode_made *made;
  enum coding from, to;
  struct span bytes;             /* of the file, if they are in memory */
  int fd;                        /* else; -1 */
  struct file_identity identity; /* of what is read through it */
  enum codec_result result;
  uint8_t *out;
  size_t out_len;
  struct site_lookup *waiters;
};

/* What a lookup that waits keeps in its room. */
struct waiting {
  struct making *making;
  struct site_lookup *next;
};

_Static_assert(sizeof(struct waiting) <= sizeof(((struct site_lookup *)0)->room),
               "a lookup's room holds what a wait needs");

static struct waiting *waiting_of(struct site_lookup *lookup) {
  return (void *)lookup->room;
}

/* ---- on a thread ----------------------------------------------------------------------------- */

/* The whole file, if it is the version that was asked for. NULL otherwise. */
static uint8_t *read_all(const struct making *making) {
  size_t size = (size_t)making->identity.size_bytes, got = 0;
  struct stat status;
  uint8_t *bytes = malloc(size ? size : 1);
  while (bytes && got < size) {
    ssize_t more = pread(making->fd, bytes + got, size - got, (off_t)got);
    if (more < 0 && errno == EINTR) continue;
    if (more <= 0) break;
    got += (size_t)more;
  }
  if (bytes && got == size && fstat(making->fd, &status) == 0) {
    struct file_identity now = disk_identity(&status);
    if (disk_is_same(&now, &making->identity)) return bytes;
  }
  free(bytes);
  return NULL;
}

/* Compressed it has to be smaller; decoded it may be larger. Either has to fit into the cache. */
static size_t most(const struct making *making, size_t len) {
  size_t max = making->to ? len - len / RECODE_GAIN_PART : RECODE_DECODED_BYTES_MAX;
  return max < making->recode->bytes_max ? max : making->recode->bytes_max;
}

static void run(struct job *job) {
  struct making *making = (struct making *)job;
  struct span in = making->bytes;
  uint8_t *read = in.base ? NULL : read_all(making);
  making->result = CODEC_FAILED;
  if (!in.base && !read) return;
  if (read) in = span_of(read, (size_t)making->identity.size_bytes);
  making->result =
      codec_run(making->from, making->to, in, most(making, in.len), &making->out, &making->out_len);
  free(read);
}

/* ---- back on the loop ------------------------------------------------------------------------ */

static void keep(struct making *making) {
  struct recode_made *made = making->made;
  made->content = making->out;
  made->entry = (struct site_entry){.bytes = span_of(making->out, making->out_len),
                                    .size_bytes = making->out_len,
                                    .mtime_ns = made->file->identity.mtime_ns,
                                    .recoded = true};
  making->out = NULL;
  made->result = SITE_FOUND;
}

static void count(struct recode_counters *counters, const struct making *making) {
  counter_add(making->to ? &counters->encoded : &counters->decoded, 1);
  if (!making->to) return;
  counter_add(&counters->bytes_in, making->made->file->identity.size_bytes);
  counter_add(&counters->bytes_out, making->out_len);
}

/* The result for those who wait. What may end otherwise another time is not remembered. */
static enum site_result decide(struct making *making, bool ran) {
  struct recode *recode = making->recode;
  struct recode_made *made = making->made;
  if (!ran || making->result == CODEC_FAILED) {
    counter_add(&recode->counters->failed, 1);
    return SITE_FAILED;
  }
  if (making->result != CODEC_DONE) {
    bool useless = making->result == CODEC_USELESS;
    counter_add(useless ? &recode->counters->useless : &recode->counters->failed, 1);
    made->result = useless ? SITE_MISSING : SITE_FAILED;
    made->making = NULL;
    return made->result;
  }
  if (!files_charge(recode->files, made->file, making->out_len + sizeof *made)) {
    counter_add(&recode->counters->busy, 1);
    return SITE_BUSY;
  }
  count(recode->counters, making);
  keep(making);
  made->making = NULL;
  return SITE_FOUND;
}

static void forget_made(struct recode_made **made) {
  free((*made)->content);
  free(*made);
  *made = NULL;
}

static void making_free(struct making *making) {
  if (making->fd >= 0) close(making->fd);
  free(making->out);
  free(making);
}

/* Tells all who wait; their done() may ask, cancel and release. */
static void done(struct job *job, bool ran) {
  struct making *making = (struct making *)job;
  struct recode *recode = making->recode;
  struct recode_made *made = making->made;
  struct file *file = made->file;
  struct recode_entry *entry = file_user(file);
  enum site_result result = decide(making, ran);
  if (made->making) forget_made(&entry->made[making->to]);
  while (making->waiters) {
    struct site_lookup *lookup = making->waiters;
    making->waiters = waiting_of(lookup)->next;
    waiting_of(lookup)->making = NULL;
    if (result == SITE_FOUND) {
      lookup->entry = &made->entry;
      (void)file_retain(file);
    }
    lookup->done(lookup, result);
  }
  making_free(making);
  recode->under_way--;
  files_release(recode->files, file);
}

/* ---- asked for ------------------------------------------------------------------------------- */

static void wait_for(struct making *making, struct site_lookup *lookup) {
  *waiting_of(lookup) = (struct waiting){.making = making, .next = making->waiters};
  making->waiters = lookup;
}

/* The bytes to work on: those in memory, which never change, or a descriptor of its own. */
static bool find_bytes(struct making *making, struct file *file) {
  making->bytes = file->bytes;
  making->identity = file->identity;
  making->fd = -1;
  if (file->bytes.base) return true;
  if (file->fd < 0) return false;
  making->fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
  return making->fd >= 0;
}

/* NULL: not now. */
static struct making *begin(struct recode *recode, struct file *file, enum coding from,
                            enum coding to) {
  struct recode_entry *entry = file_user(file);
  struct making *making = calloc(1, sizeof *making);
  struct recode_made *made = calloc(1, sizeof *made);
  if (making && made && find_bytes(making, file)) {
    *made = (struct recode_made){.file = file, .making = making};
    making->job = (struct job){.run = run, .done = done};
    making->recode = recode;
    making->made = made;
    making->from = from;
    making->to = to;
    if (jobs_put(recode->desk, &making->job)) {
      (void)file_retain(file);
      entry->made[to] = made;
      recode->under_way++;
      return making;
    }
    if (making->fd >= 0) close(making->fd);
  }
  free(making);
  free(made);
  counter_add(&recode->counters->busy, 1);
  return NULL;
}

enum site_result recode_find(struct recode *recode, struct site_entry *entry, enum coding from,
                             enum coding to, struct site_lookup *lookup) {
  struct file *file = file_of_user(entry);
  struct recode_made *made = ((struct recode_entry *)entry)->made[to];
  if (made && !made->making) {
    if (made->result != SITE_FOUND) return made->result;
    lookup->entry = &made->entry;
    (void)file_retain(file);
    return SITE_FOUND;
  }
  struct making *making = made ? made->making : begin(recode, file, from, to);
  if (!making) return SITE_BUSY;
  wait_for(making, lookup);
  return SITE_PENDING;
}

void recode_cancel(struct site_lookup *lookup) {
  struct making *making = waiting_of(lookup)->making;
  if (!making) return;
  struct site_lookup **at = &making->waiters;
  while (*at != lookup)
    at = &waiting_of(*at)->next;
  *at = waiting_of(lookup)->next;
  waiting_of(lookup)->making = NULL; /* the job goes on: the coding will be asked for again */
}

void recode_release(struct recode *recode, struct site_entry *entry) {
  files_release(recode->files, ((struct recode_made *)entry)->file);
}

void recode_forget(struct recode_entry *entry) {
  for (int coding = 0; coding < CODING_COUNT; coding++)
    if (entry->made[coding]) forget_made(&entry->made[coding]);
}
