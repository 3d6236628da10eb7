/*
 * tunnel/session.c - see tunnel/session.h.
 */
#include "tools/tunnel/session.h"

#include "engine/spdy/spdy.h"
#include "tools/client/wrap.h"
#include "tools/common/process.h"
#include "tools/tunnel/pair.h"

struct session {
  struct wrap wrap; /* first: around the SPDY session */
  struct handler handler;
  struct pairs pairs;
  struct machine_host *host;
  bool vanish; /* --fault vanish: the connection is to be cut */
};

static void on_stream(void *ctx, struct stream *stream, const struct request *request,
                      uint64_t now_ns) {
  struct session *session = ctx;
  (void)now_ns;
  pairs_stream(&session->pairs, stream, request->fields);
}

/* Comes from a timer, outside of the machine's calls. */
static void on_fault(struct pairs *pairs, unsigned faults) {
  struct session *session = (struct session *)((char *)pairs - offsetof(struct session, pairs));
  if (faults & FAULT_VANISH) {
    session->vanish = true;
  } else {
    wrap_drain(session, pairs->worker->worker->loop.now_ns);
    pairs_cut(pairs);
  }
  session->host->wake(session->host);
}

static unsigned session_wants(const void *self) {
  const struct session *session = self;
  return session->vanish ? MACHINE_RESET : wrap_wants(self);
}

static void session_close(void *self) {
  struct session *session = self;
  wrap_close(self);
  pairs_close(&session->pairs);
  memory_free(&process_memory, session, sizeof *session);
}

static const struct machine_ops session_ops = {
    .recv = wrap_recv,
    .takes_vaulted = wrap_takes_vaulted,
    .send_loans = wrap_send_loans,
    .recv_eof = wrap_recv_eof,
    .send_peek = wrap_send_peek,
    .send_ack = wrap_send_ack,
    .tick = wrap_tick,
    .deadline_ns = wrap_deadline_ns,
    .wants = session_wants,
    .drain = wrap_drain,
    .idle_since_ns = wrap_idle_since_ns,
    .close = session_close,
};

static bool create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                   uint64_t now_ns, struct machine *out) {
  const struct session_wish *wish = ctx;
  struct tunnel_worker *worker = wish->worker;
  struct session *session = memory_alloc(&process_memory, sizeof *session);
  if (!session) return false;
  *session = (struct session){
      .handler = {.ctx = session, .request = on_stream},
      .pairs = {.worker = worker, .pod = wish->pod, .tells = wish->tells, .fault = on_fault},
      .host = host};
  pairs_init(&session->pairs);
  const struct spdy_session_config config = {.minor = SPDY_3_1,
                                             .raw = true,
                                             .windows = SPDY_WINDOWS_DETECT,
                                             .ping_ns =
                                                 worker->options->keepalive_seconds * SECOND_NS,
                                             .patient = true,
                                             .handler = &session->handler};
  if (!spdy_server(&worker->engine->spdy, &config, peer, host, now_ns, out)) {
    memory_free(&process_memory, session, sizeof *session);
    return false;
  }
  wrap_around(&session->wrap, &session_ops, out);
  counter_add(&worker->counters.sessions, 1);
  return true;
}

struct machine_factory session_factory(struct session_wish *wish) {
  return (struct machine_factory){.ctx = wish, .create = create};
}
