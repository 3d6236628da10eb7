/*
 * base/mailbox.h - a bounded queue from exactly one thread to exactly one other.
 *
 * Two cursors on cache lines of their own; the sender writes `tail`, the receiver writes `head`.
 * No lock and no loop: each side takes a fixed number of steps. The receiver is not woken: that is
 * up to the worker.
 */
#ifndef WEIR_IO_MAILBOX_H
#define WEIR_IO_MAILBOX_H

#include "io/base/limits.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct worker;

struct mailbox_message {
  void (*deliver)(struct worker *to, void *object); /* runs on the receiver's thread */
  void *object;
};

struct mailbox {
  _Alignas(64) _Atomic uint32_t head; /* next to take; written by the receiver */
  _Alignas(64) _Atomic uint32_t tail; /* next to fill; written by the sender */
  _Alignas(64) struct mailbox_message entries[IO_MAILBOX_ENTRIES];
};

void mailbox_init(struct mailbox *mailbox);

/* Sender. False when full. */
__attribute__((warn_unused_result)) bool mailbox_put(struct mailbox *mailbox,
                                                     struct mailbox_message message);

/* Receiver. False when empty. */
__attribute__((warn_unused_result)) bool mailbox_take(struct mailbox *mailbox,
                                                      struct mailbox_message *message);

#endif
