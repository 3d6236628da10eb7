/*
 * ring/attempt.h - the system calls of a poller, none of which waits.
 */
#ifndef WEIR_IO_RING_ATTEMPT_H
#define WEIR_IO_RING_ATTEMPT_H

#include "engine/base/machine.h"
#include "io/ring/watch.h"

#include <sys/types.h>

struct bufring;

/* Those of the `events` of poll(2) that hold now, and POLLERR or POLLHUP; 0 for none. */
int attempt_poll(int fd, unsigned events);

/* The bytes that the socket took, or -errno. */
ssize_t attempt_send(int fd, const struct span *spans, size_t count);

/* How connect(2) ended, now that its socket has an event: 0 or -errno. */
int attempt_connect(int fd);

/* Performs the watch's operation of input: accept, receive or read. Returns the result, or -errno; -EAGAIN when
 * there is no input, and the watch is then no longer readable. `*flags` are those of the completion: RING_BUFFER,
 * and RING_MORE if the operation goes on. */
int32_t attempt_input(struct watch *watch, struct bufring *bufring, uint32_t *flags);

#endif
