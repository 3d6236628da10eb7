/*
 * end.h - one end of a simulated connection: its machine, and the kernel that io_uring would be.
 *
 * The kernel takes sends and completes them later, short or whole, in any order across connections.
 * It lets receives starve, delivers in pieces of any size, and loses everything on an abort. A send
 * may complete after the close was decided. So spans are checked, until the machine is really
 * closed, against a copy that was made when they were first seen.
 */
#ifndef WEIR_SIM_END_H
#define WEIR_SIM_END_H

#include "engine/h1/h1.h"
#include "engine/spdy/connection.h"
#include "engine/spdy/spdy.h"
#include "tests/sim/party.h"
#include "tests/sim/pipe.h"
#include "tests/sim/wire.h"

enum { SIM_SPANS_MAX = 24, SIM_SHADOW_BYTES = 1 << 20 };

struct sim_end {
  struct machine_host host;
  struct machine machine;
  struct party_side side;
  struct wire wire;
  struct sim_end *peer;
  struct sim_pipe *in; /* bytes on their way to this end */
  bool client, open;
  bool h1, spdy;          /* it speaks one of these, and has no wire; set after sim_end_open() */
  bool closing;           /* close() follows as soon as no send is in flight */
  bool in_ended, in_lost; /* the peer has closed: in order, or with a reset */
  bool eof_given;
  bool sending; /* a send is in flight */
  struct span spans[SIM_SPANS_MAX];
  size_t span_count, span_bytes;
  uint8_t *shadow; /* copy of all composed bytes that are not acked */
  size_t shadow_len, shadow_at;
  uint64_t sent_offset;                 /* bytes acked so far */
  uint64_t starved_until, paused_until; /* steps */
  uint32_t wakes;
};

/* What the ends of a run share. */
struct sim_world;

void sim_end_open(struct sim_end *end, struct machine machine, bool client,
                  struct party_scene *scene);

/* Each does one thing that a host does, if it can be done now. Returns true when bytes moved. */
bool sim_end_submit(struct sim_end *end, struct random *random, bool whole);
bool sim_end_complete(struct sim_end *end, struct random *random, bool whole);
bool sim_end_receive(struct sim_end *end, struct random *random, bool whole);
bool sim_end_tick(struct sim_end *end, uint64_t now_ns);

/* Something on the path inserts a frame between two others. */
bool sim_end_inject(struct sim_end *end, const uint8_t *frame, size_t len);

/* Lets an idle server rest in a smaller machine and wakes it at once, so that its state can be looked at. Memory must not be
 * refused. Returns whether it wanted that. */
bool sim_end_rest(struct sim_end *end);

void sim_end_drain(struct sim_end *end);

/* Closes: at once, or when the send in flight has completed. */
void sim_end_close(struct sim_end *end, bool reset);

/* Asks wants(), and closes a machine that is done. */
void sim_end_settle_wants(struct sim_end *end);

static inline struct h1 *sim_end_h1(const struct sim_end *end) {
  return h1_of(&end->machine);
}

static inline struct spdy *sim_end_spdy(const struct sim_end *end) {
  return spdy_of(&end->machine);
}

static inline struct h2 *sim_end_h2(const struct sim_end *end) {
  return h2_of(&end->machine);
}

#endif
