/*
 * ws/frame.h - the header of one WebSocket frame, and which codes a close frame may hold.
 * Spec: RFC 6455 sections 5.2 (framing), 5.5 (control frames) and 7.4 (codes).
 *
 *     octet 0   FIN, RSV1, RSV2, RSV3, opcode (4 bits)
 *     octet 1   MASK, length (7 bits): 0 .. 125, or 126 and 2 octets follow, or 127 and 8 octets
 *               then the masking key, 4 octets, if MASK is set
 *
 * What one header alone can break is refused here, at the first octet that tells. What depends on the
 * frames before (a continuation of nothing) is ws/recv.c's. No allocation, no state.
 */
#ifndef WEIR_WS_FRAME_H
#define WEIR_WS_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/machine.h"
#include "engine/ws/events.h"
#include "engine/ws/mask.h"

enum ws_opcode {
  WS_OPCODE_CONTINUATION = 0,
  WS_OPCODE_TEXT = 1,
  WS_OPCODE_BINARY = 2,
  WS_OPCODE_CLOSE = 8,
  WS_OPCODE_PING = 9,
  WS_OPCODE_PONG = 10,
};

/* Fixed by RFC 6455 sections 5.2 and 5.5. */
enum {
  WS_HEADER_BYTES_MAX = 14,   /* 2, 8 of length, 4 of key */
  WS_CONTROL_BYTES_MAX = 125, /* payload of a control frame */
};

struct ws_frame {
  uint64_t len; /* of the payload: 0 .. 2^63-1 */
  struct ws_key key;
  uint8_t opcode; /* enum ws_opcode, one of its values */
  bool fin, rsv1, masked;
};

/* Whether a close frame may hold this code. */
bool ws_code_may_be_sent(unsigned code);

static inline bool ws_opcode_is_control(uint8_t opcode) {
  return (opcode & 8) != 0;
}

/* What the receiver expects of every header. */
struct ws_frame_rules {
  bool masked; /* the peer is a client: it masks every frame, a server none (section 5.1) */
  bool rsv1;   /* permessage-deflate was agreed on: the first frame of a message may have RSV1 */
};

enum ws_frame_result {
  WS_FRAME_MORE,  /* nothing wrong so far, and not whole */
  WS_FRAME_READY, /* *frame is filled in; *used octets were its header */
  WS_FRAME_BAD,   /* *reason says why, in static text: close with WS_PROTOCOL_ERROR */
};

/* Reads the header at the front of `bytes`. */
__attribute__((warn_unused_result)) enum ws_frame_result
ws_frame_decode(struct span bytes, struct ws_frame_rules rules, struct ws_frame *frame,
                size_t *used, const char **reason);

/* Writes the header, in the shortest form; `out` has room for WS_HEADER_BYTES_MAX. Returns its
 * length. */
size_t ws_frame_encode(uint8_t *out, const struct ws_frame *frame);

#endif
