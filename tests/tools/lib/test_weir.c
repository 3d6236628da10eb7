/*
 * lib/test_weir.c - what lib/weir.h promises an embedder: a server and clients in one program, over
 * real sockets. Uses only the public headers, as a program outside this tree would.
 */
#include "tests/support/cmocka.h"
#include "tests/tools/lib/answers.h"
#include "tools/lib/weir.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

enum { THREADS = 8, FETCHES = 40, WORKERS = 2 };

static char error[WEIR_ERROR_BYTES];

/* ---- handlers of their own ---------------------------------------------------------------------- */

static const struct stream_events no_events;

/* A handler that tries to stop its own server, and answers whether it could. */
static void stop_itself(void *ctx, struct stream *stream, const struct request *request,
                        uint64_t now_ns) {
  struct weir_server **server = ctx;
  (void)request, (void)now_ns;
  stream->events = &no_events;
  (void)stream_respond(stream, weir_server_stop(*server, 0) ? 200 : 409, NULL, 0, BODY_NONE);
}

/* Answers with the core that it runs on. */
static void tell_core(void *ctx, struct stream *stream, const struct request *request,
                      uint64_t now_ns) {
  (void)ctx, (void)request, (void)now_ns;
  stream->events = &no_events;
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  int core = 0;
  while (!CPU_ISSET(core, &set))
    core++;
  unsigned status = CPU_COUNT(&set) == 1 ? 200 + (unsigned)core : 599;
  (void)stream_respond(stream, status, NULL, 0, BODY_NONE);
}

static atomic_uint asked; /* of counted_handler */

static void count_and_answer(void *ctx, struct stream *stream, const struct request *request,
                             uint64_t now_ns) {
  answers_handler.request(ctx, stream, request, now_ns);
  atomic_fetch_add(&asked, 1);
}

static const struct handler counted_handler = {.request = count_and_answer};

/* ---- help ------------------------------------------------------------------------------------ */

static struct weir_server *start_with(const struct handler *handler) {
  const struct weir_server_settings settings = {
      .http = "127.0.0.1:0", .https = "127.0.0.1:0", .handler = handler, .workers = WORKERS};
  struct weir_server *server = weir_server_start(&settings, error, sizeof error);
  if (!server) fail_msg("%s", error);
  return server;
}

static struct weir_server *start(void) {
  return start_with(&answers_handler);
}

static struct weir_client *open_client(const struct weir_server *server, bool secure,
                                       struct weir_client_settings settings) {
  char origin[64];
  snprintf(origin, sizeof origin, "%s://127.0.0.1:%u", secure ? "https" : "http",
           secure ? weir_server_https_port(server) : weir_server_http_port(server));
  settings.origin = origin;
  return weir_client_open(&settings, error, sizeof error);
}

static struct weir_client *must_open(const struct weir_server *server, bool secure,
                                     struct weir_client_settings settings) {
  struct weir_client *client = open_client(server, secure, settings);
  if (!client) fail_msg("%s", error);
  return client;
}

static const struct weir_client_settings trusting = {.insecure = true};

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_fetch(void **state) {
  struct weir_server *server = start();
  (void)state;
  assert_int_equal(strlen(weir_server_fingerprint(server)), 95);
  for (int way = 0; way < 4; way++) {
    const struct weir_client_settings settings = {.insecure = true, .http1 = way & 2};
    struct weir_client *client = must_open(server, way & 1, settings);
    struct weir_response response;
    assert_true(weir_client_fetch(client, &(struct weir_request){.path = "/hello"}, &response));
    assert_int_equal(response.status, 200);
    assert_int_equal(response.body_len, 6);
    assert_memory_equal(response.body, "hello\n", 6);
    assert_string_equal(weir_response_field(&response, "content-type"), "text/plain");
    assert_string_equal(weir_response_field(&response, "server"), "weir");
    assert_null(weir_response_field(&response, "text/plain")); /* this is a value, not a name */
    weir_response_free(&response);

    assert_true(weir_client_fetch(client, &(struct weir_request){.path = "/none"}, &response));
    assert_int_equal(response.status, 404);
    weir_response_free(&response);

    const struct weir_request head = {.method = "HEAD", .path = "/big"};
    assert_true(weir_client_fetch(client, &head, &response));
    assert_int_equal(response.body_len, 0);
    weir_response_free(&response);
    weir_client_close(client);
  }
  weir_server_stop(server, 1);
}

struct crowd {
  struct weir_client *client;
  unsigned seed;
  const char *failure;
};

static void *fetch_many(void *ctx) {
  struct crowd *crowd = ctx;
  for (unsigned i = 0; i < FETCHES && !crowd->failure; i++) {
    bool post = (i + crowd->seed) % 3 == 0;
    size_t len = i % 7 == 0 ? 1 : 5000 * i;
    struct weir_request request = {.path = "/hello"};
    struct weir_response response;
    if (post)
      request = (struct weir_request){
          .method = "POST", .path = "/echo", .body = span_of(answers_big + crowd->seed, len)};
    if (!weir_client_fetch(crowd->client, &request, &response))
      crowd->failure = strdup(response.error);
    else if (response.status != 200 || response.body_len != (post ? len : 6) ||
             (post && memcmp(response.body, answers_big + crowd->seed, len) != 0))
      crowd->failure = strdup("another body");
    weir_response_free(&response);
  }
  return NULL;
}

static void test_many_threads(void **state) {
  struct weir_server *server = start();
  (void)state;
  for (int way = 0; way < 4; way++) {
    const struct weir_client_settings settings = {.insecure = true, .http1 = way & 2};
    struct weir_client *client = must_open(server, way & 1, settings);
    struct crowd crowds[THREADS];
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
      crowds[i] = (struct crowd){.client = client, .seed = i};
      assert_int_equal(pthread_create(&threads[i], NULL, fetch_many, &crowds[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
      pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < THREADS; i++)
      if (crowds[i].failure) fail_msg("thread %u: %s", i, crowds[i].failure);
    weir_client_close(client);
  }
  weir_server_stop(server, 1);
}

static void expect_failure(struct weir_client *client, const struct weir_request *request,
                           const char *words) {
  struct weir_response response;
  assert_false(weir_client_fetch(client, request, &response));
  if (!strstr(response.error, words)) fail_msg("\"%s\" without \"%s\"", response.error, words);
  weir_response_free(&response);
}

static void test_bounds(void **state) {
  struct weir_server *server = start();
  (void)state;
  struct weir_client *client = must_open(
      server, true,
      (struct weir_client_settings){
          .insecure = true, .timeout_seconds = 1, .body_bytes_max = ANSWERS_BIG_BYTES - 1});
  expect_failure(client, &(struct weir_request){.path = "/big"}, "longer than 2999999 bytes");
  expect_failure(client, &(struct weir_request){.path = "/never"}, "timed out after 1 s");
  /* One more than LIB_FIELDS_MAX. */
  expect_failure(client, &(struct weir_request){.path = "/hello", .field_count = 101}, "fields");
  struct weir_response response; /* the connection still works */
  assert_true(weir_client_fetch(client, &(struct weir_request){.path = "/hello"}, &response));
  weir_response_free(&response);
  weir_client_close(client);
  weir_server_stop(server, 1);
}

static void *fetch_slow(void *ctx) {
  struct crowd *crowd = ctx;
  struct weir_response response;
  if (!weir_client_fetch(crowd->client, &(struct weir_request){.path = "/slow"}, &response))
    crowd->failure = strdup(response.error);
  weir_response_free(&response);
  return NULL;
}

/* Requests in progress are completed. Later ones fail with the reason. */
static void test_stop(void **state) {
  struct weir_server *server = start_with(&counted_handler);
  (void)state;
  struct crowd crowd = {.client = must_open(server, false, trusting)};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, fetch_slow, &crowd), 0);
  while (atomic_load(&asked) == 0)
    usleep(1000);
  weir_server_stop(server, 5);
  pthread_join(thread, NULL);
  if (crowd.failure) fail_msg("%s", crowd.failure);
  expect_failure(crowd.client, &(struct weir_request){.path = "/hello"}, "GOAWAY (NO_ERROR)");
  weir_client_close(crowd.client);
}

/* Peers that accept and stay silent, speak HTTP/1.1, or do not accept at all. */
static unsigned status_of(struct weir_server *server) {
  struct weir_response response;
  struct weir_client *client = must_open(server, false, trusting);
  if (!weir_client_fetch(client, &(struct weir_request){.path = "/"}, &response))
    fail_msg("%s", response.error);
  unsigned status = response.status;
  weir_response_free(&response);
  weir_client_close(client);
  return status;
}

static void test_stop_in_a_handler(void **state) {
  (void)state;
  struct weir_server *server;
  const struct handler stopper = {.ctx = &server, .request = stop_itself};
  const struct weir_server_settings settings = {
      .http = "127.0.0.1:0", .handler = &stopper, .workers = 2};
  server = weir_server_start(&settings, error, sizeof error);
  assert_non_null(server);
  assert_int_equal(status_of(server), 409);
  assert_true(weir_server_stop(server, 1));
}

/* Servers of one program use different cores by default. A setting chooses the core. */
static void test_cores(void **state) {
  (void)state;
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  if (CPU_COUNT(&set) < 2) skip();
  const struct handler teller = {.request = tell_core};
  static const int firsts[] = {0, 0, 1, 2, WEIR_NOT_PINNED};
  unsigned statuses[5];
  for (int i = 0; i < 5; i++) {
    const struct weir_server_settings settings = {
        .http = "127.0.0.1:0", .handler = &teller, .workers = 1, .first_core = firsts[i]};
    struct weir_server *server = weir_server_start(&settings, error, sizeof error);
    assert_non_null(server);
    statuses[i] = status_of(server);
    assert_true(weir_server_stop(server, 1));
  }
  assert_int_not_equal(statuses[0], statuses[1]);
  assert_int_not_equal(statuses[2], statuses[3]);
  assert_int_not_equal(statuses[2], 599);
  assert_int_equal(statuses[4], 599);
}

/* Refused before anything is sent. The connection continues. */
static void test_wrong_requests(void **state) {
  (void)state;
  struct weir_server *server = start();
  struct weir_client *client = must_open(server, false, trusting);
  const struct header upper = {.name = span_text("X-Upper"), .value = span_text("v")};
  const struct header crlf = {.name = span_text("x"), .value = span_text("a\r\nb: c")};
  const struct header pseudo = {.name = span_text(":path"), .value = span_text("/two")};
  const struct {
    struct weir_request request;
    const char *words;
  } rows[] = {
      {{.path = NULL}, "no path"},
      {{.path = ""}, "slash"},
      {{.path = "no-slash"}, "slash"},
      {{.path = "*"}, "slash"},
      {{.path = "/", .method = ""}, "method"},
      {{.path = "/", .field_count = 1}, "count alone"},
      {{.path = "/", .body = {.len = 5}}, "bytes are missing"},
      {{.path = "/", .fields = &upper, .field_count = 1}, "name"},
      {{.path = "/", .fields = &pseudo, .field_count = 1}, "name"},
      {{.path = "/", .fields = &crlf, .field_count = 1}, "value"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    expect_failure(client, &rows[i].request, rows[i].words);
  struct weir_response response;
  assert_true(weir_client_fetch(client, &(struct weir_request){.path = "/hello"}, &response));
  weir_response_free(&response);
  weir_client_close(client);
  weir_server_stop(server, 1);
}

static int listen_on_any(uint16_t *port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
  assert_int_equal(listen(fd, 1), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
  *port = ntohs(address.sin_port);
  return fd;
}

struct silence {
  int listening;
  const uint8_t *bytes;
  size_t len;
};

/* A server that sends a few bytes and then nothing, until its client leaves. */
static void *say_and_wait(void *ctx) {
  const struct silence *silence = ctx;
  uint8_t received[1000];
  int fd = accept(silence->listening, NULL, NULL);
  ssize_t got = write(fd, silence->bytes, silence->len);
  while (got > 0)
    got = read(fd, received, sizeof received);
  close(fd);
  return NULL;
}

static void test_trailers_and_codes(void **state) {
  (void)state;
  struct weir_server *server = start();
  struct weir_client *client = must_open(server, false, trusting);
  struct weir_response response;
  assert_true(weir_client_fetch(client, &(struct weir_request){.path = "/trailers"}, &response));
  assert_string_equal(weir_response_trailer(&response, "sum"), "42");
  assert_null(weir_response_field(&response, "sum"));
  weir_response_free(&response);

  static const struct {
    const char *path;
    uint32_t code;
    bool unprocessed;
  } rows[] = {{"/reset", ENHANCE_YOUR_CALM, false}, {"/refuse", REFUSED_STREAM, true}};
  for (size_t i = 0; i < 2; i++) {
    assert_false(
        weir_client_fetch(client, &(struct weir_request){.path = rows[i].path}, &response));
    assert_int_equal(response.error_code, rows[i].code);
    assert_int_equal(response.unprocessed, rows[i].unprocessed);
    weir_response_free(&response);
  }
  weir_client_close(client);
  weir_server_stop(server, 1);
}

/* HTTP/1.1 as well, where what a handler resets ends with its connection, and the next fetch gets a new one. */
static void test_http1(void **state) {
  (void)state;
  struct weir_server *server = start();
  const struct weir_client_settings settings = {.http1 = true};
  struct weir_client *client = must_open(server, false, settings);
  struct weir_response response;
  for (int i = 0; i < 2; i++) {
    assert_true(weir_client_fetch(client, &(struct weir_request){.path = "/trailers"}, &response));
    assert_string_equal(weir_response_trailer(&response, "sum"), "42");
    weir_response_free(&response);
    assert_true(weir_client_fetch(client, &(struct weir_request){.path = "/refuse"}, &response));
    assert_int_equal(response.status, 503);
    weir_response_free(&response);
  }
  weir_client_close(client);
  weir_server_stop(server, 1);
}

/* Answers one request on each of two connections, and closes: once as it has said, and once as it has not. */
static void *answer_twice(void *ctx) {
  static const char *const answers[] = {
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};
  const struct silence *silence = ctx;
  for (int i = 0; i < 2; i++) {
    char received[4096];
    int fd = accept(silence->listening, NULL, NULL);
    if (read(fd, received, sizeof received) > 0) (void)!write(fd, answers[i], strlen(answers[i]));
    close(fd);
  }
  return NULL;
}

static void test_http1_closes(void **state) {
  (void)state;
  uint16_t port;
  int listening = listen_on_any(&port);
  char origin[64];
  snprintf(origin, sizeof origin, "http://127.0.0.1:%u", port);
  pthread_t thread;
  struct silence silence = {.listening = listening};
  assert_int_equal(pthread_create(&thread, NULL, answer_twice, &silence), 0);
  const struct weir_client_settings settings = {.origin = origin, .http1 = true};
  struct weir_client *client = weir_client_open(&settings, error, sizeof error);
  if (!client) fail_msg("%s", error);
  for (int i = 0; i < 2; i++) {
    struct weir_response response;
    if (!weir_client_fetch(client, &(struct weir_request){.path = "/"}, &response))
      fail_msg("%s", response.error);
    assert_int_equal(response.body_len, 2);
    weir_response_free(&response);
  }
  pthread_join(thread, NULL);
  close(listening);
  expect_failure(client, &(struct weir_request){.path = "/"}, "cannot connect");
  weir_client_close(client);
}

/* A body of known length gets a content-length, unless the caller sends one. */
static void test_content_length(void **state) {
  (void)state;
  struct weir_server *server = start();
  struct weir_client *client = must_open(server, false, trusting);
  struct weir_response response;
  const struct header said = header_of(TOKEN_CONTENT_LENGTH, span_text("5"));
  const struct weir_request rows[] = {
      {.method = "POST", .path = "/length", .body = span_text("12345")},
      {.method = "POST",
       .path = "/length",
       .body = span_text("12345"),
       .fields = &said,
       .field_count = 1},
  };
  for (size_t i = 0; i < 2; i++) {
    if (!weir_client_fetch(client, &rows[i], &response)) fail_msg("%s", response.error);
    assert_int_equal(response.status, 205);
    weir_response_free(&response);
  }
  weir_client_close(client);
  weir_server_stop(server, 1);
}

/* A fetch that waits for a stream times out, too. Here the server allows no streams. */
static void test_time_in_the_queue(void **state) {
  static const uint8_t settings[] = {0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0};
  (void)state;
  uint16_t port;
  int listening = listen_on_any(&port);
  char origin[64];
  snprintf(origin, sizeof origin, "http://127.0.0.1:%u", port);
  pthread_t thread;
  struct silence silence = {.listening = listening, .bytes = settings, .len = sizeof settings};
  assert_int_equal(pthread_create(&thread, NULL, say_and_wait, &silence), 0);
  const struct weir_client_settings hurry = {.origin = origin, .timeout_seconds = 1};
  struct weir_client *client = weir_client_open(&hurry, error, sizeof error);
  if (!client) fail_msg("%s", error);
  struct weir_response response;
  assert_false(weir_client_fetch(client, &(struct weir_request){.path = "/"}, &response));
  assert_non_null(strstr(response.error, "timed out after 1 s"));
  assert_true(response.unprocessed);
  weir_response_free(&response);
  weir_client_close(client);
  pthread_join(thread, NULL);
  close(listening);
}

/* The kernel accepts the connection, but nothing answers. */
static void test_silent_server(void **state) {
  (void)state;
  uint16_t port;
  int fd = listen_on_any(&port);
  static const char *const schemes[] = {"http", "https"};
  for (int i = 0; i < 2; i++) {
    char origin[64];
    snprintf(origin, sizeof origin, "%s://127.0.0.1:%u", schemes[i], port);
    const struct weir_client_settings settings = {.origin = origin, .timeout_seconds = 1};
    assert_null(weir_client_open(&settings, error, sizeof error));
    if (!strstr(error, "did not answer") && !strstr(error, "1 s")) fail_msg("%s", error);
  }
  close(fd);
}

static void test_no_connection(void **state) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof address;
  char origin[64];
  (void)state;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
  snprintf(origin, sizeof origin, "https://127.0.0.1:%u", ntohs(address.sin_port));
  struct weir_client_settings settings = {.origin = origin, .insecure = true};
  assert_null(weir_client_open(&settings, error, sizeof error));
  assert_non_null(strstr(error, "cannot connect to 127.0.0.1:"));

  close(fd);

  settings.origin = "gopher://127.0.0.1";
  assert_null(weir_client_open(&settings, error, sizeof error));
  assert_non_null(strstr(error, "gopher"));

  settings.origin = "https://127.0.0.1:1/api"; /* no request would go there */
  assert_null(weir_client_open(&settings, error, sizeof error));
  assert_string_equal(error, "https://127.0.0.1:1/api: an origin has no path; each request has");

  settings.origin = NULL;
  assert_null(weir_client_open(&settings, error, sizeof error));
  assert_non_null(strstr(error, "no origin"));
}

static void test_certificates(void **state) {
  struct weir_server *server = start();
  (void)state;
  assert_null(open_client(server, true, (struct weir_client_settings){.insecure = false}));
  assert_non_null(strstr(error, "TLS with 127.0.0.1:"));
  assert_null(open_client(server, true, (struct weir_client_settings){.ca_file = "/nowhere"}));
  assert_non_null(strstr(error, "/nowhere"));
  weir_server_stop(server, 0);
}

/* Open descriptors of that kind, as the kernel names them. */
static unsigned descriptors(const char *kind) {
  unsigned count = 0;
  for (int fd = 0; fd < 1024; fd++) {
    char path[32], link[64] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    count += readlink(path, link, sizeof link - 1) > 0 && strcmp(link, kind) == 0;
  }
  return count;
}

/* A kernel or a sandbox may refuse io_uring: then that is told, and nothing else is taken. */
static void test_rings(void **state) {
  static const struct {
    const char *ring, *kind;
  } rows[] = {{"epoll", "anon_inode:[eventpoll]"}, {"io_uring", "anon_inode:[io_uring]"}};
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    const struct weir_server_settings settings = {
        .http = "127.0.0.1:0", .handler = &answers_handler, .workers = 1, .ring = rows[i].ring};
    unsigned before = descriptors(rows[i].kind);
    struct weir_server *server = weir_server_start(&settings, error, sizeof error);
    if (!server && i == 1) {
      assert_non_null(strstr(error, "io_uring"));
      continue;
    }
    assert_non_null(server);
    unsigned serving = descriptors(rows[i].kind);
    assert_true(serving > before);
    struct weir_client *client =
        must_open(server, false, (struct weir_client_settings){.ring = rows[i].ring});
    assert_true(descriptors(rows[i].kind) > serving);
    struct weir_response response;
    assert_true(weir_client_fetch(client, &(struct weir_request){.path = "/hello"}, &response));
    assert_int_equal(response.status, 200);
    weir_response_free(&response);
    assert_null(open_client(server, false, (struct weir_client_settings){.ring = "uring"}));
    assert_non_null(strstr(error, "expected auto, io_uring or epoll"));
    weir_client_close(client);
    weir_server_stop(server, 0);
  }
}

int main(void) {
  answers_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fetch),          cmocka_unit_test(test_many_threads),
      cmocka_unit_test(test_bounds),         cmocka_unit_test(test_stop),
      cmocka_unit_test(test_no_connection),  cmocka_unit_test(test_certificates),
      cmocka_unit_test(test_rings),          cmocka_unit_test(test_trailers_and_codes),
      cmocka_unit_test(test_http1),          cmocka_unit_test(test_http1_closes),
      cmocka_unit_test(test_content_length), cmocka_unit_test(test_time_in_the_queue),
      cmocka_unit_test(test_silent_server),  cmocka_unit_test(test_stop_in_a_handler),
      cmocka_unit_test(test_cores),          cmocka_unit_test(test_wrong_requests),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
