/*
 * fuzz/spdy_client.c - frames of a server to a whole SPDY session of a client, which makes requests all the time: HTTP or
 * raw, 3.1 or 3. Input: tests/support/spdy_fuzz.h. What is checked: there, and tests/support/fuzz.h; the owner hears
 * once that the session ends.
 */
#include "engine/spdy/spdy.h"
#include "tests/support/spdy_fuzz.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { REQUESTS_MAX = 40 };

static struct {
  struct fuzz_run *run;
  unsigned requests, ended;
} client;

static void request(void);

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  const struct fuzz_exchange *exchange = stream->user;
  (void)fields, (void)end;
  assert(status >= 200 && status <= 999);
  if (exchange->kind == 'r') stream_reset(stream, 0);
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  fuzz_closed(stream, error_code);
  request();
}

static const struct stream_events events;

static void on_promise(struct stream *stream, struct stream *promised,
                       const struct request *asked) {
  (void)stream;
  assert(span_is(asked->method, "GET") && asked->end);
  struct fuzz_exchange *exchange = fuzz_exchange_new(client.run, 'g');
  if (!exchange) return; /* that refuses it */
  exchange->stream = promised;
  promised->user = exchange;
  promised->events = &events;
}

static const struct stream_events events = {
    .response = on_response, .data = fuzz_data, .promise = on_promise, .closed = on_closed};

static void request(void) {
  static const char kinds[] = "gprlxw";
  const struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/"))};
  char kind = kinds[client.requests % (sizeof kinds - 1)];
  if (client.ended || client.requests++ >= REQUESTS_MAX) return;
  struct fuzz_exchange *exchange = fuzz_exchange_new(client.run, kind);
  if (!exchange) return;
  struct body body = kind == 'g' || kind == 'r' ? BODY_NONE : fuzz_body(exchange, 300);
  exchange->stream = (struct stream *)(void *)client.run; /* in use, whatever happens now */
  struct stream *stream =
      spdy_request(spdy_of(&client.run->machine), fields, 4, body, &events, exchange);
  exchange->stream = stream;
  if (stream) stream->consume_later = kind == 'l';
}

static void on_room(void *ctx, struct spdy *spdy) {
  (void)ctx;
  assert(spdy_request_room(spdy) > 0);
  request();
}

static void on_ended(void *ctx, struct spdy *spdy, const struct spdy_end *end) {
  (void)ctx, (void)spdy;
  assert(client.ended++ == 0);
  assert((end->reason == SPDY_END_BROKEN) == (end->what != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  static struct fuzz_run run;
  static const struct machine_peer peer = {.application_protocol = "spdy/3.1"};
  static const struct spdy_client_events owner = {.room = on_room, .ended = on_ended};
  if (len < FUZZ_CHOICE_BYTES) return 0;
  const struct spdy_session_config session = {
      .minor = bytes[1] & 1 ? SPDY_3 : SPDY_3_1,
      .raw = bytes[1] & 2,
      .windows = bytes[1] & 4 ? SPDY_WINDOWS_DETECT : SPDY_WINDOWS_ON,
      .ping_ns = bytes[1] & 8 ? SECOND_NS : 0,
  };
  spdy_fuzz_begin();
  run.on_sent = spdy_fuzz_sent;
  client.run = &run;
  client.requests = client.ended = 0;
  fuzz_open(&run, bytes, H2_CLIENT, NULL);
  bool ok = spdy_client(&run.engine.spdy, &session, &peer, NULL, run.now_ns, &run.machine);
  assert(ok);
  (void)ok;
  spdy_client_listen(spdy_of(&run.machine), &owner, &run);
  request();
  request();
  spdy_fuzz_feed(&run, bytes + FUZZ_CHOICE_BYTES, len - FUZZ_CHOICE_BYTES);
  if (bytes[1] & 16) run.machine.ops->drain(run.machine.self, run.now_ns);
  fuzz_close(&run);
  spdy_fuzz_end();
  assert(client.ended == 1);
  return 0;
}
