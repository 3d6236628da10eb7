/*
 * serve/service/test_inherited.c - LISTEN_FDS: which sockets are taken, by whom, and what is no socket. Descriptors
 * from 3 on belong to this test: it opens nothing else.
 */
#include "tools/serve/service/inherited.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/cmocka.h"

/* Makes descriptor `fd` a listening socket, and returns its port. */
static uint16_t listen_as(int fd, const char *text) {
  struct address address;
  assert_true(address_parse(&address, text));
  int socket_fd = socket(address.any.sa_family, SOCK_STREAM, 0);
  assert_int_equal(bind(socket_fd, &address.any, address.len), 0);
  assert_int_equal(listen(socket_fd, 1), 0);
  assert_int_equal(getsockname(socket_fd, &address.any, &address.len), 0);
  if (socket_fd != fd) {
    assert_int_equal(dup2(socket_fd, fd), fd);
    close(socket_fd);
  }
  return address_port(&address);
}

static void set_environment(const char *count, const char *names) {
  char process[24];
  snprintf(process, sizeof process, "%ld", (long)getpid());
  setenv("LISTEN_PID", process, 1);
  setenv("LISTEN_FDS", count, 1);
  if (names)
    setenv("LISTEN_FDNAMES", names, 1);
  else
    unsetenv("LISTEN_FDNAMES");
}

static struct address address_of(const char *host, uint16_t port) {
  struct address address;
  assert_true(address_from_host(&address, host, port));
  return address;
}

static void test_sockets_find_their_listener(void **state) {
  (void)state;
  struct inherited inherited;
  struct io_error error;
  struct address address;
  int fds[IO_WORKERS_MAX];
  char name[SERVE_SOCKET_NAME_BYTES] = "none";
  bool secure;
  uint16_t first = listen_as(3, "127.0.0.1:0"), second = listen_as(4, "[::1]:0");
  set_environment("2", "http:https");
  assert_true(inherited_read(&inherited, &error));
  assert_null(getenv("LISTEN_FDS"));
  assert_null(getenv("LISTEN_PID"));
  assert_null(getenv("LISTEN_FDNAMES"));
  assert_int_equal(inherited.count, 2);
  assert_int_equal(fcntl(3, F_GETFD), FD_CLOEXEC);
  assert_true(inherited_protocol(&inherited.sockets[0], &secure, &error) && !secure);
  assert_true(inherited_protocol(&inherited.sockets[1], &secure, &error) && secure);

  address = address_of("127.0.0.2", first); /* another address */
  assert_int_equal(inherited_take(&inherited, &address, fds, name), 0);
  address = address_of("127.0.0.1", second); /* another port */
  assert_int_equal(inherited_take(&inherited, &address, fds, name), 0);
  assert_string_equal(name, "none");
  address = address_of("127.0.0.1", first);
  assert_int_equal(inherited_take(&inherited, &address, fds, name), 1);
  assert_int_equal(fds[0], 3);
  assert_string_equal(name, "http");
  assert_int_equal(inherited_take(&inherited, &address, fds, name), 0); /* taken already */
  inherited_free(&inherited);
  assert_int_equal(fcntl(3, F_GETFD), FD_CLOEXEC); /* the taker's */
  assert_int_equal(fcntl(4, F_GETFD), -1);         /* nobody's */
  close(3);
}

/* After a replacement: several sockets of one address, opened by the server itself. */
static void test_own_sockets(void **state) {
  (void)state;
  struct inherited inherited;
  struct io_error error;
  int fds[IO_WORKERS_MAX];
  char name[SERVE_SOCKET_NAME_BYTES];
  struct address address = address_of("127.0.0.1", listen_as(3, "127.0.0.1:0"));
  assert_int_equal(dup2(3, 4), 4);
  set_environment("2", "weir:weir");
  assert_true(inherited_read(&inherited, &error));
  assert_true(inherited_is_own(&inherited.sockets[0]));
  assert_false(inherited_has_foreign(&inherited));
  assert_int_equal(inherited_take(&inherited, &address, fds, name), 2);
  assert_string_equal(name, INHERITED_OWN_NAME);
  inherited_free(&inherited);
  close(3);
  close(4);
}

static void test_names_that_say_nothing(void **state) {
  (void)state;
  static const char *const rows[] = {NULL,   "",      "weir.socket",
                                     "HTTP", "http2", "httpshttpshttpshttpshttpshttps"};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct inherited inherited;
    struct io_error error;
    char expected[240];
    bool secure;
    uint16_t port = listen_as(3, "127.0.0.1:0");
    set_environment("1", rows[i]);
    assert_true(inherited_read(&inherited, &error));
    assert_true(inherited_has_foreign(&inherited));
    assert_false(inherited_protocol(&inherited.sockets[0], &secure, &error));
    snprintf(
        expected, sizeof expected,
        "descriptor 3, 127.0.0.1:%u: neither --http nor --https has this address, and its name is "
        "\"%.*s\", neither \"http\" nor \"https\"",
        port, SERVE_SOCKET_NAME_BYTES - 1, rows[i] ? rows[i] : "");
    assert_string_equal(error.text, expected);
    inherited_free(&inherited);
  }
}

static void test_what_is_wrong(void **state) {
  (void)state;
  struct inherited inherited;
  struct io_error error;
  char many[24];
  snprintf(many, sizeof many, "%d", SERVE_INHERITED_MAX + 1);
  const struct {
    const char *count, *error;
  } rows[] = {
      {"1", "descriptor 3: not a listening TCP socket"}, /* closed */
      {"x", "LISTEN_FDS=x: not a number from 0 to 4096"},
      {"-1", "LISTEN_FDS=-1: not a number from 0 to 4096"},
      {many, "LISTEN_FDS=4097: not a number from 0 to 4096"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    set_environment(rows[i].count, "http");
    assert_false(inherited_read(&inherited, &error));
    assert_string_equal(error.text, rows[i].error);
    assert_null(getenv("LISTEN_FDS"));
    inherited_free(&inherited);
  }
}

/* What was meant for the process that started this one. */
static void test_another_process(void **state) {
  (void)state;
  static const char *const rows[] = {NULL, "", "1", "x"};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct inherited inherited;
    struct io_error error;
    set_environment("1", NULL);
    if (rows[i])
      setenv("LISTEN_PID", rows[i], 1);
    else
      unsetenv("LISTEN_PID");
    assert_true(inherited_read(&inherited, &error));
    assert_int_equal(inherited.count, 0);
    assert_null(getenv("LISTEN_FDS"));
    inherited_free(&inherited);
  }
}

int main(void) {
  for (int fd = 3; fd < 16; fd++)
    close(fd); /* of whatever started the test */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sockets_find_their_listener),
      cmocka_unit_test(test_own_sockets),
      cmocka_unit_test(test_names_that_say_nothing),
      cmocka_unit_test(test_what_is_wrong),
      cmocka_unit_test(test_another_process),
  };
  return cmocka_run_group_tests_name("inherited", tests, NULL, NULL);
}
