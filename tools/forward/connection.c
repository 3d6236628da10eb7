/*
 * forward/connection.c - see forward/connection.h.
 */
#include "tools/forward/connection.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/spdy/frame.h"
#include "tools/common/output.h"
#include "tools/common/process.h"

static struct connection *connection_of(struct list_node *node) {
  return LIST_OWNER(node, struct connection, node);
}

static void arm(struct connection *connection, uint64_t ns) {
  struct loop *loop = &connection->all->worker->loop;
  timer_arm(&loop->timers, &connection->timer, loop->now_ns + ns);
}

static void disarm(struct connection *connection) {
  timer_cancel(&connection->all->worker->loop.timers, &connection->timer);
}

/* ---- its end --------------------------------------------------------------------------------- */

static void note_end(struct connection *connection, enum connection_end end) {
  if (connection->end == CONNECTION_DONE) connection->end = end;
}

static void start_waiting(struct connection *connection);

/* There may be room for those that wait, or there will be after `ns`. */
static void look_soon(struct connections *all, uint64_t ns) {
  struct loop *loop = &all->worker->loop;
  if (!timer_is_armed(&all->timer) && !list_is_empty(&all->all))
    timer_arm(&loop->timers, &all->timer, loop->now_ns + ns);
}

/* Something of it has ended. Frees it when nothing is left, or begins anew if it waits for that. */
static void settle(struct connection *connection) {
  struct connections *all = connection->all;
  if (connection->pipe && !connection->refused) start_waiting(connection);
  if (connection->pipe || connection->error || connection->error_body) return;
  disarm(connection);
  all->events->ended(all->ctx, connection);
  list_remove(&connection->node);
  free(connection);
  all->count--;
  look_soon(all, 0);
}

static enum connection_end end_of(const struct connection *connection) {
  const struct connections *all = connection->all;
  switch (connection->pipe->end) {
  case PIPE_DONE: return CONNECTION_DONE;
  case PIPE_SOCKET: return CONNECTION_LOCAL;
  case PIPE_STREAM: return all->losing ? CONNECTION_LOST : CONNECTION_REMOTE;
  case PIPE_CUT: return all->stopping ? CONNECTION_STOPPED : CONNECTION_REMOTE;
  }
  return CONNECTION_DONE;
}

static void on_pipe_closed(struct pipe *pipe) {
  struct connection *connection = pipe->user;
  note_end(connection, end_of(connection));
  connection->bytes_sent = pipe->socket_bytes;
  connection->bytes_received = pipe->stream_bytes;
  connection->pipe = NULL;
  connection->state = CONNECTION_ENDED;
  pipe_free(pipe);
  if (connection->error) arm(connection, FORWARD_ERROR_NS);
  settle(connection);
}

/* Both ends at once, with a reset. May free it. */
static void cut(struct connection *connection) {
  struct stream *error = connection->error; /* while it is there, the connection is */
  if (connection->pipe) pipe_cut(connection->pipe);
  if (error) stream_reset(error, SPDY_CANCEL);
}

/* ---- the error stream ------------------------------------------------------------------------ */

static void on_answer(struct connection *connection) {
  const struct connections *all = connection->all;
  if (++connection->answers < 2) return;
  disarm(connection);
  connection->state = CONNECTION_OPEN;
  all->events->opened(all->ctx, connection);
}

static void on_error_response(struct stream *stream, unsigned status, const struct headers *fields,
                              bool end) {
  struct connection *connection = stream->user;
  (void)status, (void)fields, (void)end;
  connection->error_answered = true;
  stream_resume(stream); /* our half ends now */
  on_answer(connection);
}

static void keep_text(struct connection *connection, struct span bytes) {
  size_t room = sizeof connection->text - 1 - connection->text_len;
  if (bytes.len > room) bytes.len = room;
  if (bytes.len > 0) memcpy(connection->text + connection->text_len, bytes.base, bytes.len);
  connection->text_len += bytes.len;
}

/* The text is whole. */
static void tell_text(struct connection *connection) {
  const struct connections *all = connection->all;
  output_tame(connection->text, connection->text_len, ' ');
  connection->text[connection->text_len] = 0;
  while (connection->text_len > 0 && connection->text[connection->text_len - 1] == ' ')
    connection->text[--connection->text_len] = 0;
  if (connection->text_len == 0) return;
  all->events->error(all->ctx, connection, connection->text);
  connection->text_len = 0;
}

/* Any text means that the connection has failed, and no other: it is reset before the end of the data stream
 * could pass for an orderly one. */
static void on_error_data(struct stream *stream, struct span bytes, bool end) {
  struct connection *connection = stream->user;
  keep_text(connection, bytes);
  if (bytes.len > 0) note_end(connection, CONNECTION_REFUSED);
  if (end) tell_text(connection);
  if (bytes.len > 0 && connection->pipe) pipe_cut(connection->pipe);
}

/* A reset of it says nothing that the data stream does not. */
static void on_error_closed(struct stream *stream, uint32_t code) {
  struct connection *connection = stream->user;
  (void)code;
  connection->error = NULL;
  tell_text(connection);
  settle(connection);
}

static const struct stream_events error_events = {
    .response = on_error_response, .data = on_error_data, .closed = on_error_closed};

/* Our half of it ends as soon as it was answered. */
static enum body_result pull_nothing(void *self, struct body_chunk *chunk) {
  const struct connection *connection = self;
  chunk->bytes = span_of(NULL, 0);
  return connection->error_answered ? BODY_END : BODY_WAIT;
}

static void error_body_closed(void *self) {
  struct connection *connection = self;
  connection->error_body = false;
  settle(connection);
}

static const struct body_ops error_body = {.pull = pull_nothing, .close = error_body_closed};

/* ---- opening --------------------------------------------------------------------------------- */

static void on_data_response(struct pipe *pipe, unsigned status, const struct headers *fields,
                             bool end) {
  (void)status, (void)fields, (void)end;
  on_answer(pipe->user);
}

/* Whether a connection whose stream has gone before it was answered may have another one: when it went with the
 * session, or when the server has too many now. */
static bool may_try_again(struct connection *connection) {
  struct connections *all = connection->all;
  if (all->stopping) return false;
  if (!all->spdy) return true;
  if (connection->pipe->stream_code != SPDY_REFUSED_STREAM) return false;
  look_soon(all, FORWARD_REFUSED_NS);
  connection->refused = true;
  return ++connection->tries < FORWARD_TRIES_MAX;
}

/* Nothing of it is lost, so it waits. */
static void on_released(struct pipe *pipe) {
  struct connection *connection = pipe->user;
  if (!may_try_again(connection)) {
    cut(connection);
    return;
  }
  connection->state = CONNECTION_WAITING;
  disarm(connection);
  if (connection->error) stream_reset(connection->error, SPDY_CANCEL);
}

static const struct pipe_events pipe_events = {
    .response = on_data_response, .released = on_released, .closed = on_pipe_closed};

static struct header field(const char *name, const char *value) {
  return (struct header){.name = span_text(name), .value = span_text(value)};
}

/* Opens both streams; the error stream's identifier is the lower one. False: it may be gone. */
static bool open_streams(struct connection *connection) {
  struct connections *all = connection->all;
  char port[8], id[24];
  snprintf(port, sizeof port, "%u", connection->remote);
  snprintf(id, sizeof id, "%llu", (unsigned long long)all->next_id++);
  struct header fields[] = {field("streamtype", "error"), field("port", port),
                            field("requestid", id)};
  connection->error_body = true;
  connection->error = spdy_request(all->spdy, fields, 3, (struct body){&error_body, connection},
                                   &error_events, connection);
  if (!connection->error) return false;
  fields[0] = field("streamtype", "data");
  pipe_hold(connection->pipe);
  struct stream *stream = spdy_request(all->spdy, fields, 3, pipe_body(connection->pipe),
                                       &pipe_stream_events, connection->pipe);
  if (stream) pipe_attach(connection->pipe, stream);
  return stream;
}

static void start(struct connection *connection) {
  struct connections *all = connection->all;
  connection->remote = all->remote[connection->port];
  connection->state = CONNECTION_ASKED;
  connection->refused = false;
  connection->answers = 0;
  connection->error_answered = false;
  arm(connection, FORWARD_REPLY_NS);
  if (!open_streams(connection)) cut(connection);
}

/* No SYN_REPLY has come; or the connection has ended, and the error stream says nothing. */
static void on_timer(struct timer *timer, uint64_t now_ns) {
  struct connection *connection = LIST_OWNER(timer, struct connection, timer);
  const struct connections *all = connection->all;
  (void)now_ns;
  if (connection->state == CONNECTION_ASKED)
    all->events->error(all->ctx, connection, "the server did not answer in time");
  cut(connection);
}

static void describe(struct connection *connection, const struct machine_peer *peer) {
  static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
  char text[INET6_ADDRSTRLEN] = "";
  bool ipv4 = memcmp(peer->address, mapped, sizeof mapped) == 0;
  inet_ntop(ipv4 ? AF_INET : AF_INET6, peer->address + (ipv4 ? 12 : 0), text, sizeof text);
  snprintf(connection->client, sizeof connection->client, ipv4 ? "%s:%u" : "[%s]:%u", text,
           peer->port);
}

static bool may_start(const struct connections *all) {
  return all->spdy && spdy_request_room(all->spdy) >= 2;
}

bool connection_accept(struct connections *all, unsigned port, const struct machine_peer *peer,
                       struct machine_host *host, uint64_t now_ns, struct machine *out) {
  bool full = all->stopping || all->count == all->count_max;
  struct connection *connection = full ? NULL : calloc(1, sizeof *connection);
  struct pipe *pipe = connection ? pipe_new(&all->pipes, &pipe_events, connection) : NULL;
  if (!pipe) {
    free(connection);
    return false;
  }
  connection->all = all;
  connection->port = port;
  connection->begun_ns = now_ns;
  connection->pipe = pipe;
  timer_init(&connection->timer, on_timer);
  describe(connection, peer);
  list_append(&all->all, &connection->node);
  all->count++;
  pipe_socket(pipe, host, out);
  if (may_start(all)) start(connection);
  return true;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void on_room_timer(struct timer *timer, uint64_t now_ns) {
  (void)now_ns;
  connections_room(LIST_OWNER(timer, struct connections, timer));
}

void connections_begin(struct connections *all, struct worker *worker, uint32_t count_max,
                       const struct connections_events *events, void *ctx) {
  *all =
      (struct connections){.worker = worker, .count_max = count_max, .events = events, .ctx = ctx};
  list_init(&all->all);
  timer_init(&all->timer, on_room_timer);
  pipes_init(&all->pipes, &process_memory, count_max, UINT32_MAX);
  all->pipes.reset_code = SPDY_CANCEL;
  all->pipes.heap.vault = &worker->links.vault.base;
}

void connections_destroy(struct connections *all) {
  pipes_destroy(&all->pipes);
}

/* Calls `act` for each that there is now, whatever becomes of it. */
static void each(struct connections *all, void (*act)(struct connection *connection)) {
  struct list_node batch, *node;
  list_init(&batch);
  list_splice(&batch, &all->all);
  while ((node = list_take_first(&batch))) {
    list_append(&all->all, node);
    act(connection_of(node));
  }
}

static void start_waiting(struct connection *connection) {
  bool ready =
      connection->state == CONNECTION_WAITING && !connection->error && !connection->error_body;
  if (ready && may_start(connection->all)) start(connection);
}

void connections_room(struct connections *all) {
  each(all, start_waiting);
}

void connections_up(struct connections *all, struct spdy *spdy, const uint16_t *remote) {
  all->spdy = spdy;
  all->remote = remote;
  all->losing = false;
  connections_room(all);
}

unsigned connections_retired(struct connections *all) {
  unsigned count = 0;
  all->spdy = NULL;
  for (const struct list_node *node = all->all.next; node != &all->all; node = node->next) {
    const struct connection *connection = LIST_OWNER(node, const struct connection, node);
    count += connection->state == CONNECTION_OPEN;
  }
  return count;
}

unsigned connections_lost(struct connections *all) {
  all->losing = true;
  return connections_retired(all);
}

unsigned connections_stop(struct connections *all) {
  unsigned count = 0;
  for (const struct list_node *node = all->all.next; node != &all->all; node = node->next)
    count += LIST_OWNER(node, const struct connection, node)->state != CONNECTION_ENDED;
  all->stopping = true;
  all->spdy = NULL;
  each(all, cut);
  return count;
}
