/*
 * load/request.h - the requests of one connection: sent, answered or not, counted once.
 *
 *     free --start--> sent --closed--> done --(its body is not lent any more)--> free
 *                      ^ \
 *                      |  refused unseen (GOAWAY, REFUSED_STREAM)
 *                      +--- again
 *
 * Each request has a slot, which is reused. A connection has as many as it may have streams.
 *
 * Owner: the slots are embedded in their connection, which sets `h2`, `open` and what it hears of
 * GOAWAY, and looks at `look` and `starved` after each call of its machine.
 */
#ifndef WEIR_LOAD_REQUEST_H
#define WEIR_LOAD_REQUEST_H

#include "engine/h2/h2.h"
#include "tools/load/books.h"
#include "tools/load/limits.h"

struct load_slots {
  struct load_books *books;
  struct h2 *h2; /* NULL: none, or it has ended */
  bool open;     /* the connection takes requests */

  struct load_request *at; /* `count` of them; NULL until load_slots_make() */
  uint32_t count;
  uint32_t in_use;
  struct list_node free, again; /* slots by their `node`: unused; to be repeated */
  uint64_t targets_used;        /* to take the next one in turn */
  uint64_t streams;             /* begun on this connection; for caps */
  uint64_t done;                /* measured requests */

  bool look;           /* a request has ended: there may be room for another */
  bool starved;        /* there was no room on the connection for a request */
  uint64_t starved_ns; /* since when */
  bool progress;       /* a response was complete, on this connection */

  bool went_away;       /* the server sent GOAWAY */
  uint32_t goaway_code; /* of a GOAWAY with an error, or H2_NO_ERROR */
  /* Once h2 has ended: what becomes of the requests that are left, and which code it has. */
  enum load_error end_error;
  uint32_t end_code;
};

struct load_request {
  struct load_slots *slots;
  struct stream *stream;   /* NULL: none, or no more */
  struct list_node node;   /* free, or to be repeated */
  struct load_entry entry; /* in the books, while it is under way */
  const struct load_target *target;
  uint64_t sent_ns;
  uint64_t ordinal, waits_below; /* caps: see load/cap.h */
  size_t uploaded;
  uint16_t status; /* 0: none yet */
  uint8_t refusals, steps;
  uint8_t bodies;     /* that the engine still holds */
  bool capped, waits; /* it has a schedule and is not through it; it has its step */
  bool complete, timed_out, over;
};

void load_slots_init(struct load_slots *slots, struct load_books *books);

/* Makes `count` free slots. False when memory was refused. */
__attribute__((warn_unused_result)) bool load_slots_make(struct load_slots *slots, uint32_t count);

/* The connection is about to be made (again): nothing is known of it yet. */
void load_slots_reset(struct load_slots *slots);

/* All streams must be closed. */
void load_slots_free(struct load_slots *slots);

/* There is no room for another request, or was none until now. */
void load_slots_starve(struct load_slots *slots);

/* The connection ends: no request is answered from now on. `eof`: the server's FIN has come. */
void load_slots_end(struct load_slots *slots, const struct h2_end *end, bool eof);

/* Fails those that were to be repeated. */
void load_slots_fail_again(struct load_slots *slots);

/* Takes a free slot (asserted) for a request that was due at `due_ns`, and sends it. False when the
 * server's limits do not allow it; it has then failed, and so would the next one. */
__attribute__((warn_unused_result)) bool load_request_start(struct load_slots *slots,
                                                            uint64_t due_ns);

/* Repeats the first one of `again` (asserted: there is one). False as above. */
__attribute__((warn_unused_result)) bool load_request_again(struct load_slots *slots);

/* The time is up. */
void load_request_expire(struct load_request *request);

static inline struct load_request *load_request_of(struct load_entry *entry) {
  return LIST_OWNER(entry, struct load_request, entry);
}

#endif
