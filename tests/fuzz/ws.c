/*
 * fuzz/ws.c - bytes from a peer to one end of a WebSocket, which echoes every message.
 *
 * The first byte chooses the role, permessage-deflate and how messages are handed over, the second
 * the size of the pieces in which bytes come and go, and when the owner holds, closes or lets time
 * pass. It checks that messages keep to their bound and text is UTF-8, that an end of the other
 * role accepts what the end sends, and that memory is bounded and all of it is freed.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/ws/client.h"
#include "engine/ws/frame.h"
#include "engine/ws/limits.h"
#include "engine/ws/utf8.h"
#include "engine/ws/ws.h"
#include "tests/support/counted.h"
#include "tests/support/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum {
  CLIENT = 1,
  DEFLATE = 2,
  TAKEOVER = 4,
  FRAGMENTS = 8,
  HOLD = 16,
  CLOSE = 32,
  WAIT = 64,
  MESSAGE_BYTES_MAX = 20000,
  SEND_BYTES_MAX = 3000,
  MEMORY_BYTES_MAX = 800000, /* window of zlib, a message, a queue, and what was kept */
};

struct end {
  struct ws_settings settings;
  struct ws_counters counters;
  struct fake_stream fake;
  struct ws *ws;
  struct end *other; /* gets what this one sends; NULL: none */
  struct ws_utf8 utf8;
  size_t message_bytes, passed;
  uint8_t choice;
};

static struct counted_memory memory;

static void on_message(struct ws *ws, enum ws_kind kind, struct span bytes, bool end) {
  struct end *self = ws_user(ws);
  assert(end || self->settings.fragments);
  self->message_bytes += bytes.len;
  assert(self->message_bytes <= MESSAGE_BYTES_MAX);
  if (kind == WS_TEXT) {
    bool valid = ws_utf8_portable(&self->utf8, bytes);
    assert(valid && (!end || ws_utf8_is_whole(&self->utf8)));
    (void)valid;
  }
  if (end) {
    self->utf8 = (struct ws_utf8){0};
    self->message_bytes = 0;
  }
  if (!self->other) return;
  bool sent =
      self->settings.fragments ? ws_send_part(ws, kind, bytes, end) : ws_send(ws, kind, bytes);
  (void)sent; /* pieces of one inflated piece come although too much waits */
  if (self->choice & HOLD && bytes.len % 3 == 0) ws_hold(ws);
  if (self->choice & CLOSE && bytes.len % 7 == 6) ws_close(ws, WS_NORMAL, span_text("enough"));
}

static void on_closed(struct ws *ws, unsigned code, struct span reason) {
  struct end *self = ws_user(ws);
  assert(code >= 1000 && code <= 4999 && reason.len <= WS_CONTROL_BYTES_MAX);
  self->ws = NULL;
}

static const struct ws_events events = {.message = on_message, .closed = on_closed};

static uint32_t random_bits(void *ctx) {
  static uint32_t seed;
  (void)ctx;
  return seed = seed * 1664525 + 1013904223;
}

static void accept_it(void *ctx, struct stream *stream, const struct request *request,
                      uint64_t now_ns) {
  struct end *self = ctx;
  (void)now_ns;
  self->ws = ws_accept(stream, request, &self->settings, self);
}

static void open_server(struct end *self) {
  const char *offer = self->settings.deflate ? "permessage-deflate" : "";
  struct header fields[] = {header_of(TOKEN_SEC_WEBSOCKET_VERSION, span_text("13")),
                            header_of(TOKEN_SEC_WEBSOCKET_EXTENSIONS, span_text(offer))};
  const struct handler handler = {.ctx = self, .request = accept_it};
  fake_request(&self->fake, &handler, "CONNECT", "/", fields, 2, SECOND_NS);
}

static void open_client(struct end *self) {
  const char *answer = !self->settings.deflate ? ""
                       : self->settings.deflate_takeover
                           ? "permessage-deflate"
                           : "permessage-deflate; server_no_context_takeover; "
                             "client_no_context_takeover";
  struct header field = header_of(TOKEN_SEC_WEBSOCKET_EXTENSIONS, span_text(answer));
  struct headers fields = {.at = &field, .count = 1};
  struct ws_client client;
  bool made = ws_client(&client, &self->settings, false, self);
  assert(made);
  (void)made;
  fake_begin(&self->fake, SECOND_NS);
  self->fake.body = client.body;
  self->fake.stream.user = self->ws = client.ws;
  self->fake.stream.events = client.events;
  ws_client_sent(&client, &self->fake.stream);
  client.events->response(&self->fake.stream, 200, &fields, false);
}

static void open_end(struct end *self, uint8_t choice, bool client, struct end *other) {
  *self = (struct end){.other = other,
                       .choice = choice,
                       .settings = {.memory = &memory.memory,
                                    .events = &events,
                                    .counters = &self->counters,
                                    .message_bytes_max = MESSAGE_BYTES_MAX,
                                    .send_bytes_max = SEND_BYTES_MAX,
                                    .frame_bytes_max = choice & FRAGMENTS ? 100 : 0,
                                    .fragments = choice & FRAGMENTS,
                                    .deflate = choice & DEFLATE,
                                    .deflate_takeover = choice & TAKEOVER,
                                    .random = random_bits}};
  if (client)
    open_client(self);
  else
    open_server(self);
  assert(self->ws);
}

static void give(struct end *to, struct span bytes) {
  if (to->fake.closed) return;
  uint8_t *copy = malloc(bytes.len ? bytes.len : 1); /* of its exact size */
  if (bytes.len > 0) memcpy(copy, bytes.base, bytes.len);
  to->fake.stream.events->data(&to->fake.stream, span_of(copy, bytes.len), false);
  free(copy);
}

/* Pulls once, and passes on. False when nothing came. */
static bool pass(struct end *from, size_t max) {
  struct fake_stream *fake = &from->fake;
  if (!fake->body.ops || fake->body_closed) return false;
  size_t before = fake->len;
  enum body_result result = fake_pull(fake, max);
  assert(result == BODY_MORE || result == BODY_END || result == BODY_WAIT);
  if (result == BODY_WAIT) return false;
  if (from->other && fake->len > before)
    give(from->other, span_of(fake->bytes + before, fake->len - before));
  if (result == BODY_END) fake_close_body(fake);
  return result == BODY_MORE;
}

static void let_time_pass(struct end *self) {
  struct fake_stream *fake = &self->fake;
  fake->now_ns += 4 * SECOND_NS;
  if (fake->closed || fake->now_ns < fake->timer_ns) return;
  fake->timer_ns = UINT64_MAX;
  fake->stream.events->timer(&fake->stream, fake->now_ns);
}

static void play(struct end *self, const uint8_t *bytes, size_t len, size_t piece) {
  for (size_t at = 0; at < len && !self->fake.closed; at += piece) {
    give(self, span_of(bytes + at, len - at < piece ? len - at : piece));
    if (at % 3 == 0) (void)pass(self, piece * 2 + 1);
    if (self->ws && at % 5 == 0) ws_release(self->ws);
    if (self->choice & WAIT && !self->fake.closed) let_time_pass(self);
    assert(memory.bytes <= MEMORY_BYTES_MAX);
  }
  while (self->ws && pass(self, 1 + piece * 10))
    if (self->ws) ws_release(self->ws);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  static struct end self, other;
  if (len < 2) return 0;
  (void)counted_init(&memory);
  bool client = bytes[0] & CLIENT;
  open_end(&other, bytes[0] & (DEFLATE | TAKEOVER | FRAGMENTS), !client, NULL);
  open_end(&self, bytes[0], client, &other);
  play(&self, bytes + 2, len - 2, bytes[1] ? bytes[1] : len);
  if (!self.fake.closed) self.fake.stream.events->data(&self.fake.stream, span_of(NULL, 0), true);
  while (pass(&self, 1000)) {
  }
  assert(other.counters.broken == 0 && other.counters.too_big == 0);
  fake_free(&self.fake);
  fake_free(&other.fake);
  assert(!self.ws && !other.ws && memory.bytes == 0);
  return 0;
}
