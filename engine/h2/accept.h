/*
 * h2/accept.h - server role: a header section that opens a stream, and what becomes of it: a handler gets it,
 * or it is answered or reset in the handler's place.
 * Spec: RFC 9113 sections 5.1.1, 5.1.2 and 8.
 */
#ifndef WEIR_H2_ACCEPT_H
#define WEIR_H2_ACCEPT_H

#include "engine/h2/frame.h"
#include "engine/h2/request_memo.h"

struct h2;

/* How the peer's HEADERS open a stream. */
struct h2_opening {
  uint32_t id;
  uint32_t wire_bytes;                    /* of the block and its frame headers, without padding */
  bool end;                               /* END_STREAM */
  const struct h2_dependency *dependency; /* NULL: none was given */
};

/* A decoded section. Joins its cookie fields. `coded` is its block, which may be kept (h2/request_memo.h). */
void h2_accept_section(struct h2 *h2, const struct h2_opening *opening, struct headers *fields,
                       const struct h2_coded *coded);

/* A valid request that was kept. */
void h2_accept_asked(struct h2 *h2, const struct h2_opening *opening, struct h2_asked *asked);

/* A valid request that came over HTTP/1.1 (h2/upgrade.h). */
void h2_accept_upgraded(struct h2 *h2, const struct h2_opening *opening,
                        const struct request *request);

/* RST_STREAM for a stream of which there is nothing but its identifier. */
void h2_accept_reset(struct h2 *h2, uint32_t id, enum h2_error code);

#endif
