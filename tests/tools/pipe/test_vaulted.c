/*
 * pipe/test_vaulted.c - bytes that pass through a pipe unread, both ways: where they are taken, in which order they leave,
 * and for how long they are held.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/end.h"
#include "tests/support/fake.h"
#include "tools/pipe/pipe.h"

static struct bench {
  struct counted_memory memory;
  struct pipes pipes;
  struct pipe *pipe;
  struct fake_stream stream;
  struct machine socket;
  unsigned closed;
} bench;

static struct {
  struct machine_vault base;
  int held;
} vault;

static void vault_hold(struct machine_vault *base, struct span vaulted) {
  assert_ptr_equal(base, &vault.base);
  assert_true(span_is_vaulted(vaulted));
  vault.held++;
}

static void vault_release(struct machine_vault *base, struct span vaulted) {
  vault_hold(base, vaulted);
  vault.held -= 2;
}

static void on_closed(struct pipe *pipe) {
  assert_ptr_equal(pipe, bench.pipe);
  bench.closed++;
}

/* A pipe with a vault, between a socket and a stream that sends vaulted bytes. */
static int set_up(void **state) {
  static const struct pipe_events events = {.closed = on_closed};
  (void)state;
  bench = (struct bench){.closed = 0};
  vault.base = (struct machine_vault){.hold = vault_hold, .release = vault_release};
  vault.held = 0;
  pipes_init(&bench.pipes, counted_init(&bench.memory), 1, 8);
  bench.pipes.heap.vault = &vault.base;
  bench.pipe = pipe_new(&bench.pipes, &events, &bench);
  assert_non_null(bench.pipe);
  pipe_socket(bench.pipe, NULL, &bench.socket);
  fake_begin(&bench.stream, 0);
  pipe_attach(bench.pipe, &bench.stream.stream);
  assert_true(stream_tunnel(&bench.stream.stream, NULL, 0, pipe_body(bench.pipe)));
  bench.stream.stream.sends_vaulted = true;
  return 0;
}

/* Nothing is left of it, and nothing held. */
static int tear_down(void **state) {
  (void)state;
  assert_int_equal(bench.closed, 1);
  pipe_free(bench.pipe);
  pipes_destroy(&bench.pipes);
  free(bench.stream.bytes);
  assert_int_equal(bench.memory.count, 0);
  assert_int_equal(vault.held, 0);
  return 0;
}

static size_t socket_receives(const char *text) {
  return bench.socket.ops->recv(bench.socket.self, span_text(text), 0);
}

static void socket_closes(void) {
  bench.socket.ops->close(bench.socket.self);
}

static void expect_pulled(const char *expected) {
  bench.stream.len = 0;
  assert_int_equal(fake_pull(&bench.stream, 100), BODY_MORE);
  assert_int_equal(bench.stream.len, strlen(expected));
  assert_memory_equal(bench.stream.bytes, expected, bench.stream.len);
}

static size_t socket_takes_vaulted(void) {
  return bench.socket.ops->takes_vaulted(bench.socket.self);
}

/* From the socket: however few they are they are lent, in as many pieces as the stream likes, and held until the loans
 * have come back. Bytes before and behind them keep their places. */
static void test_vaulted_in(void **state) {
  (void)state;
  uint8_t room[8];
  struct span vaulted = end_vaulted(1000, 10);
  assert_int_equal(socket_receives("a"), 1);
  assert_int_equal(bench.socket.ops->recv(bench.socket.self, vaulted, 0), 10);
  assert_int_equal(socket_receives("b"), 1);
  expect_pulled("a");
  struct body_chunk chunks[2] = {{.room = room, .max = 8, .lend_max = 7},
                                 {.room = room, .max = 8, .lend_max = 7}};
  struct body *body = &bench.stream.body;
  for (int i = 0; i < 2; i++) {
    assert_int_equal(body->ops->pull(body->self, &chunks[i]), BODY_MORE);
    assert_int_equal(chunks[i].bytes.len, 0);
    ++*chunks[i].loans;
  }
  assert_int_equal(chunks[0].lent.len, 7);
  assert_int_equal(chunks[1].lent.len, 3);
  assert_ptr_equal(chunks[0].lent.base, vaulted.base);
  assert_ptr_equal(chunks[1].lent.base, vaulted.base + 7);
  expect_pulled("b");
  assert_int_equal(vault.held, 1);
  *chunks[0].loans -= 2;
  pipe_cut(bench.pipe);
  socket_closes();
  assert_int_equal(vault.held, 1); /* until the heap is looked at */
}

/* From the stream. */
static void test_vaulted_out(void **state) {
  (void)state;
  struct span spans[2], vaulted = end_vaulted(1000, 10);
  assert_true(pipe_stream_events.takes_vaulted(&bench.stream.stream) > 0);
  pipe_stream_events.data(&bench.stream.stream, span_text("a"), false);
  pipe_stream_events.data(&bench.stream.stream, vaulted, false);
  assert_int_equal(bench.socket.ops->send_peek(bench.socket.self, spans, 2, 1000, 0), 2);
  assert_int_equal(spans[0].len, 1);
  assert_ptr_equal(spans[1].base, vaulted.base);
  assert_int_equal(spans[1].len, 10);
  bench.socket.ops->send_ack(bench.socket.self, 5, 0);
  assert_int_equal(vault.held, 1);
  bench.socket.ops->send_ack(bench.socket.self, 6, 0);
  assert_int_equal(vault.held, 0);
  pipe_stream_events.data(&bench.stream.stream, vaulted, false);
  pipe_cut(bench.pipe);
  assert_int_equal(pipe_stream_events.takes_vaulted(&bench.stream.stream), 0);
  socket_closes();
  assert_int_equal(vault.held, 0);
}

/* Only where the stream can send them and there is a vault, and never more than PIPE_READ_BYTES_MAX and a cell. */
static void test_vaulted_not(void **state) {
  (void)state;
  assert_true(socket_takes_vaulted() > 0);
  bench.stream.stream.sends_vaulted = false;
  assert_int_equal(socket_takes_vaulted(), 0);
  bench.stream.stream.sends_vaulted = true;
  bench.pipes.heap.vault = NULL;
  assert_int_equal(socket_takes_vaulted(), 0);
  assert_int_equal(pipe_stream_events.takes_vaulted(&bench.stream.stream), 0);
  bench.pipes.heap.vault = &vault.base;
  struct span vaulted = end_vaulted(0, PIPE_READ_BYTES_MAX);
  assert_int_equal(bench.socket.ops->recv(bench.socket.self, vaulted, 0), vaulted.len);
  assert_int_equal(socket_takes_vaulted(), 0);
  assert_int_equal(bench.socket.ops->wants(bench.socket.self), 0);
  pipe_cut(bench.pipe);
  assert_int_equal(vault.held, 0);
  socket_closes();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_vaulted_in, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_vaulted_out, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_vaulted_not, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
