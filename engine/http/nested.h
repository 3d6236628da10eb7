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

/* Derived from a frame's header and its bytes, a few times. */
enum { NESTED_SPANS = 16 };

/* What a pull of the owner's body can give of the machine's output: the first `copied` bytes, which lie in spans[0 ..
 * count - 1], and behind them some that can be lent. */
struct nested_gift {
  struct span spans[NESTED_SPANS];
  size_t count, copied;
  struct span lent;
  uint32_t *loans; /* NULL: none is */
};

/* All zero: no machine yet. The owner sets `memory`, and `host.wake` before the machine is made. */
struct nested {
  const struct memory *memory;
  struct machine machine;
  struct machine_host host;
  uint8_t *kept; /* kept[at .. len) waits for MACHINE_RECV */
  size_t at, len, room;
  size_t lent;            /* bytes of the machine's output that have a loan of their own by now */
  bool copies;            /* set by an owner that lends nothing */
  bool end_due, end_told; /* the peer's end: it has come, and the machine knows */
};

/* Makes the machine, for the stream's peer, whose application protocol is `protocol`. False when it was refused. */
__attribute__((warn_unused_result)) bool nested_make(struct nested *nested,
                                                     struct machine_factory factory,
                                                     const struct stream *stream,
                                                     const char *protocol);

/* Gives the machine the peer's next bytes, behind those that are kept. Returns how many bytes were done with, of
 * these and of earlier ones; or SIZE_MAX when memory to keep the rest was refused. */
__attribute__((warn_unused_result)) size_t nested_give(struct nested *nested, struct span bytes,
                                                       uint64_t now_ns);

/* Offers what is kept once more, and then the peer's end if that has come. Returns how many bytes were done
 * with. */
__attribute__((warn_unused_result)) size_t nested_go_on(struct nested *nested, uint64_t now_ns);

/* The peer will send nothing more. Call nested_go_on() next. */
void nested_end(struct nested *nested);

/* How many of the peer's next bytes may be vaulted. */
size_t nested_takes_vaulted(const struct nested *nested);

/* What can be given now: about `bytes_max` bytes are asked for, at most `room` are to be copied, and all together are
 * no more than `lend_max` if some are lent. It stays until nested_gave(). */
void nested_look(struct nested *nested, struct nested_gift *gift, size_t bytes_max, size_t room,
                 size_t lend_max, uint64_t now_ns);

/* All of it was copied, or is lent with gift->loans as body_chunk has it. */
void nested_gave(struct nested *nested, const struct nested_gift *gift, uint64_t now_ns);

/* Copies what is to be copied. */
void nested_copy(const struct nested_gift *gift, uint8_t *out);

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
