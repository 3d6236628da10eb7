/*
 * pipeline.c - see pipeline.h.
 */
#include "tests/sim/pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/conn.h"
#include "engine/h1/h1.h"
#include "tests/engine/h1/message.h"
#include "tests/sim/fail.h"
#include "tests/support/counted.h"
#include "tests/support/random.h"

enum {
  LINKS = 4,
  ASKED_MAX = 48,    /* requests of one client that wait for their answers */
  SERVING_MAX = 256, /* of all links */
  BODY_MAX = 30000,
  WIRE_BYTES = 1 << 17,
  SETTLE_ROUNDS = 200000,
};

/* How a request is answered. */
enum mode {
  LENGTH,
  LENT,
  CHUNKED,
  WAITS,
  LATE,
  EMPTY,
  CALM_MODES,
  EARLY = CALM_MODES,
  FAILS,
  RESETS,
  MODES
};

struct asked {
  uint64_t number;
  uint32_t bytes; /* of the answer */
  enum mode mode;
  bool head;
};

struct world;

struct link {
  struct world *world;
  struct machine machine;
  bool open;
  bool quit;                /* the client asks for nothing more */
  bool last;                /* the server has said that no more answers come */
  uint8_t wire[WIRE_BYTES]; /* from the client, not delivered yet */
  size_t wire_at, wire_len;
  struct asked asked[ASKED_MAX];
  unsigned first, count;
  struct message reader;
};

/* A request in the handler. */
struct serving {
  struct link *link; /* NULL: free */
  struct stream *stream;
  uint64_t number;
  enum mode mode;
  uint32_t bytes, sent;
  uint32_t up_bytes, up_seen;
  bool safe, waiting, answered, closed, body_open;
};

struct world {
  struct random random;
  struct counted_memory memory;
  struct engine engine;
  struct handler handler;
  struct link links[LINKS];
  struct serving servings[SERVING_MAX];
  struct link *current; /* whose machine is being called */
  uint64_t now_ns, next_number;
  bool calm, settling;
  struct pipeline_totals *totals;
};

static struct world world;
static uint8_t table[256 + BODY_MAX];

/* The bytes of the body with this number. */
static const uint8_t *pattern(uint64_t number) {
  return table + (number * 31 & 255);
}

/* ---- the handler ----------------------------------------------------------------------------- */

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct serving *serving = self;
  uint32_t left = serving->bytes - serving->sent;
  size_t take = left < chunk->max ? left : chunk->max;
  if (serving->mode == WAITS && !world.settling && chunk->max && random_one_in(&world.random, 3)) {
    serving->waiting = true;
    world.totals->waits++;
    return BODY_WAIT;
  }
  if (take > 1 && random_one_in(&world.random, 3))
    take = random_size(&world.random, (uint32_t)take);
  if (serving->mode == FAILS && serving->sent >= serving->bytes / 2) return BODY_ERROR;
  const uint8_t *bytes = pattern(serving->number) + serving->sent;
  if (serving->mode == LENT) {
    chunk->bytes = span_of(bytes, take);
  } else if (take) {
    memcpy(chunk->room, bytes, take);
    chunk->bytes = span_of(chunk->room, take);
  }
  serving->sent += (uint32_t)take;
  return serving->sent == serving->bytes ? BODY_END : BODY_MORE;
}

static void let_go(struct serving *serving) {
  if (serving->closed && !serving->body_open) serving->link = NULL;
}

static void close_body(void *self) {
  struct serving *serving = self;
  sim_check(serving->body_open, "a body is closed twice");
  serving->body_open = false;
  let_go(serving);
}

static const struct body_ops body_ops = {.pull = pull, .close = close_body};

static void answer(struct serving *serving) {
  char number[24], length[24];
  (void)snprintf(number, sizeof number, "%llu", (unsigned long long)serving->number);
  (void)snprintf(length, sizeof length, "%u", serving->bytes);
  struct header fields[] = {{.name = span_text("x-number"), .value = span_text(number)},
                            header_of(TOKEN_CONTENT_LENGTH, span_text(length))};
  bool unknown = serving->mode == CHUNKED || serving->mode == WAITS;
  serving->answered = true;
  if (serving->mode == EMPTY) {
    (void)stream_respond(serving->stream, 204, fields, 1, BODY_NONE);
    return;
  }
  serving->body_open = true;
  world.totals->chunked += unknown;
  world.totals->lent += serving->mode == LENT;
  (void)stream_respond(serving->stream, 200, fields, unknown ? 1 : 2,
                       (struct body){&body_ops, serving});
}

/* The whole request is there, or EARLY does not wait for it. */
static void act(struct serving *serving) {
  if (serving->mode == RESETS)
    stream_reset(serving->stream, 0);
  else if (serving->mode != LATE)
    answer(serving);
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct serving *serving = stream->user;
  sim_check(bytes.len <= serving->up_bytes - serving->up_seen, "more is uploaded than was sent");
  sim_check(
      !bytes.len || memcmp(bytes.base, pattern(serving->number) + serving->up_seen, bytes.len) == 0,
      "request %llu: other bytes are uploaded than were sent", (unsigned long long)serving->number);
  serving->up_seen += (uint32_t)bytes.len;
  if (!end) return;
  sim_check(serving->up_seen == serving->up_bytes, "an upload is cut short");
  world.totals->uploads++;
  if (!serving->answered) act(serving);
}

static void on_closed(struct stream *stream, uint32_t code) {
  struct serving *serving = stream->user;
  (void)code;
  sim_check(!serving->closed, "a stream is closed twice");
  serving->closed = true;
  serving->stream = NULL;
  let_go(serving);
}

static const struct stream_events events = {.data = on_data, .closed = on_closed};

static struct serving *serving_new(void) {
  for (int i = 0; i < SERVING_MAX; i++)
    if (!world.servings[i].link) return &world.servings[i];
  sim_fail("more requests are handled than can be");
}

/* Requests that are not safe are handled alone. */
static void check_alone(const struct serving *serving) {
  for (int i = 0; i < SERVING_MAX; i++) {
    const struct serving *other = &world.servings[i];
    if (other == serving || other->link != serving->link || other->closed) continue;
    sim_check(other->safe && serving->safe, "request %llu is handled beside %llu",
              (unsigned long long)serving->number, (unsigned long long)other->number);
    world.totals->ahead++;
  }
}

/* The path says what is asked for: /NUMBER/MODE/BYTES/UPLOAD */
static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  char path[80];
  unsigned long long number;
  unsigned mode, bytes, up_bytes;
  (void)ctx, (void)now_ns;
  (void)snprintf(path, sizeof path, "%.*s", (int)request->path.len,
                 (const char *)request->path.base);
  sim_check(sscanf(path, "/%llu/%u/%u/%u", &number, &mode, &bytes, &up_bytes) == 4,
            "a request that was not made: %s", path);
  struct serving *serving = serving_new();
  *serving = (struct serving){.link = world.current,
                              .stream = stream,
                              .number = number,
                              .mode = (enum mode)mode,
                              .bytes = bytes,
                              .up_bytes = up_bytes,
                              .safe = !span_is(request->method, "POST")};
  stream->events = &events;
  stream->user = serving;
  check_alone(serving);
  if (request->end || serving->mode == EARLY) act(serving);
}

/* ---- the client ------------------------------------------------------------------------------ */

static void put(struct link *link, const void *bytes, size_t len) {
  sim_check(link->wire_len + len <= WIRE_BYTES, "the world's wire is too short");
  memcpy(link->wire + link->wire_len, bytes, len);
  link->wire_len += len;
}

static void put_text(struct link *link, const char *text) {
  put(link, text, strlen(text));
}

static void put_upload(struct link *link, uint64_t number, uint32_t bytes, bool chunked) {
  char line[40];
  const uint8_t *at = pattern(number);
  (void)snprintf(line, sizeof line, "Content-Length: %u\r\n\r\n", bytes);
  put_text(link, chunked ? "Transfer-Encoding: chunked\r\n\r\n" : line);
  while (chunked && bytes > 0) {
    uint32_t piece = bytes > 100 ? 100 + random_below(&world.random, bytes - 99) : bytes;
    (void)snprintf(line, sizeof line, "%x%s\r\n", piece,
                   random_one_in(&world.random, 4) ? ";a=b" : "");
    put_text(link, line);
    put(link, at, piece);
    put_text(link, "\r\n");
    at += piece;
    bytes -= piece;
  }
  if (chunked) put_text(link, random_one_in(&world.random, 3) ? "0\r\nX: y\r\n\r\n" : "0\r\n\r\n");
  put(link, at, bytes);
}

static struct asked *asked_new(struct link *link) {
  struct asked *asked = &link->asked[(link->first + link->count++) % ASKED_MAX];
  uint32_t most = random_one_in(&world.random, 4) ? BODY_MAX : 300;
  *asked = (struct asked){
      .number = world.next_number++,
      .bytes = random_size(&world.random, most) - 1,
      .mode = (enum mode)random_below(&world.random, world.calm ? CALM_MODES : MODES),
  };
  return asked;
}

static void ask(struct link *link) {
  char line[160];
  if (link->quit || link->count == ASKED_MAX || WIRE_BYTES - link->wire_len < 2 * BODY_MAX) return;
  struct asked *asked = asked_new(link);
  bool upload = random_one_in(&world.random, 5), old = random_one_in(&world.random, 40);
  bool close = random_one_in(&world.random, 60);
  uint32_t up_bytes = upload ? random_size(&world.random, BODY_MAX) : 0;
  asked->head = !upload && random_one_in(&world.random, 8);
  link->quit = old || close;
  (void)snprintf(line, sizeof line, "%s /%llu/%d/%u/%u HTTP/1.%d\r\nHost: a\r\n%s",
                 upload        ? "POST"
                 : asked->head ? "HEAD"
                               : "GET",
                 (unsigned long long)asked->number, (int)asked->mode, asked->bytes, up_bytes,
                 old ? 0 : 1, close ? "Connection: close\r\n" : "");
  put_text(link, line);
  if (upload)
    put_upload(link, asked->number, up_bytes, !old && random_one_in(&world.random, 2));
  else
    put_text(link, "\r\n");
  world.totals->requests++;
  sim_note("ask %llu, mode %d, %u bytes, upload %u", (unsigned long long)asked->number,
           (int)asked->mode, asked->bytes, up_bytes);
}

static uint64_t number_in(const struct message *message) {
  for (uint32_t i = 0; i < message->fields.count; i++) {
    const struct header *field = &message->fields.at[i];
    if (span_is(field->name, "x-number"))
      return strtoull((const char *)field->value.base, NULL, 10);
  }
  return UINT64_MAX;
}

/* The whole answer to the first request is there. */
static void check_answer(struct link *link) {
  const struct message *message = &link->reader;
  sim_check(link->count > 0, "an answer to nothing");
  const struct asked *asked = &link->asked[link->first];
  bool own = message->head.status == 200 || message->head.status == 204;
  unsigned long long number = asked->number;
  sim_check(own || !world.calm, "request %llu gets %u", number, message->head.status);
  sim_check(!own || number_in(message) == number, "request %llu gets the answer to %llu", number,
            (unsigned long long)number_in(message));
  uint32_t bytes = asked->head || asked->mode == EMPTY ? 0 : asked->bytes;
  /* A fault may cut a body that ends with the connection, and the client cannot tell. */
  bool until_close = message->framing.body == H1_BODY_CLOSE;
  if (!world.calm && until_close && message->body_len < bytes) bytes = (uint32_t)message->body_len;
  sim_check(!own || message->body_len == bytes, "request %llu gets %zu bytes, not %u", number,
            message->body_len, bytes);
  sim_check(!own || memcmp(message->body, pattern(number), bytes) == 0,
            "request %llu gets other bytes", number);
  link->last = !message->framing.keep;
  sim_note("answer %u to %llu%s", message->head.status, number, link->last ? ", the last" : "");
  link->first = (link->first + 1) % ASKED_MAX;
  link->count--;
  *(own ? &world.totals->answers : &world.totals->refused) += 1;
  world.totals->closed += link->last;
}

static void begin_answer(struct link *link) {
  struct h1_asked asked = {.head = link->count && link->asked[link->first].head};
  message_begin(&link->reader, H1_RESPONSE, asked);
}

static void hear(struct link *link, struct span bytes) {
  while (bytes.len > 0) {
    sim_check(!link->last, "bytes after the last answer: %.*s",
              (int)(bytes.len < 100 ? bytes.len : 100), (const char *)bytes.base);
    size_t len = bytes.len < 4096 ? bytes.len : 4096;
    if (link->reader.step == MESSAGE_DONE) begin_answer(link);
    size_t used = message_give(&link->reader, span_of(bytes.base, len));
    sim_check(link->reader.step != MESSAGE_REFUSED, "a bad answer: %s",
              link->reader.verdict.reason);
    bytes = span_of(bytes.base + used, bytes.len - used);
    if (link->reader.step == MESSAGE_DONE) check_answer(link);
  }
}

/* ---- the host -------------------------------------------------------------------------------- */

static void no_wake(struct machine_host *host) {
  (void)host;
}

static void link_open(struct link *link) {
  static struct machine_host host = {.wake = no_wake};
  struct machine_factory factory = conn_factory(&world.engine);
  struct machine_peer peer = {.application_protocol =
                                  random_one_in(&world.random, 2) ? "http/1.1" : ""};
  link->world = &world;
  link->wire_at = link->wire_len = 0;
  link->first = link->count = 0;
  link->quit = link->last = false;
  link->open = factory.create(factory.ctx, &peer, &host, world.now_ns, &link->machine);
  sim_check(link->open || !world.calm, "a connection is refused");
  if (!link->open) return;
  link->reader.step = MESSAGE_DONE;
  world.totals->connections++;
}

static void link_close(struct link *link, bool whole) {
  if (whole && link->reader.step == MESSAGE_BODY) { /* perhaps one that ends with the connection */
    message_end(&link->reader);
    if (link->reader.step == MESSAGE_DONE) check_answer(link);
  }
  sim_check(!whole || !world.calm || link->count == 0, "%u requests are not answered", link->count);
  world.totals->cut += link->count > 0;
  link->machine.ops->close(link->machine.self);
  link->open = false;
  for (int i = 0; i < SERVING_MAX; i++)
    sim_check(world.servings[i].link != link, "a stream is left of a connection");
}

static unsigned wants(const struct link *link) {
  return link->machine.ops->wants(link->machine.self);
}

static void deliver(struct link *link) {
  size_t left = link->wire_len - link->wire_at;
  if (left == 0 || !(wants(link) & MACHINE_RECV)) return;
  size_t piece =
      random_one_in(&world.random, 3) ? left : random_size(&world.random, (uint32_t)left);
  uint8_t *copy = malloc(piece);
  memcpy(copy, link->wire + link->wire_at, piece);
  size_t took = link->machine.ops->recv(link->machine.self, span_of(copy, piece), world.now_ns);
  free(copy);
  sim_check(took <= piece, "more is taken than was given");
  sim_check(took == piece || !(wants(link) & MACHINE_RECV), "wanted bytes are not taken");
  link->wire_at += took;
  if (link->wire_at == link->wire_len) link->wire_at = link->wire_len = 0;
}

static void take(struct link *link) {
  struct span spans[6];
  if (!(wants(link) & MACHINE_SEND)) return;
  size_t budget = random_size(&world.random, 65536), max = 1 + random_below(&world.random, 6);
  size_t count = link->machine.ops->send_peek(link->machine.self, spans, max, budget, world.now_ns);
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++)
    bytes += spans[i].len;
  sim_check(bytes > 0 || !(wants(link) & MACHINE_SEND), "it wants to send nothing");
  if (bytes == 0) return;
  size_t most =
      random_one_in(&world.random, 3) ? random_size(&world.random, (uint32_t)bytes) : bytes;
  size_t left = most;
  for (size_t i = 0; i < count && left > 0; i++) {
    size_t len = spans[i].len < left ? spans[i].len : left;
    hear(link, span_of(spans[i].base, len));
    left -= len;
  }
  link->machine.ops->send_ack(link->machine.self, most, world.now_ns);
}

static void tick(struct link *link) {
  const struct machine_ops *ops = link->machine.ops;
  if (ops->deadline_ns(link->machine.self) > world.now_ns) return;
  ops->tick(link->machine.self, world.now_ns);
}

/* A handler's own time has come. */
static void go_on(struct link *link) {
  for (int i = 0; i < SERVING_MAX; i++) {
    struct serving *serving = &world.servings[i];
    if (serving->link != link || serving->closed) continue;
    if (!world.settling && random_one_in(&world.random, 2)) continue;
    if (serving->waiting) {
      serving->waiting = false;
      stream_resume(serving->stream);
    } else if (serving->mode == LATE && !serving->answered &&
               serving->up_seen == serving->up_bytes) {
      world.totals->late++;
      answer(serving);
    }
  }
}

static void go_wrong(struct link *link) {
  const struct machine_ops *ops = link->machine.ops;
  switch (random_below(&world.random, 12)) {
  case 0:
    link->quit = true;
    world.totals->drains++;
    ops->drain(link->machine.self, world.now_ns);
    break;
  case 1:
    link->quit = true;
    link->wire_at = link->wire_len = 0;
    world.totals->ends++;
    ops->recv_eof(link->machine.self, world.now_ns);
    break;
  case 2:
    world.totals->aborts++;
    link_close(link, false);
    break;
  case 3:
    world.memory.refuse_at = world.memory.calls + 1;
    world.totals->refusals++;
    break;
  case 4:
    world.now_ns += random_below(&world.random, 12) * SECOND_NS;
    world.totals->jumps++;
    break;
  default: break;
  }
}

/* ---- the world ------------------------------------------------------------------------------- */

static void step(struct link *link) {
  world.current = link;
  if (!link->open) {
    link_open(link);
    return;
  }
  switch (random_below(&world.random, 16)) {
  case 0:
  case 1: ask(link); break;
  case 2:
    if (random_one_in(&world.random, 4))
      for (int i = 0; i < 16; i++)
        ask(link);
    break;
  case 3: go_on(link); break;
  case 4:
    world.now_ns += random_size(&world.random, 2 * (uint32_t)MILLISECOND_NS);
    tick(link);
    break;
  case 5:
    if (!world.calm && random_one_in(&world.random, 20)) go_wrong(link);
    break;
  case 6:
  case 7:
  case 8:
  case 9: deliver(link); break;
  default: take(link); break;
  }
  if (link->open && wants(link) & MACHINE_DONE) link_close(link, true);
}

/* Nothing new is asked for, and everything comes to its end. */
static void settle(struct link *link) {
  world.current = link;
  world.settling = true;
  link->quit = true;
  for (int round = 0; link->open; round++) {
    sim_check(round < SETTLE_ROUNDS, "a connection does not end");
    if (!link->count && link->wire_at == link->wire_len)
      link->machine.ops->recv_eof(link->machine.self, world.now_ns);
    deliver(link);
    go_on(link);
    take(link);
    world.now_ns += world.calm ? 10000 : MILLISECOND_NS;
    tick(link);
    if (wants(link) & MACHINE_DONE) link_close(link, true);
  }
}

static void begin(uint64_t seed, struct pipeline_totals *totals) {
  world.random.state = seed;
  world.now_ns = 1000 * SECOND_NS;
  world.next_number = 1;
  world.calm = seed % 2;
  world.settling = false;
  world.totals = totals;
  memset(world.servings, 0, sizeof world.servings);
  for (size_t i = 0; i < sizeof table; i++)
    table[i] = (uint8_t)i;
  world.handler = (struct handler){.request = on_request};
  struct engine_config config = engine_config_default();
  sim_check(engine_init(&world.engine, counted_init(&world.memory), &config, &world.handler),
            "no memory for an engine");
  for (int i = 0; i < LINKS; i++)
    world.links[i].open = false;
}

void pipeline_run(uint64_t seed, uint64_t steps, struct pipeline_totals *totals) {
  sim_run_begin(seed);
  begin(seed, totals);
  for (uint64_t at = 1; at <= steps; at++) {
    sim_step_begin(at);
    step(&world.links[random_below(&world.random, LINKS)]);
  }
  totals->steps += steps;
  world.memory.refuse_at = 0;
  for (int i = 0; i < LINKS; i++)
    if (world.links[i].open) settle(&world.links[i]);
  sim_check(world.engine.h1.uploads == 0 && world.engine.h1.streams.taken == 0,
            "streams are left of all connections");
  engine_destroy(&world.engine);
  sim_check(world.memory.count == 0, "memory is left of the world");
}
