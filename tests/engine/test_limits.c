/*
 * engine/test_limits.c - the bounds of a whole engine (engine/base/limits.h), with as many
 * connections, streams and uploads as they allow. One more is refused, the others continue, and
 * when one has ended there is room again.
 */
#include "engine/conn.h"
#include "engine/h2/h2.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"

#include <string.h>

static struct counted_memory memory;
static struct engine engine;
static const uint64_t now_ns = 1000 * SECOND_NS;

static void request(void *ctx, struct stream *stream, const struct request *request,
                    uint64_t at_ns) {
  (void)ctx, (void)stream, (void)request, (void)at_ns; /* never answered */
}
static const struct handler handler = {.request = request};

static void begin(const struct engine_config *config) {
  assert_true(engine_init(&engine, counted_init(&memory), config, &handler));
}

static void end(void) {
  engine_destroy(&engine);
  assert_int_equal(memory.count, 0);
}

/* ---- connections ----------------------------------------------------------------------------- */

/* `protocol`: "h2", or "" for clear text before its first bytes. */
static bool connect(const char *protocol, struct machine *machine) {
  const struct machine_factory factory = conn_factory(&engine);
  const struct machine_peer peer = {.application_protocol = protocol};
  return factory.create(factory.ctx, &peer, NULL, now_ns, machine);
}

static void close_machine(const struct machine *machine) {
  machine->ops->close(machine->self);
}

static void test_connections(void **state) {
  (void)state;
  static const char *const protocols[] = {"", "h2"};
  static struct machine machines[ENGINE_CONNECTIONS_DEFAULT];
  const struct engine_config config = engine_config_default();
  for (size_t i = 0; i < 2; i++) {
    struct machine more;
    begin(&config);
    for (uint32_t at = 0; at < ENGINE_CONNECTIONS_DEFAULT; at++)
      assert_true(connect(protocols[i], &machines[at]));
    assert_false(connect(protocols[i], &more));
    assert_int_equal(engine.http.counters.refused, 1);
    close_machine(&machines[0]);
    assert_true(connect(protocols[i], &machines[0]));
    for (uint32_t at = 0; at < ENGINE_CONNECTIONS_DEFAULT; at++)
      close_machine(&machines[at]);
    end();
  }
}

/* ---- streams --------------------------------------------------------------------------------- */

static void give(const struct machine *machine, const uint8_t *bytes, size_t len) {
  assert_int_equal(machine->ops->recv(machine->self, span_of(bytes, len), now_ns), len);
}

/* Takes the machine's output. Returns the number of frames of this type in it. */
static unsigned take(const struct machine *machine, enum h2_frame_type type) {
  static uint8_t sent[64 * KIB];
  struct span spans[16];
  size_t len = 0;
  size_t count = machine->ops->send_peek(machine->self, spans, 16, sizeof sent, now_ns);
  for (size_t i = 0; i < count; len += spans[i++].len)
    memcpy(sent + len, spans[i].base, spans[i].len);
  machine->ops->send_ack(machine->self, len, now_ns);
  unsigned found = 0;
  for (size_t at = 0; at < len;) {
    struct h2_frame_header header = h2_frame_header_decode(sent + at);
    found += header.type == type;
    at += H2_FRAME_HEADER_BYTES + header.length;
  }
  return found;
}

/* A client that has exchanged its preface and SETTINGS. */
static void open_client(struct machine *machine) {
  static const uint8_t hello[] = H2_PREFACE "\0\0\0\4\0\0\0\0\0"  /* SETTINGS */
                                            "\0\0\0\4\1\0\0\0\0"; /* and for ours: ACK */
  assert_true(connect("h2", machine));
  (void)take(machine, H2_SETTINGS);
  give(machine, hello, sizeof hello - 1);
  (void)take(machine, H2_SETTINGS);
}

/* GET or POST https://a/; a GET is complete. Returns whether it was refused. */
static bool ask(const struct machine *machine, uint32_t id, bool post) {
  uint8_t frame[H2_FRAME_HEADER_BYTES + 6] = {0};
  const uint8_t block[6] = {post ? 0x83 : 0x82, 0x87, 0x84, 0x01, 1, 'a'};
  const struct h2_frame_header header = {.length = sizeof block,
                                         .type = H2_HEADERS,
                                         .flags =
                                             H2_FLAG_END_HEADERS | (post ? 0 : H2_FLAG_END_STREAM),
                                         .stream_id = id};
  memcpy(h2_frame_header_encode(frame, header), block, sizeof block);
  give(machine, frame, sizeof frame);
  return take(machine, H2_RST_STREAM) > 0;
}

static void cancel(const struct machine *machine, uint32_t id) {
  uint8_t frame[H2_FRAME_HEADER_BYTES + 4];
  (void)h2_frame_rst_stream_encode(frame, id, H2_CANCEL);
  give(machine, frame, sizeof frame);
}

/* On as many connections as needed. */
static void test_streams(void **state) {
  (void)state;
  enum { EACH = PEER_CONCURRENT_STREAMS_DEFAULT, CLIENTS = ENGINE_STREAMS_DEFAULT / EACH };
  static struct machine clients[CLIENTS + 1];
  const struct engine_config config = engine_config_default();
  begin(&config);
  for (uint32_t i = 0; i < CLIENTS; i++) {
    open_client(&clients[i]);
    for (uint32_t stream = 0; stream < EACH; stream++)
      assert_false(ask(&clients[i], 2 * stream + 1, false));
  }
  open_client(&clients[CLIENTS]);
  assert_true(ask(&clients[CLIENTS], 1, false));
  assert_int_equal(engine.http.counters.refused, 1);
  cancel(&clients[0], 1);
  assert_false(ask(&clients[CLIENTS], 3, false));
  assert_true(ask(&clients[0], 2 * EACH + 1, false));
  for (uint32_t i = 0; i <= CLIENTS; i++)
    close_machine(&clients[i]);
  end();
}

/* ---- windows --------------------------------------------------------------------------------- */

/* Uploads, one per connection: each could make us hold a first window, and no more. */
static void test_window_budget(void **state) {
  (void)state;
  enum { UPLOADS = PEER_WINDOW_BUDGET_BYTES / PEER_STREAM_WINDOW_BYTES_DEFAULT };
  static struct machine clients[UPLOADS + 1];
  struct engine_config config = engine_config_default();
  config.h2.connection_window_bytes = H2_WINDOW_BYTES_MIN;
  begin(&config);
  for (uint32_t i = 0; i < UPLOADS; i++) {
    open_client(&clients[i]);
    assert_false(ask(&clients[i], 1, true));
  }
  open_client(&clients[UPLOADS]);
  assert_true(ask(&clients[UPLOADS], 1, true));
  assert_int_equal(engine.http.counters.refused, 1);
  assert_false(ask(&clients[UPLOADS], 3, false)); /* a request without a body costs nothing */
  cancel(&clients[0], 1);
  assert_false(ask(&clients[UPLOADS], 5, true));
  for (uint32_t i = 0; i <= UPLOADS; i++)
    close_machine(&clients[i]);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_connections),
      cmocka_unit_test(test_streams),
      cmocka_unit_test(test_window_budget),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
