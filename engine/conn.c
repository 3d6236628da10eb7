/*
 * conn.c - holds the first bytes of a clear-text connection until they tell its protocol, then passes
 * everything to that protocol's machine, and leaves once that cannot change any more.
 */
#include "engine/conn.h"

#include "engine/h1/h1.h"
#include "engine/h2/h2.h"
#include "engine/h2/upgrade.h"
#include "engine/spdy/spdy.h"

#include <assert.h>
#include <string.h>

const char *const conn_protocols[] = {"h2", "http/1.1", NULL};
const char *const conn_protocols_spdy[] = {"h2", "spdy/3.1", "http/1.1", NULL};

struct conn {
  struct engine *engine;
  struct machine inner; /* ops is NULL until the protocol is known */
  /* Takes the place of `inner` when its call returns; ops is NULL: none does. */
  struct machine next;
  struct machine_host *host;
  struct machine_peer peer;
  uint64_t deadline_ns; /* for the first bytes to arrive */
  /* Bytes that may still be sent before the client's preface: CONN_EARLY_BYTES. */
  uint32_t early_left;
  bool eof, refused, upgraded;
  /* `inner` speaks HTTP/1.1, and nothing else is to be done: most calls are passed on as they are. */
  bool plain;
  uint8_t have;
  /* What is still to be sent to a peer that is refused, or before what `inner` sends. */
  struct span farewell;
  uint8_t first[H2_PREFACE_BYTES];
};
_Static_assert(sizeof(struct conn) <= CONN_BYTES, "it fits into the engine's pool");

/* A TLS record with a fatal alert, unexpected_message (RFC 8446 section 6). */
static const uint8_t alert[] = {21, 3, 1, 0, 2, 2, 10};

/* ---- choosing -------------------------------------------------------------------------------- */

static void give_up(struct conn *conn) {
  conn->refused = true;
  conn->farewell = (struct span){0};
}

/* Begins with the bytes that were held back. */
static void begin(struct conn *conn, bool made, uint64_t now_ns) {
  if (!made) {
    give_up(conn);
    return;
  }
  if (conn->have)
    (void)conn->inner.ops->recv(conn->inner.self, span_of(conn->first, conn->have), now_ns);
}

static void become_h2(struct conn *conn, uint64_t now_ns) {
  begin(conn, h2_server(&conn->engine->h2, &conn->peer, conn->host, now_ns, &conn->inner), now_ns);
}

static bool make_spdy(struct engine *engine, const struct machine_peer *peer,
                      struct machine_host *host, uint64_t now_ns, struct machine *out) {
  static const struct spdy_session_config session = {.minor = SPDY_3_1};
  return spdy_server(&engine->spdy, &session, peer, host, now_ns, out);
}

static void become_spdy(struct conn *conn, uint64_t now_ns) {
  begin(conn, make_spdy(conn->engine, &conn->peer, conn->host, now_ns, &conn->inner), now_ns);
}

#define SWITCHING_TO(protocol)                                                                     \
  "HTTP/1.1 101 Switching Protocols\r\n"                                                           \
  "connection: upgrade\r\n"                                                                        \
  "upgrade: " protocol "\r\n"                                                                      \
  "\r\n"

static const char switching[] = SWITCHING_TO("h2c");
static const char switching_to_spdy[] = SWITCHING_TO("SPDY/3.1");

/* The request has no other answer than the 101: no stream stands for it, as one does in HTTP/2. */
static bool upgrade_to_spdy(struct conn *conn, uint64_t now_ns) {
  struct engine *engine = conn->engine;
  if (!engine->config.spdy.server) return false;
  if (!make_spdy(engine, &conn->peer, conn->host, now_ns, &conn->next)) return false;
  conn->farewell = span_of(switching_to_spdy, sizeof switching_to_spdy - 1);
  return true;
}

/* RFC 7540 section 3.2. HTTP/1.1 has nothing to send, and the 101 comes before HTTP/2's preface. */
static bool upgrade_to_h2(struct conn *conn, const struct http_upgrade *asked, uint64_t now_ns) {
  if (!h2_server_upgraded(&conn->engine->h2, &conn->peer, conn->host, now_ns, asked, &conn->next))
    return false;
  conn->farewell = span_of(switching, sizeof switching - 1);
  return true;
}

static bool upgrade(void *ctx, const struct http_upgrade *asked, uint64_t now_ns) {
  struct conn *conn = ctx;
  const bool made = strcmp(asked->protocol, "h2c") == 0 ? upgrade_to_h2(conn, asked, now_ns)
                                                        : upgrade_to_spdy(conn, now_ns);
  if (made) conn->plain = false;
  return made;
}

static void become_h1(struct conn *conn, uint64_t now_ns) {
  bool made = h1_server(&conn->engine->h1, &conn->peer, conn->host, now_ns, &conn->inner);
  if (made && !conn->peer.secure) h1_offer_upgrade(&conn->inner, upgrade, conn);
  conn->plain = made;
  begin(conn, made, now_ns);
}

/* The record of a TLS handshake: the client expects TLS, and understands an alert. */
static bool is_tls(const uint8_t *bytes) {
  return bytes[0] == 22;
}

static void refuse_tls(struct conn *conn) {
  conn->refused = true;
  conn->farewell = span_of(alert, sizeof alert);
}

/* A control frame's first byte. Requests of HTTP/1.x and the HTTP/2 preface begin with text. */
static bool is_spdy(const struct conn *conn, const uint8_t *bytes) {
  return conn->engine->config.spdy.server && bytes[0] == 0x80;
}

/* Whether the bytes so far are those of the HTTP/2 preface. Takes as many of them as are needed to tell,
 * and says how many. */
static bool is_preface(struct conn *conn, struct span in, size_t *taken) {
  size_t room = sizeof conn->first - conn->have;
  *taken = in.len < room ? in.len : room;
  return memcmp(in.base, &H2_PREFACE[conn->have], *taken) == 0;
}

/* Returns how many of the bytes are held back. HTTP/1.x begins with those that were held back before, and
 * gets the others where they are. */
static size_t sniff(struct conn *conn, struct span in, uint64_t now_ns) {
  size_t taken;
  if (!is_preface(conn, in, &taken)) {
    if (conn->have == 0 && is_tls(in.base))
      refuse_tls(conn);
    else if (conn->have == 0 && is_spdy(conn, in.base))
      become_spdy(conn, now_ns);
    else
      become_h1(conn, now_ns);
    return 0;
  }
  memcpy(conn->first + conn->have, in.base, taken);
  conn->have += (uint8_t)taken;
  if (conn->have == H2_PREFACE_BYTES) become_h2(conn, now_ns);
  return taken;
}

/* ---- the machine ----------------------------------------------------------------------------- */

static bool wants_more(const struct conn *conn) {
  return conn->inner.ops && conn->inner.ops->wants(conn->inner.self) & MACHINE_RECV;
}

/* Another protocol has taken the place of HTTP/1.1. */
static void change(struct conn *conn) {
  conn->inner.ops->close(conn->inner.self);
  conn->inner = conn->next;
  conn->next = (struct machine){0};
  conn->upgraded = true;
  conn->early_left = CONN_EARLY_BYTES;
}

/* The client may not be ready for more before it has said something in the other protocol. */
static bool is_held(const struct conn *conn) {
  return conn->upgraded && conn->early_left == 0;
}

/* Gives the bytes to the protocol, or to two in turn. */
static size_t pass(struct conn *conn, struct span in, uint64_t now_ns) {
  size_t taken = conn->inner.ops->recv(conn->inner.self, in, now_ns);
  conn->upgraded = false; /* what it was held back for has come */
  if (!conn->next.ops) return taken;
  change(conn);
  struct span rest = span_of(in.base + taken, in.len - taken);
  return rest.len ? taken + pass(conn, rest, now_ns) : taken;
}

static size_t recv(void *self, struct span in, uint64_t now_ns) {
  struct conn *conn = self;
  if (conn->inner.ops) return pass(conn, in, now_ns);
  if (conn->refused || in.len == 0) return in.len;
  size_t taken = sniff(conn, in, now_ns);
  if (conn->refused) return in.len;
  struct span rest = span_of(in.base + taken, in.len - taken);
  return rest.len && wants_more(conn) ? taken + pass(conn, rest, now_ns) : taken;
}

static size_t takes_vaulted(const void *self) {
  const struct conn *conn = self;
  const struct machine_ops *inner = conn->inner.ops;
  return inner && !conn->next.ops && inner->takes_vaulted ? inner->takes_vaulted(conn->inner.self)
                                                          : 0;
}

static void recv_eof(void *self, uint64_t now_ns) {
  struct conn *conn = self;
  conn->eof = true;
  if (conn->inner.ops) conn->inner.ops->recv_eof(conn->inner.self, now_ns);
}

static size_t send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                        uint64_t now_ns) {
  struct conn *conn = self;
  if (conn->plain)
    return conn->inner.ops->send_peek(conn->inner.self, out, max, budget_bytes, now_ns);
  size_t count = conn->farewell.len && max ? 1 : 0;
  if (count) out[0] = conn->farewell;
  if (!conn->inner.ops || count == max || is_held(conn)) return count;
  if (conn->upgraded && budget_bytes > conn->early_left) budget_bytes = conn->early_left;
  return count + conn->inner.ops->send_peek(conn->inner.self, out + count, max - count,
                                            budget_bytes, now_ns);
}

/* After the deadline the farewell is empty, though a send of it may still complete. */
static void send_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct conn *conn = self;
  if (conn->plain) {
    conn->inner.ops->send_ack(conn->inner.self, bytes, now_ns);
    return;
  }
  size_t taken = bytes < conn->farewell.len ? bytes : conn->farewell.len;
  if (taken) conn->farewell = span_of(conn->farewell.base + taken, conn->farewell.len - taken);
  size_t left = bytes - taken;
  if (conn->inner.ops) conn->inner.ops->send_ack(conn->inner.self, left, now_ns);
  conn->early_left -= left < conn->early_left ? (uint32_t)left : conn->early_left;
}

static void tick(void *self, uint64_t now_ns) {
  struct conn *conn = self;
  if (conn->inner.ops)
    conn->inner.ops->tick(conn->inner.self, now_ns);
  else if (now_ns >= conn->deadline_ns)
    give_up(conn);
}

static uint64_t deadline_ns(const void *self) {
  const struct conn *conn = self;
  if (conn->inner.ops) return conn->inner.ops->deadline_ns(conn->inner.self);
  return conn->deadline_ns;
}

/* HTTP/1.1 may still be upgraded. */
static bool is_of_use(const struct conn *conn) {
  return conn->inner.ops == &h1_machine_ops || conn->upgraded || conn->farewell.len;
}

static unsigned wants_of_inner(const struct conn *conn) {
  unsigned wants = conn->inner.ops->wants(conn->inner.self) & ~(unsigned)MACHINE_MOVES;
  if (!is_of_use(conn)) return wants | MACHINE_MOVES;
  if (is_held(conn)) wants &= ~(unsigned)MACHINE_SEND;
  const unsigned ends = MACHINE_DONE | MACHINE_ENDED;
  return conn->farewell.len ? (wants & ~ends) | MACHINE_SEND : wants;
}

static void move(void *self, struct machine *place) {
  struct conn *conn = self;
  *place = conn->inner;
  pool_give(&conn->engine->undecided, conn);
}

static unsigned wants(const void *self) {
  const struct conn *conn = self;
  if (conn->plain) return conn->inner.ops->wants(conn->inner.self);
  if (conn->inner.ops) return wants_of_inner(conn);
  if (conn->farewell.len) return MACHINE_SEND;
  return conn->refused || conn->eof ? MACHINE_DONE : MACHINE_RECV;
}

/* A connection that has said nothing has nothing to finish. */
static void drain(void *self, uint64_t now_ns) {
  struct conn *conn = self;
  if (conn->inner.ops)
    conn->inner.ops->drain(conn->inner.self, now_ns);
  else if (!conn->refused)
    give_up(conn);
}

/* It has requested nothing before its protocol is known. */
static uint64_t idle_since_ns(const void *self) {
  const struct conn *conn = self;
  if (conn->inner.ops) return conn->inner.ops->idle_since_ns(conn->inner.self);
  return conn->refused ? MACHINE_BUSY : conn->deadline_ns - PEER_PREFACE_NS;
}

static void close_conn(void *self) {
  struct conn *conn = self;
  if (conn->inner.ops) conn->inner.ops->close(conn->inner.self);
  pool_give(&conn->engine->undecided, conn);
}

static const struct machine_ops conn_ops = {
    .recv = recv,
    .takes_vaulted = takes_vaulted,
    .recv_eof = recv_eof,
    .send_peek = send_peek,
    .send_ack = send_ack,
    .tick = tick,
    .deadline_ns = deadline_ns,
    .wants = wants,
    .drain = drain,
    .idle_since_ns = idle_since_ns,
    .move = move,
    .close = close_conn,
};

static bool create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                   uint64_t now_ns, struct machine *out) {
  struct engine *engine = ctx;
  if (host && host->weight == 0) host->weight = engine->config.connection_weight;
  if (strcmp(peer->application_protocol, "h2") == 0)
    return h2_server(&engine->h2, peer, host, now_ns, out);
  if (strcmp(peer->application_protocol, "http/1.1") == 0)
    return h1_server(&engine->h1, peer, host, now_ns, out);
  if (strcmp(peer->application_protocol, "spdy/3.1") == 0)
    return make_spdy(engine, peer, host, now_ns, out);
  struct conn *conn = pool_take(&engine->undecided);
  if (!conn) {
    counter_add(&engine->http.counters.refused, 1);
    return false;
  }
  *conn = (struct conn){
      .engine = engine,
      .host = host,
      .peer = *peer,
      .deadline_ns = now_ns + PEER_PREFACE_NS,
  };
  conn->peer.application_protocol = ""; /* borrowed until create() returns, and not needed later */
  *out = (struct machine){.ops = &conn_ops, .self = conn};
  return true;
}

struct machine_factory conn_factory(struct engine *engine) {
  return (struct machine_factory){.ctx = engine, .create = create};
}
