/*
 * h2/test_shared.c - the birth and the end of connections: what they announce, what is counted, what is refused,
 * and that memory which many needed does not stay.
 */
#include "engine/base/wire.h"
#include "tests/support/cmocka.h"
#include "tests/support/loopback.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <string.h>

static struct script script;

/* ---- birth ----------------------------------------------------------------------------------- */

/* Our SETTINGS from the first output, or -1 for one that is not in it. */
static int64_t announced(unsigned id) {
  struct span spans[4];
  assert_true(script.machine.ops->send_peek(script.machine.self, spans, 4, 4096, script.now_ns) >
              0);
  const uint8_t *at = spans[0].base + (script.role == H2_CLIENT ? H2_PREFACE_BYTES : 0);
  assert_int_equal(at[3], H2_SETTINGS);
  size_t count = at[2] / H2_SETTING_BYTES;
  for (at += H2_FRAME_HEADER_BYTES; count-- > 0; at += H2_SETTING_BYTES)
    if (wire_get16(at) == id) return wire_get32(at + 2);
  return -1;
}

static void connect_mute(enum h2_role role, const struct engine_config *config) {
  script_engine(&script, role, config);
  script.role = role;
  script.now_ns = SECOND_NS;
  assert_true((role == H2_SERVER ? h2_server : h2_client)(&script.engine.h2, &loopback_peer, NULL,
                                                          script.now_ns, &script.machine));
}

static void disconnect(void) {
  script.machine.ops->close(script.machine.self);
  script_destroy(&script);
}

static void test_announced(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.header_list_bytes = 12345;
  config.h2.no_rfc7540_priorities = true;
  config.h2.concurrent_streams = 77;
  for (int role = H2_SERVER; role <= H2_CLIENT; role++) {
    connect_mute((enum h2_role)role, &config);
    assert_int_equal(announced(H2_MAX_HEADER_LIST_SIZE), 12345);
    assert_int_equal(announced(H2_NO_RFC7540_PRIORITIES), 1);
    assert_int_equal(announced(H2_MAX_CONCURRENT_STREAMS), 77);
    disconnect();
  }
}

/* Both ends of a window that is one byte wider than the protocol's. */
static void test_first_window(void **state) {
  (void)state;
  struct engine_config config = script_config();
  for (uint32_t more = 0; more < 2; more++) {
    config.h2.connection_window_bytes = H2_INITIAL_WINDOW_BYTES + more;
    connect_mute(H2_CLIENT, &config);
    assert_int_equal(h2_of(&script.machine)->credit.granted, H2_INITIAL_WINDOW_BYTES + more);
    disconnect();
  }
}

/* Of the table that a peer offers us, we use as much as we were told to. */
static void test_encoder_table(void **state) {
  (void)state;
  struct engine_config config = script_config();
  for (uint32_t bytes = 0; bytes <= 4096; bytes += 4096) {
    config.h2.encoder_table_bytes = bytes;
    script_begin(&script, H2_CLIENT, &config, false);
    script_run(&script, "!request /some-path");
    assert_int_equal(script.decoder.table.count > 0, bytes > 0);
    script_close(&script);
  }
}

static void test_counted(void **state) {
  (void)state;
  script_engine(&script, H2_SERVER, NULL);
  const struct http_counters *counters = &script.engine.http.counters;
  for (unsigned i = 1; i <= 3; i++) {
    script_connect(&script, H2_SERVER, false);
    assert_int_equal(counters->connections_opened, i);
    script_disconnect(&script);
    assert_int_equal(counters->connections_closed, i);
  }
  assert_int_equal(counters->refused, 0);
  script_destroy(&script);
}

/* No room for another connection, or not for its preface. */
static void test_refused(void **state) {
  (void)state;
  struct machine machine;
  script_engine(&script, H2_SERVER, NULL);
  struct h2_shared *shared = &script.engine.h2;
  const struct http_counters *counters = &script.engine.http.counters;
  for (int preface = 0; preface < 2; preface++) {
    struct pool *pool = preface ? &shared->controls : &shared->connections;
    uint32_t max = pool->max;
    pool->max = 0;
    assert_false(h2_server(shared, &loopback_peer, NULL, SECOND_NS, &machine));
    pool->max = max;
    assert_int_equal(counters->refused, 1);
    assert_int_equal(counters->connections_opened, preface);
    assert_int_equal(counters->connections_closed, preface);
    assert_int_equal(shared->connections.taken, 0);
  }
  script_destroy(&script);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* A client's connection is over with its last request, once anything forbids another one. */
static void test_done(void **state) {
  (void)state;
  static const char *const ways[] = {"!eof", "!drain", "GOAWAY 0 =99 =0"};
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    script_begin(&script, H2_CLIENT, NULL, false);
    assert_false(script_done(&script));
    script_run(&script, "!request /a");
    if (i > 0) script_run(&script, ways[i]);
    assert_false(script_done(&script));
    if (i > 0) script_run(&script, "HEADERS/SH 1 [@ok]");
    if (i == 0) script_run(&script, ways[i]);
    assert_true(script_done(&script));
    script_close(&script);
  }
}

/* ---- memory ---------------------------------------------------------------------------------- */

enum { CROWD = 400 }; /* more than a chunk of each pool holds, and half of it, too */

static struct machine crowd[CROWD];

static void feed(struct machine *machine, const uint8_t *bytes, size_t len) {
  assert_int_equal(machine->ops->recv(machine->self, span_of(bytes, len), SECOND_NS), len);
}

/* Connections with an unread response and a request that has come in part: each pool has its share. */
static void test_trim(void **state) {
  (void)state;
  static const uint8_t first[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
  static const uint8_t request[] = {0, 0,    6,    H2_HEADERS, 5,    0, 0,  0,
                                    1, 0x82, 0x87, 0x84,       0x41, 1, 'a'};
  static const uint8_t part[] = {0, 0, 9, H2_HEADERS, 5, 0, 0, 0, 3, 0x82};
  script_engine(&script, H2_SERVER, NULL);
  script.now_ns = SECOND_NS;
  struct h2_shared *shared = &script.engine.h2;
  struct pool *const pools[] = {&shared->connections, &shared->streams,  &shared->sections,
                                &shared->outs,        &shared->controls, &shared->frames};
  for (unsigned i = 0; i < CROWD; i++) {
    struct span spans[4];
    assert_true(h2_server(shared, &loopback_peer, NULL, SECOND_NS, &crowd[i]));
    feed(&crowd[i], first, sizeof first);
    script.app_count = 0;
    feed(&crowd[i], request, sizeof request);
    feed(&crowd[i], part, sizeof part);
    if (i % 2) assert_true(crowd[i].ops->send_peek(crowd[i].self, spans, 4, 4096, SECOND_NS) > 0);
  }
  for (size_t i = 0; i < sizeof pools / sizeof *pools; i++)
    assert_true(pools[i]->taken >= CROWD / 2);
  for (unsigned i = 0; i < CROWD; i++)
    crowd[i].ops->close(crowd[i].self);
  for (unsigned i = 0; i < 100; i++)
    h2_shared_trim(shared);
  for (size_t i = 0; i < sizeof pools / sizeof *pools; i++)
    assert_true(pools[i]->made <= pools[i]->chunk_count);
  script_destroy(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_announced),     cmocka_unit_test(test_first_window),
      cmocka_unit_test(test_encoder_table), cmocka_unit_test(test_counted),
      cmocka_unit_test(test_refused),       cmocka_unit_test(test_done),
      cmocka_unit_test(test_trim),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
