/*
 * spdy/zlib.h - the compression of header blocks: one zlib stream a direction, which lasts as long as the
 * session and starts with the protocol's dictionary.
 * Spec: SPDY Protocol - Draft 3.1, section 2.6.10.1; RFC 1950.
 *
 * zlib works on memory alone, and gets it from the engine's `struct memory`; tests/layers.sh lets no other
 * module of spdy/ use it. Memory of a state: spdy/limits.h; of inflating, what the peer's window asks for,
 * 40 KiB at most.
 */
#ifndef WEIR_SPDY_ZLIB_H
#define WEIR_SPDY_ZLIB_H

#include "engine/base/machine.h"
#include "engine/base/memory.h"

/* ---- compressing ----------------------------------------------------------------------------- */

struct spdy_deflate;

/* NULL when memory was refused. Keeps `memory`. */
__attribute__((warn_unused_result)) struct spdy_deflate *
spdy_deflate_new(const struct memory *memory);

/* Bytes that `len` bytes of text and one flush become at most. */
size_t spdy_deflate_bound(size_t len);

/* Compresses more text to `out`, which has room for `room` bytes: what spdy_deflate_bound() says of all text
 * since the last flush. Returns the end; zlib keeps bytes back until the flush. */
uint8_t *spdy_deflate(struct spdy_deflate *state, struct span text, uint8_t *out, size_t room);

/* Writes what was kept back, up to a whole octet. There must have been text since the last flush. With `forget`
 * no later text refers to anything before: others may then write stored blocks of their own between this
 * text and the next. */
uint8_t *spdy_deflate_flush(struct spdy_deflate *state, bool forget, uint8_t *out, size_t room);

void spdy_deflate_free(struct spdy_deflate *state); /* NULL is allowed */

/* ---- inflating ------------------------------------------------------------------------------- */

struct spdy_inflate;

/* NULL when memory was refused. Keeps `memory`. */
__attribute__((warn_unused_result)) struct spdy_inflate *
spdy_inflate_new(const struct memory *memory);

enum spdy_inflate_result {
  SPDY_INFLATE_MORE, /* all input is used, and all that came of it is out */
  SPDY_INFLATE_FULL, /* the room is full: call again with more */
  SPDY_INFLATE_BAD,  /* not compressed data, another dictionary, or the end of the stream */
  SPDY_INFLATE_POOR, /* memory was refused */
};

/* Inflates the next bytes of the stream. Takes what it used off the front of *in; writes at most `room` bytes
 * (not 0) to `out` and sets *made. */
__attribute__((warn_unused_result)) enum spdy_inflate_result
spdy_inflate(struct spdy_inflate *state, struct span *in, uint8_t *out, size_t room, size_t *made);

void spdy_inflate_free(struct spdy_inflate *state); /* NULL is allowed */

#endif
