/*
 * fuzz/h1_server.c - bytes from a client to a whole HTTP/1.1 connection of a server. It checks what
 * tests/support/fuzz.h says, and that the server sends a row of valid responses, one for each
 * request in order, with nothing after one that announces the end.
 *
 * The second byte of the choices decides whether ALPN chose the protocol or the first bytes tell it, and how the
 * connection ends.
 */
#include "engine/conn.h"
#include "tests/engine/h1/message.h"
#include "tests/support/fuzz.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { REQUESTS_MAX = 4096 };

/* ---- what the server sends ------------------------------------------------------------------- */

static struct {
  struct message message;              /* that is under way */
  struct h1_asked asked[REQUESTS_MAX]; /* of the handler's requests, in order */
  size_t requests, answered;
  bool begun;   /* something has been sent */
  bool last;    /* the connection says that it ends after the last message */
  bool another; /* another protocol has taken over */
  bool ends;    /* what has waited for its turn is answered now, too */
} reader;

static void begin_message(void) {
  struct h1_asked asked = {0};
  if (reader.answered < reader.requests) asked = reader.asked[reader.answered];
  message_begin(&reader.message, H1_RESPONSE, asked);
}

static void end_message(void) {
  const unsigned status = reader.message.head.status;
  reader.another = status == 101;
  reader.last = !reader.message.framing.keep;
  reader.answered += status >= 200;
}

static void on_sent(struct fuzz_run *run, struct span bytes) {
  (void)run;
  if (!reader.begun) reader.another = bytes.base[0] != 'H'; /* HTTP/2, or an alert of TLS */
  reader.begun = true;
  while (bytes.len > 0 && !reader.another) {
    assert(!reader.last);
    if (reader.message.step == MESSAGE_DONE) begin_message();
    const size_t used = message_give(&reader.message, bytes);
    assert(reader.message.step != MESSAGE_REFUSED);
    if (reader.message.step == MESSAGE_DONE) end_message();
    bytes = span_of(bytes.base + used, bytes.len - used);
  }
}

static void reader_open(void) {
  reader.requests = reader.answered = 0;
  reader.begun = reader.last = reader.another = reader.ends = false;
  reader.message.step = MESSAGE_DONE;
}

/* ---- the handler ----------------------------------------------------------------------------- */

static void on_timer(struct stream *stream, uint64_t now_ns) {
  (void)now_ns;
  (void)stream_respond(stream, 204, NULL, 0, BODY_NONE);
}

static const struct stream_events events = {
    .data = fuzz_data, .timer = on_timer, .closed = fuzz_closed};

static void answer(struct fuzz_exchange *exchange, struct stream *stream, uint32_t body_bytes,
                   bool length) {
  static const char number[] = "300";
  struct header fields[] = {header_of(TOKEN_CONTENT_TYPE, span_text("text/plain")),
                            header_of(TOKEN_CONTENT_LENGTH, span_text(number))};
  const bool trailers = exchange->kind == 't';
  if (!stream_respond(stream, 200, fields, length ? 2 : 1, fuzz_body(exchange, body_bytes))) return;
  const struct header sum = {.name = span_text("x-sum"), .value = span_text("1")};
  if (trailers && !exchange->gone) (void)stream_trailers(stream, &sum, 1);
}

static void inform(struct stream *stream) {
  const struct header link = header_of(TOKEN_LINK, span_text("</a.css>; rel=preload; as=style"));
  (void)stream_inform(stream, 103, &link, 1);
}

/* The path's second character decides what to do. 2xx would be a mistake where a tunnel is asked for: it is
 * made, or refused. */
static char kind_of(const struct request *request) {
  if (span_is(request->method, "CONNECT")) return '4';
  char kind = request->path.len > 1 ? (char)request->path.base[1] : 's';
  if (reader.ends && kind == 'n') kind = 's';
  return request->protocol.len > 0 && !strchr("wnr", kind) ? '4' : kind;
}

static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  const char kind = kind_of(request);
  struct fuzz_exchange *exchange = fuzz_exchange_new(ctx, kind);
  assert(exchange && reader.requests < REQUESTS_MAX);
  reader.asked[reader.requests++] = (struct h1_asked){
      .head = span_is(request->method, "HEAD"), .connect = span_is(request->method, "CONNECT")};
  exchange->stream = stream;
  stream->user = exchange;
  stream->events = &events;
  stream->consume_later = kind == 'c';
  if (request->protocol.len > 0 && kind == 'w') {
    (void)stream_tunnel(stream, NULL, 0, fuzz_body(exchange, 300));
    return;
  }
  switch (kind) {
  case 'l': stream_timer(stream, now_ns + 50 * MILLISECOND_NS); break;
  case 'n': break; /* never resumed: only the client can end it */
  case 'r': stream_reset(stream, 0); break;
  case 'i':
    inform(stream);
    answer(exchange, stream, 300, true);
    break;
  case 'b': answer(exchange, stream, FUZZ_BODY_BYTES, false); break;
  case '4': (void)stream_respond(stream, 404, NULL, 0, BODY_NONE); break;
  case '3': (void)stream_respond(stream, 304, NULL, 0, BODY_NONE); break;
  default: answer(exchange, stream, 300, kind == 's'); break;
  }
}

/* A handler that never answers holds its stream until the connection is closed. */
static void answer_the_rest(struct fuzz_run *run) {
  for (int i = 0; i < FUZZ_STREAMS; i++) {
    struct fuzz_exchange *exchange = &run->exchanges[i];
    if (exchange->stream && !exchange->gone && exchange->kind == 'n')
      (void)stream_respond(exchange->stream, 200, NULL, 0, BODY_NONE);
  }
}

/* ---- one connection -------------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  static struct fuzz_run run;
  static const char *const protocols[] = {"websocket", NULL};
  const struct handler handler = {.ctx = &run, .request = serve, .protocols = protocols};
  if (len < FUZZ_CHOICE_BYTES) return 0;
  reader_open();
  run.on_sent = on_sent;
  fuzz_open(&run, bytes, H2_SERVER, &handler);
  const struct machine_peer peer = {.application_protocol = bytes[1] & 1 ? "http/1.1" : ""};
  const struct machine_factory factory = conn_factory(&run.engine);
  const bool ok = factory.create(factory.ctx, &peer, NULL, run.now_ns, &run.machine);
  assert(ok);
  (void)ok;
  fuzz_receive(&run, bytes + FUZZ_CHOICE_BYTES, len - FUZZ_CHOICE_BYTES);
  if (bytes[1] & 8) run.machine.ops->drain(run.machine.self, run.now_ns);
  if (bytes[1] & 16) {
    reader.ends = true;
    answer_the_rest(&run);
    fuzz_finish(&run);
  }
  fuzz_close(&run);
  return 0;
}
