/*
 * tls/test_tls_link.c - TLS over real loopback sockets: two workers share one context. The other
 * ends are blocking OpenSSL clients on their own threads. Ticket keys are replaced meanwhile.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "io/tls/certificate.h"
#include "io/tls/context.h"
#include "io/tls/tls.h"
#include "io/worker/group.h"
#include "tests/support/echo.h"
#include "tests/support/shifted_clock.h"

enum { WORKERS = 2, CLIENTS = 4, CONNECTIONS = 6, ECHOED = 300000, TALKED = 20 << 20 };

/* ---- the server ------------------------------------------------------------------------------ */

struct server {
  struct worker_group group;
  struct listener listener;
  struct certificate certificate;
  struct tls_context *context;
  struct echo_world worlds[WORKERS]; /* one per worker: their counters have one writer */
  struct tls_factory factories[WORKERS];
};

static bool serve(struct worker *worker, void *ctx, struct io_error *error) {
  struct server *server = ctx;
  struct tls_factory *tls = &server->factories[worker->index];
  struct machine_factory inner = {.ctx = &server->worlds[worker->index], .create = echo_create};
  if (!tls_factory_init(tls, server->context, &inner, 1000, NULL))
    return io_error_set(error, ENOMEM, "no factory");
  return worker_listen(worker, &server->listener, tls_factory_machines(tls)) ||
         io_error_set(error, ENOMEM, "no acceptor");
}

static void stopped(struct worker *worker, void *ctx) {
  tls_factory_destroy(&((struct server *)ctx)->factories[worker->index]);
}

static void start(struct server *server, struct echo_world world) {
  static const char *const protocols[] = {"echo"};
  struct io_error error = {.text = ""};
  struct address address;
  struct worker_config config = {.count = WORKERS,
                                 .hooks = {.ctx = server, .setup = serve, .stopped = stopped}};
  memset(server, 0, sizeof *server);
  for (int i = 0; i < WORKERS; i++)
    server->worlds[i] = world;
  if (!certificate_self_signed(&server->certificate, &error)) fail_msg("%s", error.text);
  struct tls_settings settings = {
      .certificate = &server->certificate, .protocols = protocols, .protocol_count = 1};
  server->context = tls_context_create(&settings, &error);
  assert_non_null(server->context);
  assert_true(address_parse(&address, "127.0.0.1:0"));
  if (!listener_open(&server->listener, &address, WORKERS, &error)) fail_msg("%s", error.text);
  if (!worker_group_start(&server->group, &config, &error)) fail_msg("%s", error.text);
}

static uint64_t total(const struct server *server, size_t offset) {
  uint64_t sum = 0;
  for (int i = 0; i < WORKERS; i++)
    sum += counter_get((const uint64_t *)((const char *)&server->factories[i].counters + offset));
  return sum;
}

#define TOTAL(server, counter) total(server, offsetof(struct tls_counters, counter))

static void finish(struct server *server) {
  worker_group_drain(&server->group, clock_now_ns() + 3 * IO_SECOND);
  worker_group_join(&server->group);
  listener_close(&server->listener);
  tls_context_free(server->context);
  certificate_free(&server->certificate);
  for (int i = 0; i < WORKERS; i++)
    assert_int_equal(server->worlds[i].made, server->worlds[i].closed);
}

/* ---- clients --------------------------------------------------------------------------------- */

struct client {
  const struct server *server;
  pthread_t thread;
  unsigned index;
  int resumed;
  const char *failure; /* NULL: success */
};

static int connect_to(const struct server *server) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct timeval patience = {.tv_sec = 20};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(fd, &server->listener.address.any, server->listener.address.len)) {
    close(fd);
    return -1;
  }
  return fd;
}

static SSL_CTX *client_context(unsigned index) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  int version = index % 2 ? TLS1_2_VERSION : TLS1_3_VERSION;
  SSL_CTX_set_min_proto_version(context, version);
  SSL_CTX_set_max_proto_version(context, version);
  SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\4echo", 5);
  return context;
}

static SSL *open_tls(const struct server *server, SSL_CTX *context, SSL_SESSION *session) {
  int fd = connect_to(server);
  SSL *ssl = SSL_new(context);
  if (fd < 0) return SSL_free(ssl), NULL;
  BIO *bio = BIO_new_socket(fd, BIO_CLOSE);
  SSL_set_bio(ssl, bio, bio);
  if (session) SSL_set_session(ssl, session);
  if (SSL_connect(ssl) == 1) return ssl;
  SSL_free(ssl);
  return NULL;
}

/* Writes in uneven pieces and reads them back, so that neither side's buffers fill. */
static const char *echo_all(SSL *ssl, uint32_t random) {
  uint8_t out[40000], in[sizeof out];
  for (size_t sent = 0; sent < ECHOED;) {
    random = random * 1664525 + 1013904223;
    size_t len = 1 + random % (random & 0x100 ? sizeof out : 300);
    if (len > ECHOED - sent) len = ECHOED - sent;
    for (size_t i = 0; i < len; i++)
      out[i] = echo_byte(sent + i);
    if (SSL_write(ssl, out, (int)len) != (int)len) return "write failed";
    for (size_t got = 0; got < len;) {
      int part = SSL_read(ssl, in + got, (int)(len - got));
      if (part <= 0) return "read failed";
      got += (size_t)part;
    }
    if (memcmp(in, out, len) != 0) return "other bytes came back";
    sent += len;
  }
  return NULL;
}

/* Our close_notify is answered by the server's, and then by the end of the connection. */
static const char *close_tls(SSL *ssl) {
  char byte;
  if (SSL_shutdown(ssl) < 0) return "no close_notify sent";
  if (SSL_read(ssl, &byte, 1) > 0) return "more bytes came";
  if (!(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN)) return "no close_notify came";
  return NULL;
}

static void *run_client(void *argument) {
  struct client *client = argument;
  SSL_CTX *context = client_context(client->index);
  SSL_SESSION *session = NULL;
  for (unsigned i = 0; i < CONNECTIONS && !client->failure; i++) {
    SSL *ssl = open_tls(client->server, context, session);
    if (!ssl) {
      client->failure = "handshake failed";
      break;
    }
    client->resumed += SSL_session_reused(ssl);
    client->failure = echo_all(ssl, client->index * 100 + i);
    SSL_SESSION_free(session);
    session = SSL_get1_session(ssl);
    if (!client->failure) client->failure = close_tls(ssl);
    SSL_free(ssl);
  }
  SSL_SESSION_free(session);
  SSL_CTX_free(context);
  return NULL;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_echo(void **state) {
  static struct server server;
  struct client clients[CLIENTS] = {0};
  (void)state;
  start(&server, (struct echo_world){.talk_bytes = 0});
  for (unsigned i = 0; i < CLIENTS; i++) {
    clients[i] = (struct client){.server = &server, .index = i};
    assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
  }
  for (int i = 0; i < 3; i++) {
    usleep(20000);
    shifted_clock_add(CLOCK_MONOTONIC_COARSE, TLS_TICKET_KEY_SECONDS); /* what ages ticket keys */
  }
  int resumed = 0;
  for (unsigned i = 0; i < CLIENTS; i++) {
    pthread_join(clients[i].thread, NULL);
    if (clients[i].failure) fail_msg("client %u: %s", i, clients[i].failure);
    resumed += clients[i].resumed;
  }
  assert_int_equal(TOTAL(&server, handshakes), CLIENTS * CONNECTIONS);
  assert_int_equal(TOTAL(&server, resumed), resumed);
  assert_true(resumed > 0);
  assert_int_equal(TOTAL(&server, failed), 0);
  assert_int_equal(TOTAL(&server, bytes_encrypted), (uint64_t)CLIENTS * CONNECTIONS * ECHOED);
  finish(&server);
}

/* Much data at once to a reader that pauses, then close_notify. None of it is lost. */
static void test_talk(void **state) {
  static struct server server;
  (void)state;
  for (unsigned version = 0; version < 2; version++) {
    start(&server, (struct echo_world){.talk_bytes = TALKED});
    SSL_CTX *context = client_context(version);
    SSL *ssl = open_tls(&server, context, NULL);
    assert_non_null(ssl);
    uint8_t bytes[50000];
    uint64_t got = 0, wrong = 0;
    int part;
    while ((part = SSL_read(ssl, bytes, sizeof bytes)) > 0) {
      for (int i = 0; i < part; i++)
        wrong += bytes[i] != echo_byte(got + (uint64_t)i);
      if (got >> 22 != (got + (uint64_t)part) >> 22) usleep(30000);
      got += (uint64_t)part;
    }
    assert_int_equal(got, TALKED);
    assert_int_equal(wrong, 0);
    assert_true(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
    SSL_CTX_free(context);
    finish(&server);
  }
}

/* The server's direction ends with close_notify; what the client sends afterwards still arrives. */
static void test_half_close(void **state) {
  enum { BYTES = 1000, MORE = 40000, TIMES = 5 };
  static struct server server;
  static uint8_t bytes[MORE];
  (void)state;
  for (unsigned version = 0; version < 2; version++) {
    start(&server, (struct echo_world){.end_bytes = BYTES});
    SSL_CTX *context = client_context(version);
    SSL *ssl = open_tls(&server, context, NULL);
    assert_non_null(ssl);
    assert_int_equal(SSL_write(ssl, bytes, BYTES), BYTES);
    for (int got = 0, part; got < BYTES; got += part) {
      part = SSL_read(ssl, bytes, BYTES - got);
      assert_true(part > 0);
    }
    assert_int_equal(SSL_read(ssl, bytes, 1), 0);
    assert_true(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN);
    for (int i = 0; i < TIMES; i++)
      assert_int_equal(SSL_write(ssl, bytes, MORE), MORE);
    assert_int_equal(SSL_shutdown(ssl), 1); /* both directions have ended */
    assert_int_equal(recv(SSL_get_fd(ssl), bytes, 1, 0), 0);
    SSL_free(ssl);
    SSL_CTX_free(context);
    finish(&server);
    assert_int_equal(server.worlds[0].received + server.worlds[1].received, BYTES + TIMES * MORE);
    assert_int_equal(TOTAL(&server, truncated), 0);
  }
}

/* Not TLS: an alert and the end, at once. */
static void test_plaintext(void **state) {
  static struct server server;
  static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 10};
  uint8_t bytes[100];
  (void)state;
  start(&server, (struct echo_world){.talk_bytes = 0});
  int fd = connect_to(&server);
  uint64_t begun_ns = clock_now_ns();
  assert_int_equal(write(fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
  assert_int_equal(recv(fd, bytes, sizeof bytes, MSG_WAITALL), sizeof alert);
  assert_memory_equal(bytes, alert, sizeof alert);
  assert_true(clock_now_ns() - begun_ns < IO_SECOND);
  close(fd);
  finish(&server);
  assert_int_equal(TOTAL(&server, failed), 1);
}

/* A drain completes the open connection and ends the one that never began. */
static void test_drain(void **state) {
  static struct server server;
  char byte;
  (void)state;
  start(&server, (struct echo_world){.talk_bytes = 0});
  SSL_CTX *context = client_context(0);
  SSL *ssl = open_tls(&server, context, NULL);
  int silent = connect_to(&server);
  assert_non_null(ssl);
  assert_int_equal(SSL_write(ssl, "x", 1), 1);
  assert_int_equal(SSL_read(ssl, &byte, 1), 1);
  worker_group_drain(&server.group, clock_now_ns() + 3 * IO_SECOND);
  assert_true(SSL_read(ssl, &byte, 1) <= 0);
  assert_true(SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN);
  assert_int_equal(recv(silent, &byte, 1, 0), 0);
  close(silent);
  SSL_free(ssl);
  SSL_CTX_free(context);
  finish(&server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_echo),       cmocka_unit_test(test_talk),
      cmocka_unit_test(test_half_close), cmocka_unit_test(test_plaintext),
      cmocka_unit_test(test_drain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
