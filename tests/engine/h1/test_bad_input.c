/*
 * h1/test_bad_input.c - malformed input is refused, and never read in another way. The parsers get
 * each row whole, byte by byte, and in two pieces cut at every place, before a guard page. A whole
 * connection must answer once, announce that it closes, and give nothing that follows to the
 * handler.
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conn.h"
#include "engine/engine.h"
#include "tests/engine/h1/bad_input.h"
#include "tests/engine/h1/message_check.h"
#include "tests/support/counted.h"

static void each_row(void (*check)(const char *name, const struct bad_input *row)) {
  for (const struct bad_input_table *table = bad_input_tables;
       table < bad_input_tables + BAD_INPUT_TABLES; table++) {
    for (const struct bad_input *row = table->rows; row < table->rows + table->count; row++) {
      char name[128];
      snprintf(name, sizeof name, "%s: %s", table->name, row->name);
      check(name, row);
    }
  }
}

/* ---- the parsers ----------------------------------------------------------------------------- */

static void check_parsers(const char *name, const struct bad_input *row) {
  message_check(name, H1_REQUEST, (struct h1_asked){0}, row->bytes, row->expected);
}

static void test_parsers(void **state) {
  (void)state;
  each_row(check_parsers);
}

/* ---- a connection ---------------------------------------------------------------------------- */

enum { SENT_BYTES = 16384, ROUNDS_MAX = 50 };

static struct {
  struct counted_memory memory;
  struct engine engine;
  struct machine machine;
  uint64_t now_ns;
  char sent[SENT_BYTES];
  size_t sent_len;
  unsigned requests; /* that the handler has seen */
  unsigned answered;
} host;

static void answer(struct stream *stream) {
  host.answered++;
  (void)stream_respond(stream, 204, NULL, 0, BODY_NONE);
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  (void)bytes;
  if (end) answer(stream);
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  (void)fields;
  answer(stream);
}

/* Answers when the request has ended. */
static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  static const struct stream_events events = {.data = on_data, .trailers = on_trailers};
  (void)ctx, (void)now_ns;
  host.requests++;
  stream->events = &events;
  if (request->end) answer(stream);
}

static void host_open(void) {
  static const struct handler handler = {.request = on_request};
  memset(&host, 0, sizeof host);
  host.now_ns = 1000 * SECOND_NS;
  counted_init(&host.memory);
  struct engine_config config = engine_config_default();
  config.header_list_bytes = READING_LIST;
  assert_true(engine_init(&host.engine, &host.memory.memory, &config, &handler));
  const struct machine_peer peer = {.application_protocol = "http/1.1"};
  const struct machine_factory factory = conn_factory(&host.engine);
  assert_true(factory.create(factory.ctx, &peer, NULL, host.now_ns, &host.machine));
}

static void host_close(void) {
  host.machine.ops->close(host.machine.self);
  engine_destroy(&host.engine);
  assert_int_equal(host.memory.count, 0);
}

static unsigned wants(void) {
  return host.machine.ops->wants(host.machine.self);
}

static void take(void) {
  while (wants() & MACHINE_SEND) {
    struct span spans[8];
    const size_t count =
        host.machine.ops->send_peek(host.machine.self, spans, 8, 65536, host.now_ns);
    size_t bytes = 0;
    for (size_t i = 0; i < count; bytes += spans[i++].len) {
      assert_true(host.sent_len + spans[i].len < SENT_BYTES);
      memcpy(host.sent + host.sent_len, spans[i].base, spans[i].len);
      host.sent_len += spans[i].len;
    }
    if (bytes == 0) return;
    host.machine.ops->send_ack(host.machine.self, bytes, host.now_ns);
  }
}

static void give(struct span bytes, size_t piece) {
  while (bytes.len > 0 && wants() & MACHINE_RECV) {
    const size_t len = bytes.len < piece ? bytes.len : piece;
    const size_t took =
        host.machine.ops->recv(host.machine.self, span_of(bytes.base, len), host.now_ns);
    bytes = span_of(bytes.base + took, bytes.len - took);
    take();
  }
}

/* Time passes until the connection is done. */
static void wait_until_done(const char *name) {
  for (int round = 0; !(wants() & MACHINE_DONE); round++) {
    if (round == ROUNDS_MAX) fail_msg("%s: the connection does not end", name);
    host.now_ns = host.machine.ops->deadline_ns(host.machine.self);
    host.machine.ops->tick(host.machine.self, host.now_ns);
    take();
  }
}

static unsigned count_in(const char *text, const char *part) {
  unsigned count = 0;
  for (; (text = strstr(text, part)); text += strlen(part))
    count++;
  return count;
}

/* Requests follow each refused row. None of them may be read. */
static void check_refused(const char *name, const struct bad_input *row, size_t piece) {
  static const char behind[] = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
  char status[32];
  snprintf(status, sizeof status, "HTTP/1.1 %s ", row->expected);
  host_open();
  give(row->bytes, piece);
  give(span_text(behind), piece);
  wait_until_done(name);
  host.sent[host.sent_len] = '\0';
  if (strncmp(host.sent, status, strlen(status)) != 0 || count_in(host.sent, "HTTP/1.1 ") != 1 ||
      count_in(host.sent, "connection: close\r\n") != 1)
    fail_msg("%s, %zu bytes at a time: %s", name, piece, host.sent);
  assert_int_equal(host.answered, 0);
  assert_true(host.requests <= 1);
  host_close();
}

static void check_connection(const char *name, const struct bad_input *row) {
  /* Not refused; or by the length of the list, which is another here. */
  if (strlen(row->expected) != 3 || strcmp(row->expected, "431") == 0) return;
  check_refused(name, row, SIZE_MAX);
  check_refused(name, row, 1);
}

static void test_connection(void **state) {
  (void)state;
  each_row(check_connection);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_parsers),
      cmocka_unit_test(test_connection),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
