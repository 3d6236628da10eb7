/*
 * link/recv.h - bytes in.
 *
 * A received buffer goes straight to the machine and back into the ring, unless
 *   - the link has had its share of the turn, or the turn has lasted for IO_TURN_INPUT_NS and the buffer holds more
 *     than IO_TURN_LITTLE_BYTES: the buffer is deferred, in a chain. Links with deferred buffers are fed in turn, so
 *     each has as much of the worker's time as the others, and one with little to say does not wait for them;
 *   - the machine does not want input: the bytes are copied out, so that the shared ring never runs
 *     dry over one slow reader, and receiving stops. What may still arrive until the kernel has
 *     seen the cancellation is at most one ring full. Then the link receives one buffer at a time, until
 *     its machine has taken IO_WHOLES_AGAIN receives in a row. Meanwhile it keeps one buffer at most, or
 *     what was read behind a full one: a share of a turn. If the peer resets the connection while nothing
 *     is received, the next settling cuts the link.
 *
 * A multishot receive takes buffers as long as its socket has bytes: a flood on one link could take
 * all of them, again and again, and links with little to say would get none. So a link that defers
 * while the ring is short receives one buffer at a time, too, for as long. Those requests are served in
 * the order in which they are made. A link also receives one buffer at a time until its machine has taken
 * IO_WHOLES receives in a row and its input has shown an end, and again after it found the ring empty:
 * otherwise each of many links that flood would take many buffers at first, which are copied where its
 * machine does not keep up.
 */
#ifndef WEIR_IO_LINK_RECV_H
#define WEIR_IO_LINK_RECV_H

#include "io/link/links.h"

/* No input is kept or deferred. */
static inline bool link_input_is_empty(const struct link *link) {
  return link->kept.begin == link->kept.end && link->deferred_first == LINK_NO_BUFFER;
}

/* Offers kept and deferred input, up to this turn's share. */
void link_recv_feed(struct link *link);

/* Starts or stops receiving, as `wants` says: link_wanted() now, or MACHINE_RECV while lingering. */
void link_recv_settle(struct link *link, unsigned wants);

/* Cancels the receive request that is under way, if there is one. */
void link_recv_stop(struct link *link);

/* Gives back every buffer and copy. */
void link_recv_release(struct link *link);

/* A completion of kind OP_LINK_RECV. */
void link_on_recv(struct link *link, const struct ring_completion *completion);

#endif
