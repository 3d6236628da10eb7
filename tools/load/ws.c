/*
 * load/ws.c - see load/ws.h.
 */
#include "tools/load/ws.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/h2/h2.h"
#include "engine/ws/client.h"
#include "tools/common/process.h"
#include "tools/load/random.h"

static struct load_requests *counts_of(const struct load_ws *ws) {
  return &ws->kit->books->stats.requests;
}

static struct load_request *first(const struct load_ws *ws) {
  if (list_is_empty(&ws->sent)) return NULL;
  return LIST_OWNER(ws->sent.next, struct load_request, node);
}

/* ---- messages -------------------------------------------------------------------------------- */

/* Message `number`, in the memory that all of them use: its number in hexadecimal digits, cut to its
 * size, and text that is always the same. */
static struct span write_message(const struct load_ws_kit *kit, uint64_t number, size_t bytes) {
  size_t digits = bytes < LOAD_MESSAGE_NUMBER_BYTES ? bytes : LOAD_MESSAGE_NUMBER_BYTES;
  for (size_t i = 0; i < digits; i++)
    kit->message[i] = (uint8_t) "0123456789abcdef"[number >> 4 * i & 15];
  return span_of(kit->message, bytes);
}

static size_t choose_size(struct load_ws_kit *kit) {
  const struct load_options *options = kit->books->plan->options;
  uint64_t sizes = options->message_bytes_max - options->message_bytes_min + UINT64_C(1);
  if (sizes == 1) return options->message_bytes_max;
  return options->message_bytes_min + load_random_next(&kit->random) % sizes;
}

static enum ws_kind kind_of(const struct load_ws *ws) {
  return ws->kit->books->plan->options->message_text ? WS_TEXT : WS_BINARY;
}

static bool is_echo(const struct load_ws *ws, const struct load_request *request, enum ws_kind kind,
                    struct span bytes) {
  struct span sent = write_message(ws->kit, request->ordinal, request->uploaded);
  return kind == kind_of(ws) && bytes.len == sent.len &&
         (sent.len == 0 || memcmp(bytes.base, sent.base, sent.len) == 0);
}

/* What comes while nothing is awaited is no echo, but may be a greeting. */
static void on_message(struct ws *end, enum ws_kind kind, struct span bytes, bool whole) {
  struct load_ws *ws = ws_user(end);
  struct load_request *request = first(ws);
  (void)whole; /* messages come whole */
  if (ws->kit->books->over) return;
  counts_of(ws)->data_bytes += bytes.len;
  if (!request) return;
  if (is_echo(ws, request, kind, bytes))
    load_request_echoed(request);
  else
    load_request_fail(request, LOAD_MISMATCH, 0);
  ws->slots->look = true;
  load_books_check(ws->kit->books);
}

static void on_writable(struct ws *end) {
  struct load_ws *ws = ws_user(end);
  ws->slots->look = true;
}

bool load_ws_has_room(const struct load_ws *ws) {
  return ws->state == LOAD_WS_OPEN && ws_may_send(ws->ws);
}

bool load_ws_send(struct load_ws *ws, uint64_t due_ns) {
  struct load_request *request = load_request_take(ws->slots, due_ns);
  request->ordinal = ws->number++;
  request->uploaded = choose_size(ws->kit);
  struct span message = write_message(ws->kit, request->ordinal, request->uploaded);
  list_append(&ws->sent, &request->node);
  if (!ws_send(ws->ws, kind_of(ws), message)) {
    load_request_fail(request, LOAD_UNMADE, 0);
    return false;
  }
  counts_of(ws)->upload_bytes += message.len;
  return true;
}

/* ---- its life -------------------------------------------------------------------------------- */

static void on_open(struct ws *end) {
  struct load_ws *ws = ws_user(end);
  ws->state = LOAD_WS_OPEN;
}

static void on_refused(struct ws *end, unsigned status, const struct headers *fields) {
  struct load_ws *ws = ws_user(end);
  (void)fields;
  ws->events->refused(ws, status);
}

static void on_drain(struct ws *end) {
  ws_close(end, WS_NORMAL, span_of(NULL, 0));
}

/* A message that has not come back. */
static void fail_one(const struct load_ws *ws, struct load_request *request,
                     const struct load_ws_end *end) {
  const struct load_slots *slots = ws->slots;
  if (end->code == WS_ABNORMAL && ws->timed_out)
    load_request_fail(request, LOAD_LOST, 0);
  else if (end->code == WS_ABNORMAL && !client_http_is_up(&slots->http))
    load_request_fail(request, slots->end_error, slots->end_code);
  else if (end->code == WS_ABNORMAL && end->reset)
    load_request_fail(request, LOAD_RESET, client_http_reset_code(&slots->http));
  else
    load_request_fail(request, LOAD_UNECHOED, end->code);
}

static void on_closed(struct ws *closed, unsigned code, struct span reason) {
  struct load_ws *ws = ws_user(closed);
  struct load_books *books = ws->kit->books;
  const struct client_http *http = &ws->slots->http;
  const struct load_ws_end end = {.was_open = ws->state == LOAD_WS_OPEN,
                                  .reset = client_http_is_up(http) &&
                                           client_http_was_reset(http, ws->stream),
                                  .code = code,
                                  .reason = reason};
  struct load_request *request;
  ws->state = LOAD_WS_GONE;
  ws->ws = NULL;
  while (!books->over && (request = first(ws)))
    fail_one(ws, request, &end);
  ws->events->ended(ws, &end);
  if (!books->over) load_books_check(books);
}

void load_ws_expire(struct load_ws *ws, struct load_request *request) {
  ws->timed_out = true;
  load_request_fail(request, LOAD_TIMEOUT, 0);
  if (ws->state == LOAD_WS_OPEN) stream_reset(ws->stream, H2_CANCEL);
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* The target's fields as a request for a WebSocket; see engine/ws/client.h. Returns their number. */
static size_t write_fields(const struct load_target *target, const struct ws_client *client,
                           struct header *out) {
  size_t count = 0;
  out[count++] = header_of(TOKEN_METHOD, span_text("CONNECT"));
  out[count++] = header_of(TOKEN_PROTOCOL, span_text("websocket"));
  for (size_t i = 0; i < target->field_count; i++)
    if (header_token_by_name(&target->fields[i]) != TOKEN_METHOD) out[count++] = target->fields[i];
  for (size_t i = 0; i < client->field_count; i++)
    out[count++] = client->fields[i];
  return count;
}

static bool ask_for(struct load_ws *ws, const struct load_target *target) {
  struct load_slots *slots = ws->slots;
  struct ws_client client;
  struct header fields[LOAD_WS_FIELDS_MAX];
  assert(target->field_count + 1 + WS_CLIENT_FIELDS <= LOAD_WS_FIELDS_MAX);
  if (!ws_client(&client, &ws->kit->settings, slots->http.http1, ws)) return false;
  size_t count = write_fields(target, &client, fields);
  ws->stream =
      client_http_request(&slots->http, fields, count, client.body, client.events, client.ws);
  ws_client_sent(&client, ws->stream);
  ws->ws = ws->stream ? client.ws : NULL;
  return ws->stream;
}

bool load_ws_ask(struct load_ws *ws) {
  struct load_source *source = &ws->kit->books->source;
  const struct load_target *target = load_source_next(source, &ws->slots->turn);
  assert(ws->state == LOAD_WS_NONE);
  ws->state = LOAD_WS_ASKED;
  bool asked = target && ask_for(ws, target);
  load_source_release(source, target);
  return asked;
}

/* ---- begin and end --------------------------------------------------------------------------- */

/* Masks protect servers and proxies from what others send through us (RFC 6455 section 10.3). All that we
 * send is our own, so any numbers do. */
static uint32_t random_bits(void *ctx) {
  return (uint32_t)load_random_next(ctx);
}

bool load_ws_kit_init(struct load_ws_kit *kit, struct load_books *books) {
  static const struct ws_events events = {.open = on_open,
                                          .refused = on_refused,
                                          .message = on_message,
                                          .writable = on_writable,
                                          .drain = on_drain,
                                          .closed = on_closed};
  const struct load_options *options = books->plan->options;
  const char *subprotocol = options->subprotocol;
  size_t bytes = options->message_bytes_max;
  *kit = (struct load_ws_kit){.books = books,
                              .random = books->plan->seed + books->io->index,
                              .protocols = {subprotocol},
                              .message = malloc(bytes + 1)};
  kit->settings = (struct ws_settings){.memory = &process_memory,
                                       .events = &events,
                                       .message_bytes_max = LOAD_MESSAGE_BYTES_MAX,
                                       .protocols = subprotocol ? kit->protocols : NULL,
                                       .duplex = true,
                                       .random = random_bits,
                                       .random_ctx = &kit->random};
  for (size_t i = 0; kit->message && i < bytes; i++)
    kit->message[i] = (uint8_t)('a' + i % 26);
  return kit->message;
}

void load_ws_kit_free(struct load_ws_kit *kit) {
  free(kit->message);
  kit->message = NULL;
}

void load_ws_reset(struct load_ws *ws) {
  ws->state = LOAD_WS_NONE;
  ws->ws = NULL;
  ws->stream = NULL;
  ws->timed_out = false;
  ws->number = 0;
}

void load_ws_init(struct load_ws *ws, struct load_ws_kit *kit, struct load_slots *slots,
                  const struct load_ws_events *events) {
  *ws = (struct load_ws){.kit = kit, .slots = slots, .events = events};
  list_init(&ws->sent);
}
