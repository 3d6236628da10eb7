/*
 * base/mailbox.c - the cursors count for ever and wrap with their type; their difference is the number
 * of messages, their low bits are the entry.
 */
#include "io/base/mailbox.h"

_Static_assert((IO_MAILBOX_ENTRIES & (IO_MAILBOX_ENTRIES - 1)) == 0, "cursors wrap by masking");

void mailbox_init(struct mailbox *mailbox) {
  atomic_init(&mailbox->head, 0);
  atomic_init(&mailbox->tail, 0);
}

bool mailbox_put(struct mailbox *mailbox, struct mailbox_message message) {
  uint32_t tail = atomic_load_explicit(&mailbox->tail, memory_order_relaxed);
  uint32_t head = atomic_load_explicit(&mailbox->head, memory_order_acquire);
  if (tail - head == IO_MAILBOX_ENTRIES) return false;
  mailbox->entries[tail % IO_MAILBOX_ENTRIES] = message;
  atomic_store_explicit(&mailbox->tail, tail + 1, memory_order_release);
  return true;
}

bool mailbox_take(struct mailbox *mailbox, struct mailbox_message *message) {
  uint32_t head = atomic_load_explicit(&mailbox->head, memory_order_relaxed);
  uint32_t tail = atomic_load_explicit(&mailbox->tail, memory_order_acquire);
  if (tail == head) return false;
  *message = mailbox->entries[head % IO_MAILBOX_ENTRIES];
  atomic_store_explicit(&mailbox->head, head + 1, memory_order_release);
  return true;
}
