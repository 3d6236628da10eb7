/*
 * ring/test_readers.c - threads that read files, with a disk that answers when the test says so.
 */
#include "io/ring/limits.h"
#include "io/ring/readers.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The disk. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  unsigned waiting, answers;
} disk = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};

ssize_t pread(int fd, void *buffer, size_t len, off_t offset) {
  pthread_mutex_lock(&disk.lock);
  disk.waiting++;
  pthread_cond_broadcast(&disk.changed);
  while (disk.answers == 0)
    pthread_cond_wait(&disk.changed, &disk.lock);
  disk.answers--;
  disk.waiting--;
  pthread_mutex_unlock(&disk.lock);
  if (fd < 0) {
    errno = EBADF;
    return -1;
  }
  *(uint8_t *)buffer = (uint8_t)offset;
  return (ssize_t)len;
}

static void answer(unsigned count) {
  pthread_mutex_lock(&disk.lock);
  disk.answers += count;
  pthread_cond_broadcast(&disk.changed);
  pthread_mutex_unlock(&disk.lock);
}

static void wait_for_reads(unsigned count) {
  pthread_mutex_lock(&disk.lock);
  while (disk.waiting < count)
    pthread_cond_wait(&disk.changed, &disk.lock);
  pthread_mutex_unlock(&disk.lock);
}

enum { JOBS = 3 * IO_READERS };
static struct item_job jobs[JOBS];
static uint8_t bytes[JOBS];
static struct readers *readers;
static int event_fd;

static void begin(void) {
  event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  readers = readers_open(event_fd);
  assert_non_null(readers);
  for (unsigned i = 0; i < JOBS; i++)
    jobs[i] = (struct item_job){.item = {.buffer = &bytes[i], .len = 1}, .fd = 5, .offset = i};
}

/* Takes jobs until there are `count`, in any order. */
static void take(unsigned count) {
  struct list_node list, *node;
  list_init(&list);
  while (count > 0) {
    struct pollfd event = {.fd = event_fd, .events = POLLIN};
    uint64_t value;
    assert_int_equal(poll(&event, 1, 10000), 1);
    assert_int_equal(read(event_fd, &value, sizeof value), sizeof value);
    readers_take(readers, &list);
    for (; (node = list_take_first(&list)); count--) {
      struct item_job *job = LIST_OWNER(node, struct item_job, item.node);
      assert_int_equal(job->item.result, job->fd < 0 ? -EBADF : 1);
      assert_int_equal(bytes[job - jobs], job->fd < 0 ? 0 : job->offset);
    }
  }
}

static void end(void) {
  readers_close(readers);
  close(event_fd);
}

/* As many at once as there are threads; the rest wait, and may be withdrawn meanwhile. */
static void test_threads(void **state) {
  (void)state;
  begin();
  jobs[1].fd = -1;
  for (unsigned i = 0; i < JOBS; i++)
    assert_true(readers_read(readers, &jobs[i]));
  wait_for_reads(IO_READERS);
  usleep(20000);
  assert_int_equal(disk.waiting, IO_READERS);
  assert_false(readers_withdraw(readers, &jobs[0]));
  assert_true(readers_withdraw(readers, &jobs[JOBS - 1]));
  assert_false(readers_withdraw(readers, &jobs[JOBS - 1]));
  answer(JOBS - 1);
  take(JOBS - 1);
  assert_true(readers_read(readers, &jobs[JOBS - 1]));
  answer(1);
  take(1);
  end();
}

/* Nobody waits for a disk that hangs: the threads end when it answers, and free what is left. */
static void test_hanging_disk(void **state) {
  (void)state;
  begin();
  assert_true(readers_read(readers, &jobs[0]));
  wait_for_reads(1);
  end();
  answer(1);
  usleep(50000); /* a leak, or a use after it was freed, is the sanitizer's to find */
}

static void test_unused(void **state) {
  (void)state;
  begin();
  end();
  readers_close(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_hanging_disk),
      cmocka_unit_test(test_unused),
  };
  return cmocka_run_group_tests_name("readers", tests, NULL, NULL);
}
