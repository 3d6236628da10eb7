/*
 * support/meter.h - links with watched machines, on a worker that the test drives, one turn at a
 * time.
 *
 * The ring and the socket pairs are real. Time stands still unless the test or a machine moves it:
 * the test's program defines clock_gettime(), which returns meter_now_ns for CLOCK_MONOTONIC. (A
 * definition here would be linked into every test that asks for the time.) One thread.
 *
 * Life: meter_begin(); then meter_add(), and turns; meter_end().
 */
#ifndef WEIR_TESTS_METER_H
#define WEIR_TESTS_METER_H

#include "io/link/life.h"
#include "io/link/pass.h"

/* CLOCK_MONOTONIC, nanoseconds. meter_begin() sets it. */
extern uint64_t meter_now_ns;

struct meter_worker {
  struct loop loop;
  struct links links;
};

enum { METER_ENDLESS = 1 << 30, METER_PEEKS = 20 };

struct meter {
  struct link *link;
  int peer; /* the other end of its socket; does not block */

  /* Its behaviour, which the test may set at any time. */
  uint64_t to_send;     /* bytes left; METER_ENDLESS never decreases */
  const uint8_t *bytes; /* as many as its budgets, that it sends from; NULL: zeros */
  bool ends;            /* it is done when everything is sent */
  bool silent;          /* and knows that its peer has nothing more to say */
  bool refuses;         /* it takes nothing of its next input, and wants no more */
  bool stuck;           /* it takes nothing, and wants more all the same */
  bool answers;         /* what it refused is of no use once the peer has ended its half */
  bool half_ends;       /* its direction ends, while it goes on to listen */
  bool resets;          /* it wants a reset */
  uint64_t idle_since_ns;
  uint64_t deadline_ns; /* 0: none */
  uint64_t cost_ns;     /* that each of its calls takes */

  /* Recorded of the link. */
  uint64_t sent, received;     /* bytes */
  uint64_t settled_in;         /* the turn of its last settling */
  size_t spans_max;            /* of the last peek */
  size_t budgets[METER_PEEKS]; /* of the first peeks */
  size_t budget;               /* of the last one */
  unsigned peeks;              /* number of entries in `budgets` */
  bool full;                   /* it has refused input */
  bool closed;
  unsigned drained; /* how often it was told to drain */
  unsigned ticks, eofs;
  uint64_t sent_before; /* this turn */
};

void meter_begin(struct meter_worker *worker, uint32_t links_max);

/* Cuts the remaining links, and frees `count` meters. */
void meter_end(struct meter_worker *worker, struct meter **meters, unsigned count);

/* Meters on new links. */
struct meter *meter_add(struct meter_worker *worker, uint64_t to_send);
void meter_add_all(struct meter_worker *worker, struct meter **meters, unsigned count,
                   uint64_t to_send);

/* A machine_factory's create(): makes the meter at `ctx` a machine. */
bool meter_create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                  uint64_t now_ns, struct machine *out);

/* Runs `count` turns. */
void meter_turns(struct meter_worker *worker, unsigned count);

/* The peer sends IO_WHOLES times a byte: from now on one request receives many buffers. */
void meter_receive_many(struct meter_worker *worker, struct meter *meter);

/* Runs one turn. Returns the bytes that these meters sent in it, and how many of them sent any. */
uint64_t meter_turn_sends(struct meter_worker *worker, struct meter **meters, unsigned count,
                          unsigned *senders);

#endif
