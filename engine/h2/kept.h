/*
 * h2/kept.h - what a peer sends through a tunnel that it asks for and that is not made yet.
 * Spec: RFC 8441 section 5.
 *
 * A handler that names the protocol hears none of it before stream_tunnel() (http/stream.h). The
 * bytes count as not consumed, so the stream's window bounds them.
 * Memory: http->memory, freed when the tunnel is made or refused, or its stream ends.
 */
#ifndef WEIR_H2_KEPT_H
#define WEIR_H2_KEPT_H

#include "engine/h2/stream.h"

struct h2;

struct h2_kept {
  uint32_t len, size;
  bool end;      /* the peer has ended its direction */
  bool released; /* the tunnel is made, and the handler is about to get this */
  uint8_t bytes[];
};

/* Copies `bytes`; `end`: they are the last. False when memory was refused. */
__attribute__((warn_unused_result)) bool h2_kept_add(struct h2 *h2, struct h2_stream *stream,
                                                     struct span bytes, bool end);

/* Frees what a stream has kept, or what was taken from one. */
void h2_kept_free(struct h2 *h2, struct h2_stream *stream);
void h2_kept_discard(struct h2 *h2, struct h2_kept *kept);

#endif
