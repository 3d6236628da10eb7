/*
 * h2/rest.c - see h2/rest.h.
 *
 *     struct h2      [http][shared] 0 [host] 0 0 0 [peer] ...            most words of a quiet connection are zero
 *     struct h2_rest used: 1 1 0 1 0 0 0 1 ...    words: [http][shared][host][peer]...    entries of the tables
 *
 * The struct may be anywhere, because nothing points into it while there are no streams, but for the scheduler's
 * way to find streams. That is not kept, nor are other pointers that all connections of a worker have, and what an
 * idle connection does not look at.
 */
#include "engine/h2/rest.h"

#include "engine/h2/clock.h"
#include "engine/h2/connection.h"
#include "engine/h2/priority.h"

#include <assert.h>
#include <string.h>

enum { WORD_BITS = 64, H2_WORDS = sizeof(struct h2) / sizeof(uint64_t) };
_Static_assert(sizeof(struct h2) % sizeof(uint64_t) == 0, "it is made of words");

struct h2_rest {
  const struct h2_awake *awake;
  struct h2_shared *shared;
  struct machine *place; /* where this machine is kept */
  uint64_t deadline_ns, idle_since_ns;
  uint32_t bytes;                                        /* of all this */
  bool lost;                                             /* it could not be woken */
  uint64_t used[(H2_WORDS + WORD_BITS - 1) / WORD_BITS]; /* bit set of words that are not zero */
  uint64_t words[];                                      /* these; then the two tables */
};

/* ---- packing --------------------------------------------------------------------------------- */

static uint64_t word_of(const struct h2 *h2, size_t index) {
  uint64_t word;
  memcpy(&word, (const uint8_t *)h2 + index * sizeof word, sizeof word);
  return word;
}

static size_t count_words(const struct h2 *h2) {
  size_t count = 0;
  for (size_t i = 0; i < H2_WORDS; i++)
    count += word_of(h2, i) != 0;
  return count;
}

/* Returns the end of the words. */
static uint8_t *pack(struct h2_rest *rest, const struct h2 *h2) {
  uint64_t *out = rest->words;
  memset(rest->used, 0, sizeof rest->used);
  for (size_t i = 0; i < H2_WORDS; i++) {
    if (word_of(h2, i) == 0) continue;
    rest->used[i / WORD_BITS] |= (uint64_t)1 << i % WORD_BITS;
    *out++ = word_of(h2, i);
  }
  return (uint8_t *)out;
}

/* Takes out what attach() puts back, and what is of no meaning now. */
static void wipe(struct h2 *h2) {
  h2->http = NULL;
  h2->shared = NULL;
  h2->now_ns = 0;
  h2->out = (struct out){.buffer = NULL};
  if (h2->reader.have == 0) {
    memset(h2->reader.header, 0, sizeof h2->reader.header);
    memset(&h2->reader.frame, 0, sizeof h2->reader.frame);
  }
  h2->decoder.table.memory = h2->encoder.table.memory = h2->streams.memory = NULL;
  hpack_table_hollow(&h2->decoder.table);
  hpack_table_hollow(&h2->encoder.table);
  h2_priority_detach(h2);
}

static void attach(struct h2 *h2, struct h2_shared *shared) {
  const struct memory *memory = shared->http->memory;
  h2->shared = shared;
  h2->http = shared->http;
  h2->decoder.table.memory = h2->encoder.table.memory = h2->streams.memory = memory;
  h2_priority_attach(h2);
}

/* The tables' entries are not there yet. Returns where they are. */
static const uint8_t *unpack(const struct h2_rest *rest, struct h2 *h2) {
  const uint64_t *in = rest->words;
  memset(h2, 0, sizeof *h2);
  for (size_t at = 0; at < sizeof rest->used / sizeof *rest->used; at++)
    for (uint64_t used = rest->used[at]; used; used &= used - 1) {
      size_t index = at * WORD_BITS + (size_t)__builtin_ctzll(used);
      memcpy((uint8_t *)h2 + index * sizeof *in, in, sizeof *in);
      in++;
    }
  attach(h2, rest->shared);
  return (const uint8_t *)in;
}

/* ---- waking ---------------------------------------------------------------------------------- */

static bool unpack_whole(const struct h2_rest *rest, struct h2 *h2) {
  const uint8_t *entries = unpack(rest, h2);
  entries = hpack_table_unpack(&h2->decoder.table, entries);
  if (entries && hpack_table_unpack(&h2->encoder.table, entries)) return true;
  hpack_table_destroy(&h2->decoder.table);
  hpack_table_destroy(&h2->encoder.table);
  return false;
}

static void free_rest(struct h2_rest *rest) {
  rest->shared->resting--;
  memory_free(rest->shared->http->memory, rest, rest->bytes);
}

/* The machine that takes the place of the one at rest; NULL when memory was refused. */
static const struct machine *wake(struct h2_rest *rest) {
  struct h2_shared *shared = rest->shared;
  struct machine *place = rest->place;
  struct h2 *h2 = rest->lost ? NULL : pool_take(&shared->connections);
  if (h2 && !unpack_whole(rest, h2)) {
    pool_give(&shared->connections, h2);
    h2 = NULL;
  }
  if (!h2) {
    rest->lost = true;
    return NULL;
  }
  h2->rested = false; /* once more, when what woke it is done */
  *place = (struct machine){.ops = rest->awake->ops, .self = h2};
  free_rest(rest);
  return place;
}

/* ---- the machine ----------------------------------------------------------------------------- */

static size_t rest_recv(void *self, struct span in, uint64_t now_ns) {
  const struct machine *machine = wake(self);
  return machine ? machine->ops->recv(machine->self, in, now_ns) : in.len;
}

static void rest_recv_eof(void *self, uint64_t now_ns) {
  const struct machine *machine = wake(self);
  if (machine) machine->ops->recv_eof(machine->self, now_ns);
}

static size_t rest_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                             uint64_t now_ns) {
  (void)self, (void)out, (void)max, (void)budget_bytes, (void)now_ns;
  return 0;
}

static void rest_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  (void)self, (void)bytes, (void)now_ns;
}

static void rest_tick(void *self, uint64_t now_ns) {
  const struct h2_rest *rest = self;
  if (now_ns < rest->deadline_ns) return;
  const struct machine *machine = wake(self);
  if (machine) machine->ops->tick(machine->self, now_ns);
}

static uint64_t rest_deadline_ns(const void *self) {
  const struct h2_rest *rest = self;
  return rest->lost ? MACHINE_NO_DEADLINE : rest->deadline_ns;
}

static unsigned rest_wants(const void *self) {
  const struct h2_rest *rest = self;
  return rest->lost ? MACHINE_DONE : MACHINE_RECV;
}

static void rest_drain(void *self, uint64_t now_ns) {
  const struct machine *machine = wake(self);
  if (machine) machine->ops->drain(machine->self, now_ns);
}

static uint64_t rest_idle_since_ns(const void *self) {
  const struct h2_rest *rest = self;
  return rest->lost ? MACHINE_BUSY : rest->idle_since_ns;
}

/* This needs no memory, since the tables stay away. */
static void rest_close(void *self) {
  struct h2_rest *rest = self;
  struct h2 h2;
  unpack(rest, &h2);
  rest->awake->finish(&h2);
  free_rest(rest);
}

static const struct machine_ops rest_ops = {
    .recv = rest_recv,
    .recv_eof = rest_recv_eof,
    .send_peek = rest_send_peek,
    .send_ack = rest_send_ack,
    .tick = rest_tick,
    .deadline_ns = rest_deadline_ns,
    .wants = rest_wants,
    .drain = rest_drain,
    .idle_since_ns = rest_idle_since_ns,
    .close = rest_close,
};

/* ---- coming to rest -------------------------------------------------------------------------- */

bool h2_rest_fits(const struct h2 *h2) {
  bool holds_nothing = !h2->graves && !h2->reader.payload && !h2->block.bytes && !h2->control &&
                       !h2->out.segments && !h2->encoder.lookup;
  bool goes_on = !h2->eof && !h2->draining && !h2->goaway_received && !h2->stalled_since_ns;
  return holds_nothing && goes_on && h2->rested && h2_is_idle(h2);
}

void h2_rest_begin(struct h2 *h2, const struct h2_awake *awake, struct machine *place) {
  assert(h2_rest_fits(h2));
  struct h2_shared *shared = h2->shared;
  struct hpack_table *decoder = &h2->decoder.table, *encoder = &h2->encoder.table;
  h2_request_memo_free(&h2->requests, shared->http->memory);
  struct h2 bare = *h2;
  wipe(&bare);
  const size_t bytes = sizeof(struct h2_rest) + count_words(&bare) * sizeof(uint64_t) +
                       hpack_table_packed_bytes(decoder) + hpack_table_packed_bytes(encoder);
  struct h2_rest *rest = memory_alloc(shared->http->memory, bytes);
  if (!rest) return;
  *rest = (struct h2_rest){.awake = awake,
                           .shared = shared,
                           .place = place,
                           .deadline_ns = h2_clock_deadline_ns(h2),
                           .idle_since_ns = h2->idle_since_ns,
                           .bytes = (uint32_t)bytes};
  uint8_t *end = hpack_table_pack(encoder, hpack_table_pack(decoder, pack(rest, &bare)));
  assert(end == (uint8_t *)rest + bytes);
  (void)end;
  hpack_table_destroy(decoder);
  hpack_table_destroy(encoder);
  pool_give(&shared->connections, h2);
  shared->resting++;
  *place = (struct machine){.ops = &rest_ops, .self = rest};
}
