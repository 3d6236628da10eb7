/*
 * spdy/test_vaulted.c - bytes that a session passes on unread, from the bodies of its streams and to them: in long frames,
 * whatever the pieces in which they come, and only where the stream takes them.
 */
#include <stdlib.h>

#include "engine/engine.h"
#include "engine/spdy/limits.h"
#include "engine/spdy/request.h"
#include "engine/spdy/spdy.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/end.h"
#include "tests/support/pipe.h"

enum { BYTES = 900000 };

static struct play {
  struct counted_memory memory;
  struct engine engine;
  struct machine client, server;
  struct machine_host host;
  struct pipe to_server, to_client;
  uint64_t now_ns;
  struct stream *stream; /* the client's */
  bool takes;            /* the server's stream takes vaulted bytes */
  uint32_t loans;
  uint64_t given, vaulted, read;
  size_t piece_max; /* that was given at once */
  bool end, waits;
} play;

static void wake(struct machine_host *host) {
  (void)host;
}

/* ---- the client's body ----------------------------------------------------------------------- */

/* First a byte of its own, then one vaulted span. */
static enum body_result pull(void *self, struct body_chunk *chunk) {
  (void)self;
  if (chunk->max == 0) return BODY_MORE;
  if (play.waits) return BODY_WAIT;
  if (play.given == 0) {
    *chunk->room = end_pattern(0);
    chunk->bytes = span_of(chunk->room, 1);
    play.given = 1;
    return BODY_MORE;
  }
  assert_true(chunk->lend_max >= chunk->max);
  size_t len = BYTES - play.given < chunk->lend_max ? BYTES - play.given : chunk->lend_max;
  chunk->lent = end_vaulted(play.given, len);
  chunk->loans = &play.loans;
  play.given += len;
  if (len > play.piece_max) play.piece_max = len;
  return play.given == BYTES ? BODY_END : BODY_MORE;
}

/* ---- the server's stream --------------------------------------------------------------------- */

static void on_data(struct stream *stream, struct span bytes, bool end) {
  uint64_t at = play.read + play.vaulted;
  play.end |= end;
  if (span_is_vaulted(bytes))
    play.vaulted += bytes.len;
  else
    play.read += bytes.len;
  for (size_t i = 0; i < bytes.len && !span_is_vaulted(bytes); i++)
    assert_int_equal(bytes.base[i], end_pattern(at + i));
  stream_consume(stream, bytes.len);
}

static size_t on_takes_vaulted(const struct stream *stream) {
  (void)stream;
  return play.takes ? 50000 : 0;
}

static void accept_stream(void *ctx, struct stream *stream, const struct request *request,
                          uint64_t now_ns) {
  static const struct stream_events events = {.data = on_data, .takes_vaulted = on_takes_vaulted};
  (void)ctx, (void)request, (void)now_ns;
  stream->events = &events;
  stream->duplex = stream->consume_later = true;
  assert_true(stream_tunnel(stream, NULL, 0, BODY_NONE));
}

/* ---- both ------------------------------------------------------------------------------------ */

static void begin(bool vault) {
  static const struct handler handler = {.request = accept_stream};
  static const struct body_ops body = {.pull = pull};
  static const struct stream_events none = {0};
  static struct machine_vault unused;
  const struct spdy_session_config session = {.minor = SPDY_3_1, .raw = true, .handler = &handler};
  const struct machine_peer peer = {.application_protocol = "", .vault = vault ? &unused : NULL};
  struct engine_config config = engine_config_default();
  struct header field = {.name = span_text("a"), .value = span_text("b")};
  play.now_ns = SECOND_NS;
  play.host.wake = wake;
  config.clock_ns = &play.now_ns;
  config.spdy.server = true;
  assert_true(engine_init(&play.engine, counted_init(&play.memory), &config, NULL));
  struct spdy_shared *shared = &play.engine.spdy;
  assert_true(spdy_client(shared, &session, &peer, &play.host, play.now_ns, &play.client));
  assert_true(spdy_server(shared, &session, &peer, &play.host, play.now_ns, &play.server));
  play.stream =
      spdy_request(spdy_of(&play.client), &field, 1, (struct body){&body, NULL}, &none, NULL);
  assert_non_null(play.stream);
  assert_int_equal(play.stream->sends_vaulted, vault);
}

static void end(void) {
  play.client.ops->close(play.client.self);
  play.server.ops->close(play.server.self);
  engine_destroy(&play.engine);
  free(play.to_server.base);
  free(play.to_client.base);
  assert_int_equal(play.memory.count, 0);
  assert_int_equal(play.loans, 0);
}

static bool step(size_t cut) {
  bool moved = pipe_step(&play.to_server, &play.client, &play.server, cut, 262144, play.now_ns);
  return pipe_step(&play.to_client, &play.server, &play.client, cut, 262144, play.now_ns) || moved;
}

/* Frames of lent bytes are longer than others. Of a frame's bytes those that come with its header are read. */
static void test_passes_on(void **state) {
  (void)state;
  static const size_t cuts[] = {BYTES, 20000, 1000, 7};
  for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
    for (int takes = 0; takes < 2; takes++) {
      play = (struct play){.takes = takes, .to_server.vaults = true};
      begin(true);
      while (!play.end)
        assert_true(step(cuts[i]));
      assert_int_equal(play.read + play.vaulted, BYTES);
      assert_true(play.piece_max > SPDY_DATA_BYTES_MAX && play.piece_max <= SPDY_LENT_BYTES_MAX);
      assert_int_equal(play.vaulted > 0, takes);
      end();
    }
}

/* What is lent is as long as the window allows. */
static void test_window(void **state) {
  (void)state;
  play = (struct play){.waits = true};
  begin(true);
  while (step(BYTES)) {
  }
  play.waits = false;
  stream_resume(play.stream);
  struct span spans[8];
  uint64_t before = play.given;
  const struct machine *client = &play.client;
  assert_true(client->ops->send_peek(client->self, spans, 8, SIZE_MAX, play.now_ns) > 0);
  assert_true(play.given - before <= 64 * KIB);
  end();
}

/* However much waits for the transport, what is lent next is as long as the budget: a piece of that size is not cut. */
static void test_whole(void **state) {
  (void)state;
  enum { BUDGET = 20000, LEFT = 15000 };
  play = (struct play){0};
  begin(true);
  struct span spans[64];
  const struct machine *client = &play.client;
  size_t count = client->ops->send_peek(client->self, spans, 64, BUDGET, play.now_ns), bytes = 0;
  for (size_t i = 0; i < count; i++)
    bytes += spans[i].len;
  client->ops->send_ack(client->self, bytes - LEFT, play.now_ns);
  uint64_t before = play.given;
  (void)client->ops->send_peek(client->self, spans, 64, BUDGET, play.now_ns);
  assert_int_equal(play.given - before, BUDGET);
  end();
}

/* The loans of the last peek's spans are told to a host that passes them on; a session's own bytes have none. */
static void test_loans(void **state) {
  (void)state;
  play = (struct play){0};
  begin(true);
  struct span spans[64];
  const struct machine *client = &play.client;
  size_t count = client->ops->send_peek(client->self, spans, 64, 100000, play.now_ns), lent = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t *loans = client->ops->send_loans(client->self, i);
    assert_ptr_equal(loans, span_is_vaulted(spans[i]) ? &play.loans : NULL);
    lent += loans != NULL;
  }
  assert_true(lent > 0 && lent < count);
  assert_int_equal(play.loans, lent);
  end();
}

static void test_without_vault(void **state) {
  (void)state;
  play = (struct play){.waits = true};
  begin(false);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_passes_on),     cmocka_unit_test(test_window),
      cmocka_unit_test(test_whole),         cmocka_unit_test(test_loans),
      cmocka_unit_test(test_without_vault),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
