/*
 * h1/test_response_memo.c - a client compares heads of responses with those that it has judged (h1/response_memo.h).
 * Whatever a server sends, in whatever pieces, a handler hears the same as where every head is read.
 */
#include "engine/engine.h"
#include "engine/h1/connection.h"
#include "engine/h1/h1.h"
#include "engine/http/section.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/random.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { REQUESTS = 24, SEEDS = 600, LOG_BYTES = 8192, SERVER_BYTES = 16 * 1024 };

static const uint64_t now_ns = 1000000000;

struct client {
  struct counted_memory memory;
  struct engine engine;
  struct machine machine;
  char log[LOG_BYTES];
  size_t log_len;
};

static struct client client;

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int len = vsnprintf(client.log + client.log_len, LOG_BYTES - client.log_len, format, arguments);
  va_end(arguments);
  assert_true(len > 0 && (size_t)len < LOG_BYTES - client.log_len);
  client.log_len += (size_t)len;
}

static void on_status(struct stream *stream, unsigned status, struct section_size size, bool end) {
  note("%u: %u, %u of %u bytes%s\n", (unsigned)stream->id, status, size.plain_bytes,
       size.wire_bytes, end ? ", end" : "");
  if (status == 410) stream_reset(stream, H1_CANCEL);
}

/* The same with the fields of the response. */
static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  on_status(stream, status, section_size_of(fields, h1_client_head_bytes(h1_of(&client.machine))),
            end);
}

/* How many bytes come at once does not matter. */
static void on_data(struct stream *stream, struct span bytes, bool end) {
  for (size_t i = 0; i < bytes.len; i++)
    note("%u: %02x\n", (unsigned)stream->id, bytes.base[i]);
  if (end) note("%u: the end\n", (unsigned)stream->id);
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  note("%u: %u trailers\n", (unsigned)stream->id, fields->count);
}

static void on_closed(struct stream *stream, uint32_t code) {
  note("%u: closed %u\n", (unsigned)stream->id, code);
}

static const struct stream_events status_events = {
    .status = on_status, .data = on_data, .trailers = on_trailers, .closed = on_closed};
static const struct stream_events field_events = {
    .response = on_response, .data = on_data, .trailers = on_trailers, .closed = on_closed};

static void send_all(void) {
  struct span spans[8];
  const struct machine *machine = &client.machine;
  while (machine->ops->wants(machine->self) & MACHINE_SEND) {
    size_t count = machine->ops->send_peek(machine->self, spans, 8, 64 * 1024, now_ns), bytes = 0;
    for (size_t i = 0; i < count; i++)
      bytes += spans[i].len;
    machine->ops->send_ack(machine->self, bytes, now_ns);
  }
}

static void begin(void) {
  const struct engine_config config = engine_config_default();
  const struct machine_peer peer = {.application_protocol = ""};
  memset(&client, 0, sizeof client);
  assert_true(engine_init(&client.engine, counted_init(&client.memory), &config, NULL));
  assert_true(h1_client(&client.engine.h1, &peer, NULL, now_ns, &client.machine));
  h1_client_pipeline(h1_of(&client.machine), REQUESTS);
}

static void request(const char *method, const struct stream_events *events) {
  const struct header fields[] = {
      header_of(TOKEN_METHOD, span_text(method)), header_of(TOKEN_SCHEME, span_text("http")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/"))};
  assert_non_null(h1_request(h1_of(&client.machine), fields, 4, BODY_NONE, events, NULL));
  send_all();
}

static bool is_listening(void) {
  return client.machine.ops->wants(client.machine.self) & MACHINE_RECV;
}

static void receive(const char *text) {
  struct span bytes = span_text(text);
  while (bytes.len > 0 && is_listening()) {
    size_t taken = client.machine.ops->recv(client.machine.self, bytes, now_ns);
    bytes = span_of(bytes.base + taken, bytes.len - taken);
  }
}

static void end(void) {
  client.machine.ops->close(client.machine.self);
  engine_destroy(&client.engine);
  assert_int_equal(client.memory.bytes, 0);
}

/* ---- one by one ------------------------------------------------------------------------------ */

#define OK_2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"

static void heard(const char *expected) {
  assert_string_equal(client.log, expected);
  client.log_len = 0;
  client.log[0] = 0;
}

static const struct h1_response_memo *kept(unsigned place) {
  return client.engine.h1.responses.at ? &client.engine.h1.responses.at[place] : NULL;
}

/* One answer has come, and what was judged of it says something else since. */
static void begin_judged(void) {
  begin();
  request("GET", &status_events);
  receive(OK_2 "ab");
  client.engine.h1.responses.at[0].answer.status = 299;
  client.log_len = 0;
}

/* Of a head that has come before, what was judged is told: here something else. */
static void test_it_is_not_read_again(void **state) {
  (void)state;
  begin();
  request("GET", &status_events);
  receive(OK_2 "ab");
  heard("1: 200, 25 of 38 bytes\n1: 61\n1: 62\n1: the end\n1: closed 0\n");
  client.engine.h1.responses.at[0].answer.status = 299;
  request("GET", &status_events);
  receive(OK_2 "c");
  receive("d");
  heard("2: 299, 25 of 38 bytes\n2: 63\n2: 64\n2: the end\n2: closed 0\n");
  end();
}

/* One that is not there as a whole is read. */
static void test_pieces_are_read(void **state) {
  (void)state;
  begin_judged();
  request("GET", &status_events);
  receive("HTTP/1.1 200 OK\r\n");
  receive("Content-Length: 2\r\n\r\ncd");
  heard("2: 200, 25 of 38 bytes\n2: 63\n2: 64\n2: the end\n2: closed 0\n");
  end();
}

/* The length of an answer to HEAD is that of no body. */
static void test_of_another_request_it_is_read(void **state) {
  (void)state;
  begin();
  request("HEAD", &status_events);
  receive(OK_2);
  assert_null(kept(0));
  request("GET", &status_events);
  receive(OK_2 "ab");
  request("HEAD", &status_events);
  receive(OK_2);
  heard("1: 200, 25 of 38 bytes, end\n1: closed 0\n"
        "2: 200, 25 of 38 bytes\n2: 61\n2: 62\n2: the end\n2: closed 0\n"
        "3: 200, 25 of 38 bytes, end\n3: closed 0\n");
  end();
}

/* A handler that wants fields gets them. */
static void test_fields_are_read(void **state) {
  (void)state;
  begin_judged();
  request("GET", &field_events);
  receive(OK_2 "cd");
  heard("2: 200, 25 of 38 bytes\n2: 63\n2: 64\n2: the end\n2: closed 0\n");
  end();
}

/* H1_RESPONSE_MEMO_BYTES_MAX: exactly so many bytes are kept. */
static void test_long_heads_are_not_kept(void **state) {
  char head[H1_RESPONSE_MEMO_BYTES_MAX + 2];
  const char *front = "HTTP/1.1 204 No\r\nA: ";
  (void)state;
  begin();
  for (unsigned more = 0; more < 2; more++) {
    size_t len = H1_RESPONSE_MEMO_BYTES_MAX + 1 - more;
    memset(head, 'a', sizeof head);
    memcpy(head, front, strlen(front));
    memcpy(head + len - 4, "\r\n\r\n", 5);
    request("GET", &status_events);
    receive(head);
    assert_true(more == 0 ? kept(0) == NULL : kept(0)->len == H1_RESPONSE_MEMO_BYTES_MAX);
  }
  end();
}

/* H1_RESPONSE_MEMOS heads are kept; then the oldest goes. */
static void test_the_oldest_goes(void **state) {
  char head[64];
  (void)state;
  begin();
  for (unsigned i = 0; i < H1_RESPONSE_MEMOS + 1; i++) {
    snprintf(head, sizeof head, "HTTP/1.1 %u No\r\nContent-Length: 0\r\n\r\n", 400 + i);
    request("GET", &status_events);
    receive(head);
  }
  assert_int_equal(kept(0)->answer.status, 400 + H1_RESPONSE_MEMOS);
  for (unsigned i = 1; i < H1_RESPONSE_MEMOS; i++)
    assert_int_equal(kept(i)->answer.status, 400 + i);
  end();
}

/* ---- any server ------------------------------------------------------------------------------ */

/* What a server may send next: valid heads that come again, and some that are wrong. */
static const char *const responses[] = {
    OK_2 "ab",
    OK_2 "ab",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.1 204 No\r\n\r\n",
    "HTTP/1.1 304 Same\r\nContent-Length: 7\r\n\r\n",
    "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n0\r\n\r\n",
    "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\nA: b\r\n\r\n",
    "HTTP/1.1 103 Soon\r\nLink: </a>\r\n\r\n" OK_2 "cd",
    "HTTP/1.1 100 Continue\r\n\r\n" OK_2 "ef",
};
static const char *const ends[] = {
    "HTTP/1.1 410 Gone\r\nContent-Length: 2\r\n\r\ngh",
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nij",
    "HTTP/1.0 200 OK\r\n\r\nuntil the end",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n a: folded\r\n\r\n",
    "HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nab",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
};

static void write_server(struct random *random, char *text) {
  size_t len = 0;
  for (unsigned i = 0; i < REQUESTS; i++) {
    bool is_end = random_one_in(random, 40);
    const char *next = is_end
                           ? ends[random_below(random, sizeof ends / sizeof ends[0])]
                           : responses[random_below(random, sizeof responses / sizeof *responses)];
    len += (size_t)snprintf(text + len, SERVER_BYTES - len, "%s", next);
  }
}

/* `most`: bytes of one receive; 0: random ones. */
static void run(uint64_t seed, const char *server, const struct stream_events *events, size_t most,
                char *log) {
  struct random random = {.state = seed};
  struct span bytes = span_text(server);
  begin();
  for (unsigned i = 0; i < REQUESTS; i++)
    request(random_one_in(&random, 6) ? "HEAD" : "GET", events);
  while (bytes.len > 0 && is_listening()) {
    size_t len = most ? most : random_size(&random, 200);
    if (len > bytes.len) len = bytes.len;
    size_t taken = client.machine.ops->recv(client.machine.self, span_of(bytes.base, len), now_ns);
    bytes = span_of(bytes.base + taken, bytes.len - taken);
  }
  client.machine.ops->recv_eof(client.machine.self, now_ns);
  memcpy(log, client.log, sizeof client.log);
  end();
}

static void test_any_server_is_heard_alike(void **state) {
  static char server[SERVER_BYTES], read[LOG_BYTES], judged[LOG_BYTES], pieces[LOG_BYTES];
  (void)state;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    struct random random = {.state = seed};
    write_server(&random, server);
    run(seed, server, &field_events, 1, read);
    run(seed, server, &status_events, SERVER_BYTES, judged);
    run(seed, server, &status_events, 0, pieces);
    if (strcmp(read, judged) != 0 || strcmp(read, pieces) != 0)
      fail_msg("seed %llu", (unsigned long long)seed);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_it_is_not_read_again),          cmocka_unit_test(test_pieces_are_read),
      cmocka_unit_test(test_of_another_request_it_is_read), cmocka_unit_test(test_fields_are_read),
      cmocka_unit_test(test_long_heads_are_not_kept),       cmocka_unit_test(test_the_oldest_goes),
      cmocka_unit_test(test_any_server_is_heard_alike),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
