/*
 * ring/op.h - a completion, and what its user_data says: a kind, a slot and the slot's generation.
 *
 * A completion may arrive after its connection is gone. The descriptor number and the slot may
 * belong to another connection by then; the generation does not, so a late completion is noticed
 * and dropped.
 *
 *     63      56 55            32 31             0
 *    | kind     | slot           | generation    |
 */
#ifndef WEIR_IO_OP_H
#define WEIR_IO_OP_H

#include "io/ring/limits.h"

#include <stdint.h>

/* One of these ends each operation that a ring was given. Those that repeat have more, with
 * RING_MORE set in all but the last. */
struct ring_completion {
  uint64_t user_data; /* the operation's */
  int32_t res;        /* what the system call would return, or -errno */
  uint32_t flags;
};
enum {
  RING_BUFFER = 1 << 0, /* res bytes are in the receive buffer that ring_buffer_of() names */
  RING_MORE = 1 << 1,   /* the operation goes on */
  RING_BUFFER_SHIFT = 16,
};

static inline uint16_t ring_buffer_of(const struct ring_completion *completion) {
  return (uint16_t)(completion->flags >> RING_BUFFER_SHIFT);
}

enum op_kind {
  OP_NONE, /* nothing waits for it */
  OP_LINK_RECV,
  OP_LINK_SEND,
  OP_LINK_CANCEL,
  OP_LOOP, /* struct loop_op */
  OP_KIND_COUNT
};

static inline uint64_t op_pack(enum op_kind kind, uint32_t slot, uint32_t generation) {
  return (uint64_t)kind << 56 | (uint64_t)(slot & OP_SLOT_MAX) << 32 | generation;
}

static inline unsigned op_kind(uint64_t user_data) {
  return user_data >> 56;
}
static inline uint32_t op_slot(uint64_t user_data) {
  return user_data >> 32 & OP_SLOT_MAX;
}
static inline uint32_t op_generation(uint64_t user_data) {
  return (uint32_t)user_data;
}

#endif
