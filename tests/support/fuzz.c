/*
 * support/fuzz.c - shared code of the fuzz targets of whole connections.
 */
#include "tests/support/fuzz.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One connection with the bodies and tables of all its streams. Measured, then doubled. */
#define MEMORY_BYTES_MAX (4u * MIB)

enum { SPANS = 8, STALLS_MAX = 64, ROUNDS_MAX = 20000 };

static uint8_t pattern[FUZZ_BODY_BYTES];

/* ---- bodies ---------------------------------------------------------------------------------- */

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct fuzz_exchange *exchange = self;
  struct random *random = &exchange->run->random;
  size_t left = exchange->bytes - exchange->sent;
  size_t take = left < chunk->max ? left : chunk->max;
  if (chunk->max == 0) return left == 0 ? BODY_END : BODY_MORE;
  if (exchange->kind == 'x' && left < exchange->bytes / 2) return BODY_ERROR;
  if (exchange->kind == 'w' && random_one_in(random, 3)) {
    exchange->waiting = true;
    return BODY_WAIT;
  }
  if (random_one_in(random, 2)) {
    memcpy(chunk->room, pattern + exchange->sent, take);
    chunk->bytes = span_of(chunk->room, take);
  } else {
    chunk->bytes = span_of(pattern + exchange->sent, take);
  }
  exchange->sent += (uint32_t)take;
  return exchange->sent == exchange->bytes ? BODY_END : BODY_MORE;
}

static void slot_free(struct fuzz_exchange *exchange) {
  if (exchange->gone && !exchange->body_open) exchange->stream = NULL;
}

static void body_close(void *self) {
  struct fuzz_exchange *exchange = self;
  assert(exchange->body_open);
  exchange->body_open = false;
  slot_free(exchange);
}

struct body fuzz_body(struct fuzz_exchange *exchange, uint32_t bytes) {
  static const struct body_ops ops = {.pull = pull, .close = body_close};
  assert(bytes <= sizeof pattern);
  exchange->bytes = bytes;
  exchange->sent = 0;
  exchange->body_open = true;
  return (struct body){.ops = &ops, .self = exchange};
}

struct fuzz_exchange *fuzz_exchange_new(struct fuzz_run *run, char kind) {
  for (int i = 0; i < FUZZ_STREAMS; i++) {
    struct fuzz_exchange *exchange = &run->exchanges[i];
    if (exchange->stream) continue;
    *exchange = (struct fuzz_exchange){.run = run, .kind = kind};
    return exchange;
  }
  return NULL;
}

/* ---- events of both roles -------------------------------------------------------------------- */

void fuzz_data(struct stream *stream, struct span bytes, bool end) {
  const struct fuzz_exchange *exchange = stream->user;
  struct random *random = &exchange->run->random;
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.len; i++) /* every byte is readable */
    sum += bytes.base[i];
  if (stream->consume_later && bytes.len)
    stream_consume(stream, random_size(random, (uint32_t)bytes.len));
  if (exchange->kind == 'e' && (end || sum == 77)) stream_resume(stream);
}

void fuzz_closed(struct stream *stream, uint32_t error_code) {
  struct fuzz_exchange *exchange = stream->user;
  (void)error_code;
  assert(exchange->stream == stream && !exchange->gone);
  exchange->gone = true;
  slot_free(exchange);
}

/* ---- the host -------------------------------------------------------------------------------- */

unsigned fuzz_wants(const struct fuzz_run *run) {
  return run->machine.ops->wants(run->machine.self);
}

static void check_frame(const struct fuzz_run *run, const uint8_t *at, uint32_t max) {
  enum h2_role receiver = run->role == H2_SERVER ? H2_CLIENT : H2_SERVER;
  const struct h2_frame_header header = h2_frame_header_decode(at);
  struct h2_frame frame;
  struct h2_verdict verdict = h2_frame_check(&header, receiver, max);
  if (verdict.scope == H2_ACCEPT)
    verdict = h2_frame_decode(&header, span_of(at + H2_FRAME_HEADER_BYTES, header.length), &frame);
  if (verdict.scope != H2_ACCEPT)
    fprintf(stderr, "sent type %u, %u bytes: %s\n", header.type, header.length, verdict.reason);
  assert(verdict.scope == H2_ACCEPT);
}

/* Collects the sent bytes and checks the frames in them. */
static void sent(struct fuzz_run *run, struct span bytes) {
  if (run->on_sent) {
    run->on_sent(run, bytes);
    return;
  }
  if (run->out_len == 0 && bytes.len > 4 && memcmp(bytes.base, "HTTP", 4) == 0) run->http1 = true;
  if (run->http1) return;
  assert(run->out_len + bytes.len <= sizeof run->out);
  memcpy(run->out + run->out_len, bytes.base, bytes.len);
  run->out_len += bytes.len;
  size_t at = run->out_len < run->preface_left ? run->out_len : run->preface_left;
  run->preface_left -= (uint32_t)at;
  while (run->out_len - at >= H2_FRAME_HEADER_BYTES) {
    const struct h2_frame_header header = h2_frame_header_decode(run->out + at);
    if (run->out_len - at < H2_FRAME_HEADER_BYTES + header.length) break;
    check_frame(run, run->out + at, H2_FRAME_BYTES_MAX);
    at += H2_FRAME_HEADER_BYTES + header.length;
  }
  memmove(run->out, run->out + at, run->out_len - at);
  run->out_len -= at;
}

static size_t peek(struct fuzz_run *run, struct span *spans, size_t max) {
  size_t budget = random_size(&run->random, 32 * KIB);
  return run->machine.ops->send_peek(run->machine.self, spans, max, budget, run->now_ns);
}

bool fuzz_send(struct fuzz_run *run) {
  struct span spans[SPANS];
  if (!(fuzz_wants(run) & MACHINE_SEND)) return false;
  size_t count = peek(run, spans, 1 + random_below(&run->random, SPANS)), bytes = 0;
  for (size_t i = 0; i < count; i++)
    bytes += spans[i].len;
  if (bytes == 0) {
    assert(!(fuzz_wants(run) & MACHINE_SEND)); /* otherwise the host would ask for ever */
    return false;
  }
  size_t most = random_one_in(&run->random, 3) ? random_size(&run->random, (uint32_t)bytes) : bytes;
  size_t left = most;
  for (size_t i = 0; i < count && left > 0; i++) {
    size_t take = spans[i].len < left ? spans[i].len : left;
    sent(run, span_of(spans[i].base, take));
    left -= take;
  }
  run->machine.ops->send_ack(run->machine.self, most, run->now_ns);
  return true;
}

static void tick(struct fuzz_run *run) {
  if (run->machine.ops->deadline_ns(run->machine.self) > run->now_ns) return;
  run->machine.ops->tick(run->machine.self, run->now_ns);
  assert(fuzz_wants(run) & MACHINE_DONE ||
         run->machine.ops->deadline_ns(run->machine.self) > run->now_ns);
}

/* Advances the time, mostly by a little. */
static void pass_time(struct fuzz_run *run) {
  static const uint64_t steps_ns[] = {
      1000,          100000,        MILLISECOND_NS, 20 * MILLISECOND_NS, 600 * MILLISECOND_NS,
      3 * SECOND_NS, 15 * SECOND_NS};
  uint32_t which = random_below(&run->random, 64);
  run->now_ns += steps_ns[which < 58 ? which % 4 : which - 57];
  tick(run);
}

static void resume(struct fuzz_run *run, bool all) {
  for (int i = 0; i < FUZZ_STREAMS; i++) {
    struct fuzz_exchange *exchange = &run->exchanges[i];
    if (!exchange->stream || exchange->gone || !exchange->waiting) continue;
    if (!all && random_one_in(&run->random, 2)) continue;
    exchange->waiting = false;
    if (all) exchange->kind = 'b';
    stream_resume(exchange->stream);
  }
}

/* Lets a server's idle connection rest, and moves the machine if it may be moved, as a host does that has settled it. */
static void rest(struct fuzz_run *run) {
  const struct machine *machine = &run->machine;
  bool is_idle = machine->ops->idle_since_ns && run->role == H2_SERVER &&
                 machine->ops->idle_since_ns(machine->self) != MACHINE_BUSY;
  if (is_idle) run->now_ns += H2_REST_NS;
  tick(run);
  if (fuzz_wants(run) & MACHINE_MOVES) machine->ops->move(machine->self, &run->machine);
}

static void do_something(struct fuzz_run *run) {
  switch (random_below(&run->random, 5)) {
  case 0: pass_time(run); break;
  case 1: resume(run, false); break;
  case 2: rest(run); break;
  default: (void)fuzz_send(run); break;
  }
}

void fuzz_receive(struct fuzz_run *run, const uint8_t *bytes, size_t len) {
  for (uint32_t stalls = 0; len > 0 && stalls < STALLS_MAX;) {
    if (fuzz_wants(run) & MACHINE_DONE) return;
    if (!(fuzz_wants(run) & MACHINE_RECV)) {
      if (!fuzz_send(run)) {
        stalls++;
        pass_time(run); /* it may have paused */
      }
      continue;
    }
    size_t piece = random_one_in(&run->random, 2) ? len : random_size(&run->random, (uint32_t)len);
    uint8_t *copy = malloc(piece);
    assert(copy);
    memcpy(copy, bytes, piece);
    size_t took = run->machine.ops->recv(run->machine.self, span_of(copy, piece), run->now_ns);
    free(copy);
    assert(took == piece || !(fuzz_wants(run) & MACHINE_RECV));
    bytes += took;
    len -= took;
    if (random_one_in(&run->random, 2)) do_something(run);
    assert(run->memory.bytes <= MEMORY_BYTES_MAX);
  }
}

void fuzz_finish(struct fuzz_run *run) {
  if (fuzz_wants(run) & MACHINE_RECV || fuzz_wants(run) & MACHINE_SEND)
    run->machine.ops->recv_eof(run->machine.self, run->now_ns);
  for (int round = 0; !(fuzz_wants(run) & MACHINE_DONE); round++) {
    assert(round < ROUNDS_MAX);
    resume(run, true);
    if (fuzz_send(run)) continue;
    run->now_ns += 100 * MILLISECOND_NS;
    tick(run);
  }
}

static struct engine_config config_of(uint8_t choice) {
  struct engine_config config = engine_config_default();
  config.connections_max = 4;
  config.h2.streams_max = 64;
  config.h2.concurrent_streams = choice & 1 ? 8 : 100;
  config.h2.stream_window_bytes = choice & 2 ? 1000 : 65535;
  config.header_list_bytes = choice & 4 ? 4 * KIB : 64 * KIB;
  config.h2.frame_bytes_max = choice & 8 ? 100000 : 16384;
  config.h2.connect_protocol = choice & 16;
  config.h2.no_rfc7540_priorities = choice & 32;
  config.h2.flow = (enum stream_flow)(FLOW_ECHO + (choice >> 6));
  return config;
}

void fuzz_open(struct fuzz_run *run, const uint8_t *choices, enum h2_role role,
               const struct handler *handler) {
  uint64_t seed = 0;
  memcpy(&seed, choices, FUZZ_CHOICE_BYTES);
  memset(run->exchanges, 0, sizeof run->exchanges);
  run->out_len = 0;
  run->http1 = false;
  run->random.state = seed;
  run->role = role;
  run->now_ns = 1000 * SECOND_NS;
  run->preface_left = role == H2_CLIENT ? H2_PREFACE_BYTES : 0;
  for (size_t i = sizeof pattern; pattern[0] == 0 && i-- > 0;)
    pattern[i] = (uint8_t)(i * 31 >> 3 | 1);
  struct engine_config config = config_of(choices[0]);
  bool ok = engine_init(&run->engine, counted_init(&run->memory), &config, handler);
  assert(ok);
  (void)ok;
  engine_set_date(&run->engine, 784111777);
}

void fuzz_close(struct fuzz_run *run) {
  run->machine.ops->close(run->machine.self);
  for (int i = 0; i < FUZZ_STREAMS; i++)
    assert(!run->exchanges[i].stream);
  assert(run->engine.http.counters.streams_opened == run->engine.http.counters.streams_closed);
  engine_destroy(&run->engine);
  assert(run->memory.count == 0 && run->memory.bytes == 0);
}
