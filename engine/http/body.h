/*
 * http/body.h - a body made of bytes in memory, which are lent for as long as the response takes.
 *
 * The state is embedded in whatever the handler keeps for the exchange, so that a body costs no
 * allocation of its own:
 *
 *     struct answer { struct body_bytes body; char text[64]; };
 *     stream_respond(stream, 200, fields, count,
 *                    body_bytes(&answer->body, span_of(answer->text, n), answer_free, answer));
 *
 * Ownership: body_bytes() keeps the state and the bytes until it calls release(ctx), which happens
 * exactly once, when no byte is in use any more; release may free both.
 */
#ifndef WEIR_BODY_H
#define WEIR_BODY_H

#include "engine/http/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

struct body_bytes {
  struct span left;           /* not yet pulled */
  void (*release)(void *ctx); /* may be NULL, for bytes and state that outlive every stream */
  void *ctx;
};

/* A body of exactly `bytes`. */
struct body body_bytes(struct body_bytes *state, struct span bytes, void (*release)(void *ctx),
                       void *ctx);

#ifdef __cplusplus
}
#endif

#endif
