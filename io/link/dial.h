/*
 * link/dial.h - makes a link towards a server.
 *
 *     dial_start() --> connect --> done(dial, 0)          the machine exists and runs
 *                            \--> done(dial, errno)       no machine was made, nothing is left
 *
 * Thread: that of `links`. The dial is the caller's memory, in use until done() is called, which
 * happens exactly once and never inside dial_start().
 */
#ifndef WEIR_IO_DIAL_H
#define WEIR_IO_DIAL_H

#include "io/base/address.h"
#include "io/link/links.h"

struct dial {
  /* Set by the caller. */
  struct address address;
  struct machine_factory factory; /* in use until done(), and so is its ctx */
  uint64_t timeout_ns;            /* for the connection to be made; 0: the kernel's own */
  /* The socket exists and has not begun to connect: for options of its own. May be NULL. */
  void (*prepare)(struct dial *dial, int fd);
  void (*done)(struct dial *dial, int error);

  /* Private. */
  struct links *links;
  struct loop_op connect;
  struct timer timer;
  int fd;
  int error;
};

/* Begins. Errors that are known at once (no descriptor, no operation left) also arrive through
 * done(), in the worker's next turn: ECANCELED from dial_cancel(), ETIMEDOUT from the timeout,
 * EMFILE, ECONNREFUSED, ..., ENOBUFS when the factory refused or there is no room for another link. */
void dial_start(struct dial *dial, struct links *links);

/* Gives up; done() follows with ECANCELED, as when the worker ends, or with the error that there was before. */
void dial_cancel(struct dial *dial);

#endif
