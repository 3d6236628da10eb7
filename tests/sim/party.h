/*
 * party.h - one side of one exchange: its plan of what to send, what it expects to receive, and the
 * record of what it did.
 *
 * Both sides derive the plan from the exchange's number, which travels in the path. They share
 * nothing else. So everything that arrives is compared with the plan, byte by byte and field by
 * field. Bodies are a pattern of the number and the offset. Fields come from a small stock, so that
 * the HPACK tables are hit, filled and evicted.
 *
 * Ownership: a party lives until closed() was called and its body was closed. party.c keeps a list
 * for each side of a connection.
 */
#ifndef WEIR_SIM_PARTY_H
#define WEIR_SIM_PARTY_H

#include "engine/h1/h1.h"
#include "engine/h2/h2.h"
#include "engine/spdy/spdy.h"
#include "tests/sim/plan.h"

/* Counts of what happened in a run, to show that it tested something. */
struct sim_stats {
  uint64_t requests, completed, resets, failed, pushed, pushes_refused, informs, trailers, tunnels;
  uint64_t late_resumes, timers, too_large, waits, lent, body_errors, bytes, caps;
  uint64_t talks, messages, backed_up, going_away; /* WebSockets */
};

struct party_list {
  struct party *first;
  uint32_t count;
};

/* State that the parties of a run share. */
struct party_scene {
  struct random *random;
  struct sim_stats *stats;
  uint64_t *next_number;
  uint64_t *now_ns;
};

/* One end of a connection, as parties see it. */
struct party_side {
  struct party_scene *scene;
  struct party_list parties;
  struct talk *talks; /* WebSockets, see talk.h */
  uint32_t talk_count;
  bool h1;                    /* over HTTP/1.1 */
  bool spdy;                  /* over SPDY */
  bool drained, peer_drained; /* this end, or the other, has been told to drain */
  bool generous;              /* no more waiting, resetting or refusing: everything must complete */
};

struct party_body {
  uint8_t *lent; /* the whole body, when it is lent; poisoned when closed */
  uint32_t bytes, sent;
  bool open;    /* close() has not been called yet */
  bool waiting; /* it returned BODY_WAIT */
  bool ended;   /* it returned BODY_END */
  bool failed;
};

struct party {
  struct party *next, *prev;
  struct party_side *side;
  struct stream *stream; /* NULL after closed() */
  struct plan plan;
  bool client;
  bool answered; /* server: respond() was called */
  bool capped;   /* stream_cap() was called, and the cap not lifted */
  bool closed;
  bool end; /* the peer's message has ended */
  bool trailers_seen, response_seen, broken;
  uint8_t informs_seen;
  uint32_t received;   /* bytes of the peer's body */
  uint32_t unconsumed; /* of these, with consume_later */
  uint32_t error_code;
  unsigned status;
  struct party_body body;
};

/* Client: makes the request of the given number. Returns false when the engine refuses it now. */
bool party_request(struct party_side *side, struct h2 *h2, uint64_t number);

/* The same over HTTP/1.1. */
bool party_request_h1(struct party_side *side, struct h1 *h1, uint64_t number);

/* The same over SPDY. */
bool party_request_spdy(struct party_side *side, struct spdy *spdy, uint64_t number);

/* The server's handler. `ctx` is not used: `party_accepting` leads to the party. */
void party_serve(void *ctx, struct stream *stream, const struct request *request, uint64_t now_ns);

/* The side whose machine is being called. Requests that arrive now belong to it. */
extern struct party_side *party_accepting;

/* Does something that a handler may do unprompted: answer, resume, consume, push, reset. */
void party_act(struct party *party);

/* The party at this index of the list (modulo the count), or NULL. */
struct party *party_at(struct party_list *list, uint32_t index);

#endif
