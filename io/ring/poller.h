/*
 * ring/poller.h - the operations of ring/ring.h over epoll and plain system calls.
 *
 *     begin --cannot be done yet--> waits for its socket --event--> ready --reap--> completion
 *        \---------------------------> later --next enter-------------^
 *
 * Every descriptor is watched once, edge-triggered, from poller_attach() to poller_close_fd(): an event says
 * that something changed, and the watch remembers what may be possible since. So a connection costs one
 * epoll_ctl() in its life, and another when it first has to wait for room, unless EPOLLOUT was among its events from
 * the beginning. System calls are made when completions are reaped, a few at a time, so that what was received is
 * parsed while it is in the cache; the buffer that was given back last is filled first.
 *
 * What one enter found is reaped in the order in which it was found. An operation that begins completes in
 * the next turn at the earliest, and one that repeats has IO_POLL_RECEIVES or IO_POLL_ACCEPTS completions
 * a turn at most: the same as with io_uring, where the turn's own bounds count on it.
 *
 * Reads of files are done by threads: ring/readers.h. Needs Linux 5.11 for timeouts that are more precise than
 * a millisecond.
 *
 * Owner: one thread.
 */
#ifndef WEIR_IO_RING_POLLER_H
#define WEIR_IO_RING_POLLER_H

#include "engine/base/machine.h"
#include "io/base/error.h"
#include "io/ring/item.h"
#include "io/ring/op.h"

struct bufring;
struct poller;
struct sockaddr;

/* NULL with error->text. `bufring`: into which sockets receive; it may be opened later, but is not moved. */
__attribute__((warn_unused_result)) struct poller *poller_open(struct bufring *bufring,
                                                               struct io_error *error);

/* Operations that are not over are forgotten. */
void poller_close(struct poller *poller);

/* Watches a descriptor; nothing happens if it is watched already. `events` of epoll_ctl(2); 0: all. With
 * EPOLLEXCLUSIVE, others wait for the same listening socket. False, with errno, without memory or beyond the system's
 * limit on watches. */
__attribute__((warn_unused_result)) bool poller_attach(struct poller *poller, int fd,
                                                       unsigned events);

/* Watches a descriptor no more, until it is attached again. It has no operation under way (asserted). */
void poller_detach(struct poller *poller, int fd);

/* Closes a descriptor, watched or not. */
void poller_close_fd(struct poller *poller, int fd);

/* Each begins an operation; see ring/ring.h. `fd` must be attached (asserted), and have no other operation of
 * the same direction (asserted): accept, receive, read and a poll for input, or connect, send and other polls. */
void poller_accept(struct poller *poller, int fd, bool again, uint64_t user_data);
void poller_receive(struct poller *poller, int fd, bool again, uint64_t user_data);
void poller_read_ready(struct poller *poller, int fd, void *buffer, unsigned len,
                       uint64_t user_data);
void poller_poll(struct poller *poller, int fd, unsigned events, uint64_t user_data);
void poller_connect(struct poller *poller, int fd, const struct sockaddr *address, unsigned len,
                    uint64_t user_data);
void poller_send(struct poller *poller, int fd, const struct span *spans, size_t count,
                 uint64_t user_data);

/* These keep `job`, whose other members are private, until their completion. */
void poller_read(struct poller *poller, struct item_job *job, int fd, void *buffer, unsigned len,
                 uint64_t offset, uint64_t user_data);
void poller_timeout(struct poller *poller, struct item_job *job, uint64_t at_ns,
                    uint64_t user_data);
void poller_nop(struct poller *poller, struct item_job *job, uint64_t user_data);

/* Ends the operation `target` of `fd`, which is not over. Completes with 0, unless user_data is 0. */
void poller_cancel(struct poller *poller, int fd, uint64_t target, uint64_t user_data);

/* The same for a job. A read that a thread has begun is not ended. */
void poller_cancel_job(struct poller *poller, struct item_job *job);

/* See ring/ring.h. */
void poller_enter(struct poller *poller, uint64_t timeout_ns);
bool poller_is_ready(const struct poller *poller);
unsigned poller_reap(struct poller *poller, struct ring_completion *out, unsigned max);
int poller_refused(const struct poller *poller);

#endif
