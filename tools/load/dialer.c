/*
 * load/dialer.c - see load/dialer.h.
 */
#include "tools/load/dialer.h"

static void arm(struct load_dialer *dialer) {
  if (list_is_empty(&dialer->waiting)) return;
  timer_arm(&dialer->io->loop.timers, &dialer->timer, (uint64_t)dialer->next_ns);
}

/* The timer counts milliseconds: several may be due. */
static void on_timer(struct timer *timer, uint64_t now_ns) {
  struct load_dialer *dialer = LIST_OWNER(timer, struct load_dialer, timer);
  while (!list_is_empty(&dialer->waiting) && dialer->next_ns <= (double)now_ns) {
    struct list_node *node = list_take_first(&dialer->waiting);
    struct load_caller *caller = LIST_OWNER(node, struct load_caller, node);
    dialer->next_ns += dialer->gap_ns;
    caller->open(caller);
  }
  arm(dialer);
}

void load_dialer_init(struct load_dialer *dialer, struct worker *io, double rate, unsigned worker,
                      unsigned worker_count, uint64_t begin_ns) {
  *dialer = (struct load_dialer){.io = io, .next_ns = (double)begin_ns};
  list_init(&dialer->waiting);
  timer_init(&dialer->timer, on_timer);
  if (rate == 0) return;
  dialer->gap_ns = worker_count * 1e9 / rate;
  dialer->next_ns += worker * 1e9 / rate;
}

void load_dialer_ask(struct load_dialer *dialer, struct load_caller *caller) {
  double now_ns = (double)dialer->io->loop.now_ns;
  if (dialer->gap_ns == 0) {
    caller->open(caller);
    return;
  }
  bool was_idle = list_is_empty(&dialer->waiting);
  list_append(&dialer->waiting, &caller->node);
  if (!was_idle) return;
  if (dialer->next_ns < now_ns) dialer->next_ns = now_ns;
  arm(dialer);
}

void load_dialer_stop(struct load_dialer *dialer) {
  timer_cancel(&dialer->io->loop.timers, &dialer->timer);
  while (!list_is_empty(&dialer->waiting))
    (void)list_take_first(&dialer->waiting);
}
