/*
 * http/origin.h - origins: the scheme and authority of a request or a promise.
 * Spec: RFC 9110 sections 4.2.3 and 4.3.1, RFC 9113 section 8.4.
 *
 * A server may only promise resources for which it is authoritative. In both roles that is the
 * origin of the request on which it promises, so the origin of each such request is kept while its
 * stream lives; streams share it.
 * Ownership: one table for each connection, taken from memory for the first origin. Without push
 * there is none.
 */
#ifndef WEIR_HTTP_ORIGIN_H
#define WEIR_HTTP_ORIGIN_H

#include "engine/base/pool.h"
#include "engine/http/headers.h"

struct origin {
  uint8_t *text;  /* scheme, then authority without a default port; from memory; NULL: unused */
  uint32_t users; /* streams; a text without users is kept until its entry is needed */
  uint16_t scheme_len, authority_len;
};

/* Keeps an origin for one more stream, in the table at `*origins` (NULL at first). Returns its
 * number; 0 if it is not kept: it is incomplete or longer than ORIGIN_BYTES_MAX, ORIGINS_MAX
 * others are in use, or memory was refused. */
__attribute__((warn_unused_result)) uint8_t origin_take(struct origin **origins,
                                                        const struct memory *memory,
                                                        struct span scheme, struct span authority);

/* One stream less uses it. `number` may be 0. */
void origin_give(struct origin *origins, uint8_t number);

/* Whether the origin has that number; false for number 0. */
bool origin_is(const struct origin *origins, uint8_t number, struct span scheme,
               struct span authority);

/* Frees the table. No stream may use it any more (asserted). */
void origins_close(struct origin **origins, const struct memory *memory);

#endif
