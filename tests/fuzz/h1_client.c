/*
 * fuzz/h1_client.c - bytes from a server to a whole HTTP/1.1 connection of a client. What is checked:
 * tests/support/fuzz.h; and that all that the client sends is a row of valid requests.
 *
 * Requests of all kinds are made in turn, each when the exchange before it has ended.
 */
#include "engine/h1/h1.h"
#include "tests/engine/h1/message.h"
#include "tests/support/fuzz.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { REQUESTS_MAX = 40 };

static struct {
  struct fuzz_run *run;
  struct message message; /* a request that is being sent */
  bool tunnel;            /* what is sent is no request any more */
  unsigned requests, ended;
} client;

/* ---- what the client sends ------------------------------------------------------------------- */

static void on_sent(struct fuzz_run *run, struct span bytes) {
  (void)run;
  while (bytes.len > 0 && !client.tunnel) {
    if (client.message.step == MESSAGE_DONE)
      message_begin(&client.message, H1_REQUEST, (struct h1_asked){0});
    const size_t used = message_give(&client.message, bytes);
    assert(client.message.step != MESSAGE_REFUSED);
    assert(client.message.framing.host.len > 0 || client.message.step == MESSAGE_HEAD);
    bytes = span_of(bytes.base + used, bytes.len - used);
  }
}

/* ---- what its owner hears -------------------------------------------------------------------- */

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  const struct fuzz_exchange *exchange = stream->user;
  const bool asks = exchange->kind == 'w', connect = exchange->kind == 'c';
  assert(status >= 100 && status <= 999 && fields->count > 0);
  assert(status >= 200 || !end);
  assert(status != 101 || asks);
  assert(fields->at[0].token == TOKEN_STATUS);
  assert(!headers_find(fields, TOKEN_TRANSFER_ENCODING) && !headers_find(fields, TOKEN_CONNECTION));
  client.tunnel |= status == 101 || (connect && status / 100 == 2);
  if (exchange->kind == 'r') stream_reset(stream, H2_CANCEL);
}

static const struct stream_events events = {
    .response = on_response, .data = fuzz_data, .closed = fuzz_closed};

static size_t fields_of(char kind, struct header *out) {
  const char *method = kind == 'h' ? "HEAD" : kind == 'p' || kind == 'n' ? "POST" : "GET";
  size_t count = 0;
  out[count++] =
      header_of(TOKEN_METHOD, span_text(kind == 'w' || kind == 'c' ? "CONNECT" : method));
  out[count++] = header_of(TOKEN_AUTHORITY, span_text("a:1"));
  if (kind == 'c') return count;
  out[count++] = header_of(TOKEN_SCHEME, span_text("http"));
  out[count++] = header_of(TOKEN_PATH, span_text("/"));
  if (kind == 'w') out[count++] = header_of(TOKEN_PROTOCOL, span_text("websocket"));
  if (kind == 'n') out[count++] = header_of(TOKEN_CONTENT_LENGTH, span_text("300"));
  return count;
}

static void request(struct fuzz_run *run) {
  static const char kinds[] = "ghpngrlwc";
  const char kind = kinds[client.requests % (sizeof kinds - 1)];
  struct header fields[6];
  struct fuzz_exchange *exchange = fuzz_exchange_new(run, kind);
  if (!exchange || client.requests++ >= REQUESTS_MAX) return;
  const bool sends = kind == 'p' || kind == 'n' || kind == 'w' || kind == 'c';
  struct body body = sends ? fuzz_body(exchange, 300) : BODY_NONE;
  exchange->stream = (struct stream *)(void *)run; /* in use, whatever happens now */
  struct stream *stream =
      h1_request(h1_of(&run->machine), fields, fields_of(kind, fields), body, &events, exchange);
  exchange->stream = stream;
  if (!stream) {
    exchange->gone = true; /* its body may be closed later */
    if (exchange->body_open) exchange->stream = (struct stream *)(void *)run;
    return;
  }
  stream->consume_later = kind == 'l';
}

static void on_ready(void *ctx, struct h1 *h1) {
  assert(h1_request_room(h1) == 1);
  request(ctx);
}

static void on_ended(void *ctx, struct h1 *h1, enum h1_end_reason reason, const char *what) {
  (void)ctx;
  assert(client.ended++ == 0);
  assert((reason == H1_END_BROKEN) == (what != NULL));
  assert(h1_request_room(h1) == 0);
}

/* ---- one connection -------------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  static struct fuzz_run run;
  static const struct h1_client_events owner = {.ready = on_ready, .ended = on_ended};
  static const struct machine_peer peer = {.application_protocol = "http/1.1"};
  if (len < FUZZ_CHOICE_BYTES) return 0;
  client.tunnel = false;
  client.requests = bytes[1] % 16; /* which kind comes first */
  client.ended = 0;
  client.message.step = MESSAGE_DONE;
  run.on_sent = on_sent;
  fuzz_open(&run, bytes, H2_CLIENT, NULL);
  const bool ok = h1_client(&run.engine.h1, &peer, NULL, run.now_ns, &run.machine);
  assert(ok);
  (void)ok;
  h1_client_listen(h1_of(&run.machine), &owner, &run);
  request(&run);
  fuzz_receive(&run, bytes + FUZZ_CHOICE_BYTES, len - FUZZ_CHOICE_BYTES);
  if (bytes[1] & 64) fuzz_finish(&run);
  fuzz_close(&run);
  assert(client.ended == 1);
  return 0;
}
