/*
 * helpers/suite_peer.c - the cases of tests/spec/spec_suite.h against a server on 127.0.0.1, as a
 * client on a socket: it must see the answer, and after GOAWAY the end of the connection, without a
 * reset that could have destroyed data.
 *
 *     suite_peer PORT
 *
 * Prints the failures, then `N passed, N failed`. Exit status: 1 if anything failed. Steps of the
 * application are skipped, as the server has its own: it answers /hold as it likes.
 */
#include "tests/spec/spec_suite.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000 };

static struct script script;
static uint16_t port;
static unsigned passed, failed;
static int connection;
static bool closed, reset;

static int open_connection(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    perror("suite_peer: cannot connect");
    exit(2);
  }
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

/* The server may not read the rest, which is lost. It has answered by then. */
static void send_bytes(struct script *from, struct span bytes) {
  (void)from;
  while (bytes.len > 0) {
    ssize_t n = send(connection, bytes.base, bytes.len, MSG_NOSIGNAL);
    if (n <= 0) return;
    bytes = span_of(bytes.base + n, bytes.len - (size_t)n);
  }
}

static void receive_bytes(int wait_ms) {
  struct pollfd poller = {.fd = connection, .events = POLLIN};
  if (poll(&poller, 1, wait_ms) <= 0) return;
  static uint8_t buffer[65536];
  ssize_t n = recv(connection, buffer, sizeof buffer, 0);
  closed = n <= 0;
  reset = n < 0 && errno == ECONNRESET;
  if (!closed) script_receive(&script, span_of(buffer, (size_t)n));
}

/* Only the peer's steps. */
static void send_steps(const char *text) {
  while (*text) {
    char step[512];
    size_t len = strcspn(text, ";");
    text += strspn(text, " ");
    len = strcspn(text, ";");
    snprintf(step, sizeof step, "%.*s", (int)len, text);
    if (*step && *step != '!') script_run(&script, step);
    text += len + (text[len] == ';');
  }
}

static bool satisfied(const char *wanted) {
  const char *goaway = strstr(script.log, "GOAWAY"), *rst = strstr(script.log, "RST_STREAM");
  bool ended = goaway && spec_suite_wants(wanted, strchr(goaway + 7, ' ') + 1);
  if (*wanted == 'C' || (*wanted == 'S' && ended)) return ended && closed && !reset;
  if (*wanted == 'S') return !goaway && rst && spec_suite_wants(wanted, strchr(rst + 11, ' ') + 1);
  if (!*wanted) return !script.goaway;
  bool answered = strstr(script.log, "PING ack 12345678");
  bool unwanted = rst && script.rst_code != H2_NO_ERROR; /* NO_ERROR only ends a request early */
  if (strcmp(wanted, "end") == 0) return answered && strstr(script.log, " end") && !unwanted;
  if (strcmp(wanted, "ping") == 0) return answered && !script.goaway;
  return strstr(script.log, wanted) && !script.goaway;
}

/* A server may take what is no preface for HTTP/1.1, and omit the GOAWAY (section 3.4). */
static bool is_other_protocol(const struct spec_suite_case *row) {
  return strncmp(row->text, "RAW", 3) == 0 && row->wanted[0] == 'C' && closed && !reset;
}

static void begin(void) {
  script_attach(&script, send_bytes);
  connection = open_connection();
  closed = reset = false;
}

static void end(void) {
  close(connection);
  script_detach(&script);
}

static void run_case(const struct spec_suite_case *row) {
  bool error = row->wanted[0] == 'C' || row->wanted[0] == 'S';
  begin();
  if (strncmp(row->text, "RAW", 3) != 0) send_steps("RAW ~magic; SETTINGS 0; SETTINGS/A 0");
  send_steps(row->text);
  if (strncmp(row->text, "RAW", 3) == 0) send_steps("RAW x0d0a0d0a");
  if (!error) send_steps("PING 0 x3132333435363738");
  for (int waited = 0; waited < PATIENCE_MS && !closed && !satisfied(row->wanted); waited += 10)
    receive_bytes(10);
  bool ok = satisfied(row->wanted) || is_other_protocol(row);
  if (!ok)
    printf("%s %s: want %s, got %s%s%s\n", row->section, row->name, row->wanted, script.log,
           closed ? ", closed" : "", reset ? ", reset" : "");
  *(ok ? &passed : &failed) += 1;
  end();
}

static void test_all(void **state) {
  (void)state;
  for (size_t i = 0; i < SPEC_SUITES; i++)
    for (size_t j = 0; j < spec_suites[i].count; j++)
      run_case(&spec_suites[i].cases[j]);
  printf("%u passed, %u failed\n", passed, failed);
  assert_int_equal(failed, 0);
}

int main(int count, char **arguments) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
  if (count != 2) {
    fprintf(stderr, "usage: suite_peer PORT\n");
    return 2;
  }
  port = (uint16_t)strtoul(arguments[1], NULL, 10);
  return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
