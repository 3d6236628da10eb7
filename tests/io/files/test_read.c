/*
 * files/test_read.c - content that is not in memory yet.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/files/limits.h"
#include "io/files/private.h"
#include "tests/support/cmocka.h"
#include "tests/support/stage.h"

STAGE_KERNEL

/* ---- the ring -------------------------------------------------------------------------------- */

struct waiter {
  struct files_lookup lookup;
  int calls;
  enum files_result result;
};

static void lookup_done(struct files_lookup *lookup, enum files_result result) {
  struct waiter *waiter = (struct waiter *)lookup;
  waiter->calls++;
  waiter->result = result;
}

static enum files_result wait_for(struct files *files, struct waiter *waiter, const char *path) {
  *waiter = (struct waiter){.lookup = {.done = lookup_done, .client = waiter}};
  return files_find(files, span_of(path, strlen(path)), IO_SECOND, &waiter->lookup);
}

static void test_load_waits_for_the_ring(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){.loop = stage_loop});
  struct waiter a, b, c, d;
  char path[] = "page";
  stage_put(stage_at("page"), "from disk", 9);
  stage.page_cache_cold = true;
  assert_int_equal(wait_for(files, &a, path), FILES_PENDING);
  memset(path, 'x', 4); /* the path was only borrowed */
  assert_int_equal(wait_for(files, &b, "page"), FILES_PENDING);
  assert_int_equal(wait_for(files, &c, "page"), FILES_PENDING);
  assert_int_equal(wait_for(files, &d, "other"), FILES_MISSING);
  assert_int_equal(stage.ring_count, 1); /* one read for all */
  files_find_cancel(&b.lookup);
  stage_answer(-EINTR);
  assert_int_equal(a.calls, 0);
  stage_answer(0);
  assert_int_equal(a.calls + c.calls, 2);
  assert_int_equal(b.calls, 0);
  assert_int_equal(files_counters(files)->reads_waited, 2); /* one was interrupted */
  assert_int_equal(a.result, FILES_FOUND);
  assert_ptr_equal(a.lookup.file, c.lookup.file);
  assert_memory_equal(a.lookup.file->bytes.base, "from disk", 9);
  files_release(files, a.lookup.file);
  files_release(files, c.lookup.file);
  stage_expect(files, "page", IO_SECOND, "from disk"); /* listed */
  files_destroy(files);
}

/* Without the ring, reads say themselves that they failed. */
static void test_load_fails(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){0});
  struct file *file;
  stage_put(stage_at("page"), "content", 7);
  stage.read_error = EIO;
  assert_int_equal(stage_find(files, "page", IO_SECOND, &file), FILES_FAILED);
  stage.read_error = ENOMEM;
  assert_int_equal(stage_find(files, "page", IO_SECOND, &file), FILES_BUSY);
  stage.read_error = 0;
  stage_expect(files, "page", IO_SECOND, "content");
  files_destroy(files);
}

static void test_load_fails_at_the_ring(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){.loop = stage_loop});
  struct waiter a;
  stage_put(stage_at("page"), "from disk", 9);
  stage.page_cache_cold = true;
  assert_int_equal(wait_for(files, &a, "page"), FILES_PENDING);
  stage_answer(-EIO);
  assert_int_equal(a.result, FILES_FAILED);

  assert_int_equal(wait_for(files, &a, "page"), FILES_PENDING);
  stage_truncate_page(); /* the file shrinks meanwhile: read again, as it is now */
  stage_answer(0);       /* three bytes */
  stage_answer(0);       /* its end */
  stage_answer(0);       /* the three bytes of a second attempt */
  assert_int_equal(a.result, FILES_FOUND);
  assert_int_equal(a.lookup.file->bytes.len, 3);
  files_release(files, a.lookup.file);

  stage_put(stage_at("second"), "x", 1);
  assert_int_equal(wait_for(files, &a, "second"), FILES_PENDING);
  files_find_cancel(&a.lookup);
  stage_answer(0); /* no lookup waits any more */
  assert_int_equal(a.calls, 0);

  stage_put(stage_at("third"), "x", 1);
  stage.ring_max = 0; /* the ring accepts nothing */
  assert_int_equal(wait_for(files, &a, "third"), FILES_PENDING);
  files_trim(files, IO_SECOND); /* still not */
  assert_int_equal(a.calls, 0);
  stage.ring_max = 64;
  files_trim(files, IO_SECOND);
  stage_answer(0);
  assert_int_equal(a.calls, 1);
  assert_int_equal(a.result, FILES_FOUND);
  files_release(files, a.lookup.file);
  files_destroy(files);
}

/* Lookups that find no space, here in the ring, wait in their order, for at most FILES_QUEUED_NS. */
static void test_queue(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){.loop = stage_loop});
  struct waiter a, b, c, d;
  stage_put(stage_at("a"), "a", 1);
  stage_put(stage_at("b"), "b", 1);
  stage_put(stage_at("c"), "c", 1);
  stage_put(stage_at("d"), "d", 1);
  stage.page_cache_cold = true;
  stage.ring_max = 1;
  char path[] = "b";
  assert_int_equal(wait_for(files, &a, "a"), FILES_PENDING);
  assert_int_equal(wait_for(files, &b, path), FILES_PENDING);
  path[0] = 'x'; /* was only borrowed */
  assert_int_equal(wait_for(files, &c, "c"), FILES_PENDING);
  assert_int_equal(wait_for(files, &d, "d"), FILES_PENDING);
  files_find_cancel(&c.lookup);
  assert_int_equal(files->queue.count, 2);
  stage_answer(0); /* a's, and b's turn comes */
  assert_int_equal(a.result, FILES_FOUND);
  assert_int_equal(files->queue.count, 1);
  stage_answer(0);
  assert_int_equal(b.result, FILES_FOUND);
  assert_memory_equal(b.lookup.file->bytes.base, "b", 1);
  files_release(files, a.lookup.file);
  files_release(files, b.lookup.file);
  assert_int_equal(wait_for(files, &c, "c"), FILES_PENDING); /* the ring has d's */
  files_trim(files, IO_SECOND + FILES_QUEUED_NS - 1);
  assert_int_equal(c.calls, 0);
  files_trim(files, IO_SECOND + FILES_QUEUED_NS);
  assert_int_equal(c.calls, 1);
  assert_int_equal(c.result, FILES_BUSY);
  stage_answer(0);
  assert_int_equal(d.result, FILES_FOUND);
  files_release(files, d.lookup.file);
  files_destroy(files);
}

/* Lookups that wait for the ring to read go on waiting when it takes no more of the same load. */
static void test_ring_refuses_the_rest_of_a_load(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){.loop = stage_loop});
  struct waiter a, b;
  stage_put(stage_at("page"), "page", 4);
  stage.page_cache_cold = true;
  assert_int_equal(wait_for(files, &a, "page"), FILES_PENDING);
  assert_int_equal(wait_for(files, &b, "page"), FILES_PENDING);
  stage.ring_max = 0;
  stage_answer(-EINTR);
  assert_int_equal(a.calls + b.calls, 0);
  assert_int_equal(files->queue.count, 2);
  stage.ring_max = 1;
  files_trim(files, IO_SECOND + 1);
  assert_int_equal(stage.ring_count, 1); /* one read for both again */
  stage_answer(0);
  assert_int_equal(a.result, FILES_FOUND);
  assert_int_equal(b.result, FILES_FOUND);
  assert_ptr_equal(a.lookup.file, b.lookup.file);
  files_release(files, a.lookup.file);
  files_release(files, b.lookup.file);

  stage_put(stage_at("other"), "other", 5); /* for ever: until its time is over */
  assert_int_equal(wait_for(files, &a, "other"), FILES_PENDING);
  stage.ring_max = 0;
  stage_answer(-EINTR);
  files_trim(files, IO_SECOND + FILES_QUEUED_NS - 1);
  assert_int_equal(a.calls, 0);
  files_trim(files, IO_SECOND + FILES_QUEUED_NS);
  assert_int_equal(a.result, FILES_BUSY);
  files_destroy(files);
}

/* Large files wait for a descriptor, in a queue of their own: small ones pass them. */
static void test_queue_for_descriptors(void **state) {
  (void)state;
  struct files *files =
      stage_open((struct files_settings){.loop = stage_loop, .descriptors_max = 1});
  struct waiter a, b, c, small;
  stage_put_pattern(stage_at("a"), STAGE_LARGE_BYTES);
  stage_put_pattern(stage_at("b"), STAGE_LARGE_BYTES);
  stage_put_pattern(stage_at("c"), STAGE_LARGE_BYTES);
  stage_put(stage_at("small"), "small", 5);
  assert_int_equal(wait_for(files, &a, "a"), FILES_FOUND);
  assert_int_equal(wait_for(files, &b, "b"), FILES_PENDING);
  assert_int_equal(wait_for(files, &c, "c"), FILES_PENDING);
  stage.page_cache_cold = true;
  stage.ring_max = 0;
  assert_int_equal(wait_for(files, &small, "small"), FILES_PENDING);
  assert_int_equal(files->descriptor_queue.count, 2);
  assert_int_equal(files->queue.count, 1);
  stage.ring_max = 2;
  files_trim(files, 2 * IO_SECOND);
  stage_answer(0);
  assert_int_equal(small.result, FILES_FOUND);
  assert_int_equal(b.calls + c.calls, 0);
  files_release(files, small.lookup.file);
  assert_int_equal(stage.ring_count, 0); /* no descriptor came free */
  files_release(files, a.lookup.file);
  assert_int_equal(b.calls, 0); /* not inside of a release */
  stage_expect(files, "small", 2 * IO_SECOND, "small");
  assert_int_equal(stage.ring_count, 1); /* one turn, although more was released */
  stage_answer(0);
  assert_int_equal(b.calls, 1);
  assert_int_equal(b.result, FILES_FOUND);
  assert_int_equal(b.lookup.file->fresh_until_ns, 2 * IO_SECOND + FILES_FRESH_NS);
  assert_int_equal(c.calls, 0);
  for (unsigned second = 0; second <= FILES_HOLD_SECONDS; second++) {
    assert_int_equal(c.calls, 0);
    files_trim(files, IO_SECOND);
  }
  assert_int_equal(c.result, FILES_FOUND); /* b is not read */
  assert_int_equal(b.lookup.file->fd, -1);
  files_release(files, b.lookup.file);
  files_release(files, c.lookup.file);
  files_destroy(files);
}

/* A lookup below a new root does not join a load below the old one. */
static void test_root_changes_during_a_load(void **state) {
  (void)state;
  char old[80];
  struct files *files = stage_open((struct files_settings){.loop = stage_loop});
  struct waiter a, b, c;
  stage_put(stage_at("page"), "one", 3);
  stage.page_cache_cold = true;
  assert_int_equal(wait_for(files, &a, "page"), FILES_PENDING);
  snprintf(old, sizeof old, "%s/old", stage.base);
  assert_int_equal(rename(stage.root, old), 0);
  assert_int_equal(mkdir(stage.root, 0755), 0);
  stage_put(stage_at("page"), "two", 3);
  files_trim(files, IO_SECOND);
  assert_int_equal(wait_for(files, &b, "page"), FILES_PENDING);
  assert_int_equal(stage.ring_count, 2);
  stage_answer(0);
  assert_int_equal(wait_for(files, &c, "page"),
                   FILES_PENDING); /* what has come is not the new root's */
  stage_answer(0);
  assert_memory_equal(a.lookup.file->bytes.base, "one", 3);
  assert_ptr_equal(c.lookup.file, b.lookup.file);
  files_release(files, c.lookup.file);
  assert_memory_equal(b.lookup.file->bytes.base, "two", 3);
  stage_expect(files, "page", IO_SECOND, "two");
  files_release(files, a.lookup.file);
  files_release(files, b.lookup.file);
  files_destroy(files);
}

/* A load waits for the ring, not for a descriptor, whatever the lookup before it waits for. */
static void test_queue_of_a_load(void **state) {
  (void)state;
  struct files *files =
      stage_open((struct files_settings){.loop = stage_loop, .descriptors_max = 1});
  struct waiter a, b, small;
  stage_put_pattern(stage_at("a"), STAGE_LARGE_BYTES);
  stage_put_pattern(stage_at("b"), STAGE_LARGE_BYTES);
  stage_put(stage_at("small"), "small", 5);
  assert_int_equal(wait_for(files, &a, "a"), FILES_FOUND);
  stage.page_cache_cold = true;
  assert_int_equal(wait_for(files, &small, "small"), FILES_PENDING);
  assert_int_equal(wait_for(files, &b, "b"), FILES_PENDING);
  assert_int_equal(files->descriptor_queue.count, 1);
  stage.ring_max = 0;
  stage_answer(-EINTR);
  assert_int_equal(files->descriptor_queue.count, 1);
  assert_int_equal(files->queue.count, 1);
  assert_null(small.lookup.load); /* it is gone */
  files_find_cancel(&small.lookup);
  files_find_cancel(&b.lookup);
  files_release(files, a.lookup.file);
  assert_int_equal(small.calls + b.calls, 0);
  files_destroy(files);
}

/* Many lookups that could start at once are spread over several turns of the loop. */
static void test_queue_takes_turns(void **state) {
  enum { MANY = FILES_QUEUE_RUN + 1 };
  (void)state;
  struct files *files = stage_open((struct files_settings){.loop = stage_loop});
  struct waiter a[MANY];
  stage_put(stage_at("a"), "a", 1);
  stage.page_cache_cold = true;
  stage.ring_max = 0;
  for (unsigned i = 0; i < MANY; i++)
    assert_int_equal(wait_for(files, &a[i], "a"), FILES_PENDING);
  stage.page_cache_cold = false;
  stage.ring_max = 1;
  files_trim(files, IO_SECOND);
  assert_int_equal(a[MANY - 2].calls, 1);
  assert_int_equal(a[MANY - 1].calls, 0);
  stage_answer(0);
  for (unsigned i = 0; i < MANY; i++) {
    assert_int_equal(a[i].calls, 1);
    assert_int_equal(a[i].result, FILES_FOUND);
    files_release(files, a[i].lookup.file);
  }

  stage_put(stage_at("b"), "b", 1);
  stage.page_cache_cold = true;
  stage.ring_max = 0;
  for (unsigned i = 0; i < MANY; i++)
    assert_int_equal(wait_for(files, &a[i], "b"), FILES_PENDING);
  stage.page_cache_cold = false;
  files_trim(files, IO_SECOND); /* the ring has no room for another turn */
  assert_int_equal(a[MANY - 2].calls, 1);
  assert_int_equal(a[MANY - 1].calls, 0);
  files_trim(files, IO_SECOND);
  assert_int_equal(a[MANY - 1].calls, 1);
  for (unsigned i = 0; i < MANY; i++)
    files_release(files, a[i].lookup.file);
  files_destroy(files);
}

/* A lookup that has left the queue for the ring is cancelled there. */
static void test_cancelled_after_the_queue(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){.loop = stage_loop});
  struct waiter a, b;
  stage_put(stage_at("a"), "a", 1);
  stage.page_cache_cold = true;
  stage.ring_max = 0;
  assert_int_equal(wait_for(files, &a, "a"), FILES_PENDING);
  assert_int_equal(wait_for(files, &b, "a"), FILES_PENDING);
  stage.ring_max = 1;
  files_trim(files, IO_SECOND);
  assert_int_equal(files->queue.count, 0);
  assert_null(a.lookup.queued);
  files_find_cancel(&a.lookup);
  stage_answer(0);
  assert_int_equal(a.calls, 0);
  assert_int_equal(b.result, FILES_FOUND);
  files_release(files, b.lookup.file);
  files_destroy(files);
}

static int reads_done;
static enum files_result read_result;

static void read_done(struct file_piece *read, enum files_result result) {
  (void)read;
  reads_done++;
  read_result = result;
}

/* A read that is interrupted is tried again, as often as the ring takes it; the file is not at fault. */
static void test_read_is_put_off(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){.loop = stage_loop});
  struct file *file;
  struct file_piece a = {.done = read_done};
  stage_put_pattern(stage_at("large"), STAGE_LARGE_BYTES);
  assert_int_equal(stage_find(files, "large", IO_SECOND, &file), FILES_FOUND);
  stage.page_cache_cold = true;
  reads_done = 0;
  assert_int_equal(files_read(files, file, 0, 5000, &a), FILES_PENDING);
  for (unsigned i = 0; i < FILES_ATTEMPTS; i++)
    stage_answer(i % 2 ? -EINTR : -EAGAIN);
  assert_int_equal(reads_done, 0);
  stage_answer(-EAGAIN);
  assert_int_equal(reads_done, 1);
  assert_int_equal(read_result, FILES_BUSY);
  files_read_end(files, &a);
  assert_int_equal(files_read(files, file, 0, 5000, &a), FILES_PENDING);
  stage.ring_max = 0;
  stage_answer(-EINTR);
  assert_int_equal(reads_done, 2);
  assert_int_equal(read_result, FILES_BUSY);
  files_read_end(files, &a);
  assert_int_equal(files_read(files, file, 0, 5000, &a), FILES_BUSY);
  assert_int_equal(files_counters(files)->reads_waited, FILES_ATTEMPTS + 2);
  assert_int_equal(files_counters(files)->reads_direct, 0);
  stage.page_cache_cold = false;
  assert_int_equal(files_read(files, file, 0, 5000, &a), FILES_FOUND);
  assert_int_equal(files_counters(files)->reads_direct, 1);
  files_read_end(files, &a);
  files_release(files, file);
  files_destroy(files);
}

static void test_read_waits_for_the_ring(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){.loop = stage_loop, .reads_max = 2});
  struct file *file;
  struct file_piece a = {.done = read_done}, b = {.done = read_done}, c = {.done = read_done};
  stage_put_pattern(stage_at("large"), STAGE_LARGE_BYTES);
  assert_int_equal(stage_find(files, "large", IO_SECOND, &file), FILES_FOUND);
  stage.page_cache_cold = true;
  reads_done = 0;
  assert_int_equal(files_read(files, file, 70000, 5000, &a), FILES_PENDING);
  assert_int_equal(files_read(files, file, 0, 5000, &b), FILES_PENDING);
  assert_int_equal(files_read(files, file, 0, 5000, &c), FILES_BUSY);
  files_read_end(files, &b); /* gone before its answer; the buffer is still the ring's */
  assert_int_equal(files_read(files, file, 0, 5000, &c), FILES_BUSY);
  stage_answer(0);
  assert_int_equal(reads_done, 1);
  assert_int_equal(read_result, FILES_FOUND);
  assert_int_equal(a.bytes.len, 5000);
  assert_int_equal(a.bytes.base[7], stage_pattern(70007));
  stage_answer(0);
  assert_int_equal(reads_done, 1);
  files_read_end(files, &a);

  assert_int_equal(files_read(files, file, 0, 5000, &c), FILES_PENDING);
  stage_answer(-EIO);
  assert_int_equal(read_result, FILES_FAILED);
  files_read_end(files, &c);
  files_release(files, file);
  assert_int_equal(stage_find(files, "large", IO_SECOND, &file), FILES_FOUND);
  assert_int_equal(files_read(files, file, STAGE_LARGE_BYTES - 10, 10, &c), FILES_PENDING);
  assert_int_equal(truncate(stage_at("large"), 100), 0);
  stage_answer(0);
  assert_int_equal(read_result, FILES_FAILED);
  files_read_end(files, &c);

  /* All holders release the entry while the ring still reads: the descriptor stays. */
  assert_int_equal(files->reads.buffers, 2);
  files_trim(files, IO_SECOND); /* both were needed since the last time */
  assert_int_equal(files->reads.buffers, 2);
  files_trim(files, IO_SECOND);
  assert_int_equal(files->reads.buffers, 0);
  struct file_piece d = {.done = read_done};
  assert_int_equal(files_read(files, file, 0, 100, &d), FILES_PENDING);
  files_read_end(files, &d);
  files_release(files, file);
  for (unsigned i = 0; i <= FILES_HOLD_SECONDS; i++)
    files_trim(files, IO_SECOND);
  assert_false(file_cache_close_one(&files->cache, NULL));
  stage_answer(0);
  assert_true(file_cache_close_one(&files->cache, NULL));
  files_destroy(files);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STAGE_TEST(test_load_waits_for_the_ring),
      STAGE_TEST(test_load_fails),
      STAGE_TEST(test_load_fails_at_the_ring),
      STAGE_TEST(test_queue),
      STAGE_TEST(test_queue_takes_turns),
      STAGE_TEST(test_cancelled_after_the_queue),
      STAGE_TEST(test_ring_refuses_the_rest_of_a_load),
      STAGE_TEST(test_queue_for_descriptors),
      STAGE_TEST(test_root_changes_during_a_load),
      STAGE_TEST(test_queue_of_a_load),
      STAGE_TEST(test_read_is_put_off),
      STAGE_TEST(test_read_waits_for_the_ring),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
