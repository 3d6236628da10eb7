/*
 * support/pipe.c - bytes on their way from one machine to another.
 */
#include "tests/support/pipe.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/end.h"

enum { SPANS = 4 };

static void put(struct pipe *pipe, struct span bytes, size_t len) {
  if (pipe->end + len > pipe->capacity) {
    if (pipe->begin > 0) memmove(pipe->base, pipe->base + pipe->begin, pipe->end - pipe->begin);
    pipe->end -= pipe->begin;
    pipe->begin = 0;
    if (pipe->end + len > pipe->capacity)
      pipe->base = realloc(pipe->base, pipe->capacity = 2 * (pipe->end + len));
  }
  if (span_is_vaulted(bytes))
    for (size_t i = 0; i < len; i++)
      pipe->base[pipe->end + i] = end_pattern(end_seen(bytes) + i);
  else
    memcpy(pipe->base + pipe->end, bytes.base, len);
  pipe->end += len;
  pipe->total += len;
}

static bool fill(struct pipe *pipe, struct machine *from, size_t cut, size_t budget_bytes,
                 uint64_t now_ns) {
  struct span spans[SPANS];
  if (!from->ops || !(from->ops->wants(from->self) & MACHINE_SEND)) return false;
  if (from->ops->send_peek(from->self, spans, SPANS, budget_bytes, now_ns) == 0) return false;
  size_t len = spans[0].len < cut ? spans[0].len : cut;
  put(pipe, spans[0], len);
  from->ops->send_ack(from->self, len, now_ns);
  return true;
}

/* A machine that takes so many bytes vaulted takes all of them. */
static bool give_vaulted(struct pipe *pipe, struct machine *to, size_t len, uint64_t now_ns) {
  size_t most = pipe->vaults && to->ops->takes_vaulted ? to->ops->takes_vaulted(to->self) : 0;
  if (most == 0) return false;
  if (len > most) len = most;
  if (to->ops->recv(to->self, end_vaulted(0, len), now_ns) != len) abort();
  pipe->begin += len;
  return true;
}

static bool empty(struct pipe *pipe, struct machine *to, size_t cut, uint64_t now_ns) {
  size_t len = pipe->end - pipe->begin < cut ? pipe->end - pipe->begin : cut;
  if (!to->ops || len == 0 || !(to->ops->wants(to->self) & MACHINE_RECV)) return false;
  if (give_vaulted(pipe, to, len, now_ns)) return true;
  uint8_t *copy = malloc(len);
  memcpy(copy, pipe->base + pipe->begin, len);
  size_t taken = to->ops->recv(to->self, span_of(copy, len), now_ns);
  free(copy);
  pipe->begin += taken;
  return taken > 0;
}

bool pipe_step(struct pipe *pipe, struct machine *from, struct machine *to, size_t cut,
               size_t budget_bytes, uint64_t now_ns) {
  bool filled = fill(pipe, from, cut, budget_bytes, now_ns);
  return empty(pipe, to, cut, now_ns) || filled;
}
