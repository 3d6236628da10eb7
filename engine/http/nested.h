/*
 * http/nested.h - a machine that is not on a socket: its owner, a mount, hands it bytes and asks it for some.
 *
 * What the machine does not take is kept and offered again. Everything here does nothing before the machine is
 * made, and drops what comes after MACHINE_DONE or MACHINE_RESET, as a host does.
 * Owner: embedded. Bound: while bytes are kept, the owner gives no more than its window allows.
 */
#ifndef WEIR_NESTED_H
#define WEIR_NESTED_H

#include "engine/base/memory.h"
#include "engine/http/stream.h"

/* All zero: no machine yet. The owner sets `memory`, and `host.wake` before the machine is made. */
struct nested {
  const struct memory *memory;
  struct machine machine;
  struct machine_host host;
  uint8_t *kept; /* kept[at .. len) waits for MACHINE_RECV */
  size_t at, len, room;
  bool end_due, end_told; /* the peer's end: it has come, and the machine knows */
};

/* Makes the machine, for this peer, whose application protocol is `protocol`. False when it was refused. */
__attribute__((warn_unused_result)) bool nested_make(struct nested *nested,
                                                     struct machine_factory factory,
                                                     const struct machine_peer *peer,
                                                     const char *protocol, uint64_t now_ns);

/* Gives the machine the peer's next bytes, behind those that are kept. Returns how many bytes were done with, of
 * these and of earlier ones; or SIZE_MAX when memory to keep the rest was refused. */
__attribute__((warn_unused_result)) size_t nested_give(struct nested *nested, struct span bytes,
                                                       uint64_t now_ns);

/* Offers what is kept once more, and then the peer's end if that has come. Returns how many bytes were done
 * with. */
__attribute__((warn_unused_result)) size_t nested_go_on(struct nested *nested, uint64_t now_ns);

/* The peer will send nothing more. Call nested_go_on() next. */
void nested_end(struct nested *nested);

/* The next bytes to be sent, about `bytes_max`, in at most `max` spans; returns their number. They stay until
 * nested_sent() says how many of them have left. */
size_t nested_peek(struct nested *nested, struct span *spans, size_t max, size_t bytes_max,
                   uint64_t now_ns);
void nested_sent(struct nested *nested, size_t bytes, uint64_t now_ns);

/* Writes the next at most `max` bytes to be sent to `out`; returns their number. */
size_t nested_read(struct nested *nested, uint8_t *out, size_t max, uint64_t now_ns);

/* MACHINE_* bits; 0 before the machine is made. */
unsigned nested_wants(const struct nested *nested);

/* Lets the machine know the time, if its deadline has passed. */
void nested_tick(struct nested *nested, uint64_t now_ns);
uint64_t nested_deadline_ns(const struct nested *nested);

/* Tells the machine to finish. */
void nested_drain(struct nested *nested, uint64_t now_ns);

/* Closes the machine, if there is one, and frees what is kept. */
void nested_close(struct nested *nested);

#endif
