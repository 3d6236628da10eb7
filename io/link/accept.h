/*
 * link/accept.h - accepting, on all the listening sockets of one worker.
 *
 * Out of descriptors (EMFILE) or at the cap of links, accepting stops, the connections wait in the
 * kernel, and it resumes when a link has closed (or after IO_ACCEPT_RETRY_NS).
 *
 * Other workers may accept from the same socket, and other processes. The kernel wakes one of those that wait, in
 * turns: each takes one connection and then queues up again at the end. What waits in a socket of several processes
 * when a worker stops or leaves is left to the others, or to whoever adopts the socket next.
 */
#ifndef WEIR_IO_ACCEPT_H
#define WEIR_IO_ACCEPT_H

#include "io/link/links.h"
#include "io/link/listener.h"

struct acceptor;

struct acceptors {
  struct links *links;
  struct acceptor *first;
  bool stopping;
  bool leaving;      /* and the sockets live on elsewhere */
  uint64_t until_ns; /* from then on no links are made: there is no time left for them */
};

void acceptors_init(struct acceptors *acceptors, struct links *links);

/* Takes a listening socket, which must be O_NONBLOCK unless this worker has it alone, and makes links from it. The
 * factory is copied; its ctx must live as long as the acceptors. False when memory ran out; `fd` has
 * then been closed. */
__attribute__((warn_unused_result)) bool acceptors_add(struct acceptors *acceptors, int fd,
                                                       enum listener_sharing sharing,
                                                       struct machine_factory factory);

/* Closes the sockets whose factory has that ctx, as soon as their requests have ended. What the kernel had
 * accepted by then becomes links, which live on. The ctx is not used after the loop has turned twice. */
void acceptors_end(struct acceptors *acceptors, const void *ctx);

/* A link was closed: those that ran out of descriptors or of the cap go on. */
void acceptors_resume(struct acceptors *acceptors);

/* No new connections: sockets are closed as soon as their requests have ended. What the kernel had
 * accepted by then becomes links that drain, until `until_ns`; not so from sockets of several processes. Calling it
 * again repeats cancellations that the kernel may have refused, and may only bring the end nearer. */
void acceptors_stop(struct acceptors *acceptors, uint64_t until_ns);

/* No new connections, as others accept from the same sockets from now on. Links go on as they are. */
void acceptors_leave(struct acceptors *acceptors);

/* Whether a socket still listens. */
bool acceptors_are_open(const struct acceptors *acceptors);

void acceptors_free(struct acceptors *acceptors);

#endif
