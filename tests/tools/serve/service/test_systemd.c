/*
 * serve/service/test_systemd.c - what the service manager is told, and what it says through the environment.
 */
#include "tools/serve/service/systemd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/cmocka.h"
#include "tools/serve/limits.h"

/* A socket of its own, abstract, so that no file is left. Returns its name. */
static const char *open_manager(int *fd) {
  static char name[64];
  struct address address;
  snprintf(name, sizeof name, "@weir-test-notify-%ld", (long)getpid());
  assert_true(address_from_path(&address, name));
  *fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(*fd, &address.any, address.len), 0);
  return name;
}

static const char *next_message(int fd) {
  static char message[4096];
  ssize_t len = recv(fd, message, sizeof message - 1, MSG_DONTWAIT);
  message[len > 0 ? len : 0] = 0;
  return message;
}

static void set(const char *name, const char *value) {
  if (value)
    setenv(name, value, 1);
  else
    unsetenv(name);
}

static void test_messages(void **state) {
  (void)state;
  struct systemd systemd;
  struct io_error error;
  int manager;
  setenv("NOTIFY_SOCKET", open_manager(&manager), 1);
  assert_true(systemd_open(&systemd, &error));
  assert_null(getenv("NOTIFY_SOCKET"));
  systemd_notify(&systemd, "READY=1", "%d workers", 2);
  assert_string_equal(next_message(manager), "READY=1\nSTATUS=2 workers\n");
  systemd_notify(&systemd, "WATCHDOG=1", NULL);
  assert_string_equal(next_message(manager), "WATCHDOG=1\n");
  systemd_main_process(&systemd, 77);
  char expected[128];
  snprintf(expected, sizeof expected,
           "MAINPID=77\nREADY=1\nSTATUS=serving as process 77, which replaced process %ld\n",
           (long)getpid());
  assert_string_equal(next_message(manager), expected);
  systemd_reloading(&systemd);
  unsigned long long microseconds;
  assert_int_equal(
      sscanf(next_message(manager), "RELOADING=1\nMONOTONIC_USEC=%llu\n", &microseconds), 1);
  assert_true(microseconds > 0);
  close(manager);
}

/* A text from elsewhere cannot become another message. */
static void test_status_is_one_line(void **state) {
  (void)state;
  struct systemd systemd;
  struct io_error error;
  int manager;
  setenv("NOTIFY_SOCKET", open_manager(&manager), 1);
  assert_true(systemd_open(&systemd, &error));
  systemd_notify(&systemd, "READY=1", "%s", "a\nMAINPID=1\r\x1b");
  assert_string_equal(next_message(manager), "READY=1\nSTATUS=a MAINPID=1  \n");
  close(manager);
}

static void test_nobody_listens(void **state) {
  (void)state;
  struct systemd systemd;
  struct io_error error;
  assert_true(systemd_open(&systemd, &error));
  systemd_notify(&systemd, "READY=1", "nobody hears that");
  setenv("NOTIFY_SOCKET", "@weir-test-nobody", 1);
  assert_true(systemd_open(&systemd, &error));
  systemd_notify(&systemd, "READY=1", NULL);
}

static void test_environment(void **state) {
  (void)state;
  char own[24], other[24];
  snprintf(own, sizeof own, "%ld", (long)getpid());
  snprintf(other, sizeof other, "%ld", (long)getpid() + 1);
  const struct {
    const char *socket, *usec, *process;
    uint64_t watchdog_ns;
    const char *error; /* NULL: none */
  } rows[] = {
      {NULL, NULL, NULL, 0, NULL},
      {NULL, "3000000", NULL, UINT64_C(3000000000), NULL},
      {NULL, "3000000", own, UINT64_C(3000000000), NULL},
      {NULL, "3000000", other, 0, NULL}, /* its parent is meant */
      {NULL, "3000000", "x", 0, NULL},
      {NULL, "0", own, 0, "WATCHDOG_USEC=0: not a time in microseconds"},
      {NULL, "1s", own, 0, "WATCHDOG_USEC=1s: not a time in microseconds"},
      {NULL, "18446744073709551615", own, 0,
       "WATCHDOG_USEC=18446744073709551615: not a time in microseconds"},
      {"/run/systemd/notify", NULL, NULL, 0, NULL},
      {"", NULL, NULL, 0, "NOTIFY_SOCKET=: not the path of a socket"},
      {"notify", NULL, NULL, 0, "NOTIFY_SOCKET=notify: not the path of a socket"},
      {"vsock:2:1234", NULL, NULL, 0, "NOTIFY_SOCKET=vsock:2:1234: not the path of a socket"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct systemd systemd;
    struct io_error error = {.text = ""};
    set("NOTIFY_SOCKET", rows[i].socket);
    set("WATCHDOG_USEC", rows[i].usec);
    set("WATCHDOG_PID", rows[i].process);
    assert_int_equal(systemd_open(&systemd, &error), !rows[i].error);
    assert_string_equal(error.text, rows[i].error ? rows[i].error : "");
    assert_int_equal(systemd.watchdog_ns, rows[i].watchdog_ns);
    assert_int_equal(systemd.socket.len > 0, rows[i].socket && !rows[i].error);
    assert_null(getenv("WATCHDOG_USEC"));
    assert_null(getenv("WATCHDOG_PID"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_messages),
      cmocka_unit_test(test_status_is_one_line),
      cmocka_unit_test(test_nobody_listens),
      cmocka_unit_test(test_environment),
  };
  return cmocka_run_group_tests_name("systemd", tests, NULL, NULL);
}
