/*
 * link/listener.h - a port, opened once, with a socket for every worker.
 *
 * Each worker has its own SO_REUSEPORT socket on the address, so that the kernel spreads new
 * connections and a link is born on the core where it lives. Because SO_REUSEPORT would let two
 * servers of one user share a port in silence, the address is first bound without it: a port in use
 * is an error.
 *
 *     main thread                                 each worker's thread, in its setup hook
 *     listener_open(&listener, ...)
 *     worker_group_start(...)          ------->   worker_listen(worker, &listener, factory)
 *     worker_group_join(...)
 *     listener_close(&listener)
 */
#ifndef WEIR_IO_LISTENER_H
#define WEIR_IO_LISTENER_H

#include "io/base/address.h"
#include "io/base/error.h"
#include "io/base/limits.h"

struct listener {
  struct address address;  /* as bound: a port of 0 has become the real one */
  unsigned count;          /* sockets, one a worker */
  int fds[IO_WORKERS_MAX]; /* -1 once a worker has taken it */
};

/* Binds and listens `workers` times. On failure nothing stays open and error->text is one line:
 * "cannot listen on 127.0.0.1:8080: Address already in use", after IO_BIND_WAIT_NS. IPv6 sockets on
 * "[::]" also take IPv4 connections, unless the address is ipv6_only. */
__attribute__((warn_unused_result)) bool listener_open(struct listener *listener,
                                                       const struct address *address,
                                                       unsigned workers, struct io_error *error);

/* The socket of worker `index`, which is the caller's from now on. Each may be taken once (asserted).
 * Workers may call this at the same time. */
__attribute__((warn_unused_result)) int listener_take(struct listener *listener, unsigned index);

/* Closes the sockets that no worker took. */
void listener_close(struct listener *listener);

#endif
