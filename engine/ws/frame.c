/*
 * ws/frame.c - the header of one frame; see ws/frame.h.
 */
#include "engine/ws/frame.h"

#include <assert.h>
#include <string.h>

#include "engine/base/wire.h"

enum {
  FIN = 0x80,
  RSV1 = 0x40,
  RSV2_RSV3 = 0x30,
  OPCODE = 0x0f,
  MASK = 0x80,
  LENGTH = 0x7f,
  LENGTH_16 = 126, /* the length is in the next 2 octets */
  LENGTH_64 = 127, /* the length is in the next 8 octets */
};

bool ws_code_may_be_sent(unsigned code) {
  if (code >= 3000) return code <= 4999;
  return code >= WS_NORMAL && code <= WS_BAD_GATEWAY && code != 1004 && code != WS_NO_CODE &&
         code != WS_ABNORMAL;
}

static bool opcode_is_known(uint8_t opcode) {
  return opcode <= WS_OPCODE_BINARY || (opcode >= WS_OPCODE_CLOSE && opcode <= WS_OPCODE_PONG);
}

/* What is wrong with the first octet; NULL: nothing. */
static const char *first_octet_fault(uint8_t octet, struct ws_frame_rules rules) {
  uint8_t opcode = octet & OPCODE;
  if (octet & RSV2_RSV3) return "reserved bit set";
  if (!opcode_is_known(opcode)) return "reserved opcode";
  if (ws_opcode_is_control(opcode) && !(octet & FIN)) return "fragmented control frame";
  bool may_compress = opcode == WS_OPCODE_TEXT || opcode == WS_OPCODE_BINARY;
  if ((octet & RSV1) && !(rules.rsv1 && may_compress)) return "reserved bit set";
  return NULL;
}

static const char *second_octet_fault(uint8_t first, uint8_t octet, struct ws_frame_rules rules) {
  if (rules.masked && !(octet & MASK)) return "frame without mask";
  if (!rules.masked && (octet & MASK)) return "masked frame";
  if (ws_opcode_is_control(first & OPCODE) && (octet & LENGTH) > WS_CONTROL_BYTES_MAX)
    return "control frame is too long";
  return NULL;
}

static size_t length_octets(uint8_t second) {
  uint8_t length = second & LENGTH;
  return length == LENGTH_64 ? 8 : length == LENGTH_16 ? 2 : 0;
}

/* The length, which is all there. The shortest form is a must (section 5.2). */
static const char *read_length(const uint8_t *bytes, uint64_t *len) {
  size_t octets = length_octets(bytes[1]);
  *len = bytes[1] & LENGTH;
  if (octets == 2) *len = wire_get16(bytes + 2);
  if (octets == 8) *len = (uint64_t)wire_get32(bytes + 2) << 32 | wire_get32(bytes + 6);
  if (*len >> 63) return "length has its highest bit set";
  if ((octets == 2 && *len < LENGTH_16) || (octets == 8 && *len <= UINT16_MAX))
    return "length is not in its shortest form";
  return NULL;
}

/* Judges what is there, octet by octet. */
static const char *fault_of(struct span bytes, struct ws_frame_rules rules, uint64_t *len) {
  const char *fault = NULL;
  if (bytes.len >= 1) fault = first_octet_fault(bytes.base[0], rules);
  if (!fault && bytes.len >= 2) fault = second_octet_fault(bytes.base[0], bytes.base[1], rules);
  if (!fault && bytes.len >= 2 && bytes.len >= 2 + length_octets(bytes.base[1]))
    fault = read_length(bytes.base, len);
  return fault;
}

enum ws_frame_result ws_frame_decode(struct span bytes, struct ws_frame_rules rules,
                                     struct ws_frame *frame, size_t *used, const char **reason) {
  uint64_t len = 0;
  *reason = fault_of(bytes, rules, &len);
  if (*reason) return WS_FRAME_BAD;
  if (bytes.len < 2) return WS_FRAME_MORE;
  size_t key_at = 2 + length_octets(bytes.base[1]);
  *used = key_at + (rules.masked ? sizeof frame->key : 0);
  if (bytes.len < *used) return WS_FRAME_MORE;
  *frame = (struct ws_frame){.len = len,
                             .opcode = bytes.base[0] & OPCODE,
                             .fin = (bytes.base[0] & FIN) != 0,
                             .rsv1 = (bytes.base[0] & RSV1) != 0,
                             .masked = rules.masked};
  if (rules.masked) memcpy(frame->key.octets, bytes.base + key_at, sizeof frame->key);
  return WS_FRAME_READY;
}

/* Writes the length behind the first octet; returns the header's octets so far. */
static size_t put_length(uint8_t *out, uint64_t len) {
  if (len < LENGTH_16) {
    out[1] = (uint8_t)len;
    return 2;
  }
  if (len <= UINT16_MAX) {
    out[1] = LENGTH_16;
    wire_put16(out + 2, (uint16_t)len);
    return 4;
  }
  out[1] = LENGTH_64;
  wire_put32(out + 2, (uint32_t)(len >> 32));
  wire_put32(out + 6, (uint32_t)len);
  return 10;
}

size_t ws_frame_encode(uint8_t *out, const struct ws_frame *frame) {
  assert(opcode_is_known(frame->opcode) && !(frame->len >> 63));
  out[0] = (uint8_t)((frame->fin ? FIN : 0) | (frame->rsv1 ? RSV1 : 0) | frame->opcode);
  size_t used = put_length(out, frame->len);
  if (!frame->masked) return used;
  out[1] |= MASK;
  memcpy(out + used, frame->key.octets, sizeof frame->key);
  return used + sizeof frame->key;
}
