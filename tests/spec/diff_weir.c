/*
 * spec/diff_weir.c - weir's side of the differential test.
 */
#include "tests/spec/diff_weir.h"

#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/loopback.h"

enum { SPANS = 8 };

static void print_fields(struct diff_weir *weir, char what, uint64_t id,
                         const struct headers *fields) {
  diff_log_print(&weir->log, "%c %u ", what, (unsigned)id);
  for (uint32_t i = 0; i < fields->count; i++) {
    const struct header *field = &fields->at[i];
    diff_log_print(&weir->log, "%.*s=%.*s|", (int)field->name.len, (const char *)field->name.base,
                   (int)field->value.len, (const char *)field->value.base);
  }
  diff_log_print(&weir->log, "\n");
}

static void message_ended(struct diff_weir *weir, uint64_t id) {
  diff_log_flush(&weir->log);
  diff_log_print(&weir->log, "E %u\n", (unsigned)id);
  weir->complete[id] = true;
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct diff_weir *weir = stream->user;
  diff_log_data(&weir->log, (uint32_t)stream->id, bytes.base, bytes.len);
  if (end) message_ended(weir, stream->id);
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  print_fields(stream->user, 'T', stream->id, fields);
  message_ended(stream->user, stream->id);
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  (void)status;
  print_fields(stream->user, 'H', stream->id, fields);
  if (end) message_ended(stream->user, stream->id);
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  struct diff_weir *weir = stream->user;
  (void)error_code;
  weir->streams[stream->id] = NULL;
}

static void on_promise(struct stream *stream, struct stream *promised,
                       const struct request *request);

static const struct stream_events events = {.data = on_data,
                                            .trailers = on_trailers,
                                            .response = on_response,
                                            .promise = on_promise,
                                            .closed = on_closed};

static void adopt(struct diff_weir *weir, struct stream *stream) {
  assert_true(stream->id < DIFF_IDS);
  weir->streams[stream->id] = stream;
  stream->events = &events;
  stream->user = weir;
}

static void on_promise(struct stream *stream, struct stream *promised,
                       const struct request *request) {
  struct diff_weir *weir = stream->user;
  adopt(weir, promised);
  diff_log_print(&weir->log, "P %u ", (unsigned)stream->id);
  print_fields(weir, ' ', promised->id, request->fields);
}

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  struct diff_weir *weir = ctx;
  (void)now_ns;
  adopt(weir, stream);
  print_fields(weir, 'H', stream->id, request->fields);
  if (request->end) message_ended(weir, stream->id);
}

void diff_weir_pump(struct diff_weir *weir) {
  const struct machine_ops *ops = weir->machine.ops;
  void *self = weir->machine.self;
  diff_log_flush(&weir->log);
  while (ops->wants(self) & MACHINE_SEND) {
    struct span spans[SPANS];
    size_t count = ops->send_peek(self, spans, SPANS, 64 * KIB, SECOND_NS), bytes = 0;
    for (size_t i = 0; i < count; i++) {
      diff_log_sent(&weir->log, spans[i].base, spans[i].len);
      bytes += spans[i].len;
    }
    if (bytes == 0) break;
    ops->send_ack(self, bytes, SECOND_NS);
  }
}

void diff_weir_give(struct diff_weir *weir, const uint8_t *bytes, size_t len) {
  if (weir->log.goaway) return;
  (void)weir->machine.ops->recv(weir->machine.self, span_of(bytes, len), SECOND_NS);
}

uint32_t diff_weir_ask(struct diff_weir *weir, struct header *fields, size_t count) {
  struct stream *stream =
      h2_request(h2_of(&weir->machine), fields, count, BODY_NONE, &events, weir);
  assert_non_null(stream);
  weir->streams[stream->id] = stream;
  return (uint32_t)stream->id;
}

void diff_weir_open(struct diff_weir *weir, enum h2_role role) {
  struct engine_config config = engine_config_default();
  config.h2.connection_window_bytes = 65535;
  config.h2.flow = FLOW_CONSUME;
  config.h2.concurrent_streams = 100;
  weir->handler = (struct handler){.request = on_request, .ctx = weir};
  assert_true(engine_init(&weir->engine, counted_init(&weir->memory), &config,
                          role == H2_SERVER ? &weir->handler : NULL));
}

void diff_weir_close(struct diff_weir *weir) {
  engine_destroy(&weir->engine);
  assert_int_equal(weir->memory.count, 0);
}

void diff_weir_begin(struct diff_weir *weir, enum h2_role role) {
  diff_log_init(&weir->log, role);
  memset(weir->streams, 0, sizeof weir->streams);
  memset(weir->complete, 0, sizeof weir->complete);
  assert_true((role == H2_SERVER ? h2_server : h2_client)(&weir->engine.h2, &loopback_peer, NULL,
                                                          SECOND_NS, &weir->machine));
  diff_weir_pump(weir);
}

void diff_weir_end(struct diff_weir *weir) {
  const struct http_counters *counters = &weir->engine.http.counters;
  weir->machine.ops->close(weir->machine.self);
  assert_int_equal(counters->streams_opened, counters->streams_closed);
}
