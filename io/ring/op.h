/*
 * ring/op.h - what a completion's user_data says: a kind, a slot and the slot's generation.
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

#include "io/base/limits.h"

#include <stdint.h>

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
