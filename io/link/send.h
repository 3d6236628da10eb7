/*
 * link/send.h - bytes out, at most one send under way.
 *
 * Bytes are chosen only when the socket has room for them: nothing can overtake what was chosen.
 * After IO_NOTSENT_LOWAT_BYTES or one budget the link asks the kernel whether there is room:
 * whether less than half as much is unsent (TCP_NOTSENT_LOWAT). If there is, nothing queues, and
 * the budget grows. If not, the ring says when; if that takes long, the budget becomes what the
 * peer took lately in IO_SEND_AHEAD_NS. Sends are system calls, because the socket then mostly
 * takes all at once; without URING_INLINE_SEND they go through the ring. Large ones go by reference
 * (link/splicer.h), if their bytes lie where they can.
 */
#ifndef WEIR_IO_LINK_SEND_H
#define WEIR_IO_LINK_SEND_H

#include "io/link/links.h"

/* One send, if the machine has something and none is under way. `wants` is link_wanted() before; returns it as it is
 * afterwards. */
unsigned link_send_settle(struct link *link, unsigned wants);

/* Cancels the send or the wait for room that is under way, if there is one. */
void link_send_stop(struct link *link);

/* Cuts a link whose peer has acknowledged nothing for too long. */
void link_send_check_stall(struct link *link);

/* A completion of kind OP_LINK_SEND. */
void link_on_send(struct link *link, const struct ring_completion *completion);

#endif
