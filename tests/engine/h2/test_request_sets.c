/*
 * h2/test_request_sets.c - requests whose fields are a set that repeats (h2_request_set()): the server
 * gets the same fields as if they had been copied, whatever happens to the table in between.
 */
#include "engine/engine.h"
#include "engine/h2/h2.h"
#include "engine/hpack/decode.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/random.h"

#include <stdio.h>
#include <string.h>

enum { SETS = 12, FIELDS = 6, FIELDS_MAX = 16 };

static uint64_t now_ns;

static struct counted_memory memory;
static struct engine engine;
static struct machine client;
static struct header_set sets[SETS];
static struct header set_fields[SETS][FIELDS];
static char paths[SETS][16];
static unsigned closed, resets, wakes;

/* The server: a decoder, and what it has decoded last. */
static struct hpack_decoder decoder;
static struct headers got;
static struct header got_fields[FIELDS_MAX];
static uint8_t arena[4096];
static size_t block_bytes;
static uint32_t last_id;

static void on_closed(struct stream *stream, uint32_t error_code) {
  (void)stream;
  closed++;
  resets += error_code != 0;
}

static const struct stream_events events = {.closed = on_closed};

static void on_wake(struct machine_host *machine_host) {
  (void)machine_host;
  wakes++;
}

static struct machine_host host = {.wake = on_wake};

static void receive(const void *bytes, size_t len) {
  assert_int_equal(client.ops->recv(client.self, span_of(bytes, len), now_ns), len);
}

static void make_sets(void) {
  static const char *const methods[] = {"GET", "HEAD"};
  for (unsigned i = 0; i < SETS; i++) {
    struct header *at = set_fields[i];
    snprintf(paths[i], sizeof paths[i], "/%u", i * 7919);
    at[0] = header_of(TOKEN_METHOD, span_text(methods[i < 2 ? i : 0]));
    at[1] = header_of(TOKEN_SCHEME, span_text("https"));
    at[2] = header_of(TOKEN_AUTHORITY, span_text("a.example"));
    at[3] = header_of(TOKEN_PATH, span_text(paths[i]));
    at[4] = header_of(TOKEN_USER_AGENT, span_text("test"));
    at[5] = i % 3 ? header_of(TOKEN_ACCEPT, span_text("text/html"))
                  : header_of(TOKEN_AUTHORIZATION, span_text("Basic dTpw"));
    sets[i] = (struct header_set){.at = at, .count = FIELDS};
  }
}

static void begin(void) {
  static const struct machine_peer peer = {.application_protocol = "h2", .secure = true};
  static const uint8_t settings[] = {0, 0, 0, H2_SETTINGS, 0, 0, 0, 0, 0};
  struct engine_config config = engine_config_default();
  config.connections_max = 1;
  config.h2.push = false;
  closed = resets = wakes = 0;
  last_id = 0;
  now_ns = 1000000000;
  make_sets();
  assert_true(engine_init(&engine, counted_init(&memory), &config, NULL));
  assert_true(h2_client(&engine.h2, &peer, &host, now_ns, &client));
  hpack_decoder_init(&decoder, &memory.memory);
  headers_init(&got, got_fields, FIELDS_MAX, arena, sizeof arena, 4096);
  receive(settings, sizeof settings);
}

static void end(void) {
  hpack_decoder_destroy(&decoder);
  client.ops->close(client.self);
  engine_destroy(&engine);
  assert_int_equal(memory.bytes, 0);
}

/* Reads what the client sends; the last header block stays in `got`. Returns the number of HEADERS. */
static unsigned take_requests(void) {
  static uint8_t bytes[64 * 1024];
  struct span spans[8];
  size_t len = 0, count = client.ops->send_peek(client.self, spans, 8, sizeof bytes, now_ns);
  unsigned requests = 0;
  for (size_t i = 0; i < count; i++) {
    memcpy(bytes + len, spans[i].base, spans[i].len);
    len += spans[i].len;
  }
  client.ops->send_ack(client.self, len, now_ns);
  size_t at = memcmp(bytes, H2_PREFACE, H2_PREFACE_BYTES) == 0 ? H2_PREFACE_BYTES : 0;
  while (at < len) {
    struct h2_frame_header header = h2_frame_header_decode(bytes + at);
    const char *reason = "";
    at += H2_FRAME_HEADER_BYTES;
    if (header.type == H2_HEADERS) {
      headers_clear(&got);
      assert_true(header.stream_id > last_id);
      last_id = header.stream_id;
      assert_int_equal(header.flags, H2_FLAG_END_HEADERS | H2_FLAG_END_STREAM);
      assert_int_equal(hpack_decode(&decoder, span_of(bytes + at, header.length), &got, &reason),
                       HPACK_OK);
      block_bytes = header.length;
      requests++;
    }
    at += header.length;
  }
  return requests;
}

static void expect_set(unsigned number) {
  assert_int_equal(got.count, FIELDS);
  for (unsigned i = 0; i < FIELDS; i++) {
    assert_true(span_equal(got_fields[i].name, set_fields[number][i].name));
    assert_true(span_equal(got_fields[i].value, set_fields[number][i].value));
  }
}

static void ask(unsigned number) {
  struct stream *stream =
      h2_request_set(h2_of(&client), &sets[number], BODY_NONE, &events, &sets[number]);
  assert_non_null(stream);
  now_ns += 10000000; /* SETTINGS are free of charge if they are few */
  assert_int_equal(take_requests(), 1);
  expect_set(number);
  stream_reset(stream, H2_CANCEL);
}

static void set_table(uint32_t bytes) {
  uint8_t frame[] = {
      0, 0, 6, H2_SETTINGS, 0, 0, 0, 0, 0, 0, 1, 0, 0, (uint8_t)(bytes >> 8), (uint8_t)bytes};
  receive(frame, sizeof frame);
  hpack_decoder_set_limit(&decoder, bytes);
}

static void test_repeated(void **state) {
  struct random random = {.state = 1};
  (void)state;
  begin();
  for (unsigned round = 0; round < 3000; round++) {
    if (random_one_in(&random, 40)) set_table(random_below(&random, 400));
    if (random_one_in(&random, 80)) set_table(4096);
    ask(random_one_in(&random, 3) ? random_below(&random, SETS) : 2 + round / 100 % 3);
  }
  assert_int_equal(closed, 3000);
  end();
}

static void test_short_on_the_wire(void **state) {
  (void)state;
  begin();
  for (unsigned i = 0; i < 4; i++)
    ask(4);
  assert_int_equal(block_bytes, FIELDS); /* an index each */
  ask(3);
  ask(3);
  ask(3);
  assert_true(block_bytes > FIELDS); /* a credential is never indexed */
  end();
}

/* Requests behind a control frame, or for which there is no room at once, leave in the order of their
 * identifiers, too. */
static void test_many(void **state) {
  enum { COUNT = 4000 }; /* more than the output has room for at once */
  static const uint8_t ping[H2_FRAME_HEADER_BYTES + 8] = {0, 0, 8, H2_PING};
  static const uint8_t no_limit[] = {0, 0, 6, H2_SETTINGS, 0, 0, 0, 0, 0, 0, 3, 0, 0, 255, 255};
  unsigned taken = 0;
  (void)state;
  begin();
  receive(no_limit, sizeof no_limit);
  for (unsigned i = 0; i < COUNT; i++) {
    if (i == 1 || i == 3500) taken += take_requests();
    if (i == 500) receive(ping, sizeof ping);
    assert_non_null(h2_request_set(h2_of(&client), &sets[i % SETS], BODY_NONE, &events, NULL));
  }
  while (taken < COUNT) {
    unsigned more = take_requests();
    assert_true(more > 0);
    taken += more;
  }
  assert_int_equal(last_id, 2 * COUNT - 1);
  expect_set((COUNT - 1) % SETS);
  end();
}

/* Path and an own field are new each time, and are read no more when the call has returned. */
static void ask_varied(struct header_set *set, unsigned number) {
  char path[24], id[24];
  snprintf(path, sizeof path, "/item/%u", number);
  snprintf(id, sizeof id, "%u", number * 31);
  set->at[3].value = span_text(path);
  set->at[5].value = span_text(id);
  assert_non_null(h2_request_set(h2_of(&client), set, BODY_NONE, &events, NULL));
  memset(path, 'x', sizeof path);
  memset(id, 'x', sizeof id);
}

static void expect_varied(unsigned number) {
  char path[24], id[24];
  snprintf(path, sizeof path, "/item/%u", number);
  snprintf(id, sizeof id, "%u", number * 31);
  assert_int_equal(got.count, FIELDS);
  assert_true(span_is(got_fields[3].value, path));
  assert_true(span_is(got_fields[5].name, "x-id"));
  assert_true(span_is(got_fields[5].value, id));
  for (unsigned i = 0; i < FIELDS; i++)
    if (i != 3 && i != 5) assert_true(span_equal(got_fields[i].value, set_fields[7][i].value));
}

static void make_varied(void) {
  set_fields[7][5] = (struct header){.name = span_text("x-id")};
  set_fields[7][3].flags = set_fields[7][5].flags = HEADER_VARIES;
}

/* Made at once or copied, with a table that is changed in between, and beside a set of the same engine that
 * does not vary. */
static void test_varied(void **state) {
  static const uint8_t ping[H2_FRAME_HEADER_BYTES + 8] = {0, 0, 8, H2_PING};
  struct random random = {.state = 2};
  (void)state;
  begin();
  make_varied();
  (void)take_requests();
  for (unsigned round = 0; round < 90; round++) {
    now_ns += 10000000; /* SETTINGS and PING are free of charge if they are few */
    if (random_one_in(&random, 10)) set_table(random_below(&random, 400));
    if (random_one_in(&random, 10)) set_table(4096);
    if (random_one_in(&random, 3)) receive(ping, sizeof ping); /* has to be queued */
    ask_varied(&sets[7], round);
    assert_int_equal(take_requests(), 1);
    expect_varied(round);
    if (random_one_in(&random, 4)) ask(random_below(&random, 3));
  }
  end();
}

/* What varies does not fill the table: what does not stays in it. */
static void test_varied_is_short(void **state) {
  (void)state;
  begin();
  make_varied();
  for (unsigned round = 1000; round < 1090; round++) {
    ask_varied(&sets[7], round);
    assert_int_equal(take_requests(), 1);
    expect_varied(round);
    if (round < 1010) continue;
    assert_int_equal(decoder.table.count, 3); /* authority, user-agent, the first x-id */
    assert_true(block_bytes <= 4 + 2 + 10 + 2 + 5);
  }
  end();
}

/* What the server's SETTINGS forbid is refused as for copied fields. */
static void test_refused(void **state) {
  static const uint8_t settings[] = {0, 0, 6, H2_SETTINGS, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0};
  uint8_t frame[sizeof settings];
  unsigned list_bytes = 0;
  (void)state;
  begin();
  for (unsigned i = 0; i < FIELDS; i++)
    list_bytes += (unsigned)(set_fields[4][i].name.len + set_fields[4][i].value.len) + 32;
  memcpy(frame, settings, sizeof settings);
  frame[13] = (uint8_t)((list_bytes - 1) >> 8);
  frame[14] = (uint8_t)(list_bytes - 1);
  receive(frame, sizeof frame);
  assert_null(h2_request_set(h2_of(&client), &sets[4], BODY_NONE, &events, NULL));
  frame[13] = (uint8_t)(list_bytes >> 8);
  frame[14] = (uint8_t)list_bytes;
  receive(frame, sizeof frame);
  ask(4);
  end();
}

/* An extended CONNECT needs the server's offer. */
static void test_extended_connect(void **state) {
  static const uint8_t offer[] = {0, 0, 6, H2_SETTINGS, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1};
  (void)state;
  begin();
  set_fields[5][5] = header_of(TOKEN_PROTOCOL, span_text("websocket"));
  assert_null(h2_request_set(h2_of(&client), &sets[5], BODY_NONE, &events, NULL));
  receive(offer, sizeof offer);
  ask(5);
  end();
}

/* A response to HEAD has no body, whatever its length says. */
static void test_head(void **state) {
  static const uint8_t answer[] = {
      0,    0,    5,    H2_HEADERS, H2_FLAG_END_HEADERS | H2_FLAG_END_STREAM, 0, 0, 0, 1, 0x88,
      0x0f, 0x0d, 0x01, '5'}; /* :status 200, content-length: 5 */
  (void)state;
  begin();
  assert_non_null(h2_request_set(h2_of(&client), &sets[1], BODY_NONE, &events, NULL));
  assert_int_equal(take_requests(), 1);
  receive(answer, sizeof answer);
  assert_int_equal(closed, 1);
  assert_int_equal(resets, 0);
  end();
}

static void expect_wakes(unsigned requests, unsigned more) {
  const unsigned before = wakes;
  for (unsigned i = 0; i < requests; i++)
    assert_non_null(h2_request_set(h2_of(&client), &sets[2], BODY_NONE, &events, NULL));
  assert_int_equal(wakes - before, more);
}

/* The host hears of the first request, and of no other until it has taken what there is. */
static void test_wakes(void **state) {
  (void)state;
  begin();
  expect_wakes(1, 1);
  assert_int_equal(take_requests(), 1);
  expect_wakes(3, 1);
  expect_wakes(2, 0);
  assert_int_equal(take_requests(), 5);
  expect_wakes(2, 1);
  assert_int_equal(take_requests(), 2);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_repeated),
      cmocka_unit_test(test_short_on_the_wire),
      cmocka_unit_test(test_many),
      cmocka_unit_test(test_varied),
      cmocka_unit_test(test_varied_is_short),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_extended_connect),
      cmocka_unit_test(test_head),
      cmocka_unit_test(test_wakes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
