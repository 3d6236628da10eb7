/*
 * support/flow_world.h - a server engine and clients that upload to it, over a line with a delay, a rate
 * and a sender's TCP, in simulated time. For the tests of h2/flow.h.
 */
#ifndef WEIR_TEST_FLOW_WORLD_H
#define WEIR_TEST_FLOW_WORLD_H

#include "engine/h2/flow.h"
#include "tests/support/loopback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PATH_RATE = 12500000, PATH_MS = 200 }; /* 100 Mbit/s, 200 ms there and back: 2.5 MB */

/* ---- a line ---------------------------------------------------------------------------------- */

/* What is under way in one direction, in pieces in order of arrival. */
struct piece {
  struct piece *next;
  uint64_t arrives_ns;
  size_t len, gone; /* bytes; of these, passed on already */
  uint8_t bytes[];
};

struct pipe {
  struct piece *first, *last;
  size_t bytes;
};

/* A sender that starts slowly and loses nothing: its window grows by what is acknowledged, that is
 * twofold each round trip. What the client's engine has sent waits in a socket buffer, PING replies
 * behind DATA. */
struct tcp {
  size_t window_bytes; /* 0: no TCP, the line takes what it can from the engine */
  size_t in_flight;
  size_t socket_bytes; /* size of the buffer */
  struct pipe socket, acks;
};

/* A WINDOW_UPDATE that the server sent. */
struct update {
  uint32_t stream_id, increment;
};

enum { UPDATES_MAX = 4096, STREAMS_MAX = 1100 };

struct upload {
  struct stream *client, *server;
  uint64_t left, arrived, unused; /* to send; received; received and not consumed */
  unsigned closed;
  uint32_t error_code; /* that it was closed with */
};

/* One server engine, and clients that upload to it. */
struct world {
  struct loopback loop;
  struct pipe up, down;
  struct tcp tcp;          /* of the clients' end */
  uint64_t delay_ns;       /* one way */
  uint64_t bytes_per_step; /* each direction, of a step of a millisecond; 0: no limit */
  bool stopped;            /* handlers use nothing */
  bool paused;             /* the client sends nothing */
  bool silent;             /* handlers do not answer */
  bool closing;            /* what is unfinished ends with an error */
  enum stream_flow flow;   /* that handlers ask for */
  struct upload uploads[STREAMS_MAX];
  uint32_t opened, answered;
  uint64_t arrived;
  struct update updates[UPDATES_MAX];
  uint32_t update_count;
  uint8_t header[H2_FRAME_HEADER_BYTES + 4]; /* of the server's frame in hand */
  uint32_t header_have, skip;
};

static struct world *world;

static inline void pipe_add(struct pipe *pipe, struct piece *piece) {
  *(pipe->last ? &pipe->last->next : &pipe->first) = piece;
  pipe->last = piece;
  pipe->bytes += piece->len;
}

static inline struct piece *pipe_take(struct pipe *pipe) {
  struct piece *piece = pipe->first;
  pipe->first = piece->next;
  if (!pipe->first) pipe->last = NULL;
  pipe->bytes -= piece->len;
  return piece;
}

static inline void pipe_put(struct pipe *pipe, const struct span *spans, size_t count,
                            uint64_t at_ns) {
  size_t len = 0;
  for (size_t i = 0; i < count; i++)
    len += spans[i].len;
  struct piece *piece = malloc(sizeof *piece + len);
  *piece = (struct piece){.arrives_ns = at_ns};
  for (size_t i = 0; i < count; i++) {
    memcpy(piece->bytes + piece->len, spans[i].base, spans[i].len);
    piece->len += spans[i].len;
  }
  pipe_add(pipe, piece);
}

static inline bool pipe_has_arrived(const struct pipe *pipe) {
  return pipe->first && pipe->first->arrives_ns <= world->loop.now_ns;
}

static inline void tcp_acknowledge(size_t bytes) {
  struct piece *ack = malloc(sizeof *ack);
  *ack = (struct piece){.arrives_ns = world->loop.now_ns + world->delay_ns, .len = bytes};
  pipe_add(&world->tcp.acks, ack);
}

static inline void tcp_take_acks(void) {
  while (pipe_has_arrived(&world->tcp.acks)) {
    struct piece *ack = pipe_take(&world->tcp.acks);
    world->tcp.in_flight -= ack->len;
    world->tcp.window_bytes += ack->len;
    free(ack);
  }
}

static inline void pipe_deliver(struct pipe *pipe, struct machine *to) {
  while (pipe_has_arrived(pipe)) {
    struct piece *piece = pipe_take(pipe);
    loopback_deliver(&world->loop, to, span_of(piece->bytes, piece->len));
    if (pipe == &world->up && world->tcp.window_bytes) tcp_acknowledge(piece->len);
    free(piece);
  }
}

/* Notes the WINDOW_UPDATE frames among what the server sends. */
static inline void watch_byte(uint8_t byte) {
  if (world->skip > 0) {
    world->skip--;
    return;
  }
  world->header[world->header_have++] = byte;
  const uint8_t *at = world->header;
  uint32_t length = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
  bool update = at[3] == H2_WINDOW_UPDATE;
  if (world->header_have < (update ? 13u : 9u)) return;
  world->header_have = 0;
  world->skip = update ? 0 : length;
  if (!update) return;
  assert_true(world->update_count < UPDATES_MAX);
  world->updates[world->update_count++] = (struct update){
      .stream_id = (uint32_t)at[5] << 24 | (uint32_t)at[6] << 16 | (uint32_t)at[7] << 8 | at[8],
      .increment = (uint32_t)at[9] << 24 | (uint32_t)at[10] << 16 | (uint32_t)at[11] << 8 | at[12]};
}

static inline void watch(const struct span *spans, size_t count) {
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < spans[i].len; j++)
      watch_byte(spans[i].base[j]);
}

/* At most `left` bytes of what an end has to send. */
static inline void send_some(struct machine *from, struct pipe *pipe, size_t left) {
  while (left > 0 && from->ops->wants(from->self) & MACHINE_SEND) {
    struct span spans[16];
    size_t bytes = 0;
    size_t count = from->ops->send_peek(from->self, spans, 16, left, world->loop.now_ns);
    if (count == 0) return;
    for (size_t i = 0; i < count; i++) {
      if (spans[i].len > left - bytes) spans[i].len = left - bytes;
      bytes += spans[i].len;
    }
    if (from == &world->loop.server) watch(spans, count);
    pipe_put(pipe, spans, count, world->loop.now_ns + world->delay_ns);
    from->ops->send_ack(from->self, bytes, world->loop.now_ns);
    left -= bytes;
  }
}

/* What the link takes in a step. */
static inline size_t link_bytes(void) {
  return world->bytes_per_step ? world->bytes_per_step : 1 << 20;
}

/* From the socket onto the line, as far as the line and TCP's window go. */
static inline void tcp_send(size_t left) {
  struct tcp *tcp = &world->tcp;
  size_t open = tcp->window_bytes > tcp->in_flight ? tcp->window_bytes - tcp->in_flight : 0;
  if (left > open) left = open;
  while (left > 0 && tcp->socket.first) {
    struct piece *piece = tcp->socket.first;
    size_t len = piece->len - piece->gone < left ? piece->len - piece->gone : left;
    struct span bytes = span_of(piece->bytes + piece->gone, len);
    pipe_put(&world->up, &bytes, 1, world->loop.now_ns + world->delay_ns);
    tcp->in_flight += len;
    left -= len;
    piece->gone += len;
    if (piece->gone == piece->len) free(pipe_take(&tcp->socket));
  }
}

static inline void client_send(void) {
  struct tcp *tcp = &world->tcp;
  if (tcp->window_bytes == 0) {
    send_some(&world->loop.client, &world->up, link_bytes());
    return;
  }
  if (tcp->socket.bytes < tcp->socket_bytes)
    send_some(&world->loop.client, &tcp->socket, tcp->socket_bytes - tcp->socket.bytes);
  tcp_send(link_bytes());
}

static inline void step(void) {
  struct loopback *loop = &world->loop;
  loop->now_ns += MILLISECOND_NS;
  loopback_tick(loop, &loop->client);
  loopback_tick(loop, &loop->server);
  pipe_deliver(&world->up, &loop->server);
  pipe_deliver(&world->down, &loop->client);
  tcp_take_acks();
  if (!world->paused) client_send();
  send_some(&loop->server, &world->down, link_bytes());
}

static inline void run_ms(unsigned ms) {
  while (ms-- > 0)
    step();
}

/* ---- a server that takes uploads, a client that makes them ------------------------------------
 */

static inline void sink_data(struct stream *stream, struct span bytes, bool end) {
  struct upload *upload = stream->user;
  upload->arrived += bytes.len;
  world->arrived += bytes.len;
  upload->unused += bytes.len;
  if (!world->stopped) {
    stream_consume(stream, upload->unused);
    upload->unused = 0;
  }
  if (end && !world->silent) assert_true(stream_respond(stream, 204, NULL, 0, BODY_NONE));
}

static inline void sink_closed(struct stream *stream, uint32_t error_code) {
  struct upload *upload = stream->user;
  (void)error_code;
  upload->server = NULL;
  upload->unused = 0;
}

static const struct stream_events sink_events = {.data = sink_data, .closed = sink_closed};

static inline void sink(void *ctx, struct stream *stream, const struct request *request,
                        uint64_t now_ns) {
  (void)ctx;
  (void)request;
  (void)now_ns;
  struct upload *upload = &world->uploads[world->answered++];
  upload->server = stream;
  stream->user = upload;
  stream->events = &sink_events;
  stream->consume_later = true;
  stream->flow = world->flow;
}

static const struct handler sink_handler = {.request = sink};

static inline enum body_result upload_pull(void *self, struct body_chunk *chunk) {
  static const uint8_t zeros[64 * KIB];
  struct upload *upload = self;
  size_t len = chunk->max < sizeof zeros ? chunk->max : sizeof zeros;
  if (len > upload->left) len = (size_t)upload->left;
  chunk->bytes = span_of(zeros, len);
  upload->left -= len;
  return upload->left > 0 ? BODY_MORE : BODY_END;
}

static const struct body_ops upload_body = {.pull = upload_pull};

static inline void upload_closed(struct stream *stream, uint32_t error_code) {
  struct upload *upload = stream->user;
  if (!world->closing && error_code != H2_REFUSED_STREAM) assert_int_equal(error_code, 0);
  upload->closed++;
  upload->error_code = error_code;
}

static const struct stream_events upload_events = {.closed = upload_closed};

static const struct header post[] = {
    {.name = {(const uint8_t *)":method", 7}, .value = {(const uint8_t *)"POST", 4}},
    {.name = {(const uint8_t *)":scheme", 7}, .value = {(const uint8_t *)"https", 5}},
    {.name = {(const uint8_t *)":authority", 10}, .value = {(const uint8_t *)"a", 1}},
    {.name = {(const uint8_t *)":path", 5}, .value = {(const uint8_t *)"/", 1}},
};

static inline struct upload *begin_upload_on(struct machine *client, uint64_t bytes) {
  struct upload *upload = &world->uploads[world->opened++];
  struct header fields[4] = {
      header_of(TOKEN_METHOD, post[0].value), header_of(TOKEN_SCHEME, post[1].value),
      header_of(TOKEN_AUTHORITY, post[2].value), header_of(TOKEN_PATH, post[3].value)};
  upload->left = bytes;
  upload->client = h2_request(h2_of(client), fields, 4, (struct body){&upload_body, upload},
                              &upload_events, upload);
  assert_non_null(upload->client);
  return upload;
}

static inline struct upload *begin_upload(uint64_t bytes) {
  return begin_upload_on(&world->loop.client, bytes);
}

/* Both ends are up, and have not heard of each other. */
static inline void open_cold_world(const struct engine_config *config, uint64_t delay_ns,
                                   uint64_t bytes_per_second) {
  world = calloc(1, sizeof *world);
  world->delay_ns = delay_ns;
  world->bytes_per_step = bytes_per_second / 1000;
  loopback_open(&world->loop, &sink_handler, config);
}

/* Both SETTINGS have been acked. */
static inline void open_world(const struct engine_config *config, uint64_t delay_ns,
                              uint64_t bytes_per_second) {
  open_cold_world(config, delay_ns, bytes_per_second);
  run_ms((unsigned)(3 * delay_ns / MILLISECOND_NS) + 3);
}

static inline void drop(struct pipe *pipe) {
  while (pipe->first)
    free(pipe_take(pipe));
}

static inline void close_world(void) {
  world->closing = true;
  drop(&world->up);
  drop(&world->down);
  drop(&world->tcp.socket);
  drop(&world->tcp.acks);
  loopback_close(&world->loop);
  free(world);
}

static inline const struct h2 *server(void) {
  return h2_of(&world->loop.server);
}

static inline struct engine_config with_flow(enum stream_flow flow) {
  struct engine_config config = engine_config_default();
  config.flow = flow;
  return config;
}

#endif
