/*
 * h2/test_whole.c - a client takes frames that are there as a whole by a shorter way (h2_block_whole(),
 * h2_data_whole()), and compares header blocks with those that it has judged (h2/response_memo.h). Whatever a
 * server sends, a handler hears the same, and the server gets the same replies, as where every byte
 * arrives by itself and every block is decoded.
 */
#include "engine/engine.h"
#include "engine/h2/connection.h"
#include "engine/h2/h2.h"
#include "engine/h2/response_memo.h"
#include "engine/hpack/encode.h"
#include "engine/http/section.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/random.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { STREAMS = 24, FRAMES = 120, SEEDS = 400, LOG_BYTES = 64 * 1024, BYTES_MAX = 256 * 1024 };

/* ---- one client and what it has heard -------------------------------------------------------- */

struct exchange {
  struct client *client;
  uint64_t bytes, sum; /* of the body */
};

struct client {
  struct counted_memory memory;
  struct engine engine;
  struct machine machine;
  struct exchange exchanges[STREAMS];
  struct random pieces;
  char log[LOG_BYTES];
  size_t log_len;
  uint8_t sent[BYTES_MAX];
  size_t sent_len;
  unsigned statuses;
};

__attribute__((format(printf, 2, 3))) static void note(struct client *client, const char *format,
                                                       ...) {
  va_list arguments;
  va_start(arguments, format);
  int len =
      vsnprintf(client->log + client->log_len, LOG_BYTES - client->log_len, format, arguments);
  va_end(arguments);
  assert_true(len > 0 && (size_t)len < LOG_BYTES - client->log_len);
  client->log_len += (size_t)len;
}

static void note_section(struct stream *stream, unsigned status, uint32_t plain_bytes, bool end) {
  const struct exchange *exchange = stream->user;
  exchange->client->statuses++;
  note(exchange->client, "%u: status %u, %u bytes%s\n", (unsigned)stream->id, status, plain_bytes,
       end ? ", the end" : "");
  if (status == 410) stream_reset(stream, H2_CANCEL);
}

static void on_status(struct stream *stream, unsigned status, struct section_size size, bool end) {
  note_section(stream, status, size.plain_bytes, end);
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  note_section(stream, status, section_size_of(fields, 0).plain_bytes, end);
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct exchange *exchange = stream->user;
  exchange->bytes += bytes.len;
  for (size_t i = 0; i < bytes.len; i++)
    exchange->sum = exchange->sum * 31 + bytes.base[i];
  if (end) note(exchange->client, "%u: the end\n", (unsigned)stream->id);
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  const struct exchange *exchange = stream->user;
  note(exchange->client, "%u: %u trailers\n", (unsigned)stream->id, fields->count);
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  const struct exchange *exchange = stream->user;
  note(exchange->client, "%u: closed %u, %llu bytes, %llx\n", (unsigned)stream->id, error_code,
       (unsigned long long)exchange->bytes, (unsigned long long)exchange->sum);
}

static const struct stream_events status_events = {
    .status = on_status, .data = on_data, .trailers = on_trailers, .closed = on_closed};
static const struct stream_events field_events = {
    .response = on_response, .data = on_data, .trailers = on_trailers, .closed = on_closed};

static const uint64_t now_ns = 1000000000;

/* Takes what the client has to send. */
static void send_all(struct client *client) {
  struct span spans[8];
  const struct machine *machine = &client->machine;
  while (machine->ops->wants(machine->self) & MACHINE_SEND) {
    size_t count = machine->ops->send_peek(machine->self, spans, 8, 64 * 1024, now_ns), bytes = 0;
    for (size_t i = 0; i < count; i++) {
      assert_true(client->sent_len + spans[i].len <= BYTES_MAX);
      memcpy(client->sent + client->sent_len, spans[i].base, spans[i].len);
      client->sent_len += spans[i].len;
      bytes += spans[i].len;
    }
    if (bytes == 0) return;
    machine->ops->send_ack(machine->self, bytes, now_ns);
  }
}

static void open_client(struct client *client, uint64_t seed, const struct stream_events *events) {
  static const struct machine_peer peer = {.application_protocol = "h2", .secure = true};
  struct random random = {.state = seed};
  struct engine_config config = engine_config_default();
  config.connections_max = 1;
  config.h2.push = false;
  config.h2.stream_window_bytes = random_one_in(&random, 4) ? 200 : 1 << 20;
  config.h2.flow = (enum stream_flow)(FLOW_ECHO + random_below(&random, 4));
  memset(client, 0, sizeof *client);
  client->pieces.state = seed;
  assert_true(engine_init(&client->engine, counted_init(&client->memory), &config, NULL));
  assert_true(h2_client(&client->engine.h2, &peer, NULL, now_ns, &client->machine));
  for (unsigned i = 0; i < STREAMS; i++) {
    bool head = random_one_in(&random, 8);
    struct header fields[] = {header_of(TOKEN_METHOD, span_text(head ? "HEAD" : "GET")),
                              header_of(TOKEN_SCHEME, span_text("https")),
                              header_of(TOKEN_AUTHORITY, span_text("a")),
                              header_of(TOKEN_PATH, span_text("/"))};
    client->exchanges[i].client = client;
    assert_non_null(
        h2_request(h2_of(&client->machine), fields, 4, BODY_NONE, events, &client->exchanges[i]));
  }
  send_all(client);
}

static void close_client(struct client *client) {
  client->machine.ops->close(client->machine.self);
  engine_destroy(&client->engine);
  assert_int_equal(client->memory.bytes, 0);
}

/* `most`: bytes of one receive; 0: random ones. */
static void receive(struct client *client, struct span bytes, size_t most) {
  while (bytes.len > 0) {
    size_t len = most ? most : random_size(&client->pieces, 400);
    if (len > bytes.len) len = bytes.len;
    if (!(client->machine.ops->wants(client->machine.self) & MACHINE_RECV)) return;
    size_t taken =
        client->machine.ops->recv(client->machine.self, span_of(bytes.base, len), now_ns);
    if (taken == 0) return;
    bytes = span_of(bytes.base + taken, bytes.len - taken);
  }
}

/* ---- a server -------------------------------------------------------------------------------- */

struct server {
  struct random random;
  struct counted_memory memory;
  struct hpack_encoder encoder;
  bool begun[STREAMS], ended[STREAMS];
  uint32_t body_bytes[STREAMS]; /* still to come */
  uint8_t bytes[BYTES_MAX];
  size_t len;
};

static bool one_in(struct server *server, uint32_t n) {
  return random_one_in(&server->random, n);
}

static void put_frame(struct server *server, uint8_t type, uint8_t flags, uint32_t id,
                      struct span payload) {
  struct h2_frame_header header = {
      .length = (uint32_t)payload.len, .stream_id = id, .type = type, .flags = flags};
  uint8_t *at = h2_frame_header_encode(server->bytes + server->len, header);
  assert_true(server->len + 16 + payload.len <= BYTES_MAX);
  if (payload.len) memcpy(at, payload.base, payload.len);
  server->len += H2_FRAME_HEADER_BYTES + payload.len;
}

/* A block of a few that repeat, in one frame or two, with padding or without. */
static void put_block(struct server *server, uint32_t id, const struct header *fields, size_t count,
                      bool end) {
  uint8_t block[1024];
  if (one_in(server, 30))
    hpack_encoder_set_limit(&server->encoder, random_below(&server->random, 300));
  if (one_in(server, 60)) hpack_encoder_set_limit(&server->encoder, 4096);
  size_t len = hpack_encode(&server->encoder, fields, count, block + 1);
  if (one_in(server, 80)) block[1 + random_below(&server->random, (uint32_t)len)] ^= 1;
  uint8_t flags =
      (end ? H2_FLAG_END_STREAM : 0) | (one_in(server, 20) ? 0x40 : 0); /* 0x40: unknown */
  struct span whole = span_of(block + 1, len);
  if (one_in(server, 12)) {
    block[0] = 0; /* Pad Length */
    put_frame(server, H2_HEADERS, flags | H2_FLAG_PADDED | H2_FLAG_END_HEADERS, id,
              span_of(block, len + 1));
  } else if (one_in(server, 12)) {
    size_t first = random_below(&server->random, (uint32_t)len + 1);
    put_frame(server, H2_HEADERS, flags, id, span_of(whole.base, first));
    put_frame(server, H2_CONTINUATION, H2_FLAG_END_HEADERS, id,
              span_of(whole.base + first, len - first));
  } else {
    put_frame(server, H2_HEADERS, flags | H2_FLAG_END_HEADERS, id, whole);
  }
}

static void put_response(struct server *server, unsigned stream) {
  static const char *const statuses[] = {"200", "200", "200", "200", "404", "204", "304", "410"};
  static const char *const lengths[] = {"0", "5", "128"};
  static const uint32_t bytes[] = {0, 5, 128};
  uint32_t id = 2 * stream + 1, which = random_below(&server->random, 3);
  const char *status = statuses[random_below(&server->random, 8)];
  bool early = one_in(server, 20), says_length = !one_in(server, 3);
  struct header fields[] = {
      header_of(TOKEN_STATUS, span_text(early ? "103" : status)),
      header_of(TOKEN_SERVER, span_text("a server with a name")),
      header_of(TOKEN_ETAG, span_text(one_in(server, 2) ? "\"1\"" : "\"22\"")),
      header_of(TOKEN_CONTENT_LENGTH, span_text(lengths[which])),
  };
  if (one_in(server, 15)) fields[2].flags = HEADER_NEVER_INDEX;
  if (one_in(server, 60)) fields[2] = header_of(TOKEN_CONNECTION, span_text("close"));
  bool end = (which == 0) != one_in(server, 40) && !early;
  put_block(server, id, fields, early ? 3 : says_length ? 4 : 3, end);
  server->begun[stream] = !early;
  server->ended[stream] = end;
  server->body_bytes[stream] = says_length ? bytes[which] : random_below(&server->random, 200);
}

static void put_data(struct server *server, unsigned stream) {
  uint8_t payload[600];
  uint32_t left = server->body_bytes[stream], id = 2 * stream + 1;
  uint32_t len = one_in(server, 3) ? random_below(&server->random, left + 1) : left;
  bool end = len == left && !one_in(server, 6);
  if (one_in(server, 50)) len += random_below(&server->random, 300); /* perhaps too many */
  for (uint32_t i = 0; i < len; i++)
    payload[1 + i] = (uint8_t)random_next(&server->random);
  payload[0] = 0;
  bool padded = one_in(server, 10);
  uint8_t flags = (end ? H2_FLAG_END_STREAM : 0) | (padded ? H2_FLAG_PADDED : 0) |
                  (one_in(server, 20) ? 0x40 : 0);
  put_frame(server, H2_DATA, flags, id, span_of(payload + !padded, len + padded));
  server->body_bytes[stream] = left > len ? left - len : 0;
  server->ended[stream] = end;
}

/* What a server does seldom, or must not do. */
static void put_oddity(struct server *server, uint32_t id) {
  static const uint8_t zeros[8];
  const struct header trailer = {.name = span_text("x-sum"), .value = span_text("1")};
  switch (random_below(&server->random, 8)) {
  case 0: put_frame(server, H2_RST_STREAM, 0, id, span_of(zeros, 4)); break;
  case 1: put_frame(server, H2_PING, 0, 0, span_of(zeros, 8)); break;
  case 2: put_block(server, id, &trailer, 1, !one_in(server, 8)); break;
  case 3: put_frame(server, H2_DATA, 0, id, span_of(zeros, 0)); break;
  case 4:
    if (one_in(server, 10)) put_frame(server, H2_DATA, 0, 0, span_of(zeros, 4));
    break;
  case 5: put_frame(server, 0x77, 0, id, span_of(zeros, 3)); break;
  case 6:
    if (one_in(server, 10))
      put_frame(server, H2_HEADERS, H2_FLAG_END_HEADERS, 0, span_of(zeros, 1));
    break;
  default: put_frame(server, H2_WINDOW_UPDATE, 0, id, span_of("\0\0\0\1", 4)); break;
  }
}

static void make_bytes(struct server *server, uint64_t seed) {
  *server = (struct server){.random = {.state = ~seed}};
  hpack_encoder_init(&server->encoder, counted_init(&server->memory));
  put_frame(server, H2_SETTINGS, 0, 0, span_of(NULL, 0));
  put_frame(server, H2_SETTINGS, H2_FLAG_ACK, 0, span_of(NULL, 0));
  for (unsigned i = 0; i < FRAMES; i++) {
    unsigned stream = random_below(&server->random, STREAMS);
    if (one_in(server, 12))
      put_oddity(server, 2 * stream + 1);
    else if (server->ended[stream] && !one_in(server, 200))
      continue;
    else if (!server->begun[stream] && !one_in(server, 200))
      put_response(server, stream);
    else
      put_data(server, stream);
  }
  hpack_encoder_destroy(&server->encoder);
  assert_int_equal(server->memory.bytes, 0);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void run(struct client *client, const struct server *server, uint64_t seed,
                const struct stream_events *events, size_t most) {
  open_client(client, seed, events);
  receive(client, span_of(server->bytes, server->len), most);
  send_all(client);
}

static void expect_same(uint64_t seed, const struct client *client, const struct client *other) {
  if (strcmp(client->log, other->log) != 0)
    fail_msg("seed %llu: one heard\n%s\nthe other\n%s", (unsigned long long)seed, client->log,
             other->log);
  if (client->sent_len != other->sent_len ||
      memcmp(client->sent, other->sent, client->sent_len) != 0)
    fail_msg("seed %llu: the replies differ after\n%s", (unsigned long long)seed, client->log);
}

/* All of it at once, in random pieces, and byte by byte with every block decoded. */
static void test_same_as_in_bytes(void **state) {
  static struct client whole, pieces, bytes;
  static struct server server;
  unsigned found = 0;
  (void)state;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    make_bytes(&server, seed);
    run(&whole, &server, seed, &status_events, BYTES_MAX);
    run(&pieces, &server, seed, &status_events, 0);
    run(&bytes, &server, seed, &field_events, 1);
    expect_same(seed, &whole, &bytes);
    expect_same(seed, &pieces, &bytes);
    found += ((const struct h2 *)whole.machine.self)->responses && whole.statuses > 10;
    close_client(&whole);
    close_client(&pieces);
    close_client(&bytes);
  }
  assert_true(found > SEEDS / 4); /* these compare something */
}

/* ---- what is kept ---------------------------------------------------------------------------- */

static struct client client;
static struct server server;

static void begin(void) {
  server = (struct server){.len = 0};
  hpack_encoder_init(&server.encoder, counted_init(&server.memory));
  open_client(&client, 3, &status_events);
  put_frame(&server, H2_SETTINGS, 0, 0, span_of(NULL, 0));
}

static void answer(uint32_t id, const struct header *fields, size_t count) {
  uint8_t block[1024];
  size_t len = hpack_encode(&server.encoder, fields, count, block);
  put_frame(&server, H2_HEADERS, H2_FLAG_END_HEADERS | H2_FLAG_END_STREAM, id, span_of(block, len));
}

static const struct h2_answer *look_up(struct span block) {
  const struct h2 *h2 = client.machine.self;
  return h2_response_memo_find(&h2->responses, hpack_decoder_state(&h2->decoder), block);
}

static const struct h2_answer *find(const struct header *fields, size_t count) {
  uint8_t block[1024];
  struct hpack_encoder copy = server.encoder;
  size_t len = hpack_encode(&copy, fields, count, block);
  return look_up(span_of(block, len));
}

static void end(void) {
  hpack_encoder_destroy(&server.encoder);
  close_client(&client);
}

static void test_kept_until_the_table_changes(void **state) {
  const struct header fields[] = {header_of(TOKEN_STATUS, span_text("200")),
                                  header_of(TOKEN_SERVER, span_text("s")),
                                  header_of(TOKEN_CONTENT_LENGTH, span_text("0"))};
  const struct header other[] = {header_of(TOKEN_STATUS, span_text("200")),
                                 header_of(TOKEN_VARY, span_text("cookie"))};
  (void)state;
  begin();
  for (uint32_t id = 1; id <= 7; id += 2)
    answer(id, fields, 3);
  receive(&client, span_of(server.bytes, server.len), BYTES_MAX);
  const struct h2_answer *found = find(fields, 3);
  assert_non_null(found);
  assert_int_equal(found->status, 200);
  assert_int_equal(found->content_length, 0);
  assert_int_equal(found->size.plain_bytes, 7 + 3 + 6 + 1 + 14 + 1);
  size_t before = server.len;
  answer(9, other, 2);
  receive(&client, span_of(server.bytes + before, server.len - before), BYTES_MAX);
  assert_null(find(fields, 3));
  assert_int_equal(client.statuses, 5);
  end();
}

/* The longest block that is kept, and one more. */
static void test_bound(void **state) {
  (void)state;
  for (unsigned more = 0; more <= 1; more++) {
    uint8_t block[H2_RESPONSE_MEMO_BYTES_MAX + 1] = {0x88, 0x00, 0x01,
                                                     'a'}; /* :status 200, a: "..." */
    size_t value = H2_RESPONSE_MEMO_BYTES_MAX - 6 + more;
    block[4] = 127;
    block[5] = (uint8_t)(value - 127);
    memset(block + 6, 'v', value);
    struct span whole = span_of(block, 6 + value);
    begin();
    put_frame(&server, H2_HEADERS, H2_FLAG_END_HEADERS | H2_FLAG_END_STREAM, 1, whole);
    receive(&client, span_of(server.bytes, server.len), BYTES_MAX);
    assert_int_equal(client.statuses, 1);
    assert_int_equal(look_up(whole) != NULL, more == 0);
    end();
  }
}

/* Where memory is refused every block is decoded, and nothing else changes. */
static void test_no_memory(void **state) {
  const struct header fields[] = {header_of(TOKEN_STATUS, span_text("204"))};
  (void)state;
  begin();
  for (uint32_t id = 1; id <= 2 * H2_RESPONSE_MEMOS + 1; id += 2)
    answer(id, fields, 1);
  client.memory.allowed = 0;
  receive(&client, span_of(server.bytes, server.len), BYTES_MAX);
  client.memory.allowed = UINT64_MAX;
  assert_int_equal(client.statuses, H2_RESPONSE_MEMOS + 1);
  assert_null(find(fields, 1));
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_as_in_bytes),
      cmocka_unit_test(test_kept_until_the_table_changes),
      cmocka_unit_test(test_bound),
      cmocka_unit_test(test_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
