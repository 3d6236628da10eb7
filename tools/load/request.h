/*
 * load/request.h - the requests of one connection. Each is counted once.
 *
 *     free --start--> sent --closed--> done --(its body is not lent any more)--> free
 *                      ^ \
 *                      |  refused unseen (GOAWAY, REFUSED_STREAM; HTTP/1.1: the connection ended)
 *                      +--- again
 *
 * Each request occupies a slot. Slots are reused; a connection has one for each stream that -m
 * allows.
 *
 * Owner: embedded in the connection. It sets `http`, `ended` and the GOAWAY members, and checks `look`
 * and `starved` after each call of its machine.
 */
#ifndef WEIR_LOAD_REQUEST_H
#define WEIR_LOAD_REQUEST_H

#include "tools/client/http.h"
#include "tools/load/books.h"
#include "tools/load/limits.h"

struct load_slots {
  struct load_books *books;
  struct client_http http; /* up: requests may get responses */
  bool ended;              /* the connection will not be made again */

  struct load_request *at; /* `count` of them; NULL until load_slots_make() */
  uint32_t count;
  uint32_t in_use;
  struct load_request *free; /* unused slots, the last used first */
  struct list_node again;    /* slots by their `node`, to be repeated */
  struct load_turn turn;     /* of load_source_next() */
  uint64_t streams;          /* started on this connection; for caps */
  uint64_t done;             /* measured requests */
  uint64_t failed;           /* of these */
  uint64_t stranded;         /* failed without having been started */
  uint64_t answered;         /* complete responses, on all of its connections */

  bool look;           /* a request has ended: there may be room for another */
  bool starved;        /* the connection had no room for a request */
  uint64_t starved_ns; /* since when */
  bool progress;       /* this connection has completed a response */
  bool cancelled;      /* HTTP/1.1: we end the connection, because a request has timed out */

  bool went_away;       /* the server sent GOAWAY */
  uint32_t goaway_code; /* of a GOAWAY with an error, or H2_NO_ERROR */
  /* Once HTTP has ended: how the remaining requests fail, and with which code. */
  enum load_error end_error;
  uint32_t end_code;
};

struct load_request {
  struct load_slots *slots;
  struct stream *stream; /* NULL: none, or no more */
  struct load_request *next_free;
  struct list_node node;   /* to be repeated */
  struct load_entry entry; /* in the books, while in flight */
  const struct load_target *target;
  uint64_t sent_ns;
  uint64_t answered;             /* slots->answered when it was sent */
  uint64_t ordinal, waits_below; /* caps: see load/cap.h */
  size_t uploaded;
  uint16_t status; /* 0: none yet */
  uint8_t refusals, steps;
  uint8_t bodies;     /* held by the engine */
  bool capped, waits; /* its schedule is not finished; it has received its step */
  bool complete, timed_out, over;
};

void load_slots_init(struct load_slots *slots, struct load_books *books);

/* Allocates `count` free slots. False when memory was refused. */
__attribute__((warn_unused_result)) bool load_slots_make(struct load_slots *slots, uint32_t count);

/* To be called before each attempt to connect: forgets the last connection. */
void load_slots_reset(struct load_slots *slots);

/* All streams must be closed. */
void load_slots_free(struct load_slots *slots);

/* Notes that there is no room for another request. */
void load_slots_starve(struct load_slots *slots);

/* HTTP has ended, so no more responses can come. */
void load_slots_end(struct load_slots *slots);

/* The connection has ended for good. Fails its `share` of requests, and those that were to be repeated. */
void load_slots_lose(struct load_slots *slots, uint64_t share);

/* Takes a free slot (asserted) for a request that was due at `due_ns`, and sends it. False when the
 * server's limits do not allow it: it has failed, and so would the next one. */
__attribute__((warn_unused_result)) bool load_request_start(struct load_slots *slots,
                                                            uint64_t due_ns);

/* The same for `count` requests that are due now, of a row of load_books_row(). Each is taken from `*share` and counted
 * in `*asked`. */
__attribute__((warn_unused_result)) bool
load_request_start_row(struct load_slots *slots, uint64_t *share, uint64_t *asked, uint32_t count);

/* Repeats the first one of `again` (asserted: there is one). False as above. */
__attribute__((warn_unused_result)) bool load_request_again(struct load_slots *slots);

/* ---- for load/ws.h, whose messages are requests without a stream of their own ---- */

/* Takes a free slot (asserted) for a message that was due at `due_ns`: it is in flight. */
struct load_request *load_request_take(struct load_slots *slots, uint64_t due_ns);

/* The message has come back. */
void load_request_echoed(struct load_request *request);

/* The request ends without a response. */
void load_request_fail(struct load_request *request, enum load_error error, uint32_t code);

/* ---------------------------------------------------------------------------------- */

/* Times the request out. */
void load_request_expire(struct load_request *request);

static inline struct load_request *load_request_of(struct load_entry *entry) {
  return LIST_OWNER(entry, struct load_request, entry);
}

#endif
