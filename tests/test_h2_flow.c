/*
 * test_h2_flow.c - the receiver's policies, over a line with a delay and a rate in simulated time.
 */
#include "engine/h2_flow.h"
#include "loopback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- a line ---------------------------------------------------------------------------------- */

/* What is under way in one direction, in pieces in order of arrival. */
struct piece {
  struct piece *next;
  uint64_t arrives_ns;
  size_t len;
  uint8_t bytes[];
};

struct pipe {
  struct piece *first, *last;
  size_t bytes;
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
};

/* One server engine, and clients that upload to it. */
struct world {
  struct loopback loop;
  struct pipe up, down;
  uint64_t delay_ns;       /* one way */
  uint64_t bytes_per_step; /* each direction, of a step of a millisecond; 0: no limit */
  bool stopped;            /* handlers use nothing */
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

static void pipe_put(struct pipe *pipe, const struct span *spans, size_t count, uint64_t at_ns) {
  size_t len = 0;
  for (size_t i = 0; i < count; i++)
    len += spans[i].len;
  struct piece *piece = malloc(sizeof *piece + len);
  *piece = (struct piece){.arrives_ns = at_ns};
  for (size_t i = 0; i < count; i++) {
    memcpy(piece->bytes + piece->len, spans[i].base, spans[i].len);
    piece->len += spans[i].len;
  }
  *(pipe->last ? &pipe->last->next : &pipe->first) = piece;
  pipe->last = piece;
  pipe->bytes += len;
}

static void pipe_deliver(struct pipe *pipe, struct machine *to) {
  while (pipe->first && pipe->first->arrives_ns <= world->loop.now_ns) {
    struct piece *piece = pipe->first;
    pipe->first = piece->next;
    if (!pipe->first) pipe->last = NULL;
    pipe->bytes -= piece->len;
    deliver_pieces(&world->loop, to, span_of(piece->bytes, piece->len));
    free(piece);
  }
}

/* Notes the WINDOW_UPDATE frames among what the server sends. */
static void watch_byte(uint8_t byte) {
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

static void watch(const struct span *spans, size_t count) {
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < spans[i].len; j++)
      watch_byte(spans[i].base[j]);
}

/* What the link takes in this step from one end. */
static void send_step(struct machine *from, struct pipe *pipe) {
  size_t left = world->bytes_per_step ? world->bytes_per_step : 1 << 20;
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

static void step(void) {
  struct loopback *loop = &world->loop;
  loop->now_ns += MILLISECOND_NS;
  loopback_tick(loop, &loop->client);
  loopback_tick(loop, &loop->server);
  pipe_deliver(&world->up, &loop->server);
  pipe_deliver(&world->down, &loop->client);
  send_step(&loop->client, &world->up);
  send_step(&loop->server, &world->down);
}

static void run_ms(unsigned ms) {
  while (ms-- > 0)
    step();
}

/* ---- a server that takes uploads, a client that makes them ------------------------------------
 */

static void sink_data(struct stream *stream, struct span bytes, bool end) {
  struct upload *upload = stream->user;
  upload->arrived += bytes.len;
  world->arrived += bytes.len;
  upload->unused += bytes.len;
  if (!world->stopped) {
    stream_consume(stream, upload->unused);
    upload->unused = 0;
  }
  if (end) assert_true(stream_respond(stream, 204, NULL, 0, BODY_NONE));
}

static void sink_closed(struct stream *stream, uint32_t error_code) {
  struct upload *upload = stream->user;
  (void)error_code;
  upload->server = NULL;
}

static const struct stream_events sink_events = {.data = sink_data, .closed = sink_closed};

static void sink(void *ctx, struct stream *stream, const struct request *request, uint64_t now_ns) {
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

static enum body_result upload_pull(void *self, struct body_chunk *chunk) {
  static const uint8_t zeros[64 * KIB];
  struct upload *upload = self;
  size_t len = chunk->max < sizeof zeros ? chunk->max : sizeof zeros;
  if (len > upload->left) len = (size_t)upload->left;
  chunk->bytes = span_of(zeros, len);
  upload->left -= len;
  return upload->left > 0 ? BODY_MORE : BODY_END;
}

static const struct body_ops upload_body = {.pull = upload_pull};

static void upload_closed(struct stream *stream, uint32_t error_code) {
  struct upload *upload = stream->user;
  if (!world->closing) assert_int_equal(error_code, 0);
  upload->closed++;
}

static const struct stream_events upload_events = {.closed = upload_closed};

static const struct header post[] = {
    {.name = {(const uint8_t *)":method", 7}, .value = {(const uint8_t *)"POST", 4}},
    {.name = {(const uint8_t *)":scheme", 7}, .value = {(const uint8_t *)"https", 5}},
    {.name = {(const uint8_t *)":authority", 10}, .value = {(const uint8_t *)"a", 1}},
    {.name = {(const uint8_t *)":path", 5}, .value = {(const uint8_t *)"/", 1}},
};

static struct upload *begin_upload(uint64_t bytes) {
  struct upload *upload = &world->uploads[world->opened++];
  struct header fields[4] = {
      header_of(TOKEN_METHOD, post[0].value), header_of(TOKEN_SCHEME, post[1].value),
      header_of(TOKEN_AUTHORITY, post[2].value), header_of(TOKEN_PATH, post[3].value)};
  upload->left = bytes;
  upload->client = h2_request(h2_of(&world->loop.client), fields, 4,
                              (struct body){&upload_body, upload}, &upload_events, upload);
  assert_non_null(upload->client);
  return upload;
}

static void open_world(const struct engine_config *config, uint64_t delay_ns,
                       uint64_t bytes_per_second) {
  world = calloc(1, sizeof *world);
  world->delay_ns = delay_ns;
  world->bytes_per_step = bytes_per_second / 1000;
  loopback_open(&world->loop, &sink_handler, config);
  run_ms((unsigned)(3 * delay_ns / MILLISECOND_NS) + 3); /* both SETTINGS, both ACKs */
}

static void drop(struct pipe *pipe) {
  while (pipe->first) {
    struct piece *piece = pipe->first;
    pipe->first = piece->next;
    free(piece);
  }
}

static void close_world(void) {
  world->closing = true;
  drop(&world->up);
  drop(&world->down);
  loopback_close(&world->loop);
  free(world);
}

static const struct h2 *server(void) {
  return h2_of(&world->loop.server);
}

static struct engine_config with_flow(enum stream_flow flow) {
  struct engine_config config = engine_config_default();
  config.flow = flow;
  return config;
}

/* ---- auto: a long path ------------------------------------------------------------------------
 */

enum { PATH_RATE = 12500000, PATH_MS = 200 }; /* 100 Mbit/s, 200 ms there and back: 2.5 MB */

/* Bytes a second that arrive once the windows have had time to grow. */
static uint64_t steady_rate(enum stream_flow flow) {
  struct engine_config config = with_flow(flow);
  open_world(&config, PATH_MS / 2 * MILLISECOND_NS, PATH_RATE);
  begin_upload(UINT64_C(1) << 40);
  run_ms(3000);
  uint64_t before = world->arrived;
  run_ms(2000);
  uint64_t rate = (world->arrived - before) / 2;
  assert_true(server()->credit.target <= config.connection_window_bytes_max);
  close_world();
  return rate;
}

static void auto_fills_a_long_path(void **state) {
  (void)state;
  uint64_t rate = steady_rate(FLOW_AUTO);
  if (rate < PATH_RATE / 100 * 90) fail_msg("auto reaches %llu B/s", (unsigned long long)rate);
}

/* A window each round trip, and no more: what a fixed window costs. */
static void fixed_windows_do_not(void **state) {
  (void)state;
  static const enum stream_flow fixed[] = {FLOW_ECHO, FLOW_THRESHOLD, FLOW_CONSUME};
  uint64_t window_rate = 65535 * 1000 / PATH_MS;
  for (size_t i = 0; i < 3; i++) {
    uint64_t rate = steady_rate(fixed[i]);
    if (rate > window_rate * 11 / 10 || rate < window_rate / 2)
      fail_msg("policy %u: %llu B/s", (unsigned)fixed[i], (unsigned long long)rate);
  }
}

/* A short path needs no large window, and gets none. */
static void auto_stays_small_on_a_short_path(void **state) {
  (void)state;
  struct engine_config config = with_flow(FLOW_AUTO);
  open_world(&config, MILLISECOND_NS, PATH_RATE); /* 2 ms hold 25 kB */
  begin_upload(UINT64_C(1) << 40);
  run_ms(3000);
  assert_int_equal(server()->credit.target, config.connection_window_bytes);
  close_world();
}

/* Half after each 5 s of silence, back to where it began; the engine's budget gets it back. */
static void auto_shrinks_when_idle(void **state) {
  (void)state;
  struct engine_config config = with_flow(FLOW_AUTO);
  open_world(&config, PATH_MS / 2 * MILLISECOND_NS, PATH_RATE);
  struct upload *upload = begin_upload(30000000);
  run_ms(5000);
  uint32_t wide = server()->credit.target;
  assert_true(wide >= 4 * config.connection_window_bytes);
  assert_int_equal(upload->closed, 1);
  run_ms(6000);
  assert_int_equal(server()->credit.target, wide / 2);
  assert_int_equal(world->loop.server_engine.window_bytes_charged, wide / 2);
  run_ms(30000);
  assert_int_equal(server()->credit.target, config.connection_window_bytes);
  assert_int_equal(world->loop.server_engine.window_bytes_charged, config.connection_window_bytes);
  /* It grows again for who comes back. */
  begin_upload(30000000);
  run_ms(4000);
  assert_true(server()->credit.target >= 4 * config.connection_window_bytes);
  close_world();
}

/* What other connections have been charged is not there to grow into. */
static void auto_keeps_to_the_budget(void **state) {
  (void)state;
  struct engine_config config = with_flow(FLOW_AUTO);
  config.window_budget_bytes = 3 * MIB;
  open_world(&config, PATH_MS / 2 * MILLISECOND_NS, PATH_RATE);
  struct machine second;
  assert_true(
      h2_server(&world->loop.server_engine, &loopback_peer, NULL, world->loop.now_ns, &second));
  assert_int_equal(world->loop.server_engine.window_bytes_charged, 2 * MIB);
  begin_upload(UINT64_C(1) << 40);
  run_ms(3000);
  assert_int_equal(world->loop.server_engine.window_bytes_charged, 3 * MIB);
  assert_int_equal(server()->credit.target, 2 * MIB);
  struct machine third; /* there is nothing left but the least */
  assert_true(
      h2_server(&world->loop.server_engine, &loopback_peer, NULL, world->loop.now_ns, &third));
  assert_int_equal(h2_of(&third)->credit.target, H2_WINDOW_BYTES_MIN);
  third.ops->close(third.self);
  second.ops->close(second.self);
  assert_int_equal(world->loop.server_engine.window_bytes_charged, 2 * MIB);
  close_world();
}

/* ---- the other policies -----------------------------------------------------------------------
 */

/* Each frame is answered by as much, for the stream and for the connection. */
static void echo_answers_each_frame(void **state) {
  (void)state;
  struct engine_config config = with_flow(FLOW_ECHO);
  open_world(&config, MILLISECOND_NS, 1000 * 1000); /* a frame a step, 1 kB or less */
  uint32_t before = world->update_count;
  world->stopped = true;
  begin_upload(200000);
  run_ms(400);
  assert_int_equal(world->uploads[0].closed, 1); /* more than its window, and nothing was used */
  uint64_t sums[2] = {0};
  for (uint32_t i = before; i < world->update_count; i++) {
    assert_true(world->updates[i].increment <= 1000);
    sums[world->updates[i].stream_id != 0] += world->updates[i].increment;
  }
  assert_true(world->update_count - before > 300);
  assert_int_equal(sums[0], 200000);
  assert_true(sums[1] > 200000 - 2000 && sums[1] < 200000); /* not for the last frame: it ended */
  close_world();
}

/* Refilled whenever half of the window has arrived, used or not. */
static void threshold_refills_at_half(void **state) {
  (void)state;
  struct engine_config config = with_flow(FLOW_THRESHOLD);
  open_world(&config, MILLISECOND_NS, 1000 * 1000);
  uint32_t before = world->update_count, stream = 0;
  world->stopped = true;
  begin_upload(200000);
  run_ms(400);
  assert_int_equal(world->uploads[0].closed, 1);
  for (uint32_t i = before; i < world->update_count; i++) {
    if (world->updates[i].stream_id == 0) continue;
    assert_true(world->updates[i].increment >= 65535 / 2);
    assert_true(world->updates[i].increment < 65535 / 2 + 1000);
    stream++;
  }
  assert_int_equal(stream, 200000 / (65535 / 2 + 1000));
  close_world();
}

/* A handler that stops, stops its client; it goes on when the bytes have been used. */
static void consume_is_back_pressure(void **state) {
  (void)state;
  static const enum stream_flow policies[] = {FLOW_CONSUME, FLOW_AUTO};
  for (size_t i = 0; i < 2; i++) {
    struct engine_config config = with_flow(policies[i]);
    open_world(&config, MILLISECOND_NS, PATH_RATE);
    world->stopped = true;
    struct upload *upload = begin_upload(200000);
    run_ms(500);
    assert_int_equal(upload->arrived, 65535);
    stream_consume(upload->server, 40000);
    upload->unused -= 40000;
    run_ms(500);
    assert_int_equal(upload->arrived, 65535 + 40000);
    world->stopped = false;
    stream_consume(upload->server, upload->unused);
    upload->unused = 0;
    run_ms(500);
    assert_int_equal(upload->closed, 1);
    assert_int_equal(upload->arrived, 200000);
    close_world();
  }
}

/* A handler's word counts more than the engine's. */
static void a_handler_chooses_its_policy(void **state) {
  (void)state;
  struct engine_config config = with_flow(FLOW_AUTO);
  open_world(&config, MILLISECOND_NS, PATH_RATE);
  world->stopped = true;
  world->flow = FLOW_THRESHOLD;
  struct upload *threshold = begin_upload(200000);
  run_ms(500);
  world->flow = FLOW_CONSUME;
  struct upload *consume = begin_upload(200000);
  run_ms(500);
  assert_int_equal(threshold->closed, 1);
  assert_int_equal(consume->arrived, 65535);
  close_world();
}

static void policies_have_names(void **state) {
  (void)state;
  enum stream_flow flow = FLOW_DEFAULT;
  assert_true(h2_flow_parse("auto", &flow));
  assert_int_equal(flow, FLOW_AUTO);
  assert_true(h2_flow_parse("echo", &flow));
  assert_int_equal(flow, FLOW_ECHO);
  assert_true(h2_flow_parse("threshold", &flow));
  assert_true(h2_flow_parse("consume", &flow));
  assert_int_equal(flow, FLOW_CONSUME);
  assert_false(h2_flow_parse("", &flow));
  assert_false(h2_flow_parse("automatic", &flow));
  assert_int_equal(flow, FLOW_CONSUME);
}

/* ---- a thousand uploads and a consumer that has stopped ----------------------------------------
 */

/* The connection's window is the bound of what a handler's standstill makes us hold, whatever the
 * number of streams; and nothing is lost when it goes on. */
static void a_thousand_streams_and_a_stopped_consumer(void **state) {
  (void)state;
  enum { COUNT = 1000, BYTES = 50000 };
  struct engine_config config = with_flow(FLOW_AUTO);
  config.concurrent_streams = COUNT;
  open_world(&config, 50 * MILLISECOND_NS, 10 * PATH_RATE);
  world->stopped = true;
  size_t memory_before = world->loop.memory.bytes;
  for (unsigned i = 0; i < COUNT; i++)
    begin_upload(BYTES);
  run_ms(3000);
  assert_int_equal(world->answered, COUNT);
  assert_int_equal(world->arrived, config.connection_window_bytes);
  assert_int_equal(server()->credit.granted, 0);
  assert_int_equal(server()->credit.target, config.connection_window_bytes);
  /* Of both ends: streams, their headers, and what the scheduler needs; no bytes of bodies. */
  assert_true(world->loop.memory.bytes - memory_before < COUNT * 4 * KIB + 256 * KIB);
  world->stopped = false;
  for (unsigned i = 0; i < COUNT; i++) {
    stream_consume(world->uploads[i].server, world->uploads[i].unused);
    world->uploads[i].unused = 0;
  }
  run_ms(5000);
  for (unsigned i = 0; i < COUNT; i++)
    assert_int_equal(world->uploads[i].closed, 1);
  assert_int_equal(world->arrived, (uint64_t)COUNT * BYTES);
  close_world();
}

/* ---- the client's caps -------------------------------------------------------------------------
 */

struct download {
  uint64_t length, sent; /* the server's side */
  uint64_t arrived;
  unsigned closed;
};

static enum body_result download_pull(void *self, struct body_chunk *chunk) {
  struct download *download = self;
  static const uint8_t zeros[64 * KIB];
  uint64_t left = download->length - download->sent;
  size_t len = chunk->max < sizeof zeros ? chunk->max : sizeof zeros;
  if (len > left) len = (size_t)left;
  chunk->bytes = span_of(zeros, len);
  download->sent += len;
  return download->sent < download->length ? BODY_MORE : BODY_END;
}

static void download_data(struct stream *stream, struct span bytes, bool end) {
  (void)end;
  ((struct download *)stream->user)->arrived += bytes.len;
}

static void download_closed(struct stream *stream, uint32_t error_code) {
  assert_int_equal(error_code, 0);
  ((struct download *)stream->user)->closed++;
}

static struct download downloads[2];
static unsigned downloads_asked;

static void send_download(void *ctx, struct stream *stream, const struct request *request,
                          uint64_t now_ns) {
  static const struct body_ops ops = {.pull = download_pull};
  static const struct stream_events none;
  (void)ctx;
  (void)request;
  (void)now_ns;
  stream->events = &none;
  struct body body = {&ops, &downloads[downloads_asked++]};
  assert_true(stream_respond(stream, 200, NULL, 0, body));
}

static struct stream *get(struct download *download) {
  static const struct stream_events events = {.data = download_data, .closed = download_closed};
  struct header fields[4] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, post[1].value),
      header_of(TOKEN_AUTHORITY, post[2].value), header_of(TOKEN_PATH, post[3].value)};
  struct stream *stream =
      h2_request(h2_of(&world->loop.client), fields, 4, BODY_NONE, &events, download);
  assert_non_null(stream);
  return stream;
}

/* "4 KB of this image for now, 500 KB of that script, then the rest of the image", to the byte. */
static void caps_order_a_download(void **state) {
  (void)state;
  static const struct handler handler = {.request = send_download};
  struct engine_config config = with_flow(FLOW_AUTO);
  config.stream_window_bytes = 4096; /* what may come unasked cannot be capped */
  world = calloc(1, sizeof *world);
  world->delay_ns = 10 * MILLISECOND_NS;
  world->bytes_per_step = 1000;
  loopback_open(&world->loop, &handler, &config);
  run_ms(100);
  struct download *image = &downloads[0], *script = &downloads[1];
  image->length = 300000;
  script->length = 600000;
  struct stream *of_image = get(image);
  stream_cap(of_image, 4096);
  run_ms(300);
  assert_int_equal(image->arrived, 4096);
  struct stream *of_script = get(script);
  stream_cap(of_script, 500000);
  run_ms(2000);
  assert_int_equal(script->arrived, 500000);
  assert_int_equal(image->arrived, 4096);
  stream_cap(of_image, 10000); /* a little more */
  run_ms(100);
  assert_int_equal(image->arrived, 10000);
  stream_cap(of_image, STREAM_UNCAPPED);
  run_ms(2000);
  assert_int_equal(image->arrived, 300000);
  assert_int_equal(image->closed, 1);
  assert_int_equal(script->arrived, 500000);
  stream_cap(of_script, STREAM_UNCAPPED);
  run_ms(1000);
  assert_int_equal(script->closed, 1);
  close_world();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(auto_fills_a_long_path),
      cmocka_unit_test(fixed_windows_do_not),
      cmocka_unit_test(auto_stays_small_on_a_short_path),
      cmocka_unit_test(auto_shrinks_when_idle),
      cmocka_unit_test(auto_keeps_to_the_budget),
      cmocka_unit_test(echo_answers_each_frame),
      cmocka_unit_test(threshold_refills_at_half),
      cmocka_unit_test(consume_is_back_pressure),
      cmocka_unit_test(a_handler_chooses_its_policy),
      cmocka_unit_test(policies_have_names),
      cmocka_unit_test(a_thousand_streams_and_a_stopped_consumer),
      cmocka_unit_test(caps_order_a_download),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
