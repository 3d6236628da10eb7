/*
 * support/stage.h - the surroundings of io/files that a test plays: a directory on the disk, a page
 * cache that may be cold, and the ring, which answers reads when the test says so.
 *
 * A program that uses the stage contains STAGE_KERNEL once, which defines preadv2(), loop_read()
 * and loop_nop().
 * (Defined here, they would be linked into every test that calls them.) The monotonic time is an
 * argument, and the wall clock is support/shifted_clock.h.
 */
#ifndef WEIR_TESTS_STAGE_H
#define WEIR_TESTS_STAGE_H

#include "io/files/files.h"
#include "io/files/limits.h"
#include "io/ring/loop.h"

#include <sys/uio.h>

enum { STAGE_RING_ENTRIES = 64 };

extern struct stage {
  int read_error;            /* not 0: reads fail with it */
  bool page_cache_cold;      /* RWF_NOWAIT finds nothing */
  void (*before_read)(void); /* called during a read, to change the file */
  size_t read_bytes_max;     /* if not 0, a read returns no more than this */
  unsigned ring_count;       /* reads that wait for their answer */
  unsigned ring_max;         /* reads that the ring accepts */
  char base[64], root[80];   /* directories; base/secret lies outside of root */
} stage;

ssize_t stage_preadv2(int fd, const struct iovec *vector, int count, off_t offset, int flags);
bool stage_begin(struct loop *loop, struct loop_op *op, int fd, void *buffer, unsigned len,
                 uint64_t offset);

#define STAGE_KERNEL                                                                               \
  ssize_t preadv2(int fd, const struct iovec *vector, int count, off_t offset, int flags) {        \
    return stage_preadv2(fd, vector, count, offset, flags);                                        \
  }                                                                                                \
  bool loop_read(struct loop *loop, struct loop_op *op, int fd, void *buffer, unsigned len,        \
                 uint64_t offset) {                                                                \
    return stage_begin(loop, op, fd, buffer, len, offset);                                         \
  }                                                                                                \
  bool loop_nop(struct loop *loop, struct loop_op *op) {                                           \
    return stage_begin(loop, op, -1, NULL, 0, 0);                                                  \
  }

/* For struct files_settings. */
extern struct loop *const stage_loop;

/* Before and after each test: a fresh directory with an empty root. */
int stage_set_up(void **state);
int stage_tear_down(void **state);
#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)

/* Answers the oldest read with `result`, or with the file's bytes if that is 0. */
void stage_answer(int result);

/* The path of a file below the root. Valid until the fourth call from now. */
const char *stage_at(const char *path);

void stage_put(const char *path, const char *content, size_t len);

/* Byte `offset` of a file that stage_put_pattern() made. */
uint8_t stage_pattern(uint64_t offset);
void stage_put_pattern(const char *path, size_t len);

/* Makes a file that is too large to be held in memory. */
enum { STAGE_LARGE_BYTES = FILES_SMALL_BYTES + 100000 };

/* Changes to the file "page". */
void stage_append_to_page(void);
void stage_truncate_page(void); /* to three bytes */

/* Files on the stage's root, without a callback for reasons. */
struct files *stage_open(struct files_settings settings);

/* A lookup of a new client, not cancelled. With FILES_FOUND, `*out` is the file. */
enum files_result stage_find(struct files *files, const char *path, uint64_t now_ns,
                             struct file **out);

/* Asserts that the path leads to a small file with this content; NULL: to nothing. */
void stage_expect(struct files *files, const char *path, uint64_t now_ns, const char *content);

/* Reads a file with the pattern in pieces of `max`. Returns the offset of the first failure. */
uint64_t stage_read_all(struct files *files, struct file *file, uint64_t from, size_t max);

#endif
