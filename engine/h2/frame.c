/*
 * h2/frame.c - what is allowed of each frame type is a row of `rules`; decoding and encoding
 * follow.
 * Whether the frame may come now, and on this stream, is decided by h2/recv.c and h2/stream.c.
 */
#include "engine/h2/frame.h"

#include "engine/base/window.h"
#include "engine/base/wire.h"

#include <assert.h>
#include <string.h>

enum stream_rule { ANY_STREAM, STREAM_ZERO, STREAM_NONZERO };

enum { FROM_CLIENT = 1, FROM_SERVER = 2, FROM_BOTH = 3 };

struct rule {
  const char *name;
  enum stream_rule stream;
  uint8_t senders;            /* FROM_* */
  uint32_t length_min;        /* bytes */
  uint32_t length_max;        /* bytes; 0: only MAX_FRAME_SIZE bounds it */
  enum h2_scope length_scope; /* how bad a wrong length is (section 4.2) */
  uint8_t flags;              /* defined flags; others are ignored */
};

#define PAD H2_FLAG_PADDED
#define EOH H2_FLAG_END_HEADERS
#define EOS H2_FLAG_END_STREAM
#define C   H2_CONNECTION_ERROR
#define S   H2_STREAM_ERROR

/* Indexed by type. A row without a name is an unknown type. */
static const struct rule rules[] = {
    [H2_DATA] = {"DATA", STREAM_NONZERO, FROM_BOTH, 0, 0, S, EOS | PAD}, /* 6.1 */
    [H2_HEADERS] = {"HEADERS", STREAM_NONZERO, FROM_BOTH, 0, 0, C,       /* 6.2 */
                    EOS | EOH | PAD | H2_FLAG_PRIORITY},
    [H2_PRIORITY] = {"PRIORITY", STREAM_NONZERO, FROM_BOTH, 5, 5, S, 0},                   /* 6.3 */
    [H2_RST_STREAM] = {"RST_STREAM", STREAM_NONZERO, FROM_BOTH, 4, 4, C, 0},               /* 6.4 */
    [H2_SETTINGS] = {"SETTINGS", STREAM_ZERO, FROM_BOTH, 0, 0, C, H2_FLAG_ACK},            /* 6.5 */
    [H2_PUSH_PROMISE] = {"PUSH_PROMISE", STREAM_NONZERO, FROM_SERVER, 4, 0, C, EOH | PAD}, /* 6.6 */
    [H2_PING] = {"PING", STREAM_ZERO, FROM_BOTH, 8, 8, C, H2_FLAG_ACK},                    /* 6.7 */
    [H2_GOAWAY] = {"GOAWAY", STREAM_ZERO, FROM_BOTH, 8, 0, C, 0},                          /* 6.8 */
    [H2_WINDOW_UPDATE] = {"WINDOW_UPDATE", ANY_STREAM, FROM_BOTH, 4, 4, C, 0},             /* 6.9 */
    [H2_CONTINUATION] = {"CONTINUATION", STREAM_NONZERO, FROM_BOTH, 0, 0, C, EOH},    /* 6.10 */
    [H2_PRIORITY_UPDATE] = {"PRIORITY_UPDATE", STREAM_ZERO, FROM_CLIENT, 4, 0, C, 0}, /* 9218 7.1 */
};

#undef PAD
#undef EOH
#undef EOS
#undef C
#undef S

#define RULES (sizeof rules / sizeof *rules)

bool h2_frame_known(uint8_t type) {
  return type < RULES && rules[type].name;
}

const char *h2_frame_name(uint8_t type) {
  return h2_frame_known(type) ? rules[type].name : "unknown";
}

const char *h2_error_name(uint32_t code) {
  static const char *const names[] = {
      "NO_ERROR",
      "PROTOCOL_ERROR",
      "INTERNAL_ERROR",
      "FLOW_CONTROL_ERROR",
      "SETTINGS_TIMEOUT",
      "STREAM_CLOSED",
      "FRAME_SIZE_ERROR",
      "REFUSED_STREAM",
      "CANCEL",
      "COMPRESSION_ERROR",
      "CONNECT_ERROR",
      "ENHANCE_YOUR_CALM",
      "INADEQUATE_SECURITY",
      "HTTP_1_1_REQUIRED",
  };
  return code < sizeof names / sizeof *names ? names[code] : "unknown";
}

struct h2_frame_header h2_frame_header_decode(const uint8_t *bytes) {
  uint32_t first = wire_get32(bytes); /* the length and the type */
  return (struct h2_frame_header){
      .length = first >> 8,
      .type = (uint8_t)first,
      .flags = bytes[4],
      .stream_id = wire_get31(bytes + 5),
  };
}

static struct h2_verdict check_length(const struct rule *rule, const struct h2_frame_header *header,
                                      uint32_t frame_bytes_max) {
  bool too_long =
      header->length > frame_bytes_max || (rule->length_max && header->length > rule->length_max);
  if (!too_long && header->length >= rule->length_min) return H2_OK;
  /* A frame above MAX_FRAME_SIZE would have to be read to its end to go on after it, which is not
   * worth it: the error is the connection's, as section 5.4.1 allows. */
  enum h2_scope scope = header->length > frame_bytes_max ? H2_CONNECTION_ERROR : rule->length_scope;
  return (struct h2_verdict){scope, H2_FRAME_SIZE_ERROR,
                             too_long ? "frame is too long" : "frame is too short"};
}

static struct h2_verdict check_settings_length(const struct h2_frame_header *header) {
  if (header->flags & H2_FLAG_ACK) {
    return header->length == 0
               ? H2_OK
               : h2_connection_error(H2_FRAME_SIZE_ERROR, "SETTINGS ACK has a payload");
  }
  return header->length % H2_SETTING_BYTES == 0
             ? H2_OK
             : h2_connection_error(H2_FRAME_SIZE_ERROR, "SETTINGS length is not a multiple of 6");
}

struct h2_verdict h2_frame_check(const struct h2_frame_header *header, enum h2_role role,
                                 uint32_t frame_bytes_max) {
  static const struct rule unknown = {"unknown", ANY_STREAM,          FROM_BOTH, 0,
                                      0,         H2_CONNECTION_ERROR, 0};
  const struct rule *rule = h2_frame_known(header->type) ? &rules[header->type] : &unknown;
  unsigned sender = role == H2_SERVER ? FROM_CLIENT : FROM_SERVER;
  if (!(rule->senders & sender))
    return h2_connection_error(H2_PROTOCOL_ERROR, "this role does not send this frame");
  if (rule->stream == STREAM_ZERO && header->stream_id != 0)
    return h2_connection_error(H2_PROTOCOL_ERROR, "frame belongs on stream 0");
  if (rule->stream == STREAM_NONZERO && header->stream_id == 0)
    return h2_connection_error(H2_PROTOCOL_ERROR, "frame needs a stream");
  struct h2_verdict verdict = check_length(rule, header, frame_bytes_max);
  if (verdict.scope != H2_ACCEPT) return verdict;
  return header->type == H2_SETTINGS ? check_settings_length(header) : H2_OK;
}

/* Removes Pad Length and padding from `payload` (sections 6.1, 6.2, 6.6). `padding_bytes` is 0 before. */
static struct h2_verdict unpad(const struct h2_frame_header *header, struct span *payload,
                               uint16_t *padding_bytes) {
  if (!(header->flags & H2_FLAG_PADDED)) return H2_OK;
  if (payload->len < 1)
    return h2_connection_error(H2_FRAME_SIZE_ERROR, "padded frame has no Pad Length");
  uint8_t padding = payload->base[0];
  if (padding > payload->len - 1)
    return h2_connection_error(H2_PROTOCOL_ERROR, "padding is longer than the payload");
  *padding_bytes = (uint16_t)(padding + 1);
  *payload = span_of(payload->base + 1, payload->len - 1 - padding);
  return H2_OK;
}

static struct h2_dependency dependency_decode(const uint8_t *bytes) {
  return (struct h2_dependency){
      .stream_id = wire_get31(bytes),
      .exclusive = bytes[0] >> 7,
      .weight = (uint16_t)(bytes[4] + 1),
  };
}

static struct h2_verdict check_dependency(const struct h2_frame_header *header,
                                          struct h2_dependency dependency) {
  return dependency.stream_id != header->stream_id /* RFC 7540 section 5.3.1 */
             ? H2_OK
             : h2_stream_error(H2_PROTOCOL_ERROR, "stream depends on itself");
}

static struct h2_verdict data_decode(struct span payload, struct h2_frame *out) {
  struct h2_verdict verdict = unpad(&out->header, &payload, &out->padding_bytes);
  out->data = payload;
  return verdict;
}

static struct h2_verdict headers_decode(struct span payload, struct h2_frame *out) {
  struct h2_verdict verdict = unpad(&out->header, &payload, &out->padding_bytes);
  if (verdict.scope != H2_ACCEPT) return verdict;
  if (out->header.flags & H2_FLAG_PRIORITY) {
    if (payload.len < 5)
      return h2_connection_error(H2_FRAME_SIZE_ERROR, "HEADERS is too short for its priority");
    out->headers.dependency = dependency_decode(payload.base);
    payload = span_of(payload.base + 5, payload.len - 5);
    verdict = check_dependency(&out->header, out->headers.dependency);
  }
  out->headers.fragment = payload;
  return verdict;
}

static struct h2_verdict priority_decode(struct span payload, struct h2_frame *out) {
  out->priority = dependency_decode(payload.base);
  return check_dependency(&out->header, out->priority);
}

static struct h2_verdict rst_stream_decode(struct span payload, struct h2_frame *out) {
  out->error_code = wire_get32(payload.base);
  return H2_OK;
}

static struct h2_verdict settings_decode(struct span payload, struct h2_frame *out) {
  out->settings = payload;
  return H2_OK;
}

static struct h2_verdict push_promise_decode(struct span payload, struct h2_frame *out) {
  struct h2_verdict verdict = unpad(&out->header, &payload, &out->padding_bytes);
  if (verdict.scope != H2_ACCEPT) return verdict;
  if (payload.len < 4)
    return h2_connection_error(H2_FRAME_SIZE_ERROR, "PUSH_PROMISE has no promised stream");
  out->push_promise.promised_id = wire_get31(payload.base);
  out->push_promise.fragment = span_of(payload.base + 4, payload.len - 4);
  if (out->push_promise.promised_id == 0 || out->push_promise.promised_id % 2 != 0)
    return h2_connection_error(H2_PROTOCOL_ERROR, "promised stream is not the server's");
  return H2_OK;
}

static struct h2_verdict ping_decode(struct span payload, struct h2_frame *out) {
  out->ping = payload.base;
  return H2_OK;
}

static struct h2_verdict goaway_decode(struct span payload, struct h2_frame *out) {
  out->goaway.last_stream_id = wire_get31(payload.base);
  out->goaway.error_code = wire_get32(payload.base + 4);
  out->goaway.debug = span_of(payload.base + 8, payload.len - 8);
  return H2_OK;
}

static struct h2_verdict window_update_decode(struct span payload, struct h2_frame *out) {
  out->increment = wire_get31(payload.base);
  if (out->increment) return H2_OK;
  return (struct h2_verdict){out->header.stream_id ? H2_STREAM_ERROR : H2_CONNECTION_ERROR,
                             H2_PROTOCOL_ERROR, "window increment is 0"}; /* section 6.9 */
}

static struct h2_verdict continuation_decode(struct span payload, struct h2_frame *out) {
  out->continuation = payload;
  return H2_OK;
}

static struct h2_verdict priority_update_decode(struct span payload, struct h2_frame *out) {
  out->priority_update.stream_id = wire_get31(payload.base);
  out->priority_update.field = span_of(payload.base + 4, payload.len - 4);
  if (out->priority_update.stream_id == 0)
    return h2_connection_error(H2_PROTOCOL_ERROR, "PRIORITY_UPDATE names stream 0");
  return H2_OK;
}

struct h2_verdict h2_frame_decode(const struct h2_frame_header *header, struct span payload,
                                  struct h2_frame *out) {
  typedef struct h2_verdict decode_fn(struct span payload, struct h2_frame * out);
  static decode_fn *const decoders[] = {
      [H2_DATA] = data_decode,
      [H2_HEADERS] = headers_decode,
      [H2_PRIORITY] = priority_decode,
      [H2_RST_STREAM] = rst_stream_decode,
      [H2_SETTINGS] = settings_decode,
      [H2_PUSH_PROMISE] = push_promise_decode,
      [H2_PING] = ping_decode,
      [H2_GOAWAY] = goaway_decode,
      [H2_WINDOW_UPDATE] = window_update_decode,
      [H2_CONTINUATION] = continuation_decode,
      [H2_PRIORITY_UPDATE] = priority_update_decode,
  };
  assert(payload.len == header->length);
  *out = (struct h2_frame){.header = *header};
  if (!h2_frame_known(header->type)) return (struct h2_verdict){.scope = H2_IGNORE};
  out->header.flags &= rules[header->type].flags;
  return decoders[header->type](payload, out);
}

/* ---- encoding -------------------------------------------------------------------------------- */

static uint8_t *header_put(uint8_t *out, uint32_t length, uint8_t type, uint8_t flags,
                           uint32_t stream_id) {
  return h2_frame_header_encode(out, (struct h2_frame_header){length, stream_id, type, flags});
}

static uint8_t *span_put(uint8_t *out, struct span bytes) {
  if (bytes.len) memcpy(out, bytes.base, bytes.len);
  return out + bytes.len;
}

uint8_t *h2_frame_dependency_encode(uint8_t *out, struct h2_dependency dependency) {
  assert(dependency.weight >= 1 && dependency.weight <= 256);
  out = wire_put32(out, dependency.stream_id | (dependency.exclusive ? 0x80000000u : 0));
  return wire_put8(out, (uint8_t)(dependency.weight - 1));
}

uint8_t *h2_frame_ping_encode(uint8_t *out, bool ack, const uint8_t opaque[8]) {
  out = header_put(out, 8, H2_PING, ack ? H2_FLAG_ACK : 0, 0);
  return span_put(out, span_of(opaque, 8));
}

uint8_t *h2_frame_rst_stream_encode(uint8_t *out, uint32_t stream_id, uint32_t error_code) {
  return wire_put32(header_put(out, 4, H2_RST_STREAM, 0, stream_id), error_code);
}

uint8_t *h2_frame_window_update_encode(uint8_t *out, uint32_t stream_id, uint32_t increment) {
  assert(increment >= 1 && increment <= WINDOW_MAX);
  return wire_put32(header_put(out, 4, H2_WINDOW_UPDATE, 0, stream_id), increment);
}

uint8_t *h2_frame_priority_encode(uint8_t *out, uint32_t stream_id,
                                  struct h2_dependency dependency) {
  return h2_frame_dependency_encode(header_put(out, 5, H2_PRIORITY, 0, stream_id), dependency);
}

uint8_t *h2_frame_goaway_encode(uint8_t *out, uint32_t last_stream_id, uint32_t error_code,
                                struct span debug) {
  out = header_put(out, 8 + (uint32_t)debug.len, H2_GOAWAY, 0, 0);
  out = wire_put32(out, last_stream_id);
  out = wire_put32(out, error_code);
  return span_put(out, debug);
}

uint8_t *h2_frame_priority_update_encode(uint8_t *out, uint32_t stream_id, struct span field) {
  out = header_put(out, 4 + (uint32_t)field.len, H2_PRIORITY_UPDATE, 0, 0);
  return span_put(wire_put32(out, stream_id), field);
}

static uint8_t *payload_put(uint8_t *out, const struct h2_frame *frame) {
  switch (frame->header.type) {
  case H2_DATA: return span_put(out, frame->data);
  case H2_HEADERS:
    if (frame->header.flags & H2_FLAG_PRIORITY)
      out = h2_frame_dependency_encode(out, frame->headers.dependency);
    return span_put(out, frame->headers.fragment);
  case H2_PRIORITY: return h2_frame_dependency_encode(out, frame->priority);
  case H2_RST_STREAM: return wire_put32(out, frame->error_code);
  case H2_SETTINGS: return span_put(out, frame->settings);
  case H2_PUSH_PROMISE:
    return span_put(wire_put32(out, frame->push_promise.promised_id), frame->push_promise.fragment);
  case H2_PING: return span_put(out, span_of(frame->ping, 8));
  case H2_GOAWAY:
    out = wire_put32(out, frame->goaway.last_stream_id);
    return span_put(wire_put32(out, frame->goaway.error_code), frame->goaway.debug);
  case H2_WINDOW_UPDATE: return wire_put32(out, frame->increment);
  case H2_CONTINUATION: return span_put(out, frame->continuation);
  case H2_PRIORITY_UPDATE:
    return span_put(wire_put32(out, frame->priority_update.stream_id),
                    frame->priority_update.field);
  default: return out;
  }
}

uint8_t *h2_frame_encode(uint8_t *out, const struct h2_frame *frame) {
  uint8_t *payload = h2_frame_header_encode(out, frame->header);
  uint8_t *end = payload;
  if (frame->header.flags & H2_FLAG_PADDED)
    end = wire_put8(end, (uint8_t)(frame->padding_bytes - 1));
  end = payload_put(end, frame);
  if (frame->header.flags & H2_FLAG_PADDED) {
    memset(end, 0, frame->padding_bytes - 1u);
    end += frame->padding_bytes - 1;
  }
  assert((size_t)(end - payload) == frame->header.length);
  return end;
}
