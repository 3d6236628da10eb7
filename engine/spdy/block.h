/*
 * spdy/block.h - name/value header blocks: compressed bytes to header lists, and back.
 * Spec: SPDY Protocol - Draft 3.1, section 2.6.10.
 *
 * A block is a list of names, each once, with a value or several that a NUL separates. In a header list each
 * value is a field of its own.
 * Each direction of a session has one zlib stream: every block of the peer must be read whole and in order,
 * even when its stream is refused, and blocks must be sent in the order in which they were written.
 *
 * Secrets: an attacker who can make a client send chosen text, and who sees lengths, would learn a secret from how
 * well it compresses together with a guess (CRIME). So cookies, credentials and fields with the flag
 * HEADER_NEVER_INDEX are not compressed: they end the block, in stored blocks of deflate
 * that zlib never sees, and nothing that is sent later refers to anything before them.
 */
#ifndef WEIR_SPDY_BLOCK_H
#define WEIR_SPDY_BLOCK_H

#include "engine/base/memory.h"
#include "engine/http/headers.h"

struct spdy_inflate;
struct spdy_deflate;

/* ---- reading --------------------------------------------------------------------------------- */

enum spdy_block_result {
  SPDY_BLOCK_MORE,      /* the bytes were taken, and were not the last */
  SPDY_BLOCK_DONE,      /* the list is complete, or overflowed */
  SPDY_BLOCK_MALFORMED, /* stream error PROTOCOL_ERROR; the next block can be read */
  /* The session ends, since the zlib stream is lost; no further block may be read: */
  SPDY_BLOCK_CORRUPT,   /* not zlib, or not with the dictionary: GOAWAY PROTOCOL_ERROR */
  SPDY_BLOCK_TOO_LARGE, /* past SPDY_BLOCK_STOP_FACTOR times the limit: GOAWAY PROTOCOL_ERROR */
  SPDY_BLOCK_NO_MEMORY, /* GOAWAY INTERNAL_ERROR */
};

/* Bytes that inflated blocks go to first; the sessions of an engine share them. */
struct spdy_scratch {
  uint8_t *base;
  size_t bytes; /* at least 1; SPDY_SCRATCH_BYTES() makes copies rare */
};

/* Room for every block whose list has at most `list_bytes_max` bytes. */
#define SPDY_SCRATCH_BYTES(list_bytes_max) ((list_bytes_max) + 4u)

struct spdy_block_reader {
  const struct memory *memory;
  const struct spdy_scratch *scratch;
  size_t list_bytes_max;
  struct spdy_inflate *zlib; /* NULL until the first block */
  /* The block under way: */
  /* Inflated so far: the scratch, or memory of our own; NULL: no block is under way. */
  uint8_t *bytes;
  size_t used, size;
  size_t dropped; /* inflated bytes of a block that is too large, thrown away */
  bool ended;     /* it was whole; its bytes are those of the list */
};

/* Keeps `memory` and `scratch`. `list_bytes_max`: of the lists that it will fill. No allocation. */
void spdy_block_reader_init(struct spdy_block_reader *reader, const struct memory *memory,
                            const struct spdy_scratch *scratch, size_t list_bytes_max);

void spdy_block_reader_destroy(struct spdy_block_reader *reader);

/* Reads the next compressed bytes of a block, all of them; `last`: those that end it. Only then `out` is
 * looked at: an empty list becomes that of the block, in the order of the wire, each field with token and
 * flags. Strings of `out` point into the scratch or into the reader: they are good until the next call for
 * any reader with the same scratch.
 * The list is overflowed, and incomplete, when it would exceed list_bytes_max, out->max or
 * SPDY_BLOCK_NAMES_MAX. Malformed: inner lengths that do not fit, a name that is empty, given twice or not
 * of a lower-case token, an empty value among several. A value may be HEADER_VALUE_BAD.
 * `*reason` is a static text, set with all results from SPDY_BLOCK_MALFORMED on. */
__attribute__((warn_unused_result)) enum spdy_block_result
spdy_block_read(struct spdy_block_reader *reader, struct span in, bool last, struct headers *out,
                const char **reason);

/* ---- writing --------------------------------------------------------------------------------- */

struct spdy_block_writer {
  const struct memory *memory;
  struct spdy_deflate *zlib; /* NULL until the first block */
};

/* Keeps `memory`. No allocation. */
void spdy_block_writer_init(struct spdy_block_writer *writer, const struct memory *memory);

void spdy_block_writer_destroy(struct spdy_block_writer *writer);

/* Makes the zlib stream, which spdy_block_write() needs. False when memory was refused; nothing has changed
 * then. Does nothing from the second time on. */
__attribute__((warn_unused_result)) bool spdy_block_writer_ready(struct spdy_block_writer *writer);

/* Most bytes that spdy_block_write() writes. */
size_t spdy_block_bound(const struct header *fields, size_t count);

/* Writes one whole block to `out`, which has spdy_block_bound() bytes; returns its end. Fields of one name
 * become one name with several values (those that are empty are left out then). Names are lower case, and no
 * value has a NUL; a token must be that of the name, or TOKEN_UNKNOWN. The order of names is kept, but that
 * secrets come last. */
uint8_t *spdy_block_write(struct spdy_block_writer *writer, const struct header *fields,
                          size_t count, uint8_t *out);

#endif
