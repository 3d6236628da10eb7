/*
 * link/test_link.c - links over real loopback sockets: every byte comes back, whatever the ring can do.
 *
 * Every test runs once for each way of using the ring.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/cmocka.h"
#include "tests/support/echo_server.h"

/* Sizes around those of buffers, budgets and the machine's own ring. */
static void test_bytes_come_back(void **state) {
  const char *way = *state;
  static const size_t sizes[] = {1,     100,        16383,       16384,      16385,
                                 65536, ECHO_BYTES, 3000000 + 7, 262144 + 1, 12000000};
  struct echo_server *server = echo_server_make((struct echo_world){.talk_bytes = 0});
  echo_server_start(server, way, (struct worker_config){.pin = false});
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    echo_server_echo(server, sizes[i], i % 2 ? 70000 : 3000, (uint32_t)i + 1);
  wait_until(ECHO_COUNTER(server, links_closed), sizeof sizes / sizeof sizes[0]);
  assert_int_equal(echo_server_counters(server).links_cut, 0);
  echo_server_finish(server);
}

/* The client writes everything before it reads anything: the machine fills up and wants no input. */
static void test_slow_reader(void **state) {
  const char *way = *state;
  struct echo_server *server = echo_server_make((struct echo_world){.talk_bytes = 0});
  struct transfer transfer = {.bytes = 24000000, .chunk_max = 100000, .seed = 7};
  pthread_t thread;
  echo_server_start(server, way, (struct worker_config){.pin = false});
  transfer.fd = echo_server_connect(server);
  assert_int_equal(pthread_create(&thread, NULL, transfer_write, &transfer), 0);
  wait_until(&server->world.full, 1);
  usleep(200000);
  /* While the client does not read, the worker sleeps and holds no more than the machine and one ring
   * full. */
  uint64_t turns = echo_server_counters(server).turns;
  usleep(300000);
  assert_true(echo_server_counters(server).turns - turns < 20);
  assert_true(counter_get(&server->group.workers[0].links.kept_bytes) <=
              2 * IO_BUFFER_COUNT * IO_BUFFER_BYTES);
  transfer_read_back(&transfer);
  pthread_join(thread, NULL);
  close(transfer.fd);
  wait_until(ECHO_COUNTER(server, links_closed), 1);
  echo_server_finish(server);
}

static void test_many_connections(void **state) {
  const char *way = *state;
  enum { COUNT = 5000, ASK = 100 };
  struct echo_server *server = echo_server_make((struct echo_world){.talk_bytes = 0});
  int *fds = malloc(COUNT * sizeof *fds);
  uint8_t *data = peer_pattern(ASK, 5), got[ASK];
  echo_server_start(server, way, (struct worker_config){.pin = false});
  for (int i = 0; i < COUNT; i++)
    fds[i] = echo_server_connect(server);
  wait_until(ECHO_COUNTER(server, links_accepted), COUNT);
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < COUNT; i++)
      peer_write(fds[i], data, ASK);
    for (int i = 0; i < COUNT; i++) {
      peer_read(fds[i], got, ASK);
      assert_memory_equal(got, data, ASK);
    }
  }
  assert_int_equal(echo_server_counters(server).links_closed, 0);
  for (int i = 0; i < COUNT; i++)
    close(fds[i]);
  wait_until(ECHO_COUNTER(server, links_closed), COUNT);
  assert_int_equal(echo_server_counters(server).late_completions, 0);
  free(fds);
  free(data);
  echo_server_finish(server);
}

/* Two buffers for fifty links that all receive at once. */
static void test_starved_ring(void **state) {
  const char *way = *state;
  enum { COUNT = 50, ASK = 60000 };
  struct echo_server *server = echo_server_make((struct echo_world){.talk_bytes = 0});
  struct worker_config config = {.buffer_count = 2, .buffer_bytes = 2048};
  int fds[COUNT];
  uint8_t *data = peer_pattern(ASK, 11), *got = malloc(ASK);
  echo_server_start(server, way, config);
  for (int i = 0; i < COUNT; i++)
    fds[i] = echo_server_connect(server);
  wait_until(ECHO_COUNTER(server, links_accepted), COUNT);
  for (int i = 0; i < COUNT; i++)
    peer_write(fds[i], data, ASK);
  for (int i = 0; i < COUNT; i++) {
    shutdown(fds[i], SHUT_WR);
    peer_read(fds[i], got, ASK);
    assert_memory_equal(got, data, ASK);
    peer_expect_eof(fds[i]);
    close(fds[i]);
  }
  wait_until(ECHO_COUNTER(server, links_closed), COUNT);
  if (!strstr(way, "buffer_ring")) assert_true(echo_server_counters(server).recv_starved > 0);
  free(data);
  free(got);
  echo_server_finish(server);
}

/* An argument selects tests by name, with * and ?. */
int main(int argc, char **argv) {
  static const struct ring_test tests[] = {
      {"test_bytes_come_back", test_bytes_come_back},
      {"test_slow_reader", test_slow_reader},
      {"test_starved_ring", test_starved_ring},
  };
  const struct CMUnitTest once[] = {
      cmocka_unit_test_prestate(test_many_connections, (void *)(uintptr_t) ""),
      cmocka_unit_test_prestate(test_many_connections, (void *)(uintptr_t) "buffer_ring"),
      cmocka_unit_test_prestate(test_many_connections, (void *)(uintptr_t) "full_queues"),
  };
  return ring_ways_run("link", tests, sizeof tests / sizeof *tests, once,
                       sizeof once / sizeof *once, argc > 1 ? argv[1] : NULL);
}
