/*
 * link/accept.h - listeners: a port, opened once, accepted from by every worker.
 *
 * Each worker has its own SO_REUSEPORT socket on the address, so that the kernel spreads new
 * connections and a link is born on the core where it lives. Because SO_REUSEPORT would let two
 * servers of one user share a port in silence, the address is first bound without it: a port in use
 * is an error.
 *
 *     main thread                                 each worker's thread, in its setup hook
 *     listener_open(&listener, ...)
 *     worker_group_start(...)          ------->   listener_serve(&listener, worker, factory)
 *     worker_group_join(...)
 *     listener_close(&listener)
 *
 * Out of descriptors (EMFILE) or at the worker's cap of links, accepting stops, the connections
 * wait in the kernel, and it resumes when a link has closed (or after IO_ACCEPT_RETRY_NS).
 */
#ifndef WEIR_IO_ACCEPT_H
#define WEIR_IO_ACCEPT_H

#include "engine/base/machine.h"
#include "io/base/address.h"
#include "io/base/error.h"
#include "io/base/limits.h"

struct worker;

struct listener {
  struct address address;  /* as bound: a port of 0 has become the real one */
  unsigned count;          /* sockets, one a worker */
  int fds[IO_WORKERS_MAX]; /* -1 once a worker has taken it */
};

/* Binds and listens `workers` times. On failure nothing stays open and error->text is one line:
 * "cannot listen on 127.0.0.1:8080: Address already in use". IPv6 sockets on "[::]" also take IPv4
 * connections. */
__attribute__((warn_unused_result)) bool listener_open(struct listener *listener,
                                                       const struct address *address,
                                                       unsigned workers, struct io_error *error);

/* Closes the sockets that no worker took. */
void listener_close(struct listener *listener);

/* Worker's thread: takes the worker's socket and makes links from it until the worker drains. The
 * factory is copied; its ctx must live as long as the worker. False when memory ran out. */
__attribute__((warn_unused_result)) bool
listener_serve(struct listener *listener, struct worker *worker, struct machine_factory factory);

#endif
