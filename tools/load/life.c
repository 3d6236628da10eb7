/*
 * load/life.c - see load/life.h.
 *
 * The outermost machine reads the clock when bytes arrive, and counts them. After each call it
 * starts as many requests as there is room for.
 */
#include "tools/load/life.h"

#include <assert.h>
#include <stdio.h>

#include "engine/h2/frame.h"
#include "io/base/clock.h"
#include "tools/client/h2.h"

static struct load_connection *owner_of(struct client_connection *client) {
  return LIST_OWNER(client, struct load_connection, client);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void on_blamed(struct client_connection *client, const char *reason) {
  const struct load_connection *connection = owner_of(client);
  struct load_books *books = connection->books;
  bool graceful = connection->graceful && connection->state >= LOAD_OPEN; /* else it has failed */
  if (!books->leaving) load_stats_reason(&books->stats, reason, graceful, 1);
}

/* Counts it as ended, or as failed if it never was open. Not if we ended it. */
static void count_end(const struct load_connection *connection) {
  struct load_books *books = connection->books;
  if (books->leaving || connection->retired) return;
  if (connection->state <= LOAD_GREETING)
    books->stats.connections_failed++;
  else
    books->stats.connections_ended++;
}

/* Requests that a graceful end leaves unprocessed are asked again. HTTP/2 announces it by GOAWAY, so
 * that a FIN alone is one only while nothing is under way. */
static bool is_graceful(const struct load_connection *connection) {
  const struct load_slots *slots = &connection->slots;
  if (slots->http.end.reason == CLIENT_END_GOAWAY) return true;
  return slots->http.end.reason == CLIENT_END_EOF && (slots->http.http1 || slots->in_use == 0);
}

/* HTTP/1.1 cannot take back a single request. A WebSocket says itself how it ended. */
static bool on_reports(void *ctx, bool peaceful) {
  struct load_connection *connection = ctx;
  connection->graceful = peaceful && is_graceful(connection);
  if (connection->retired || (peaceful && connection->ws.state == LOAD_WS_OPEN)) return false;
  if (!connection->slots.cancelled) return true;
  client_blame(&connection->client, "ended by weir load: a request had timed out");
  return false;
}

/* The remaining streams end after this. */
static void on_ended(void *ctx) {
  struct load_connection *connection = ctx;
  bool broken = connection->slots.http.end.reason == CLIENT_END_BROKEN;
  if (broken && !connection->was_open) connection->hopeless = true;
  count_end(connection);
  load_slots_end(&connection->slots);
  if (connection->state != LOAD_ENDED) load_connection_set_state(connection, LOAD_CLOSING);
}

static void on_gone(struct client_connection *client) {
  struct load_connection *connection = owner_of(client);
  connection->books->now_ns = clock_now_ns();
  timer_cancel(&connection->books->io->loop.timers, &connection->timer);
  if (connection->state < LOAD_OPEN) count_end(connection);
  if (connection->state == LOAD_ENDED) return;
  if (connection->state == LOAD_GREETING && !connection->was_open && !client->created &&
      !connection->cut)
    connection->hopeless = true; /* TLS failed */
  load_connection_set_state(connection, LOAD_AWAY);
  load_connection_retry(connection);
}

/* ---- the end of a WebSocket ------------------------------------------------------------------ */

static struct load_connection *owner_of_ws(struct load_ws *ws) {
  return LIST_OWNER(ws, struct load_connection, ws);
}

/* Of an answer that accepts and is wrong, the end tells more. */
static void on_refused(struct load_ws *ws, unsigned status) {
  struct load_connection *connection = owner_of_ws(ws);
  if (!connection->was_open && status < 500) connection->hopeless = true;
  if (status == (connection->slots.http.http1 ? 101 : 200)) return;
  client_blame(&connection->client, "the server answered with status %u, not with a WebSocket",
               status);
}

static void blame_ws(struct load_connection *connection, const struct load_ws_end *end) {
  struct client_connection *client = &connection->client;
  int len = (int)end->reason.len;
  const char *reason = len ? (const char *)end->reason.base : "";
  char name[CLIENT_CODE_BYTES];
  connection->graceful = end->was_open && (end->code == WS_NORMAL || end->code == WS_GOING_AWAY);
  if (!end->was_open && len)
    client_blame(client, "the server's answer is no WebSocket: %.*s", len, reason);
  else if (end->code != WS_ABNORMAL)
    client_blame(client, "the WebSocket was closed (%u)%s%.*s", end->code, len ? ": " : "", len,
                 reason);
  else if (connection->ws.timed_out)
    client_blame(client, "ended by weir load: a message had timed out");
  else if (end->reset)
    client_blame(client, "the server reset the WebSocket's stream (%s)",
                 client_h2_code_text(client_http_reset_code(&connection->slots.http), name));
  else if (client->eof || client_http_is_up(&connection->slots.http))
    client_blame(client, "the server ended the WebSocket without a close frame");
  else
    client_blame(client, "the connection was reset");
}

/* Nothing else is done on the connection. The timer drains it. */
static void on_ws_ended(struct load_ws *ws, const struct load_ws_end *end) {
  struct load_connection *connection = owner_of_ws(ws);
  struct load_books *books = connection->books;
  if (end->was_open && !books->leaving && !connection->retired)
    books->stats.close_codes[end->code - LOAD_CLOSE_CODE_MIN]++;
  if (!connection->retired) blame_ws(connection, end);
  connection->used_up = true;
  if (!books->over && client_http_is_up(&connection->slots.http))
    timer_arm(&books->io->loop.timers, &connection->timer, books->io->loop.now_ns);
}

static const struct load_ws_events ws_events = {.refused = on_refused, .ended = on_ws_ended};

/* ---- beginning ------------------------------------------------------------------------------- */

static bool make_slots(struct load_connection *connection) {
  const struct load_books *books = connection->books;
  uint64_t most = books->plan->options->streams;
  if (connection->slots.at) return true;
  if (!books->endless && !books->open && connection->share < most) most = connection->share;
  return load_slots_make(&connection->slots, (uint32_t)most);
}

/* What the connection speaks. */
static void note_facts(struct load_connection *connection) {
  const struct client_connection *client = &connection->client;
  struct load_tls_kind kind = {.connections = 1};
  bool resumed = false;
  snprintf(kind.alpn, sizeof kind.alpn, connection->slots.http.http1 ? "http/1.1" : "h2");
  if (client->server->secure) {
    const struct tls_facts tls = client_connection_tls(client);
    snprintf(kind.version, sizeof kind.version, "%s", tls.version);
    snprintf(kind.cipher, sizeof kind.cipher, "%s", tls.cipher);
    snprintf(kind.group, sizeof kind.group, "%s", tls.group);
    resumed = tls.resumed;
  }
  load_tls_facts_note(&connection->books->stats.tls, &kind, resumed);
}

/* Asks for the WebSocket, once. Whether it is open. */
static bool has_ws(struct load_connection *connection) {
  struct load_books *books = connection->books;
  struct load_ws *ws = &connection->ws;
  bool offered = client_http_offers_connect(&connection->slots.http);
  if (ws->state == LOAD_WS_NONE && !(offered && load_ws_ask(ws))) {
    ws->state = LOAD_WS_GONE;
    connection->used_up = true;
    connection->hopeless = !offered && !connection->was_open;
    client_blame(&connection->client, offered ? "the server's limits do not allow this request"
                                              : "the server does not offer WebSockets over HTTP/2");
    timer_arm(&books->io->loop.timers, &connection->timer, books->io->loop.now_ns);
  }
  return ws->state == LOAD_WS_OPEN;
}

/* Opens the connection when it is ready for requests; see load/connection.h. */
static void greet(struct load_connection *connection) {
  struct load_books *books = connection->books;
  const struct client_http *http = &connection->slots.http;
  if (!client_http_is_ready(http)) return;
  if (books->capped && !client_http_is_bound(http)) return;
  if (load_connection_is_ws(connection) && !has_ws(connection)) return;
  if (!make_slots(connection)) {
    load_connection_give_up(connection, "out of memory");
    return;
  }
  timer_cancel(&books->io->loop.timers, &connection->timer);
  load_connection_set_state(connection, LOAD_OPEN);
  connection->was_open = true;
  if (!books->leaving) books->stats.connections_opened++;
  if (!books->leaving) note_facts(connection);
  load_connection_settle(connection);
  load_connection_fill(connection);
}

static void on_goaway(void *ctx, uint32_t code, struct span debug) {
  struct load_connection *connection = ctx;
  connection->slots.went_away = true;
  if (code == H2_NO_ERROR && debug.len == 0) return;
  connection->slots.goaway_code = code;
  connection->graceful = code == H2_NO_ERROR;
  client_h2_blame_goaway(&connection->client, code, debug);
}

static const struct client_http_events http_events = {
    .goaway = on_goaway, .reports = on_reports, .ended = on_ended};

static void on_connected(struct client_connection *client) {
  struct load_connection *connection = owner_of(client);
  struct load_books *books = connection->books;
  books->now_ns = connection->connected_ns = clock_now_ns();
  load_connection_set_state(connection, LOAD_GREETING);
  timer_arm(&books->io->loop.timers, &connection->timer,
            books->io->loop.now_ns + books->plan->timeout_ns);
  if (!books->over)
    load_histogram_add(&books->stats.connect, connection->connected_ns - connection->begin_ns);
}

/* ---- its machines ------------------------------------------------------------------------------ */

static bool create(struct client_connection *client, const struct machine_peer *peer,
                   struct machine_host *host, uint64_t now_ns, struct machine *out) {
  struct load_connection *connection = owner_of(client);
  struct load_books *books = connection->books;
  const struct load_options *options = books->plan->options;
  const struct load_origin *origin = connection->slots.turn.origin;
  connection->slots.http =
      (struct client_http){.events = &http_events,
                           .ctx = connection,
                           .pipeline = options->streams,
                           .upgrade = options->upgrade ? origin->url.target : NULL};
  if (!client_http_create(&connection->slots.http, client, connection->engine, options->versions,
                          peer, host, now_ns, out))
    return false;
  if (!peer->secure) return true;
  load_meter_around(&connection->meter, books, out);
  if (!books->over)
    load_histogram_add(&books->stats.handshake, books->now_ns - connection->connected_ns);
  return true;
}

/* ---- the outermost machine ------------------------------------------------------------------- */

/* Something has changed, so there may be room for requests. */
static bool may_have_room(const struct load_connection *connection) {
  return connection->slots.look || connection->slots.starved;
}

static void count_in(struct load_connection *connection, size_t bytes) {
  struct load_requests *counts = &connection->books->stats.requests;
  counts->wire_in += bytes;
  if (!connection->client.server->secure) counts->http_in += bytes;
}

static void count_out(struct load_connection *connection, size_t bytes) {
  struct load_requests *counts = &connection->books->stats.requests;
  counts->wire_out += bytes;
  if (!connection->client.server->secure) counts->http_out += bytes;
}

static size_t outside_recv(void *self, struct span in, uint64_t now_ns) {
  struct load_connection *connection = self;
  struct load_books *books = connection->books;
  client_http_fetch(&connection->slots.http);
  books->now_ns = connection->heard_ns = clock_now_ns();
  bool counts = !books->over; /* what completes the last response counts, too */
  size_t taken = wrap_recv(self, in, now_ns);
  count_in(connection, counts ? taken : 0);
  if (connection->state == LOAD_GREETING)
    greet(connection);
  else if (may_have_room(connection))
    load_connection_fill(connection);
  return taken;
}

static void outside_recv_eof(void *self, uint64_t now_ns) {
  struct load_connection *connection = self;
  connection->books->now_ns = clock_now_ns();
  client_connection_recv_eof(self, now_ns);
}

static void outside_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct load_connection *connection = self;
  struct load_books *books = connection->books;
  if (!books->over) count_out(connection, bytes);
  wrap_send_ack(self, bytes, now_ns);
  if (!may_have_room(connection)) return;
  books->now_ns = clock_now_ns();
  load_connection_fill(connection);
}

static void outside_tick(void *self, uint64_t now_ns) {
  struct load_connection *connection = self;
  connection->books->now_ns = clock_now_ns();
  wrap_tick(self, now_ns);
  if (may_have_room(connection)) load_connection_fill(connection);
}

static unsigned outside_wants(const void *self) {
  const struct load_connection *connection = self;
  return connection->cut ? MACHINE_RESET : wrap_wants(self);
}

static void outside_close(void *self) {
  struct load_connection *connection = self;
  connection->books->now_ns = clock_now_ns();
  client_connection_close(self);
}

static const struct machine_ops outside_ops = {
    .recv = outside_recv,
    .recv_eof = outside_recv_eof,
    .send_peek = wrap_send_peek,
    .send_ack = outside_send_ack,
    .tick = outside_tick,
    .deadline_ns = wrap_deadline_ns,
    .wants = outside_wants,
    .drain = wrap_drain,
    .idle_since_ns = wrap_idle_since_ns,
    .close = outside_close,
};

/* Over HTTP/1.1 in clear text, requests wait for nothing. */
static void around(struct client_connection *client, struct machine *machine) {
  machine->ops = &outside_ops;
  greet(owner_of(client));
}

static const struct client_ops client_ops = {.connected = on_connected,
                                             .create = create,
                                             .around = around,
                                             .blamed = on_blamed,
                                             .gone = on_gone};

/* ---- life ------------------------------------------------------------------------------------ */

static void dial_now(struct load_caller *caller) {
  struct load_connection *connection = LIST_OWNER(caller, struct load_connection, caller);
  assert(connection->state == LOAD_AWAY);
  connection->asked = 0;
  connection->retired = connection->used_up = false;
  connection->books->now_ns = connection->begin_ns = clock_now_ns();
  connection->cut = connection->graceful = false;
  load_slots_reset(&connection->slots);
  load_ws_reset(&connection->ws);
  load_connection_set_state(connection, LOAD_DIALING);
  client_connection_open(&connection->client);
}

void load_life_open(struct load_connection *connection) {
  load_dialer_ask(&connection->books->dialer, &connection->caller);
}

/* The server says nothing, or has not finished TLS or the beginning of the protocol. */
static void cut(struct load_connection *connection) {
  struct client_connection *client = &connection->client;
  const char *what = "complete TLS";
  if (client->created)
    what = load_connection_is_ws(connection) ? "open the WebSocket" : "send its SETTINGS";
  client_blame(client, "the server did not %s in time", what);
  connection->cut = true;
  client->link->wake(client->link);
}

/* Reconnects, gives an attempt up, or drains a connection that was given up. Runs outside of any
 * machine's call. */
static void on_timer(struct timer *timer, uint64_t now_ns) {
  struct load_connection *connection = LIST_OWNER(timer, struct load_connection, timer);
  if (connection->books->over) return;
  if (connection->state == LOAD_AWAY)
    load_life_open(connection);
  else if (connection->state == LOAD_ENDED || connection->retired || connection->used_up)
    client_connection_drain(&connection->client, now_ns);
  else if (connection->state == LOAD_GREETING)
    cut(connection);
}

void load_life_init(struct load_connection *connection, struct load_books *books,
                    struct engine *engine, struct client_server *server, struct load_ws_kit *kit,
                    uint64_t share) {
  unsigned most = books->plan->options->requests_per_connection;
  *connection = (struct load_connection){.books = books,
                                         .engine = engine,
                                         .share = share,
                                         .asked_max = most ? most : UINT64_MAX,
                                         .caller = {.open = dial_now}};
  client_connection_init(&connection->client, server, books->io, &client_ops);
  load_slots_init(&connection->slots, books);
  load_ws_init(&connection->ws, kit, &connection->slots, &ws_events);
  timer_init(&connection->timer, on_timer);
}

void load_life_free(struct load_connection *connection) {
  load_slots_free(&connection->slots);
}

void load_life_leave(struct load_connection *connection) {
  client_connection_cancel(&connection->client);
}
