/*
 * serve/test_log_queue.c - the ring of lines: order, room, drops and wake-ups; alone, and between two
 * threads.
 */
#include "tools/serve/log_queue.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/machine.h"
#include "tests/support/cmocka.h"
#include "tests/support/random.h"
#include "tools/serve/limits.h"

static struct log_queue queue;
static uint8_t line[ACCESS_LOG_QUEUE_BYTES];

static int setup(void **state) {
  (void)state;
  return log_queue_init(&queue, ACCESS_LOG_QUEUE_BYTES) ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  log_queue_destroy(&queue);
  return 0;
}

static size_t bytes_in_it(void) {
  struct iovec parts[2];
  int count = log_queue_peek(&queue, parts);
  assert_int_equal(count, (parts[0].iov_len > 0) + (parts[1].iov_len > 0));
  return parts[0].iov_len + parts[1].iov_len;
}

static void test_full(void **state) {
  (void)state;
  assert_int_equal(bytes_in_it(), 0);
  assert_false(log_queue_put(&queue, line, ACCESS_LOG_QUEUE_BYTES));
  assert_int_equal(queue.dropped, 0);
  assert_false(log_queue_put(&queue, line, 1));
  assert_int_equal(queue.lines, 1);
  assert_int_equal(queue.dropped, 1);
  assert_int_equal(bytes_in_it(), ACCESS_LOG_QUEUE_BYTES);
  log_queue_take(&queue, 1);
  assert_false(log_queue_put(&queue, line, 1));
  assert_int_equal(queue.lines, 2);
  log_queue_drop(&queue);
  assert_int_equal(queue.dropped, 2);
}

/* A line that begins at each of the last bytes before the ring's end. */
static void test_wraps(void **state) {
  (void)state;
  for (size_t i = 0; i < 100; i++)
    line[i] = (uint8_t)i;
  for (size_t before = 0; before <= 100; before++) {
    struct iovec parts[2];
    log_queue_destroy(&queue);
    assert_true(log_queue_init(&queue, ACCESS_LOG_QUEUE_BYTES));
    queue.written = queue.taken = ACCESS_LOG_QUEUE_BYTES - before;
    assert_false(log_queue_put(&queue, line, 100));
    assert_int_equal(log_queue_peek(&queue, parts), before == 0 || before == 100 ? 1 : 2);
    assert_int_equal(parts[0].iov_len, before ? before : 100);
    assert_memory_equal(parts[0].iov_base, line, parts[0].iov_len);
    assert_memory_equal(parts[1].iov_base, line + parts[0].iov_len, parts[1].iov_len);
  }
}

static void test_wakes(void **state) {
  (void)state;
  assert_false(log_queue_put(&queue, line, 10)); /* the reader is awake */
  assert_false(log_queue_wake_at(&queue, 10));
  assert_false(log_queue_put(&queue, line, 10)); /* the reader is awake: there were as many */
  log_queue_take(&queue, 20);
  assert_true(log_queue_wake_at(&queue, 10));
  assert_false(log_queue_put(&queue, line, 9));
  assert_true(log_queue_put(&queue, line, 1));
  assert_false(log_queue_put(&queue, line, 1)); /* woken once */
  assert_true(log_queue_wake_at(&queue, ACCESS_LOG_QUEUE_BYTES / 2));
  assert_true(log_queue_put(&queue, line, ACCESS_LOG_QUEUE_BYTES / 2));
}

/* ---- two threads ----------------------------------------------------------------------------- */

enum { LINES = 200000 };

static unsigned char awake, finished; /* set by the writer for the reader */

/* Lines of their number and its length: "123\n", repeated up to 60 times. */
static void *produce(void *ctx) {
  (void)ctx;
  struct random random = {7};
  for (unsigned i = 0; i < LINES; i++) {
    char text[1024];
    int len = 0;
    for (unsigned n = random_below(&random, 60) + 1; n > 0; n--)
      len += snprintf(text + len, sizeof text - (size_t)len, "%u ", i);
    text[len - 1] = '\n';
    if (log_queue_put(&queue, text, (size_t)len)) __atomic_store_n(&awake, 1, __ATOMIC_RELEASE);
    if (i % 64 == 0) sched_yield(); /* else the reader would never find the ring empty */
  }
  __atomic_store_n(&finished, 1, __ATOMIC_RELEASE);
  return NULL;
}

static void sleep_until_woken(void) {
  for (;;) {
    bool over = __atomic_load_n(&finished, __ATOMIC_ACQUIRE);
    if (__atomic_load_n(&awake, __ATOMIC_ACQUIRE)) return;
    if (over) break;
    sched_yield();
  }
  assert_int_equal(bytes_in_it(), 0); /* a wake-up was lost */
}

/* Reads what is there in bites of any size, and checks each line whole. */
static unsigned consume(struct random *random, char *text, size_t *have, unsigned *next) {
  struct iovec parts[2];
  unsigned lines = 0;
  if (log_queue_peek(&queue, parts) == 0) return 0;
  size_t take = random_below(random, 5000) + 1;
  if (take > parts[0].iov_len) take = parts[0].iov_len;
  memcpy(text + *have, parts[0].iov_base, take);
  log_queue_take(&queue, take);
  *have += take;
  for (char *end; (end = memchr(text, '\n', *have)); lines++) {
    *end = 0;
    unsigned number = (unsigned)strtoul(text, NULL, 10);
    assert_true(number >= *next);
    *next = number + 1;
    for (char *word = text; word && *word; word = strchr(word, ' ') ? strchr(word, ' ') + 1 : NULL)
      assert_int_equal(strtoul(word, NULL, 10), number);
    *have -= (size_t)(end + 1 - text);
    memmove(text, end + 1, *have);
  }
  return lines;
}

static void test_two_threads(void **state) {
  (void)state;
  static char text[16384];
  struct random random = {3};
  size_t have = 0;
  unsigned next = 0, sleeps = 0;
  uint64_t lines = 0;
  pthread_t producer;
  assert_int_equal(pthread_create(&producer, NULL, produce, NULL), 0);
  while (lines + counter_get(&queue.dropped) < LINES) {
    lines += consume(&random, text, &have, &next);
    __atomic_store_n(&awake, 0, __ATOMIC_RELAXED);
    if (!log_queue_wake_at(&queue, 1)) continue;
    sleeps++;
    sleep_until_woken();
  }
  pthread_join(producer, NULL);
  assert_int_equal(have, 0);
  assert_int_equal(lines, queue.lines);
  print_message("%llu lines, %llu dropped, %u sleeps\n", (unsigned long long)lines,
                (unsigned long long)queue.dropped, sleeps);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {TEST(test_full), TEST(test_wraps), TEST(test_wakes),
                                     TEST(test_two_threads)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
