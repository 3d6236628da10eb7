/*
 * fuzz/upgrade.c - bytes from a client that asks for h2c (RFC 7540 section 3.2), to a server's connection. What is
 * checked: tests/support/fuzz.h; and that a 101 is followed by SETTINGS.
 *
 * The input's first line, without its end, is the value of HTTP2-Settings. If the third byte of the choices says
 * so, the client's preface and SETTINGS come next, so that most inputs then get as far as further requests.
 */
#include "engine/conn.h"
#include "tests/support/fuzz.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* ---- what the server sends ------------------------------------------------------------------- */

static const char switching[] = "HTTP/1.1 101 Switching Protocols\r\n"
                                "connection: upgrade\r\nupgrade: h2c\r\n\r\n";

static struct {
  char first[sizeof switching + 3]; /* the 101, and a frame header to its type */
  size_t len;
} seen;

static void on_sent(struct fuzz_run *run, struct span bytes) {
  (void)run;
  if (seen.len == sizeof seen.first) return;
  size_t room = sizeof seen.first - seen.len, take = bytes.len < room ? bytes.len : room;
  memcpy(seen.first + seen.len, bytes.base, take);
  seen.len += take;
  if (seen.len < sizeof seen.first || memcmp(seen.first, "HTTP/1.1 101", 12) != 0) return;
  assert(memcmp(seen.first, switching, sizeof switching - 1) == 0);
  assert(seen.first[sizeof seen.first - 1] == H2_SETTINGS);
}

/* ---- the handler ----------------------------------------------------------------------------- */

static const struct stream_events events = {.data = fuzz_data, .closed = fuzz_closed};

static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  (void)now_ns;
  struct fuzz_exchange *exchange = fuzz_exchange_new(ctx, 's');
  assert(exchange);
  exchange->stream = stream;
  stream->user = exchange;
  stream->events = &events;
  bool none = span_is(request->path, "/none");
  (void)stream_respond(stream, none ? 204 : 200, NULL, 0,
                       none ? BODY_NONE : fuzz_body(exchange, 30000));
}

/* ---- one connection -------------------------------------------------------------------------- */

static void ask(struct fuzz_run *run, struct span settings) {
  static const char before[] =
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
      "Upgrade: h2c\r\nHTTP2-Settings: ";
  fuzz_receive(run, (const uint8_t *)before, sizeof before - 1);
  fuzz_receive(run, settings.base, settings.len);
  fuzz_receive(run, (const uint8_t *)"\r\n\r\n", 4);
}

static void begin_http2(struct fuzz_run *run) {
  static const uint8_t frame[] = {0, 0, 0, H2_SETTINGS, 0, 0, 0, 0, 0};
  fuzz_receive(run, (const uint8_t *)H2_PREFACE, H2_PREFACE_BYTES);
  fuzz_receive(run, frame, sizeof frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  static struct fuzz_run run;
  const struct handler handler = {.ctx = &run, .request = serve};
  if (len < FUZZ_CHOICE_BYTES) return 0;
  const uint8_t *input = bytes + FUZZ_CHOICE_BYTES, *end = bytes + len;
  const uint8_t *line_end = memchr(input, '\n', (size_t)(end - input));
  seen.len = 0;
  run.on_sent = on_sent;
  fuzz_open(&run, bytes, H2_SERVER, &handler);
  const struct machine_peer peer = {.application_protocol = ""};
  const struct machine_factory factory = conn_factory(&run.engine);
  const bool ok = factory.create(factory.ctx, &peer, NULL, run.now_ns, &run.machine);
  assert(ok);
  (void)ok;
  ask(&run, span_of(input, (size_t)((line_end ? line_end : end) - input)));
  if (bytes[2] & 1) begin_http2(&run);
  if (line_end) fuzz_receive(&run, line_end + 1, (size_t)(end - line_end - 1));
  if (bytes[1] & 8) run.machine.ops->drain(run.machine.self, run.now_ns);
  if (bytes[1] & 16) fuzz_finish(&run);
  fuzz_close(&run);
  return 0;
}
