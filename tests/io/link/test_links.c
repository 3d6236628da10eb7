/*
 * link/test_links.c - the slots that links live in, what a cut changes at once, and the memory of sends that wait.
 */
#include "io/link/links.h"
#include "io/ring/send_arena.h"
#include "tests/support/cmocka.h"
#include "tests/support/engine.h"
#include "tests/support/meter.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct meter_worker worker;

int clock_gettime(clockid_t clock, struct timespec *out) {
  if (clock != CLOCK_MONOTONIC) return (int)syscall(SYS_clock_gettime, clock, out);
  *out = (struct timespec){.tv_sec = (time_t)(meter_now_ns / IO_SECOND),
                           .tv_nsec = (long)(meter_now_ns % IO_SECOND)};
  return 0;
}

/* ---- slots ----------------------------------------------------------------------------------- */

/* A completion that names the slot's former owner finds no link. */
static void test_reused_slot(void **state) {
  (void)state;
  struct links links;
  assert_true(links_open(&links, NULL, &(struct links_settings){.links_max = 1}));
  struct link *first = links_take(&links);
  assert_non_null(first);
  first->state = LINK_CLOSING;
  uint64_t late = op_pack(OP_LINK_RECV, first->slot, first->generation);
  assert_ptr_equal(links_find(&links, op_slot(late), op_generation(late)), first);
  assert_null(links_take(&links)); /* at the cap */
  links_give(&links, first);
  assert_null(links_find(&links, op_slot(late), op_generation(late)));
  for (int i = 0; i < 64; i++) { /* until the same slot comes round */
    struct link *next = links_take(&links);
    next->state = LINK_OPEN;
    assert_null(links_find(&links, op_slot(late), op_generation(late)));
    assert_ptr_equal(links_find(&links, next->slot, next->generation), next);
    links_give(&links, next);
  }
  assert_null(links_find(&links, OP_SLOT_MAX, 0));
  links_close(&links);
}

/* Every slot has its number, is found by it, and comes back when it was given. */
static void test_slots(void **state) {
  (void)state;
  enum { COUNT = 3000 };
  static struct link *all[COUNT];
  struct links links;
  assert_true(links_open(&links, NULL, &(struct links_settings){.links_max = COUNT}));
  assert_null(links_find(&links, 0, 0));
  for (unsigned round = 0; round < 2; round++) {
    for (unsigned i = 0; i < COUNT; i++) {
      all[i] = links_take(&links);
      assert_non_null(all[i]);
      all[i]->state = LINK_OPEN;
      assert_ptr_equal(links_at(&links, all[i]->slot), all[i]);
      assert_ptr_equal(links_find(&links, all[i]->slot, all[i]->generation), all[i]);
      assert_int_equal(all[i]->generation, round);
      assert_ptr_equal(all[i]->links, &links);
    }
    assert_null(links_take(&links));
    assert_int_equal(links.open, COUNT);
    assert_in_range(links.made, COUNT, 2 * COUNT);
    assert_null(links_find(&links, links.made, round));
    links.max = links.made; /* what is left of the last slots comes first the next time */
    while (links.open < links.made)
      links_take(&links)->state = LINK_OPEN;
    for (uint32_t slot = 0; slot < links.made; slot++)
      links_give(&links, links_at(&links, slot));
    links.max = COUNT;
    assert_int_equal(links.open, 0);
  }
  links_close(&links);
}

/* ---- cuts ------------------------------------------------------------------------------------ */

/* Once; and wherever the link waited for its turn, its end comes with the next settling. */
static void test_cut(void **state) {
  (void)state;
  enum { IDLE, DIRTY, BUSY, HELD, WAYS };
  for (int way = 0; way < WAYS; way++) {
    meter_begin(&worker, 1);
    struct meter *meter = meter_add(&worker, 0);
    struct link *link = meter->link;
    struct links *links = &worker.links;
    meter_turns(&worker, 2);
    assert_false(list_is_linked(&link->dirty));
    if (way == DIRTY) link_mark_dirty(link);
    if (way == BUSY) link_mark_busy(link);
    if (way == HELD) shares_hold(&links->shares, &link->share, link_weight(link), &link->dirty);
    link_cut(link);
    link_cut(link);
    assert_int_equal(worker.loop.counters.links_cut, 1);
    assert_int_equal(link->state, LINK_CUT);
    assert_true(link->reset);
    assert_false(share_is_held(&link->share));
    assert_ptr_equal(links->dirty.next, &link->dirty);
    assert_true(list_is_empty(&links->busy));
    assert_int_equal(links->shares.held, 0);
    meter_end(&worker, &meter, 1);
  }
}

/* Every link, also the first, and none that is ending. */
static void test_all(void **state) {
  (void)state;
  struct meter *meters[3];
  meter_begin(&worker, 3);
  meter_add_all(&worker, meters, 3, 0);
  meter_turns(&worker, 2);
  link_cut(meters[1]->link);
  links_drain_all(&worker.links);
  for (int i = 0; i < 3; i++)
    assert_int_equal(meters[i]->drained, i != 1);
  links_cut_all(&worker.links);
  assert_int_equal(worker.loop.counters.links_cut, 3);
  meter_turns(&worker, 5);
  assert_int_equal(worker.links.open, 0);
  meter_end(&worker, meters, 3);
}

/* Starved links are work only while there is a buffer for them; deferred input always is. */
static void test_work(void **state) {
  (void)state;
  meter_begin(&worker, 1);
  struct meter *meter = meter_add(&worker, 0);
  struct links *links = &worker.links;
  struct bufring *bufring = &worker.loop.bufring;
  meter_turns(&worker, 2);
  assert_false(links_have_work(links));
  list_append(&links->starved, &meter->link->starved);
  assert_true(links_have_work(links));
  bufring->out = bufring->count;
  assert_false(links_have_work(links));
  bufring->out = 0;
  list_remove(&meter->link->starved);
  link_mark_busy(meter->link);
  assert_true(links_have_work(links));
  list_remove(&meter->link->dirty);
  link_mark_waiting(meter->link);
  assert_true(links_have_work(links));
  list_remove(&meter->link->waiting);
  shares_hold(&links->shares, &meter->link->share, link_weight(meter->link), &meter->link->dirty);
  assert_true(links_have_work(links));
  meter_end(&worker, &meter, 1);
}

/* A light link that has had more than its part beside a heavy one is held: it neither sends nor takes input. It goes
 * on with both when the others have nothing to do. Its end is not held. */
static void test_held(void **state) {
  (void)state;
  for (int ends = 0; ends < 2; ends++) {
    struct meter *meters[2];
    meter_begin(&worker, 2);
    meter_add_all(&worker, meters, 2, 0);
    meter_turns(&worker, 2);
    struct meter *light = meters[0], *heavy = meters[1];
    light->link->host.weight = 1;
    heavy->link->host.weight = MACHINE_WEIGHT_MAX;
    link_charge(heavy->link, SHARE_BUSY_BYTES);
    link_charge(light->link, 8 * SHARE_BUSY_BYTES);
    assert_true(link_is_ahead(light->link) && !link_is_ahead(heavy->link));
    light->to_send = heavy->to_send = 100;
    assert_int_equal(write(light->peer, "x", 1), 1);
    link_mark_dirty(light->link);
    link_mark_dirty(heavy->link);
    meter_turns(&worker, 1);
    assert_int_equal(heavy->sent, 100);
    assert_int_equal(light->sent + light->received, 0);
    assert_int_equal(worker.loop.counters.links_held, 1);
    assert_true(share_is_held(&light->link->share));
    assert_true(links_have_work(&worker.links));
    if (ends) link_cut(light->link);
    for (unsigned i = 0; i < 10 && links_have_work(&worker.links); i++)
      meter_turns(&worker, 1);
    assert_int_equal(worker.links.open, ends ? 1 : 2);
    assert_int_equal(light->sent, ends ? 0 : 100);
    assert_int_equal(light->received, !ends);
    assert_int_equal(worker.links.shares.held, 0);
    meter_end(&worker, meters, 2);
  }
}

/* ---- sends that wait ------------------------------------------------------------------------- */

/* Requests that were not submitted yet have memory of their own; once they were, it is used again. */
static void test_send_arena(void **state) {
  ONLY_IO_URING();
  (void)state;
  static const uint8_t bytes[10];
  const struct span spans[2] = {span_of(bytes, 3), span_of(bytes + 3, 7)};
  meter_begin(&worker, 1);
  struct uring *uring = &worker.loop.ring.uring;
  struct send_arena *arena = send_arena_open();
  assert_non_null(arena);
  const struct msghdr *first = NULL;
  for (unsigned round = 0; round < 2; round++) {
    const struct msghdr *headers[3];
    for (unsigned i = 0; i < 3; i++) {
      struct io_uring_sqe *sqe = uring_sqe(uring);
      io_uring_prep_nop(sqe);
      sqe->user_data = op_pack(OP_LINK_SEND, OP_SLOT_MAX, 0);
      headers[i] = send_arena_header(arena, io_uring_sq_ready(&uring->ring), spans, 2);
      assert_int_equal(headers[i]->msg_iovlen, 2);
      assert_ptr_equal(headers[i]->msg_iov[1].iov_base, bytes + 3);
      assert_int_equal(headers[i]->msg_iov[1].iov_len, 7);
      for (unsigned j = 0; j < i; j++)
        assert_ptr_not_equal(headers[j], headers[i]);
    }
    if (round == 0) first = headers[0];
    assert_ptr_equal(headers[0], first);
    meter_turns(&worker, 1);
  }
  send_arena_close(arena);
  meter_end(&worker, NULL, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reused_slot), cmocka_unit_test(test_slots), cmocka_unit_test(test_cut),
      cmocka_unit_test(test_all),         cmocka_unit_test(test_work),  cmocka_unit_test(test_held),
      cmocka_unit_test(test_send_arena),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
