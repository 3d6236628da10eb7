/*
 * link/listener.h - a port, opened once, with a descriptor for every worker.
 *
 * Workers share one socket, and the kernel wakes them in turns (see link/accept.h): a link is born on the core where it
 * lives, and connections are spread evenly. With a socket for each worker (SO_REUSEPORT) the kernel spreads them by a
 * hash: of 4 connections to 4 workers, the busiest worker had 2.1 on average. A connection costs the same either way
 * (bench/TRIED.md).
 *
 *     main thread                                 each worker's thread, in its setup hook
 *     listener_open(&listener, ...)
 *     worker_group_start(...)          ------->   worker_listen(worker, &listener, factory)
 *     worker_group_join(...)
 *     listener_close(&listener)
 *
 * Sockets that another process opened can be adopted instead: those of a service manager, or those of
 * the server that this one replaces. Their queue of connections outlives each process.
 */
#ifndef WEIR_IO_LISTENER_H
#define WEIR_IO_LISTENER_H

#include "io/base/address.h"
#include "io/base/error.h"
#include "io/base/limits.h"

/* Who accepts from a socket. */
enum listener_sharing {
  LISTENER_ALONE,     /* one worker */
  LISTENER_WORKERS,   /* those of this process */
  LISTENER_PROCESSES, /* other processes, too: it was adopted */
};

struct listener {
  struct address address; /* as bound: a port of 0 has become the real one */
  enum listener_sharing sharing;
  unsigned count;          /* descriptors, at least one a worker */
  unsigned sockets;        /* of them the first, all different; the others are copies */
  int fds[IO_WORKERS_MAX]; /* -1 once a worker has taken it */
};

/* Binds, listens, and makes a descriptor for each worker. On failure nothing stays open and error->text is one line:
 * "cannot listen on 127.0.0.1:8080: Address already in use", after IO_BIND_WAIT_NS. IPv6 sockets on
 * "[::]" also take IPv4 connections, unless the address is ipv6_only. */
__attribute__((warn_unused_result)) bool listener_open(struct listener *listener,
                                                       const struct address *address,
                                                       unsigned workers, struct io_error *error);

/* Whether the address could be listened on now. False with error->text, as listener_open(), but without
 * waiting. */
__attribute__((warn_unused_result)) bool listener_try(const struct address *address,
                                                      struct io_error *error);

/* Reads where the inherited descriptor `fd` listens. False with error->text ("descriptor 3: not a
 * listening TCP socket") when it does not. */
__attribute__((warn_unused_result)) bool listener_inspect(int fd, struct address *address,
                                                          struct io_error *error);

/* Takes 1 .. IO_WORKERS_MAX sockets that listen on the same address, as listener_inspect() found, and
 * closes them when it fails. Sets O_NONBLOCK, for all processes that have them. Every worker gets at
 * least one, and every socket a worker. */
__attribute__((warn_unused_result)) bool listener_adopt(struct listener *listener, const int *fds,
                                                        unsigned count, unsigned workers,
                                                        struct io_error *error);

/* Copies the descriptors of all sockets, `sockets` of them, into `fds`: the caller's, closed on exec.
 * Before workers take them (asserted). On failure none stays open. */
__attribute__((warn_unused_result)) bool listener_copy(const struct listener *listener, int *fds,
                                                       struct io_error *error);

/* Descriptor `index`, which is the caller's from now on. Worker n takes n, and every one that is a
 * multiple of the number of workers later. Each may be taken once (asserted). Workers may call this at
 * the same time. */
__attribute__((warn_unused_result)) int listener_take(struct listener *listener, unsigned index);

/* Closes the sockets that no worker took. */
void listener_close(struct listener *listener);

#endif
