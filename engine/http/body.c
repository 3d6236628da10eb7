/*
 * http/body.c - lends its bytes in pieces of the size that the scheduler asked for; see
 * http/body.h.
 */
#include "engine/http/body.h"

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct body_bytes *state = self;
  size_t take = state->left.len < chunk->max ? state->left.len : chunk->max;
  chunk->bytes = span_of(state->left.base, take);
  if (take > 0) state->left = span_of(state->left.base + take, state->left.len - take);
  return state->left.len > 0 ? BODY_MORE : BODY_END;
}

static void close_body(void *self) {
  struct body_bytes *state = self;
  if (state->release) state->release(state->ctx);
}

static const struct body_ops ops = {.pull = pull, .close = close_body};

struct body body_bytes(struct body_bytes *state, struct span bytes, void (*release)(void *ctx),
                       void *ctx) {
  *state = (struct body_bytes){.left = bytes, .release = release, .ctx = ctx};
  return (struct body){.ops = &ops, .self = state};
}
