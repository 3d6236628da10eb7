/*
 * load/connection.c - see load/connection.h.
 *
 * Its machine stands around all others: it reads the clock when bytes arrive, counts them, and
 * hears of the end. After each call it starts the requests that there is room for now.
 */
#include "tools/load/connection.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "io/base/clock.h"

static void set_state(struct load_connection *connection, enum load_state state) {
  connection->state = state;
  connection->slots.open = state == LOAD_OPEN;
}

/* ---- why it ended ---------------------------------------------------------------------------- */

/* The first reason is the one that counts. A peer's words may be anything. */
__attribute__((format(printf, 2, 3))) static void blame(struct load_connection *connection,
                                                        const char *format, ...) {
  char text[LOAD_REASON_BYTES];
  if (connection->told || connection->books->leaving) return;
  connection->told = true;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  for (char *byte = text; *byte; byte++)
    if (*byte < ' ' || *byte >= 0x7f) *byte = '?';
  load_stats_reason(&connection->books->stats, text, 1);
}

static const char *authority_of(const struct load_connection *connection) {
  return connection->books->plan->targets[0].url.authority;
}

/* What a server that does not speak HTTP/2 answers to the preface. */
static bool speaks_http1(const struct h2 *h2) {
  return h2 && !h2->settings_received && memcmp(h2->reader.header, "HTTP/1.", 7) == 0;
}

/* The GOAWAY that we have just made, if it has not left the engine's hands. */
static void blame_protocol(struct load_connection *connection) {
  const struct h2 *h2 = connection->slots.h2;
  const uint8_t *at = h2->control, *end = at ? at + h2->control_used : NULL;
  while (at && end - at >= H2_FRAME_HEADER_BYTES + 8) {
    size_t length = (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2];
    if (length + H2_FRAME_HEADER_BYTES > (size_t)(end - at)) break;
    if (at[3] == H2_GOAWAY && length >= 8) {
      const uint8_t *code = at + H2_FRAME_HEADER_BYTES + 4;
      uint32_t value =
          (uint32_t)code[0] << 24 | (uint32_t)code[1] << 16 | (uint32_t)code[2] << 8 | code[3];
      blame(connection, "protocol error of the server: %s (%.*s)", h2_error_name(value),
            (int)length - 8, (const char *)code + 4);
    }
    at += H2_FRAME_HEADER_BYTES + length;
  }
  blame(connection, "protocol error of the server");
}

static void explain(struct load_connection *connection) {
  const char *authority = authority_of(connection);
  bool greeting = connection->state == LOAD_GREETING;
  const struct h2 *h2 = connection->slots.h2;
  if (speaks_http1(h2)) {
    blame(connection, "%s answers in HTTP/1.1, not HTTP/2", authority);
  } else if (h2 && h2->dead) {
    blame_protocol(connection);
  } else if (greeting && !h2 && connection->tls) {
    const char *reason = tls_machine_error(&connection->inner);
    blame(connection, "TLS with %s failed: %s", authority,
          *reason ? reason : "the server closed the connection");
  } else if (greeting) {
    blame(connection, "%s closed the connection before its SETTINGS", authority);
  } else if (h2 && h2->goaway_received) {
    blame(connection, "the server ended the connection with GOAWAY (NO_ERROR)");
  } else {
    blame(connection, "%s",
          connection->slots.eof || (h2 && h2->eof) ? "the server closed the connection"
                                                   : "the connection was reset");
  }
}

/* ---- the end --------------------------------------------------------------------------------- */

static bool has_work(const struct load_connection *connection) {
  const struct load_books *books = connection->books;
  if (!list_is_empty(&connection->slots.again) || books->endless) return true;
  return books->plan->options->rate ? books->left > 0 : connection->share > 0;
}

static void settle(struct load_connection *connection) {
  if (connection->settled) return;
  connection->settled = true;
  load_books_settle(connection->books);
}

static void end_for_good(struct load_connection *connection) {
  if (connection->state == LOAD_ENDED) return;
  set_state(connection, LOAD_ENDED);
  load_books_lose(connection->books, connection->share);
  connection->share = 0;
  load_slots_fail_again(&connection->slots, connection->went_away ? LOAD_GOAWAY : LOAD_CLOSED,
                        connection->slots.goaway_code);
  settle(connection);
  load_books_check(connection->books);
}

static bool is_futile(const struct load_connection *connection) {
  if (!connection->was_open) return true;
  return connection->books->plan->duration_ns == 0 && connection->futile >= LOAD_FUTILE_MAX;
}

/* The connection is away; does it come back? */
static void come_again(struct load_connection *connection) {
  struct load_books *books = connection->books;
  if (books->over) return;
  connection->futile = connection->slots.progress ? 0 : connection->futile + 1;
  if (is_futile(connection) || !has_work(connection)) {
    end_for_good(connection);
    return;
  }
  uint64_t pause_ns = 0;
  if (connection->futile > 0) pause_ns = LOAD_PAUSE_NS << (connection->futile - 1);
  if (connection->futile > 4 || pause_ns > SECOND_NS) pause_ns = SECOND_NS;
  timer_arm(&books->io->loop.timers, &connection->timer, books->io->loop.now_ns + pause_ns);
}

/* h2 is about to be closed, or TLS never got so far as to have one. */
static void lose_h2(struct load_connection *connection) {
  struct load_books *books = connection->books;
  explain(connection);
  if (!books->leaving) {
    if (connection->state == LOAD_GREETING)
      books->stats.connections_failed++;
    else
      books->stats.connections_ended++;
  }
  if (connection->state != LOAD_ENDED) set_state(connection, LOAD_CLOSING);
}

/* ---- work ------------------------------------------------------------------------------------ */

/* There is no use in going on: what the connection was to do is not done. The timer drains it, since
 * this may be within a machine's call. */
static void give_up(struct load_connection *connection, const char *reason) {
  struct worker *io = connection->books->io;
  blame(connection, "%s", reason);
  end_for_good(connection);
  timer_arm(&io->loop.timers, &connection->timer, io->loop.now_ns);
}

/* Starts a request, or repeats one. */
static bool start(struct load_connection *connection) {
  struct load_slots *slots = &connection->slots;
  uint64_t due_ns;
  bool allowed;
  if (!list_is_empty(&slots->again)) {
    allowed = load_request_again(slots);
  } else {
    if (list_is_empty(&slots->free)) return false;
    if (!load_books_take(connection->books, &connection->share, &due_ns)) return false;
    slots->starved = false;
    allowed = load_request_start(slots, due_ns);
  }
  if (!allowed) give_up(connection, "the server's limits do not allow the request");
  return allowed;
}

/* A server that leaves no room for long is noticed once a second. */
void load_connection_fill(struct load_connection *connection) {
  struct load_slots *slots = &connection->slots;
  slots->look = false;
  slots->starved = slots->starved && slots->in_use == 0;
  while (connection->state == LOAD_OPEN && !connection->books->over) {
    if (h2_request_room(slots->h2) == 0) {
      load_slots_starve(slots);
      break;
    }
    if (!start(connection)) break;
  }
}

bool load_connection_start_one(struct load_connection *connection) {
  const struct load_slots *slots = &connection->slots;
  if (connection->state != LOAD_OPEN || list_is_empty(&slots->free)) return false;
  return h2_request_room(slots->h2) > 0 && start(connection);
}

/* ---- beginning ------------------------------------------------------------------------------- */

static bool make_slots(struct load_connection *connection) {
  const struct load_books *books = connection->books;
  uint64_t most = books->plan->options->streams;
  if (connection->slots.at) return true;
  if (!books->endless && !books->plan->options->rate && connection->share < most)
    most = connection->share;
  return load_slots_make(&connection->slots, (uint32_t)most);
}

/* Whether it is ready for requests now; see load/connection.h. */
static void greet(struct load_connection *connection) {
  struct load_books *books = connection->books;
  const struct h2 *h2 = connection->slots.h2;
  if (connection->state != LOAD_GREETING || !h2 || !h2->settings_received || h2->dead) return;
  if (books->plan->options->caps.count > 0 && h2->settings_unacked > 0) return;
  if (!make_slots(connection)) {
    give_up(connection, "out of memory");
    return;
  }
  set_state(connection, LOAD_OPEN);
  connection->was_open = true;
  if (!books->leaving) books->stats.connections_opened++;
  settle(connection);
  load_connection_fill(connection);
}

static void on_goaway(void *ctx, struct h2 *h2, uint32_t last_stream_id, uint32_t code) {
  struct load_connection *connection = ctx;
  (void)h2;
  (void)last_stream_id;
  connection->went_away = true;
  if (code == H2_NO_ERROR) return;
  connection->slots.goaway_code = code;
  blame(connection, "the server ended the connection with GOAWAY (%s)", h2_error_name(code));
}

static const struct h2_client_events client_events = {.goaway = on_goaway};

/* ---- the machine between TLS and h2 -----------------------------------------------------------
 */

/* TLS closes h2 when that is done, and then still has its own farewell to say: this is how we hear
 * of it. Without TLS nobody stands in between. */

static size_t inside_recv(void *self, struct span in, uint64_t now_ns) {
  struct load_connection *connection = self;
  return h2_machine_ops.recv(connection->slots.h2, in, now_ns);
}

static void inside_recv_eof(void *self, uint64_t now_ns) {
  struct load_connection *connection = self;
  h2_machine_ops.recv_eof(connection->slots.h2, now_ns);
}

static size_t inside_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                               uint64_t now_ns) {
  struct load_connection *connection = self;
  return h2_machine_ops.send_peek(connection->slots.h2, out, max, budget_bytes, now_ns);
}

static void inside_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct load_connection *connection = self;
  h2_machine_ops.send_ack(connection->slots.h2, bytes, now_ns);
}

static void inside_tick(void *self, uint64_t now_ns) {
  struct load_connection *connection = self;
  h2_machine_ops.tick(connection->slots.h2, now_ns);
}

static uint64_t inside_deadline_ns(const void *self) {
  const struct load_connection *connection = self;
  return h2_machine_ops.deadline_ns(connection->slots.h2);
}

static unsigned inside_wants(const void *self) {
  const struct load_connection *connection = self;
  return h2_machine_ops.wants(connection->slots.h2);
}

static void inside_drain(void *self, uint64_t now_ns) {
  struct load_connection *connection = self;
  h2_machine_ops.drain(connection->slots.h2, now_ns);
}

/* The streams that are left end within h2's close(). */
static void inside_close(void *self) {
  struct load_connection *connection = self;
  struct h2 *h2 = connection->slots.h2;
  lose_h2(connection);
  h2_machine_ops.close(h2);
  connection->slots.h2 = NULL;
}

static const struct machine_ops inside_ops = {
    .recv = inside_recv,
    .recv_eof = inside_recv_eof,
    .send_peek = inside_send_peek,
    .send_ack = inside_send_ack,
    .tick = inside_tick,
    .deadline_ns = inside_deadline_ns,
    .wants = inside_wants,
    .drain = inside_drain,
    .close = inside_close,
};

bool load_connection_make_h2(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                             uint64_t now_ns, struct machine *out) {
  struct load_connection *connection = LIST_OWNER(host, struct load_connection, host);
  struct load_books *books = connection->books;
  (void)ctx;
  if (peer->secure) {
    if (strcmp(peer->application_protocol, "h2") != 0) {
      blame(connection, "%s did not agree on h2 by ALPN", authority_of(connection));
      return false;
    }
    if (!books->over)
      load_histogram_add(&books->stats.handshake, books->now_ns - connection->connected_ns);
  }
  if (!h2_client(connection->engine, peer, host, now_ns, out)) return false;
  connection->slots.h2 = h2_of(out);
  connection->slots.h2->client = &client_events;
  connection->slots.h2->client_ctx = connection;
  if (peer->secure) *out = (struct machine){.ops = &inside_ops, .self = connection};
  return true;
}

/* ---- the machine around all others ----------------------------------------------------------- */

/* Something has changed: perhaps there is room now. */
static bool may_have_room(const struct load_connection *connection) {
  return connection->slots.look || connection->slots.starved;
}

static size_t machine_recv(void *self, struct span in, uint64_t now_ns) {
  struct load_connection *connection = self;
  struct load_books *books = connection->books;
  books->now_ns = connection->heard_ns = clock_now_ns();
  size_t taken = connection->inner.ops->recv(connection->inner.self, in, now_ns);
  const struct h2 *h2 = connection->slots.h2;
  books->stats.requests.wire_in += books->over ? 0 : taken;
  if (h2 && h2->dead) explain(connection); /* while it is known */
  if (connection->state == LOAD_GREETING)
    greet(connection);
  else if (may_have_room(connection))
    load_connection_fill(connection);
  return taken;
}

static void machine_recv_eof(void *self, uint64_t now_ns) {
  struct load_connection *connection = self;
  connection->books->now_ns = clock_now_ns();
  connection->slots.eof = true;
  connection->inner.ops->recv_eof(connection->inner.self, now_ns);
}

static size_t machine_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                                uint64_t now_ns) {
  struct load_connection *connection = self;
  return connection->inner.ops->send_peek(connection->inner.self, out, max, budget_bytes, now_ns);
}

static void machine_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct load_connection *connection = self;
  struct load_books *books = connection->books;
  books->stats.requests.wire_out += books->over ? 0 : bytes;
  connection->inner.ops->send_ack(connection->inner.self, bytes, now_ns);
  if (!may_have_room(connection)) return;
  books->now_ns = clock_now_ns();
  load_connection_fill(connection);
}

static void machine_tick(void *self, uint64_t now_ns) {
  struct load_connection *connection = self;
  connection->books->now_ns = clock_now_ns();
  connection->inner.ops->tick(connection->inner.self, now_ns);
  if (may_have_room(connection)) load_connection_fill(connection);
}

static uint64_t machine_deadline_ns(const void *self) {
  const struct load_connection *connection = self;
  return connection->inner.ops->deadline_ns(connection->inner.self);
}

static unsigned machine_wants(const void *self) {
  const struct load_connection *connection = self;
  return connection->inner.ops->wants(connection->inner.self);
}

static void machine_drain(void *self, uint64_t now_ns) {
  struct load_connection *connection = self;
  connection->inner.ops->drain(connection->inner.self, now_ns);
}

static void machine_close(void *self) {
  struct load_connection *connection = self;
  struct machine inner = connection->inner;
  bool plain = inner.ops == &h2_machine_ops;
  connection->books->now_ns = clock_now_ns();
  if (plain || connection->state == LOAD_GREETING) lose_h2(connection);
  inner.ops->close(inner.self);
  connection->inner.ops = NULL;
  connection->slots.h2 = NULL;
  if (connection->state == LOAD_ENDED) return;
  set_state(connection, LOAD_AWAY);
  come_again(connection);
}

static const struct machine_ops machine_ops = {
    .recv = machine_recv,
    .recv_eof = machine_recv_eof,
    .send_peek = machine_send_peek,
    .send_ack = machine_send_ack,
    .tick = machine_tick,
    .deadline_ns = machine_deadline_ns,
    .wants = machine_wants,
    .drain = machine_drain,
    .close = machine_close,
};

static void wake(struct machine_host *host) {
  struct load_connection *connection = LIST_OWNER(host, struct load_connection, host);
  connection->link->wake(connection->link);
}

/* A connection was made. */
static bool make_machine(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                         uint64_t now_ns, struct machine *out) {
  struct load_connection *connection = ctx;
  struct load_books *books = connection->books;
  books->now_ns = connection->connected_ns = clock_now_ns();
  connection->link = host;
  connection->host.wake = wake;
  struct machine_factory inner = {.create = load_connection_make_h2};
  if (connection->tls) inner = tls_factory_machines(connection->tls);
  if (!inner.create(inner.ctx, peer, &connection->host, now_ns, &connection->inner)) return false;
  if (!books->over)
    load_histogram_add(&books->stats.connect, connection->connected_ns - connection->begin_ns);
  set_state(connection, LOAD_GREETING);
  *out = (struct machine){.ops = &machine_ops, .self = connection};
  return true;
}

/* ---- dialling -------------------------------------------------------------------------------- */

static void dial_next(struct load_connection *connection);

static void on_dialed(struct dial *dial, int error) {
  struct load_connection *connection = LIST_OWNER(dial, struct load_connection, dial);
  struct load_books *books = connection->books;
  char text[ADDRESS_TEXT_BYTES];
  if (error == 0) return;
  books->now_ns = clock_now_ns();
  if (!books->over && connection->address_tried < books->plan->address_count) {
    dial_next(connection);
    return;
  }
  blame(connection, "cannot connect to %s: %s", address_format(&dial->address, text),
        strerror(error));
  if (!books->leaving) books->stats.connections_failed++;
  set_state(connection, LOAD_AWAY);
  come_again(connection);
}

static void dial_next(struct load_connection *connection) {
  struct load_books *books = connection->books;
  connection->dial = (struct dial){
      .address = books->plan->addresses[connection->address_tried++],
      .factory = {.ctx = connection, .create = make_machine},
      .timeout_ns = LOAD_CONNECT_NS,
      .done = on_dialed,
  };
  dial_start(&connection->dial, &books->io->links);
}

void load_connection_open(struct load_connection *connection) {
  struct load_books *books = connection->books;
  assert(connection->state == LOAD_AWAY);
  books->now_ns = connection->begin_ns = clock_now_ns();
  connection->address_tried = 0;
  connection->told = connection->went_away = false;
  load_slots_reset(&connection->slots);
  set_state(connection, LOAD_DIALING);
  dial_next(connection);
}

/* The next attempt, or the end of one that was given up: not from within a machine's call. */
static void on_timer(struct timer *timer, uint64_t now_ns) {
  struct load_connection *connection = LIST_OWNER(timer, struct load_connection, timer);
  if (connection->books->over) return;
  if (connection->state == LOAD_AWAY) load_connection_open(connection);
  if (connection->state != LOAD_ENDED || !connection->inner.ops) return;
  connection->inner.ops->drain(connection->inner.self, now_ns);
  connection->link->wake(connection->link);
}

void load_connection_init(struct load_connection *connection, struct load_books *books,
                          struct engine *engine, struct tls_factory *tls, uint64_t share) {
  *connection =
      (struct load_connection){.books = books, .engine = engine, .tls = tls, .share = share};
  load_slots_init(&connection->slots, books);
  timer_init(&connection->timer, on_timer);
}

void load_connection_free(struct load_connection *connection) {
  load_slots_free(&connection->slots);
}

void load_connection_leave(struct load_connection *connection) {
  if (connection->state == LOAD_DIALING) dial_cancel(&connection->dial);
}

/* ---- once a second --------------------------------------------------------------------------- */

/* Streams are allowed none, for as long as a request may take. */
static bool is_stuck(const struct load_connection *connection) {
  const struct load_slots *slots = &connection->slots;
  const struct load_books *books = connection->books;
  return slots->starved && slots->h2->active_own == 0 && has_work(connection) &&
         books->now_ns - slots->starved_ns >= books->plan->timeout_ns;
}

/* With a duration or a rate the run ends by itself. */
static bool is_silent(const struct load_connection *connection) {
  const struct load_books *books = connection->books;
  if (books->endless || books->plan->options->rate || connection->share == 0) return false;
  return books->now_ns - connection->heard_ns >= LOAD_SILENT_TIMEOUTS * books->plan->timeout_ns;
}

void load_connection_look(struct load_connection *connection) {
  if (connection->state != LOAD_OPEN) return;
  if (is_stuck(connection))
    give_up(connection, "the server allows no streams");
  else if (is_silent(connection))
    give_up(connection, "the server has been silent for too long");
}

struct load_connection *load_connection_of(const struct load_request *request) {
  return LIST_OWNER(request->slots, struct load_connection, slots);
}
