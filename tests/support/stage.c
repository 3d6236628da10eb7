/*
 * support/stage.c - see support/stage.h.
 */
#include "tests/support/stage.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "io/base/error.h"
#include "tests/support/cmocka.h"
#include "tests/support/shifted_clock.h"

struct stage stage = {.ring_max = STAGE_RING_ENTRIES};

/* ---- the kernel ------------------------------------------------------------------------------ */

ssize_t stage_preadv2(int fd, const struct iovec *vector, int count, off_t offset, int flags) {
  if (stage.before_read) stage.before_read();
  if (stage.page_cache_cold && (flags & RWF_NOWAIT)) {
    errno = EAGAIN;
    return -1;
  }
  if (stage.read_error) {
    errno = stage.read_error;
    return -1;
  }
  struct iovec part = *vector;
  assert_int_equal(count, 1);
  if (stage.read_bytes_max && part.iov_len > stage.read_bytes_max)
    part.iov_len = stage.read_bytes_max;
  return syscall(SYS_preadv2, fd, &part, 1, offset, 0, flags);
}

/* What the ring was asked for; fd is -1 for a no-op. */
static struct request {
  struct loop_op *op;
  int fd;
  void *buffer;
  unsigned len;
  uint64_t offset;
} ring[STAGE_RING_ENTRIES];

static struct loop blank_loop; /* only its pages and its look-out for writes are used */
struct loop *const stage_loop = &blank_loop;

bool stage_begin(struct loop *loop, struct loop_op *op, int fd, void *buffer, unsigned len,
                 uint64_t offset) {
  if (stage.ring_count == stage.ring_max) return false;
  op->loop = loop;
  ring[stage.ring_count++] = (struct request){op, fd, buffer, len, offset};
  return true;
}

void stage_answer(int result) {
  assert_true(stage.ring_count > 0);
  struct request first = ring[0];
  stage.ring_count--;
  memmove(ring, ring + 1, stage.ring_count * sizeof *ring);
  if (result == 0 && first.fd >= 0)
    result = (int)pread(first.fd, first.buffer, first.len, (off_t)first.offset);
  first.op->done(first.op, result, 0);
}

/* ---- the disk -------------------------------------------------------------------------------- */

const char *stage_at(const char *path) {
  static char text[4][5000];
  static unsigned turn;
  char *out = text[turn++ % 4];
  snprintf(out, sizeof text[0], "%s/%s", stage.root, path);
  return out;
}

void stage_put(const char *path, const char *content, size_t len) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(content, 1, len, file), len);
  assert_int_equal(fclose(file), 0);
}

uint8_t stage_pattern(uint64_t offset) {
  return (uint8_t)(offset * 151 + (offset >> 13));
}

void stage_put_pattern(const char *path, size_t len) {
  char *bytes = malloc(len);
  for (size_t i = 0; i < len; i++)
    bytes[i] = (char)stage_pattern(i);
  stage_put(path, bytes, len);
  free(bytes);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw) {
  (void)status, (void)kind, (void)ftw;
  return remove(path);
}

int stage_set_up(void **state) {
  char secret[80];
  (void)state;
  stage = (struct stage){.ring_max = STAGE_RING_ENTRIES};
  shifted_clock_set(CLOCK_REALTIME, 0);
  strcpy(stage.base, "/tmp/weir_test_files_XXXXXX");
  assert_non_null(mkdtemp(stage.base));
  snprintf(stage.root, sizeof stage.root, "%s/root", stage.base);
  snprintf(secret, sizeof secret, "%s/secret", stage.base);
  assert_int_equal(mkdir(stage.root, 0755), 0);
  stage_put(secret, "SECRET", 6);
  alarm(120); /* a test that hangs fails */
  return 0;
}

int stage_tear_down(void **state) {
  (void)state;
  writes_close(&stage_loop->writes);
  return nftw(stage.base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct files *stage_open(struct files_settings settings) {
  const char *note = "";
  settings.root = stage.root;
  struct io_error error = {.text = ""};
  struct files *files = files_create(&settings, &note, &error);
  if (!files) fail_msg("%s", error.text);
  assert_null(note);
  return files;
}

enum files_result stage_find(struct files *files, const char *path, uint64_t now_ns,
                             struct file **out) {
  static char clients[256];
  static uint8_t next;
  struct files_lookup lookup = {.client = &clients[next++]};
  enum files_result result = files_find(files, span_of(path, strlen(path)), now_ns, &lookup);
  assert_true(result != FILES_FOUND || lookup.file);
  *out = lookup.file;
  return result;
}

void stage_expect(struct files *files, const char *path, uint64_t now_ns, const char *content) {
  struct file *file;
  enum files_result result = stage_find(files, path, now_ns, &file);
  if (!content) {
    assert_int_equal(result, FILES_MISSING);
    return;
  }
  if (result != FILES_FOUND) fail_msg("%s: result %d", path, result);
  if (file->bytes.len != strlen(content) || memcmp(file->bytes.base, content, strlen(content)) != 0)
    fail_msg("%s: '%.*s', not '%s'", path, (int)file->bytes.len, (const char *)file->bytes.base,
             content);
  files_release(files, file);
}

uint64_t stage_read_all(struct files *files, struct file *file, uint64_t from, size_t max) {
  while (from < file->identity.size_bytes) {
    struct file_piece read = {0};
    size_t len =
        file->identity.size_bytes - from < max ? (size_t)(file->identity.size_bytes - from) : max;
    if (files_read(files, file, from, len, &read) != FILES_FOUND) break;
    assert_in_range(read.bytes.len, 1, len);
    for (size_t i = 0; i < read.bytes.len; i++)
      if (read.bytes.base[i] != stage_pattern(from + i))
        fail_msg("wrong byte at %zu", (size_t)from + i);
    from += read.bytes.len;
    files_read_end(files, &read);
  }
  return from;
}

void stage_append_to_page(void) {
  FILE *file = fopen(stage_at("page"), "a");
  fputs("more", file);
  fclose(file);
}

void stage_truncate_page(void) {
  assert_int_equal(truncate(stage_at("page"), 3), 0);
}
