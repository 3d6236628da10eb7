/*
 * h2/origin.h - scheme and authority together: whose resources a request, or a promise, is about.
 * Spec: RFC 9110 sections 4.2.3 and 4.3.1, RFC 9113 section 8.4.
 *
 * A server may promise only what it is authoritative for. Both roles take that to be the origin of
 * the request on which it promises, so each such request's origin is kept while its stream lives,
 * once for all streams that share it.
 * Ownership: a connection's origins are one table that it takes from memory when the first is kept;
 * without push there is none.
 */
#ifndef WEIR_H2_ORIGIN_H
#define WEIR_H2_ORIGIN_H

#include "engine/base/pool.h"
#include "engine/http/headers.h"

struct h2_origin {
  uint8_t *text;  /* scheme, then authority without a default port; from memory; NULL: never used */
  uint32_t users; /* streams; a text without any waits for the next request of its origin */
  uint16_t scheme_len, authority_len;
};

/* The same host and port, for a URI of `scheme`, however they are written. */
bool h2_origin_same_authority(struct span a, struct span b, struct span scheme);

/* Keeps an origin for one more stream, in the table at `*origins` (NULL at first). Returns its
 * number, or 0 when it is not kept: incomplete, longer than H2_ORIGIN_BYTES_MAX, one more than
 * H2_ORIGINS_MAX at once, or memory was refused. */
__attribute__((warn_unused_result)) uint8_t h2_origin_take(struct h2_origin **origins,
                                                           const struct memory *memory,
                                                           struct span scheme,
                                                           struct span authority);

/* One stream less. `number` may be 0. */
void h2_origin_give(struct h2_origin *origins, uint8_t number);

/* Whether it is the one with that number; never for number 0. */
bool h2_origin_is(const struct h2_origin *origins, uint8_t number, struct span scheme,
                  struct span authority);

/* Frees the table, which nobody may use any more (asserted). */
void h2_origins_close(struct h2_origin **origins, const struct memory *memory);

#endif
