/*
 * tunnel/test_pair.c - which streams become a pair, and what becomes of those that do not. No sockets: with
 * --fault stall a complete pair is not dialled.
 */
#include "tools/tunnel/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/spdy/frame.h"
#include "tests/support/cmocka.h"
#include "tools/common/process.h"

/* A stream of the session. */
struct fake {
  struct stream base; /* first */
  struct body body;
  bool accepted, closed;
  uint32_t code; /* it was reset with */
};

enum { FAKES = TUNNEL_WAITING_MAX + 2 };

static struct fake fakes[FAKES];
static struct worker worker;
static struct tunnel_options options;
static struct tunnel_worker shared;
static struct tunnel_pod pod = {.namespace = "default", .name = "web"};
static struct pairs pairs;

/* ---- the streams ----------------------------------------------------------------------------- */

static bool op_tunnel(struct stream *stream, const struct header *fields, size_t count,
                      struct body body) {
  struct fake *fake = (struct fake *)stream;
  (void)fields;
  assert_int_equal(count, 0);
  fake->accepted = true;
  fake->body = body;
  return true;
}

static void end(struct fake *fake, uint32_t code) {
  if (fake->closed) return;
  fake->closed = true;
  fake->code = code;
  if (fake->body.ops) fake->body.ops->close(fake->body.self);
  if (fake->base.events) fake->base.events->closed(&fake->base, code);
}

static void op_reset(struct stream *stream, uint32_t code) {
  end((struct fake *)stream, code);
}

static void op_nothing(struct stream *stream) {
  (void)stream;
}

static const struct stream_ops ops = {.tunnel = op_tunnel, .reset = op_reset, .resume = op_nothing};

/* What the body of a stream gives; the result of the pull is in *result. */
static const char *pulled(struct fake *fake, enum body_result *result) {
  static char text[TUNNEL_MESSAGE_BYTES + 1];
  struct body_chunk chunk = {.room = (uint8_t *)text, .max = TUNNEL_MESSAGE_BYTES};
  *result = fake->body.ops->pull(fake->body.self, &chunk);
  text[chunk.bytes.len] = 0;
  return text;
}

/* ---- the session ----------------------------------------------------------------------------- */

static int set_up(void **state) {
  (void)state;
  memset(fakes, 0, sizeof fakes);
  memset(&worker, 0, sizeof worker);
  memset(&options, 0, sizeof options);
  assert_null(faults_add(&options.faults, "stall"));
  worker.loop.now_ns = SECOND_NS;
  timers_init(&worker.loop.timers, worker.loop.now_ns);
  shared = (struct tunnel_worker){.options = &options, .worker = &worker};
  pipes_init(&shared.pipes, &process_memory, FAKES, 16);
  pairs = (struct pairs){.worker = &shared, .pod = &pod};
  pairs_init(&pairs);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  for (unsigned i = 0; i < FAKES; i++)
    if (fakes[i].accepted) end(&fakes[i], 0);
  pairs_close(&pairs);
  pipes_destroy(&shared.pipes);
  assert_int_equal(pairs.waiting, 0);
  assert_int_equal(worker.loop.timers.armed, 0);
  return 0;
}

/* The stream `id` comes; `request` may be NULL. */
static struct fake *come(uint32_t id, const char *type, const char *request) {
  struct header at[] = {{.name = span_text("streamtype"), .value = span_text(type)},
                        {.name = span_text("port"), .value = span_text("80")},
                        {.name = span_text("requestid"), .value = {0}}};
  struct headers fields = {.at = at, .count = request ? 3 : 2};
  struct fake *fake = &fakes[id / 2];
  if (request) at[2].value = span_text(request);
  *fake = (struct fake){.base = {.ops = &ops, .id = id}};
  pairs_stream(&pairs, &fake->base, &fields);
  return fake;
}

static void pass(uint64_t ns) {
  worker.loop.now_ns += ns;
  (void)timers_run(&worker.loop.timers, worker.loop.now_ns);
}

static uint64_t complete(void) {
  return shared.counters.connections;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void two_make_a_pair(void **state) {
  enum body_result result;
  (void)state;
  struct fake *error = come(1, "error", "0"), *data = come(3, "data", "0");
  assert_true(error->accepted && data->accepted);
  assert_int_equal(complete(), 1);
  pass(2 * TUNNEL_PAIR_NS);
  assert_false(error->closed || data->closed);
  assert_string_equal(pulled(error, &result), "");
  assert_int_equal(result, BODY_WAIT);
  end(data, SPDY_CANCEL); /* as kubectl does at the end */
  assert_string_equal(pulled(error, &result), "");
  assert_int_equal(result, BODY_END);
}

/* In either order, and with others in between. */
static void pairs_are_told_apart(void **state) {
  (void)state;
  (void)come(1, "data", "b");
  (void)come(3, "error", "a");
  (void)come(5, "error", "b");
  assert_int_equal(complete(), 1);
  (void)come(7, "data", "a");
  assert_int_equal(complete(), 2);
  /* A request is over when it is complete: its name may be used again. */
  (void)come(9, "error", "a");
  assert_int_equal(complete(), 2);
  (void)come(11, "data", "a");
  assert_int_equal(complete(), 3);
}

static void without_a_request_the_identifier_counts(void **state) {
  (void)state;
  (void)come(1, "error", NULL);
  (void)come(5, "error", NULL);
  (void)come(7, "data", NULL);
  assert_int_equal(complete(), 1);
  (void)come(3, "data", NULL);
  assert_int_equal(complete(), 2);
}

/* The pair that is there goes on. */
static void a_second_of_a_kind_is_reset(void **state) {
  static const char *const types[] = {"error", "data"};
  (void)state;
  for (uint32_t i = 0; i < 2; i++) {
    struct fake *first = come(1 + 20 * i, types[i], "0");
    struct fake *second = come(3 + 20 * i, types[i], "0");
    assert_true(second->closed && !second->accepted);
    assert_int_equal(second->code, SPDY_PROTOCOL_ERROR);
    struct fake *partner = come(5 + 20 * i, types[1 - i], "0");
    assert_false(first->closed || partner->closed);
    assert_int_equal(complete(), i + 1);
  }
}

static void partners_have_time(void **state) {
  static const char *const types[] = {"error", "data"};
  (void)state;
  for (uint32_t i = 0; i < 2; i++) {
    struct fake *lonely = come(1 + 20 * i, types[i], "0");
    pass(TUNNEL_PAIR_NS - SECOND_NS);
    assert_false(lonely->closed);
    pass(2 * SECOND_NS);
    assert_true(lonely->closed);
    assert_int_equal(shared.counters.lonely, i + 1);
    (void)come(3 + 20 * i, types[1 - i], "0"); /* too late: it waits anew */
    assert_int_equal(complete(), 0);
    pass(2 * TUNNEL_PAIR_NS);
    shared.counters.lonely = i + 1;
  }
}

/* A stream that ends takes no partner with it, but a data stream ends the error stream. */
static void streams_that_leave(void **state) {
  enum body_result result;
  (void)state;
  struct fake *error = come(1, "error", "0");
  end(error, SPDY_CANCEL);
  assert_int_equal(pairs.waiting, 0);
  (void)come(3, "data", "1");
  error = come(5, "error", "1");
  assert_int_equal(complete(), 1);
  end(error, SPDY_CANCEL);
  assert_false(fakes[1].closed);
  struct fake *data = come(7, "data", "2");
  end(data, SPDY_CANCEL);
  assert_int_equal(pairs.waiting, 0);
  error = come(9, "error", "3");
  data = come(11, "data", "3");
  end(data, SPDY_CANCEL);
  (void)pulled(error, &result);
  assert_int_equal(result, BODY_END);
}

static void waiting_has_a_bound(void **state) {
  (void)state;
  for (uint32_t i = 0; i <= TUNNEL_WAITING_MAX; i++) {
    char request[16];
    snprintf(request, sizeof request, "r%u", i);
    struct fake *fake = come(1 + 2 * i, "error", request);
    assert_true(fake->accepted == (i < TUNNEL_WAITING_MAX));
    if (i == TUNNEL_WAITING_MAX) assert_int_equal(fake->code, SPDY_REFUSED_STREAM);
  }
}

static void wrong_fields(void **state) {
  (void)state;
  struct fake *fake = come(1, "stdin", "0");
  assert_true(fake->closed && !fake->accepted);
  assert_int_equal(fake->code, SPDY_PROTOCOL_ERROR);
}

/* ---- faults ---------------------------------------------------------------------------------- */

static unsigned faulty;

static void on_fault(struct pairs *of, unsigned faults) {
  assert_ptr_equal(of, &pairs);
  faulty = faults;
}

static void faults_happen(void **state) {
  static const char *const kinds[] = {"reset", "drop", "vanish"};
  (void)state;
  for (uint32_t i = 0; i < 3; i++) {
    options.faults = (struct tunnel_faults){.count = 0};
    assert_null(faults_add(&options.faults, "stall"));
    assert_null(faults_add(&options.faults, kinds[i]));
    pairs.fault = on_fault;
    faulty = 0;
    (void)come(1 + 20 * i, "error", "0");
    struct fake *data = come(3 + 20 * i, "data", "0");
    pass(TUNNEL_FAULT_NS / 2);
    assert_false(data->closed || faulty);
    pass(TUNNEL_FAULT_NS);
    assert_int_equal(data->closed, i == 0);
    assert_int_equal(faulty & (FAULT_DROP | FAULT_VANISH), i == 0   ? 0
                                                           : i == 1 ? FAULT_DROP
                                                                    : FAULT_VANISH);
  }
}

static void a_late_answer(void **state) {
  (void)state;
  assert_null(faults_add(&options.faults, "delay"));
  (void)come(1, "error", "0");
  struct fake *data = come(3, "data", "0");
  pass(TUNNEL_FAULT_DELAY_NS / 2);
  assert_false(data->accepted);
  pass(TUNNEL_FAULT_DELAY_NS);
  assert_true(data->accepted);
  assert_int_equal(complete(), 1);
  /* It may end before. */
  (void)come(5, "error", "1");
  data = come(7, "data", "1");
  end(data, SPDY_CANCEL);
  pass(2 * TUNNEL_PAIR_NS);
}

static void bytes_on_the_error_stream(void **state) {
  enum body_result result;
  (void)state;
  assert_null(faults_add(&options.faults, "error"));
  struct fake *error = come(1, "error", "0");
  (void)come(3, "data", "0");
  assert_string_equal(pulled(error, &result),
                      "error forwarding port 80 to pod web: weir tunnel was asked to fail");
  assert_int_equal(result, BODY_END);
}

/* The session ends first. */
static void sessions_end(void **state) {
  (void)state;
  (void)come(1, "error", "0");
  (void)come(3, "data", "0");
  (void)come(5, "error", "1");
  end(&fakes[0], 0);
  end(&fakes[1], 0);
  end(&fakes[2], 0);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {ROW(two_make_a_pair),
                                     ROW(pairs_are_told_apart),
                                     ROW(without_a_request_the_identifier_counts),
                                     ROW(a_second_of_a_kind_is_reset),
                                     ROW(partners_have_time),
                                     ROW(streams_that_leave),
                                     ROW(waiting_has_a_bound),
                                     ROW(wrong_fields),
                                     ROW(faults_happen),
                                     ROW(a_late_answer),
                                     ROW(bytes_on_the_error_stream),
                                     ROW(sessions_end)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
