/*
 * fuzz/h2_server.c - bytes from a client to a whole server connection. What is checked: tests/support/fuzz.h.
 *
 * The second byte of the choices decides how the connection begins. Either we send a preface and
 * SETTINGS before the input, and most inputs then get as far as requests, or there is only the
 * input. And either ALPN chose the protocol, or the first bytes of clear text tell it.
 */
#include "engine/conn.h"
#include "tests/support/fuzz.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void on_timer(struct stream *stream, uint64_t now_ns) {
  (void)now_ns;
  (void)stream_respond(stream, 204, NULL, 0, BODY_NONE);
}

static const struct stream_events events = {
    .data = fuzz_data, .timer = on_timer, .closed = fuzz_closed};

static void push(struct stream *stream, const char *path) {
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text(path))};
  (void)stream_push(stream, fields, 4);
}

static void inform(struct stream *stream) {
  struct header link = header_of(TOKEN_LINK, span_text("</a.css>; rel=preload; as=style"));
  (void)stream_inform(stream, 103, &link, 1);
}

static void answer(struct fuzz_exchange *exchange, struct stream *stream, uint32_t body_bytes) {
  bool image = exchange->kind == 'b'; /* with a first scan, in the order in which everything is
                                       * sent */
  struct header fields[] = {
      header_of(TOKEN_CONTENT_TYPE, span_text(image ? "image/jpeg" : "text/plain")),
      {.name = span_text("x-kind"), .value = span_of(&exchange->kind, 1)}};
  bool trailers = exchange->kind == 't';
  if (image) stream_head_start(stream, 20000);
  if (!stream_respond(stream, 200, fields, 2, fuzz_body(exchange, body_bytes))) return;
  if (image && !exchange->gone) stream_head_start(stream, 10000);
  struct header sum = {.name = span_text("x-sum"), .value = span_text("1")};
  if (trailers && !exchange->gone) (void)stream_trailers(stream, &sum, 1);
}

/* The answer to most paths. It belongs to the engine of the current run. */
static struct header_set repeated;

static void begin_repeated(void) {
  static struct header fields[3];
  fields[0] = header_of(TOKEN_CONTENT_TYPE, span_text("text/css"));
  fields[1] = header_of(TOKEN_ETAG, span_text("\"1-2-3\""));
  fields[2] = (struct header){.name = span_text("x-kind"), .value = span_text("repeated")};
  repeated = (struct header_set){.at = fields, .count = 3};
}

/* The path's second character decides what to do. */
static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  char kind = request->path.len > 1 ? (char)request->path.base[1] : 's';
  struct fuzz_exchange *exchange = fuzz_exchange_new(ctx, kind);
  assert(exchange);
  exchange->stream = stream;
  stream->user = exchange;
  stream->events = &events;
  stream->consume_later = kind == 'c';
  switch (kind) {
  case 'l': stream_timer(stream, now_ns + 50 * MILLISECOND_NS); break;
  case 'n': break; /* never resumed: only the peer can end it */
  case 'r': stream_reset(stream, H2_CANCEL); break;
  case 'p':
    push(stream, "/b");
    push(stream, "/r");
    answer(exchange, stream, 100);
    break;
  case 'i':
    inform(stream);
    answer(exchange, stream, 10);
    break;
  case 'b': answer(exchange, stream, 40000); break;
  case '4': (void)stream_respond(stream, 404, NULL, 0, BODY_NONE); break;
  case 'o': answer(exchange, stream, 300); break;
  default: (void)stream_respond_set(stream, 200, &repeated, fuzz_body(exchange, 300)); break;
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

static void begin(struct fuzz_run *run, uint8_t choice) {
  static const uint8_t settings[] = {0, 0, 0, H2_SETTINGS, 0, 0, 0, 0, 0,
                                     0, 0, 0, H2_SETTINGS, 1, 0, 0, 0, 0};
  struct machine_peer peer = {.application_protocol = choice & 1 ? "" : "h2"};
  struct machine_factory factory = conn_factory(&run->engine);
  bool ok = factory.create(factory.ctx, &peer, NULL, run->now_ns, &run->machine);
  assert(ok);
  (void)ok;
  if ((choice & 6) == 6) return;
  fuzz_receive(run, (const uint8_t *)H2_PREFACE, H2_PREFACE_BYTES);
  fuzz_receive(run, settings, sizeof settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  static struct fuzz_run run;
  const struct handler handler = {.ctx = &run, .request = serve};
  if (len < FUZZ_CHOICE_BYTES) return 0;
  begin_repeated();
  fuzz_open(&run, bytes, H2_SERVER, &handler);
  begin(&run, bytes[1]);
  fuzz_receive(&run, bytes + FUZZ_CHOICE_BYTES, len - FUZZ_CHOICE_BYTES);
  if (bytes[1] & 8) run.machine.ops->drain(run.machine.self, run.now_ns);
  if (bytes[1] & 16) {
    answer_the_rest(&run);
    fuzz_finish(&run);
  }
  fuzz_close(&run);
  return 0;
}
