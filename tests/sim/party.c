/*
 * party.c - handlers of both roles that follow a plan and check the other side's; see party.h.
 */
#include "tests/sim/party.h"

#include "tests/sim/fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct party_side *party_accepting;

static void party_free(struct party *party) {
  struct party_list *list = &party->side->parties;
  if (party->prev)
    party->prev->next = party->next;
  else
    list->first = party->next;
  if (party->next) party->next->prev = party->prev;
  list->count--;
  free(party);
}

static void free_if_over(struct party *party) {
  if (party->closed && !party->body.open) party_free(party);
}

static void body_close(void *self) {
  struct party *party = self;
  sim_check(party->body.open, "a body is closed twice");
  party->body.open = false;
  if (party->body.lent) {
    memset(party->body.lent, 0xdd, party->body.bytes);
    free(party->body.lent);
  }
  if (party->closed) party_free(party);
}

static enum body_result body_fill(struct party *party, struct body_chunk *chunk, uint32_t take) {
  struct party_body *body = &party->body;
  if (body->lent) {
    chunk->bytes = span_of(body->lent + body->sent, take);
    party->side->scene->stats->lent += take > 0;
  } else {
    plan_copy_body(chunk->room, &party->plan, !party->client, body->sent, take);
    chunk->bytes = span_of(chunk->room, take);
  }
  body->sent += take;
  return BODY_MORE;
}

static enum body_result body_wait(struct party *party) {
  party->body.waiting = true;
  party->side->scene->stats->waits++;
  return BODY_WAIT;
}

static bool body_is_over(const struct party *party) {
  return party->body.sent == party->body.bytes;
}

static enum body_result body_end(struct party *party) {
  party->body.ended = true;
  return BODY_END;
}

static enum body_result body_pull(void *self, struct body_chunk *chunk) {
  struct party *party = self;
  struct party_body *body = &party->body;
  struct random *random = party->side->scene->random;
  sim_check(body->open && !body->ended, "a body is pulled after its end");
  sim_check(!body->waiting, "a waiting body is pulled");
  sim_check(!party->closed, "the body of a closed stream is pulled");
  if (chunk->max == 0) return body_is_over(party) ? body_end(party) : BODY_MORE;
  bool fails = party->plan.body_fails && !party->client && body->sent >= body->bytes / 2;
  if (fails && !party->side->generous) {
    body->failed = true;
    party->side->scene->stats->body_errors++;
    return BODY_ERROR;
  }
  if (!party->side->generous && random_one_in(random, 12)) return body_wait(party);
  uint32_t left = body->bytes - body->sent;
  uint32_t most = left < chunk->max ? left : (uint32_t)chunk->max;
  uint32_t take = most && random_one_in(random, 3) ? random_size(random, most) : most;
  body_fill(party, chunk, take);
  if (body_is_over(party) && (take == 0 || random_one_in(random, 2))) return body_end(party);
  if (!party->side->generous && random_one_in(random, 12)) return body_wait(party);
  return BODY_MORE;
}

static const struct body_ops body_ops = {.pull = body_pull, .close = body_close};

static struct body body_open(struct party *party, uint32_t bytes) {
  party->body = (struct party_body){.bytes = bytes, .open = true};
  if (random_one_in(party->side->scene->random, 2)) {
    party->body.lent = malloc(bytes + 1);
    sim_check(party->body.lent, "out of memory");
    plan_copy_body(party->body.lent, &party->plan, !party->client, 0, bytes);
  }
  return (struct body){.ops = &body_ops, .self = party};
}

/* ---- both roles --------------------------------------------------------------------------------
 */

/* HTTP/1.1 has no pushes and, without chunks, no trailers. Tunnels are talk.c's. */
static void fit_to_h1(struct plan *plan) {
  if (plan->kind == PLAN_TUNNEL) plan->kind = PLAN_POST;
  if (plan->status == 500) plan->status = 410; /* 500 is what a reset before the response becomes */
  plan->pushes = 0;
  plan->request_trailers &= !plan->request_length;
  plan->response_trailers &= !plan->response_length;
}

/* SPDY has no tunnels of HTTP, nor informational responses. */
static void fit_to_spdy(struct plan *plan) {
  if (plan->kind == PLAN_TUNNEL) plan->kind = PLAN_POST;
  plan->informs = 0;
}

static struct party *party_new(struct party_side *side, uint64_t number, bool client) {
  struct party *party = calloc(1, sizeof *party);
  sim_check(party, "out of memory");
  party->side = side;
  party->plan = plan_of(number);
  if (side->h1) fit_to_h1(&party->plan);
  if (side->spdy) fit_to_spdy(&party->plan);
  party->client = client;
  party->next = side->parties.first;
  if (party->next) party->next->prev = party;
  side->parties.first = party;
  side->parties.count++;
  return party;
}

struct party *party_at(struct party_list *list, uint32_t index) {
  if (list->count == 0) return NULL;
  struct party *party = list->first;
  for (index %= list->count; index > 0; index--)
    party = party->next;
  return party;
}

static void adopt(struct party *party, struct stream *stream) {
  party->stream = stream;
  struct random *random = party->side->scene->random;
  stream->consume_later = random_one_in(random, 3);
  if (random_one_in(random, 8))
    stream->flow = (enum stream_flow)(FLOW_ECHO + random_below(random, 4));
}

/* SPDY puts fields of one name together, and secret ones last. */
static void check_fields(const struct party *party, const struct headers *fields, enum list list) {
  if (party->side->spdy)
    plan_check_fields_in_any_order(fields, &party->plan, list);
  else
    plan_check_fields(fields, &party->plan, list);
}

static void check_trailers_planned(const struct party *party) {
  const struct plan *plan = &party->plan;
  sim_check(party->client ? plan->response_trailers : plan->request_trailers,
            "trailers that were not planned");
}

/* Whether the server's engine has answered, for a reason that is not in the plan. */
static bool is_refused(const struct party *party) {
  const unsigned status = party->status;
  bool by_h1 = party->side->h1 && (status == 408 || status == 500 || status == 503);
  return party->client && (status == 431 || by_h1);
}

/* The length of the peer's whole message in bytes. */
static uint32_t bytes_expected(const struct party *party) {
  const struct plan *plan = &party->plan;
  if (!party->client) return plan->request_bytes;
  if (plan_is_bodiless(plan)) return 0;
  return plan->response_bytes;
}

static void message_ended(struct party *party) {
  sim_check(!party->end, "a message ends twice");
  party->end = true;
  if (is_refused(party)) return;
  sim_check(party->received == bytes_expected(party), "a body of %u bytes ended after %u",
            bytes_expected(party), party->received);
  bool trailers = party->client ? party->plan.response_trailers && !plan_is_bodiless(&party->plan)
                                : party->plan.request_trailers;
  sim_check(trailers == party->trailers_seen, "trailers are missing");
}

/* The handler may give up after what it just heard. The party may be gone afterwards. */
static void perhaps_reset(struct party *party) {
  struct party_side *side = party->side;
  if (party->closed || side->generous || !random_one_in(side->scene->random, 400)) return;
  side->scene->stats->resets++;
  stream_reset(party->stream, H2_CANCEL);
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct party *party = stream->user;
  sim_check(!party->closed && !party->end, "data after the end");
  sim_check(!party->client || party->response_seen, "data before the response");
  if (bytes.len && !is_refused(party))
    plan_check_body(bytes, &party->plan, party->client, party->received);
  party->received += (uint32_t)bytes.len;
  party->side->scene->stats->bytes += bytes.len;
  if (stream->consume_later) party->unconsumed += (uint32_t)bytes.len;
  if (end) message_ended(party);
  if (end && !party->client && party->plan.answer == ANSWER_AFTER_BODY)
    party_act(party);
  else
    perhaps_reset(party);
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  struct party *party = stream->user;
  check_trailers_planned(party);
  check_fields(party, fields, party->client ? LIST_RESPONSE_TRAILERS : LIST_REQUEST_TRAILERS);
  party->trailers_seen = true;
  party->side->scene->stats->trailers++;
  message_ended(party);
  if (!party->client && party->plan.answer == ANSWER_AFTER_BODY)
    party_act(party);
  else
    perhaps_reset(party);
}

static bool own_message_complete(const struct party *party) {
  if (!party->body.bytes && !party->body.open) return true;
  return party->body.ended;
}

/* After a complete exchange, nothing may be missing on either side. But a server may cut off a
 * request that it has answered (RFC 9113 section 8.1). */
static void check_completed(const struct party *party) {
  if (party->client) {
    sim_check(party->end, "exchange %llx completed without its response",
              (unsigned long long)party->plan.number);
    return;
  }
  sim_check(party->answered || party->status == 431, "completed without an answer");
  sim_check(plan_is_bodiless(&party->plan) || own_message_complete(party),
            "completed before the response's end");
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  struct party *party = stream->user;
  sim_check(!party->closed, "closed twice");
  if (error_code == 0) check_completed(party);
  party->closed = true;
  party->stream = NULL;
  party->error_code = error_code;
  struct sim_stats *stats = party->side->scene->stats;
  if (error_code == 0) {
    stats->completed++;
    stats->tunnels += party->plan.kind == PLAN_TUNNEL;
  } else {
    stats->failed++;
  }
  free_if_over(party);
}

static struct header decimal_field(char *room, size_t size, uint32_t value) {
  snprintf(room, size, "%u", value);
  return header_of(TOKEN_CONTENT_LENGTH, span_text(room));
}

/* ---- server -------------------------------------------------------------------------------------
 */

static void do_push(struct party *party) {
  char path[64];
  uint64_t number = ++*party->side->scene->next_number | PLAN_NUMBER_PUSHED;
  snprintf(path, sizeof path, "/%llx", (unsigned long long)number);
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("sim")), header_of(TOKEN_PATH, span_text(path))};
  bool foreign = random_one_in(party->side->scene->random, 4);
  if (foreign) fields[2].value = span_text("elsewhere");
  bool pushed = stream_push(party->stream, fields, 4);
  sim_check(!foreign || !pushed, "pushed for another authority");
}

/* Everything that a server sends before its final response. Any of it may end the stream. */
static void do_preliminaries(struct party *party) {
  struct plan plan = party->plan;
  struct party_side *side = party->side;
  for (uint32_t i = 0; i < plan.informs; i++) {
    struct field_store store = {.count = 0};
    plan_fields(&store, &plan, LIST_INFORM);
    (void)stream_inform(party->stream, 103, store.fields, store.count);
  }
  struct party_side *before = party_accepting;
  party_accepting = side;
  for (uint32_t i = 0; i < plan.pushes; i++)
    do_push(party);
  party_accepting = before;
}

/* Either side may signal the response's urgency. */
static void add_priority(struct field_store *store, struct random *random) {
  static const char *const priorities[] = {"u=0", "u=1, i", "u=5", "i", "u=7, i=?0"};
  if (random_one_in(random, 3))
    store->fields[store->count++] =
        header_of(TOKEN_PRIORITY, span_text(priorities[random_below(random, 5)]));
}

static void do_respond(struct party *party) {
  struct plan plan = party->plan;
  struct field_store store = {.count = 0};
  char length[16];
  party->answered = true;
  do_preliminaries(party);
  plan_fields(&store, &plan, LIST_RESPONSE);
  if (plan.response_length && plan.status != 204)
    store.fields[store.count++] = decimal_field(length, sizeof length, plan.response_bytes);
  add_priority(&store, party->side->scene->random);
  bool none = plan.response_bytes == 0 && !plan.response_trailers && plan.kind != PLAN_TUNNEL &&
              random_one_in(party->side->scene->random, 2);
  struct body body = none ? BODY_NONE : body_open(party, plan.response_bytes);
  struct stream *stream = party->stream;
  if (!stream_respond(stream, plan.status, store.fields, store.count, body)) return;
  if (!plan.response_trailers || plan_is_bodiless(&plan)) return;
  struct field_store trailers = {.count = 0};
  plan_fields(&trailers, &plan, LIST_RESPONSE_TRAILERS);
  if (!stream_trailers(stream, trailers.fields, trailers.count))
    stream_reset(stream, H2_INTERNAL_ERROR);
}

static void on_timer(struct stream *stream, uint64_t now_ns) {
  struct party *party = stream->user;
  (void)now_ns;
  party->side->scene->stats->timers++;
  if (!party->answered) do_respond(party);
}

static const struct stream_events server_events = {
    .data = on_data, .trailers = on_trailers, .timer = on_timer, .closed = on_closed};

static uint64_t number_of(struct span path) {
  uint64_t number = 0;
  for (size_t i = 1; i < path.len && path.base[i] != ':'; i++) {
    uint8_t digit = path.base[i];
    number = number * 16 + (uint64_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  }
  return number;
}

static void check_request(const struct party *party, const struct request *request) {
  const struct plan *plan = &party->plan;
  static const char *const methods[] = {"GET", "HEAD", "POST", "CONNECT", "GET"};
  sim_check(span_is(request->method, methods[plan->kind]), "wrong method");
  sim_check(request->authority.len > 0, "no authority");
  sim_check(request->content_length == (plan->request_length ? (int64_t)plan->request_bytes : -1),
            "wrong content-length");
  if (plan->kind != PLAN_PUSHED) check_fields(party, request->fields, LIST_REQUEST);
}

void party_serve(void *ctx, struct stream *stream, const struct request *request, uint64_t now_ns) {
  (void)ctx;
  struct span text = span_is(request->method, "CONNECT") ? request->authority : request->path;
  struct party_side *side = party_accepting;
  struct party *party = party_new(side, number_of(text), false);
  side->scene->stats->requests++;
  adopt(party, stream);
  stream->user = party;
  stream->events = &server_events;
  stream->duplex = true;
  check_request(party, request);
  party->end = request->end;
  if (party->plan.kind == PLAN_PUSHED) side->scene->stats->pushed++;
  uint64_t delay = 1 + random_below(side->scene->random, 20000000);
  switch (party->plan.answer) {
  case ANSWER_AT_ONCE: do_respond(party); break;
  case ANSWER_BY_TIMER: stream_timer(stream, now_ns + delay); break;
  case ANSWER_AFTER_BODY:
    if (request->end) do_respond(party);
    break;
  case ANSWER_LATER: break;
  }
}

/* ---- client -------------------------------------------------------------------------------------
 */

/* `fields` is NULL for a party that needs none. */
static void answered(struct party *party, unsigned status, const struct headers *fields, bool end) {
  const struct plan *plan = &party->plan;
  if (status < 200) {
    sim_check(!party->response_seen && !end, "informational response too late");
    sim_check(++party->informs_seen <= plan->informs, "too many informational responses");
    if (fields) check_fields(party, fields, LIST_INFORM);
    party->side->scene->stats->informs++;
    return;
  }
  sim_check(!party->response_seen, "two responses");
  party->response_seen = true;
  party->status = status;
  if (status == 431 && plan->request_huge) {
    party->side->scene->stats->too_large++;
  } else if (status == 431 || !is_refused(party)) {
    sim_check(status == plan->status, "status %u, expected %u", status, plan->status);
    if (fields) check_fields(party, fields, LIST_RESPONSE);
  }
  if (end) message_ended(party);
  perhaps_reset(party);
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  answered(stream->user, status, fields, end);
}

static void on_status(struct stream *stream, unsigned status, struct section_size size, bool end) {
  sim_check(size.wire_bytes > 0 && size.plain_bytes > 0, "a section without bytes");
  answered(stream->user, status, NULL, end);
}

static const struct stream_events client_events;

static void on_promise(struct stream *stream, struct stream *promised,
                       const struct request *request) {
  const struct party *parent = stream->user;
  struct party_scene *scene = parent->side->scene;
  if (random_one_in(scene->random, 5)) {
    scene->stats->pushes_refused++;
    if (random_one_in(scene->random, 2)) stream_reset(promised, H2_CANCEL);
    return; /* the engine refuses it without events */
  }
  struct party *party = party_new(parent->side, number_of(request->path), true);
  sim_check(party->plan.kind == PLAN_PUSHED, "the promise is of something else");
  adopt(party, promised);
  promised->user = party;
  promised->events = &client_events;
}

static const struct stream_events client_events = {.response = on_response,
                                                   .data = on_data,
                                                   .trailers = on_trailers,
                                                   .promise = on_promise,
                                                   .closed = on_closed};

static const struct stream_events status_events = {.status = on_status,
                                                   .data = on_data,
                                                   .trailers = on_trailers,
                                                   .promise = on_promise,
                                                   .closed = on_closed};

static size_t request_pseudo(struct header *fields, const struct plan *plan, char *path,
                             size_t size) {
  static const char *const methods[] = {"GET", "HEAD", "POST", "CONNECT"};
  snprintf(path, size, "/%llx", (unsigned long long)plan->number);
  fields[0] = header_of(TOKEN_METHOD, span_text(methods[plan->kind]));
  if (plan->kind == PLAN_TUNNEL) {
    path[0] = 'x'; /* an authority has no slash, but may have a port */
    strcat(path, ":1");
    fields[1] = header_of(TOKEN_AUTHORITY, span_text(path));
    return 2;
  }
  fields[1] = header_of(TOKEN_SCHEME, span_text("https"));
  fields[2] = header_of(TOKEN_AUTHORITY, span_text("sim"));
  fields[3] = header_of(TOKEN_PATH, span_text(path));
  return 4;
}

static void add_request_extras(struct field_store *store, const struct plan *plan, char *length,
                               size_t size, struct random *random) {
  if (plan->request_length)
    store->fields[store->count++] = decimal_field(length, size, plan->request_bytes);
  add_priority(store, random);
}

typedef struct stream *ask_fn(void *connection, const struct header *fields, size_t count,
                              struct body body, void *user);

static struct stream *ask_h2(void *connection, const struct header *fields, size_t count,
                             struct body body, void *user) {
  const struct party *party = user;
  const struct stream_events *events = party->plan.number % 2 ? &status_events : &client_events;
  return h2_request(connection, fields, count, body, events, user);
}

static struct stream *ask_h1(void *connection, const struct header *fields, size_t count,
                             struct body body, void *user) {
  return h1_request(connection, fields, count, body, &client_events, user);
}

static struct stream *ask_spdy(void *connection, const struct header *fields, size_t count,
                               struct body body, void *user) {
  return spdy_request(connection, fields, count, body, &client_events, user);
}

/* The party of the request; NULL when the engine refuses it, or `*fine`: that had to be. */
static struct party *make_request(struct party_side *side, ask_fn *ask, void *connection,
                                  uint64_t number, bool *fine) {
  struct party *party = party_new(side, number, true);
  const struct plan plan = party->plan;
  struct field_store store = {.count = 0};
  char path[64], length[16];
  store.count = request_pseudo(store.fields, &plan, path, sizeof path);
  plan_fields(&store, &plan, LIST_REQUEST);
  add_request_extras(&store, &plan, length, sizeof length, side->scene->random);
  bool none = plan.kind != PLAN_POST && plan.kind != PLAN_TUNNEL;
  struct body body = none ? BODY_NONE : body_open(party, plan.request_bytes);
  struct stream *stream = ask(connection, store.fields, store.count, body, party);
  if (!stream) {
    /* The body's close() may still come, when the engine frees the stream. */
    party->closed = true;
    free_if_over(party);
    *fine = plan.request_huge; /* more than the server allows */
    return NULL;
  }
  adopt(party, stream);
  return party;
}

static void send_trailers(struct party *party) {
  struct field_store trailers = {.count = 0};
  if (!party->plan.request_trailers) return;
  plan_fields(&trailers, &party->plan, LIST_REQUEST_TRAILERS);
  if (!stream_trailers(party->stream, trailers.fields, trailers.count))
    stream_reset(party->stream, H2_INTERNAL_ERROR);
}

bool party_request(struct party_side *side, struct h2 *h2, uint64_t number) {
  bool fine = true;
  struct party *party = make_request(side, ask_h2, h2, number, &fine);
  if (!party) return fine;
  if (random_one_in(side->scene->random, 6))
    h2_request_depend(party->stream, (struct h2_dependency){.weight = 1 + (number & 0xff)});
  send_trailers(party);
  return true;
}

bool party_request_h1(struct party_side *side, struct h1 *h1, uint64_t number) {
  bool fine = true;
  struct party *party = make_request(side, ask_h1, h1, number, &fine);
  if (party) send_trailers(party);
  return fine;
}

bool party_request_spdy(struct party_side *side, struct spdy *spdy, uint64_t number) {
  bool fine = true;
  struct party *party = make_request(side, ask_spdy, spdy, number, &fine);
  if (party) send_trailers(party);
  return fine;
}

/* ---- unprompted ------------------------------------------------------------------------- */

static void do_consume(struct party *party, struct random *random) {
  uint32_t bytes =
      party->side->generous ? party->unconsumed : random_size(random, party->unconsumed);
  party->unconsumed -= bytes;
  stream_consume(party->stream, bytes);
}

/* A receiver that caps what it takes for now; in the end it takes everything. */
static void do_cap(struct party *party, struct random *random) {
  bool lift = party->side->generous || random_one_in(random, 2);
  party->capped = !lift;
  party->side->scene->stats->caps++;
  stream_cap(party->stream, lift ? STREAM_UNCAPPED : random_size(random, 200000));
}

static void do_resume(struct party *party) {
  party->body.waiting = false;
  party->side->scene->stats->late_resumes++;
  stream_resume(party->stream);
}

void party_act(struct party *party) {
  struct random *random = party->side->scene->random;
  bool generous = party->side->generous;
  if (party->closed) return;
  if (!generous && random_one_in(random, 150)) {
    static const uint32_t codes[] = {H2_CANCEL, 0, H2_INTERNAL_ERROR, H2_REFUSED_STREAM};
    party->side->scene->stats->resets++;
    stream_reset(party->stream, codes[random_below(random, 4)]);
    return;
  }
  if (party->unconsumed) do_consume(party, random);
  if (generous ? party->capped : random_one_in(random, 20)) do_cap(party, random);
  if (party->body.waiting) {
    do_resume(party);
    return;
  }
  bool after_body = party->plan.answer == ANSWER_AFTER_BODY && !party->end;
  bool by_timer = party->plan.answer == ANSWER_BY_TIMER;
  if (!party->client && !party->answered && !after_body && !by_timer) do_respond(party);
}
