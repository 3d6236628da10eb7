/*
 * link/test_listener.c - listening without IPv6, and the descriptors that each call leaves behind. Ports in use are in
 * test_accept.c, adopted sockets in worker/test_adopt.c.
 */
#include "io/link/listener.h"
#include "tests/support/cmocka.h"
#include "tests/support/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the kernel ------------------------------------------------------------------------------ */

static int ipv6_error; /* errno of a socket for IPv6; 0: there are some */

int socket(int domain, int type, int protocol) {
  if (domain == AF_INET6 && ipv6_error) {
    errno = ipv6_error;
    return -1;
  }
  return (int)syscall(SYS_socket, domain, type, protocol);
}

static struct address address_of(const char *text, unsigned port) {
  struct address address;
  char whole[64];
  snprintf(whole, sizeof whole, "%s:%u", text, port);
  assert_true(address_parse(&address, whole));
  return address;
}

static struct listener listener;
static struct io_error error;

static unsigned free_port(void) {
  struct address address = address_of("127.0.0.1", 0);
  assert_true(listener_open(&listener, &address, 1, &error));
  unsigned port = address_port(&listener.address);
  listener_close(&listener);
  return port;
}

/* ---- without IPv6 ---------------------------------------------------------------------------- */

/* [::] is then every IPv4 address, and no other address of IPv6 is anything. */
static void test_no_ipv6(void **state) {
  const unsigned port = free_port();
  const struct {
    const char *text;
    unsigned port;
    int error;
    int family; /* of what was bound; 0: nothing */
  } rows[] = {
      {"[::]", 0, 0, AF_INET6},
      {"[::]", 0, EAFNOSUPPORT, AF_INET},
      {"[::]", port, EAFNOSUPPORT, AF_INET},
      {"[::1]", 0, EAFNOSUPPORT, 0},
      {"[::]", 0, EMFILE, 0},
      {"0.0.0.0", 0, EAFNOSUPPORT, AF_INET},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const struct address address = address_of(rows[i].text, rows[i].port);
    const unsigned count = descriptor_count();
    ipv6_error = rows[i].error;
    bool tried = rows[i].port == 0 || listener_try(&address, &error);
    bool open = listener_open(&listener, &address, 2, &error);
    ipv6_error = 0;
    if (!tried || open != (rows[i].family != 0)) fail_msg("row %zu: %s", i, error.text);
    if (!open) {
      assert_non_null(strstr(error.text, strerror(rows[i].error)));
      assert_int_equal(descriptor_count(), count);
      continue;
    }
    assert_int_equal(listener.address.any.sa_family, rows[i].family);
    assert_int_not_equal(address_port(&listener.address), 0);
    if (rows[i].port) assert_int_equal(address_port(&listener.address), rows[i].port);
    if (rows[i].family == AF_INET)
      assert_int_equal(listener.address.ipv4.sin_addr.s_addr, INADDR_ANY);
    listener_close(&listener);
    assert_int_equal(descriptor_count(), count);
  }
}

/* ---- descriptors ----------------------------------------------------------------------------- */

/* A port that is free, and one that is not: nothing stays open. */
static void test_try(void **state) {
  (void)state;
  struct address address = address_of("127.0.0.1", free_port());
  const unsigned count = descriptor_count();
  assert_true(listener_try(&address, &error));
  assert_int_equal(descriptor_count(), count);
  assert_true(listener_open(&listener, &address, 1, &error));
  const unsigned with_one = descriptor_count();
  assert_false(listener_try(&address, &error));
  assert_non_null(strstr(error.text, "cannot listen on 127.0.0.1:"));
  assert_non_null(strstr(error.text, "Address already in use"));
  assert_int_equal(descriptor_count(), with_one);
  listener_close(&listener);
  assert_int_equal(descriptor_count(), count);
}

/* What a worker took is its own: closing leaves it open. */
static void test_taken(void **state) {
  (void)state;
  struct address address = address_of("127.0.0.1", 0);
  const unsigned count = descriptor_count();
  assert_true(listener_open(&listener, &address, 3, &error));
  int taken = listener_take(&listener, 1);
  assert_int_equal(fcntl(taken, F_GETFD), FD_CLOEXEC);
  listener_close(&listener);
  assert_int_equal(fcntl(taken, F_GETFD), FD_CLOEXEC);
  listener_close(&listener); /* there is nothing to close any more */
  close(taken);
  assert_int_equal(descriptor_count(), count);
}

/* Descriptors run out within any copy: none stays open. */
static void test_copies_run_out(void **state) {
  (void)state;
  struct address address = address_of("127.0.0.1", 0);
  struct rlimit before, less;
  int copies[IO_WORKERS_MAX], fds[2];
  assert_true(listener_open(&listener, &address, 1, &error));
  fds[0] = fcntl(listener_take(&listener, 0), F_DUPFD_CLOEXEC, 0);
  fds[1] = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
  listener_close(&listener);
  assert_true(listener_adopt(&listener, fds, 2, 1, &error));
  const unsigned count = descriptor_count();
  const int next = dup(0);
  close(next);
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  for (int more = 0; more <= 2; more++) {
    less = (struct rlimit){.rlim_cur = (rlim_t)(next + more), .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &less), 0);
    bool copied = listener_copy(&listener, copies, &error);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(copied, more == 2);
    if (!copied) assert_non_null(strstr(error.text, "cannot keep a copy of 127.0.0.1:"));
    if (copied) close(copies[0]), close(copies[1]);
    assert_int_equal(descriptor_count(), count);
  }
  listener_close(&listener);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_no_ipv6),
      cmocka_unit_test(test_try),
      cmocka_unit_test(test_taken),
      cmocka_unit_test(test_copies_run_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
