/*
 * h2/upgrade.c - see h2/upgrade.h.
 */
#include "engine/h2/upgrade.h"

#include <assert.h>

#include "engine/h2/block.h"
#include "engine/h2/flow.h"
#include "engine/h2/h2.h"
#include "engine/h2/life.h"
#include "engine/h2/recv_settings.h"

/* ---- server ---------------------------------------------------------------------------------- */

/* Derived from the most that a SETTINGS frame may hold. */
enum { ENTRIES_BYTES_MAX = H2_SETTINGS_ENTRIES_MAX * H2_SETTING_BYTES };

/* Of the alphabet of RFC 4648 section 5; 64: not in it. */
static unsigned sextet(uint8_t byte) {
  if (byte >= 'A' && byte <= 'Z') return byte - 'A';
  if (byte >= 'a' && byte <= 'z') return byte - 'a' + 26u;
  if (byte >= '0' && byte <= '9') return byte - '0' + 52u;
  return byte == '-' ? 62u : byte == '_' ? 63u : 64u;
}

/* Base64url without padding. False when it is something else, or too long. */
static bool decode(struct span text, uint8_t *out, size_t *len) {
  uint32_t bits = 0;
  *len = 0;
  for (size_t i = 0; i < text.len; i++) {
    unsigned value = sextet(text.base[i]);
    if (value > 63 || *len == ENTRIES_BYTES_MAX) return false;
    bits = bits << 6 | value;
    if (i % 4) out[(*len)++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
  }
  return text.len % 4 != 1;
}

/* The machine is as after a call: nothing of it is in use. */
static bool begin(struct h2 *h2, const struct http_upgrade *asked) {
  uint8_t entries[ENTRIES_BYTES_MAX];
  size_t len;
  if (!decode(asked->settings, entries, &len) || len % H2_SETTING_BYTES) return false;
  if (!h2_recv_settings_upgraded(h2, span_of(entries, len))) return false;
  h2_block_upgraded(h2, asked);
  return true;
}

bool h2_server_upgraded(struct h2_shared *shared, const struct machine_peer *peer,
                        struct machine_host *host, uint64_t now_ns,
                        const struct http_upgrade *asked, struct machine *out) {
  struct machine machine;
  if (!h2_server(shared, peer, host, now_ns, &machine)) return false;
  struct h2 *h2 = h2_of(&machine);
  h2->in_call = true; /* of the machine that it takes the place of */
  bool begun = begin(h2, asked);
  h2->in_call = false;
  if (begun)
    *out = machine;
  else
    machine.ops->close(machine.self);
  return begun;
}

/* ---- client ---------------------------------------------------------------------------------- */

/* Base64url without padding, of a multiple of three bytes. */
static size_t encode(struct span bytes, uint8_t *out) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  size_t len = 0;
  assert(bytes.len % 3 == 0);
  for (size_t i = 0; i < bytes.len; i += 3) {
    uint32_t bits = (uint32_t)bytes.base[i] << 16 | (uint32_t)bytes.base[i + 1] << 8 |
                    (uint32_t)bytes.base[i + 2];
    for (unsigned shift = 24; shift > 0; shift -= 6)
      out[len++] = (uint8_t)digits[bits >> (shift - 6) & 63];
  }
  return len;
}

size_t h2_upgrade_settings(const struct h2 *h2, uint8_t out[H2_UPGRADE_SETTINGS_BYTES]) {
  _Static_assert(H2_SETTING_BYTES % 3 == 0, "entries need no padding");
  uint8_t frame[H2_FRAME_HEADER_BYTES + H2_SETTINGS_KNOWN * H2_SETTING_BYTES];
  const uint8_t *end = h2_settings_encode(frame, &h2->ours);
  const uint8_t *entries = frame + H2_FRAME_HEADER_BYTES;
  return encode(span_of(entries, (size_t)(end - entries)), out);
}

struct stream *h2_upgrade_request(struct h2 *h2, bool head, const struct stream_events *events,
                                  void *user) {
  assert(h2->role == H2_CLIENT && h2->own_id_next == 1);
  struct h2_stream *stream = h2_stream_open(h2, h2->own_id_next);
  if (!stream) return NULL;
  h2->own_id_next += 2;
  stream->head_request = head;
  stream->final_queued = stream->announced = stream->headers_sent = stream->body_ended = true;
  h2_flow_announced(h2, stream);
  h2_stream_event(stream, H2_SEND_HEADERS);
  h2_stream_event(stream, H2_SEND_END_STREAM);
  stream->base.events = events;
  stream->base.user = user;
  return &stream->base;
}
