/*
 * fuzz/h2_client.c - bytes from a server to a whole client connection. What is checked: tests/support/fuzz.h.
 *
 * A few requests are made first, so that the input can answer streams 1, 3, 5 ... More are made
 * while it arrives. The second byte of the choices decides whether SETTINGS and their ACK come
 * before the input.
 */
#include "tests/support/fuzz.h"

#include <assert.h>
#include <string.h>

#include "engine/http/section.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct stream_events events;

static void on_status(struct stream *stream, unsigned status, struct section_size size, bool end) {
  const struct fuzz_exchange *exchange = stream->user;
  assert(status >= 100 && status <= 999 && status != 101);
  assert(status >= 200 || !end);
  assert(size.plain_bytes >= strlen(":status200"));
  if (exchange->kind == 'r') stream_reset(stream, H2_CANCEL);
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  assert(fields->count > 0);
  on_status(stream, status, section_size_of(fields, 0), end);
}

static void on_promise(struct stream *stream, struct stream *promised,
                       const struct request *request) {
  const struct fuzz_exchange *parent = stream->user;
  assert(request->end && request->path.len > 0);
  struct fuzz_exchange *exchange = fuzz_exchange_new(parent->run, 'p');
  if (!exchange || request->path.base[request->path.len - 1] == 'r') return;
  exchange->stream = promised;
  promised->user = exchange;
  promised->events = &events;
}

static const struct stream_events events = {
    .response = on_response, .data = fuzz_data, .promise = on_promise, .closed = fuzz_closed};
static const struct stream_events status_events = {
    .status = on_status, .data = fuzz_data, .promise = on_promise, .closed = fuzz_closed};

static void request(struct fuzz_run *run, char kind) {
  static const char *const methods[] = {"GET", "HEAD", "POST", "CONNECT"};
  int which = kind == 'h' ? 1 : kind == 'w' ? 2 : kind == 'c' ? 3 : 0;
  struct header fields[] = {header_of(TOKEN_METHOD, span_text(methods[which])),
                            header_of(TOKEN_AUTHORITY, span_text("a:1")),
                            header_of(TOKEN_SCHEME, span_text("https")),
                            header_of(TOKEN_PATH, span_text("/"))};
  struct fuzz_exchange *exchange = fuzz_exchange_new(run, kind);
  if (!exchange) return;
  struct body body = which >= 2 ? fuzz_body(exchange, 3000) : BODY_NONE;
  exchange->stream = (struct stream *)(void *)run; /* in use, whatever happens now */
  struct stream *stream = h2_request(h2_of(&run->machine), fields, which == 3 ? 2 : 4, body,
                                     kind == 's' ? &status_events : &events, exchange);
  exchange->stream = stream;
  if (!stream) {
    exchange->gone = true; /* its body may be closed later */
    if (exchange->body_open) exchange->stream = (struct stream *)(void *)run;
    return;
  }
  stream->consume_later = kind == 'l';
}

static void begin(struct fuzz_run *run, uint8_t choice) {
  static const uint8_t settings[] = {0, 0, 0, H2_SETTINGS, 0, 0, 0, 0, 0,
                                     0, 0, 0, H2_SETTINGS, 1, 0, 0, 0, 0};
  static const struct machine_peer peer = {.application_protocol = "h2", .secure = true};
  bool ok = h2_client(&run->engine.h2, &peer, NULL, run->now_ns, &run->machine);
  assert(ok);
  (void)ok;
  for (const char *kind = "gwhrclgsss"; *kind; kind++)
    request(run, *kind);
  while (fuzz_send(run)) {
  }
  if (choice & 1) fuzz_receive(run, settings, sizeof settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  static struct fuzz_run run;
  if (len < FUZZ_CHOICE_BYTES) return 0;
  fuzz_open(&run, bytes, H2_CLIENT, NULL);
  begin(&run, bytes[1]);
  bytes += FUZZ_CHOICE_BYTES;
  len -= FUZZ_CHOICE_BYTES;
  size_t half = len / 2;
  fuzz_receive(&run, bytes, half);
  if (!(fuzz_wants(&run) & MACHINE_DONE))
    for (const char *kind = "wgs"; *kind; kind++)
      request(&run, *kind);
  fuzz_receive(&run, bytes + half, len - half);
  fuzz_finish(&run);
  fuzz_close(&run);
  return 0;
}
