/*
 * support/line.c - a server engine and a client engine that uploads to it, at the ends of a line.
 *
 * Time advances in steps of a millisecond. In each, arrived bytes are delivered, and both ends send
 * what the line takes. With a TCP, the client's bytes pass through its socket buffer and wait there
 * for TCP's window. An acknowledgement comes back one delay after the bytes have arrived.
 */
#include "tests/support/line.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/wire.h"
#include "tests/support/cmocka.h"

enum { SPANS = 16, NO_LIMIT_BYTES = 1 << 20, PIECE_BYTES = 32 * 1024 };

/* For acknowledgements, only `len` has a meaning. */
struct line_piece {
  struct line_piece *next;
  uint64_t arrives_ns;
  size_t len, gone; /* bytes; of these, already passed on */
  uint8_t bytes[PIECE_BYTES];
};

/* ---- queues ---------------------------------------------------------------------------------- */

static void add(struct line_queue *queue, struct line_piece *piece) {
  *(queue->last ? &queue->last->next : &queue->first) = piece;
  queue->last = piece;
  queue->bytes += piece->len;
}

static struct line_piece *take(struct line_queue *queue) {
  struct line_piece *piece = queue->first;
  queue->first = piece->next;
  if (!queue->first) queue->last = NULL;
  queue->bytes -= piece->len;
  return piece;
}

/* Pieces are reused. Gigabytes pass through a line, and new memory for each of them would take
 * most of a test's time. */
static struct line_piece *piece_new(struct line *line, uint64_t arrives_ns) {
  struct line_piece *piece = line->spare;
  if (piece)
    line->spare = piece->next;
  else
    piece = malloc(sizeof *piece);
  piece->next = NULL;
  piece->arrives_ns = arrives_ns;
  piece->len = piece->gone = 0;
  return piece;
}

static void recycle(struct line *line, struct line_piece *piece) {
  piece->next = line->spare;
  line->spare = piece;
}

static void put(struct line *line, struct line_queue *queue, struct span bytes,
                uint64_t arrives_ns) {
  while (bytes.len > 0) {
    struct line_piece *piece = piece_new(line, arrives_ns);
    piece->len = bytes.len < PIECE_BYTES ? bytes.len : PIECE_BYTES;
    memcpy(piece->bytes, bytes.base, piece->len);
    bytes = span_of(bytes.base + piece->len, bytes.len - piece->len);
    add(queue, piece);
  }
}

static void drop(struct line_queue *queue) {
  while (queue->first)
    free(take(queue));
}

static bool has_arrived(const struct line *line, const struct line_queue *queue) {
  return queue->first && queue->first->arrives_ns <= line->loop.now_ns;
}

/* ---- TCP ------------------------------------------------------------------------------------- */

static void acknowledge(struct line *line, size_t bytes) {
  struct line_piece *ack = piece_new(line, line->loop.now_ns + line->delay_ns);
  ack->len = bytes;
  add(&line->tcp.acks, ack);
}

static void take_acks(struct line *line) {
  while (has_arrived(line, &line->tcp.acks)) {
    struct line_piece *ack = take(&line->tcp.acks);
    line->tcp.in_flight -= ack->len;
    line->tcp.window_bytes += ack->len;
    recycle(line, ack);
  }
}

/* Moves bytes from the socket onto the line, as far as the line and TCP's window allow. */
static void socket_send(struct line *line, size_t left) {
  struct line_tcp *tcp = &line->tcp;
  size_t open = tcp->window_bytes > tcp->in_flight ? tcp->window_bytes - tcp->in_flight : 0;
  if (left > open) left = open;
  while (left > 0 && tcp->socket.first) {
    struct line_piece *piece = tcp->socket.first;
    size_t len = piece->len - piece->gone < left ? piece->len - piece->gone : left;
    put(line, &line->up, span_of(piece->bytes + piece->gone, len),
        line->loop.now_ns + line->delay_ns);
    tcp->in_flight += len;
    left -= len;
    piece->gone += len;
    if (piece->gone == piece->len) recycle(line, take(&tcp->socket));
  }
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void deliver(struct line *line, struct line_queue *queue, struct machine *to) {
  while (has_arrived(line, queue)) {
    struct line_piece *piece = take(queue);
    loopback_deliver(&line->loop, to, span_of(piece->bytes, piece->len));
    if (queue == &line->up && line->tcp.window_bytes) acknowledge(line, piece->len);
    recycle(line, piece);
  }
}

/* Records the WINDOW_UPDATE frames that the server sends. */
static void watch_byte(struct line *line, uint8_t byte) {
  if (line->skip > 0) {
    line->skip--;
    return;
  }
  line->header[line->header_have++] = byte;
  struct h2_frame_header header = h2_frame_header_decode(line->header);
  bool update = line->header_have >= H2_FRAME_HEADER_BYTES && header.type == H2_WINDOW_UPDATE;
  if (line->header_have < (update ? sizeof line->header : H2_FRAME_HEADER_BYTES)) return;
  line->header_have = 0;
  line->skip = update ? 0 : header.length;
  if (!update) return;
  assert_true(line->update_count < LINE_UPDATES_MAX);
  line->updates[line->update_count++] = (struct line_update){
      .stream_id = header.stream_id,
      .increment = wire_get31(line->header + H2_FRAME_HEADER_BYTES),
  };
}

static void watch(struct line *line, const struct span *spans, size_t count) {
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < spans[i].len; j++)
      watch_byte(line, spans[i].base[j]);
}

/* Takes at most `left` bytes from an end that sends. */
static void send_some(struct line *line, struct machine *from, struct line_queue *queue,
                      size_t left) {
  while (left > 0 && from->ops->wants(from->self) & MACHINE_SEND) {
    struct span spans[SPANS];
    size_t bytes = 0;
    size_t count = from->ops->send_peek(from->self, spans, SPANS, left, line->loop.now_ns);
    if (count == 0) return;
    for (size_t i = 0; i < count; i++) {
      if (spans[i].len > left - bytes) spans[i].len = left - bytes;
      put(line, queue, spans[i], line->loop.now_ns + line->delay_ns);
      bytes += spans[i].len;
    }
    if (from == &line->loop.server) watch(line, spans, count);
    from->ops->send_ack(from->self, bytes, line->loop.now_ns);
    left -= bytes;
  }
}

static size_t step_bytes(const struct line *line) {
  return line->bytes_per_step ? line->bytes_per_step : NO_LIMIT_BYTES;
}

static void client_send(struct line *line) {
  struct line_tcp *tcp = &line->tcp;
  if (tcp->window_bytes == 0) {
    send_some(line, &line->loop.client, &line->up, step_bytes(line));
    return;
  }
  if (tcp->socket.bytes < tcp->socket_bytes)
    send_some(line, &line->loop.client, &tcp->socket, tcp->socket_bytes - tcp->socket.bytes);
  socket_send(line, step_bytes(line));
}

static void step(struct line *line) {
  struct loopback *loop = &line->loop;
  loop->now_ns += MILLISECOND_NS;
  loopback_tick(loop, &loop->client);
  loopback_tick(loop, &loop->server);
  deliver(line, &line->up, &loop->server);
  deliver(line, &line->down, &loop->client);
  take_acks(line);
  if (!line->paused) client_send(line);
  send_some(line, &loop->server, &line->down, step_bytes(line));
}

void line_run(struct line *line, unsigned ms) {
  while (ms-- > 0)
    step(line);
}

/* ---- a server that takes uploads ------------------------------------------------------------- */

static void sink_data(struct stream *stream, struct span bytes, bool end) {
  struct line_upload *upload = stream->user;
  upload->arrived += bytes.len;
  upload->line->arrived += bytes.len;
  upload->unused += bytes.len;
  if (!upload->line->stopped) {
    stream_consume(stream, upload->unused);
    upload->unused = 0;
  }
  if (end && !upload->line->silent) assert_true(stream_respond(stream, 204, NULL, 0, BODY_NONE));
}

static void sink_closed(struct stream *stream, uint32_t error_code) {
  struct line_upload *upload = stream->user;
  (void)error_code;
  upload->server = NULL;
  upload->unused = 0;
}

static void sink(void *ctx, struct stream *stream, const struct request *request, uint64_t now_ns) {
  static const struct stream_events events = {.data = sink_data, .closed = sink_closed};
  struct line *line = ctx;
  (void)request;
  (void)now_ns;
  struct line_upload *upload = &line->uploads[line->answered++];
  upload->server = stream;
  stream->user = upload;
  stream->events = &events;
  stream->duplex = true;
  stream->consume_later = true;
  stream->flow = line->flow;
}

/* ---- a client that makes them ---------------------------------------------------------------- */

static enum body_result upload_pull(void *self, struct body_chunk *chunk) {
  static const uint8_t zeros[64 * KIB];
  struct line_upload *upload = self;
  size_t len = chunk->max < sizeof zeros ? chunk->max : sizeof zeros;
  if (len > upload->left) len = (size_t)upload->left;
  chunk->bytes = span_of(zeros, len);
  upload->left -= len;
  return upload->left > 0 ? BODY_MORE : BODY_END;
}

static void upload_closed(struct stream *stream, uint32_t error_code) {
  struct line_upload *upload = stream->user;
  if (!upload->line->closing && error_code != H2_REFUSED_STREAM) assert_int_equal(error_code, 0);
  upload->closed++;
  upload->error_code = error_code;
}

struct line_upload *line_upload_on(struct line *line, struct machine *client, uint64_t bytes) {
  static const struct body_ops body = {.pull = upload_pull};
  static const struct stream_events events = {.closed = upload_closed};
  assert_true(line->opened < LINE_UPLOADS_MAX);
  struct line_upload *upload = &line->uploads[line->opened++];
  struct header fields[4] = {
      header_of(TOKEN_METHOD, span_text("POST")),
      header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")),
      header_of(TOKEN_PATH, span_text("/")),
  };
  upload->line = line;
  upload->left = bytes;
  upload->client =
      h2_request(h2_of(client), fields, 4, (struct body){&body, upload}, &events, upload);
  assert_non_null(upload->client);
  return upload;
}

struct line_upload *line_upload(struct line *line, uint64_t bytes) {
  return line_upload_on(line, &line->loop.client, bytes);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct engine_config line_config(enum stream_flow flow) {
  struct engine_config config = engine_config_default();
  config.h2.flow = flow;
  return config;
}

struct line *line_open_cold(const struct handler *handler, const struct engine_config *config,
                            uint64_t delay_ns, uint64_t bytes_per_second) {
  struct line *line = calloc(1, sizeof *line);
  line->delay_ns = delay_ns;
  line->bytes_per_step = bytes_per_second / 1000;
  line->handler = (struct handler){.request = sink, .ctx = line};
  loopback_open(&line->loop, handler ? handler : &line->handler, config);
  return line;
}

struct line *line_open(const struct engine_config *config, uint64_t delay_ns,
                       uint64_t bytes_per_second) {
  struct line *line = line_open_cold(NULL, config, delay_ns, bytes_per_second);
  line_run(line, (unsigned)(3 * delay_ns / MILLISECOND_NS) + 3);
  return line;
}

void line_close(struct line *line) {
  line->closing = true;
  drop(&line->up);
  drop(&line->down);
  drop(&line->tcp.socket);
  drop(&line->tcp.acks);
  while (line->spare) {
    struct line_piece *piece = line->spare;
    line->spare = piece->next;
    free(piece);
  }
  loopback_close(&line->loop);
  free(line);
}

const struct h2 *line_server(const struct line *line) {
  return h2_of(&line->loop.server);
}
