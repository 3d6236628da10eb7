/*
 * ws/mount.c - see ws/mount.h.
 *
 * What the machine sends becomes messages when the stream sends (ws/source.h); what it does not read holds the
 * WebSocket back (ws_hold()). A call that reaches the machine is an *entry*, as in http/mount.c.
 */
#include "engine/ws/mount.h"

#include "engine/base/text.h"
#include "engine/http/nested.h"
#include "engine/ws/closing.h"
#include "engine/ws/handshake.h"
#include "engine/ws/limits.h"
#include "engine/ws/source.h"
#include "engine/ws/ws.h"

struct ws_mount {
  struct ws_mount_settings settings;
  struct ws_settings own; /* of its end */
  struct ws *ws;          /* NULL before and after */
  struct nested nested;
  uint64_t now_ns; /* of the last entry: closed() brings no time */
  unsigned entries;
  bool sending; /* within a pull, which tells what the machine had to send before it */
  bool held;    /* the WebSocket, because bytes are kept */
  bool closed;  /* nothing else holds the mount */
};

/* ---- entries --------------------------------------------------------------------------------- */

static void enter(struct ws_mount *mount) {
  mount->entries++;
  if (mount->ws) mount->now_ns = ws_now_ns(mount->ws);
}

/* Lets the machine read what was kept, and what comes behind it. Whether it has read something. */
static bool go_on(struct ws_mount *mount) {
  bool read = nested_go_on(&mount->nested, mount->now_ns) > 0;
  if (!mount->held || mount->nested.kept || !mount->ws) return read;
  mount->held = false;
  ws_release(mount->ws);
  return read;
}

/* Does for the machine what a host does after each call. */
static void settle(struct ws_mount *mount) {
  if (!mount->nested.machine.ops) return;
  bool read = go_on(mount);
  if (!mount->ws) return;
  unsigned wants = nested_wants(&mount->nested);
  if (wants & MACHINE_RESET) {
    stream_reset(ws_stream(mount->ws), 0);
    return;
  }
  if (wants & MACHINE_SEND && (!mount->sending || read)) stream_resume(ws_stream(mount->ws));
  ws_timer(mount->ws, nested_deadline_ns(&mount->nested));
  if (wants & MACHINE_DONE) ws_close(mount->ws, WS_NORMAL, span_of(NULL, 0));
}

static void leave(struct ws_mount *mount) {
  if (mount->entries == 1) {
    if (mount->ws) settle(mount);
    mount->sending = false;
  }
  if (--mount->entries > 0 || !mount->closed) return;
  nested_close(&mount->nested);
  memory_free(mount->settings.memory, mount, sizeof *mount);
}

/* Something changed outside of a call of ours. */
static void wake(struct machine_host *host) {
  struct ws_mount *mount =
      (struct ws_mount *)((uint8_t *)host - offsetof(struct ws_mount, nested.host));
  if (mount->entries == 0 && mount->ws) ws_timer(mount->ws, ws_now_ns(mount->ws));
}

static bool make(struct ws_mount *mount) {
  const char *protocol = ws_protocol(mount->ws);
  return nested_make(&mount->nested, mount->settings.factory, ws_stream(mount->ws),
                     protocol ? protocol : "websocket");
}

/* ---- sending --------------------------------------------------------------------------------- */

static bool source_waits(struct ws *ws) {
  const struct ws_mount *mount = ws_user(ws);
  return nested_wants(&mount->nested) & MACHINE_SEND;
}

static void source_look(struct ws *ws, struct nested_gift *gift, size_t bytes_max, size_t room,
                        size_t lend_max) {
  struct ws_mount *mount = ws_user(ws);
  enter(mount);
  mount->sending = true;
  nested_look(&mount->nested, gift, bytes_max, room, lend_max, mount->now_ns);
}

/* What has left may have been what the machine waited for. */
static void source_gave(struct ws *ws, const struct nested_gift *gift) {
  struct ws_mount *mount = ws_user(ws);
  nested_gave(&mount->nested, gift, mount->now_ns);
  leave(mount);
}

static const struct ws_source source = {
    .waits = source_waits, .look = source_look, .gave = source_gave};

/* ---- events ---------------------------------------------------------------------------------- */

static void on_open(struct ws *ws) {
  struct ws_mount *mount = ws_user(ws);
  const struct ws_mount_events *events = mount->settings.events;
  bool go_on = true;
  mount->ws = ws;
  ws_source_set(ws, &source);
  enter(mount);
  if (events && events->opened) go_on = events->opened(mount->settings.ctx, ws_protocol(ws));
  if (!go_on)
    ws_close(ws, WS_PROTOCOL_ERROR, span_text("this subprotocol is not spoken"));
  else if (!make(mount))
    ws_close(ws, WS_INTERNAL_ERROR, span_of(NULL, 0));
  leave(mount);
}

static void on_message(struct ws *ws, enum ws_kind kind, struct span bytes, bool end) {
  struct ws_mount *mount = ws_user(ws);
  (void)end;
  enter(mount);
  if (kind == WS_TEXT)
    ws_fail(ws, WS_UNSUPPORTED_DATA, "only binary messages are understood");
  else if (nested_give(&mount->nested, bytes, mount->now_ns) == SIZE_MAX && mount->ws)
    ws_close(ws, WS_INTERNAL_ERROR, span_text("no memory to keep what came"));
  if (mount->nested.kept && mount->ws) {
    mount->held = true;
    ws_hold(ws);
  }
  leave(mount);
}

static size_t on_takes_vaulted(const struct ws *ws) {
  const struct ws_mount *mount = ws_user(ws);
  return nested_takes_vaulted(&mount->nested);
}

static void on_timer(struct ws *ws, uint64_t now_ns) {
  struct ws_mount *mount = ws_user(ws);
  enter(mount);
  nested_tick(&mount->nested, now_ns);
  leave(mount);
}

static void on_drain(struct ws *ws) {
  struct ws_mount *mount = ws_user(ws);
  enter(mount);
  nested_drain(&mount->nested, mount->now_ns);
  leave(mount);
}

static void on_refused(struct ws *ws, unsigned status, const struct headers *fields) {
  struct ws_mount *mount = ws_user(ws);
  const struct ws_mount_events *events = mount->settings.events;
  if (events && events->refused) events->refused(mount->settings.ctx, status, fields);
}

/* The peer's close comes behind all of its messages. */
static void on_closed(struct ws *ws, unsigned code, struct span reason) {
  struct ws_mount *mount = ws_user(ws);
  const struct ws_mount_events *events = mount->settings.events;
  mount->ws = NULL;
  enter(mount);
  if (code == WS_NORMAL) {
    nested_end(&mount->nested);
    (void)!nested_go_on(&mount->nested, mount->now_ns);
  }
  mount->closed = true;
  if (events && events->closed) events->closed(mount->settings.ctx, code, reason);
  leave(mount);
}

static const struct ws_events mount_events = {.open = on_open,
                                              .refused = on_refused,
                                              .message = on_message,
                                              .takes_vaulted = on_takes_vaulted,
                                              .timer = on_timer,
                                              .drain = on_drain,
                                              .closed = on_closed};

/* ---- life ------------------------------------------------------------------------------------ */

static struct ws_mount *mount_new(const struct ws_mount_settings *settings) {
  struct ws_mount *mount = memory_alloc(settings->memory, sizeof *mount);
  if (!mount) return NULL;
  *mount = (struct ws_mount){.settings = *settings,
                             .own = {.memory = settings->memory,
                                     .events = &mount_events,
                                     .counters = settings->counters,
                                     .protocols = settings->protocols,
                                     .message_bytes_max = SIZE_MAX,
                                     .fragments = true,
                                     .duplex = true,
                                     .ping_ns = settings->ping_ns,
                                     .random = settings->random,
                                     .random_ctx = settings->random_ctx}};
  mount->nested.memory = settings->memory;
  mount->nested.host.wake = wake;
  return mount;
}

/* Whether the request asks for one of the subprotocols, if one is needed. What else may be wrong with it is
 * ws_accept()'s to find. */
static bool is_spoken(const struct request *request, const char *const *protocols) {
  struct ws_request asked = ws_request_read(request, protocols);
  return asked.status || !protocols || asked.protocol.len > 0;
}

bool ws_mount_accept(struct stream *stream, const struct request *request,
                     const struct ws_mount_settings *settings) {
  bool spoken = is_spoken(request, settings->protocols);
  struct ws_mount *mount = spoken ? mount_new(settings) : NULL;
  if (!mount) {
    (void)stream_respond(stream, spoken ? 503 : 400, NULL, 0, BODY_NONE);
    return false;
  }
  mount->ws = ws_accept(stream, request, &mount->own, mount);
  if (!mount->ws) {
    memory_free(settings->memory, mount, sizeof *mount);
    return false;
  }
  ws_source_set(mount->ws, &source);
  enter(mount);
  if (!make(mount)) ws_close(mount->ws, WS_INTERNAL_ERROR, span_of(NULL, 0));
  leave(mount);
  return true;
}

bool ws_mount_client(struct ws_mount_client *client, const struct ws_mount_settings *settings,
                     bool http1) {
  client->mount = mount_new(settings);
  if (!client->mount) return false;
  client->mount->nested.copies = true; /* what a client sends is masked */
  if (ws_client(&client->end, &client->mount->own, http1, client->mount)) return true;
  memory_free(settings->memory, client->mount, sizeof *client->mount);
  return false;
}

void ws_mount_client_sent(struct ws_mount_client *client, struct stream *stream) {
  struct ws_mount *mount = client->mount;
  if (stream)
    ws_client_sent(&client->end, stream);
  else
    memory_free(mount->settings.memory, mount, sizeof *mount);
}
