/*
 * serve/log/test_queue.c - the ring of lines: order, room, drops and wake-ups; alone, and between two
 * threads. Lines are text, or requests of which the reader makes text.
 */
#include "tools/serve/log/queue.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/machine.h"
#include "engine/base/text.h"
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

/* ---- requests -------------------------------------------------------------------------------- */

enum { ROOM_BYTES = sizeof(struct log_request) + ACCESS_LOG_TEXT_BYTES_MAX };

static struct stream_facts facts = {.protocol = "HTTP/2", .status = 200, .ended_ns = 1250999};
static struct machine_peer peer = {.address = {0x20, [15] = 1}, .secure_version = "TLSv1.3"};
static const struct machine_peer other_peer = {.port = 1};

static size_t path_bytes(uint64_t number) {
  uint64_t hash = random_mix(number);
  return hash % 16 ? hash % 100 : hash % ACCESS_LOG_PATH_BYTES_MAX;
}

/* The line of a request that differs from all others; `room` is for its texts, ROOM_BYTES. Every
 * seventh has a path of bytes that become six each. */
static struct log_line request_line(struct log_request *room, uint64_t number, size_t path_len) {
  static _Thread_local uint8_t path[ACCESS_LOG_PATH_BYTES_MAX];
  memset(path, number % 7 ? (int)('a' + number % 26) : 1, path_len);
  const struct span texts[LOG_TEXTS] = {[LOG_METHOD] = span_text("GET"),
                                        [LOG_PATH] = span_of(path, path_len),
                                        [LOG_USER_AGENT] = span_text("\"me\"")};
  log_request_fill(room, texts);
  return (struct log_line){.request = room,
                           .facts = &facts,
                           .peer = number % 3 ? &peer : &other_peer,
                           .stream_id = number,
                           .wall_ns = (int64_t)number * 1000000000};
}

static bool put_request(uint64_t number, size_t path_len) {
  struct log_request *room = malloc(ROOM_BYTES);
  const struct log_line request = request_line(room, number, path_len);
  bool wake = log_queue_put_line(&queue, &request);
  free(room);
  return wake;
}

static size_t text_of(char *out, enum log_format format, uint64_t number, size_t path_len) {
  static struct log_date date;
  struct log_request *room = malloc(ROOM_BYTES);
  const struct log_line request = request_line(room, number, path_len);
  size_t len = log_line_write(format, &request, &date, out);
  free(room);
  return len;
}

/* Checks that the first text is this request's, whole, and takes it. */
static void take_line(enum log_format format, uint64_t number, size_t path_len) {
  static char want[ACCESS_LOG_LINE_BYTES_MAX];
  struct iovec parts[2];
  size_t len = text_of(want, format, number, path_len);
  assert_int_equal(log_queue_peek(&queue, parts), 1);
  assert_true(parts[0].iov_len >= len);
  assert_memory_equal(parts[0].iov_base, want, len);
  log_queue_take(&queue, len);
}

/* A request that begins at each of the last bytes before the ring's end. */
static void test_requests_wrap(void **state) {
  (void)state;
  assert_true(log_queue_format(&queue, LOG_JSON));
  for (size_t before = 0; before <= 400; before++) {
    queue.written = queue.taken = ACCESS_LOG_QUEUE_BYTES - before;
    assert_false(put_request(before, 100));
    assert_true(log_queue_bytes(&queue) > 100 && log_queue_bytes(&queue) < 400);
    take_line(LOG_JSON, before, 100);
    assert_int_equal(log_queue_bytes(&queue), 0);
    assert_int_equal(bytes_in_it(), 0);
  }
}

/* Requests of all sizes, the ring full again and again: those that were dropped are counted, the others
 * come in order. */
static void requests_of_all_sizes(enum log_format format) {
  enum { REQUESTS = 60000 };
  uint32_t *kept = malloc(REQUESTS * sizeof *kept), first = 0, end = 0;
  struct random random = {11};
  assert_true(log_queue_format(&queue, format));
  for (uint32_t i = 0; i < REQUESTS; i++) {
    uint64_t before = queue.lines;
    assert_false(put_request(i, path_bytes(i)));
    assert_int_equal(queue.lines + queue.dropped, i + 1);
    if (queue.lines > before) kept[end++] = i;
    if (random_below(&random, 10000) > 0) continue;
    for (uint32_t n = random_below(&random, end - first + 1); n > 0; n--, first++)
      take_line(format, kept[first], path_bytes(kept[first]));
  }
  assert_true(queue.dropped > 0);
  for (; first < end; first++)
    take_line(format, kept[first], path_bytes(kept[first]));
  assert_int_equal(bytes_in_it(), 0);
  free(kept);
}

static void test_requests_combined(void **state) {
  (void)state;
  requests_of_all_sizes(LOG_COMBINED);
}

static void test_requests_json(void **state) {
  (void)state;
  requests_of_all_sizes(LOG_JSON);
}

/* The longest lines: one at a time. Short ones: many at a time. */
static void test_requests_at_once(void **state) {
  (void)state;
  static uint8_t text[ACCESS_LOG_PATH_BYTES_MAX];
  struct log_request *room = malloc(ROOM_BYTES);
  struct span texts[LOG_TEXTS];
  memset(text, 1, sizeof text);
  for (unsigned i = 0; i < LOG_TEXTS; i++)
    texts[i] = span_of(text, sizeof text);
  struct log_line longest = request_line(room, 1, 0);
  log_request_fill(room, texts);
  assert_int_equal(room->text_bytes, ACCESS_LOG_TEXT_BYTES_MAX);
  assert_true(log_queue_format(&queue, LOG_JSON));
  for (unsigned i = 0; i < 3; i++)
    assert_false(log_queue_put_line(&queue, &longest));
  for (unsigned i = 0; i < 3; i++) {
    size_t bytes = bytes_in_it();
    assert_true(bytes > LOG_TEXT_GROWTH * ACCESS_LOG_TEXT_BYTES_MAX &&
                bytes <= ACCESS_LOG_LINE_BYTES_MAX);
    log_queue_take(&queue, 1);
    assert_int_equal(bytes_in_it(), bytes - 1); /* the rest of it first */
    log_queue_take(&queue, bytes - 1);
  }
  for (unsigned i = 0; i < 1000; i++)
    assert_false(put_request(1, 1));
  assert_true(bytes_in_it() > ACCESS_LOG_LINE_BYTES_MAX - 4 * ACCESS_LOG_LINE_REST_BYTES_MAX);
  free(room);
}

static void test_requests_wake(void **state) {
  (void)state;
  assert_true(log_queue_format(&queue, LOG_COMBINED));
  assert_true(log_queue_wake_at(&queue, 1));
  assert_true(put_request(1, 10));
  assert_false(put_request(2, 10)); /* woken once */
  take_line(LOG_COMBINED, 1, 10);
  take_line(LOG_COMBINED, 2, 10);
  assert_true(log_queue_wake_at(&queue, ACCESS_LOG_QUEUE_BYTES / 2));
  while (log_queue_bytes(&queue) < ACCESS_LOG_QUEUE_BYTES / 2 - 400)
    assert_false(put_request(3, 10));
  assert_true(put_request(4, 400));
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

enum { THREAD_REQUESTS = 20000 }; /* none is dropped: the ring has room for all */

static void *produce_requests(void *ctx) {
  (void)ctx;
  assert_true(log_queue_format(&queue, LOG_COMBINED));
  for (unsigned i = 0; i < THREAD_REQUESTS; i++) {
    (void)put_request(i, 5);
    if (i % 64 == 0) sched_yield(); /* else the reader would never find the ring empty */
  }
  return NULL;
}

static void test_two_threads_requests(void **state) {
  (void)state;
  struct iovec parts[2];
  pthread_t producer;
  assert_int_equal(pthread_create(&producer, NULL, produce_requests, NULL), 0);
  for (unsigned i = 0; i < THREAD_REQUESTS; i++) {
    while (log_queue_peek(&queue, parts) == 0)
      sched_yield();
    take_line(LOG_COMBINED, i, 5);
  }
  pthread_join(producer, NULL);
  assert_int_equal(queue.lines, THREAD_REQUESTS);
  assert_int_equal(bytes_in_it(), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {TEST(test_full),
                                     TEST(test_wraps),
                                     TEST(test_wakes),
                                     TEST(test_requests_wrap),
                                     TEST(test_requests_combined),
                                     TEST(test_requests_json),
                                     TEST(test_requests_at_once),
                                     TEST(test_requests_wake),
                                     TEST(test_two_threads),
                                     TEST(test_two_threads_requests)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
