/*
 * pipe/test_pipe.c - bytes, ends, failures and back-pressure of a pipe, between a machine that the test calls as a
 * host would and a stream without a protocol.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/fake.h"
#include "tools/pipe/pipe.h"

enum { RESET_CODE = 77 };

static struct bench {
  struct counted_memory memory;
  struct pipes pipes;
  struct pipe *pipe;
  struct fake_stream stream;
  struct machine socket;
  struct machine_host host;
  unsigned woken, closed, released;
  unsigned status; /* of the response */
} bench;

static void count_wake(struct machine_host *host) {
  (void)host;
  bench.woken++;
}

static void on_response(struct pipe *pipe, unsigned status, const struct headers *fields,
                        bool end) {
  (void)fields, (void)end;
  assert_ptr_equal(pipe, bench.pipe);
  bench.status = status;
}

static void on_closed(struct pipe *pipe) {
  assert_ptr_equal(pipe, bench.pipe);
  bench.closed++;
}

static void on_released(struct pipe *pipe) {
  assert_ptr_equal(pipe, bench.pipe);
  bench.released++;
}

static const struct pipe_events events = {
    .released = on_released, .response = on_response, .closed = on_closed};

static int set_up(void **state) {
  (void)state;
  bench = (struct bench){.host = {.wake = count_wake}};
  pipes_init(&bench.pipes, counted_init(&bench.memory), 2, 16);
  bench.pipes.reset_code = RESET_CODE;
  bench.pipe = pipe_new(&bench.pipes, &events, &bench);
  assert_non_null(bench.pipe);
  return 0;
}

/* The pipe has told its owner once, and nothing is left of it. */
static int tear_down(void **state) {
  (void)state;
  assert_int_equal(bench.closed, 1);
  pipe_free(bench.pipe);
  pipes_destroy(&bench.pipes);
  free(bench.stream.bytes);
  assert_int_equal(bench.memory.count, 0);
  return 0;
}

static void attach_socket(void) {
  pipe_socket(bench.pipe, &bench.host, &bench.socket);
}

static void attach_stream(void) {
  fake_begin(&bench.stream, 0);
  pipe_attach(bench.pipe, &bench.stream.stream);
  assert_true(stream_tunnel(&bench.stream.stream, NULL, 0, pipe_body(bench.pipe)));
}

static void attach_both(void) {
  attach_socket();
  attach_stream();
}

static unsigned wants(void) {
  return bench.socket.ops->wants(bench.socket.self);
}

static size_t socket_receives(const void *bytes, size_t len) {
  return bench.socket.ops->recv(bench.socket.self, span_of(bytes, len), 0);
}

static void socket_ends(void) {
  bench.socket.ops->recv_eof(bench.socket.self, 0);
}

static void socket_closes(void) {
  bench.socket.ops->close(bench.socket.self);
}

static void stream_receives(const char *text, bool end) {
  pipe_stream_events.data(&bench.stream.stream, span_text(text), end);
}

/* Lets the host send at most `max` bytes; compares them. */
static void expect_sent(const char *expected) {
  struct span spans[4];
  char got[100] = "";
  size_t count = bench.socket.ops->send_peek(bench.socket.self, spans, 4, 1000, 0), len = 0;
  for (size_t i = 0; i < count; i++) {
    memcpy(got + len, spans[i].base, spans[i].len);
    len += spans[i].len;
  }
  assert_string_equal(got, expected);
  bench.socket.ops->send_ack(bench.socket.self, len, 0);
}

static void expect_pulled(const char *expected, enum body_result result) {
  bench.stream.len = 0;
  assert_int_equal(fake_pull(&bench.stream, 100), result);
  assert_int_equal(bench.stream.len, strlen(expected));
  if (bench.stream.len > 0) assert_memory_equal(bench.stream.bytes, expected, bench.stream.len);
}

static void stream_ends(uint32_t code) {
  fake_close_body(&bench.stream);
  fake_closed(&bench.stream, code);
}

/* ---- in order -------------------------------------------------------------------------------- */

/* Either direction ends first, and the other goes on. */
static void test_socket_ends_first(void **state) {
  (void)state;
  attach_both();
  assert_int_equal(wants(), MACHINE_RECV);
  assert_int_equal(socket_receives("question", 8), 8);
  assert_int_equal(bench.stream.resumed, 1);
  expect_pulled("question", BODY_MORE);
  expect_pulled("", BODY_WAIT);
  socket_ends();
  assert_int_equal(bench.stream.resumed, 2);
  assert_int_equal(wants(), 0);
  expect_pulled("", BODY_END);
  fake_close_body(&bench.stream);
  stream_receives("answer", false);
  assert_int_equal(bench.woken, 1);
  assert_int_equal(wants(), MACHINE_SEND);
  expect_sent("answer");
  assert_int_equal(bench.stream.consumed, 6);
  stream_receives(" and end", true);
  assert_int_equal(wants(), MACHINE_SEND);
  fake_closed(&bench.stream, 0);
  expect_sent(" and end");
  assert_int_equal(wants(), MACHINE_DONE);
  assert_int_equal(bench.closed, 0);
  socket_closes();
  assert_int_equal(bench.pipe->end, PIPE_DONE);
  assert_int_equal(bench.pipe->socket_bytes, 8);
  assert_int_equal(bench.pipe->stream_bytes, 14);
}

static void test_stream_ends_first(void **state) {
  (void)state;
  attach_both();
  stream_receives("all", true);
  assert_int_equal(wants(), MACHINE_RECV | MACHINE_SEND);
  expect_sent("all");
  assert_int_equal(wants(), MACHINE_RECV | MACHINE_ENDED);
  assert_int_equal(socket_receives("more", 4), 4);
  expect_pulled("more", BODY_MORE);
  assert_int_equal(socket_receives("last", 4), 4);
  socket_ends();
  assert_int_equal(wants(), MACHINE_DONE);
  socket_closes();
  assert_int_equal(bench.closed, 0);
  expect_pulled("last", BODY_END);
  stream_ends(0);
  assert_int_equal(bench.pipe->end, PIPE_DONE);
}

/* What one side brings before the other is there waits for it. */
static void test_socket_comes_first(void **state) {
  (void)state;
  attach_socket();
  assert_int_equal(socket_receives("early", 5), 5);
  socket_ends();
  assert_int_equal(wants(), 0);
  attach_stream();
  expect_pulled("early", BODY_END);
  stream_receives("", true);
  stream_ends(0);
  assert_int_equal(wants(), MACHINE_DONE);
  socket_closes();
}

static void test_stream_comes_first(void **state) {
  (void)state;
  attach_stream();
  stream_receives("early", true);
  attach_socket();
  expect_sent("early");
  assert_int_equal(wants(), MACHINE_RECV | MACHINE_ENDED);
  socket_ends();
  expect_pulled("", BODY_END);
  stream_ends(0);
  socket_closes();
  assert_int_equal(bench.pipe->end, PIPE_DONE);
}

/* The stream has ended with "the rest is not wanted": what the socket says goes nowhere. */
static void test_rest_is_not_wanted(void **state) {
  (void)state;
  attach_both();
  assert_int_equal(socket_receives("upload", 6), 6);
  stream_receives("enough", true);
  stream_ends(0);
  assert_int_equal(wants(), MACHINE_SEND);
  expect_sent("enough");
  assert_int_equal(wants(), MACHINE_DONE);
  socket_closes();
  assert_int_equal(bench.pipe->end, PIPE_DONE);
}

static void test_response(void **state) {
  (void)state;
  attach_both();
  pipe_stream_events.response(&bench.stream.stream, 200, NULL, false);
  assert_int_equal(bench.status, 200);
  assert_int_equal(wants(), MACHINE_RECV);
  pipe_stream_events.response(&bench.stream.stream, 200, NULL, true);
  assert_int_equal(wants(), MACHINE_RECV | MACHINE_ENDED);
  pipe_cut(bench.pipe);
  socket_closes();
}

/* Nothing is sent before the answer to a request that is to be waited for. */
static void test_hold(void **state) {
  (void)state;
  pipe_hold(bench.pipe);
  attach_both();
  assert_int_equal(socket_receives("early", 5), 5);
  expect_pulled("", BODY_WAIT);
  unsigned resumed = bench.stream.resumed;
  pipe_stream_events.response(&bench.stream.stream, 200, NULL, false);
  assert_int_equal(bench.stream.resumed, resumed + 1);
  expect_pulled("early", BODY_MORE);
  pipe_cut(bench.pipe);
  socket_closes();
}

/* A stream that was reset before its answer leaves the socket as it is, for another stream. Whichever of stream and
 * body goes first. */
static void test_released(void **state) {
  bool body_first = *state;
  pipe_hold(bench.pipe);
  attach_both();
  assert_int_equal(socket_receives("early", 5), 5);
  if (body_first) fake_close_body(&bench.stream);
  fake_closed(&bench.stream, 5);
  assert_int_equal(bench.released, body_first);
  fake_close_body(&bench.stream);
  assert_int_equal(bench.released, 1);
  assert_int_equal(wants(), MACHINE_RECV);
  pipe_hold(bench.pipe);
  attach_stream();
  pipe_stream_events.response(&bench.stream.stream, 200, NULL, false);
  expect_pulled("early", BODY_MORE);
  stream_ends(5);
  assert_int_equal(bench.released, 1);
  assert_int_equal(wants(), MACHINE_RESET);
  socket_closes();
  assert_int_equal(bench.pipe->end, PIPE_STREAM);
}

/* Nor is it released when the socket has gone, or the pipe was cut. */
static void test_not_released(void **state) {
  bool cuts = *state;
  pipe_hold(bench.pipe);
  attach_both();
  if (cuts) pipe_cut(bench.pipe);
  socket_closes();
  assert_true(bench.stream.closed);
  assert_int_equal(bench.released, 0);
}

/* ---- failures -------------------------------------------------------------------------------- */

static void test_stream_is_reset(void **state) {
  (void)state;
  attach_both();
  stream_receives("half of", false);
  stream_ends(5);
  assert_int_equal(bench.woken, 2);
  assert_int_equal(wants(), MACHINE_RESET);
  assert_int_equal(socket_receives("late", 4), 4);
  expect_sent("");
  socket_closes();
  assert_int_equal(bench.pipe->end, PIPE_STREAM);
  assert_int_equal(bench.pipe->stream_code, 5);
}

/* Also after our direction has ended, unless that counts as the end. */
static void test_reset_after_our_end(void **state) {
  bool counts_as_end = *state;
  bench.pipes.reset_ends = counts_as_end;
  attach_both();
  socket_ends();
  expect_pulled("", BODY_END);
  stream_receives("rest", false);
  stream_ends(5);
  assert_int_equal(wants(), counts_as_end ? MACHINE_SEND : MACHINE_RESET);
  expect_sent(counts_as_end ? "rest" : "");
  assert_int_equal(wants(), counts_as_end ? MACHINE_DONE : MACHINE_RESET);
  socket_closes();
  assert_int_equal(bench.pipe->end, counts_as_end ? PIPE_DONE : PIPE_STREAM);
}

static uint32_t code_of_reset;

static void note_code(struct stream *stream, uint32_t code) {
  code_of_reset = code;
  pipe_stream_events.closed(stream, code);
}

/* The socket fails in the middle: the stream is reset, with the protocol's code. */
static void test_socket_fails(void **state) {
  (void)state;
  struct stream_events noting = pipe_stream_events;
  noting.closed = note_code;
  attach_both();
  bench.stream.stream.events = &noting;
  assert_int_equal(socket_receives("question", 8), 8);
  stream_receives("answer", false);
  socket_closes();
  assert_true(bench.stream.closed);
  assert_int_equal(code_of_reset, RESET_CODE);
  assert_int_equal(bench.pipe->end, PIPE_SOCKET);
}

/* It fails after it has ended its direction, with bytes that it did not take. */
static void test_socket_fails_half_closed(void **state) {
  (void)state;
  attach_both();
  socket_ends();
  stream_receives("lost", true);
  socket_closes();
  assert_true(bench.stream.closed);
  assert_int_equal(bench.pipe->end, PIPE_SOCKET);
}

static void test_cut(void **state) {
  (void)state;
  attach_both();
  pipe_cut(bench.pipe);
  assert_true(bench.stream.closed);
  assert_int_equal(wants(), MACHINE_RESET);
  assert_int_equal(bench.closed, 0);
  socket_closes();
  assert_int_equal(bench.pipe->end, PIPE_CUT);
}

/* A socket that comes after the stream was reset has nothing to do but to be reset. */
static void test_socket_comes_too_late(void **state) {
  (void)state;
  attach_stream();
  stream_receives("early", false);
  stream_ends(5);
  assert_int_equal(bench.closed, 1);
  attach_socket();
  assert_int_equal(wants(), MACHINE_RESET);
  bench.closed = 0;
  socket_closes();
}

/* ---- bounds ---------------------------------------------------------------------------------- */

/* PIPE_READ_BYTES_MAX: no more than that is read until the stream has taken some. */
static void test_full_queue(void **state) {
  (void)state;
  static const char bytes[PIPE_READ_BYTES_MAX + 10];
  attach_both();
  assert_int_equal(socket_receives(bytes, sizeof bytes), PIPE_READ_BYTES_MAX);
  assert_int_equal(wants(), 0);
  bench.woken = 0;
  assert_int_equal(fake_pull(&bench.stream, 100), BODY_MORE);
  assert_int_equal(bench.woken, 1);
  assert_int_equal(wants(), MACHINE_RECV);
  assert_int_equal(socket_receives(bytes, sizeof bytes), 100);
  pipe_cut(bench.pipe);
  socket_closes();
}

/* Credit goes back for what the socket has taken, and no earlier. */
static void test_credit(void **state) {
  (void)state;
  struct span span;
  attach_both();
  assert_true(bench.stream.stream.consume_later);
  assert_true(bench.stream.stream.duplex);
  stream_receives("0123456789", false);
  assert_int_equal(bench.stream.consumed, 0);
  assert_int_equal(bench.socket.ops->send_peek(bench.socket.self, &span, 1, 1000, 0), 1);
  assert_int_equal(bench.stream.consumed, 0);
  bench.socket.ops->send_ack(bench.socket.self, 4, 0);
  assert_int_equal(bench.stream.consumed, 4);
  expect_sent("456789");
  assert_int_equal(bench.stream.consumed, 10);
  pipe_cut(bench.pipe);
  socket_closes();
}

/* Without memory for what arrives both ends are reset. */
static void test_no_memory(void **state) {
  bool from_socket = *state;
  attach_both();
  bench.memory.refuse_at = bench.memory.calls + 1;
  if (from_socket)
    assert_int_equal(socket_receives("bytes", 5), 5);
  else
    stream_receives("bytes", false);
  assert_true(bench.stream.closed);
  assert_int_equal(wants(), MACHINE_RESET);
  socket_closes();
  assert_int_equal(bench.pipe->end, PIPE_CUT);
}

static void test_pools(void **state) {
  (void)state;
  struct pipe *second = pipe_new(&bench.pipes, &events, NULL);
  assert_non_null(second);
  assert_null(pipe_new(&bench.pipes, &events, NULL));
  pipe_free(second);
  bench.closed = 1;
}

/* A pipe without bytes holds no pieces. */
static void test_idle_memory(void **state) {
  (void)state;
  attach_both();
  assert_int_equal(socket_receives("in", 2), 2);
  stream_receives("out", false);
  assert_int_equal(bench.pipes.heap.pieces.taken, 2);
  expect_pulled("in", BODY_MORE);
  expect_sent("out");
  assert_int_equal(bench.pipes.heap.pieces.taken, 0);
  pipe_cut(bench.pipe);
  socket_closes();
}

/* ---- the queue ------------------------------------------------------------------------------- */

/* PIPE_PIECE_BYTES: bytes of every length come out as they went in, across pieces. */
static void test_queue(void **state) {
  (void)state;
  enum { BYTES = 5 * PIPE_PIECE_BYTES };
  static uint8_t room[30011];
  uint8_t *given = malloc(BYTES), *got = malloc(BYTES);
  struct pipe_queue queue = {0};
  struct span spans[3];
  size_t in = 0, out = 0, step = 1;
  for (size_t i = 0; i < BYTES; i++)
    given[i] = (uint8_t)(i * 7 + i / 251);
  for (; out < BYTES; step = step * 5 % 30011) {
    size_t len = step < BYTES - in ? step : BYTES - in;
    assert_true(pipe_queue_add(&queue, &bench.pipes.heap, span_of(given + in, len)));
    in += len;
    assert_int_equal(queue.bytes, in - out);
    size_t count = pipe_queue_peek(&queue, spans, 3, 20000);
    for (size_t i = 0, at = out; i < count; at += spans[i++].len)
      assert_memory_equal(spans[i].base, given + at, spans[i].len);
    struct body_chunk chunk = {.room = room, .max = step * 2 / 3 + 1};
    pipe_queue_give(&queue, &bench.pipes.heap, &chunk);
    memcpy(got + out, chunk.bytes.base, chunk.bytes.len);
    out += chunk.bytes.len;
  }
  assert_memory_equal(given, got, BYTES);
  pipe_queue_drop(&queue, &bench.pipes.heap);
  assert_int_equal(bench.pipes.heap.pieces.taken, 0);
  free(given);
  free(got);
  bench.closed = 1;
}

/* More than a few bytes are lent. They stay until the loan has come back, whatever becomes of the queue, and then their
 * piece is used anew. */
static void test_loans(void **state) {
  (void)state;
  static uint8_t given[PIPE_PIECE_BYTES], room[1];
  struct pipe_heap *heap = &bench.pipes.heap;
  struct pipe_queue queue = {0};
  struct body_chunk first = {.room = room, .max = OUT_COPY_BYTES_MAX + 1};
  struct body_chunk second = {.room = room, .max = 1, .lend_max = SIZE_MAX};
  memset(given, 'x', sizeof given);
  assert_true(pipe_queue_add(&queue, heap, span_of(given, sizeof given)));
  pipe_queue_give(&queue, heap, &first);
  assert_int_equal(first.bytes.len, OUT_COPY_BYTES_MAX + 1);
  ++*first.loans;
  pipe_queue_give(&queue, heap, &second);
  const struct span bytes = second.lent;
  assert_int_equal(second.bytes.len, 0);
  assert_int_equal(bytes.len, sizeof given - OUT_COPY_BYTES_MAX - 1);
  assert_ptr_equal(first.loans, second.loans);
  ++*second.loans;
  assert_int_equal(queue.bytes, 0);
  pipe_queue_drop(&queue, heap);
  assert_true(pipe_queue_add(&queue, heap, span_of("y", 1)));
  assert_int_equal(heap->pieces.taken, 2);
  assert_memory_equal(bytes.base, given, bytes.len);
  *first.loans -= 2;
  pipe_queue_drop(&queue, heap);
  assert_true(pipe_queue_add(&queue, heap, span_of("z", 1)));
  assert_int_equal(heap->pieces.taken, 1);
  pipe_queue_drop(&queue, heap);
  bench.closed = 1;
}

/* The protocol sees the loans of what the pipe's body gives. */
static void test_body_lends(void **state) {
  (void)state;
  static uint8_t given[PIPE_PIECE_BYTES], room[PIPE_PIECE_BYTES];
  attach_both();
  assert_int_equal(socket_receives(given, sizeof given), sizeof given);
  struct body_chunk chunk = {.room = room, .max = sizeof room};
  struct body *body = &bench.stream.body;
  assert_int_equal(body->ops->pull(body->self, &chunk), BODY_MORE);
  assert_int_equal(chunk.bytes.len, sizeof given);
  assert_non_null(chunk.loans);
  ++*chunk.loans;
  pipe_cut(bench.pipe);
  socket_closes();
  assert_int_equal(bench.pipes.heap.pieces.taken, 1);
  assert_memory_equal(chunk.bytes.base, given, sizeof given);
  --*chunk.loans;
}

#define PIPE_TEST(test, name, state)                                                               \
  { name, test, set_up, tear_down, (void *)(uintptr_t)(state) }

int main(void) {
  const struct CMUnitTest tests[] = {
      PIPE_TEST(test_socket_ends_first, "the socket ends first", 0),
      PIPE_TEST(test_stream_ends_first, "the stream ends first", 0),
      PIPE_TEST(test_socket_comes_first, "the socket comes first", 0),
      PIPE_TEST(test_stream_comes_first, "the stream comes first", 0),
      PIPE_TEST(test_rest_is_not_wanted, "the rest is not wanted", 0),
      PIPE_TEST(test_response, "response", 0),
      PIPE_TEST(test_hold, "held until the answer", 0),
      PIPE_TEST(test_released, "released, the stream first", false),
      PIPE_TEST(test_released, "released, the body first", true),
      PIPE_TEST(test_not_released, "the socket fails before the answer", false),
      PIPE_TEST(test_not_released, "cut before the answer", true),
      PIPE_TEST(test_stream_is_reset, "the stream is reset", 0),
      PIPE_TEST(test_reset_after_our_end, "the stream is reset after our end", false),
      PIPE_TEST(test_reset_after_our_end, "a reset that counts as the end", true),
      PIPE_TEST(test_socket_fails, "the socket fails", 0),
      PIPE_TEST(test_socket_fails_half_closed, "the socket fails when half closed", 0),
      PIPE_TEST(test_cut, "cut", 0),
      PIPE_TEST(test_socket_comes_too_late, "the socket comes too late", 0),
      PIPE_TEST(test_full_queue, "full queue", 0),
      PIPE_TEST(test_credit, "credit", 0),
      PIPE_TEST(test_no_memory, "no memory for the socket's bytes", true),
      PIPE_TEST(test_no_memory, "no memory for the stream's bytes", false),
      PIPE_TEST(test_pools, "pools", 0),
      PIPE_TEST(test_idle_memory, "idle memory", 0),
      PIPE_TEST(test_queue, "queue", 0),
      PIPE_TEST(test_loans, "loans", 0),
      PIPE_TEST(test_body_lends, "the body lends", 0),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
