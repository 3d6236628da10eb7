/*
 * spdy/frame.h - the frames of SPDY/3 and SPDY/3.1: one table of what is allowed, a decoder and an
 * encoder.
 * Spec: "SPDY Protocol - Draft 3.1" section 2 (3 differs in session windows alone).
 * Ownership: decoding borrows the bytes; the spans of a decoded frame point into them.
 *
 * A frame is read in two steps. Its header says how long its fixed part is (spdy_frame_fixed_bytes());
 * what follows that part, a header block, settings or data, is handed on as it comes.
 */
#ifndef WEIR_SPDY_FRAME_H
#define WEIR_SPDY_FRAME_H

#include "engine/base/machine.h"

/* Status codes of RST_STREAM (section 2.6.3). */
enum spdy_status {
  SPDY_PROTOCOL_ERROR = 1,
  SPDY_INVALID_STREAM = 2,
  SPDY_REFUSED_STREAM = 3,
  SPDY_UNSUPPORTED_VERSION = 4,
  SPDY_CANCEL = 5,
  SPDY_INTERNAL_ERROR = 6,
  SPDY_FLOW_CONTROL_ERROR = 7,
  SPDY_STREAM_IN_USE = 8,
  SPDY_STREAM_ALREADY_CLOSED = 9,
  SPDY_INVALID_CREDENTIALS = 10,
  SPDY_FRAME_TOO_LARGE = 11,
};

/* Status codes of GOAWAY (section 2.6.6). */
enum spdy_goaway {
  SPDY_GOAWAY_OK = 0,
  SPDY_GOAWAY_PROTOCOL_ERROR = 1,
  SPDY_GOAWAY_INTERNAL_ERROR = 2,
  SPDY_GOAWAY_FLOW_CONTROL_ERROR =
      7, /* 3.1 (section 2.6.8), with the number that it has in RST_STREAM */
};

/* What a frame has earned. */
enum spdy_scope { SPDY_ACCEPT, SPDY_IGNORE, SPDY_STREAM_ERROR, SPDY_SESSION_ERROR };

struct spdy_verdict {
  enum spdy_scope scope;
  uint32_t code; /* of an error: enum spdy_status of a stream's, enum spdy_goaway of a session's */
  const char *reason; /* static text for logs; NULL without an error */
};

#define SPDY_OK ((struct spdy_verdict){.scope = SPDY_ACCEPT})

__attribute__((warn_unused_result)) static inline struct spdy_verdict
spdy_session_error(enum spdy_goaway code, const char *reason) {
  return (struct spdy_verdict){.scope = SPDY_SESSION_ERROR, .code = code, .reason = reason};
}

__attribute__((warn_unused_result)) static inline struct spdy_verdict
spdy_stream_error(enum spdy_status code, const char *reason) {
  return (struct spdy_verdict){.scope = SPDY_STREAM_ERROR, .code = code, .reason = reason};
}

/* DATA has no type on the wire; 0 is no type of a control frame. */
enum spdy_frame_type {
  SPDY_DATA = 0,
  SPDY_SYN_STREAM = 1,
  SPDY_SYN_REPLY = 2,
  SPDY_RST_STREAM = 3,
  SPDY_SETTINGS = 4,
  SPDY_PING = 6,
  SPDY_GOAWAY = 7,
  SPDY_HEADERS = 8,
  SPDY_WINDOW_UPDATE = 9,
};

enum {
  SPDY_FLAG_FIN = 0x1,            /* DATA, SYN_STREAM, SYN_REPLY, HEADERS */
  SPDY_FLAG_UNIDIRECTIONAL = 0x2, /* SYN_STREAM */
  SPDY_FLAG_CLEAR_SETTINGS = 0x1, /* SETTINGS */
};

/* Identifiers of SETTINGS (section 2.6.4). */
enum spdy_setting_id {
  SPDY_SETTINGS_UPLOAD_BANDWIDTH = 1,
  SPDY_SETTINGS_DOWNLOAD_BANDWIDTH = 2,
  SPDY_SETTINGS_ROUND_TRIP_TIME = 3,
  SPDY_SETTINGS_MAX_CONCURRENT_STREAMS = 4,
  SPDY_SETTINGS_CURRENT_CWND = 5,
  SPDY_SETTINGS_DOWNLOAD_RETRANS_RATE = 6,
  SPDY_SETTINGS_INITIAL_WINDOW_SIZE = 7,
  SPDY_SETTINGS_CLIENT_CERTIFICATE_VECTOR_SIZE = 8,
};

enum { SPDY_SETTING_PERSIST_VALUE = 0x1, SPDY_SETTING_PERSISTED = 0x2 };

/* Fixed by sections 2.2, 2.3 and 2.6. */
#define SPDY_VERSION               3u
#define SPDY_FRAME_HEADER_BYTES    8u
#define SPDY_FRAME_FIXED_BYTES_MAX 10u       /* of SYN_STREAM */
#define SPDY_FRAME_LENGTH_MAX      0xffffffu /* 2^24 - 1 */
#define SPDY_SETTING_BYTES         8u        /* an entry of SETTINGS */
#define SPDY_STREAM_ID_MAX         0x7fffffffu
#define SPDY_WINDOW_BYTES_INITIAL  65536u /* until SETTINGS say otherwise; not HTTP/2's 65,535 */
#define SPDY_WINDOW_BYTES_MAX      0x7fffffffu
#define SPDY_PRIORITY_MAX          7u /* the least urgent */

struct spdy_frame_header {
  bool control;
  uint8_t flags;
  uint16_t version;   /* of a control frame, else SPDY_VERSION */
  uint16_t type;      /* enum spdy_frame_type, or unknown; SPDY_DATA unless `control` */
  uint32_t stream_id; /* of DATA; a control frame has its own in the fixed part */
  uint32_t length;    /* of the payload, bytes */
};

/* A frame's header and fixed part. What follows has header.length - spdy_frame_fixed_bytes() bytes. */
struct spdy_frame {
  struct spdy_frame_header header;
  uint32_t stream_id; /* DATA, SYN_STREAM, SYN_REPLY, RST_STREAM, HEADERS, WINDOW_UPDATE; else 0 */
  union {
    struct {
      uint32_t associated_id; /* 0: none */
      uint8_t priority;       /* 0 .. 7; 0 is the most urgent */
      uint8_t slot;           /* of CREDENTIAL, which 3.1 has no more */
    } syn_stream;
    uint32_t status;           /* RST_STREAM */
    uint32_t settings_entries; /* SETTINGS: their number */
    uint32_t ping_id;
    struct {
      uint32_t last_good_id;
      uint32_t status;
    } goaway;
    uint32_t delta; /* WINDOW_UPDATE: 1 .. 2^31 - 1; stream_id 0 means the session (3.1) */
  };
};

struct spdy_setting {
  uint8_t flags;
  uint32_t id; /* 24 bits: enum spdy_setting_id, or unknown */
  uint32_t value;
};

/* Reads the SPDY_FRAME_HEADER_BYTES at `bytes`. Cannot fail. */
struct spdy_frame_header spdy_frame_header_decode(const uint8_t *bytes);

/* Checks a frame header: its version, its length, and of DATA its stream identifier. Neither states nor
 * flags are checked.
 *   SPDY_ACCEPT         read the fixed part, then spdy_frame_decode()
 *   SPDY_IGNORE         an unknown type: skip `length` bytes
 *   SPDY_STREAM_ERROR   SYN_STREAM of another version: read its fixed part for the stream to reset, then skip
 *                       its block: its compression is not ours. The length may be too short for a fixed part
 *                       (spdy_frame_fixed_bytes()); then this is SPDY_SESSION_ERROR.
 *   SPDY_SESSION_ERROR */
__attribute__((warn_unused_result)) struct spdy_verdict
spdy_frame_check(const struct spdy_frame_header *header);

/* Bytes of the fixed part of a known frame: 0 for DATA and unknown types. */
uint32_t spdy_frame_fixed_bytes(const struct spdy_frame_header *header);

/* Decodes the fixed part (spdy_frame_fixed_bytes() at `fixed`) of a frame that spdy_frame_check() accepted
 * or called a stream error. Checks what is wrong in any state: stream 0, a delta of 0, a number of settings
 * that does not fit the length, or that is larger than SPDY_SETTINGS_ENTRIES_MAX. On SPDY_STREAM_ERROR `out`
 * is filled, too; a block that follows must still be read. */
__attribute__((warn_unused_result)) struct spdy_verdict
spdy_frame_decode(const struct spdy_frame_header *header, const uint8_t *fixed,
                  struct spdy_frame *out);

/* Reads one entry of SETTINGS: SPDY_SETTING_BYTES at `bytes`. Cannot fail. */
struct spdy_setting spdy_setting_decode(const uint8_t *bytes);

/* Whether a header block follows the fixed part. */
static inline bool spdy_frame_has_block(const struct spdy_frame_header *header) {
  return header->type == SPDY_SYN_STREAM || header->type == SPDY_SYN_REPLY ||
         header->type == SPDY_HEADERS;
}

/* "SYN_STREAM", "DATA", ...; "unknown" for others. */
const char *spdy_frame_name(uint16_t type);

/* "PROTOCOL_ERROR", ... of RST_STREAM, and of GOAWAY; "unknown" for others. */
const char *spdy_status_name(uint32_t status);
const char *spdy_goaway_name(uint32_t status);

/* ---- encoding: each writes at `out` and returns its end -------------------------------------- */

/* The header of a frame: 8 bytes. `stream_id` of DATA; `type` and SPDY_VERSION of control frames. */
uint8_t *spdy_frame_header_encode(uint8_t *out, struct spdy_frame_header header);

/* The header of DATA: 8 bytes. */
uint8_t *spdy_frame_data_encode(uint8_t *out, uint32_t stream_id, uint8_t flags, uint32_t length);

/* The beginning of a frame with a header block of `block_bytes`, which the caller appends: 18 bytes of
 * SYN_STREAM, 12 of SYN_REPLY and HEADERS (fixed by section 2.6). */
#define SPDY_SYN_STREAM_BYTES 18u
#define SPDY_SYN_REPLY_BYTES  12u
#define SPDY_HEADERS_BYTES    12u
uint8_t *spdy_frame_syn_stream_encode(uint8_t *out, uint8_t flags, uint32_t stream_id,
                                      uint32_t associated_id, uint8_t priority,
                                      uint32_t block_bytes);
uint8_t *spdy_frame_syn_reply_encode(uint8_t *out, uint8_t flags, uint32_t stream_id,
                                     uint32_t block_bytes);
uint8_t *spdy_frame_headers_encode(uint8_t *out, uint8_t flags, uint32_t stream_id,
                                   uint32_t block_bytes);

/* 16 bytes each (fixed by section 2.6) */
#define SPDY_RST_STREAM_BYTES    16u
#define SPDY_GOAWAY_BYTES        16u
#define SPDY_WINDOW_UPDATE_BYTES 16u
uint8_t *spdy_frame_rst_stream_encode(uint8_t *out, uint32_t stream_id, uint32_t status);
uint8_t *spdy_frame_goaway_encode(uint8_t *out, uint32_t last_good_id, uint32_t status);
uint8_t *spdy_frame_window_update_encode(uint8_t *out, uint32_t stream_id, uint32_t delta);

/* 12 bytes (fixed by section 2.6.5) */
#define SPDY_PING_BYTES 12u
uint8_t *spdy_frame_ping_encode(uint8_t *out, uint32_t ping_id);

/* 12 bytes, and 8 for each entry */
#define SPDY_SETTINGS_BYTES(count) (12u + SPDY_SETTING_BYTES * (count))
uint8_t *spdy_frame_settings_encode(uint8_t *out, uint8_t flags,
                                    const struct spdy_setting *settings, uint32_t count);

#endif
