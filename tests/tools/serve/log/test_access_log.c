/*
 * serve/log/test_access_log.c - the handler that logs: it passes requests on unchanged, and queues one line
 * for each when it has ended, also when there was no memory for its texts.
 */
#include "tools/serve/log/access_log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/text.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/fake.h"
#include "tools/serve/limits.h"

static struct counted_memory memory;
static struct log_writer *writer; /* whose thread does not run */
static struct access_log *log_of_worker;
static struct fake_stream fake;
static unsigned requests, mistakes;

static void answer(void *ctx, struct stream *stream, const struct request *request,
                   uint64_t now_ns) {
  (void)now_ns;
  assert_ptr_equal(ctx, &requests);
  assert_true(span_is(request->scheme, "https"));
  (void)stream_respond(stream, 204, NULL, 0, BODY_NONE);
  requests++;
}

static void mistake(void *ctx, struct stream *stream, const char *what) {
  (void)stream, (void)what;
  assert_ptr_equal(ctx, &requests);
  mistakes++;
}

static const char *const protocols[] = {"test", NULL};
static const struct handler inner = {
    .ctx = &requests, .request = answer, .mistake = mistake, .protocols = protocols};

static int setup(void **state) {
  (void)state;
  struct io_error error;
  const struct memory *lent = counted_init(&memory);
  writer = log_writer_open("/dev/null", 1, ACCESS_LOG_QUEUE_BYTES, &error);
  const struct access_log_settings settings = {.memory = lent,
                                               .inner = &inner,
                                               .writer = writer,
                                               .queue = log_writer_queue(writer, 0),
                                               .format = LOG_COMBINED,
                                               .requests_max = 2};
  log_of_worker = access_log_create(&settings);
  requests = mistakes = 0;
  return writer && log_of_worker ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  access_log_destroy(log_of_worker);
  log_writer_close(writer);
  assert_int_equal(memory.bytes, 0);
  return 0;
}

static void ask(struct fake_stream *stream, const char *path, const struct header *fields,
                size_t count) {
  *stream = (struct fake_stream){0};
  fake_request(stream, access_log_handler(log_of_worker), "GET", path, fields, count, 0);
  assert_int_equal(stream->status, 204);
}

static void end(struct fake_stream *stream, uint64_t ended_ns) {
  const struct handler *handler = access_log_handler(log_of_worker);
  const struct stream_facts facts = {
      .protocol = "HTTP/2", .status = 204, .ended_ns = ended_ns, .begun_ns = ended_ns};
  fake_free(stream);
  handler->ended(handler->ctx, &stream->stream, &facts);
}

/* The lines that were queued. */
static const char *lines(void) {
  static char text[65536];
  struct iovec parts[2];
  log_queue_peek(log_writer_queue(writer, 0), parts);
  assert_true(parts[0].iov_len < sizeof text);
  memcpy(text, parts[0].iov_base, parts[0].iov_len);
  text[parts[0].iov_len] = 0;
  return text;
}

static void test_line(void **state) {
  (void)state;
  const struct header fields[] = {header_of(TOKEN_USER_AGENT, span_text("curl")),
                                  header_of(TOKEN_REFERER, span_text("https://a/"))};
  ask(&fake, "/path", fields, 2);
  assert_int_equal(requests, 1);
  assert_string_equal(lines(), "");
  end(&fake, 0);
  assert_non_null(strstr(lines(), "\"GET /path HTTP/2.0\" 204 0 \"https://a/\" \"curl\" HTTP/2 "));
  assert_int_equal(log_writer_counts(writer).lines, 1);
}

static void test_passes_on(void **state) {
  (void)state;
  const struct handler *handler = access_log_handler(log_of_worker);
  assert_ptr_equal(handler->protocols, protocols);
  handler->mistake(handler->ctx, NULL, "");
  assert_int_equal(mistakes, 1);
}

/* Texts of any length up to the bound come back; those of many requests at once do, too. */
static void test_long_texts(void **state) {
  (void)state;
  static char path[ACCESS_LOG_PATH_BYTES_MAX + 1];
  for (size_t len = 1; len <= ACCESS_LOG_PATH_BYTES_MAX;
       len += len < ACCESS_LOG_SMALL_BYTES ? 1 : 997) {
    memset(path, 'a', len);
    path[0] = '/', path[len] = 0;
    ask(&fake, path, NULL, 0);
    end(&fake, 0);
    assert_non_null(strstr(lines(), path));
    log_queue_take(log_writer_queue(writer, 0), strlen(lines()));
  }
}

/* More requests than there are places: they are answered, and their lines are counted as dropped. */
static void test_no_room(void **state) {
  (void)state;
  struct fake_stream streams[3];
  for (unsigned i = 0; i < 3; i++)
    ask(&streams[i], "/", NULL, 0);
  for (unsigned i = 0; i < 3; i++)
    end(&streams[i], 0);
  assert_int_equal(requests, 3);
  struct log_counts counts = log_writer_counts(writer);
  assert_int_equal(counts.lines, 2);
  assert_int_equal(counts.dropped, 1);
}

/* The engine's clock is not the wall clock. */
static void test_clock(void **state) {
  (void)state;
  const uint64_t now_ns = 5000000000;
  char begin[32];
  time_t before = time(NULL);
  access_log_second(log_of_worker, now_ns);
  ask(&fake, "/", NULL, 0);
  end(&fake, now_ns + 3600 * UINT64_C(1000000000));
  for (time_t at = before; at <= time(NULL) + 1;
       at++) { /* time() lags behind by some milliseconds */
    time_t hour_later = at + 3600;
    strftime(begin, sizeof begin, "[%d/%b/%Y:%H:%M:%S", gmtime(&hour_later));
    if (strstr(lines(), begin)) return;
  }
  fail_msg("%s is not in %s", begin, lines());
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {TEST(test_line), TEST(test_passes_on), TEST(test_long_texts),
                                     TEST(test_no_room), TEST(test_clock)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
