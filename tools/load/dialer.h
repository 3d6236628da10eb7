/*
 * load/dialer.h - --connect-rate: how many connections a worker begins to open a second.
 *
 * Connections that want to be opened wait in a queue; the first one leaves it when it is time. Workers
 * take turns, as in load/schedule.h. Time in which none waits is lost: it is not made up for later.
 *
 * Owner: embedded in the books; one thread.
 */
#ifndef WEIR_LOAD_DIALER_H
#define WEIR_LOAD_DIALER_H

#include "io/worker/worker.h"

/* Embedded in each connection. */
struct load_caller {
  struct list_node node;
  void (*open)(struct load_caller *caller); /* outside of any machine's call */
};

struct load_dialer {
  struct worker *io;
  double gap_ns;      /* 0: no limit */
  double next_ns;     /* when the next one may be opened */
  struct timer timer; /* until then, while any waits */
  struct list_node waiting;
};

/* `rate` is that of all workers, per second; 0: no limit. */
void load_dialer_init(struct load_dialer *dialer, struct worker *io, double rate, unsigned worker,
                      unsigned worker_count, uint64_t begin_ns);

/* Opens the caller when it is its turn; without a limit, in this call. It must not be waiting. */
void load_dialer_ask(struct load_dialer *dialer, struct load_caller *caller);

/* Opens none of those that wait. */
void load_dialer_stop(struct load_dialer *dialer);

#endif
