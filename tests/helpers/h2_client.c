/*
 * helpers/h2_client.c - weir's client engine on a socket, for tests with a server in another
 * language. The socket is standard input. Events go to standard output, one per line.
 *
 *     h2_client METHOD:PATH[:BODY_BYTES] ...
 *
 * Requests are made as soon as the server's limit on streams allows. Bodies of both directions are
 * a pattern that the other side checks: octet k of a body is 31 k + stream identifier. CONNECT as
 * METHOD is extended CONNECT, of protocol "test". Ends when all streams have ended, or the
 * connection.
 */
#include "engine/engine.h"
#include "engine/h2/h2.h"
#include "tools/common/process.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STREAMS_MAX = 4096, RECEIVE_BYTES = 7919, WAIT_MS_MAX = 1000 };

struct exchange {
  uint64_t body_bytes, sent, received;
  uint32_t id;
};

static struct exchange exchanges[STREAMS_MAX];
static unsigned open_streams;

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* ---- the application ------------------------------------------------------------------------- */

static uint8_t octet(const struct exchange *exchange, uint64_t at) {
  return (uint8_t)(at * 31 + exchange->id);
}

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct exchange *exchange = self;
  uint64_t left = exchange->body_bytes - exchange->sent;
  size_t len = left < chunk->max ? (size_t)left : chunk->max;
  for (size_t i = 0; i < len; i++)
    chunk->room[i] = octet(exchange, exchange->sent + i);
  exchange->sent += len;
  chunk->bytes = span_of(chunk->room, len);
  return exchange->sent == exchange->body_bytes ? BODY_END : BODY_MORE;
}

static void print_fields(const char *what, const struct stream *stream,
                         const struct headers *fields, bool end) {
  printf("%s %u%s", what, (unsigned)stream->id, end ? " end" : "");
  for (uint32_t i = 0; i < fields->count; i++)
    printf(" %.*s=%.*s", (int)fields->at[i].name.len, (const char *)fields->at[i].name.base,
           (int)fields->at[i].value.len, (const char *)fields->at[i].value.base);
  printf("\n");
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  (void)status;
  print_fields("response", stream, fields, end);
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct exchange *exchange = stream->user;
  for (size_t i = 0; i < bytes.len; i++)
    if (bytes.base[i] != octet(exchange, exchange->received + i))
      printf("wrong %u\n", exchange->id);
  exchange->received += bytes.len;
  if (end) printf("data %u %llu\n", exchange->id, (unsigned long long)exchange->received);
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  struct exchange *exchange = stream->user;
  printf("data %u %llu\n", exchange->id, (unsigned long long)exchange->received);
  print_fields("trailers", stream, fields, true);
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  printf("closed %u %s\n", (unsigned)stream->id, h2_error_name(error_code));
  open_streams--;
}

static void on_promise(struct stream *stream, struct stream *promised,
                       const struct request *request) {
  printf("promise %u %u %.*s\n", (unsigned)stream->id, (unsigned)promised->id,
         (int)request->path.len, (const char *)request->path.base);
  if (span_is(request->path, "/unwanted")) return;
  struct exchange *exchange = &exchanges[STREAMS_MAX - 1 - promised->id / 2];
  exchange->id = (uint32_t)promised->id;
  promised->events = stream->events;
  promised->user = exchange;
  open_streams++;
}

static const struct stream_events events = {.response = on_response,
                                            .data = on_data,
                                            .trailers = on_trailers,
                                            .promise = on_promise,
                                            .closed = on_closed};
static const struct body_ops body_ops = {.pull = pull};

/* METHOD:PATH[:BODY_BYTES]. Returns false when the connection does not allow a request now. */
static bool ask(struct h2 *h2, unsigned index, const char *text) {
  const char *path = strchr(text, ':') + 1, *size = strchr(path, ':');
  size_t path_len = size ? (size_t)(size - path) : strlen(path);
  struct span method = span_of(text, (size_t)(path - 1 - text));
  bool connect = span_is(method, "CONNECT");
  struct header fields[] = {
      header_of(TOKEN_METHOD, method),
      header_of(TOKEN_SCHEME, span_text("http")),
      header_of(TOKEN_AUTHORITY, span_text("peer.test")),
      header_of(TOKEN_PATH, span_of(path, path_len)),
      {.name = span_text("x-number"), .value = span_of(path, path_len)},
      header_of(TOKEN_PROTOCOL, span_text("test")),
  };
  if (connect) {
    struct header last = fields[4];
    fields[4] = fields[5];
    fields[5] = last;
  }
  struct exchange *exchange = &exchanges[index];
  exchange->body_bytes = size ? strtoull(size + 1, NULL, 10) : 0;
  struct stream *stream =
      h2_request(h2, fields, connect ? 6 : 5, size ? (struct body){&body_ops, exchange} : BODY_NONE,
                 &events, exchange);
  if (!stream) return false;
  exchange->id = (uint32_t)stream->id;
  open_streams++;
  return true;
}

static void on_goaway(void *ctx, struct h2 *h2, uint32_t last_stream_id, uint32_t error_code,
                      struct span debug) {
  (void)debug;
  (void)ctx;
  (void)h2;
  printf("goaway %u %s\n", last_stream_id, h2_error_name(error_code));
}

/* ---- the socket ------------------------------------------------------------------------------ */

static void send_some(const struct machine *machine) {
  struct span spans[8];
  size_t count = machine->ops->send_peek(machine->self, spans, 8, 64 * KIB, now_ns()), sent = 0;
  for (size_t i = 0; i < count; i++) {
    ssize_t n = send(0, spans[i].base, spans[i].len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) sent += (size_t)n;
    if (n < (ssize_t)spans[i].len) break;
  }
  if (sent) machine->ops->send_ack(machine->self, sent, now_ns());
}

static bool receive_some(const struct machine *machine) {
  static uint8_t buffer[RECEIVE_BYTES];
  ssize_t n = recv(0, buffer, sizeof buffer, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (n <= 0) {
    machine->ops->recv_eof(machine->self, now_ns());
    return false;
  }
  size_t took = machine->ops->recv(machine->self, span_of(buffer, (size_t)n), now_ns());
  assert(took == (size_t)n || machine->ops->wants(machine->self) & MACHINE_DONE);
  return true;
}

static void run(const struct machine *machine, int count, char **requests) {
  bool open = true;
  int asked = 0;
  while (open && (asked < count || open_streams)) {
    struct h2 *h2 = h2_of(machine);
    while (h2->settings_received && asked < count && h2_request_room(h2) > 0 &&
           ask(h2, (unsigned)asked, requests[asked]))
      asked++;
    unsigned wants = machine->ops->wants(machine->self);
    if (wants & MACHINE_DONE) break;
    struct pollfd poller = {.fd = 0, .events = POLLIN};
    if (wants & MACHINE_SEND) poller.events |= POLLOUT;
    if (poll(&poller, 1, WAIT_MS_MAX) < 0) break;
    if (poller.revents & (POLLIN | POLLHUP)) open = receive_some(machine);
    if (poller.revents & POLLOUT) send_some(machine);
    if (machine->ops->deadline_ns(machine->self) <= now_ns())
      machine->ops->tick(machine->self, now_ns());
    if (h2->goaway_received && !open_streams) break;
  }
  for (int i = 0; i < 100 && machine->ops->wants(machine->self) & MACHINE_SEND; i++)
    send_some(machine);
  printf("asked %d\n", asked);
}

int main(int count, char **arguments) {
  static const struct h2_client_events client = {.goaway = on_goaway};
  static const struct machine_peer peer = {.application_protocol = "h2"};
  static struct engine engine;
  struct engine_config config = engine_config_default();
  struct machine machine;
  if (getenv("HEADER_TABLE_BYTES"))
    config.h2.header_table_bytes = (uint32_t)strtoul(getenv("HEADER_TABLE_BYTES"), NULL, 10);
  if (getenv("FRAME_BYTES_MAX"))
    config.h2.frame_bytes_max = (uint32_t)strtoul(getenv("FRAME_BYTES_MAX"), NULL, 10);
  if (!engine_init(&engine, &process_memory, &config, NULL) ||
      !h2_client(&engine.h2, &peer, NULL, now_ns(), &machine))
    return 1;
  h2_client_listen(h2_of(&machine), &client, NULL);
  run(&machine, count - 1, arguments + 1);
  machine.ops->close(machine.self);
  engine_destroy(&engine);
  return 0;
}
