/*
 * http/kept.h - what a peer sends through a tunnel that it asks for and that is not made yet.
 * Spec: RFC 8441 section 5.
 *
 * A handler that names the protocol hears none of it before stream_tunnel() (http/stream.h). The
 * bytes count as not consumed, so the stream's window bounds them.
 * Memory: the caller's, freed when the tunnel is made or refused, or its stream ends.
 */
#ifndef WEIR_HTTP_KEPT_H
#define WEIR_HTTP_KEPT_H

#include "engine/base/machine.h"
#include "engine/base/memory.h"

struct kept {
  uint32_t len, size;
  bool end;      /* the peer has ended its direction */
  bool released; /* the tunnel is made, and the handler is about to get this */
  uint8_t bytes[];
};

/* Adds a copy of `bytes` to `*kept`, which may be NULL; `end`: they are the last. False when memory was
 * refused; what was kept stays. */
__attribute__((warn_unused_result)) bool kept_add(const struct memory *memory, struct kept **kept,
                                                  struct span bytes, bool end);

/* `kept` may be NULL. */
void kept_free(const struct memory *memory, struct kept *kept);

#endif
