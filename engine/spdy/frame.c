/*
 * spdy/frame.c - what is allowed of each frame type is a row of `rules`; decoding and encoding follow.
 * Whether the frame may come now, and on this stream, is decided by the session.
 */
#include "engine/spdy/frame.h"

#include <assert.h>

#include "engine/base/wire.h"
#include "engine/spdy/limits.h"

struct rule {
  const char *name;
  uint32_t fixed_bytes; /* of the payload */
  uint32_t rest_max;    /* bytes that may follow; 0: the fixed part is all */
  bool stream;          /* it begins with a stream identifier that must not be 0 */
};

/* Indexed by type. A row without a name is an unknown type; NOOP (5) and CREDENTIAL (10) are gone in 3.1. */
static const struct rule rules[] = {
    [SPDY_DATA] = {"DATA", 0, SPDY_FRAME_LENGTH_MAX, true},                          /* 2.2.2 */
    [SPDY_SYN_STREAM] = {"SYN_STREAM", 10, SPDY_BLOCK_BYTES_MAX, true},              /* 2.6.1 */
    [SPDY_SYN_REPLY] = {"SYN_REPLY", 4, SPDY_BLOCK_BYTES_MAX, true},                 /* 2.6.2 */
    [SPDY_RST_STREAM] = {"RST_STREAM", 8, 0, true},                                  /* 2.6.3 */
    [SPDY_SETTINGS] = {"SETTINGS", 4, SPDY_SETTINGS_ENTRIES_MAX *SPDY_SETTING_BYTES, /* 2.6.4 */
                       false},
    [SPDY_PING] = {"PING", 4, 0, false},                         /* 2.6.5 */
    [SPDY_GOAWAY] = {"GOAWAY", 8, 0, false},                     /* 2.6.6 */
    [SPDY_HEADERS] = {"HEADERS", 4, SPDY_BLOCK_BYTES_MAX, true}, /* 2.6.7 */
    [SPDY_WINDOW_UPDATE] = {"WINDOW_UPDATE", 8, 0, false},       /* 2.6.8 */
};

#define RULES (sizeof rules / sizeof *rules)

static const struct rule *rule_of(uint16_t type) {
  return type < RULES && rules[type].name ? &rules[type] : NULL;
}

const char *spdy_frame_name(uint16_t type) {
  const struct rule *rule = rule_of(type);
  return rule ? rule->name : "unknown";
}

const char *spdy_status_name(uint32_t status) {
  static const char *const names[] = {
      "unknown",
      "PROTOCOL_ERROR",
      "INVALID_STREAM",
      "REFUSED_STREAM",
      "UNSUPPORTED_VERSION",
      "CANCEL",
      "INTERNAL_ERROR",
      "FLOW_CONTROL_ERROR",
      "STREAM_IN_USE",
      "STREAM_ALREADY_CLOSED",
      "INVALID_CREDENTIALS",
      "FRAME_TOO_LARGE",
  };
  return names[status < sizeof names / sizeof *names ? status : 0];
}

const char *spdy_goaway_name(uint32_t status) {
  static const char *const names[] = {"OK", "PROTOCOL_ERROR", "INTERNAL_ERROR"};
  if (status == SPDY_GOAWAY_FLOW_CONTROL_ERROR) return "FLOW_CONTROL_ERROR";
  return status < sizeof names / sizeof *names ? names[status] : "unknown";
}

struct spdy_frame_header spdy_frame_header_decode(const uint8_t *bytes) {
  struct spdy_frame_header header = {.control = bytes[0] >> 7,
                                     .flags = bytes[4],
                                     .version = SPDY_VERSION,
                                     .length = wire_get24(bytes + 5)};
  if (header.control) {
    header.version = wire_get16(bytes) & 0x7fff;
    header.type = wire_get16(bytes + 2);
    /* The number that stands for DATA is no type of a control frame. */
    if (header.type == SPDY_DATA) header.type = UINT16_MAX;
  } else {
    header.stream_id = wire_get31(bytes);
  }
  return header;
}

static struct spdy_verdict broken(const char *reason) {
  return spdy_session_error(SPDY_GOAWAY_PROTOCOL_ERROR, reason);
}

uint32_t spdy_frame_fixed_bytes(const struct spdy_frame_header *header) {
  const struct rule *rule = rule_of(header->type);
  return rule ? rule->fixed_bytes : 0;
}

struct spdy_verdict spdy_frame_check(const struct spdy_frame_header *header) {
  const struct rule *rule = rule_of(header->type);
  if (header->version != SPDY_VERSION) {
    if (header->type == SPDY_SYN_STREAM && header->length >= rule->fixed_bytes)
      return spdy_stream_error(SPDY_UNSUPPORTED_VERSION, "SYN_STREAM of another version");
    return broken("control frame of another version");
  }
  if (!rule) return (struct spdy_verdict){.scope = SPDY_IGNORE}; /* section 2.2.1 */
  if (header->length < rule->fixed_bytes) return broken("frame is too short");
  if (header->length - rule->fixed_bytes > rule->rest_max) return broken("frame is too long");
  if (header->type == SPDY_DATA && header->stream_id == 0) return broken("DATA needs a stream");
  return SPDY_OK;
}

/* ---- fixed parts ----------------------------------------------------------------------------- */

static struct spdy_verdict settings_decode(const uint8_t *fixed, struct spdy_frame *out) {
  out->settings_entries = wire_get32(fixed);
  /* In 64 bits, so that no number wraps around. */
  uint64_t bytes = 4 + (uint64_t)out->settings_entries * SPDY_SETTING_BYTES;
  return bytes == out->header.length ? SPDY_OK : broken("SETTINGS of another length than it says");
}

static struct spdy_verdict window_update_decode(const uint8_t *fixed, struct spdy_frame *out) {
  out->delta = wire_get31(fixed + 4);
  if (out->delta > 0) return SPDY_OK;
  return out->stream_id ? spdy_stream_error(SPDY_PROTOCOL_ERROR, "WINDOW_UPDATE of 0")
                        : broken("WINDOW_UPDATE of 0");
}

struct spdy_verdict spdy_frame_decode(const struct spdy_frame_header *header, const uint8_t *fixed,
                                      struct spdy_frame *out) {
  const struct rule *rule = rule_of(header->type);
  assert(rule && header->length >= rule->fixed_bytes);
  *out = (struct spdy_frame){.header = *header, .stream_id = header->stream_id};
  if (header->type == SPDY_DATA) return SPDY_OK;
  if (rule->stream || header->type == SPDY_WINDOW_UPDATE) out->stream_id = wire_get31(fixed);
  if (rule->stream && out->stream_id == 0) return broken("frame needs a stream");
  switch (header->type) {
  case SPDY_SYN_STREAM:
    out->syn_stream.associated_id = wire_get31(fixed + 4);
    out->syn_stream.priority = fixed[8] >> 5;
    out->syn_stream.slot = fixed[9];
    return SPDY_OK;
  case SPDY_RST_STREAM: out->status = wire_get32(fixed + 4); return SPDY_OK;
  case SPDY_SETTINGS: return settings_decode(fixed, out);
  case SPDY_PING: out->ping_id = wire_get32(fixed); return SPDY_OK;
  case SPDY_GOAWAY:
    out->goaway.last_good_id = wire_get31(fixed);
    out->goaway.status = wire_get32(fixed + 4);
    return SPDY_OK;
  case SPDY_WINDOW_UPDATE: return window_update_decode(fixed, out);
  default: return SPDY_OK;
  }
}

struct spdy_setting spdy_setting_decode(const uint8_t *bytes) {
  return (struct spdy_setting){
      .flags = bytes[0], .id = wire_get24(bytes + 1), .value = wire_get32(bytes + 4)};
}

/* ---- encoding -------------------------------------------------------------------------------- */

static uint8_t *put_flags_length(uint8_t *out, uint8_t flags, uint32_t length) {
  assert(length <= SPDY_FRAME_LENGTH_MAX);
  return wire_put32(out, (uint32_t)flags << 24 | length);
}

uint8_t *spdy_frame_header_encode(uint8_t *out, struct spdy_frame_header header) {
  uint32_t first = header.control
                       ? 0x80000000u | (uint32_t)(header.version & 0x7fff) << 16 | header.type
                       : header.stream_id & SPDY_STREAM_ID_MAX;
  return put_flags_length(wire_put32(out, first), header.flags, header.length);
}

static uint8_t *control_encode(uint8_t *out, enum spdy_frame_type type, uint8_t flags,
                               uint32_t length) {
  out = wire_put32(out, 0x80000000u | SPDY_VERSION << 16 | (uint32_t)type);
  return put_flags_length(out, flags, length);
}

uint8_t *spdy_frame_data_encode(uint8_t *out, uint32_t stream_id, uint8_t flags, uint32_t length) {
  return put_flags_length(wire_put32(out, stream_id & SPDY_STREAM_ID_MAX), flags, length);
}

uint8_t *spdy_frame_syn_stream_encode(uint8_t *out, uint8_t flags, uint32_t stream_id,
                                      uint32_t associated_id, uint8_t priority,
                                      uint32_t block_bytes) {
  assert(priority <= SPDY_PRIORITY_MAX);
  out = control_encode(out, SPDY_SYN_STREAM, flags, 10 + block_bytes);
  out = wire_put32(wire_put32(out, stream_id), associated_id);
  return wire_put16(out, (uint16_t)(priority << 13));
}

uint8_t *spdy_frame_syn_reply_encode(uint8_t *out, uint8_t flags, uint32_t stream_id,
                                     uint32_t block_bytes) {
  return wire_put32(control_encode(out, SPDY_SYN_REPLY, flags, 4 + block_bytes), stream_id);
}

uint8_t *spdy_frame_headers_encode(uint8_t *out, uint8_t flags, uint32_t stream_id,
                                   uint32_t block_bytes) {
  return wire_put32(control_encode(out, SPDY_HEADERS, flags, 4 + block_bytes), stream_id);
}

/* A frame of two numbers. */
static uint8_t *pair_encode(uint8_t *out, enum spdy_frame_type type, uint32_t first,
                            uint32_t second) {
  return wire_put32(wire_put32(control_encode(out, type, 0, 8), first), second);
}

uint8_t *spdy_frame_rst_stream_encode(uint8_t *out, uint32_t stream_id, uint32_t status) {
  return pair_encode(out, SPDY_RST_STREAM, stream_id, status);
}

uint8_t *spdy_frame_goaway_encode(uint8_t *out, uint32_t last_good_id, uint32_t status) {
  return pair_encode(out, SPDY_GOAWAY, last_good_id, status);
}

uint8_t *spdy_frame_window_update_encode(uint8_t *out, uint32_t stream_id, uint32_t delta) {
  assert(delta > 0 && delta <= SPDY_WINDOW_BYTES_MAX);
  return pair_encode(out, SPDY_WINDOW_UPDATE, stream_id, delta);
}

uint8_t *spdy_frame_ping_encode(uint8_t *out, uint32_t ping_id) {
  return wire_put32(control_encode(out, SPDY_PING, 0, 4), ping_id);
}

uint8_t *spdy_frame_settings_encode(uint8_t *out, uint8_t flags,
                                    const struct spdy_setting *settings, uint32_t count) {
  assert(count <= SPDY_SETTINGS_ENTRIES_MAX);
  out = control_encode(out, SPDY_SETTINGS, flags, 4 + count * SPDY_SETTING_BYTES);
  out = wire_put32(out, count);
  for (uint32_t i = 0; i < count; i++) {
    out = wire_put32(out, (uint32_t)settings[i].flags << 24 | (settings[i].id & 0xffffffu));
    out = wire_put32(out, settings[i].value);
  }
  return out;
}
