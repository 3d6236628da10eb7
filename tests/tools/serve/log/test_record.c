/*
 * serve/log/test_record.c - the handler that records: it passes requests on unchanged, and queues one
 * line of JSON for each when it has ended, also around a handler that needs `stream->log`.
 */
#include "tools/serve/log/record.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/fake.h"
#include "tools/serve/limits.h"

static struct counted_memory memory;
static struct log_writer *writer; /* whose thread does not run */
static struct record *record_of_worker;
static struct fake_stream fake;
static unsigned requests, ended, refused;

static void answer(void *ctx, struct stream *stream, const struct request *request,
                   uint64_t now_ns) {
  (void)now_ns;
  (void)request;
  stream->log = ctx;
  (void)stream_respond(stream, 204, NULL, 0, BODY_NONE);
  requests++;
}

static void on_refused(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  (void)request;
  (void)now_ns;
  stream->log = ctx;
  refused++;
}

static void on_ended(void *ctx, struct stream *stream, const struct stream_facts *facts) {
  assert_ptr_equal(stream->log, ctx);
  assert_string_equal(facts->protocol, "HTTP/2");
  ended++;
}

static const struct handler inner = {
    .ctx = &requests, .request = answer, .refused = on_refused, .ended = on_ended};

static int begin(bool secrets) {
  struct io_error error;
  const struct memory *lent = counted_init(&memory);
  writer = log_writer_open("/dev/null", 1, ACCESS_LOG_QUEUE_BYTES, &error);
  const struct record_settings settings = {.memory = lent,
                                           .inner = &inner,
                                           .writer = writer,
                                           .queue = log_writer_queue(writer, 0),
                                           .requests_max = 2,
                                           .start_ns = 1000,
                                           .secrets = secrets};
  record_of_worker = record_create(&settings);
  requests = ended = refused = 0;
  return writer && record_of_worker ? 0 : -1;
}

static int setup(void **state) {
  (void)state;
  return begin(false);
}

static int setup_secrets(void **state) {
  (void)state;
  return begin(true);
}

static int teardown(void **state) {
  (void)state;
  record_destroy(record_of_worker);
  log_writer_close(writer);
  assert_int_equal(memory.bytes, 0);
  return 0;
}

static void ask(struct fake_stream *stream, const char *method, const char *path,
                const struct header *fields, size_t count) {
  *stream = (struct fake_stream){0};
  fake_request(stream, record_handler(record_of_worker), method, path, fields, count, 3345);
  assert_int_equal(stream->status, 204);
}

static void end(struct fake_stream *stream, uint64_t body_bytes) {
  const struct handler *handler = record_handler(record_of_worker);
  const struct stream_facts facts = {
      .protocol = "HTTP/2", .status = 204, .body_bytes_received = body_bytes};
  fake_free(stream);
  handler->ended(handler->ctx, &stream->stream, &facts);
}

/* The lines that were queued, which are taken. */
static const char *lines(void) {
  static char text[2 * RECORD_LINE_BYTES_MAX];
  struct iovec parts[2];
  text[0] = 0;
  if (log_queue_peek(log_writer_queue(writer, 0), parts) == 0) return text;
  assert_true(parts[0].iov_len < sizeof text);
  memcpy(text, parts[0].iov_base, parts[0].iov_len);
  text[parts[0].iov_len] = 0;
  log_queue_take(log_writer_queue(writer, 0), parts[0].iov_len);
  return text;
}

#define TIME     "{\"time_ns\":                2345,"
#define REST     "\"scheme\":\"https\",\"authority\":\"example.org\",\"protocol\":\"HTTP/2\","
#define NO_BYTES REST "\"body_bytes\":0}\n"

static struct header named(const char *name, const char *value, uint8_t flags) {
  struct header field = {.name = span_text(name), .value = span_text(value), .flags = flags};
  field.token = (uint16_t)header_token_of(field.name);
  return field;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void test_line(void **state) {
  (void)state;
  const struct header fields[] = {named("accept", "*/*", 0), named("x-a", "1", 0),
                                  named("priority", "u=1", 0), named("x-a", "\"\xc3\xa9\xff\"", 0),
                                  named("content-length", "7", 0)};
  ask(&fake, "POST", "/path?a=b", fields, 5);
  assert_int_equal(requests, 1);
  assert_string_equal(lines(), "");
  end(&fake, 7);
  assert_int_equal(ended, 1);
  assert_string_equal(lines(),
                      TIME "\"method\":\"POST\",\"url\":\"/path?a=b\",\"header\":{"
                           "\"accept\":[\"*/*\"],\"x-a\":[\"1\",\"\\\"\xc3\xa9\\u00ff\\\"\"],"
                           "\"priority\":[\"u=1\"]}," REST "\"body_bytes\":7}\n");
}

/* Braces, and paths that look like a host. */
static void test_paths(void **state) {
  (void)state;
  const struct header field = named("{", "{a}{{", 0);
  ask(&fake, "GET", "/{seq}", &field, 1);
  end(&fake, 0);
  assert_string_equal(lines(), TIME "\"method\":\"GET\",\"url\":\"/{{seq}\",\"header\":{"
                                    "\"{{\":[\"{{a}{{{{\"]}," NO_BYTES);
  ask(&fake, "GET", "//a", NULL, 0);
  end(&fake, 0);
  assert_string_equal(lines(), TIME "\"method\":\"GET\",\"url\":\"https://example.org//a\","
                                    "\"header\":{}," NO_BYTES);
}

static const struct header private[] = {
    {.name = {(const uint8_t *)"cookie", 6}, .value = {(const uint8_t *)"c", 1}},
    {.name = {(const uint8_t *)"authorization", 13}, .value = {(const uint8_t *)"a", 1}},
    {.name = {(const uint8_t *)"proxy-authorization", 19}, .value = {(const uint8_t *)"p", 1}},
    {.name = {(const uint8_t *)"x-api-key", 9}, .value = {(const uint8_t *)"k", 1}},
    {.name = {(const uint8_t *)"x-b", 3},
     .value = {(const uint8_t *)"n", 1},
     .flags = HEADER_NEVER_INDEX},
    {.name = {(const uint8_t *)"connection", 10}, .value = {(const uint8_t *)"close", 5}},
};

static void test_secrets_left_out(void **state) {
  (void)state;
  ask(&fake, "GET", "/", private, 6);
  end(&fake, 0);
  assert_string_equal(lines(), TIME "\"method\":\"GET\",\"url\":\"/\",\"header\":{}," NO_BYTES);
  assert_true(record_is_secret(span_text("set-cookie")));
  assert_false(record_is_secret(span_text("accept")));
}

static void test_secrets_kept(void **state) {
  (void)state;
  ask(&fake, "GET", "/", private, 6);
  end(&fake, 0);
  assert_string_equal(lines(),
                      TIME "\"method\":\"GET\",\"url\":\"/\",\"header\":{\"cookie\":[\"c\"],"
                           "\"authorization\":[\"a\"],\"proxy-authorization\":[\"p\"],"
                           "\"x-api-key\":[\"k\"],\"x-b\":[\"n\"]}," NO_BYTES);
}

/* ---- what is not recorded -------------------------------------------------------------------- */

static void test_refused(void **state) {
  (void)state;
  const struct handler *handler = record_handler(record_of_worker);
  const struct request request = {0};
  fake = (struct fake_stream){0};
  handler->refused(handler->ctx, &fake.stream, &request, 0);
  assert_int_equal(refused, 1);
  const struct stream_facts facts = {.protocol = "HTTP/2"};
  handler->ended(handler->ctx, &fake.stream, &facts);
  assert_int_equal(ended, 1);
  assert_string_equal(lines(), "");
  assert_int_equal(log_writer_counts(writer).dropped, 0);
}

/* More requests than there are places: they are answered, and their lines are counted as dropped. */
static void test_no_room(void **state) {
  (void)state;
  struct fake_stream streams[3];
  for (unsigned i = 0; i < 3; i++)
    ask(&streams[i], "GET", "/", NULL, 0);
  for (unsigned i = 0; i < 3; i++)
    end(&streams[i], 0);
  assert_int_equal(requests, 3);
  assert_int_equal(ended, 3);
  struct log_counts counts = log_writer_counts(writer);
  assert_int_equal(counts.lines, 2);
  assert_int_equal(counts.dropped, 1);
}

/* Lines of any length up to the bound, around that of small ones too; a longer one is dropped. */
static void test_long(void **state) {
  (void)state;
  static char path[RECORD_LINE_BYTES_MAX];
  size_t lost = 0, kept = 0;
  for (size_t len = 1; len < RECORD_LINE_BYTES_MAX - 1;
       len += len < RECORD_SMALL_BYTES ? 1 : 4999) {
    memset(path, 'a', len);
    path[0] = '/', path[len] = 0;
    ask(&fake, "GET", path, NULL, 0);
    end(&fake, 0);
    const char *line = lines();
    /* A text that might not fit if each of its bytes grew is not tried. */
    bool fits = len < RECORD_LINE_BYTES_MAX / 6 - 200;
    if (fits) assert_non_null(strstr(line, path));
    kept += *line != 0;
    lost += *line == 0;
  }
  struct log_counts counts = log_writer_counts(writer);
  assert_int_equal(counts.lines, kept);
  assert_int_equal(counts.dropped, lost);
  assert_true(kept > RECORD_SMALL_BYTES && lost > 0);
}

/* An authority and a path that are too long together. */
static void test_long_url(void **state) {
  (void)state;
  static char path[RECORD_URL_BYTES_MAX];
  memset(path, 'a', sizeof path - 1);
  path[0] = path[1] = '/';
  ask(&fake, "GET", path, NULL, 0);
  end(&fake, 0);
  assert_int_equal(log_writer_counts(writer).dropped, 1);
  path[RECORD_URL_BYTES_MAX - 100] = 0;
  ask(&fake, "GET", path, NULL, 0);
  end(&fake, 0);
  assert_non_null(strstr(lines(), path));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_line, setup, teardown),
      cmocka_unit_test_setup_teardown(test_paths, setup, teardown),
      cmocka_unit_test_setup_teardown(test_secrets_left_out, setup, teardown),
      cmocka_unit_test_setup_teardown(test_secrets_kept, setup_secrets, teardown),
      cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
      cmocka_unit_test_setup_teardown(test_long, setup, teardown),
      cmocka_unit_test_setup_teardown(test_long_url, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
