/*
 * http/mount.c - see http/mount.h.
 *
 * A mount is held by its stream, until closed(), and by its body, until that is closed. Calls nest: the machine
 * may do something that ends the stream. So each call that reaches the machine is an *entry*, and the last one to
 * leave settles what the machine wants now, or frees a mount that nothing holds.
 */
#include "engine/http/mount.h"

#include "engine/http/limits.h"
#include "engine/http/nested.h"

struct mount {
  struct mount_settings settings;
  struct stream *stream; /* NULL before and after */
  struct nested nested;
  unsigned entries;
  bool http1;        /* client: by Upgrade */
  bool refused;      /* client: the answer makes no tunnel */
  bool body_open;    /* our body's close() has not been called */
  bool ended;        /* our direction has */
  bool pulling;      /* within our body's pull(), whose result says more than stream_resume() */
  uint64_t close_ns; /* by then the peer has to have ended, too */
};

/* ---- entries --------------------------------------------------------------------------------- */

static void enter(struct mount *mount) {
  mount->entries++;
}

static uint64_t sooner(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* What was done with gives the peer credit. */
static void consume(struct mount *mount, size_t bytes) {
  if (bytes > 0 && mount->stream) stream_consume(mount->stream, bytes);
}

/* Offers the machine once more what it did not take. Returns whether it took some. */
static bool go_on(struct mount *mount) {
  if (!mount->stream) return false;
  size_t used = nested_go_on(&mount->nested, stream_now_ns(mount->stream));
  consume(mount, used);
  return used > 0;
}

/* Does for the machine what a host does after each call. */
static void settle(struct mount *mount) {
  if (!mount->nested.machine.ops) return;
  (void)go_on(mount);
  if (!mount->stream) return;
  unsigned wants = nested_wants(&mount->nested);
  if (wants & MACHINE_RESET) {
    stream_reset(mount->stream, 0);
    return;
  }
  if (wants & MACHINE_DONE && mount->close_ns == MACHINE_NO_DEADLINE)
    mount->close_ns = stream_now_ns(mount->stream) + MOUNT_CLOSE_NS;
  bool has_more = wants & (MACHINE_SEND | MACHINE_DONE | MACHINE_ENDED);
  if (has_more && !mount->ended && !mount->pulling) stream_resume(mount->stream);
  stream_timer(mount->stream, sooner(nested_deadline_ns(&mount->nested), mount->close_ns));
}

static void leave(struct mount *mount) {
  if (mount->entries == 1) {
    settle(mount);
    mount->pulling = false;
  }
  if (--mount->entries > 0 || mount->stream) return;
  nested_close(&mount->nested);
  if (!mount->body_open) memory_free(mount->settings.memory, mount, sizeof *mount);
}

/* Something changed outside of a call of ours. The timer comes even while the tunnel takes no bytes. */
static void wake(struct machine_host *host) {
  struct mount *mount = (struct mount *)((uint8_t *)host - offsetof(struct mount, nested.host));
  if (mount->entries > 0 || !mount->stream) return;
  stream_resume(mount->stream);
  stream_timer(mount->stream, stream_now_ns(mount->stream));
}

static struct mount *mount_new(const struct mount_settings *settings) {
  struct mount *mount = memory_alloc(settings->memory, sizeof *mount);
  if (!mount) return NULL;
  *mount = (struct mount){.settings = *settings, .close_ns = MACHINE_NO_DEADLINE};
  mount->nested.memory = settings->memory;
  mount->nested.host.wake = wake;
  return mount;
}

static bool make(struct mount *mount) {
  return nested_make(&mount->nested, mount->settings.factory, mount->stream,
                     mount->settings.protocol);
}

/* ---- our direction --------------------------------------------------------------------------- */

static size_t more_of(size_t a, size_t b) {
  return a > b ? a : b;
}

/* Gives what the machine sends, and returns how much. */
static size_t give(struct mount *mount, struct body_chunk *chunk) {
  struct nested_gift gift;
  const uint64_t now_ns = stream_now_ns(mount->stream);
  nested_look(&mount->nested, &gift, more_of(chunk->max, chunk->lend_max), chunk->max,
              chunk->lend_max, now_ns);
  nested_copy(&gift, chunk->room);
  chunk->bytes = span_of(chunk->room, gift.copied);
  chunk->lent = gift.lent;
  if (gift.loans) chunk->loans = gift.loans;
  nested_gave(&mount->nested, &gift, now_ns);
  return gift.copied + gift.lent.len;
}

/* What the machine takes, now that it has sent, may give it more to send. */
static size_t give_some(struct mount *mount, struct body_chunk *chunk) {
  size_t done = 0;
  do {
    if (!mount->stream || chunk->max == 0) break;
    done = give(mount, chunk);
  } while (go_on(mount) && done == 0);
  return done;
}

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct mount *mount = self;
  enum body_result result = BODY_WAIT;
  if (!mount->stream || mount->refused) return BODY_END;
  enter(mount);
  mount->pulling = true;
  size_t done = give_some(mount, chunk);
  unsigned wants = nested_wants(&mount->nested);
  if (done > 0 || (chunk->max == 0 && wants & MACHINE_SEND)) result = BODY_MORE;
  if (wants & (MACHINE_DONE | MACHINE_ENDED)) result = BODY_END;
  mount->ended = result == BODY_END;
  leave(mount);
  return result;
}

static void body_closed(void *self) {
  struct mount *mount = self;
  enter(mount);
  mount->body_open = false;
  leave(mount);
}

static const struct body_ops body_ops = {.pull = pull, .close = body_closed};

/* ---- the peer's direction -------------------------------------------------------------------- */

/* The body of an answer that makes no tunnel. */
static void refused_data(struct mount *mount, struct span bytes) {
  const struct mount_events *events = mount->settings.events;
  if (events && events->refused && bytes.len > 0) events->refused(mount->settings.ctx, bytes);
  consume(mount, bytes.len);
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct mount *mount = stream->user;
  enter(mount);
  if (mount->refused) {
    refused_data(mount, bytes);
  } else {
    size_t used = nested_give(&mount->nested, bytes, stream_now_ns(stream));
    if (used == SIZE_MAX)
      stream_reset(stream, 0);
    else
      consume(mount, used);
    if (end) nested_end(&mount->nested);
  }
  leave(mount);
}

static size_t on_takes_vaulted(const struct stream *stream) {
  const struct mount *mount = stream->user;
  return mount->refused ? 0 : nested_takes_vaulted(&mount->nested);
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  (void)fields;
  on_data(stream, span_of(NULL, 0), true);
}

static void on_timer(struct stream *stream, uint64_t now_ns) {
  struct mount *mount = stream->user;
  enter(mount);
  if (now_ns >= mount->close_ns)
    stream_reset(stream, 0);
  else
    nested_tick(&mount->nested, now_ns);
  leave(mount);
}

static void on_drain(struct stream *stream) {
  struct mount *mount = stream->user;
  enter(mount);
  nested_drain(&mount->nested, stream_now_ns(stream));
  leave(mount);
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  struct mount *mount = stream->user;
  const struct mount_events *events = mount->settings.events;
  enter(mount);
  mount->stream = NULL;
  if (events && events->closed) events->closed(mount->settings.ctx, error_code);
  leave(mount);
}

/* ---- server ---------------------------------------------------------------------------------- */

static const struct stream_events server_events = {.data = on_data,
                                                   .takes_vaulted = on_takes_vaulted,
                                                   .trailers = on_trailers,
                                                   .timer = on_timer,
                                                   .drain = on_drain,
                                                   .closed = on_closed};

static void take(struct mount *mount, struct stream *stream) {
  mount->stream = stream;
  stream->user = mount;
  stream->duplex = true;
  stream->consume_later = true;
  stream->flow = FLOW_AUTO; /* what the machine does not take must push back */
}

bool mount_accept(struct stream *stream, const struct header *fields, size_t count,
                  const struct mount_settings *settings) {
  struct mount *mount = mount_new(settings);
  if (!mount) {
    (void)stream_respond(stream, 503, NULL, 0, BODY_NONE);
    return false;
  }
  enter(mount);
  take(mount, stream);
  stream->events = &server_events;
  bool made = make(mount);
  if (made) {
    mount->body_open = true;
    made = stream_tunnel(stream, fields, count, (struct body){&body_ops, mount});
  }
  if (!made && mount->stream) stream_reset(stream, 0);
  leave(mount);
  return made;
}

/* ---- client ---------------------------------------------------------------------------------- */

static bool is_accepted(const struct mount *mount, unsigned status, bool end) {
  if (end) return false;
  return mount->http1 ? status == 101 : status / 100 == 2;
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  struct mount *mount = stream->user;
  const struct mount_events *events = mount->settings.events;
  if (status < 200 && status != 101) return;
  enter(mount);
  bool accepted = is_accepted(mount, status, end), agreed = true;
  mount->refused = !accepted;
  if (events && events->response)
    agreed = events->response(mount->settings.ctx, status, fields, accepted);
  if (!accepted && mount->stream) stream_resume(stream); /* our direction is at its end */
  if (accepted && mount->stream && !(agreed && make(mount))) stream_reset(stream, 0);
  leave(mount);
}

static const struct stream_events client_events = {.data = on_data,
                                                   .takes_vaulted = on_takes_vaulted,
                                                   .trailers = on_trailers,
                                                   .timer = on_timer,
                                                   .drain = on_drain,
                                                   .response = on_response,
                                                   .closed = on_closed};

bool mount_client(struct mount_client *client, const struct mount_settings *settings, bool http1) {
  struct mount *mount = mount_new(settings);
  if (!mount) return false;
  mount->http1 = http1;
  mount->body_open = true;
  *client = (struct mount_client){mount, {&body_ops, mount}, &client_events};
  return true;
}

void mount_client_sent(struct mount_client *client, struct stream *stream) {
  if (stream) take(client->mount, stream);
}
