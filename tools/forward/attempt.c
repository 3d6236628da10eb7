/*
 * forward/attempt.c - see forward/attempt.h.
 */
#include "tools/forward/attempt.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/h1/h1.h"
#include "engine/http/mount.h"
#include "engine/ws/mount.h"
#include "io/base/list.h"
#include "tools/common/output.h"
#include "tools/common/process.h"
#include "tools/forward/ask.h"

#define WEBSOCKET_PROTOCOL "SPDY/3.1+portforward.k8s.io"
#define STREAM_PROTOCOL    "portforward.k8s.io"
#define UPGRADE_PROTOCOL   "SPDY/3.1"
#define STREAM_VERSION     "x-stream-protocol-version"

static struct attempt *attempt_of(struct client_connection *connection) {
  return LIST_OWNER(connection, struct attempt, connection);
}

static void arm(struct attempt *attempt, uint64_t deadline_ns) {
  timer_arm(&attempt->settings.worker->loop.timers, &attempt->timer, deadline_ns);
}

/* Has the timer called soon, outside of all machines. */
static void arm_now(struct attempt *attempt) {
  arm(attempt, attempt->settings.worker->loop.now_ns);
}

/* ---- its end --------------------------------------------------------------------------------- */

/* Only the first end counts. The connection is reset, because nothing on it is of use any more. */
static void end(struct attempt *attempt, enum attempt_end how, const char *reason) {
  if (attempt->ended) return;
  attempt->ended = attempt->cut = true;
  attempt->spdy = NULL;
  client_connection_cancel(&attempt->connection);
  if (attempt->connection.link && attempt->connection.state == CLIENT_UP)
    attempt->connection.link->wake(attempt->connection.link);
  attempt->settings.events->ended(attempt, how, reason);
}

/* What the server says may be in it, so that control characters become '?'. */
__attribute__((format(printf, 2, 3))) static void fail(struct attempt *attempt, const char *format,
                                                       ...) {
  char reason[FORWARD_REASON_BYTES];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  output_tame(reason, strlen(reason), '?');
  end(attempt, attempt->status == 401 ? ATTEMPT_UNAUTHORIZED : ATTEMPT_FAILED, reason);
}

/* ---- the session ----------------------------------------------------------------------------- */

static void explain_end(const struct attempt *attempt, const struct spdy_end *how, char *text,
                        size_t size) {
  double seconds = (double)attempt->settings.options->keepalive_ns / 1e9;
  switch (how->reason) {
  case SPDY_END_DONE: snprintf(text, size, "it was ended"); break;
  case SPDY_END_GOAWAY: snprintf(text, size, "the server ended it (GOAWAY %u)", how->code); break;
  case SPDY_END_BROKEN:
    snprintf(text, size, "the server broke the protocol: %s", how->what ? how->what : "");
    break;
  case SPDY_END_EOF: snprintf(text, size, "the server closed the connection"); break;
  case SPDY_END_LOST:
    snprintf(text, size, "nothing came from the server for %g seconds", seconds);
    break;
  case SPDY_END_CLOSED:
    snprintf(text, size, "%s",
             attempt->reason[0]        ? attempt->reason
             : attempt->connection.eof ? "the server closed the connection"
                                       : "the connection was reset");
    break;
  }
}

static void on_session_ended(void *ctx, struct spdy *spdy, const struct spdy_end *how) {
  struct attempt *attempt = ctx;
  char reason[FORWARD_REASON_BYTES];
  (void)spdy;
  explain_end(attempt, how, reason, sizeof reason);
  attempt->spdy = NULL;
  end(attempt, attempt->told_up ? ATTEMPT_LOST : ATTEMPT_FAILED, reason);
}

static void on_session_room(void *ctx, struct spdy *spdy) {
  struct attempt *attempt = ctx;
  (void)spdy;
  if (attempt->told_up && !attempt->ended) attempt->settings.events->room(attempt);
}

static void on_session_closing(void *ctx, struct spdy *spdy) {
  struct attempt *attempt = ctx;
  (void)spdy;
  if (attempt->told_up && !attempt->ended) attempt->settings.events->closing(attempt);
}

static const struct spdy_client_events session_events = {
    .ended = on_session_ended, .closing = on_session_closing, .room = on_session_room};

/* The tunnel is there. up() comes outside of this call. */
static bool create_session(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                           uint64_t now_ns, struct machine *out) {
  struct attempt *attempt = ctx;
  const struct spdy_session_config config = {
      .minor = SPDY_3_1,
      .raw = true,
      .windows = SPDY_WINDOWS_DETECT,
      .ping_ns = attempt->settings.options->keepalive_ns / 2,
  };
  if (attempt->ended) return false;
  if (!spdy_client(&attempt->settings.engine->spdy, &config, peer, host, now_ns, out)) return false;
  attempt->session = *out;
  attempt->session_host = host;
  attempt->spdy = spdy_of(out);
  spdy_client_listen(attempt->spdy, &session_events, attempt);
  arm_now(attempt);
  return true;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* An answer that is too large loses its status. */
static void append_body(struct attempt *attempt, struct span bytes) {
  bool fits = bytes.len <= API_BODY_BYTES_MAX - attempt->body_len;
  if (bytes.len == 0) return;
  char *larger = fits ? realloc(attempt->body, attempt->body_len + bytes.len) : NULL;
  if (!larger) {
    attempt->status = 0;
    return;
  }
  memcpy(larger + attempt->body_len, bytes.base, bytes.len);
  attempt->body = larger;
  attempt->body_len += bytes.len;
}

static void forget_answer(struct attempt *attempt) {
  free(attempt->body);
  attempt->body = NULL;
  attempt->body_len = 0;
  attempt->status = 0;
  attempt->asked = false;
}

static void explain_answer(const struct attempt *attempt, char *text, size_t size) {
  api_explain(attempt->status, attempt->body ? attempt->body : "", attempt->body_len, text, size);
}

/* ---- looking up ------------------------------------------------------------------------------ */

static enum attempt_step first_tunnel_step(const struct attempt *attempt) {
  return attempt->settings.options->websocket ? STEP_WEBSOCKET : STEP_UPGRADE;
}

/* Slices may be forbidden, or missing in an old cluster. */
static bool may_ask_for_pods(const struct attempt *attempt) {
  return attempt->step == STEP_SLICES && (attempt->status == 403 || attempt->status == 404);
}

/* What the answer to a lookup means. False, with a reason, when it is the end. */
static bool read_lookup(struct attempt *attempt, json_t *answer, const struct failure *failure) {
  struct api_lookup *lookup = &attempt->lookup;
  switch (attempt->step) {
  case STEP_POD: return api_read_pod(lookup, answer, failure);
  case STEP_SLICES: return api_read_slices(lookup, attempt->service, answer, failure);
  case STEP_PODS: return api_read_pods(lookup, attempt->service, answer, failure);
  default:
    json_decref(attempt->service);
    attempt->service = json_incref(answer);
    return api_check_service(lookup, answer, failure);
  }
}

static void take_lookup(struct attempt *attempt) {
  char reason[FORWARD_REASON_BYTES];
  const struct failure failure = {reason, sizeof reason};
  json_error_t where;
  if (may_ask_for_pods(attempt)) {
    attempt->step = STEP_PODS;
    return;
  }
  explain_answer(attempt, reason, sizeof reason);
  if (attempt->status != 200) {
    fail(attempt, "%s", attempt->status ? reason : "an answer of the server is too large");
    return;
  }
  json_t *answer = json_loadb(attempt->body ? attempt->body : "", attempt->body_len, 0, &where);
  bool good = answer ? read_lookup(attempt, answer, &failure)
                     : failure_set(&failure, "an answer of the server is not JSON: %s", where.text);
  json_decref(answer);
  if (!good)
    fail(attempt, "%s", reason);
  else
    attempt->step = attempt->step == STEP_SERVICE ? STEP_SLICES : first_tunnel_step(attempt);
}

static void on_lookup_response(struct stream *stream, unsigned status, const struct headers *fields,
                               bool final) {
  struct attempt *attempt = stream->user;
  (void)fields, (void) final;
  if (status >= 200) attempt->status = status;
}

static void on_lookup_data(struct stream *stream, struct span bytes, bool final) {
  (void) final;
  append_body(stream->user, bytes);
}

/* A whole answer, or the connection has broken: then gone() decides. */
static void on_lookup_closed(struct stream *stream, uint32_t code) {
  struct attempt *attempt = stream->user;
  if (code == 0 && !attempt->ended) {
    attempt->openings = 0;
    take_lookup(attempt);
  }
  forget_answer(attempt);
}

static const struct stream_events lookup_events = {
    .response = on_lookup_response, .data = on_lookup_data, .closed = on_lookup_closed};

static bool ask_lookup(struct attempt *attempt) {
  const char *namespace = attempt->access.namespace, *name = attempt->settings.options->target.name;
  char path[API_PATH_BYTES], reason[FORWARD_REASON_BYTES];
  const struct failure failure = {reason, sizeof reason};
  struct ask ask;
  switch (attempt->step) {
  case STEP_POD: api_pod_path(path, namespace, name); break;
  case STEP_SERVICE: api_service_path(path, namespace, name); break;
  case STEP_SLICES: api_slices_path(path, namespace, name); break;
  default:
    if (api_pods_path(path, namespace, attempt->service, &failure)) break;
    fail(attempt, "%s", reason);
    return true;
  }
  ask_begin(&ask, &attempt->access, "GET", NULL, path);
  ask_add(&ask, TOKEN_ACCEPT, "application/json");
  return h1_request(attempt->h1, ask.fields, ask.count, BODY_NONE, &lookup_events, attempt);
}

/* ---- the tunnel ------------------------------------------------------------------------------ */

static void tunnel_path(const struct attempt *attempt, char path[API_PATH_BYTES]) {
  const struct target *target = &attempt->settings.options->target;
  if (target->kind == TARGET_URL)
    snprintf(path, API_PATH_BYTES, "%s", target->url.target);
  else
    api_tunnel_path(path, attempt->access.namespace, attempt->lookup.pod);
}

static bool on_websocket_opened(void *ctx, const char *protocol) {
  (void)ctx;
  return protocol; /* without the subprotocol it is another kind of WebSocket */
}

static void on_websocket_refused(void *ctx, unsigned status, const struct headers *fields) {
  struct attempt *attempt = ctx;
  (void)fields;
  attempt->status = status;
}

/* What ended it, the server's word or what it did wrong, says more than that the connection is closed. */
static void note_websocket_end(struct attempt *attempt, unsigned code, struct span reason) {
  if (code == WS_NORMAL || code == WS_ABNORMAL) return;
  snprintf(attempt->reason, sizeof attempt->reason, "the WebSocket ended with %u%s%.*s", code,
           reason.len ? ": " : "", (int)reason.len, reason.len ? (const char *)reason.base : "");
  output_tame(attempt->reason, strlen(attempt->reason), '?');
}

/* Whatever went wrong, the other way is tried, as kubectl does, unless the credentials were refused. */
static void on_websocket_closed(void *ctx, unsigned code, struct span reason) {
  struct attempt *attempt = ctx;
  if (attempt->ended) return;
  if (attempt->websocket) {
    note_websocket_end(attempt, code, reason);
    return;
  }
  attempt->refused = attempt->status;
  if (attempt->status == 401)
    fail(attempt, "the server does not accept the credentials (status 401)");
  attempt->step = STEP_UPGRADE;
  attempt->openings = 0;
  forget_answer(attempt);
}

static bool create_in_websocket(void *ctx, const struct machine_peer *peer,
                                struct machine_host *host, uint64_t now_ns, struct machine *out) {
  struct attempt *attempt = ctx;
  attempt->websocket = create_session(ctx, peer, host, now_ns, out);
  return attempt->websocket;
}

static uint32_t random_bits(void *ctx) {
  struct attempt *attempt = ctx;
  uint8_t *bytes = (uint8_t *)attempt->random;
  if (attempt->random_left == 0) {
    if (RAND_bytes(bytes, sizeof attempt->random) != 1) abort();
    attempt->random_left = FORWARD_RANDOM_AHEAD;
  }
  return attempt->random[--attempt->random_left];
}

static bool ask_websocket(struct attempt *attempt) {
  static const char *const protocols[] = {WEBSOCKET_PROTOCOL, NULL};
  static const struct ws_mount_events events = {.opened = on_websocket_opened,
                                                .refused = on_websocket_refused,
                                                .closed = on_websocket_closed};
  const struct ws_mount_settings settings = {
      .memory = &process_memory,
      .factory = {.ctx = attempt, .create = create_in_websocket},
      .protocols = protocols,
      .events = &events,
      .ctx = attempt,
      .ping_ns = MACHINE_NO_DEADLINE, /* SPDY's reach farther */
      .random = random_bits,
      .random_ctx = attempt,
  };
  char path[API_PATH_BYTES];
  struct ws_mount_client client;
  struct ask ask;
  if (!ws_mount_client(&client, &settings, true)) return false;
  tunnel_path(attempt, path);
  ask_begin(&ask, &attempt->access, "CONNECT", "websocket", path);
  for (size_t i = 0; i < client.end.field_count; i++)
    ask.fields[ask.count++] = client.end.fields[i];
  struct stream *stream = h1_request(attempt->h1, ask.fields, ask.count, client.end.body,
                                     client.end.events, client.end.ws);
  ws_mount_client_sent(&client, stream);
  return stream;
}

static struct span value_of(const struct headers *fields, const char *name) {
  const struct header *field = headers_find_name(fields, name);
  return field ? field->value : span_of(NULL, 0);
}

/* An upgrade to something else, or a refusal that says what would be accepted. */
static void note_mismatch(struct attempt *attempt, const struct headers *fields, bool accepted) {
  struct span version = value_of(fields, STREAM_VERSION);
  struct span others = value_of(fields, "x-accepted-stream-protocol-versions");
  if (accepted)
    snprintf(attempt->mismatch, sizeof attempt->mismatch,
             "the server speaks \"%.*s\" instead of " STREAM_PROTOCOL, (int)version.len,
             version.len ? (const char *)version.base : "");
  else if (others.len)
    snprintf(attempt->mismatch, sizeof attempt->mismatch,
             "the server does not speak " STREAM_PROTOCOL ", but %.*s", (int)others.len,
             (const char *)others.base);
}

static bool on_upgrade_response(void *ctx, unsigned status, const struct headers *fields,
                                bool accepted) {
  struct attempt *attempt = ctx;
  attempt->status = status;
  if (accepted && span_is(value_of(fields, STREAM_VERSION), STREAM_PROTOCOL)) return true;
  note_mismatch(attempt, fields, accepted);
  return false;
}

static void on_upgrade_refused(void *ctx, struct span bytes) {
  append_body(ctx, bytes);
}

static void on_upgrade_closed(void *ctx, uint32_t code) {
  struct attempt *attempt = ctx;
  char reason[FORWARD_REASON_BYTES];
  (void)code;
  if (attempt->ended || attempt->spdy) return;
  attempt->asked = false;
  if (attempt->status == 0) return; /* the connection has broken: gone() decides */
  explain_answer(attempt, reason, sizeof reason);
  if (attempt->mismatch[0])
    fail(attempt, "%s", attempt->mismatch);
  else if (attempt->refused == 101)
    fail(attempt, "the server refuses the tunnel: %s; as a WebSocket: its answer is not valid",
         reason);
  else if (attempt->refused)
    fail(attempt, "the server refuses the tunnel: %s; as a WebSocket: status %u", reason,
         attempt->refused);
  else
    fail(attempt, "the server refuses the tunnel: %s", reason);
}

static bool ask_upgrade(struct attempt *attempt) {
  static const struct mount_events events = {
      .response = on_upgrade_response, .refused = on_upgrade_refused, .closed = on_upgrade_closed};
  const struct mount_settings settings = {
      .memory = &process_memory,
      .factory = {.ctx = attempt, .create = create_session},
      .protocol = UPGRADE_PROTOCOL,
      .events = &events,
      .ctx = attempt,
  };
  char path[API_PATH_BYTES];
  struct mount_client client;
  struct ask ask;
  if (!mount_client(&client, &settings, true)) return false;
  tunnel_path(attempt, path);
  ask_begin(&ask, &attempt->access, "POST", UPGRADE_PROTOCOL, path);
  ask_add_named(&ask, STREAM_VERSION, STREAM_PROTOCOL);
  struct stream *stream =
      h1_request(attempt->h1, ask.fields, ask.count, client.body, client.events, client.mount);
  mount_client_sent(&client, stream);
  return stream;
}

/* ---- the connection -------------------------------------------------------------------------- */

/* Makes the step's request, if the connection takes one now. */
static void perform(struct attempt *attempt) {
  if (attempt->ended || attempt->asked || !attempt->h1 || !h1_request_room(attempt->h1)) return;
  bool asked;
  attempt->asked = true;
  switch (attempt->step) {
  case STEP_WEBSOCKET: asked = ask_websocket(attempt); break;
  case STEP_UPGRADE: asked = ask_upgrade(attempt); break;
  default: asked = ask_lookup(attempt); break;
  }
  if (!asked) fail(attempt, "the request could not be made");
}

static void on_h1_ready(void *ctx, struct h1 *h1) {
  (void)h1;
  perform(ctx);
}

static void on_h1_ended(void *ctx, struct h1 *h1, enum h1_end_reason reason, const char *what) {
  struct attempt *attempt = ctx;
  (void)h1;
  attempt->h1 = NULL;
  if (reason == H1_END_BROKEN)
    client_blame(&attempt->connection, "the server's response is not valid: %s", what ? what : "");
  else if (reason == H1_END_EOF || attempt->connection.eof)
    client_blame(&attempt->connection, "the server closed the connection");
}

static bool create(struct client_connection *connection, const struct machine_peer *peer,
                   struct machine_host *host, uint64_t now_ns, struct machine *out) {
  static const struct h1_client_events events = {.ready = on_h1_ready, .ended = on_h1_ended};
  struct attempt *attempt = attempt_of(connection);
  if (!h1_client(&attempt->settings.engine->h1, peer, host, now_ns, out)) return false;
  attempt->h1 = h1_of(out);
  h1_client_listen(attempt->h1, &events, attempt);
  arm_now(attempt); /* the request is made outside of this call */
  return true;
}

/* The outermost machine wants a reset when the attempt is cut. */
static unsigned wants(const void *self) {
  const struct client_connection *connection = self;
  const struct attempt *attempt =
      (const struct attempt *)((const uint8_t *)connection - offsetof(struct attempt, connection));
  return attempt->cut ? MACHINE_RESET : wrap_wants(self);
}

static void around(struct client_connection *connection, struct machine *machine) {
  struct attempt *attempt = attempt_of(connection);
  attempt->around = *machine->ops;
  attempt->around.wants = wants;
  machine->ops = &attempt->around;
}

static void blamed(struct client_connection *connection, const char *reason) {
  struct attempt *attempt = attempt_of(connection);
  snprintf(attempt->reason, sizeof attempt->reason, "%s", reason);
}

/* A server may close between two answers: then the connection is opened again. */
static void gone(struct client_connection *connection) {
  struct attempt *attempt = attempt_of(connection);
  bool again = connection->created && attempt->openings < ATTEMPT_OPENINGS_MAX;
  attempt->h1 = NULL;
  if (again && !attempt->ended && !attempt->told_up && !attempt->settings.worker->draining) {
    attempt->openings++;
    client_connection_open(connection);
    return;
  }
  end(attempt, attempt->told_up ? ATTEMPT_LOST : ATTEMPT_FAILED,
      attempt->reason[0] ? attempt->reason : "the connection was reset");
  timer_cancel(&attempt->settings.worker->loop.timers, &attempt->timer);
  attempt->settings.events->gone(attempt);
}

/* What is due outside of machine calls; or the time is up. */
static void on_timer(struct timer *timer, uint64_t now_ns) {
  struct attempt *attempt = LIST_OWNER(timer, struct attempt, timer);
  if (attempt->ended || attempt->told_up) return;
  if (attempt->spdy) {
    attempt->told_up = true;
    attempt->settings.events->up(attempt);
  } else if (now_ns >= attempt->until_ns) {
    fail(attempt, "it took too long to connect");
  } else {
    arm(attempt, attempt->until_ns);
    perform(attempt);
  }
}

bool attempt_start(struct attempt *attempt, const struct attempt_settings *settings,
                   struct access *access) {
  static const struct client_ops ops = {
      .create = create, .around = around, .blamed = blamed, .gone = gone};
  const struct forward_options *options = settings->options;
  *attempt = (struct attempt){
      .settings = *settings,
      .access = *access,
      .lookup = {.ports = options->ports,
                 .port_count = options->port_count,
                 .avoid = settings->avoid},
      .openings = 1,
      .until_ns = settings->worker->loop.now_ns + FORWARD_ATTEMPT_NS,
  };
  *access = (struct access){.address_count = 0};
  attempt->server = (struct client_server){.authority = attempt->access.server.authority,
                                           .addresses = attempt->access.addresses,
                                           .address_count = attempt->access.address_count,
                                           .connect_ns = CLIENT_CONNECT_NS};
  if (!client_server_init(&attempt->server, attempt->access.tls, attempt->access.host, 1)) {
    attempt_free(attempt);
    return false;
  }
  switch (options->target.kind) {
  case TARGET_POD: attempt->step = STEP_POD; break;
  case TARGET_SERVICE: attempt->step = STEP_SERVICE; break;
  case TARGET_URL: attempt->step = first_tunnel_step(attempt); break;
  }
  snprintf(attempt->lookup.pod, sizeof attempt->lookup.pod, "%s", options->target.name);
  for (unsigned i = 0; i < options->port_count; i++)
    attempt->lookup.remote[i] = options->ports[i].remote;
  timer_init(&attempt->timer, on_timer);
  arm(attempt, attempt->until_ns);
  client_connection_init(&attempt->connection, &attempt->server, settings->worker, &ops);
  client_connection_open(&attempt->connection);
  return true;
}

void attempt_stop(struct attempt *attempt, bool orderly) {
  struct worker *worker = attempt->settings.worker;
  bool session = attempt->spdy;
  attempt->ended = true;
  attempt->spdy = NULL;
  if (orderly && session) {
    attempt->session.ops->drain(attempt->session.self, worker->loop.now_ns);
    attempt->session_host->wake(attempt->session_host);
    return;
  }
  attempt->cut = true;
  client_connection_cancel(&attempt->connection);
  if (attempt->connection.state == CLIENT_UP)
    attempt->connection.link->wake(attempt->connection.link);
}

void attempt_free(struct attempt *attempt) {
  client_server_free(&attempt->server);
  access_free(&attempt->access);
  json_decref(attempt->service);
  free(attempt->body);
  *attempt = (struct attempt){.spdy = NULL};
}
