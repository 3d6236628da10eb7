/*
 * ws/deflate.h - permessage-deflate: compresses and inflates messages with zlib.
 * Spec: RFC 7692 sections 7.2.1 (compression) and 7.2.2 (decompression).
 *
 * zlib works on memory alone, and gets it from the engine's `struct memory`; tests/layers.sh lets no other
 * module of ws/ use it. Each direction has a state of its own, made when it is first needed. Without
 * context takeover its user frees it after each message, so that a silent connection holds nothing.
 *
 * Bounds: the caller gives inflating room and decides when it was enough (1,032 bytes can come of one).
 * Memory of a state: ws/limits.h.
 */
#ifndef WEIR_WS_DEFLATE_H
#define WEIR_WS_DEFLATE_H

#include "engine/base/machine.h"
#include "engine/base/pool.h"

/* ---- compressing ----------------------------------------------------------------------------- */

struct ws_deflate;

/* `bits`: 9 .. 15. NULL when memory was refused. Keeps `memory`. */
__attribute__((warn_unused_result)) struct ws_deflate *ws_deflate_new(const struct memory *memory,
                                                                      uint8_t bits);

/* Bytes that the compressed message has at most. */
size_t ws_deflate_bound(struct ws_deflate *state, size_t len);

/* Compresses a whole message into `out`, which has room for ws_deflate_bound(). Returns its length, at
 * least 1. The next message may refer to this one. */
size_t ws_deflate_message(struct ws_deflate *state, struct span message, uint8_t *out);

void ws_deflate_free(struct ws_deflate *state); /* NULL is allowed */

/* ---- inflating ------------------------------------------------------------------------------- */

struct ws_inflate;

/* `bits`: 8 .. 15, what the peer compresses with at most. NULL when memory was refused. */
__attribute__((warn_unused_result)) struct ws_inflate *ws_inflate_new(const struct memory *memory,
                                                                      uint8_t bits);

enum ws_inflate_result {
  WS_INFLATE_MORE, /* all input is used, and all that came of it is out */
  WS_INFLATE_FULL, /* the room is full: call again with more */
  WS_INFLATE_BAD,  /* not compressed data: close with WS_INVALID_DATA */
  WS_INFLATE_POOR, /* memory was refused */
};

/* Inflates the next bytes of a message. Takes what it used off the front of *in; writes at most `room`
 * bytes to `out` and sets *made. */
__attribute__((warn_unused_result)) enum ws_inflate_result
ws_inflate(struct ws_inflate *state, struct span *in, uint8_t *out, size_t room, size_t *made);

/* What ends every message and is not sent (section 7.2.2): to be inflated behind its last bytes. */
extern const struct span ws_inflate_tail;

/* Whether the message, with its tail, ended where a block does. */
bool ws_inflate_is_whole(const struct ws_inflate *state);

void ws_inflate_free(struct ws_inflate *state); /* NULL is allowed */

#endif
