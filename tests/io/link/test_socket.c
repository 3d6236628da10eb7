/*
 * link/test_socket.c - the options of a socket, by its address. That accepted sockets inherit them is in test_accept.c.
 */
#include "io/link/limits.h"
#include "io/link/socket.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAME_BYTES = 16 };

static int option_of(int fd, int name) {
  int value = -1;
  socklen_t len = sizeof value;
  assert_int_equal(getsockopt(fd, IPPROTO_TCP, name, &value, &len), 0);
  return value;
}

static void congestion_of(int fd, char name[NAME_BYTES]) {
  socklen_t len = NAME_BYTES;
  assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
}

static void test_tcp(void **state) {
  static const struct {
    const char *address;
    bool loopback;
  } rows[] = {{"127.0.0.1:80", true}, {"[::1]:80", true},      {"127.9.9.9:80", true},
              {":80", false},         {"192.0.2.1:80", false}, {"[2001:db8::1]:80", false}};
  (void)state;
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    char usual[NAME_BYTES], chosen[NAME_BYTES];
    struct address address;
    assert_true(address_parse(&address, rows[i].address));
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    congestion_of(fd, usual);
    assert_true(socket_set_options(fd, &address));
    assert_int_equal(option_of(fd, TCP_NODELAY), 1);
    assert_int_equal(option_of(fd, TCP_NOTSENT_LOWAT), IO_NOTSENT_LOWAT_BYTES);
    congestion_of(fd, chosen);
    if (strcmp(chosen, rows[i].loopback ? "reno" : usual) != 0)
      fail_msg("%s: %s", rows[i].address, chosen);
    close(fd);
  }
}

static void test_others(void **state) {
  struct address address;
  (void)state;
  assert_true(address_from_path(&address, "/run/app.sock"));
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(socket_set_options(fd, &address));
  close(fd);
  assert_true(address_parse(&address, "127.0.0.1:80"));
  assert_false(socket_set_options(fd, &address));
  assert_int_equal(errno, EBADF);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_tcp), cmocka_unit_test(test_others)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
