/*
 * serve/site.c - connects the site, which knows HTTP, with files, which know the disk.
 *
 * The site's entry for a file lives in the file's user bytes. Its lookups and reads embed those of
 * io/files. So nothing is allocated per request.
 */
#include "tools/serve/site.h"

#include <stdlib.h>
#include <string.h>

#include "engine/site/limits.h"
#include "io/files/files.h"
#include "io/files/limits.h"
#include "io/files/list.h"
#include "tools/serve/coding/recode.h"
#include "tools/serve/limits.h"
#include "tools/serve/rules/refusals.h"

struct listed;

struct serve_site {
  struct files *files;
  struct recode recode;
  struct site *site;
  struct listed *listed; /* or NULL */
};

_Static_assert(sizeof(struct files_lookup) <= sizeof(((struct site_lookup *)0)->room),
               "a lookup's room holds files' own");
_Static_assert(sizeof(struct file_view) <= sizeof(((struct site_loan *)0)->room),
               "a loan's room holds files' own");
_Static_assert(sizeof(struct file_piece) <= sizeof(((struct site_read *)0)->room),
               "a read's room holds files' own");

static enum site_result result_of(enum files_result result) {
  switch (result) {
  case FILES_FOUND: return SITE_FOUND;
  case FILES_PENDING: return SITE_PENDING;
  case FILES_MISSING: return SITE_MISSING;
  case FILES_FORBIDDEN: return SITE_FORBIDDEN;
  case FILES_BUSY: return SITE_BUSY;
  case FILES_FAILED: return SITE_FAILED;
  }
  return SITE_FAILED;
}

/* ---- lookups --------------------------------------------------------------------------------- */

static struct site_entry *entry_of(struct file *file) {
  struct site_entry *entry = file_user(file);
  entry->bytes = file->bytes;
  entry->size_bytes = file->identity.size_bytes;
  entry->mtime_ns = file->identity.mtime_ns;
  entry->directory = file->directory;
  return entry;
}

static void found(struct files_lookup *inner, enum files_result result) {
  struct site_lookup *lookup =
      (struct site_lookup *)((char *)inner - offsetof(struct site_lookup, room));
  if (result == FILES_FOUND) lookup->entry = entry_of(inner->file);
  lookup->done(lookup, result_of(result));
}

static enum site_result look_up(void *self, struct span path, uint64_t now_ns,
                                struct site_lookup *lookup) {
  struct serve_site *serve_site = self;
  struct files_lookup *inner = (void *)lookup->room;
  *inner = (struct files_lookup){.done = found, .client = lookup->client};
  enum files_result result = files_find(serve_site->files, path, now_ns, inner);
  if (result == FILES_FOUND) {
    lookup->entry = entry_of(inner->file);
    lookup->listing = files_listing(serve_site->files, inner->file);
  }
  return result_of(result);
}

static bool find_again(void *self, struct site_entry *entry, uint64_t listing, uint64_t now_ns,
                       struct site_lookup *lookup) {
  struct serve_site *serve_site = self;
  struct file *file = file_of_user(entry);
  if (!files_find_again(serve_site->files, file, listing, now_ns, lookup->client)) return false;
  lookup->entry = entry_of(file);
  return true;
}

static void lookup_cancel(void *self, struct site_lookup *lookup) {
  (void)self;
  files_find_cancel((void *)lookup->room);
}

static void release(void *self, struct site_entry *entry) {
  struct serve_site *serve_site = self;
  if (entry->recoded)
    recode_release(&serve_site->recode, entry);
  else
    files_release(serve_site->files, file_of_user(entry));
}

static enum site_result source_recode(void *self, struct site_entry *entry, enum coding from,
                                      enum coding to, struct site_lookup *lookup) {
  struct serve_site *serve_site = self;
  return recode_find(&serve_site->recode, entry, from, to, lookup);
}

static void source_recode_cancel(void *self, struct site_lookup *lookup) {
  (void)self;
  recode_cancel(lookup);
}

static void forget(void *ctx, struct file *file) {
  (void)ctx;
  recode_forget(file_user(file));
}

/* ---- reads ----------------------------------------------------------------------------------- */

static void read_done(struct file_piece *inner, enum files_result result) {
  struct site_read *read = inner->user;
  read->bytes = inner->bytes;
  read->done(read, result_of(result));
}

static bool give_up(struct file_piece *inner) {
  struct site_read *read = inner->user;
  return read->give_up(read);
}

static enum site_result read_piece(void *self, struct site_entry *entry, struct site_read *read) {
  struct serve_site *serve_site = self;
  struct file_piece *inner = (void *)read->room;
  *inner = (struct file_piece){
      .done = read_done, .give_up = give_up, .client = read->client, .user = read};
  enum files_result result =
      files_read(serve_site->files, file_of_user(entry), read->offset, read->max, inner);
  read->bytes = inner->bytes;
  return result_of(result);
}

static void read_end(void *self, struct site_read *read) {
  struct serve_site *serve_site = self;
  files_read_end(serve_site->files, (void *)read->room);
}

static struct span lend(void *self, struct site_entry *entry, struct site_loan *loan) {
  struct serve_site *serve_site = self;
  return files_lend(serve_site->files, file_of_user(entry), loan->offset, loan->ahead, loan->client,
                    (void *)loan->room, &loan->count);
}

static void lend_end(void *self, struct site_loan *loan) {
  (void)self;
  windows_leave((void *)loan->room);
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* The list that was asked for last: the names as files tell them, and as the site wants them. It is believed for as long
 * as a file is without a look at the disk, so that a directory is not read for each of many requests. */
struct listed {
  uint64_t until_ns;
  struct files_list inner;
  size_t path_len;
  uint8_t path[SITE_PATH_BYTES_MAX];
  struct site_name at[];
};

static void forget_list(struct serve_site *serve_site) {
  if (!serve_site->listed) return;
  files_list_free(&serve_site->listed->inner);
  free(serve_site->listed);
  serve_site->listed = NULL;
}

static bool is_believed(const struct listed *listed, struct span path, uint64_t now_ns) {
  return listed && now_ns < listed->until_ns &&
         span_equal(span_of(listed->path, listed->path_len), path);
}

/* Reads the directory, and keeps what it says. */
static enum site_result read_list(struct serve_site *serve_site, struct span path,
                                  uint64_t now_ns) {
  struct files_list inner;
  if (path.len > SITE_PATH_BYTES_MAX) return SITE_MISSING;
  enum files_result result = files_list(serve_site->files, path, &inner);
  if (result != FILES_FOUND) return result_of(result);
  struct listed *listed = malloc(sizeof *listed + inner.count * sizeof listed->at[0]);
  if (!listed) {
    files_list_free(&inner);
    return SITE_BUSY;
  }
  listed->until_ns = now_ns + FILES_FRESH_NS;
  listed->inner = inner;
  listed->path_len = path.len;
  if (path.len > 0) memcpy(listed->path, path.base, path.len);
  for (uint32_t i = 0; i < inner.count; i++)
    listed->at[i] =
        (struct site_name){.name = inner.at[i].name,
                           .size_bytes = inner.at[i].size_bytes,
                           .modified_seconds = inner.at[i].mtime_ns / (int64_t)SECOND_NS,
                           .directory = inner.at[i].directory};
  serve_site->listed = listed;
  return SITE_FOUND;
}

static enum site_result list(void *self, struct span path, uint64_t now_ns,
                             struct site_names *names) {
  struct serve_site *serve_site = self;
  if (!is_believed(serve_site->listed, path, now_ns)) {
    forget_list(serve_site);
    const enum site_result result = read_list(serve_site, path, now_ns);
    if (result != SITE_FOUND) return result;
  }
  const struct listed *listed = serve_site->listed;
  *names = (struct site_names){
      .at = listed->at, .count = listed->inner.count, .more = listed->inner.more};
  return SITE_FOUND;
}

static const struct site_source_ops source_ops = {
    .lookup = look_up,
    .again = find_again,
    .lookup_cancel = lookup_cancel,
    .release = release,
    .read = read_piece,
    .read_end = read_end,
    .lend = lend,
    .lend_end = lend_end,
    .list = list,
    .recode = source_recode,
    .recode_cancel = source_recode_cancel,
};

/* ---- life ------------------------------------------------------------------------------------ */

static struct site *create_site(struct serve_site *serve_site,
                                const struct serve_site_settings *settings) {
  struct site_settings site = {
      .memory = settings->memory,
      .prefix = settings->prefix,
      .source = {.ops = &source_ops, .self = serve_site},
      .hints = settings->hints,
      .rules = settings->rules,
      .wall_seconds = settings->wall_seconds,
      .exchanges_max = settings->exchanges_max,
      .push = settings->push,
  };
  if (settings->compress) site.encodings = 1u << CODING_GZIP | 1u << CODING_ZSTD | 1u << CODING_BR;
  if (settings->cache_control) site.cache_control = span_text(settings->cache_control);
  return site_create(&site);
}

static void forbidden(void *ctx, struct span path, int error) {
  (void)ctx;
  refusals_tell(path, error);
}

struct serve_site *serve_site_create(const struct serve_site_settings *settings, const char **note,
                                     struct io_error *error) {
  struct serve_site *serve_site = calloc(1, sizeof *serve_site);
  if (!serve_site) {
    io_error_set(error, 0, "cannot serve %s: out of memory", settings->directory);
    return NULL;
  }
  struct files_settings files = {
      .root = settings->directory,
      .loop = settings->loop,
      .workers = settings->workers,
      .cache_bytes_max = settings->cache_bytes_max,
      .reads_max = settings->reads_max,
      .user_bytes = sizeof(struct recode_entry),
      .user_free = forget,
      .counters = settings->counters,
      .forbidden = settings->explain ? forbidden : NULL,
  };
  serve_site->files = files_create(&files, note, error);
  if (!serve_site->files) {
    serve_site_destroy(serve_site);
    return NULL;
  }
  size_t cache_bytes = settings->cache_bytes_max ? settings->cache_bytes_max : FILES_CACHE_BYTES;
  serve_site->recode = (struct recode){.files = serve_site->files,
                                       .desk = settings->desk,
                                       .counters = settings->recoded,
                                       .bytes_max = cache_bytes / RECODE_CACHE_PART};
  serve_site->site = create_site(serve_site, settings);
  if (serve_site->site) return serve_site;
  io_error_set(error, 0, "cannot serve %s: out of memory", settings->directory);
  serve_site_destroy(serve_site);
  return NULL;
}

bool serve_site_is_idle(const struct serve_site *serve_site) {
  return files_are_idle(serve_site->files) && serve_site->recode.under_way == 0;
}

void serve_site_destroy(struct serve_site *serve_site) {
  if (!serve_site) return;
  site_destroy(serve_site->site);
  forget_list(serve_site);
  files_destroy(serve_site->files);
  free(serve_site);
}

void serve_site_trim(struct serve_site *serve_site, uint64_t now_ns) {
  if (serve_site->listed && now_ns >= serve_site->listed->until_ns) forget_list(serve_site);
  files_trim(serve_site->files, now_ns);
  site_trim(serve_site->site);
}

const struct handler *serve_site_handler(struct serve_site *serve_site) {
  return site_handler(serve_site->site);
}

const struct files_counters *serve_site_counters(const struct serve_site *serve_site) {
  return files_counters(serve_site->files);
}

struct files_gauges serve_site_gauges(const struct serve_site *serve_site) {
  return files_gauges(serve_site->files);
}
