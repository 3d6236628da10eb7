/*
 * conn.c - holds the first bytes of a clear-text connection until they tell its protocol, then
 * passes everything to that protocol's machine.
 */
#include "engine/conn.h"

#include "engine/h2/h2.h"

#include <assert.h>
#include <string.h>

/* "http/1.1" is offered although it only earns a 505: a client that speaks nothing newer learns the
 * reason, rather than a bare TLS alert. */
const char *const conn_protocols[] = {"h2", "http/1.1", NULL};

struct conn {
  struct engine *engine;
  struct machine inner; /* ops is NULL until the protocol is known */
  struct machine_host *host;
  struct machine_peer peer;
  uint64_t deadline_ns; /* for the first bytes to arrive */
  uint32_t have;
  bool eof, refused;
  bool refuse_only;     /* TLS agreed on HTTP/1.1 */
  struct span farewell; /* what is still to be sent to a peer that does not speak HTTP/2 */
  uint8_t first[CONN_SNIFF_BYTES];
};
_Static_assert(sizeof(struct conn) <= CONN_BYTES, "it fits into the engine's pool");

static const char refusal[] =
    "HTTP/1.1 505 HTTP Version Not Supported\r\n"
    "content-type: text/plain; charset=utf-8\r\n"
    "content-length: 73\r\n"
    "connection: close\r\n"
    "\r\n"
    "This port speaks HTTP/2 only: try curl --http2-prior-knowledge, or https\n";

/* ---- choosing -------------------------------------------------------------------------------- */

static void refuse_http1(struct conn *conn) {
  conn->refused = true;
  conn->farewell = span_of(refusal, sizeof refusal - 1);
}

static void give_up(struct conn *conn) {
  conn->refused = true;
  conn->farewell = (struct span){0};
}

/* From now on it is HTTP/2. Bytes that are not get GOAWAY. */
static void become_h2(struct conn *conn, uint64_t now_ns) {
  if (!h2_server(&conn->engine->h2, &conn->peer, conn->host, now_ns, &conn->inner)) {
    give_up(conn);
    return;
  }
  if (conn->have)
    (void)conn->inner.ops->recv(conn->inner.self, span_of(conn->first, conn->have), now_ns);
}

/* A complete first line that ends in HTTP/1.x. */
static bool is_http1(const struct conn *conn) {
  const uint8_t *end = memchr(conn->first, '\n', conn->have);
  if (!end) return false;
  size_t len = (size_t)(end - conn->first);
  if (len > 0 && conn->first[len - 1] == '\r') len--;
  return len >= 9 && memcmp(conn->first + len - 8, "HTTP/1.", 7) == 0;
}

static void sniff(struct conn *conn, uint64_t now_ns) {
  size_t common = conn->have < H2_PREFACE_BYTES ? conn->have : H2_PREFACE_BYTES;
  bool may_be_h2 = !conn->refuse_only && memcmp(conn->first, H2_PREFACE, common) == 0;
  if (may_be_h2 && conn->have < H2_PREFACE_BYTES) return;
  if (may_be_h2) {
    become_h2(conn, now_ns);
    return;
  }
  bool line = memchr(conn->first, '\n', conn->have);
  bool full = conn->have == sizeof conn->first;
  if (is_http1(conn) || (full && !line) || (line && conn->refuse_only))
    refuse_http1(conn); /* a request line longer than CONN_SNIFF_BYTES is still one */
  else if (line)
    become_h2(conn, now_ns); /* which answers with GOAWAY */
}

/* ---- the machine ----------------------------------------------------------------------------- */

static size_t recv(void *self, struct span in, uint64_t now_ns) {
  struct conn *conn = self;
  if (conn->inner.ops) return conn->inner.ops->recv(conn->inner.self, in, now_ns);
  if (conn->refused) return in.len;
  size_t room = sizeof conn->first - conn->have;
  size_t take = in.len < room ? in.len : room;
  memcpy(conn->first + conn->have, in.base, take);
  conn->have += (uint32_t)take;
  sniff(conn, now_ns);
  if (conn->refused) return in.len;
  if (!conn->inner.ops) return take;
  struct span rest = span_of(in.base + take, in.len - take);
  return rest.len ? take + conn->inner.ops->recv(conn->inner.self, rest, now_ns) : take;
}

static void recv_eof(void *self, uint64_t now_ns) {
  struct conn *conn = self;
  conn->eof = true;
  if (conn->inner.ops) conn->inner.ops->recv_eof(conn->inner.self, now_ns);
}

static size_t send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                        uint64_t now_ns) {
  struct conn *conn = self;
  if (conn->inner.ops)
    return conn->inner.ops->send_peek(conn->inner.self, out, max, budget_bytes, now_ns);
  if (conn->farewell.len == 0 || max == 0) return 0;
  out[0] = conn->farewell;
  return 1;
}

static void send_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct conn *conn = self;
  if (conn->inner.ops) {
    conn->inner.ops->send_ack(conn->inner.self, bytes, now_ns);
    return;
  }
  /* After the deadline the farewell is empty, though a send of it may still complete. */
  size_t taken = bytes < conn->farewell.len ? bytes : conn->farewell.len;
  conn->farewell = span_of(conn->farewell.base + taken, conn->farewell.len - taken);
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

static unsigned wants(const void *self) {
  const struct conn *conn = self;
  if (conn->inner.ops) return conn->inner.ops->wants(conn->inner.self);
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
  return conn->refused ? MACHINE_BUSY : conn->deadline_ns - H2_PREFACE_NS;
}

static void close_conn(void *self) {
  struct conn *conn = self;
  if (conn->inner.ops) conn->inner.ops->close(conn->inner.self);
  pool_give(&conn->engine->undecided, conn);
}

static const struct machine_ops conn_ops = {
    .recv = recv,
    .recv_eof = recv_eof,
    .send_peek = send_peek,
    .send_ack = send_ack,
    .tick = tick,
    .deadline_ns = deadline_ns,
    .wants = wants,
    .drain = drain,
    .idle_since_ns = idle_since_ns,
    .close = close_conn,
};

static bool create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                   uint64_t now_ns, struct machine *out) {
  struct engine *engine = ctx;
  if (host && host->weight == 0) host->weight = engine->config.connection_weight;
  if (strcmp(peer->application_protocol, "h2") == 0)
    return h2_server(&engine->h2, peer, host, now_ns, out);
  struct conn *conn = pool_take(&engine->undecided);
  if (!conn) {
    counter_add(&engine->http.counters.refused, 1);
    return false;
  }
  *conn = (struct conn){
      .engine = engine,
      .host = host,
      .peer = *peer,
      .deadline_ns = now_ns + H2_PREFACE_NS,
      .refuse_only = strcmp(peer->application_protocol, "http/1.1") == 0,
  };
  conn->peer.application_protocol = ""; /* borrowed until create() returns, and not needed later */
  *out = (struct machine){.ops = &conn_ops, .self = conn};
  return true;
}

struct machine_factory conn_factory(struct engine *engine) {
  return (struct machine_factory){.ctx = engine, .create = create};
}
