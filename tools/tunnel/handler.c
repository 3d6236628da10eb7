/*
 * tunnel/handler.c - see tunnel/handler.h.
 */
#include "tools/tunnel/handler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/http/body.h"
#include "engine/http/field_list.h"
#include "engine/http/mount.h"
#include "engine/ws/mount.h"
#include "tools/common/process.h"
#include "tools/tunnel/api.h"
#include "tools/tunnel/routes.h"
#include "tools/tunnel/session.h"

#define UPGRADE_PROTOCOL "SPDY/3.1"
#define STREAM_PROTOCOL  "portforward.k8s.io"
#define SOCKET_PROTOCOL  UPGRADE_PROTOCOL "+" STREAM_PROTOCOL
#define VERSION_FIELD    "x-stream-protocol-version"
#define ACCEPTED_FIELD   "x-accepted-stream-protocol-versions"

/* ---- answers --------------------------------------------------------------------------------- */

struct answer {
  struct body_bytes body;
  char *text;
};

static void answer_free(void *ctx) {
  struct answer *answer = ctx;
  free(answer->text);
  free(answer);
}

/* Answers with text that is taken; NULL: memory was refused. `more` is one field more, or NULL. */
static void respond(struct stream *stream, unsigned status, const char *type, char *text,
                    const struct header *more) {
  struct answer *answer = text ? malloc(sizeof *answer) : NULL;
  struct header fields[3];
  char length[24];
  size_t count = 0;
  if (!answer) {
    free(text);
    (void)stream_respond(stream, 503, NULL, 0, BODY_NONE);
    return;
  }
  answer->text = text;
  snprintf(length, sizeof length, "%zu", strlen(text));
  fields[count++] = header_of(TOKEN_CONTENT_TYPE, span_text(type));
  fields[count++] = header_of(TOKEN_CONTENT_LENGTH, span_text(length));
  if (more) fields[count++] = *more;
  (void)stream_respond(stream, status, fields, count,
                       body_bytes(&answer->body, span_text(text), answer_free, answer));
}

static void respond_json(struct stream *stream, char *text) {
  respond(stream, 200, "application/json", text, NULL);
}

static void fail(struct stream *stream, unsigned status, const char *reason, const char *message) {
  respond(stream, status, "application/json", api_status(status, reason, message), NULL);
}

static void not_found(struct stream *stream, const char *kind, struct span name) {
  char message[TUNNEL_NAME_BYTES_MAX + 64];
  snprintf(message, sizeof message, "%s \"%.*s\" not found", kind,
           (int)(name.len < TUNNEL_NAME_BYTES_MAX ? name.len : TUNNEL_NAME_BYTES_MAX),
           name.len ? (const char *)name.base : "");
  fail(stream, 404, "NotFound", message);
}

/* ---- the upgrade ----------------------------------------------------------------------------- */

/* Whether one of the fields of this name lists `wanted`. */
static bool lists(const struct headers *fields, const char *name, const char *wanted) {
  struct span list, element;
  for (uint32_t i = 0; i < fields->count; i++) {
    if (!span_is(fields->at[i].name, name)) continue;
    list = fields->at[i].value;
    while (field_next(&list, &element))
      if (span_is(element, wanted)) return true;
  }
  return false;
}

/* kubectl, and everything that is made of its client library, ends its whole session for a byte on an error stream. Our
 * own client does not. */
static bool tells(const struct tunnel_worker *worker, const struct request *request) {
  const struct header *agent = headers_find(request->fields, TOKEN_USER_AGENT);
  bool ours = agent && agent->value.len >= 5 && memcmp(agent->value.base, "weir/", 5) == 0;
  return ours || worker->options->write_errors;
}

/* Browsers let any page open WebSockets to this machine, and say in `origin` whose page it is (RFC 6455 section 10.2).
 * Clients of Kubernetes do not send it. */
static void upgrade_socket(struct session_wish *wish, struct stream *stream,
                           const struct request *request) {
  static const char *const protocols[] = {SOCKET_PROTOCOL, NULL};
  const struct ws_mount_settings settings = {.memory = &process_memory,
                                             .factory = session_factory(wish),
                                             .protocols = protocols,
                                             .counters = &wish->worker->engine->ws,
                                             .ping_ns = MACHINE_NO_DEADLINE};
  if (headers_find(request->fields, TOKEN_ORIGIN))
    fail(stream, 403, "Forbidden", "a web page may not forward ports");
  else if (!lists(request->fields, "sec-websocket-protocol", SOCKET_PROTOCOL))
    fail(stream, 400, "BadRequest",
         "the WebSocket has to ask for the subprotocol " SOCKET_PROTOCOL
         "; v4.channel.k8s.io is not spoken here");
  else
    (void)!ws_mount_accept(stream, request, &settings);
}

static void upgrade_bare(struct session_wish *wish, struct stream *stream,
                         const struct request *request) {
  const struct header version = {.name = span_text(VERSION_FIELD),
                                 .value = span_text(STREAM_PROTOCOL)};
  const struct header accepted = {.name = span_text(ACCEPTED_FIELD),
                                  .value = span_text(STREAM_PROTOCOL)};
  const struct mount_settings settings = {
      .memory = &process_memory, .factory = session_factory(wish), .protocol = "spdy/3.1"};
  if (lists(request->fields, VERSION_FIELD, STREAM_PROTOCOL))
    (void)!mount_accept(stream, &version, 1, &settings);
  else
    respond(stream, 403, "text/plain; charset=utf-8",
            strdup("unable to upgrade: unable to negotiate protocol: this server accepts "
                   "[" STREAM_PROTOCOL "] in " VERSION_FIELD "\n"),
            &accepted);
}

static void forward(struct tunnel_worker *worker, struct stream *stream,
                    const struct request *request, const struct tunnel_route *route) {
  struct session_wish wish = {.worker = worker,
                              .pod =
                                  pods_find(&worker->options->pods, route->namespace, route->name),
                              .tells = tells(worker, request)};
  if (!wish.pod)
    not_found(stream, "pods", route->name);
  else if (span_is(request->protocol, "websocket"))
    upgrade_socket(&wish, stream, request);
  else if (span_is(request->protocol, UPGRADE_PROTOCOL))
    upgrade_bare(&wish, stream, request);
  else
    fail(stream, 400, "BadRequest",
         "Upgrade request required: to a websocket, or by POST to " UPGRADE_PROTOCOL);
}

/* ---- documents ------------------------------------------------------------------------------- */

static void discovery(struct stream *stream, const struct request *request, bool core) {
  const struct header *accept = headers_find(request->fields, TOKEN_ACCEPT);
  enum api_discovery how = api_discovery(accept ? accept->value : span_of(NULL, 0));
  respond(stream, 200, api_discovery_type(how), core ? api_core(how) : api_groups(how), NULL);
}

static void object(struct tunnel_worker *worker, struct stream *stream,
                   const struct tunnel_route *route) {
  const struct tunnel_pod *pod = pods_find(&worker->options->pods, route->namespace, route->name);
  if (route->kind == ROUTE_POD && pod)
    respond_json(stream, api_pod(pod));
  else if (route->kind == ROUTE_SERVICE && pod && pod->port)
    respond_json(stream, api_service(pod));
  else
    not_found(stream, route->kind == ROUTE_POD ? "pods" : "services", route->name);
}

static void one_namespace(const struct tunnel_pods *pods, struct stream *stream, struct span name) {
  for (unsigned i = 0; i < pods->count; i++) {
    if (!span_is(name, pods->at[i].namespace)) continue;
    respond_json(stream, api_namespace(pods->at[i].namespace));
    return;
  }
  not_found(stream, "namespaces", name);
}

static void document(struct tunnel_worker *worker, struct stream *stream,
                     const struct request *request, const struct tunnel_route *route) {
  const struct tunnel_pods *pods = &worker->options->pods;
  switch (route->kind) {
  case ROUTE_HEALTH: respond(stream, 200, "text/plain", strdup("ok"), NULL); return;
  case ROUTE_VERSION: respond_json(stream, api_version()); return;
  case ROUTE_CORE: discovery(stream, request, true); return;
  case ROUTE_GROUPS: discovery(stream, request, false); return;
  case ROUTE_V1: respond_json(stream, api_v1()); return;
  case ROUTE_NAMESPACES: respond_json(stream, api_namespaces(pods)); return;
  case ROUTE_NAMESPACE: one_namespace(pods, stream, route->namespace); return;
  case ROUTE_PODS: respond_json(stream, api_pods(pods, route->namespace, route->query)); return;
  case ROUTE_SERVICES:
    respond_json(stream, api_services(pods, route->namespace, route->query));
    return;
  case ROUTE_POD:
  case ROUTE_SERVICE: object(worker, stream, route); return;
  default:
    fail(stream, 404, "NotFound",
         "weir tunnel serves pods and their ports, and nothing else of the API");
  }
}

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  struct tunnel_worker *worker = ctx;
  struct tunnel_route route = route_read(request->path);
  bool reads = span_is(request->method, "GET") || span_is(request->method, "HEAD");
  enum tunnel_admission admission = access_check(&worker->options->access, stream->peer,
                                                 request->fields, now_ns - worker->begun_ns);
  if (admission != ADMITTED && route.kind != ROUTE_HEALTH)
    fail(stream, 401, "Unauthorized", access_message(admission));
  else if (route.kind == ROUTE_FORWARD)
    forward(worker, stream, request, &route);
  else if (!reads)
    fail(stream, 405, "MethodNotAllowed",
         "weir tunnel forwards ports; it runs and changes nothing");
  else
    document(worker, stream, request, &route);
}

struct handler tunnel_handler(struct tunnel_worker *worker) {
  static const char *const protocols[] = {"websocket", UPGRADE_PROTOCOL, NULL};
  return (struct handler){.ctx = worker, .request = on_request, .protocols = protocols};
}
