/*
 * tunnel/wish.h - what the fields of a stream say: which of a connection's two streams it is, and where that leads.
 * Spec: none; as kubelets and kubectl have it.
 */
#ifndef WEIR_TOOLS_TUNNEL_WISH_H
#define WEIR_TOOLS_TUNNEL_WISH_H

#include "engine/http/headers.h"
#include "tools/tunnel/limits.h"

enum wish_side { WISH_ERROR, WISH_DATA };

struct wish {
  enum wish_side side;
  uint16_t port;
  char request[TUNNEL_REQUEST_BYTES_MAX + 1]; /* what both streams have in common */
};

/* Reads the fields `streamtype`, `port` and `requestid` of a stream. Without a requestid the data stream's identifier is
 * that of the error stream and 2, so the latter's stands for it. NULL, or what is wrong, a static text. */
__attribute__((warn_unused_result)) const char *wish_read(const struct headers *fields,
                                                          uint64_t stream_id, struct wish *wish);

#endif
