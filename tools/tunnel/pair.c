/*
 * tunnel/pair.c - see tunnel/pair.h.
 *
 * A call can end a stream, and with it the pair. So a function that goes on with a pair after such a call *holds* it.
 */
#include "tools/tunnel/pair.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/spdy/frame.h"
#include "tools/common/output.h"
#include "tools/common/process.h"

struct pair {
  struct pairs *pairs; /* NULL: the session has ended */
  struct tunnel_worker *worker;
  const struct tunnel_pod *pod;
  bool tells;
  struct list_node node;
  struct wish wish; /* of the stream that came first */
  bool has[2];      /* by enum wish_side: has come, though it may be gone by now */
  bool complete;
  unsigned holds;
  unsigned faults;
  struct timer timer;

  struct stream *error; /* NULL: it has not come, or has gone */
  bool error_body;      /* its body is open */
  bool error_ends;      /* once the message was sent */
  char message[TUNNEL_MESSAGE_BYTES];
  size_t message_len, message_at;

  struct pipe *pipe;   /* with the data stream */
  struct stream *late; /* the data stream, while its SYN_REPLY is delayed */
  struct dial dial;
  bool dialing;
  unsigned address; /* which of the pod's is dialled */
};

/* ---- lines ----------------------------------------------------------------------------------- */

static bool may_say(struct tunnel_worker *worker) {
  if (!budget_spend(&worker->lines, 1, worker->worker->loop.now_ns)) {
    worker->left_out++;
    return false;
  }
  if (worker->left_out > 0)
    output_say(STDERR_FILENO, "%llu lines were left out", (unsigned long long)worker->left_out);
  worker->left_out = 0;
  return true;
}

#define say(worker, ...) (may_say(worker) ? output_say(STDERR_FILENO, __VA_ARGS__) : (void)0)

/* ---- life ------------------------------------------------------------------------------------ */

static bool is_in_use(const struct pair *pair) {
  return pair->holds || pair->error || pair->error_body || pair->pipe || pair->late ||
         pair->dialing;
}

/* Frees a pair that nothing uses. */
static void settle(struct pair *pair) {
  if (is_in_use(pair)) return;
  timer_cancel(&pair->worker->worker->loop.timers, &pair->timer);
  if (pair->pairs && !pair->complete) pair->pairs->waiting--;
  list_remove(&pair->node);
  memory_free(&process_memory, pair, sizeof *pair);
}

static void hold(struct pair *pair) {
  pair->holds++;
}

static void release(struct pair *pair) {
  pair->holds--;
  settle(pair);
}

static void arm(struct pair *pair, uint64_t after_ns) {
  struct loop *loop = &pair->worker->worker->loop;
  timer_arm(&loop->timers, &pair->timer, loop->now_ns + after_ns);
}

/* ---- the error stream ------------------------------------------------------------------------ */

static enum body_result error_pull(void *self, struct body_chunk *chunk) {
  struct pair *pair = self;
  size_t left = pair->message_len - pair->message_at;
  size_t take = left < chunk->max ? left : chunk->max;
  if (take > 0) memcpy(chunk->room, pair->message + pair->message_at, take);
  chunk->bytes = span_of(chunk->room, take);
  pair->message_at += take;
  if (take == left && pair->error_ends) return BODY_END;
  return left > 0 ? BODY_MORE : BODY_WAIT;
}

static void error_body_closed(void *self) {
  struct pair *pair = self;
  pair->error_body = false;
  settle(pair);
}

static const struct body_ops error_body = {.pull = error_pull, .close = error_body_closed};

static void error_closed(struct stream *stream, uint32_t code) {
  struct pair *pair = stream->user;
  (void)code;
  pair->error = NULL;
  settle(pair);
}

static const struct stream_events error_events = {.closed = error_closed};

static void accept_error(struct pair *pair, struct stream *stream) {
  stream->events = &error_events;
  stream->user = pair;
  stream->duplex = true;
  pair->error = stream;
  pair->error_body = true;
  (void)stream_tunnel(stream, NULL, 0, (struct body){&error_body, pair});
}

/* Our side of it ends, behind `message` if that is not NULL. */
static void end_error(struct pair *pair, const char *message) {
  if (message && pair->message_len == 0)
    pair->message_len = (size_t)snprintf(pair->message, sizeof pair->message,
                                         "error forwarding port %u to pod %s: %s", pair->wish.port,
                                         pair->pod->name, message);
  if (pair->message_len >= sizeof pair->message) pair->message_len = sizeof pair->message - 1;
  pair->error_ends = true;
  if (pair->error) stream_resume(pair->error);
}

/* ---- the data stream ------------------------------------------------------------------------- */

static void note_end(struct pair *pair, const struct pipe *pipe) {
  struct tunnel_counters *counters = &pair->worker->counters;
  counter_add(&counters->bytes_in, pipe->stream_bytes);
  counter_add(&counters->bytes_out, pipe->socket_bytes);
  if (pipe->end == PIPE_SOCKET || pipe->end == PIPE_STREAM) counter_add(&counters->broken, 1);
  if (pipe->end == PIPE_SOCKET)
    say(pair->worker, "%s/%s: port %u: the target reset the connection", pair->pod->namespace,
        pair->pod->name, pair->wish.port);
}

static void pipe_closed(struct pipe *pipe) {
  struct pair *pair = pipe->user;
  const char *message = NULL;
  hold(pair);
  note_end(pair, pipe);
  if (pipe->end == PIPE_SOCKET && pair->tells) message = "the target reset the connection";
  pair->pipe = NULL;
  pipe_free(pipe);
  if (pair->dialing) dial_cancel(&pair->dial);
  end_error(pair, message);
  release(pair);
}

static const struct pipe_events pipe_events = {.closed = pipe_closed};

static void accept_data(struct pair *pair, struct stream *stream) {
  struct pipe *pipe = pipe_new(&pair->worker->pipes, &pipe_events, pair);
  if (!pipe) {
    stream_reset(stream, SPDY_REFUSED_STREAM);
    end_error(pair, NULL);
    return;
  }
  pair->pipe = pipe;
  pipe_attach(pipe, stream);
  (void)stream_tunnel(stream, NULL, 0, pipe_body(pipe));
}

static void late_closed(struct stream *stream, uint32_t code) {
  struct pair *pair = stream->user;
  (void)code;
  pair->late = NULL;
  end_error(pair, NULL);
  settle(pair);
}

static const struct stream_events late_events = {.closed = late_closed};

/* --fault delay: the answer waits for the timer. */
static void accept_late(struct pair *pair, struct stream *stream) {
  stream->events = &late_events;
  stream->user = pair;
  pair->late = stream;
  arm(pair, TUNNEL_FAULT_DELAY_NS);
}

/* ---- the target ------------------------------------------------------------------------------ */

static bool make_socket(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                        uint64_t now_ns, struct machine *out) {
  struct pair *pair = ctx;
  (void)peer;
  (void)now_ns;
  if (!pair->pipe) return false;
  pipe_socket(pair->pipe, host, out);
  return true;
}

static void unreachable(struct pair *pair, int error) {
  char text[ADDRESS_TEXT_BYTES], message[TUNNEL_MESSAGE_BYTES];
  address_format(&pair->dial.address, text);
  snprintf(message, sizeof message, "cannot connect to %s: %s", text, strerror(error));
  say(pair->worker, "%s/%s: port %u: %s", pair->pod->namespace, pair->pod->name, pair->wish.port,
      message);
  counter_add(&pair->worker->counters.refused, 1);
  end_error(pair, pair->tells ? message : NULL);
  if (pair->pipe) pipe_cut(pair->pipe);
}

static void dialed(struct dial *dial, int error);

static void dial_target(struct pair *pair) {
  pair->dial = (struct dial){.address = pod_address(pair->pod, pair->address, pair->wish.port),
                             .factory = {pair, make_socket},
                             .timeout_ns = CLIENT_CONNECT_NS,
                             .done = dialed};
  pair->dialing = true;
  dial_start(&pair->dial, &pair->worker->worker->links);
}

static void dialed(struct dial *dial, int error) {
  struct pair *pair = LIST_OWNER(dial, struct pair, dial);
  hold(pair);
  pair->dialing = false;
  if (error && pair->pipe && ++pair->address < pair->pod->address_count)
    dial_target(pair);
  else if (error && pair->pipe)
    unreachable(pair, error);
  release(pair);
}

/* ---- both are there -------------------------------------------------------------------------- */

static void complete(struct pair *pair) {
  const unsigned later = FAULT_RESET | FAULT_DROP | FAULT_VANISH;
  timer_cancel(&pair->worker->worker->loop.timers, &pair->timer);
  pair->complete = true;
  if (pair->pairs) {
    pair->pairs->waiting--;
    list_remove(&pair->node);
    list_append(&pair->pairs->all, &pair->node);
  }
  counter_add(&pair->worker->counters.connections, 1);
  if (pair->worker->options->verbose)
    output_say(STDOUT_FILENO, "%s/%s: port %u is asked for", pair->pod->namespace, pair->pod->name,
               pair->wish.port);
  if (pair->faults & FAULT_ERROR) end_error(pair, "weir tunnel was asked to fail");
  if (pair->faults & later) arm(pair, TUNNEL_FAULT_NS);
  if (!pair->pipe || pair->faults & FAULT_STALL) return;
  dial_target(pair);
}

/* Its partner did not come in time. */
static void give_up(struct pair *pair) {
  say(pair->worker, "%s/%s: port %u: only %s stream came; its partner did not",
      pair->pod->namespace, pair->pod->name, pair->wish.port,
      pair->has[WISH_ERROR] ? "an error" : "a data");
  counter_add(&pair->worker->counters.lonely, 1);
  if (pair->error) stream_reset(pair->error, SPDY_CANCEL);
  if (pair->pipe) pipe_cut(pair->pipe);
}

static void accept_now(struct pair *pair) {
  struct stream *stream = pair->late;
  pair->late = NULL;
  accept_data(pair, stream);
  if (pair->has[WISH_ERROR])
    complete(pair);
  else
    arm(pair, TUNNEL_PAIR_NS);
}

static void fired(struct timer *timer, uint64_t now_ns) {
  struct pair *pair = LIST_OWNER(timer, struct pair, timer);
  (void)now_ns;
  hold(pair);
  if (pair->late)
    accept_now(pair);
  else if (!pair->complete)
    give_up(pair);
  else if (pair->faults & FAULT_RESET && pair->pipe)
    pipe_cut(pair->pipe);
  else if (pair->faults & (FAULT_DROP | FAULT_VANISH) && pair->pairs)
    pair->pairs->fault(pair->pairs, pair->faults);
  release(pair);
}

/* ---- pairs ----------------------------------------------------------------------------------- */

void pairs_init(struct pairs *pairs) {
  list_init(&pairs->all);
  pairs->waiting = 0;
}

static struct pair *find_waiting(struct pairs *pairs, const struct wish *wish) {
  for (struct list_node *at = pairs->all.next; at != &pairs->all; at = at->next) {
    struct pair *pair = LIST_OWNER(at, struct pair, node);
    if (pair->complete) return NULL; /* those that wait come first */
    if (strcmp(pair->wish.request, wish->request) == 0) return pair;
  }
  return NULL;
}

static struct pair *pair_new(struct pairs *pairs, const struct wish *wish) {
  if (pairs->waiting == TUNNEL_WAITING_MAX) return NULL;
  struct pair *pair = memory_alloc(&process_memory, sizeof *pair);
  if (!pair) return NULL;
  *pair = (struct pair){.pairs = pairs,
                        .worker = pairs->worker,
                        .pod = pairs->pod,
                        .tells = pairs->tells,
                        .wish = *wish,
                        .faults = faults_next(&pairs->worker->options->faults)};
  timer_init(&pair->timer, fired);
  list_prepend(&pairs->all, &pair->node);
  pairs->waiting++;
  arm(pair, TUNNEL_PAIR_NS);
  return pair;
}

static void refuse(const struct pairs *pairs, struct stream *stream, enum spdy_status status,
                   const char *why) {
  say(pairs->worker, "%s/%s: a stream was refused: %s", pairs->pod->namespace, pairs->pod->name,
      why);
  stream_reset(stream, status);
}

static void add(struct pair *pair, struct stream *stream, const struct wish *wish) {
  pair->has[wish->side] = true;
  if (wish->side == WISH_ERROR)
    accept_error(pair, stream);
  else if (pair->faults & FAULT_DELAY)
    accept_late(pair, stream);
  else
    accept_data(pair, stream);
  if (wish->side == WISH_DATA) pair->wish.port = wish->port;
  if (!pair->has[WISH_ERROR] || !pair->has[WISH_DATA] || pair->late) return;
  complete(pair);
}

void pairs_stream(struct pairs *pairs, struct stream *stream, const struct headers *fields) {
  struct wish wish;
  const char *wrong = wish_read(fields, stream->id, &wish);
  if (wrong) {
    refuse(pairs, stream, SPDY_PROTOCOL_ERROR, wrong);
    return;
  }
  struct pair *pair = find_waiting(pairs, &wish);
  if (pair && pair->has[wish.side]) {
    refuse(pairs, stream, SPDY_PROTOCOL_ERROR, "its request has such a stream already");
    return;
  }
  if (!pair) pair = pair_new(pairs, &wish);
  if (!pair) {
    refuse(pairs, stream, SPDY_REFUSED_STREAM, "too many streams wait for their partners");
    return;
  }
  hold(pair);
  add(pair, stream, &wish);
  release(pair);
}

void pairs_cut(struct pairs *pairs) {
  struct list_node *next;
  for (struct list_node *at = pairs->all.next; at != &pairs->all; at = next) {
    struct pair *pair = LIST_OWNER(at, struct pair, node);
    next = at->next;
    if (pair->pipe) pipe_cut(pair->pipe);
  }
}

void pairs_close(struct pairs *pairs) {
  struct list_node *node;
  while ((node = list_take_first(&pairs->all)))
    LIST_OWNER(node, struct pair, node)->pairs = NULL;
}
