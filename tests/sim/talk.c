/*
 * talk.c - a WebSocket between the two sides of a simulated connection; see talk.h.
 */
#include "tests/sim/talk.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/decimal.h"
#include "engine/base/text.h"
#include "engine/ws/client.h"
#include "tests/sim/fail.h"

enum { MESSAGES_MAX = 12, BYTES_MAX = 60000 };

struct talk {
  struct talk *next, *prev;
  struct party_side *side;
  struct ws *ws; /* NULL once it is closed */
  bool client, held;
  uint64_t number;
  uint32_t count, sent, received; /* messages, in each direction */
};

const char *const talk_protocols[] = {"websocket", NULL};
const struct memory *talk_memory;

/* ---- the plan -------------------------------------------------------------------------------- */

struct message {
  enum ws_kind kind;
  uint32_t len;
  uint8_t bytes[BYTES_MAX];
};

/* The message `index` that a side sends. */
static const struct message *message_of(const struct talk *talk, bool of_client, uint32_t index) {
  static struct message message;
  struct random random = {talk->number * 64 + index * 2 + of_client};
  message.kind = random_one_in(&random, 2) ? WS_TEXT : WS_BINARY;
  message.len = random_one_in(&random, 8) ? 0 : random_size(&random, BYTES_MAX);
  uint8_t first = (uint8_t)random_next(&random);
  for (uint32_t i = 0; i < message.len; i++) /* letters that repeat: text, and worth compressing */
    message.bytes[i] = (uint8_t)('a' + (first + i * 7 + i / 300) % 26);
  return &message;
}

static uint32_t count_of(uint64_t number) {
  return 1 + (uint32_t)(random_mix(number) % MESSAGES_MAX);
}

/* ---- events ---------------------------------------------------------------------------------- */

/* How a talk may end: whole, cut by a fault, or with 1001 when either end drains. An end that drains hears no
 * more messages: the last ones, and the 1000 behind them, may have crossed its 1001. */
static void check_end(const struct talk *talk, unsigned code, struct span reason) {
  const struct party_side *side = talk->side;
  bool sent = talk->sent == talk->count, received = talk->received == talk->count;
  bool drains = side->drained || side->peer_drained;
  switch (code) {
  case WS_NORMAL: sim_check(sent && (received || side->drained), "a talk was cut"); break;
  case WS_GOING_AWAY: sim_check(drains, "1001 without a drain"); break;
  default:
    sim_check(code == WS_ABNORMAL || code == WS_INTERNAL_ERROR, "a rule was broken: %u %.*s", code,
              (int)reason.len, (const char *)reason.base);
  }
}

/* Sends the next messages, as long as they are taken. */
static void send_some(struct talk *talk, uint32_t most) {
  while (talk->sent < talk->count && most-- > 0) {
    const struct message *message = message_of(talk, talk->client, talk->sent);
    if (!ws_send(talk->ws, message->kind, span_of(message->bytes, message->len))) return;
    talk->sent++;
  }
}

static void close_if_done(struct talk *talk) {
  bool done = talk->sent == talk->count && talk->received == talk->count;
  if (talk->client && done) ws_close(talk->ws, WS_NORMAL, span_text("done"));
}

static void on_open(struct ws *ws) {
  send_some(ws_user(ws), 2);
}

static void on_message(struct ws *ws, enum ws_kind kind, struct span bytes, bool end) {
  struct talk *talk = ws_user(ws);
  sim_check(end && talk->received < talk->count, "a message too many");
  sim_check(!talk->side->drained, "a message after the drain");
  const struct message *wanted = message_of(talk, !talk->client, talk->received);
  sim_check(kind == wanted->kind && bytes.len == wanted->len, "another kind or length: %zu, not %u",
            bytes.len, wanted->len);
  sim_check(span_equal(bytes, span_of(wanted->bytes, wanted->len)), "a message changed");
  talk->received++;
  talk->side->scene->stats->messages++;
  if (!talk->side->generous && random_one_in(talk->side->scene->random, 10)) {
    talk->held = true;
    ws_hold(ws);
  }
  send_some(talk, random_below(talk->side->scene->random, 3));
  close_if_done(talk);
}

static void on_writable(struct ws *ws) {
  struct talk *talk = ws_user(ws);
  talk->side->scene->stats->backed_up++;
  send_some(talk, 1);
  close_if_done(talk);
}

static void on_closed(struct ws *ws, unsigned code, struct span reason) {
  struct talk *talk = ws_user(ws);
  sim_note("talk %llu ends with %u", (unsigned long long)talk->number, code);
  check_end(talk, code, reason);
  talk->side->scene->stats->talks += code == WS_NORMAL && talk->client;
  talk->side->scene->stats->going_away += code == WS_GOING_AWAY && talk->client;
  *(talk->prev ? &talk->prev->next : &talk->side->talks) = talk->next;
  if (talk->next) talk->next->prev = talk->prev;
  talk->side->talk_count--;
  free(talk);
}

static const struct ws_events events = {
    .open = on_open, .message = on_message, .writable = on_writable, .closed = on_closed};

/* ---- opening --------------------------------------------------------------------------------- */

static uint32_t random_bits(void *ctx) {
  static struct random random; /* masks change no outcome */
  (void)ctx;
  return (uint32_t)random_next(&random);
}

/* Kept for all ends: every combination of permessage-deflate. */
static const struct ws_settings *settings_of(bool client, uint64_t number) {
  static struct ws_settings all[2][4];
  struct ws_settings *settings = &all[client][number % 4];
  *settings = (struct ws_settings){.memory = talk_memory,
                                   .events = &events,
                                   .send_bytes_max = 5000,
                                   .frame_bytes_max = 3000,
                                   .deflate = number & 1,
                                   .deflate_takeover = number & 2,
                                   .random = random_bits};
  return settings;
}

static struct talk *talk_new(struct party_side *side, uint64_t number, bool client) {
  struct talk *talk = calloc(1, sizeof *talk);
  sim_check(talk, "out of memory");
  *talk =
      (struct talk){.side = side, .client = client, .number = number, .count = count_of(number)};
  return talk;
}

static void talk_begin(struct talk *talk, struct ws *ws) {
  talk->ws = ws;
  talk->next = talk->side->talks;
  if (talk->next) talk->next->prev = talk;
  talk->side->talks = talk;
  talk->side->talk_count++;
}

bool talk_is_possible(const struct h2 *h2) {
  return h2->theirs.enable_connect_protocol;
}

bool talk_request(struct party_side *side, struct h2 *h2, uint64_t number) {
  struct ws_client client;
  struct header fields[5 + WS_CLIENT_FIELDS] = {header_of(TOKEN_METHOD, span_text("CONNECT")),
                                                header_of(TOKEN_SCHEME, span_text("https")),
                                                header_of(TOKEN_AUTHORITY, span_text("a")),
                                                header_of(TOKEN_PROTOCOL, span_text("websocket"))};
  char path[32];
  snprintf(path, sizeof path, "/%llu", (unsigned long long)number);
  fields[4] = header_of(TOKEN_PATH, span_text(path));
  struct talk *talk = talk_new(side, number, true);
  if (!ws_client(&client, settings_of(true, number), false, talk)) {
    free(talk);
    return false;
  }
  for (size_t i = 0; i < client.field_count; i++)
    fields[5 + i] = client.fields[i];
  struct stream *stream =
      h2_request(h2, fields, 5 + client.field_count, client.body, client.events, client.ws);
  ws_client_sent(&client, stream);
  if (stream)
    talk_begin(talk, client.ws);
  else
    free(talk);
  return stream != NULL;
}

void talk_serve(struct party_side *side, struct stream *stream, const struct request *request) {
  uint64_t number = 0;
  bool numbered = decimal_get(span_skip(request->path, 1), &number);
  sim_check(numbered, "a request for a talk without a number");
  struct talk *talk = talk_new(side, number, false);
  struct ws *ws = ws_accept(stream, request, settings_of(false, number), talk);
  if (!ws) {
    free(talk);
    return;
  }
  talk_begin(talk, ws);
  send_some(talk, 1);
}

/* ---- unprompted ------------------------------------------------------------------------------ */

void talk_act(struct talk *talk) {
  struct random *random = talk->side->scene->random;
  bool generous = talk->side->generous;
  if (!generous && random_one_in(random, 300)) {
    talk->side->scene->stats->resets++;
    stream_reset(ws_stream(talk->ws), H2_CANCEL);
    return;
  }
  if (!generous && random_one_in(random, 20)) ws_ping(talk->ws, span_text("are you there?"));
  send_some(talk, 1);
  close_if_done(talk);
  if (!talk->held || !(generous || random_one_in(random, 3))) return;
  talk->held = false;
  ws_release(talk->ws); /* the talk may be gone after this */
}

void talk_act_all(struct party_side *side) {
  for (struct talk *talk = side->talks, *next; talk; talk = next) {
    next = talk->next;
    talk_act(talk);
  }
}

bool talk_has(const struct party_side *side, const struct stream *stream) {
  for (const struct talk *talk = side->talks; talk; talk = talk->next)
    if (ws_stream(talk->ws) == stream) return true;
  return false;
}

struct talk *talk_at(struct party_side *side, uint32_t index) {
  if (side->talk_count == 0) return NULL;
  struct talk *talk = side->talks;
  for (index %= side->talk_count; index > 0; index--)
    talk = talk->next;
  return talk;
}
