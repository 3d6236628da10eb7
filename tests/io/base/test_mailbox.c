/*
 * base/test_mailbox.c - order, fullness, and two threads at full speed (run it under ThreadSanitizer).
 */
#include "io/base/mailbox.h"
#include "tests/support/cmocka.h"

#include <pthread.h>
#include <sched.h>

static void nowhere(struct worker *to, void *object) {
  (void)to;
  (void)object;
}

static struct mailbox_message numbered(uintptr_t number) {
  return (struct mailbox_message){.deliver = nowhere, .object = (void *)number};
}

static uintptr_t taken(struct mailbox *mailbox) {
  struct mailbox_message message;
  assert_true(mailbox_take(mailbox, &message));
  assert_ptr_equal(message.deliver, nowhere);
  return (uintptr_t)message.object;
}

static void test_order_and_fullness(void **state) {
  static struct mailbox mailbox;
  struct mailbox_message message;
  uintptr_t put = 0, got = 0;
  (void)state;
  mailbox_init(&mailbox);
  assert_false(mailbox_take(&mailbox, &message));
  /* Several times round, each time filled completely and emptied partly. */
  for (int round = 0; round < 10; round++) {
    while (mailbox_put(&mailbox, numbered(put)))
      put++;
    assert_int_equal(put - got, IO_MAILBOX_ENTRIES);
    for (int i = 0; i < 100; i++)
      assert_int_equal(taken(&mailbox), got++);
  }
  while (got < put)
    assert_int_equal(taken(&mailbox), got++);
  assert_false(mailbox_take(&mailbox, &message));
}

/* The cursors are 32 bits wide and wrap. */
static void test_cursors_wrap(void **state) {
  static struct mailbox mailbox;
  struct mailbox_message message;
  (void)state;
  mailbox_init(&mailbox);
  atomic_store(&mailbox.head, UINT32_MAX - 100);
  atomic_store(&mailbox.tail, UINT32_MAX - 100);
  uintptr_t put = 0;
  while (mailbox_put(&mailbox, numbered(put)))
    put++;
  assert_int_equal(put, IO_MAILBOX_ENTRIES);
  for (uintptr_t got = 0; got < put; got++)
    assert_int_equal(taken(&mailbox), got);
  assert_false(mailbox_take(&mailbox, &message));
}

enum { MESSAGES = 300000 };

/* Each message points to memory that the sender wrote just before. */
static uint32_t payloads[MESSAGES];

static void *send_all(void *argument) {
  struct mailbox *mailbox = argument;
  for (uint32_t i = 0; i < MESSAGES; i++) {
    payloads[i] = i * 2654435761u;
    while (!mailbox_put(mailbox, (struct mailbox_message){nowhere, &payloads[i]}))
      sched_yield();
  }
  return NULL;
}

static void test_two_threads(void **state) {
  static struct mailbox mailbox;
  struct mailbox_message message;
  pthread_t sender;
  (void)state;
  mailbox_init(&mailbox);
  assert_int_equal(pthread_create(&sender, NULL, send_all, &mailbox), 0);
  for (uint32_t i = 0; i < MESSAGES; i++) {
    while (!mailbox_take(&mailbox, &message))
      sched_yield();
    assert_ptr_equal(message.object, &payloads[i]);
    assert_int_equal(*(uint32_t *)message.object, i * 2654435761u);
  }
  pthread_join(sender, NULL);
  assert_false(mailbox_take(&mailbox, &message));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order_and_fullness),
      cmocka_unit_test(test_cursors_wrap),
      cmocka_unit_test(test_two_threads),
  };
  return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
