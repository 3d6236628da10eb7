/*
 * party.c - handlers of both roles that follow a plan and check the other's; see party.h.
 */
#include "party.h"

#include "fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct party_side *party_accepting;

/* ---- plans -------------------------------------------------------------------------------------
 */

/* Bits 60 and up say what the number is for, so that a number alone makes a plan. */
#define NUMBER_PUSHED (1ull << 60)

static uint32_t body_bytes_of(struct sim_random *random) {
  uint32_t size = sim_below(random, 16);
  if (size < 3) return 0;
  if (size < 14) return sim_size(random, 6000);
  return sim_size(random, size == 14 ? 40000 : 150000);
}

static void plan_kind(struct plan *plan, struct sim_random *random) {
  static const enum plan_kind kinds[] = {PLAN_GET,  PLAN_GET,  PLAN_GET,  PLAN_GET,  PLAN_GET,
                                         PLAN_HEAD, PLAN_POST, PLAN_POST, PLAN_POST, PLAN_TUNNEL};
  plan->kind = kinds[sim_below(random, sizeof kinds / sizeof *kinds)];
  if (plan->number & NUMBER_PUSHED) plan->kind = PLAN_PUSHED;
  if (plan->kind == PLAN_POST || plan->kind == PLAN_TUNNEL)
    plan->request_bytes = body_bytes_of(random);
}

static void plan_status(struct plan *plan, struct sim_random *random) {
  static const uint16_t statuses[] = {200, 200, 200, 200, 404, 500, 204, 304, 206};
  plan->status = statuses[sim_below(random, sizeof statuses / sizeof *statuses)];
  if (plan->kind == PLAN_TUNNEL) plan->status = 200;
  plan->response_bytes = body_bytes_of(random);
}

struct plan plan_of(uint64_t number) {
  struct sim_random random = {sim_mix(number ^ 0x7e1a)};
  struct plan plan = {.number = number};
  plan_kind(&plan, &random);
  plan_status(&plan, &random);
  plan.answer = (enum plan_answer)sim_below(&random, 4);
  bool body = plan.kind == PLAN_POST || plan.kind == PLAN_TUNNEL;
  if (plan.answer == ANSWER_AFTER_BODY && !body) plan.answer = ANSWER_AT_ONCE;
  if (plan.kind == PLAN_TUNNEL && plan.answer == ANSWER_AFTER_BODY) plan.answer = ANSWER_LATER;
  plan.informs = sim_one_in(&random, 8) ? (uint8_t)(1 + sim_below(&random, 3)) : 0;
  plan.pushes = plan.kind == PLAN_GET && sim_one_in(&random, 6) ? 1 + sim_below(&random, 3) % 3 : 0;
  plan.request_length = plan.kind == PLAN_POST && sim_one_in(&random, 2);
  plan.response_length = plan.kind != PLAN_TUNNEL && sim_one_in(&random, 2);
  plan.request_trailers = plan.kind == PLAN_POST && sim_one_in(&random, 6);
  plan.response_trailers = plan.kind != PLAN_TUNNEL && sim_one_in(&random, 6);
  plan.request_huge = !(number & NUMBER_PUSHED) && sim_one_in(&random, 60);
  plan.response_huge = sim_one_in(&random, 60);
  plan.body_fails = plan.kind != PLAN_TUNNEL && sim_one_in(&random, 50);
  return plan;
}

static bool is_bodiless(const struct plan *plan) {
  return plan->kind == PLAN_HEAD || plan->status == 204 || plan->status == 304;
}

/* ---- fields ------------------------------------------------------------------------------------
 */

/* Which list of fields of an exchange. */
enum list {
  LIST_REQUEST,
  LIST_RESPONSE,
  LIST_REQUEST_TRAILERS,
  LIST_RESPONSE_TRAILERS,
  LIST_INFORM
};

struct field_store {
  char text[PLAN_FIELDS_MAX][160];
  char name[PLAN_FIELDS_MAX][16];
  struct header fields[PLAN_FIELDS_MAX + 6];
  size_t count;
};

static uint8_t *huge_text(void) {
  static uint8_t text[PLAN_HUGE_BYTES];
  if (!text[0]) memset(text, '#', sizeof text); /* costs Huffman 12 bits: it is sent as it is */
  return text;
}

static void store_add(struct field_store *store, struct span name, struct span value) {
  store->fields[store->count++] =
      (struct header){.name = name, .value = value, .token = (uint16_t)header_token_of(name)};
}

/* Names from a stock of twelve, values from a stock of about forty for each name: enough to fill a
 * table of 4096 bytes and to come back before and after eviction. */
static void add_stock_field(struct field_store *store, struct sim_random *random, size_t i) {
  static const char *const known[] = {"accept", "etag", "user-agent", "vary", "x-request-id"};
  uint32_t which = sim_below(random, 12);
  if (which < 5)
    snprintf(store->name[i], sizeof store->name[i], "%s", known[which]);
  else
    snprintf(store->name[i], sizeof store->name[i], "x-stock-%u", which);
  uint32_t value = sim_below(random, 40);
  uint32_t len = value < 20 ? value : value * 3;
  for (uint32_t at = 0; at < len; at++)
    store->text[i][at] = (char)('!' + (value * 7 + at * 3 + which) % 90);
  store_add(store, span_text(store->name[i]), span_of(store->text[i], len));
}

static void make_fields(struct field_store *store, const struct plan *plan, enum list list) {
  struct sim_random random = {sim_mix(plan->number * 8 + list)};
  uint32_t count = sim_below(&random, list <= LIST_RESPONSE ? PLAN_FIELDS_MAX - 1 : 3);
  bool huge = (list == LIST_REQUEST && plan->request_huge) ||
              (list == LIST_RESPONSE && plan->response_huge);
  if (huge) store_add(store, span_text("x-huge"), span_of(huge_text(), PLAN_HUGE_BYTES));
  for (uint32_t i = 0; i < count; i++)
    add_stock_field(store, &random, i);
  if (list >= LIST_REQUEST_TRAILERS && count == 0)
    store_add(store, span_text("x-last"), span_text("1"));
}

/* Fields that the plan does not speak of. */
static bool is_of_engine(const struct header *field) {
  return (field->name.len && field->name.base[0] == ':') || field->token == TOKEN_DATE ||
         field->token == TOKEN_SERVER || field->token == TOKEN_CONTENT_LENGTH ||
         field->token == TOKEN_PRIORITY;
}

static void check_fields(const struct headers *got, const struct plan *plan, enum list list) {
  struct field_store store = {.count = 0};
  make_fields(&store, plan, list);
  size_t at = 0;
  for (uint32_t i = 0; i < got->count; i++) {
    const struct header *field = &got->at[i];
    if (is_of_engine(field)) continue;
    sim_check(at < store.count, "a field too many: %.*s", (int)field->name.len, field->name.base);
    const struct header *meant = &store.fields[at++];
    sim_check(span_equal(field->name, meant->name), "field %.*s, expected %.*s",
              (int)field->name.len, field->name.base, (int)meant->name.len, meant->name.base);
    sim_check(span_equal(field->value, meant->value), "field %.*s has the wrong value",
              (int)field->name.len, field->name.base);
    sim_check(field->token == meant->token, "field %.*s has the wrong token", (int)field->name.len,
              field->name.base);
  }
  sim_check(at == store.count, "%zu fields are missing", store.count - at);
}

/* ---- bodies ------------------------------------------------------------------------------------
 */

enum { PATTERN_BYTES = 1 << 16 };

static const uint8_t *pattern(void) {
  static uint8_t bytes[2 * PATTERN_BYTES];
  if (bytes[1] == 0)
    for (uint32_t i = 0; i < sizeof bytes; i++)
      bytes[i] = (uint8_t)(sim_mix(i % PATTERN_BYTES) | 1);
  return bytes;
}

/* The pattern from byte `offset` on is one stretch for PATTERN_BYTES at least. */
static const uint8_t *pattern_at(const struct plan *plan, bool response, uint32_t offset) {
  uint32_t start = (uint32_t)sim_mix(plan->number * 2 + response);
  return pattern() + (start + offset) % PATTERN_BYTES;
}

static void pattern_copy(uint8_t *to, const struct plan *plan, bool response, uint32_t offset,
                         uint32_t len) {
  for (uint32_t at = 0; at < len;) {
    uint32_t piece = len - at < PATTERN_BYTES ? len - at : PATTERN_BYTES;
    memcpy(to + at, pattern_at(plan, response, offset + at), piece);
    at += piece;
  }
}

static void pattern_check(struct span got, const struct plan *plan, bool response,
                          uint32_t offset) {
  for (uint32_t at = 0; at < got.len;) {
    size_t left = got.len - at;
    uint32_t piece = left < PATTERN_BYTES ? (uint32_t)left : PATTERN_BYTES;
    sim_check(memcmp(got.base + at, pattern_at(plan, response, offset + at), piece) == 0,
              "wrong bytes in a body at %u", offset + at);
    at += piece;
  }
}

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
    pattern_copy(chunk->room, &party->plan, !party->client, body->sent, take);
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
  struct sim_random *random = party->side->scene->random;
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
  if (!party->side->generous && sim_one_in(random, 12)) return body_wait(party);
  uint32_t left = body->bytes - body->sent;
  uint32_t most = left < chunk->max ? left : (uint32_t)chunk->max;
  uint32_t take = most && sim_one_in(random, 3) ? sim_size(random, most) : most;
  body_fill(party, chunk, take);
  if (body_is_over(party) && (take == 0 || sim_one_in(random, 2))) return body_end(party);
  if (!party->side->generous && sim_one_in(random, 12)) return body_wait(party);
  return BODY_MORE;
}

static const struct body_ops body_ops = {.pull = body_pull, .close = body_close};

static struct body body_open(struct party *party, uint32_t bytes) {
  party->body = (struct party_body){.bytes = bytes, .open = true};
  if (sim_one_in(party->side->scene->random, 2)) {
    party->body.lent = malloc(bytes + 1);
    sim_check(party->body.lent, "out of memory");
    pattern_copy(party->body.lent, &party->plan, !party->client, 0, bytes);
  }
  return (struct body){.ops = &body_ops, .self = party};
}

/* ---- both roles --------------------------------------------------------------------------------
 */

static struct party *party_new(struct party_side *side, uint64_t number, bool client) {
  struct party *party = calloc(1, sizeof *party);
  sim_check(party, "out of memory");
  party->side = side;
  party->plan = plan_of(number);
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
  struct sim_random *random = party->side->scene->random;
  stream->consume_later = sim_one_in(random, 3);
  if (sim_one_in(random, 8)) stream->flow = (enum stream_flow)(FLOW_ECHO + sim_below(random, 4));
}

static void check_trailers_planned(const struct party *party) {
  const struct plan *plan = &party->plan;
  sim_check(party->client ? plan->response_trailers : plan->request_trailers,
            "trailers that nobody planned");
}

/* How many bytes the peer's whole message has. */
static uint32_t bytes_expected(const struct party *party) {
  const struct plan *plan = &party->plan;
  if (!party->client) return plan->request_bytes;
  if (party->status == 431 || is_bodiless(plan)) return 0;
  return plan->response_bytes;
}

static void message_ended(struct party *party) {
  sim_check(!party->end, "a message ends twice");
  party->end = true;
  if (party->client && party->status == 431) return;
  sim_check(party->received == bytes_expected(party), "a body of %u bytes ended after %u",
            bytes_expected(party), party->received);
  bool trailers = party->client ? party->plan.response_trailers && !is_bodiless(&party->plan)
                                : party->plan.request_trailers;
  sim_check(trailers == party->trailers_seen, "trailers are missing");
}

/* A handler that has had enough of what it just heard; the party may be gone afterwards. */
static void perhaps_reset(struct party *party) {
  struct party_side *side = party->side;
  if (party->closed || side->generous || !sim_one_in(side->scene->random, 400)) return;
  side->scene->stats->resets++;
  stream_reset(party->stream, H2_CANCEL);
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct party *party = stream->user;
  sim_check(!party->closed && !party->end, "data after the end");
  sim_check(!party->client || party->response_seen, "data before the response");
  if (bytes.len) pattern_check(bytes, &party->plan, party->client, party->received);
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
  check_fields(fields, &party->plan,
               party->client ? LIST_RESPONSE_TRAILERS : LIST_REQUEST_TRAILERS);
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

/* After a complete exchange nothing may be missing on either side; a server may cut off a request
 * that it has answered (RFC 9113 section 8.1). */
static void check_completed(const struct party *party) {
  if (party->client) {
    sim_check(party->end, "exchange %llx completed without its response",
              (unsigned long long)party->plan.number);
    return;
  }
  sim_check(party->answered || party->status == 431, "completed without an answer");
  sim_check(is_bodiless(&party->plan) || own_message_complete(party),
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
  uint64_t number = ++*party->side->scene->next_number | NUMBER_PUSHED;
  snprintf(path, sizeof path, "/%llx", (unsigned long long)number);
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("sim")), header_of(TOKEN_PATH, span_text(path))};
  (void)stream_push(party->stream, fields, 4);
}

/* Everything a server says before its final response. Any of it may end the stream. */
static void do_preliminaries(struct party *party) {
  struct plan plan = party->plan;
  struct party_side *side = party->side;
  for (uint32_t i = 0; i < plan.informs; i++) {
    struct field_store store = {.count = 0};
    make_fields(&store, &plan, LIST_INFORM);
    (void)stream_inform(party->stream, 103, store.fields, store.count);
  }
  struct party_side *before = party_accepting;
  party_accepting = side;
  for (uint32_t i = 0; i < plan.pushes; i++)
    do_push(party);
  party_accepting = before;
}

static void do_respond(struct party *party) {
  struct plan plan = party->plan;
  struct field_store store = {.count = 0};
  char length[16];
  party->answered = true;
  do_preliminaries(party);
  make_fields(&store, &plan, LIST_RESPONSE);
  if (plan.response_length && plan.status != 204)
    store.fields[store.count++] = decimal_field(length, sizeof length, plan.response_bytes);
  bool none = plan.response_bytes == 0 && !plan.response_trailers && plan.kind != PLAN_TUNNEL &&
              sim_one_in(party->side->scene->random, 2);
  struct body body = none ? BODY_NONE : body_open(party, plan.response_bytes);
  struct stream *stream = party->stream;
  if (!stream_respond(stream, plan.status, store.fields, store.count, body)) return;
  if (!plan.response_trailers || is_bodiless(&plan)) return;
  struct field_store trailers = {.count = 0};
  make_fields(&trailers, &plan, LIST_RESPONSE_TRAILERS);
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
  if (plan->kind != PLAN_PUSHED) check_fields(request->fields, plan, LIST_REQUEST);
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
  check_request(party, request);
  party->end = request->end;
  if (party->plan.kind == PLAN_PUSHED) side->scene->stats->pushed++;
  uint64_t delay = 1 + sim_below(side->scene->random, 20000000);
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

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  struct party *party = stream->user;
  const struct plan *plan = &party->plan;
  if (status < 200) {
    sim_check(!party->response_seen && !end, "informational response too late");
    sim_check(++party->informs_seen <= plan->informs, "too many informational responses");
    check_fields(fields, plan, LIST_INFORM);
    party->side->scene->stats->informs++;
    return;
  }
  sim_check(!party->response_seen, "two responses");
  party->response_seen = true;
  party->status = status;
  if (status == 431 && plan->request_huge) {
    party->side->scene->stats->too_large++;
  } else {
    sim_check(status == plan->status, "status %u, expected %u", status, plan->status);
    check_fields(fields, plan, LIST_RESPONSE);
  }
  if (end) message_ended(party);
  perhaps_reset(party);
}

static const struct stream_events client_events;

static void on_promise(struct stream *stream, struct stream *promised,
                       const struct request *request) {
  const struct party *parent = stream->user;
  struct party_scene *scene = parent->side->scene;
  if (sim_one_in(scene->random, 5)) {
    scene->stats->pushes_refused++;
    if (sim_one_in(scene->random, 2)) stream_reset(promised, H2_CANCEL);
    return; /* without events the engine refuses it */
  }
  struct party *party = party_new(parent->side, number_of(request->path), true);
  sim_check(party->plan.kind == PLAN_PUSHED, "a promise of something else");
  adopt(party, promised);
  promised->user = party;
  promised->events = &client_events;
}

static const struct stream_events client_events = {.response = on_response,
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
    path[0] = 'x'; /* an authority has no slash, but a port */
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
                               size_t size, struct sim_random *random) {
  static const char *const priorities[] = {"u=0", "u=1, i", "u=5", "i", "u=7, i=?0"};
  if (plan->request_length)
    store->fields[store->count++] = decimal_field(length, size, plan->request_bytes);
  if (sim_one_in(random, 3))
    store->fields[store->count++] =
        header_of(TOKEN_PRIORITY, span_text(priorities[sim_below(random, 5)]));
}

bool party_request(struct party_side *side, struct h2 *h2, uint64_t number) {
  struct party *party = party_new(side, number, true);
  const struct plan plan = party->plan;
  struct field_store store = {.count = 0};
  char path[64], length[16];
  store.count = request_pseudo(store.fields, &plan, path, sizeof path);
  make_fields(&store, &plan, LIST_REQUEST);
  add_request_extras(&store, &plan, length, sizeof length, side->scene->random);
  bool none = plan.kind != PLAN_POST && plan.kind != PLAN_TUNNEL;
  struct body body = none ? BODY_NONE : body_open(party, plan.request_bytes);
  struct stream *stream = h2_request(h2, store.fields, store.count, body, &client_events, party);
  if (!stream) {
    /* The body's close() may still come, when the engine buries the stream. */
    party->closed = true;
    free_if_over(party);
    return plan.request_huge; /* more than the server said it takes */
  }
  adopt(party, stream);
  if (!plan.request_trailers) return true;
  struct field_store trailers = {.count = 0};
  make_fields(&trailers, &plan, LIST_REQUEST_TRAILERS);
  if (!stream_trailers(stream, trailers.fields, trailers.count))
    stream_reset(stream, H2_INTERNAL_ERROR);
  return true;
}

/* ---- of their own accord
 * ------------------------------------------------------------------------- */

static void do_consume(struct party *party, struct sim_random *random) {
  uint32_t bytes = party->side->generous ? party->unconsumed : sim_size(random, party->unconsumed);
  party->unconsumed -= bytes;
  stream_consume(party->stream, bytes);
}

static void do_resume(struct party *party) {
  party->body.waiting = false;
  party->side->scene->stats->late_resumes++;
  stream_resume(party->stream);
}

void party_act(struct party *party) {
  struct sim_random *random = party->side->scene->random;
  bool generous = party->side->generous;
  if (party->closed) return;
  if (!generous && sim_one_in(random, 150)) {
    static const uint32_t codes[] = {H2_CANCEL, 0, H2_INTERNAL_ERROR, H2_REFUSED_STREAM};
    party->side->scene->stats->resets++;
    stream_reset(party->stream, codes[sim_below(random, 4)]);
    return;
  }
  if (party->unconsumed) do_consume(party, random);
  if (party->body.waiting) {
    do_resume(party);
    return;
  }
  bool after_body = party->plan.answer == ANSWER_AFTER_BODY && !party->end;
  bool by_timer = party->plan.answer == ANSWER_BY_TIMER;
  if (!party->client && !party->answered && !after_body && !by_timer) do_respond(party);
}
