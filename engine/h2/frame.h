/*
 * h2/frame.h - the ten frame types of HTTP/2, and PRIORITY_UPDATE: one table of what is allowed, a
 * decoder and an encoder.
 * Spec: RFC 9113 sections 4 and 6, RFC 9218 section 7.1.
 * Ownership: decoding borrows the payload; the spans of a decoded frame point into it.
 */
#ifndef WEIR_H2_FRAME_H
#define WEIR_H2_FRAME_H

#include "engine/base/machine.h"
#include "engine/base/wire.h"

#include <assert.h>

/* RFC 9113 section 7 */
enum h2_error {
  H2_NO_ERROR = 0x0,
  H2_PROTOCOL_ERROR = 0x1,
  H2_INTERNAL_ERROR = 0x2,
  H2_FLOW_CONTROL_ERROR = 0x3,
  H2_SETTINGS_TIMEOUT = 0x4,
  H2_STREAM_CLOSED = 0x5,
  H2_FRAME_SIZE_ERROR = 0x6,
  H2_REFUSED_STREAM = 0x7,
  H2_CANCEL = 0x8,
  H2_COMPRESSION_ERROR = 0x9,
  H2_CONNECT_ERROR = 0xa,
  H2_ENHANCE_YOUR_CALM = 0xb,
  H2_INADEQUATE_SECURITY = 0xc,
  H2_HTTP_1_1_REQUIRED = 0xd,
};

/* What a frame has earned. */
enum h2_scope { H2_ACCEPT, H2_IGNORE, H2_STREAM_ERROR, H2_CONNECTION_ERROR };

struct h2_verdict {
  enum h2_scope scope;
  enum h2_error code; /* of an error */
  const char *reason; /* static text for GOAWAY's debug data and logs; NULL without an error */
};

#define H2_OK ((struct h2_verdict){.scope = H2_ACCEPT})

__attribute__((warn_unused_result)) static inline struct h2_verdict
h2_connection_error(enum h2_error code, const char *reason) {
  return (struct h2_verdict){.scope = H2_CONNECTION_ERROR, .code = code, .reason = reason};
}

__attribute__((warn_unused_result)) static inline struct h2_verdict
h2_stream_error(enum h2_error code, const char *reason) {
  return (struct h2_verdict){.scope = H2_STREAM_ERROR, .code = code, .reason = reason};
}

enum h2_role { H2_SERVER, H2_CLIENT };

enum h2_frame_type {
  H2_DATA = 0x0,
  H2_HEADERS = 0x1,
  H2_PRIORITY = 0x2,
  H2_RST_STREAM = 0x3,
  H2_SETTINGS = 0x4,
  H2_PUSH_PROMISE = 0x5,
  H2_PING = 0x6,
  H2_GOAWAY = 0x7,
  H2_WINDOW_UPDATE = 0x8,
  H2_CONTINUATION = 0x9,
  H2_PRIORITY_UPDATE = 0x10,
};

enum {
  H2_FLAG_END_STREAM = 0x1,
  H2_FLAG_ACK = 0x1,
  H2_FLAG_END_HEADERS = 0x4,
  H2_FLAG_PADDED = 0x8,
  H2_FLAG_PRIORITY = 0x20,
};

/* Fixed by RFC 9113 sections 3.4, 4.1, 4.2, 5.1.1 and 6.5.1. */
#define H2_FRAME_HEADER_BYTES 9u
#define H2_FRAME_BYTES_MIN    16384u    /* smallest MAX_FRAME_SIZE */
#define H2_FRAME_BYTES_MAX    16777215u /* 2^24 - 1 */
#define H2_SETTING_BYTES      6u        /* an entry of SETTINGS */
#define H2_STREAM_ID_MAX      0x7fffffffu
#define H2_PREFACE            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define H2_PREFACE_BYTES      24u

struct h2_frame_header {
  uint32_t length;    /* of the payload, bytes */
  uint32_t stream_id; /* without the reserved bit */
  uint8_t type;       /* enum h2_frame_type, or unknown */
  uint8_t flags;
};

/* RFC 7540 section 5.3.1; deprecated by RFC 9113 but still sent. */
struct h2_dependency {
  uint32_t stream_id;
  uint16_t weight; /* 1 .. 256 */
  bool exclusive;
};

struct h2_frame {
  struct h2_frame_header header;
  uint16_t padding_bytes; /* Pad Length field and padding: 0 when not padded, else 1 .. 256 */
  union {
    struct span data; /* DATA */
    struct {
      struct span fragment;
      struct h2_dependency dependency; /* valid with H2_FLAG_PRIORITY */
    } headers;
    struct h2_dependency priority;
    uint32_t error_code;  /* RST_STREAM */
    struct span settings; /* SETTINGS: 6 bytes an entry, see h2/settings.h */
    struct {
      uint32_t promised_id;
      struct span fragment;
    } push_promise;
    const uint8_t *ping; /* 8 bytes */
    struct {
      uint32_t last_stream_id;
      uint32_t error_code;
      struct span debug;
    } goaway;
    uint32_t increment;       /* WINDOW_UPDATE */
    struct span continuation; /* CONTINUATION: the fragment */
    struct {
      uint32_t stream_id;
      struct span field; /* a `priority` field value */
    } priority_update;
  };
};

/* Reads the H2_FRAME_HEADER_BYTES at `bytes`. Cannot fail. */
struct h2_frame_header h2_frame_header_decode(const uint8_t *bytes);

/* Checks a frame header that `role` has received: its stream identifier, its length, and whether
 * the peer may send it. `frame_bytes_max` is our SETTINGS_MAX_FRAME_SIZE. Unknown types are
 * accepted unless they are too long. States are not checked. */
__attribute__((warn_unused_result)) struct h2_verdict
h2_frame_check(const struct h2_frame_header *header, enum h2_role role, uint32_t frame_bytes_max);

/* Decodes the payload of a frame that h2_frame_check() accepted. Checks padding, and what is wrong
 * in any state: an increment of 0, a dependency on itself. On H2_STREAM_ERROR `out` is filled, too,
 * because a header block must still be decoded. */
__attribute__((warn_unused_result)) struct h2_verdict
h2_frame_decode(const struct h2_frame_header *header, struct span payload, struct h2_frame *out);

/* Whether this engine knows the type. */
bool h2_frame_known(uint8_t type);

/* "HEADERS", ...; "unknown" for others. */
const char *h2_frame_name(uint8_t type);

/* "PROTOCOL_ERROR", ...; "unknown" for others. */
const char *h2_error_name(uint32_t code);

/* ---- encoding: each writes one frame at `out` and returns its end ---------------------------- */

/* The header of a frame. Its length and identifier fit (asserted). */
static inline uint8_t *h2_frame_header_encode(uint8_t *out, struct h2_frame_header header) {
  assert(header.length <= H2_FRAME_BYTES_MAX);
  assert(header.stream_id <= H2_STREAM_ID_MAX);
  out = wire_put32(out, header.length << 8 | header.type);
  out = wire_put8(out, header.flags);
  return wire_put32(out, header.stream_id);
}

/* 17 bytes */
uint8_t *h2_frame_ping_encode(uint8_t *out, bool ack, const uint8_t opaque[8]);
/* 13 bytes each */
uint8_t *h2_frame_rst_stream_encode(uint8_t *out, uint32_t stream_id, uint32_t error_code);
uint8_t *h2_frame_window_update_encode(uint8_t *out, uint32_t stream_id, uint32_t increment);
/* 14 bytes */
uint8_t *h2_frame_priority_encode(uint8_t *out, uint32_t stream_id,
                                  struct h2_dependency dependency);
/* 5 bytes: the priority alone, as HEADERS has it */
uint8_t *h2_frame_dependency_encode(uint8_t *out, struct h2_dependency dependency);
/* 17 bytes and the debug data */
uint8_t *h2_frame_goaway_encode(uint8_t *out, uint32_t last_stream_id, uint32_t error_code,
                                struct span debug);
/* 13 bytes and the field value */
uint8_t *h2_frame_priority_update_encode(uint8_t *out, uint32_t stream_id, struct span field);

/* Any frame, with `frame->padding_bytes` of padding (zeros). `out` has room for the header and
 * header.length bytes, padding included. For tests and tools; the hot path uses the functions
 * above. */
uint8_t *h2_frame_encode(uint8_t *out, const struct h2_frame *frame);

#endif
