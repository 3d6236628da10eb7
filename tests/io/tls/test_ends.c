/*
 * tls/test_ends.c - how TLS connections end, and why: time, damage, refusals, long handshakes.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

#include "engine/base/text.h"
#include "io/tls/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/tls_pair.h"

/* ---- ends ------------------------------------------------------------------------------------ */

static void test_orderly_close(void **state) {
  (void)state;
  static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  for (size_t v = 0; v < 2; v++) {
    struct tls_choice choice = tls_choice_plain;
    choice.version = versions[v];
    choice.down_bytes = 50000;
    struct tls_pair *pair = tls_pair_create(&choice);
    pair->server.end.done = true; /* as soon as all is sent */
    tls_pair_run(pair, 0, 10000);
    assert_true(pair->server.end.closed);
    assert_int_equal(tls_side_wants(&pair->server), MACHINE_DONE);
    assert_int_equal(pair->client.end.received, 50000);
    assert_true(pair->client.end.eof);
    assert_int_equal(pair->client.factory.counters.truncated, 0);
    /* The other half is still open. */
    pair->client.end.done = true;
    tls_pair_run(pair, 0, 10000);
    assert_int_equal(tls_side_wants(&pair->client), MACHINE_DONE | MACHINE_SILENT);
    tls_pair_free(pair);
  }
}

/* The direction of either side ends, and the other goes on. */
static void test_half_close(void **state) {
  (void)state;
  static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  for (size_t round = 0; round < 4; round++) {
    struct tls_choice choice = tls_choice_plain;
    choice.version = versions[round % 2];
    choice.up_bytes = choice.down_bytes = 50000;
    struct tls_pair *pair = tls_pair_create(&choice);
    struct tls_side *first = round < 2 ? &pair->server : &pair->client;
    struct tls_side *last = round < 2 ? &pair->client : &pair->server;
    first->end.ended = true;
    tls_pair_run(pair, 0, 10000);
    assert_true(last->end.eof);
    assert_false(first->end.eof || first->end.closed);
    assert_int_equal(tls_side_wants(first), MACHINE_RECV);
    last->end.send_total = 400000;
    last->end.ended = true;
    tls_pair_run(pair, 0, 10000);
    assert_int_equal(last->end.received, 50000);
    assert_int_equal(first->end.received, 400000);
    assert_true(first->end.eof);
    first->end.done = last->end.done = true;
    tls_pair_run(pair, 0, 10000);
    assert_int_equal(tls_side_wants(first), MACHINE_DONE | MACHINE_SILENT);
    assert_int_equal(tls_side_wants(last), MACHINE_DONE | MACHINE_SILENT);
    assert_int_equal(first->factory.counters.truncated + last->factory.counters.truncated, 0);
    assert_int_equal(first->factory.counters.failed + last->factory.counters.failed, 0);
    tls_pair_free(pair);
  }
}

/* A machine that wants its connection cut has it cut, whether or not encrypted bytes wait. */
static void test_reset(void **state) {
  (void)state;
  static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  for (size_t round = 0; round < 4; round++) {
    struct tls_choice choice = tls_choice_plain;
    choice.version = versions[round % 2];
    choice.down_bytes = 50000;
    struct tls_pair *pair = tls_pair_create(&choice);
    struct machine *server = &pair->server.machine;
    struct span spans[1];
    tls_pair_run(pair, 0, 65536);
    pair->server.end.send_total += 1000;
    if (round >= 2)
      assert_int_equal(server->ops->send_peek(server->self, spans, 1, 65536, pair->now_ns), 1);
    pair->server.end.reset = true;
    assert_int_equal(tls_side_wants(&pair->server), MACHINE_RESET);
    tls_pair_free(pair);
  }
}

static void test_truncation(void **state) {
  (void)state;
  struct tls_pair *pair = tls_pair_create(&tls_choice_plain);
  struct machine *server = &pair->server.machine;
  tls_pair_run(pair, 0, 65536);
  server->ops->recv_eof(server->self, pair->now_ns);
  server->ops->recv_eof(server->self, pair->now_ns);
  assert_true(pair->server.end.eof);
  assert_int_equal(pair->server.factory.counters.truncated, 1);
  tls_pair_free(pair);
}

/* What a server's end completes is only complete if close_notify has come before it. */
static void test_truncation_of_answer(void **state) {
  (void)state;
  struct tls_pair *pair = tls_pair_create(&tls_choice_plain);
  struct machine *client = &pair->client.machine;
  tls_pair_run(pair, 0, 65536);
  client->ops->recv_eof(client->self, pair->now_ns);
  assert_false(pair->client.end.eof);
  assert_true(pair->client.end.closed);
  assert_int_equal(pair->client.factory.counters.truncated, 1);
  tls_pair_free(pair);
}

static void test_damage(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed < 200; seed++) {
    struct tls_choice choice = tls_choice_plain;
    choice.up_bytes = 5000;
    choice.version = seed % 2 ? TLS1_2_VERSION : TLS1_3_VERSION;
    struct tls_pair *pair = tls_pair_create(&choice);
    uint64_t at = random_mix(seed) % 6000;
    while (pipe_step(&pair->up, &pair->client.machine, &(struct machine){0}, 1 << 20, 65536, 1) ||
           pipe_step(&pair->up, &(struct machine){0}, &pair->server.machine, 100, 65536, 1) ||
           pipe_step(&pair->down, &pair->server.machine, &pair->client.machine, 1 << 20, 65536, 1))
      if (pair->up.total > at && pair->up.end - pair->up.begin > 0 && at != UINT64_MAX) {
        pair->up.base[pair->up.begin + at % (pair->up.end - pair->up.begin)] ^=
            (uint8_t)(1 + seed % 255);
        at = UINT64_MAX;
      }
    /* Either it waits for the rest of a record whose length was damaged, or it is over. It never
     * lets wrong bytes through. */
    assert_int_equal(pair->server.end.wrong, 0);
    assert_true(pair->server.end.received <= 5000);
    tls_pair_free(pair);
  }
}

static void test_not_tls(void **state) {
  static const struct {
    const char *name, *input;
    size_t len;
  } rows[] = {
      {"HTTP/1.1", "GET / HTTP/1.1\r\nhost: x\r\n\r\n", 27},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24},
      {"one byte", "\0", 1},
      {"SSL 2 hello", "\x80\x2e\x01\x03\x01", 5},
      {"application data first", "\x17\x03\x03\x00\x01x", 6},
      {"alert first", "\x15\x03\x03\x00\x02\x02\x28", 7},
  };
  static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 10};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct tls_pair *pair = tls_pair_create(&tls_choice_plain);
    struct machine *server = &pair->server.machine;
    struct span in = span_of(rows[i].input, rows[i].len), out;
    assert_int_equal(server->ops->recv(server->self, in, 1), rows[i].len);
    assert_int_equal(server->ops->send_peek(server->self, &out, 1, 1000, 1), 1);
    if (out.len != sizeof alert || memcmp(out.base, alert, sizeof alert) != 0)
      fail_msg("%s: %zu bytes", rows[i].name, out.len);
    server->ops->send_ack(server->self, out.len, 1);
    assert_int_equal(tls_side_wants(&pair->server), MACHINE_DONE);
    tls_pair_free(pair);
  }
}

static struct span first_input; /* that the owner was asked about */

static struct span answer_letters(struct span in) {
  first_input = in;
  return in.base[0] >= 'A' ? span_text("speak TLS") : span_of(NULL, 0);
}

/* The owner's answer goes out as it is, and what the peer still sends is thrown away until it has. */
static void test_answer_to_clear_text(void **state) {
  (void)state;
  struct tls_choice choice = tls_choice_plain;
  choice.answer_clear_text = answer_letters;
  struct tls_pair *pair = tls_pair_create(&choice);
  struct machine *server = &pair->server.machine;
  struct span out;
  assert_int_equal(server->ops->recv(server->self, span_text("GET /"), 1), 5);
  assert_int_equal(first_input.len, 5);
  assert_memory_equal(first_input.base, "GET /", 5);
  for (int part = 0; part < 3; part++) {
    static const char *const left[] = {"speak TLS", "ak TLS", "TLS"};
    assert_int_equal(server->ops->recv(server->self, span_text(" HTTP/1.1"), 1), 9);
    assert_int_equal(tls_side_wants(&pair->server), MACHINE_SEND | MACHINE_RECV);
    assert_int_equal(server->ops->send_peek(server->self, &out, 1, 1000, 1), 1);
    assert_int_equal(out.len, strlen(left[part]));
    assert_memory_equal(out.base, left[part], out.len);
    server->ops->send_ack(server->self, 3, 1);
  }
  assert_int_equal(tls_side_wants(&pair->server), MACHINE_DONE);
  assert_int_equal(pair->server.factory.counters.failed, 1);
  tls_pair_free(pair);

  pair = tls_pair_create(&choice); /* one that the owner does not understand gets the alert */
  server = &pair->server.machine;
  assert_int_equal(server->ops->recv(server->self, span_text("1"), 1), 1);
  assert_int_equal(server->ops->send_peek(server->self, &out, 1, 1000, 1), 1);
  assert_int_equal(out.base[0], 21);
  tls_pair_free(pair);
}

/* TLS record header, then nonsense: alert and end, whole or byte by byte. */
static void test_garbage_records(void **state) {
  (void)state;
  struct random random = {42};
  for (int round = 0; round < 300; round++) {
    struct tls_pair *pair = tls_pair_create(&tls_choice_plain);
    struct machine *server = &pair->server.machine;
    uint8_t bytes[600];
    for (size_t i = 0; i < sizeof bytes; i++)
      bytes[i] = (uint8_t)random_next(&random);
    memcpy(bytes, "\x16\x03\x01\x00", 4);
    bytes[5] = 1; /* ClientHello */
    bytes[6] = 0;
    size_t step = round % 3 ? sizeof bytes : 1, at = 0;
    while (at < sizeof bytes && (tls_side_wants(&pair->server) & MACHINE_RECV)) {
      size_t len = sizeof bytes - at < step ? sizeof bytes - at : step;
      at += server->ops->recv(server->self, span_of(bytes + at, len), 1);
    }
    assert_false(pair->server.end.created);
    tls_pair_free(pair);
  }
}

static void test_handshake_timeout(void **state) {
  (void)state;
  for (int begun = 0; begun < 2; begun++) {
    struct tls_pair *pair = tls_pair_create(&tls_choice_plain);
    struct machine *server = &pair->server.machine;
    if (begun) pipe_step(&pair->up, &pair->client.machine, server, 100, 65536, pair->now_ns);
    uint64_t deadline_ns = server->ops->deadline_ns(server->self);
    assert_int_equal(deadline_ns, pair->now_ns + TLS_HANDSHAKE_NS);
    server->ops->tick(server->self, deadline_ns - 1);
    assert_true(tls_side_wants(&pair->server) & MACHINE_RECV);
    server->ops->tick(server->self, deadline_ns);
    assert_int_equal(tls_side_wants(&pair->server), MACHINE_DONE);
    tls_pair_free(pair);
  }
}

/* The inner machine is done but the peer does not read: over after TLS_CLOSE_NS. */
static void test_close_timeout(void **state) {
  (void)state;
  struct tls_pair *pair = tls_pair_create(&tls_choice_plain);
  struct machine *server = &pair->server.machine;
  struct span out;
  tls_pair_run(pair, 0, 65536);
  pair->server.end.deadline_ns = 77;
  assert_int_equal(server->ops->deadline_ns(server->self), 77);
  server->ops->tick(server->self, 77);
  assert_int_equal(pair->server.end.ticks, 1);
  pair->server.end.done = true;
  assert_int_equal(server->ops->send_peek(server->self, &out, 1, 1000, pair->now_ns), 1);
  assert_true(tls_side_wants(&pair->server) & MACHINE_SEND);
  assert_int_equal(server->ops->deadline_ns(server->self), pair->now_ns + TLS_CLOSE_NS);
  server->ops->tick(server->self, pair->now_ns + TLS_CLOSE_NS);
  assert_int_equal(tls_side_wants(&pair->server), MACHINE_DONE);
  assert_int_equal(server->ops->deadline_ns(server->self), MACHINE_NO_DEADLINE);
  tls_pair_free(pair);
}

static void test_drain(void **state) {
  (void)state;
  struct tls_pair *pair = tls_pair_create(&tls_choice_plain);
  struct machine *server = &pair->server.machine;
  server->ops->drain(server->self, 1); /* nothing has begun: nothing to complete */
  assert_int_equal(tls_side_wants(&pair->server), MACHINE_DONE);
  tls_pair_free(pair);

  pair = tls_pair_create(&tls_choice_plain);
  server = &pair->server.machine;
  pipe_step(&pair->up, &pair->client.machine, server, 65536, 65536, pair->now_ns);
  server->ops->drain(server->self, 1);
  tls_pair_run(pair, 0, 65536);
  assert_true(pair->server.end.created);
  assert_true(pair->server.end.drained);
  tls_pair_free(pair);
}

static void test_refusals(void **state) {
  (void)state;
  struct tls_pair *pair = tls_pair_create(&tls_choice_plain);
  struct machine_factory factory = tls_factory_machines(&pair->server.factory);
  struct machine_peer peer = {.application_protocol = ""};
  struct machine machines[4];
  for (int i = 0; i < 3; i++)
    assert_true(factory.create(factory.ctx, &peer, &pair->server.host, 1, &machines[i]));
  assert_false(factory.create(factory.ctx, &peer, &pair->server.host, 1, &machines[3]));
  for (int i = 0; i < 3; i++)
    machines[i].ops->close(machines[i].self);
  pair->server.end.refuse = true; /* the inner factory has no room: close_notify, done */
  tls_pair_run(pair, 0, 65536);
  assert_int_equal(tls_side_wants(&pair->server), MACHINE_DONE);
  assert_true(pair->client.end.eof);
  tls_pair_free(pair);
}

/* Gives `len` bytes of an endless handshake: `first`, then zeros. */
static void give_handshake(struct machine *machine, size_t len, const uint8_t first[4]) {
  uint8_t record[5 + 16380] = {22, 3, 3, 16380 >> 8, 16380 & 255};
  for (size_t given = 0, part; given < len; given += part) {
    part = len - given < sizeof record ? len - given : sizeof record;
    memset(record + 5, 0, sizeof record - 5);
    if (given == 0) memcpy(record + 5, first, 4);
    assert_int_equal(machine->ops->recv(machine->self, span_of(record, part), IO_SECOND), part);
  }
}

/* A ClientHello of 128,000 bytes to a server; HelloRequests to a client, which must ignore them
 * (RFC 5246 section 7.4.1.1). */
static void test_long_handshake(void **state) {
  (void)state;
  static const uint8_t hello[4] = {1, 128000 >> 16, 128000 >> 8 & 255, 128000 & 255}, request[4];
  for (size_t client = 0; client < 2; client++) {
    for (size_t extra = 0; extra < 2; extra++) {
      struct tls_pair *pair = tls_pair_create(&tls_choice_plain);
      struct tls_side *side = client ? &pair->client : &pair->server;
      size_t most = client ? TLS_HANDSHAKE_CLIENT_BYTES : TLS_HANDSHAKE_SERVER_BYTES;
      give_handshake(&side->machine, most + extra, client ? request : hello);
      assert_string_equal(tls_machine_error(&side->machine),
                          extra ? "the handshake is too long" : "");
      tls_pair_free(pair);
    }
  }
}

static uint64_t flood_clock_ns;

/* Each look at it takes a quarter of a turn's time. */
static uint64_t read_flood_clock(void) {
  return flood_clock_ns += TLS_TURN_HANDSHAKES_NS / 4;
}

/* Machines of a server that were all created at 1000. */
static struct tls_pair *begin_flood(struct machine *machines, unsigned count) {
  struct tls_choice choice = tls_choice_plain;
  struct tls_pair *pair = tls_pair_create(&choice);
  struct machine_factory factory = tls_factory_machines(&pair->server.factory);
  pair->server.factory.machines_max = count + 1;
  pair->server.factory.queue.clock_ns = read_flood_clock;
  for (unsigned i = 0; i < count; i++)
    assert_true(factory.create(factory.ctx, &(struct machine_peer){.application_protocol = ""},
                               &pair->server.host, 1000, &machines[i]));
  return pair;
}

static void end_flood(struct tls_pair *pair, struct machine *machines, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    machines[i].ops->close(machines[i].self);
  pair->server.factory.machines_max = 4;
  tls_pair_free(pair);
}

/* Steps of handshakes, first ones as well as later ones: a turn has time for four of them. The others wait for the next
 * turns. */
static void test_handshake_flood(void **state) {
  (void)state;
  enum { CLIENTS = 10, STEPS = 4 };
  static const uint8_t hello[] = {22, 3, 1, 0, 100, 1}; /* the beginning of one */
  static struct machine machines[CLIENTS];
  uint64_t waited_ns[CLIENTS] = {0};
  struct tls_pair *pair = begin_flood(machines, CLIENTS);
  for (int step = 0; step < 2; step++) {
    const size_t len = step == 0 ? sizeof hello : 1;
    for (int turn = 0; turn * STEPS < CLIENTS; turn++) {
      const uint64_t now_ns = 1000 + 10 * (uint64_t)step + (uint64_t)turn;
      for (int i = turn * STEPS; i < CLIENTS; i++) {
        const struct machine_ops *ops = machines[i].ops;
        const bool waits = i >= (turn + 1) * STEPS;
        if (turn > 0) ops->tick(machines[i].self, now_ns);
        assert_int_equal(ops->wants(machines[i].self),
                         turn > 0 ? MACHINE_RECV | MACHINE_ANSWERS : MACHINE_RECV);
        assert_int_equal(ops->recv(machines[i].self, span_of(hello, len), now_ns), waits ? 0 : len);
        assert_int_equal(ops->wants(machines[i].self), waits ? 0 : MACHINE_RECV);
        waited_ns[i] += turn > 0; /* a nanosecond for each turn */
        assert_int_equal(ops->deadline_ns(machines[i].self),
                         waits ? now_ns + 1 : 1000 + TLS_HANDSHAKE_NS + waited_ns[i]);
      }
    }
  }
  end_flood(pair, machines, CLIENTS);
}

/* The time for which a handshake waits for its turn is not its own: one that was given a turn after half a minute
 * still has its five seconds, but for what it took before. Only TLS_WAIT_NS ends the wait. */
static void test_wait_for_turn(void **state) {
  (void)state;
  enum { CLIENTS = 5, LAST = CLIENTS - 1 }; /* a turn has time for four */
  static const uint8_t hello[] = {22, 3, 1, 0, 100, 1};
  static struct machine machines[CLIENTS];
  for (int late = 0; late < 2; late++) {
    struct tls_pair *pair = begin_flood(machines, CLIENTS);
    struct machine *last = &machines[LAST];
    const uint64_t begun_ns = 1000 + IO_SECOND;
    for (int i = 0; i < CLIENTS; i++)
      assert_int_equal(
          machines[i].ops->recv(machines[i].self, span_of(hello, sizeof hello), begun_ns),
          i < LAST ? sizeof hello : 0);
    const uint64_t turn_ns = 1000 + TLS_HANDSHAKE_NS + TLS_WAIT_NS - (late ? 0 : 1);
    last->ops->tick(last->self, turn_ns);
    if (late) {
      assert_int_equal(last->ops->wants(last->self), MACHINE_DONE);
      assert_string_equal(tls_machine_error(last), "the handshake took too long");
    } else {
      last->ops->tick(last->self, begun_ns + 20 * IO_SECOND);
      assert_int_equal(
          last->ops->recv(last->self, span_of(hello, sizeof hello), begun_ns + 20 * IO_SECOND),
          sizeof hello);
      const uint64_t end_ns = 1000 + TLS_HANDSHAKE_NS + 20 * IO_SECOND;
      assert_int_equal(last->ops->deadline_ns(last->self), end_ns);
      last->ops->tick(last->self, end_ns - 1);
      assert_int_equal(last->ops->wants(last->self), MACHINE_RECV);
      last->ops->tick(last->self, end_ns);
      assert_int_equal(last->ops->wants(last->self), MACHINE_DONE);
    }
    end_flood(pair, machines, CLIENTS);
  }
}

int main(void) {
  tls_pair_begin();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_orderly_close),
      cmocka_unit_test(test_half_close),
      cmocka_unit_test(test_reset),
      cmocka_unit_test(test_truncation),
      cmocka_unit_test(test_truncation_of_answer),
      cmocka_unit_test(test_damage),
      cmocka_unit_test(test_not_tls),
      cmocka_unit_test(test_answer_to_clear_text),
      cmocka_unit_test(test_garbage_records),
      cmocka_unit_test(test_handshake_timeout),
      cmocka_unit_test(test_close_timeout),
      cmocka_unit_test(test_drain),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_long_handshake),
      cmocka_unit_test(test_handshake_flood),
      cmocka_unit_test(test_wait_for_turn),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  tls_pair_end();
  return failed;
}
