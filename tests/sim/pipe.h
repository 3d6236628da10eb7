/*
 * pipe.h - what a kernel holds between two ends: a bounded queue of bytes.
 */
#ifndef WEIR_SIM_PIPE_H
#define WEIR_SIM_PIPE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SIM_PIPE_BYTES_MAX = 1 << 16 };

struct sim_pipe {
  uint32_t capacity, at, len; /* len bytes from `at` on, never wrapped */
  uint8_t bytes[2 * SIM_PIPE_BYTES_MAX];
};

static inline uint32_t sim_pipe_room(const struct sim_pipe *pipe) {
  return pipe->len < pipe->capacity ? pipe->capacity - pipe->len : 0;
}

/* `len` is at most sim_pipe_room(). */
static inline void sim_pipe_put(struct sim_pipe *pipe, const uint8_t *bytes, uint32_t len) {
  if (pipe->at + pipe->len + len > sizeof pipe->bytes) {
    memmove(pipe->bytes, pipe->bytes + pipe->at, pipe->len);
    pipe->at = 0;
  }
  memcpy(pipe->bytes + pipe->at + pipe->len, bytes, len);
  pipe->len += len;
}

static inline void sim_pipe_drop(struct sim_pipe *pipe, uint32_t len) {
  pipe->at += len;
  pipe->len -= len;
  if (pipe->len == 0) pipe->at = 0;
}

#endif
