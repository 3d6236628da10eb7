/*
 * h2/test_flow_auto.c - `auto` on long and short paths, compared with a TCP in slow start; and the
 * budget, which bounds what all peers together can make handlers hold.
 */
#include "tests/support/cmocka.h"
#include "tests/support/line.h"

static struct line *line;

/* ---- auto: a long path ------------------------------------------------------------------------
 */

/* Bytes a second that arrive once the windows have had time to grow. */
static uint64_t steady_rate(enum stream_flow flow) {
  struct engine_config config = line_config(flow);
  line = line_open(&config, LINE_LONG_MS / 2 * MILLISECOND_NS, LINE_LONG_RATE);
  line_upload(line, UINT64_C(1) << 40);
  line_run(line, 3000);
  uint64_t before = line->arrived;
  line_run(line, 2000);
  uint64_t rate = (line->arrived - before) / 2;
  assert_true(line_server(line)->credit.target <= config.h2.connection_window_bytes_max);
  line_close(line);
  return rate;
}

static void auto_fills_a_long_path(void **state) {
  (void)state;
  uint64_t rate = steady_rate(FLOW_AUTO);
  if (rate < LINE_LONG_RATE / 100 * 90) fail_msg("auto reaches %llu B/s", (unsigned long long)rate);
}

/* A fixed window allows one window per round trip, and no more. */
static void fixed_windows_do_not(void **state) {
  (void)state;
  static const enum stream_flow fixed[] = {FLOW_ECHO, FLOW_THRESHOLD, FLOW_CONSUME};
  uint64_t window_rate = 65535 * 1000 / LINE_LONG_MS;
  for (size_t i = 0; i < 3; i++) {
    uint64_t rate = steady_rate(fixed[i]);
    if (rate > window_rate * 11 / 10 || rate < window_rate / 2)
      fail_msg("policy %u: %llu B/s", (unsigned)fixed[i], (unsigned long long)rate);
  }
}

/* A short path needs no large window, and gets none. */
static void auto_stays_small_on_a_short_path(void **state) {
  (void)state;
  struct engine_config config = line_config(FLOW_AUTO);
  line = line_open(&config, MILLISECOND_NS, LINE_LONG_RATE); /* 2 ms hold 25 kB */
  line_upload(line, UINT64_C(1) << 40);
  line_run(line, 3000);
  assert_int_equal(line_server(line)->credit.target, config.h2.connection_window_bytes);
  line_close(line);
}

/* A peer that does not answer PING is taken to be as far away as the longest path, but no
 * farther: 100 kB/s over 2 s, eight times. */
static void auto_does_not_wait_for_a_ping(void **state) {
  (void)state;
  enum { RATE = 100000 };
  struct engine_config config = line_config(FLOW_AUTO);
  line = line_open(&config, MILLISECOND_NS, RATE);
  struct h2 *h2 = h2_of(&line->loop.server);
  h2->flow.probe_ns = line->loop.now_ns; /* one is unanswered, and will remain so */
  line_upload(line, UINT64_C(1) << 40);
  line_run(line, 30000);
  assert_true(h2->credit.target > config.h2.connection_window_bytes);
  assert_true(h2->credit.target <= 8 * RATE * 2 + 8 * H2_FRAME_BYTES_DEFAULT);
  line_close(line);
}

/* ---- auto: as fast as TCP ----------------------------------------------------------------------
 */

enum { TCP_FIRST_BYTES = 14480 }; /* ten segments: RFC 6928 */

struct path {
  const char *name;
  uint64_t bytes_per_second, bytes; /* the line's, the upload's */
  unsigned round_trip_ms;
};

/* The time of an upload, from the first byte until the client knows that it has arrived. */
static unsigned upload_ms(const struct engine_config *config, const struct path *path,
                          size_t socket_bytes, bool cold) {
  uint64_t delay_ns = path->round_trip_ms * MILLISECOND_NS / 2;
  line = cold ? line_open_cold(NULL, config, delay_ns, path->bytes_per_second)
              : line_open(config, delay_ns, path->bytes_per_second);
  line->tcp.window_bytes = TCP_FIRST_BYTES;
  line->tcp.socket_bytes = socket_bytes;
  struct line_upload *upload = line_upload(line, path->bytes);
  unsigned ms = 0;
  while (!upload->closed && ms < 100000) {
    line_run(line, 1);
    ms++;
  }
  assert_int_equal(upload->arrived, path->bytes);
  line_close(line);
  return ms;
}

/* Very wide windows show how long TCP itself takes: the line is full from some round trip on.
 * `auto` must find the right width as fast as TCP does, whatever waits in the sender's socket
 * before the answer to a PING. */
static void auto_is_as_fast_as_tcp(void **state) {
  (void)state;
  static const struct path paths[] = {
      {"20 Mbit/s, 300 ms", 2500000, 15000000, 300},
      {"40 Mbit/s, 300 ms", 5000000, 30000000, 300},
      {"100 Mbit/s, 200 ms", 12500000, 60000000, 200},
      {"10 Mbit/s, 600 ms", 1250000, 8000000, 600},
      {"200 Mbit/s, 70 ms", 25000000, 60000000, 70},
      {"1 Gbit/s, 20 ms", 125000000, 99000000, 20},
  };
  static const size_t sockets[] = {64 * KIB, 512 * KIB, 4 * MIB};
  struct engine_config wide = line_config(FLOW_CONSUME), grows = line_config(FLOW_AUTO);
  wide.h2.stream_window_bytes = 256 * MIB;
  wide.h2.connection_window_bytes = wide.h2.connection_window_bytes_max = 512 * MIB;
  wide.h2.window_budget_bytes = 1024 * MIB;
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    for (size_t j = 0; j < 6; j++) {
      bool cold = j >= 3;
      unsigned tcp = upload_ms(&wide, &paths[i], sockets[j % 3], cold);
      unsigned seen = upload_ms(&grows, &paths[i], sockets[j % 3], cold);
      if (seen > tcp + tcp / 100)
        fail_msg("%s, socket of %zu bytes%s: %u ms, TCP %u", paths[i].name, sockets[j % 3],
                 cold ? ", cold" : "", seen, tcp);
    }
  }
}

/* ---- auto: back to small ------------------------------------------------------------------------
 */

static uint64_t charged(void) {
  return line->loop.server_engine.h2.window_bytes_charged;
}

/* Half as wide after each 5 s of silence, down to the initial width. The budget gets it back at
 * once: without an upload there is nothing to hold. */
static void auto_shrinks_when_idle(void **state) {
  (void)state;
  struct engine_config config = line_config(FLOW_AUTO);
  line = line_open(&config, LINE_LONG_MS / 2 * MILLISECOND_NS, LINE_LONG_RATE);
  struct line_upload *upload = line_upload(line, 30000000);
  line_run(line, 2000);
  assert_true(charged() >= 4 * MIB);
  line_run(line, 3000);
  assert_int_equal(upload->closed, 1);
  assert_int_equal(charged(), 0);
  uint32_t wide = line_server(line)->credit.target;
  assert_true(wide >= 4 * config.h2.connection_window_bytes);
  line_run(line, 6000);
  assert_int_equal(line_server(line)->credit.target, wide / 2);
  line_run(line, 30000);
  assert_int_equal(line_server(line)->credit.target, config.h2.connection_window_bytes);
  /* It grows again when the client comes back. */
  line_upload(line, 30000000);
  line_run(line, 4000);
  assert_true(line_server(line)->credit.target >= 4 * config.h2.connection_window_bytes);
  line_close(line);
}

/* A paused upload loses its wide window, too: it may still use the credit that it has, but gets
 * no more than half of the connection's. */
static void a_stream_shrinks_with_its_connection(void **state) {
  (void)state;
  struct engine_config config = line_config(FLOW_AUTO);
  line = line_open(&config, LINE_LONG_MS / 2 * MILLISECOND_NS, LINE_LONG_RATE);
  struct line_upload *upload = line_upload(line, UINT64_C(1) << 40);
  line_run(line, 3000);
  const struct window_credit *credit = &((struct h2_stream *)(void *)upload->server)->credit;
  uint32_t wide = line_server(line)->credit.target;
  assert_int_equal(credit->target, wide / 2);
  line->paused = true;
  line_run(line, 6000);
  assert_int_equal(line_server(line)->credit.target, wide / 2);
  assert_int_equal(credit->target, wide / 4);
  assert_true(charged() >= (uint64_t)credit->granted); /* it may still be used */
  line->stopped = true; /* and it is, by a handler that now holds everything */
  line->paused = false;
  line_run(line, 3000);
  assert_true(upload->unused >= wide / 4);
  assert_true(upload->unused <= charged());
  stream_consume(upload->server, upload->unused);
  upload->unused = 0;
  assert_int_equal(credit->granted + credit->held + credit->returnable, wide / 4);
  assert_int_equal(charged(), wide / 4);
  line_close(line);
}

/* ---- the budget ---------------------------------------------------------------------------------
 */

enum { PAIRS_MAX = 64 };

/* Connections of one client engine to one server engine, without a line. */
struct pairs {
  unsigned count;
  struct machine clients[PAIRS_MAX], servers[PAIRS_MAX];
};

static struct pairs pairs;

static uint64_t held(void) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < line->answered; i++)
    sum += line->uploads[i].unused;
  return sum;
}

/* Runs until all are silent. The budget must hold at each step. */
static void pump(void) {
  const struct engine *engine = &line->loop.server_engine;
  bool moved = true;
  while (moved) {
    moved = false;
    for (unsigned i = 0; i < pairs.count; i++) {
      moved |= loopback_move(&line->loop, &pairs.clients[i], &pairs.servers[i]);
      assert_true(engine->h2.window_bytes_charged <= engine->config.h2.window_budget_bytes);
      assert_true(held() <= engine->h2.window_bytes_charged);
      moved |= loopback_move(&line->loop, &pairs.servers[i], &pairs.clients[i]);
    }
  }
}

static void open_pairs(const struct engine_config *config, unsigned count) {
  line = line_open(config, MILLISECOND_NS, 0);
  pairs.count = 0;
  while (pairs.count < count) {
    struct machine *client = &pairs.clients[pairs.count], *other = &pairs.servers[pairs.count];
    pairs.count++;
    assert_true(
        h2_server(&line->loop.server_engine.h2, &loopback_peer, NULL, line->loop.now_ns, other));
    assert_true(
        h2_client(&line->loop.client_engine.h2, &loopback_peer, NULL, line->loop.now_ns, client));
  }
  pump();
}

static void close_pairs(void) {
  line->closing = true;
  for (unsigned i = 0; i < pairs.count; i++) {
    pairs.clients[i].ops->close(pairs.clients[i].self);
    pairs.servers[i].ops->close(pairs.servers[i].self);
  }
  assert_int_equal(charged(), 0);
  line_close(line);
}

static unsigned refused_count(void) {
  unsigned count = 0;
  for (uint32_t i = 0; i < line->opened; i++)
    count += line->uploads[i].error_code == H2_REFUSED_STREAM;
  return count;
}

/* First windows are promises, and count. The budget allows a number of uploads, on whatever
 * connections, each with 65,535 unconsumed bytes. The others are refused, and their handler
 * never sees them. */
static void first_windows_are_in_the_budget(void **state) {
  (void)state;
  enum { CONNECTIONS = 50, ROOM = 20 };
  struct engine_config config = line_config(FLOW_AUTO);
  config.h2.window_budget_bytes = ROOM * 65535;
  open_pairs(&config, CONNECTIONS);
  assert_int_equal(charged(), 0); /* idle connections cost nothing */
  line->stopped = true;
  for (unsigned i = 0; i < CONNECTIONS; i++)
    line_upload_on(line, &pairs.clients[i], 1000000);
  pump();
  assert_int_equal(line->answered, ROOM);
  assert_int_equal(refused_count(), CONNECTIONS - ROOM);
  assert_int_equal(line->loop.server_engine.http.counters.refused, CONNECTIONS - ROOM);
  assert_int_equal(held(), ROOM * 65535);
  assert_int_equal(charged(), ROOM * 65535);
  /* Wider windows come out of three quarters of the budget, as long as they last. */
  uint64_t part = config.h2.window_budget_bytes / 100 * H2_WINDOW_GROWTH_PERCENT;
  assert_int_equal(h2_of(&pairs.servers[0])->credit.target, part);
  assert_int_equal(h2_of(&pairs.servers[ROOM - 1])->credit.target, 65535);
  /* A finished upload makes room. */
  line->closing = true; /* these end with an error, as requested */
  for (unsigned i = 0; i < 5; i++)
    stream_reset(line->uploads[i].client, H2_CANCEL);
  pump();
  line->closing = false;
  assert_int_equal(charged(), (ROOM - 5) * 65535);
  for (unsigned i = 0; i < 10; i++)
    line_upload_on(line, &pairs.clients[CONNECTIONS - 1 - i], 1000000);
  pump();
  assert_int_equal(line->answered, ROOM + 5);
  assert_int_equal(refused_count(), CONNECTIONS - ROOM + 5);
  close_pairs();
}

/* Many streams of a connection are charged its window and no more, since they share it. */
static void streams_share_their_connections_window(void **state) {
  (void)state;
  struct engine_config config = line_config(FLOW_AUTO);
  open_pairs(&config, 1);
  line->stopped = true;
  for (unsigned i = 0; i < 100; i++)
    line_upload_on(line, &pairs.clients[0], 1000000);
  pump();
  assert_int_equal(held(), config.h2.connection_window_bytes);
  assert_int_equal(charged(), config.h2.connection_window_bytes);
  close_pairs();
}

/* Of a complete upload, only the bytes that its handler still holds count. */
static void what_has_ended_is_what_it_holds(void **state) {
  (void)state;
  struct engine_config config = line_config(FLOW_AUTO);
  open_pairs(&config, 1);
  line->stopped = line->silent = true;
  struct line_upload *upload = line_upload_on(line, &pairs.clients[0], 10000);
  pump();
  assert_int_equal(upload->unused, 10000);
  stream_consume(upload->server, 4000);
  assert_int_equal(charged(), 6000);
  stream_consume(upload->server, 6000);
  assert_int_equal(charged(), 0);
  upload->unused = 0;
  close_pairs();
}

/* Cancelled uploads free what their handlers held. That does not mean that handlers keep up, so
 * the window stays as it is. */
static void giving_up_is_not_keeping_up(void **state) {
  (void)state;
  struct engine_config config = line_config(FLOW_AUTO);
  open_pairs(&config, 1);
  line->stopped = true;
  for (unsigned i = 0; i < 100; i++)
    line_upload_on(line, &pairs.clients[0], 1000000);
  pump();
  line->closing = true; /* these end with an error, as requested */
  for (unsigned i = 1; i < 100; i++)
    stream_reset(line->uploads[i].client, H2_CANCEL);
  pump();
  const struct window_credit *credit = &h2_of(&pairs.servers[0])->credit;
  stream_consume(line->uploads[0].server, line->uploads[0].unused);
  line->uploads[0].unused = 0;
  assert_int_equal(credit->held, 0);
  assert_int_equal(credit->target, config.h2.connection_window_bytes);
  close_pairs();
}

/* A random run: uploads on many connections are consumed, stopped and cancelled. The budget
 * holds at each step (see pump()), and everything is given back. */
static void the_budget_holds(void **state) {
  (void)state;
  enum { CONNECTIONS = 16, TURNS = 400 };
  struct engine_config config = line_config(FLOW_AUTO);
  config.h2.window_budget_bytes = 3 * MIB;
  open_pairs(&config, CONNECTIONS);
  uint32_t random = 1; /* a fixed seed: the same run each time */
  line->closing = true;
  for (unsigned turn = 0; turn < TURNS; turn++) {
    random = random * 1664525 + 1013904223;
    struct line_upload *upload = &line->uploads[(random >> 8) % (line->answered + 1)];
    switch (random >> 29) {
    case 0: line->stopped = !line->stopped; break;
    case 1:
    case 2:
      if (upload->server) {
        stream_consume(upload->server, upload->unused / 2);
        upload->unused -= upload->unused / 2;
      }
      break;
    case 3:
      if (upload->server) stream_reset(upload->server, H2_CANCEL);
      break;
    default: line_upload_on(line, &pairs.clients[(random >> 8) % CONNECTIONS], 300000); break;
    }
    line->loop.now_ns += 20 * MILLISECOND_NS;
    pump();
  }
  assert_true(refused_count() > 0);
  assert_true(charged() > MIB);
  close_pairs();
}

/* A window cannot grow into what other connections are charged, and the last quarter is kept for
 * later ones. */
static void growth_leaves_room(void **state) {
  (void)state;
  struct engine_config config = line_config(FLOW_AUTO);
  config.h2.window_budget_bytes = 4 * MIB;
  line = line_open(&config, LINE_LONG_MS / 2 * MILLISECOND_NS, LINE_LONG_RATE);
  struct line_upload *first = line_upload(line, UINT64_C(1) << 40);
  line_run(line, 3000);
  assert_true(charged() > MIB);
  assert_true(charged() <= config.h2.window_budget_bytes / 100 * H2_WINDOW_GROWTH_PERCENT);
  struct line_upload *second = line_upload(line, 1000000);
  line_run(line, 8000);
  assert_int_equal(second->closed, 1);
  assert_int_equal(second->error_code, 0);
  assert_int_equal(first->closed, 0);
  line_close(line);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(auto_fills_a_long_path),
      cmocka_unit_test(fixed_windows_do_not),
      cmocka_unit_test(auto_stays_small_on_a_short_path),
      cmocka_unit_test(auto_does_not_wait_for_a_ping),
      cmocka_unit_test(auto_is_as_fast_as_tcp),
      cmocka_unit_test(auto_shrinks_when_idle),
      cmocka_unit_test(a_stream_shrinks_with_its_connection),
      cmocka_unit_test(first_windows_are_in_the_budget),
      cmocka_unit_test(streams_share_their_connections_window),
      cmocka_unit_test(what_has_ended_is_what_it_holds),
      cmocka_unit_test(giving_up_is_not_keeping_up),
      cmocka_unit_test(the_budget_holds),
      cmocka_unit_test(growth_leaves_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
