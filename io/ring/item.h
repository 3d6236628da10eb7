/*
 * ring/item.h - an operation that a poller performs, from its beginning to its last completion.
 *
 * Those of a socket lie in its watch, at most one for each direction; the others in their struct loop_op.
 */
#ifndef WEIR_IO_RING_ITEM_H
#define WEIR_IO_RING_ITEM_H

#include "io/base/list.h"

#include <stdint.h>

enum item_kind {
  ITEM_NONE,
  ITEM_ACCEPT,
  ITEM_RECEIVE,
  ITEM_READ_READY,
  ITEM_POLL,
  ITEM_CONNECT,
  ITEM_SEND,
  ITEM_READ, /* of a file, by a thread */
  ITEM_TIMEOUT,
  ITEM_NOP,
};

struct item {
  struct list_node node; /* on one of the poller's lists; on none while it waits for its socket */
  uint64_t user_data;
  uint64_t cancel_data; /* of a cancellation that completes first; 0: none */
  union {
    void *buffer;         /* ITEM_READ, ITEM_READ_READY */
    uint64_t deadline_ns; /* ITEM_TIMEOUT, and an ITEM_SEND that is tried again */
  };
  unsigned len;
  int32_t result; /* once it is over */
  uint8_t kind;
  uint8_t in_turn; /* completions in this turn */
  bool again;
  bool over; /* only its completion is missing */
};

/* An operation without a watch. */
struct item_job {
  struct item item;
  int fd;
  uint64_t offset;
};

#endif
