/*
 * fuzz/spdy_server.c - frames of a client to a whole SPDY session of a server: HTTP or raw, 3.1 or 3, with and without
 * detection of windows. Input: tests/support/spdy_fuzz.h. What is checked: there, and tests/support/fuzz.h.
 */
#include "engine/spdy/spdy.h"
#include "tests/support/spdy_fuzz.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct stream_events events = {.data = fuzz_data, .closed = fuzz_closed};
static const struct stream_events echo = {.data = fuzz_data, .closed = fuzz_closed};

static void push(struct stream *stream) {
  const struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/b"))};
  (void)stream_push(stream, fields, 4);
}

static void accept_raw(struct fuzz_exchange *exchange, struct stream *stream, char kind) {
  if (kind == 'n') return; /* never accepted */
  if (kind == '4')
    (void)stream_respond(stream, 403, NULL, 0, BODY_NONE);
  else
    (void)stream_tunnel(stream, NULL, 0, kind == 'h' ? BODY_NONE : fuzz_body(exchange, 4000));
}

static void respond(struct fuzz_exchange *exchange, struct stream *stream, char kind,
                    uint64_t now_ns) {
  const struct header link = header_of(TOKEN_LINK, span_text("</a.css>; rel=preload; as=style"));
  switch (kind) {
  case 'l': stream_timer(stream, now_ns + 50 * MILLISECOND_NS); break;
  case 'n': break; /* never answered: only the peer can end it */
  case 'r': stream_reset(stream, 0); break;
  case 'p':
    push(stream);
    (void)stream_respond(stream, 200, &link, 1, fuzz_body(exchange, 300));
    break;
  case '4': (void)stream_respond(stream, 404, NULL, 0, BODY_NONE); break;
  case 't':
    if (stream_respond(stream, 200, NULL, 0, fuzz_body(exchange, 40)))
      (void)stream_trailers(stream, &link, 1);
    break;
  default: (void)stream_respond(stream, 200, NULL, 0, fuzz_body(exchange, 40000)); break;
  }
}

static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  static const char kinds[] = "xwelnrp4thc";
  struct fuzz_run *run = ctx;
  char kind = kinds[stream->id / 2 % (sizeof kinds - 1)];
  struct fuzz_exchange *exchange = fuzz_exchange_new(run, kind);
  if (!exchange) {
    stream_reset(stream, 0);
    return;
  }
  exchange->stream = stream;
  stream->user = exchange;
  stream->events = kind == 'e' ? &echo : &events;
  stream->consume_later = kind == 'c';
  if (request->protocol.len)
    accept_raw(exchange, stream, kind);
  else
    respond(exchange, stream, kind, now_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  static struct fuzz_run run;
  static const struct machine_peer peer = {.application_protocol = "spdy/3.1"};
  const struct handler handler = {.ctx = &run, .request = serve};
  if (len < FUZZ_CHOICE_BYTES) return 0;
  const struct spdy_session_config session = {
      .minor = bytes[1] & 1 ? SPDY_3 : SPDY_3_1,
      .raw = bytes[1] & 2,
      .windows = bytes[1] & 4 ? SPDY_WINDOWS_DETECT : SPDY_WINDOWS_ON,
      .ping_ns = bytes[1] & 8 ? SECOND_NS : 0,
  };
  spdy_fuzz_begin();
  run.on_sent = spdy_fuzz_sent;
  fuzz_open(&run, bytes, H2_SERVER, &handler);
  bool ok = spdy_server(&run.engine.spdy, &session, &peer, NULL, run.now_ns, &run.machine);
  assert(ok);
  (void)ok;
  spdy_fuzz_feed(&run, bytes + FUZZ_CHOICE_BYTES, len - FUZZ_CHOICE_BYTES);
  if (bytes[1] & 16) run.machine.ops->drain(run.machine.self, run.now_ns);
  fuzz_close(&run);
  spdy_fuzz_end();
  return 0;
}
