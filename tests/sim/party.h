/*
 * party.h - one side of one exchange: what it plans to send, what it expects to hear, and the books
 * of what it did.
 *
 * Both sides derive the plan from the exchange's number alone, which travels in the path; nothing
 * else is shared. So whatever arrives is compared with what was meant, byte by byte and field by
 * field: bodies are a pattern of the number and the offset, fields come from a small stock so that
 * the HPACK tables are hit, filled and evicted.
 *
 * Ownership: a party lives from the stream's beginning until closed() was called and its body was
 * closed; party.c keeps a list for each connection's side.
 */
#ifndef WEIR_SIM_PARTY_H
#define WEIR_SIM_PARTY_H

#include "engine/h2/h2.h"
#include "tests/sim/plan.h"

/* What happened in a run, to see that a run was worth something. */
struct sim_stats {
  uint64_t requests, completed, resets, failed, pushed, pushes_refused, informs, trailers, tunnels;
  uint64_t late_resumes, timers, too_large, waits, lent, body_errors, bytes, caps;
};

struct party_list {
  struct party *first;
  uint32_t count;
};

/* What the parties of a run share. */
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
  bool generous; /* no more waiting, resetting or refusing: everything shall complete */
};

struct party_body {
  uint8_t *lent; /* the whole body, when it is lent; poisoned when closed */
  uint32_t bytes, sent;
  bool open;    /* close() is still to come */
  bool waiting; /* BODY_WAIT was said */
  bool ended;   /* BODY_END was said */
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

/* Client: makes a request of the given number; false when the engine refuses it now. */
bool party_request(struct party_side *side, struct h2 *h2, uint64_t number);

/* The server's handler; `ctx` is not used: stream->user is found through `party_accepting`. */
void party_serve(void *ctx, struct stream *stream, const struct request *request, uint64_t now_ns);

/* The side whose machine is being called: requests that arrive now belong to it. */
extern struct party_side *party_accepting;

/* Something a handler may do by itself: answer, resume, consume, push, reset. */
void party_act(struct party *party);

/* A party of the list by its place (modulo the count), or NULL. */
struct party *party_at(struct party_list *list, uint32_t index);

#endif
