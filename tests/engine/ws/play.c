/*
 * ws/play.c - one end of a WebSocket on a fake stream; see ws/play.h.
 */
#include "tests/engine/ws/play.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/guard.h"
#include "tests/support/hex.h"

static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
static struct guard guard;

/* ---- the log --------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void put(struct play *play, const char *format, ...) {
  va_list list;
  va_start(list, format);
  size_t room = sizeof play->log - play->log_len;
  int len = vsnprintf(play->log + play->log_len, room, format, list);
  va_end(list);
  assert_true(len >= 0 && (size_t)len < room);
  play->log_len += (size_t)len;
}

static void put_word(struct play *play, const char *word) {
  put(play, "%s%s", play->log_len ? " " : "", word);
}

static bool is_letters(struct span bytes) {
  for (size_t i = 0; i < bytes.len; i++)
    if (bytes.base[i] != 'a' + i % 26) return false;
  return true;
}

/* As rows have it. */
static void put_payload(struct play *play, struct span bytes) {
  bool text = true;
  for (size_t i = 0; i < bytes.len; i++)
    text &= isgraph(bytes.base[i]) || bytes.base[i] == ' ';
  if (bytes.len > 40 && is_letters(bytes)) {
    put(play, "*%zu", bytes.len);
  } else if (text && bytes.len <= 200) {
    for (size_t i = 0; i < bytes.len; i++)
      put(play, "%c", bytes.base[i] == ' ' ? '_' : bytes.base[i]);
  } else if (bytes.len <= 200) {
    put(play, "=");
    for (size_t i = 0; i < bytes.len; i++)
      put(play, "%02x", bytes.base[i]);
  } else {
    put(play, "?%zu", bytes.len);
  }
}

const char *play_log(struct play *play) {
  static char last[PLAY_LOG_BYTES];
  memcpy(last, play->log, sizeof last);
  play->log_len = play->log[0] = 0;
  return last;
}

/* ---- events ---------------------------------------------------------------------------------- */

static void on_open(struct ws *ws) {
  put_word(ws_user(ws), "open");
}

static void on_message(struct ws *ws, enum ws_kind kind, struct span bytes, bool end) {
  struct play *play = ws_user(ws);
  put_word(play, kind == WS_TEXT ? "T" : "B");
  put(play, "%s", !play->settings.fragments ? ":" : end ? ".:" : "+:");
  put_payload(play, bytes);
  assert_true(end || play->settings.fragments);
  if (play->echo) assert_true(ws_send(ws, kind, bytes));
  if (play->on_message) play->on_message(play);
}

static void on_pong(struct ws *ws, struct span payload) {
  put_word(ws_user(ws), "O:");
  put_payload(ws_user(ws), payload);
}

static void on_writable(struct ws *ws) {
  put_word(ws_user(ws), "room");
}

static void on_timer(struct ws *ws, uint64_t now_ns) {
  struct play *play = ws_user(ws);
  assert_int_equal(now_ns, play->fake.now_ns);
  put_word(play, "timer");
}

static void on_closed(struct ws *ws, unsigned code, struct span reason) {
  struct play *play = ws_user(ws);
  put_word(play, "closed");
  put(play, " %u%s%.*s", code, reason.len ? " " : "", (int)reason.len, (const char *)reason.base);
  play->ws = NULL;
}

static const struct ws_events events = {.open = on_open,
                                        .message = on_message,
                                        .pong = on_pong,
                                        .writable = on_writable,
                                        .timer = on_timer,
                                        .closed = on_closed};

/* ---- frames that are sent: an independent decoder -------------------------------------------- */

static size_t header_octets(const uint8_t *at, size_t *len) {
  size_t used = 2;
  *len = at[1] & 127;
  if (*len == 126) {
    *len = (size_t)at[2] << 8 | at[3];
    used = 4;
  } else if (*len == 127) {
    *len = 0;
    for (int i = 2; i < 10; i++)
      *len = *len << 8 | at[i];
    used = 10;
  }
  return used;
}

static void put_frame(struct play *play, uint8_t first, struct span payload) {
  static const char names[] = "CTB.....XPO.....";
  char name = names[first & 15];
  put_word(play, ">");
  put(play, "%s%c:", first & 0x40 ? "z" : "", first & 0x80 ? name : tolower(name));
  assert_int_equal(first & 0x30, 0);
  if (name == 'X' && payload.len >= 2) {
    put(play, "%u", (unsigned)payload.base[0] << 8 | payload.base[1]);
    payload = span_of(payload.base + 2, payload.len - 2);
  }
  put_payload(play, payload);
}

/* Puts whole frames into the log. */
static void put_sent(struct play *play) {
  struct fake_stream *fake = &play->fake;
  while (fake->len - play->pulled >= 2) {
    uint8_t *at = fake->bytes + play->pulled;
    size_t len, used = header_octets(at, &len);
    bool masked = at[1] & 128;
    assert_int_equal(masked, play->client);
    used += masked ? 4 : 0;
    assert_true(fake->len - play->pulled >= used + len);
    for (size_t i = 0; masked && i < len; i++)
      at[used + i] ^= at[used - 4 + i % 4];
    put_frame(play, at[0], span_of(at + used, len));
    play->pulled += used + len;
  }
  assert_int_equal(fake->len, play->pulled);
}

void play_pull(struct play *play, size_t max) {
  struct fake_stream *fake = &play->fake;
  while (fake->body.ops && !fake->body_closed) {
    enum body_result result = fake_pull(fake, max);
    assert_true(result == BODY_MORE || result == BODY_END || result == BODY_WAIT);
    if (result == BODY_WAIT) break;
    if (result == BODY_MORE) continue;
    play->body_ended = true;
    fake_close_body(fake);
  }
  put_sent(play);
  if (play->body_ended) put_word(play, "END");
  play->body_ended = false;
}

/* ---- the peer -------------------------------------------------------------------------------- */

static size_t put_length(uint8_t *out, size_t len, bool masked) {
  size_t octets = len > 65535 ? 8 : len > 125 ? 2 : 0;
  out[1] = (uint8_t)((octets == 8 ? 127 : octets == 2 ? 126 : len) | (masked ? 0x80 : 0));
  for (size_t i = 0; i < octets; i++)
    out[2 + i] = (uint8_t)(len >> (8 * (octets - 1 - i)));
  return 2 + octets;
}

static size_t payload_of(const char *text, size_t len, uint8_t *out) {
  if (len > 0 && *text == '*') {
    size_t count = strtoul(text + 1, NULL, 10);
    for (size_t i = 0; i < count; i++)
      out[i] = (uint8_t)('a' + i % 26);
    return count;
  }
  if (len > 0 && *text == '=') {
    char hex[4096];
    snprintf(hex, sizeof hex, "%.*s", (int)len - 1, text + 1);
    return hex_decode(hex, out, PLAY_BYTES_MAX);
  }
  for (size_t i = 0; i < len; i++)
    out[i] = (uint8_t)(text[i] == '_' ? ' ' : text[i]);
  return len;
}

/* One frame: its letter, and the text behind the colon. */
static size_t one_frame(const struct play *play, const char *word, size_t len, uint8_t *out) {
  static const char letters[] = "ctb34567xpodefgh";
  static uint8_t payload[PLAY_BYTES_MAX];
  uint8_t reserved = 0;
  for (; *word == 'z' || *word == 'y' || *word == 'w'; word++, len--)
    reserved |= *word == 'z' ? 0x40 : *word == 'y' ? 0x20 : 0x10;
  const char *letter = strchr(letters, tolower(*word));
  assert_true(letter && *letter && word[1] == ':');
  size_t at = 0, count;
  const char *text = word + 2;
  len -= 2;
  if (*word == 'X' && len > 0 && isdigit(*text)) {
    char *end;
    unsigned long code = strtoul(text, &end, 10);
    payload[at++] = (uint8_t)(code >> 8);
    payload[at++] = (uint8_t)code;
    len -= (size_t)(end - text);
    text = end;
  }
  count = at + payload_of(text, len, payload + at);
  out[0] = (uint8_t)((islower(*word) ? 0 : 0x80) | reserved | (letter - letters));
  bool masked = !play->client;
  size_t used = put_length(out, count, masked);
  if (masked) memcpy(out + used, mask, 4);
  used += masked ? 4 : 0;
  for (size_t i = 0; i < count; i++)
    out[used + i] = masked ? payload[i] ^ mask[i % 4] : payload[i];
  return used + count;
}

size_t play_frames(const struct play *play, const char *frames, uint8_t *out) {
  size_t used = 0;
  while (*frames) {
    size_t len = strcspn(frames, " ");
    if (*frames == '~') {
      char hex[256];
      snprintf(hex, sizeof hex, "%.*s", (int)len - 1, frames + 1);
      used += hex_decode(hex, out + used, PLAY_BYTES_MAX - used);
    } else if (len > 0) {
      used += one_frame(play, frames, len, out + used);
    }
    frames += len + (frames[len] == ' ');
  }
  return used;
}

/* Every octet counts as consumed, but for those that wait. */
void play_bytes(struct play *play, struct span bytes) {
  struct stream *stream = &play->fake.stream;
  if (!guard.base) guard_init(&guard, PLAY_BYTES_MAX + 64);
  struct span copy = guard_put(&guard, bytes);
  if (play->fake.closed || !stream->events) return;
  stream->events->data(stream, copy, false);
}

void play_peer(struct play *play, const char *frames) {
  static uint8_t bytes[PLAY_BYTES_MAX + 64];
  play_bytes(play, span_of(bytes, play_frames(play, frames, bytes)));
}

void play_eof(struct play *play) {
  struct stream *stream = &play->fake.stream;
  if (!play->fake.closed && stream->events) stream->events->data(stream, span_of(NULL, 0), true);
}

void play_wait(struct play *play, uint64_t ns) {
  struct fake_stream *fake = &play->fake;
  fake->now_ns += ns;
  if (fake->closed || fake->now_ns < fake->timer_ns) return;
  fake->timer_ns = UINT64_MAX;
  fake->stream.events->timer(&fake->stream, fake->now_ns);
}

/* ---- life ------------------------------------------------------------------------------------ */

static uint32_t random_bits(void *ctx) {
  static uint32_t seed;
  (void)ctx;
  return seed = seed * 1664525 + 1013904223;
}

void play_settings(struct play *play) {
  memset(play, 0, sizeof *play);
  play->settings = (struct ws_settings){.memory = counted_init(&play->memory),
                                        .events = &events,
                                        .counters = &play->counters,
                                        .random = random_bits};
}

static void accept_it(void *ctx, struct stream *stream, const struct request *request,
                      uint64_t now_ns) {
  struct play *play = ctx;
  (void)now_ns;
  play->ws = ws_accept(stream, request, &play->settings, play);
}

static void begin_server(struct play *play, const struct header *extensions) {
  struct header fields[] = {header_of(TOKEN_SEC_WEBSOCKET_VERSION, span_text("13")), *extensions};
  const struct handler handler = {.ctx = play, .request = accept_it};
  fake_request(&play->fake, &handler, "CONNECT", "/", fields, extensions->value.len ? 2 : 1,
               SECOND_NS);
}

static void begin_client(struct play *play, struct header *extensions) {
  struct ws_client client;
  struct headers fields = {.at = extensions, .count = extensions->value.len ? 1 : 0};
  assert_true(ws_client(&client, &play->settings, false, play));
  fake_begin(&play->fake, SECOND_NS);
  play->fake.body = client.body;
  play->fake.stream.user = client.ws;
  play->fake.stream.events = client.events;
  play->ws = client.ws;
  ws_client_sent(&client, &play->fake.stream);
  client.events->response(&play->fake.stream, 200, &fields, false);
}

void play_begin(struct play *play, bool client, const char *terms) {
  char text[256] = "";
  if (play->settings.deflate)
    snprintf(text, sizeof text, "permessage-deflate%s%s", *terms ? "; " : "", terms);
  struct header extensions = header_of(TOKEN_SEC_WEBSOCKET_EXTENSIONS, span_text(text));
  play->client = client;
  play->pulled = 0;
  if (client)
    begin_client(play, &extensions);
  else
    begin_server(play, &extensions);
  if (play->settings.deflate)
    assert_true(client || fake_field(&play->fake, "sec-websocket-extensions"));
}

void play_end(struct play *play) {
  fake_free(&play->fake);
  assert_null(play->ws);
  assert_int_equal(play->memory.bytes, 0);
}
