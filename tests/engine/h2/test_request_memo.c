/*
 * h2/test_request_memo.c - a server compares header blocks with those that it keeps (h2/request_memo.h). Whatever a
 * client sends, the handler hears the same, and the client gets the same answers, as where every byte arrives by
 * itself and every block is decoded. What is kept is bounded, and goes when the connection rests.
 */
#include "engine/engine.h"
#include "engine/h2/connection.h"
#include "engine/h2/h2.h"
#include "engine/hpack/encode.h"
#include "engine/http/body.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/random.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SEEDS = 300, BATCHES = 25, BATCH_MAX = 6, BYTES_MAX = 64 * 1024, LOG_BYTES = 256 * 1024 };

static const uint64_t now_ns = 1000000000;

/* ---- one server and what it has heard -------------------------------------------------------- */

struct server {
  struct counted_memory memory;
  struct engine engine;
  struct handler handler;
  struct machine machine;
  char log[LOG_BYTES];
  size_t log_len;
  struct body_bytes bodies[BATCHES * BATCH_MAX];
  unsigned requests, found; /* of these, how many came out of what is kept */
};

__attribute__((format(printf, 2, 3))) static void note(struct server *server, const char *format,
                                                       ...) {
  va_list arguments;
  va_start(arguments, format);
  int len =
      vsnprintf(server->log + server->log_len, LOG_BYTES - server->log_len, format, arguments);
  va_end(arguments);
  assert_true(len >= 0 && (size_t)len < LOG_BYTES - server->log_len);
  server->log_len += (size_t)len;
}

#define TEXT(span) (int)(span).len, (const char *)(span).base

static void note_request(struct server *server, const struct stream *stream,
                         const struct request *request) {
  note(server, "%u: %.*s %.*s %.*s %.*s %.*s %lld%s\n", (unsigned)stream->id, TEXT(request->method),
       TEXT(request->scheme), TEXT(request->authority), TEXT(request->path),
       TEXT(request->protocol), (long long)request->content_length, request->end ? " end" : "");
  for (uint32_t i = 0; i < request->fields->count; i++) {
    const struct header *field = &request->fields->at[i];
    note(server, "  %.*s: %.*s (%u %u)\n", TEXT(field->name), TEXT(field->value), field->token,
         field->flags);
  }
  note(server, "  %llx\n", (unsigned long long)headers_tokens(request->fields));
}

static const struct stream_events no_events;

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t time_ns) {
  struct server *server = ctx;
  (void)time_ns;
  note_request(server, stream, request);
  server->found += request->fields != &server->engine.http.headers;
  stream->events = &no_events;
  struct body_bytes *body = &server->bodies[server->requests++ % (BATCHES * BATCH_MAX)];
  unsigned status = span_is(request->method, "CONNECT") ? 403 : 200; /* which makes no tunnel */
  assert_true(stream_respond(stream, status, NULL, 0,
                             body_bytes(body, span_text("an answer of some bytes"), NULL, NULL)));
}

static void on_refused(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t time_ns) {
  (void)time_ns;
  note(ctx, "refused ");
  note_request(ctx, stream, request);
}

/* `table_bytes`: what it announces of its HPACK table. */
static void open_server_with(struct server *server, uint32_t table_bytes) {
  static const struct machine_peer peer = {.application_protocol = "h2"};
  static const char *const protocols[] = {"websocket", NULL};
  struct engine_config config = engine_config_default();
  memset(server, 0, sizeof *server);
  config.connections_max = 1;
  config.h2.header_table_bytes = table_bytes;
  server->handler = (struct handler){
      .ctx = server, .request = on_request, .refused = on_refused, .protocols = protocols};
  assert_true(
      engine_init(&server->engine, counted_init(&server->memory), &config, &server->handler));
  assert_true(h2_server(&server->engine.h2, &peer, NULL, now_ns, &server->machine));
}

static void open_server(struct server *server) {
  open_server_with(server, HPACK_TABLE_BYTES_MAX);
}

static struct h2 *h2_of_server(const struct server *server) {
  return server->machine.self;
}

static unsigned kept_count(const struct server *server) {
  unsigned count = 0;
  for (unsigned i = 0; i < H2_REQUEST_MEMOS; i++)
    count += h2_of_server(server)->requests.kept[i] != NULL;
  return count;
}

static void close_server(struct server *server) {
  server->machine.ops->close(server->machine.self);
  engine_destroy(&server->engine);
  assert_int_equal(server->memory.bytes, 0);
}

/* `most`: bytes of one receive. */
static void receive(const struct server *server, struct span bytes, size_t most) {
  const struct machine *machine = &server->machine;
  while (bytes.len > 0 && machine->ops->wants(machine->self) & MACHINE_RECV) {
    size_t len = bytes.len < most ? bytes.len : most;
    size_t taken = machine->ops->recv(machine->self, span_of(bytes.base, len), now_ns);
    bytes = span_of(bytes.base + taken, bytes.len - taken);
  }
}

/* Notes what the server sends. */
static void send_all(struct server *server) {
  struct span spans[8];
  const struct machine *machine = &server->machine;
  while (machine->ops->wants(machine->self) & MACHINE_SEND) {
    size_t count = machine->ops->send_peek(machine->self, spans, 8, 64 * 1024, now_ns), bytes = 0;
    for (size_t i = 0; i < count; bytes += spans[i++].len)
      for (size_t k = 0; k < spans[i].len; k++)
        note(server, "%02x", spans[i].base[k]);
    note(server, "\n");
    if (bytes == 0) return;
    machine->ops->send_ack(machine->self, bytes, now_ns);
  }
}

/* ---- a client -------------------------------------------------------------------------------- */

struct client {
  struct random random;
  struct counted_memory memory;
  struct hpack_encoder encoder;
  uint32_t id;
  uint32_t table_bytes; /* that its encoder may have */
  bool various;         /* HEADERS come in all their forms */
  uint8_t bytes[BYTES_MAX];
  size_t len;
};

static void put_frame(struct client *client, uint8_t type, uint8_t flags, uint32_t id,
                      struct span payload) {
  struct h2_frame_header header = {
      .length = (uint32_t)payload.len, .stream_id = id, .type = type, .flags = flags};
  assert_true(client->len + 16 + payload.len <= BYTES_MAX);
  uint8_t *at = h2_frame_header_encode(client->bytes + client->len, header);
  if (payload.len) memcpy(at, payload.base, payload.len);
  client->len += H2_FRAME_HEADER_BYTES + payload.len;
}

static void open_client(struct client *client, uint64_t seed) {
  *client =
      (struct client){.random = {.state = seed}, .id = 1, .table_bytes = HPACK_TABLE_BYTES_MAX};
  hpack_encoder_init(&client->encoder, counted_init(&client->memory));
  memcpy(client->bytes, H2_PREFACE, H2_PREFACE_BYTES);
  client->len = H2_PREFACE_BYTES;
  put_frame(client, H2_SETTINGS, 0, 0, span_of(NULL, 0));
}

/* From now on the server's table is as large as it said. */
static void acknowledge(struct client *client, uint32_t table_bytes) {
  put_frame(client, H2_SETTINGS, H2_FLAG_ACK, 0, span_of(NULL, 0));
  client->table_bytes = table_bytes;
  if (table_bytes < HPACK_TABLE_BYTES_MAX) hpack_encoder_set_limit(&client->encoder, table_bytes);
}

static void close_client(struct client *client) {
  hpack_encoder_destroy(&client->encoder);
  assert_int_equal(client->memory.bytes, 0);
}

/* Requests of a few kinds: some that are not valid, some that are so with END_STREAM, or without, only. */
static const struct kind {
  const char *method, *path, *authority;
  const char *name, *value;   /* one more field; NULL: none */
  const char *name2, *value2; /* and another */
} kinds[] = {
    {"GET", "/", "a", "accept-encoding", "gzip", NULL, NULL},
    {"GET", "/index.html?query", "a", "x-unknown", "1", "cookie", "a=b"},
    {"GET", "/urgent", "a", "priority", "u=1", NULL, NULL},
    {"GET", "/late", "a", "priority", "u=6, i", "cookie", "c=d"},
    {"HEAD", "/", "a", NULL, NULL, NULL, NULL},
    {"POST", "/", "a", "content-length", "5", NULL, NULL},
    {"POST", "/", "a", "content-length", "0", "cookie", "e=f"},
    {"POST", "/", "a", "expect", "100-continue", NULL, NULL},
    {"GET", "/", "a", "expect", "the-worst", NULL, NULL},
    {"GET", "/", "", NULL, NULL, NULL, NULL},
    {"GET", "/", "a", "connection", "close", NULL, NULL},
    {"CONNECT", NULL, "a:80", NULL, NULL, NULL, NULL},
    {"CONNECT", "/chat", "a", ":protocol", "WebSocket", NULL, NULL},
    {"CONNECT", "/chat", "a", ":protocol", "other", NULL, NULL},
};

static struct header named(const char *name, const char *value) {
  return (struct header){.name = span_text(name), .value = span_text(value)};
}

/* The list of a request of that kind; `fields` has room for 8. */
static size_t fields_of(const struct kind *kind, struct header *fields) {
  size_t count = 0;
  fields[count++] = header_of(TOKEN_METHOD, span_text(kind->method));
  if (kind->path) {
    fields[count++] = header_of(TOKEN_SCHEME, span_text("http"));
    fields[count++] = header_of(TOKEN_PATH, span_text(kind->path));
  }
  if (*kind->authority) fields[count++] = header_of(TOKEN_AUTHORITY, span_text(kind->authority));
  if (kind->name) fields[count++] = named(kind->name, kind->value);
  if (kind->name2) fields[count++] = named(kind->name2, kind->value2);
  return count;
}

static bool one_in(struct client *client, uint32_t n) {
  return random_one_in(&client->random, n);
}

/* The same block in HEADERS with padding, with a priority, or with CONTINUATION. */
static void put_in_another_form(struct client *client, struct span block, uint8_t flags) {
  uint8_t payload[4096 + 16] = {0};
  const uint8_t whole = flags | H2_FLAG_END_HEADERS;
  const size_t half = block.len / 2;
  switch (random_below(&client->random, 3)) {
  case 0:
    payload[0] = 3; /* bytes of padding */
    memcpy(payload + 1, block.base, block.len);
    put_frame(client, H2_HEADERS, whole | H2_FLAG_PADDED, client->id,
              span_of(payload, 1 + block.len + 3));
    return;
  case 1:
    payload[4] = 99; /* the weight; on stream 0 */
    memcpy(payload + 5, block.base, block.len);
    put_frame(client, H2_HEADERS, whole | H2_FLAG_PRIORITY, client->id,
              span_of(payload, 5 + block.len));
    return;
  default:
    put_frame(client, H2_HEADERS, flags, client->id, span_of(block.base, half));
    put_frame(client, H2_CONTINUATION, H2_FLAG_END_HEADERS, client->id,
              span_of(block.base + half, block.len - half));
  }
}

/* PRIORITY_UPDATE, before the request that it is for. */
static void put_priority(struct client *client) {
  uint8_t payload[] = {0, 0, (uint8_t)(client->id >> 8), (uint8_t)client->id, 'u', '=', '0'};
  payload[6] = (uint8_t)('0' + random_below(&client->random, 8));
  put_frame(client, H2_PRIORITY_UPDATE, 0, 0, span_of(payload, sizeof payload));
}

/* HEADERS; some fields never go into the table, so that their literals repeat. */
static void put_request(struct client *client, const struct kind *kind, bool end, bool literal) {
  uint8_t block[4096];
  struct header fields[8];
  size_t count = fields_of(kind, fields);
  if (literal) fields[count - 1].flags = HEADER_NEVER_INDEX;
  size_t len = hpack_encode(&client->encoder, fields, count, block);
  const uint8_t flags = end ? H2_FLAG_END_STREAM : 0;
  if (client->various && one_in(client, 8)) put_priority(client);
  if (client->various && one_in(client, 4))
    put_in_another_form(client, span_of(block, len), flags);
  else
    put_frame(client, H2_HEADERS, H2_FLAG_END_HEADERS | flags, client->id, span_of(block, len));
  client->id += 2;
}

static void put_batch(struct client *client) {
  static const uint8_t zeros[4];
  for (unsigned left = 1 + random_below(&client->random, BATCH_MAX); left > 0; left--) {
    if (one_in(client, 60))
      hpack_encoder_set_limit(
          &client->encoder,
          random_below(&client->random, client->table_bytes < 300 ? client->table_bytes + 1 : 300));
    if (one_in(client, 60)) hpack_encoder_set_limit(&client->encoder, client->table_bytes);
    /* Of a few kinds, so that they come again. */
    size_t which = random_below(&client->random, one_in(client, 3) ? 14 : 4);
    bool end = !one_in(client, 5);
    put_request(client, &kinds[which], end, one_in(client, 3));
    if (!end) put_frame(client, H2_RST_STREAM, 0, client->id - 2, span_of(zeros, 4));
  }
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* `various`: in all forms, and the server's table is small from some time on. */
static void compare(bool various) {
  static struct server whole, bytes;
  static struct client client;
  unsigned found = 0, requests = 0;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    const uint32_t table_bytes =
        various ? random_below(&(struct random){.state = seed}, 400) : 4096;
    const unsigned acknowledged = various ? BATCHES / 2 : 0;
    open_client(&client, seed);
    client.various = various;
    open_server_with(&whole, table_bytes);
    open_server_with(&bytes, table_bytes);
    for (unsigned i = 0; i < BATCHES; i++) {
      client.len = i == 0 ? client.len : 0;
      if (i == acknowledged) acknowledge(&client, table_bytes);
      put_batch(&client);
      receive(&whole, span_of(client.bytes, client.len), BYTES_MAX);
      receive(&bytes, span_of(client.bytes, client.len), 1);
      send_all(&whole);
      send_all(&bytes);
    }
    if (strcmp(whole.log, bytes.log) != 0)
      fail_msg("seed %llu: one server\n%s\nthe other\n%s", (unsigned long long)seed, whole.log,
               bytes.log);
    assert_int_equal(bytes.found, 0);
    found += whole.found;
    requests += whole.requests;
    close_server(&whole);
    close_server(&bytes);
    close_client(&client);
  }
  assert_true(found > requests / (various ? 64 : 16)); /* these compare something */
}

static void test_same_as_in_bytes(void **state) {
  (void)state;
  compare(false);
}

static void test_same_in_all_forms(void **state) {
  (void)state;
  compare(true);
}

static struct server server;
static struct client client;

/* `count` requests of a kind, in one receive. */
static void ask(const struct kind *kind, unsigned count) {
  client.len = client.id == 1 ? client.len : 0;
  while (count-- > 0)
    put_request(&client, kind, true, false);
  receive(&server, span_of(client.bytes, client.len), BYTES_MAX);
  send_all(&server);
}

static void begin(void) {
  open_client(&client, 1);
  acknowledge(&client, HPACK_TABLE_BYTES_MAX);
  open_server(&server);
}

static void end(void) {
  close_server(&server);
  close_client(&client);
}

/* The first ones fill the table; then a block comes once, a second time, and is found from the third on. A change of
 * the table ends that. */
static void test_kept_until_the_table_changes(void **state) {
  const struct kind other = {"GET", "/", "a", "accept-language", "en", NULL, NULL};
  (void)state;
  begin();
  ask(&kinds[0], 1);
  assert_int_equal(kept_count(&server), 0);
  ask(&kinds[0], 1);
  assert_int_equal(kept_count(&server), 0);
  ask(&kinds[0], 1);
  assert_int_equal(kept_count(&server), 1);
  assert_int_equal(server.found, 0);
  ask(&kinds[0], 3);
  assert_int_equal(server.found, 3);
  ask(&other, 1);
  ask(&kinds[0], 2);
  assert_int_equal(server.found, 3);
  ask(&kinds[0], 1);
  assert_int_equal(server.found, 4);
  end();
}

/* A table size update that a block begins with is done each time, where it changes the size. */
static void test_size_updates(void **state) {
  static const uint8_t small[] = {0x3f, 0x01, 0x82, 0x84, 0x86, 0x41, 0x01, 'a'}; /* 32 bytes */
  static const uint8_t large[] = {0x3f, 0x0f, 0x82, 0x84, 0x86, 0x01, 0x01, 'a'}; /* 46 bytes */
  (void)state;
  begin();
  for (unsigned i = 0; i < 8; i++) {
    bool is_large = i >= 2 && i % 2 == 0; /* once the small one is kept */
    const uint8_t *block = is_large ? large : small;
    put_frame(&client, H2_HEADERS, H2_FLAG_END_HEADERS | H2_FLAG_END_STREAM, client.id,
              span_of(block, sizeof small));
    client.id += 2;
    receive(&server, span_of(client.bytes, client.len), BYTES_MAX);
    client.len = 0;
    assert_int_equal(h2_of_server(&server)->decoder.table.bytes_max, is_large ? 46 : 32);
  }
  assert_int_equal(server.requests, 8);
  end();
}

/* GET / with an authority of `bytes` octets as a literal that does not change the table. */
static void ask_literal(unsigned bytes, unsigned count) {
  uint8_t block[4096] = {0x82, 0x84, 0x86, 0x01};
  size_t at = 4;
  block[at++] = (uint8_t)(bytes < 127 ? bytes : 127);
  if (bytes >= 127) {
    assert_true(bytes - 127 < 128);
    block[at++] = (uint8_t)(bytes - 127);
  }
  memset(block + at, 'a', bytes);
  client.len = client.id == 1 ? client.len : 0;
  for (; count > 0; count--, client.id += 2)
    put_frame(&client, H2_HEADERS, H2_FLAG_END_HEADERS | H2_FLAG_END_STREAM, client.id,
              span_of(block, at + bytes));
  receive(&server, span_of(client.bytes, client.len), BYTES_MAX);
  send_all(&server);
}

/* The client has heard that the table is smaller: its next block has to begin with a size update (RFC 7541 section
 * 4.2), even if it is one that was valid before. */
static void test_missing_size_update(void **state) {
  (void)state;
  open_client(&client, 1);
  open_server_with(&server, 100);
  ask_literal(5, 4);
  assert_int_equal(server.found, 2);
  client.len = 0;
  acknowledge(&client, 100);
  receive(&server, span_of(client.bytes, client.len), BYTES_MAX);
  ask_literal(5, 1);
  assert_int_equal(server.requests, 4);
  assert_true(h2_of_server(&server)->dead);
  end();
}

/* The longest block that is kept, and one more. */
static void test_block_bound(void **state) {
  (void)state;
  for (unsigned more = 0; more <= 1; more++) {
    begin();
    ask_literal(H2_REQUEST_MEMO_BLOCK_BYTES_MAX - 6 + more, 4);
    assert_int_equal(server.requests, 4);
    assert_int_equal(server.found, more ? 0 : 2);
    end();
  }
}

/* A block of some octets may stand for a request of many bytes, which is not kept. */
static void test_bytes_bound(void **state) {
  (void)state;
  for (unsigned large = 0; large <= 1; large++) {
    static char text[H2_REQUEST_MEMO_BYTES_MAX + 1];
    memset(text, 'v', large ? H2_REQUEST_MEMO_BYTES_MAX : 100);
    text[large ? H2_REQUEST_MEMO_BYTES_MAX : 100] = 0;
    const struct kind kind = {"GET", "/", "a", "x-text", text, NULL, NULL};
    begin();
    ask(&kind, 6);
    assert_int_equal(server.requests, 6);
    assert_int_equal(kept_count(&server), !large);
    end();
  }
}

/* However many kinds come again, so many are kept; what is replaced is freed. */
static void test_count_bound(void **state) {
  (void)state;
  begin();
  for (unsigned round = 0; round < 3; round++)
    for (unsigned bytes = 1; bytes <= 8 * H2_REQUEST_MEMOS; bytes++)
      ask_literal(bytes, 2);
  assert_int_equal(kept_count(&server), H2_REQUEST_MEMOS);
  end();
}

static void test_no_memory(void **state) {
  (void)state;
  begin();
  ask(&kinds[0], 2);
  server.memory.allowed = 0;
  ask(&kinds[0], 4);
  assert_int_equal(server.requests, 6);
  assert_int_equal(server.found, 0);
  assert_int_equal(kept_count(&server), 0);
  server.memory.allowed = UINT64_MAX;
  end();
}

static void test_nothing_at_rest(void **state) {
  (void)state;
  begin();
  ask(&kinds[0], 6);
  assert_int_equal(kept_count(&server), 1);
  server.machine.ops->tick(server.machine.self, now_ns + H2_REST_NS);
  assert_int_equal(kept_count(&server), 0);
  ask(&kinds[0], 3);
  assert_int_equal(server.requests, 9);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_as_in_bytes),
      cmocka_unit_test(test_same_in_all_forms),
      cmocka_unit_test(test_kept_until_the_table_changes),
      cmocka_unit_test(test_size_updates),
      cmocka_unit_test(test_block_bound),
      cmocka_unit_test(test_missing_size_update),
      cmocka_unit_test(test_bytes_bound),
      cmocka_unit_test(test_count_bound),
      cmocka_unit_test(test_no_memory),
      cmocka_unit_test(test_nothing_at_rest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
