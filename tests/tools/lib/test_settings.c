/*
 * lib/test_settings.c - the times, rates and sizes that lib/weir.h lets an embedder set, and settings that it refuses. The clock
 * is put ahead, so nothing waits for times.
 */
#include "tests/support/cmocka.h"
#include "tests/support/shifted_clock.h"
#include "tests/tools/lib/answers.h"
#include "tools/lib/weir.h"

#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static char error[WEIR_ERROR_BYTES];

/* ---- a handler that begins to answer at once, and then waits ------------------------------------- */

static enum body_result wait_for_more(void *self, struct body_chunk *chunk) {
  (void)self;
  chunk->bytes = (struct span){0};
  return BODY_WAIT;
}

static void request(void *ctx, struct stream *stream, const struct request *request,
                    uint64_t now_ns) {
  static const struct body_ops waiting = {.pull = wait_for_more};
  static const struct stream_events no_events;
  if (span_is(request->path, "/talk")) {
    stream->events = &no_events;
    (void)stream_respond(stream, 200, NULL, 0, (struct body){.ops = &waiting});
  } else {
    answers_handler.request(ctx, stream, request, now_ns);
  }
}

/* ---- help ------------------------------------------------------------------------------------ */

static int connect_to(const struct weir_server *server) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons(weir_server_http_port(server)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const struct timeval patience = {.tv_sec = 20};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

static void put(int fd, const char *text) {
  assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Reads until the status line has come. */
static void take_head(int fd, const char *status) {
  char text[500] = "";
  for (size_t len = 0; !strstr(text, "\r\n\r\n");) {
    ssize_t got = recv(fd, text + len, sizeof text - 1 - len, 0);
    assert_true(got > 0);
    len += (size_t)got;
  }
  if (!strstr(text, status)) fail_msg("%s", text);
}

/* Another client's request: once it is answered, the only worker has had turns at the present time. */
static void one_more_turn(const struct weir_server *server) {
  int fd = connect_to(server);
  put(fd, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  take_head(fd, " 200 ");
  close(fd);
}

static bool is_open(int fd) {
  char byte;
  return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0;
}

static void expect_end(int fd) {
  char text[500];
  ssize_t got;
  while ((got = recv(fd, text, sizeof text, 0)) > 0)
    ;
  assert_int_equal(got, 0);
}

/* ---- tests ----------------------------------------------------------------------------------- */

#define EXPECTING "HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
#define HUNDRED                                                                                    \
  "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123" \
  "456789"

/* By default each of them would have ended by the time it is looked at first. */
static void test_slow_uploads(void **state) {
  static const struct handler handler = {.request = request};
  static const struct {
    const char *name;
    struct weir_server_settings settings;
    const char *head, *status, *body;
    int open_seconds, ended_seconds;
  } rows[] = {
      {"silence",
       {.body_idle_seconds = 60, .body_rate_min = WEIR_NO_RATE},
       "POST /echo " EXPECTING "Content-Length: 1000\r\n\r\n",
       " 100 ",
       "",
       50,
       70},
      {"rate",
       {.body_idle_seconds = 60, .body_rate_min = 10},
       "POST /echo " EXPECTING "Content-Length: 1000\r\n\r\n",
       " 100 ",
       HUNDRED,
       8,
       25},
      {"conversation",
       {.conversation_idle_seconds = 400},
       "POST /talk HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
       " 200 ",
       "",
       350,
       410},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct weir_server_settings settings = rows[i].settings;
    settings.http = "127.0.0.1:0", settings.handler = &handler, settings.workers = 1;
    struct weir_server *server = weir_server_start(&settings, error, sizeof error);
    assert_non_null(server);
    int fd = connect_to(server);
    put(fd, rows[i].head);
    take_head(fd, rows[i].status);
    put(fd, rows[i].body);
    one_more_turn(server);
    shifted_clock_set(CLOCK_MONOTONIC, rows[i].open_seconds);
    one_more_turn(server);
    if (!is_open(fd)) fail_msg("%s: ended too early", rows[i].name);
    shifted_clock_set(CLOCK_MONOTONIC, rows[i].ended_seconds);
    expect_end(fd);
    close(fd);
    assert_true(weir_server_stop(server, 1));
    shifted_clock_set(CLOCK_MONOTONIC, 0);
  }
}

/* A response of body_bytes_max, and a request with as many fields as weir.h allows, are within the bounds. */
static void test_the_most(void **state) {
  static const struct weir_server_settings serve = {
      .http = "127.0.0.1:0", .handler = &answers_handler, .workers = 1};
  struct header fields[100];
  char origin[64];
  (void)state;
  for (size_t i = 0; i < 100; i++)
    fields[i] = (struct header){.name = span_text("x-field"), .value = span_text("1")};
  struct weir_server *server = weir_server_start(&serve, error, sizeof error);
  assert_non_null(server);
  snprintf(origin, sizeof origin, "http://127.0.0.1:%u", weir_server_http_port(server));
  const struct weir_client_settings connect = {.origin = origin,
                                               .body_bytes_max = ANSWERS_BIG_BYTES};
  struct weir_client *client = weir_client_open(&connect, error, sizeof error);
  assert_non_null(client);
  const struct weir_request most = {.path = "/big", .fields = fields, .field_count = 100};
  struct weir_response response;
  if (!weir_client_fetch(client, &most, &response)) fail_msg("%s", response.error);
  assert_int_equal(response.status, 200);
  assert_int_equal(response.body_len, ANSWERS_BIG_BYTES);
  weir_response_free(&response);
  weir_client_close(client);
  assert_true(weir_server_stop(server, 1));
}

/* ---- what is refused ---------------------------------------------------------------------------- */

static void test_wrong_settings(void **state) {
  const struct weir_server_settings first = {.http = "127.0.0.1:0", .handler = &answers_handler};
  struct weir_server *server = weir_server_start(&first, error, sizeof error);
  char taken[32];
  (void)state;
  static const struct handler empty;
  assert_non_null(server);
  snprintf(taken, sizeof taken, "127.0.0.1:%u", weir_server_http_port(server));
  const struct {
    struct weir_server_settings settings;
    const char *words;
  } rows[] = {
      {{.handler = &answers_handler}, "no address given"},
      {{.http = "127.0.0.1:0"}, "no handler given"},
      {{.handler = &empty, .http = "127.0.0.1:0"}, "without request()"},
      {{.handler = &answers_handler, .http = "127.0.0.1"}, "127.0.0.1: not an address"},
      {{.handler = &answers_handler, .http = taken}, "Address already in use"},
      {{.handler = &answers_handler, .https = "127.0.0.1:0", .key = "key.pem"}, "certificate"},
      {{.handler = &answers_handler, .https = "127.0.0.1:0", .key = "/no", .certificate = "/no"},
       "/no"},
      {{.handler = &answers_handler, .http = "127.0.0.1:0", .workers = 100000}, "100000 workers"},
      {{.handler = &answers_handler, .http = "127.0.0.1:0", .first_core = -5}, "first_core -5"},
      {{.handler = &answers_handler, .http = "127.0.0.1:0", .ring = "uring"},
       "ring \"uring\": expected auto, io_uring or epoll"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_null(weir_server_start(&rows[i].settings, error, sizeof error));
    if (!strstr(error, rows[i].words)) fail_msg("\"%s\" without \"%s\"", error, rows[i].words);
  }
  weir_server_stop(server, 0);
}

int main(void) {
  answers_init();
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_slow_uploads),
                                     cmocka_unit_test(test_the_most),
                                     cmocka_unit_test(test_wrong_settings)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
