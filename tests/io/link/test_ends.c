/*
 * link/test_ends.c - how links end: by the machine, the peer, a stall, a cut, a drain, a deadline.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/link/pass.h"
#include "tests/support/cmocka.h"
#include "tests/support/echo_server.h"

/* A machine that is done while the peer still sends: its last bytes still arrive. */
static void test_last_bytes_arrive(void **state) {
  const char *way = *state;
  enum { BYTES = 1500000 };
  struct echo_server *server = echo_server_make((struct echo_world){.talk_bytes = BYTES});
  echo_server_start(server, way, (struct worker_config){.pin = false});
  int fd = echo_server_connect(server);
  uint8_t *junk = peer_pattern(200000, 3), *got = malloc(BYTES);
  peer_write(fd, junk, 200000);
  usleep(50000);
  peer_write(fd, junk, 50000);
  for (size_t at = 0; at < BYTES;) {
    size_t len = BYTES - at < 100000 ? BYTES - at : 100000;
    peer_read(fd, got + at, len);
    at += len;
    peer_write(fd, junk, 1000);
  }
  for (size_t i = 0; i < BYTES; i++)
    assert_int_equal(got[i], echo_byte(i));
  peer_expect_eof(fd);
  peer_write(fd, junk, 1000); /* still thrown away, not answered with RST */
  wait_until(&server->world.closed, 1);
  assert_int_equal(echo_server_counters(server).links_closed, 0);
  close(fd);
  wait_until(ECHO_COUNTER(server, links_closed), 1);
  assert_int_equal(echo_server_counters(server).links_cut, 0);
  free(junk);
  free(got);
  echo_server_finish(server);
}

/* A machine that wants a reset: the peer gets it at once, though there was something to send. */
static void test_machine_resets(void **state) {
  const char *way = *state;
  struct echo_server *server = echo_server_make((struct echo_world){.reset_at = 5});
  char got;
  echo_server_start(server, way, (struct worker_config){.pin = false});
  int fd = echo_server_connect(server);
  peer_write(fd, (const uint8_t *)"hello", 5);
  assert_int_equal(recv(fd, &got, 1, 0), -1);
  assert_int_equal(errno, ECONNRESET);
  wait_until(ECHO_COUNTER(server, links_closed), 1);
  assert_int_equal(echo_server_counters(server).links_cut, 1);
  assert_int_equal(server->world.closed, 1);
  close(fd);
  echo_server_finish(server);
}

/* The machine's direction ends: the peer reads that, and what it sends still arrives. */
static void test_half_close(void **state) {
  const char *way = *state;
  enum { BYTES = 1000, MORE = 1000000 };
  struct echo_server *server = echo_server_make((struct echo_world){.end_bytes = BYTES});
  uint8_t *data = peer_pattern(MORE, 5), got[BYTES];
  echo_server_start(server, way, (struct worker_config){.pin = false});
  int fd = echo_server_connect(server);
  peer_write(fd, data, BYTES);
  peer_read(fd, got, BYTES);
  peer_expect_eof(fd);
  peer_write(fd, data, MORE);
  wait_until(&server->world.received, BYTES + MORE);
  assert_int_equal(counter_get(&server->world.eofs), 0);
  assert_int_equal(counter_get(&server->world.closed), 0);
  close(fd);
  wait_until(ECHO_COUNTER(server, links_closed), 1);
  assert_int_equal(server->world.eofs, 1);
  assert_int_equal(echo_server_counters(server).links_cut, 0);
  free(data);
  echo_server_finish(server);
}

/* Both directions have ended, and the machine is in no hurry to read what is left: nothing is lost. */
static void test_half_close_unread(void **state) {
  const char *way = *state;
  enum { BYTES = 1000, MORE = 50000 };
  struct echo_server *server = echo_server_make(
      (struct echo_world){.end_bytes = BYTES, .tick_ns = 200 * IO_MILLISECOND, .deaf_ticks = 2});
  uint8_t *data = peer_pattern(MORE, 5), got[BYTES];
  echo_server_start(server, way, (struct worker_config){.pin = false});
  int fd = echo_server_connect(server);
  peer_write(fd, data, BYTES);
  peer_read(fd, got, BYTES);
  peer_expect_eof(fd);
  peer_write(fd, data, MORE);
  close(fd);
  wait_until(ECHO_COUNTER(server, links_closed), 1);
  assert_int_equal(server->world.received, BYTES + MORE);
  assert_int_equal(server->world.eofs, 1);
  assert_int_equal(server->world.ticks, 2);
  assert_int_equal(echo_server_counters(server).links_cut, 0);
  free(data);
  echo_server_finish(server);
}

/* The peer neither closes nor sends after the machine is done: the link waits for two seconds. */
static void test_linger_ends(void **state) {
  (void)state;
  struct echo_server *server = echo_server_make((struct echo_world){.talk_bytes = 10});
  uint8_t got[10];
  echo_server_start(server, "", (struct worker_config){.pin = false});
  int fd = echo_server_connect(server);
  uint64_t begin_ns = clock_now_ns();
  peer_read(fd, got, sizeof got);
  peer_expect_eof(fd);
  wait_until(ECHO_COUNTER(server, links_closed), 1);
  uint64_t passed_ns = clock_now_ns() - begin_ns;
  assert_true(passed_ns >= IO_LINGER_IDLE_NS - 50 * IO_MILLISECOND);
  assert_true(passed_ns < 2 * IO_LINGER_IDLE_NS);
  close(fd);
  echo_server_finish(server);
}

static void abort_connection(int fd) {
  struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  close(fd);
}

/* RST while idle, while sending to us, and while we are stuck sending to it. */
static void test_abrupt_reset(void **state) {
  const char *way = *state;
  struct echo_server *server = echo_server_make((struct echo_world){.talk_bytes = 0});
  uint8_t *data = peer_pattern(400000, 9);
  echo_server_start(server, way, (struct worker_config){.pin = false});
  for (int round = 0; round < 30; round++) {
    int fd = echo_server_connect(server);
    if (round % 3 == 1) peer_write(fd, data, 1000);
    if (round % 3 == 2) {
      fcntl(fd, F_SETFL, O_NONBLOCK);
      while (write(fd, data, 400000) > 0)
        usleep(1000);
    }
    abort_connection(fd);
  }
  wait_until(ECHO_COUNTER(server, links_closed), 30);
  echo_server_echo(server, 100000, 5000, 1);
  free(data);
  echo_server_finish(server);
}

/* Cut by the server in the middle of a send that the kernel still reads from. */
static void cut_all(struct worker *worker, void *object) {
  (void)object;
  links_cut_all(&worker->links);
}

static void test_cut_while_sending(void **state) {
  const char *way = *state;
  struct echo_server *server = echo_server_make((struct echo_world){.talk_bytes = 1 << 30});
  int fds[8];
  echo_server_start(server, way, (struct worker_config){.pin = false});
  for (int i = 0; i < 8; i++)
    fds[i] = echo_server_connect(server);
  wait_until(ECHO_COUNTER(server, links_accepted), 8);
  usleep(100000);
  assert_int_equal(counter_get(&server->world.closed), 0);
  assert_true(worker_group_post(&server->group, 0, cut_all, NULL));
  wait_until(ECHO_COUNTER(server, links_closed), 8);
  assert_int_equal(echo_server_counters(server).links_cut, 8);
  for (int i = 0; i < 8; i++)
    close(fds[i]);
  echo_server_finish(server);
}

/* A peer that never reads is cut. One that reads slowly is not. */
static void test_stall(void **state) {
  const char *way = *state;
  struct echo_server *server = echo_server_make((struct echo_world){.talk_bytes = 8000000});
  uint8_t buffer[40000];
  echo_server_start(server, way, (struct worker_config){.send_stall_ns = 600 * IO_MILLISECOND});
  int stuck = echo_server_connect(server), slow = echo_server_connect(server);
  wait_until(ECHO_COUNTER(server, links_accepted), 2);
  for (int i = 0; i < 80 && echo_server_counters(server).links_closed == 0; i++) {
    peer_read(slow, buffer, sizeof buffer);
    usleep(25000);
  }
  assert_int_equal(echo_server_counters(server).links_stalled, 1);
  /* Their sockets took less than was offered. The ring waits for room, and does not tell. */
  bool inline_send = !strstr(way, "inline_send");
  assert_int_equal(echo_server_counters(server).send_short > 0, inline_send);
  for (int i = 0; i < 20; i++)
    peer_read(slow, buffer, sizeof buffer);
  assert_int_equal(echo_server_counters(server).links_closed, 1);
  close(stuck);
  close(slow);
  echo_server_finish(server);
}

static void test_machine_deadline(void **state) {
  const char *way = *state;
  struct echo_server *server =
      echo_server_make((struct echo_world){.tick_ns = 60 * IO_MILLISECOND});
  uint8_t byte = 0;
  echo_server_start(server, way, (struct worker_config){.pin = false});
  uint64_t begin_ns = clock_now_ns();
  int fd = echo_server_connect(server);
  peer_read(fd, &byte, 1);
  uint64_t passed_ns = clock_now_ns() - begin_ns;
  assert_int_equal(byte, '!');
  assert_true(passed_ns >= 60 * IO_MILLISECOND && passed_ns < 2 * IO_SECOND);
  assert_int_equal(counter_get(&server->world.ticks), 1);
  close(fd);
  echo_server_finish(server);
}

/* A drain lets requests in progress complete, and ends when the last link has ended. */
static void test_drain(void **state) {
  const char *way = *state;
  struct echo_server *server = echo_server_make((struct echo_world){.talk_bytes = 0});
  uint8_t bytes[4] = "abc", got[4];
  echo_server_start(server, way, (struct worker_config){.pin = false});
  int idle = echo_server_connect(server), busy = echo_server_connect(server);
  wait_until(ECHO_COUNTER(server, links_accepted), 2);
  peer_write(busy, bytes, 3);
  peer_read(busy, got, 3);
  uint64_t begin_ns = clock_now_ns();
  worker_group_drain(&server->group, clock_now_ns() + 5 * IO_SECOND);
  peer_expect_eof(idle);
  peer_expect_eof(busy);
  close(idle);
  close(busy);
  worker_group_join(&server->group);
  assert_true(clock_now_ns() - begin_ns < 5 * IO_SECOND); /* not because of the deadline */
  assert_int_equal(server->world.drained, 2);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct address *to = &server->listener.address;
  assert_int_equal(connect(fd, &to->any, to->len), -1);
  assert_int_equal(errno, ECONNREFUSED);
  close(fd);
  echo_server_free(server);
}

/* Machines that never finish are cut at the deadline. */
static void test_drain_deadline(void **state) {
  const char *way = *state;
  struct echo_server *server = echo_server_make((struct echo_world){.never_done = true});
  echo_server_start(server, way, (struct worker_config){.pin = false});
  int fd = echo_server_connect(server);
  wait_until(ECHO_COUNTER(server, links_accepted), 1);
  uint64_t begin_ns = clock_now_ns();
  worker_group_drain(&server->group, begin_ns + 300 * IO_MILLISECOND);
  worker_group_join(&server->group);
  uint64_t passed_ns = clock_now_ns() - begin_ns;
  assert_true(passed_ns >= 299 * IO_MILLISECOND && passed_ns < 3 * IO_SECOND);
  assert_int_equal(server->world.closed, 1);
  close(fd);
  echo_server_free(server);
}

static void test_stop_at_once(void **state) {
  const char *way = *state;
  enum { COUNT = 20 };
  struct echo_server *server =
      echo_server_make((struct echo_world){.talk_bytes = 1 << 30, .never_done = true});
  echo_server_start(server, way, (struct worker_config){.pin = false});
  int fds[COUNT];
  for (int i = 0; i < COUNT; i++)
    fds[i] = echo_server_connect(server);
  wait_until(ECHO_COUNTER(server, links_accepted), COUNT / 2); /* and the others while it stops */
  uint64_t begin_ns = clock_now_ns();
  worker_group_stop(&server->group);
  worker_group_join(&server->group);
  assert_true(clock_now_ns() - begin_ns < 2 * IO_SECOND);
  assert_int_equal(server->world.made, server->world.closed);
  echo_server_free(server);
  for (int i = 0; i < COUNT; i++)
    close(fds[i]);
}

/* An argument selects tests by name, with * and ?. */
int main(int argc, char **argv) {
  static const struct ring_test tests[] = {
      {"test_last_bytes_arrive", test_last_bytes_arrive},
      {"test_machine_resets", test_machine_resets},
      {"test_abrupt_reset", test_abrupt_reset},
      {"test_half_close", test_half_close},
      {"test_half_close_unread", test_half_close_unread},
      {"test_cut_while_sending", test_cut_while_sending},
      {"test_stall", test_stall},
      {"test_machine_deadline", test_machine_deadline},
      {"test_drain", test_drain},
      {"test_drain_deadline", test_drain_deadline},
      {"test_stop_at_once", test_stop_at_once},
  };
  const struct CMUnitTest once[] = {
      cmocka_unit_test(test_linger_ends),
  };
  return ring_ways_run("ends", tests, sizeof tests / sizeof *tests, once,
                       sizeof once / sizeof *once, argc > 1 ? argv[1] : NULL);
}
