/*
 * h2/kept.h - http/kept.h for HTTP/2's streams: what a peer sends through a tunnel that it asks for and that is not
 * made yet. The stream's window bounds it.
 * Spec: RFC 8441 section 5.
 */
#ifndef WEIR_H2_KEPT_H
#define WEIR_H2_KEPT_H

#include "engine/h2/stream.h"

struct h2;

/* Copies `bytes`; `end`: they are the last. False when memory was refused. */
__attribute__((warn_unused_result)) bool h2_kept_add(struct h2 *h2, struct h2_stream *stream,
                                                     struct span bytes, bool end);

void h2_kept_free(struct h2 *h2, struct h2_stream *stream);

#endif
