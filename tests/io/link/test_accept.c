/*
 * link/test_accept.c - ports and their connections; caps, and lack of descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/cmocka.h"
#include "tests/support/echo_server.h"

/* Takes descriptors until only `left` remain. Returns how many it took. */
static int take_descriptors(int *fds, int max, int left) {
  int count = 0;
  while (count < max && (fds[count] = dup(0)) >= 0)
    count++;
  assert_true(count > left && count < max);
  for (int i = 0; i < left; i++)
    close(fds[--count]);
  return count;
}

/* Out of descriptors: connections wait, nothing spins, and closing one lets the next in. */
static void test_no_descriptor_left(void **state) {
  const char *way = *state;
  enum { COUNT = 40, EXTRA = 10, LIMIT = 200 };
  struct echo_server *server = echo_server_make((struct echo_world){.talk_bytes = 0});
  struct rlimit before, few;
  int fds[COUNT], taken[LIMIT];
  uint8_t byte = 'x';
  /* The kernel notes the limit when the accept request is made. */
  getrlimit(RLIMIT_NOFILE, &before);
  few = before;
  few.rlim_cur = LIMIT;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
  echo_server_start(server, way, (struct worker_config){.pin = false});
  for (int i = 0; i < COUNT; i++)
    fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct address *to = &server->listener.address;
  /* While accepting is armed, it briefly holds a descriptor. A byte that comes back over a first
   * link shows that it has been armed. */
  int first = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(first, &to->any, to->len), 0);
  peer_write(first, &byte, 1);
  peer_read(first, &byte, 1);
  int taken_count = take_descriptors(taken, LIMIT, EXTRA);
  for (int i = 0; i < COUNT; i++) {
    assert_int_equal(connect(fds[i], &to->any, to->len), 0);
    peer_write(fds[i], &byte, 1);
  }
  wait_until(ECHO_COUNTER(server, links_accepted), 1 + EXTRA);
  wait_until(ECHO_COUNTER(server, accept_errors), 1);
  usleep(20000);
  uint64_t turns = echo_server_counters(server).turns;
  usleep(500000);
  assert_true(echo_server_counters(server).turns - turns < 20);
  assert_int_equal(echo_server_counters(server).links_accepted, 1 + EXTRA);
  /* Each served and closed connection makes room for a waiting one. */
  for (int i = 0; i < COUNT; i++) {
    peer_read(fds[i], &byte, 1);
    shutdown(fds[i], SHUT_RDWR);
  }
  wait_until(ECHO_COUNTER(server, links_closed), COUNT);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  for (int i = 0; i < taken_count; i++)
    close(taken[i]);
  for (int i = 0; i < COUNT; i++)
    close(fds[i]);
  close(first);
  echo_server_finish(server);
}

/* The cap on links is not exceeded, and no connection beyond it is lost for good. */
static void test_cap_of_links(void **state) {
  const char *way = *state;
  enum { COUNT = 30, CAP = 4 };
  struct echo_server *server = echo_server_make((struct echo_world){.talk_bytes = 0});
  int fds[COUNT];
  uint8_t byte = 'y';
  unsigned served = 0;
  echo_server_start(server, way, (struct worker_config){.links_max = CAP});
  for (int i = 0; i < COUNT; i++) {
    fds[i] = echo_server_connect(server);
    ssize_t put = send(fds[i], &byte, 1, MSG_NOSIGNAL);
    (void)put; /* may have been refused already */
  }
  for (int i = 0; i < COUNT; i++) {
    peer_wait_readable(fds[i]);
    served += read(fds[i], &byte, 1) == 1;
    assert_true(counter_get(&server->world.made) - counter_get(&server->world.closed) <= CAP);
    close(fds[i]);
  }
  assert_int_equal(served, COUNT); /* connections that come too early wait */
  wait_until(ECHO_COUNTER(server, links_closed), served);
  assert_int_equal(echo_server_counters(server).links_shed, 0); /* no link was idle */
  assert_int_equal(echo_server_counters(server).links_refused, 0);
  echo_server_echo(server, 1000, 100, 1);
  echo_server_finish(server);
}

/* Where links yield, the oldest make room for one more, however busy they are; the others stay. */
static void test_the_oldest_yields(void **state) {
  const char *way = *state;
  enum { CAP = 4, EXTRA = 3 };
  struct echo_server *server = echo_server_make((struct echo_world){.talk_bytes = 0});
  int fds[CAP + EXTRA];
  uint8_t byte = 'z';
  echo_server_start(server, way,
                    (struct worker_config){.links_max = CAP, .yield_ns = 10 * IO_MILLISECOND});
  for (int i = 0; i < CAP + EXTRA; i++) {
    fds[i] = echo_server_connect(server);
    peer_write(fds[i], &byte, 1);
    peer_read(fds[i], &byte, 1);
  }
  /* One place is kept free for the next. */
  wait_until(ECHO_COUNTER(server, links_closed), EXTRA + 1);
  for (int i = 0; i <= EXTRA; i++) {
    peer_wait_readable(fds[i]);
    assert_int_equal(read(fds[i], &byte, 1), -1);
    assert_int_equal(errno, ECONNRESET);
  }
  for (int i = EXTRA + 1; i < CAP + EXTRA; i++) {
    peer_write(fds[i], &byte, 1);
    peer_read(fds[i], &byte, 1);
  }
  for (int i = 0; i < CAP + EXTRA; i++)
    close(fds[i]);
  echo_server_finish(server);
}

/* ---- a shared socket ------------------------------------------------------------------------- */

/* Whether an epoll of this process watches the descriptor: the kernel lists what each one watches. */
static bool is_watched(int fd) {
  char path[64], line[128];
  bool found = false;
  for (int other = 0; other < 256 && !found; other++) {
    int number;
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", other);
    FILE *info = fopen(path, "re");
    while (info && fgets(line, sizeof line, info))
      found |= sscanf(line, "tfd: %d", &number) == 1 && number == fd;
    if (info) fclose(info);
  }
  return found;
}

static void turn_once(struct loop *loop) {
  struct ring_completion done[IO_SETTLE_BATCH];
  ring_enter(&loop->ring, IO_SECOND);
  unsigned count = ring_reap(&loop->ring, done, IO_SETTLE_BATCH);
  for (unsigned i = 0; i < count; i++)
    loop_op_completed(loop, &done[i]);
}

/* Without room for links, the kernel must not wake this worker in place of others. */
static void test_full_and_shared(void **state) {
  struct links_settings settings = {.links_max = 1};
  struct loop loop;
  struct links links;
  struct acceptors acceptors;
  struct address address;
  struct io_error error;
  (void)state;
  int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  assert_int_equal(listen(listening, 8), 0);
  assert_true(listener_inspect(listening, &address, &error));
  assert_true(loop_open(&loop, RING_EPOLL, 0, 16, 100, &error));
  assert_true(links_open(&links, &loop, &settings));
  acceptors_init(&acceptors, &links);
  assert_true(
      acceptors_add(&acceptors, listening, LISTENER_PROCESSES, (struct machine_factory){0}));
  assert_true(is_watched(listening));
  struct link *link = links_take(&links); /* the only one */
  int dialed = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(dialed, &address.any, address.len), 0);
  turn_once(&loop); /* it was woken already */
  assert_false(is_watched(listening));
  assert_int_equal(loop.counters.links_refused, 0);
  int waiting = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
  assert_true(waiting >= 0);
  close(waiting);
  links_give(&links, link);
  acceptors_resume(&acceptors);
  assert_true(is_watched(listening));
  acceptors_stop(&acceptors, 0);
  turn_once(&loop);
  assert_false(acceptors_are_open(&acceptors));
  acceptors_free(&acceptors);
  links_close(&links);
  loop_close(&loop);
  close(dialed);
}

/* Idle links that take every place make room for others, and close without lingering. */
static void test_idle_links_are_shed(void **state) {
  const char *way = *state;
  enum { CAP = 16 };
  struct echo_server *server = echo_server_make((struct echo_world){.idle = true});
  int fds[CAP];
  echo_server_start(server, way, (struct worker_config){.links_max = CAP});
  for (int i = 0; i < CAP; i++)
    fds[i] = echo_server_connect(server);
  wait_until(ECHO_COUNTER(server, links_accepted), CAP);
  echo_server_echo(server, 1000, 100, 1);
  uint64_t shed = echo_server_counters(server).links_shed;
  assert_in_range(shed, 1, CAP);
  unsigned ended = 0;
  for (int i = 0; i < CAP; i++) {
    struct pollfd pollfd = {.fd = fds[i], .events = POLLIN};
    ended += poll(&pollfd, 1, 0) == 1;
    close(fds[i]);
  }
  assert_in_range(ended, 1, CAP);
  echo_server_finish(server);
}

static uint64_t posts_done;

static void end_the_socket(struct worker *worker, void *object) {
  worker_unlisten(worker, object);
  counter_add(&posts_done, 1);
}

static void listen_again(struct worker *worker, void *object) {
  struct echo_server *server = object;
  struct machine_factory factory = {.ctx = &server->world, .create = echo_create};
  assert_true(worker_listen(worker, &server->listener, factory));
  counter_add(&posts_done, 1);
}

/* Two sockets, one of them shared, may each have a connection for the last link: one waits. */
static void test_cap_of_two_sockets(void **state) {
  const char *way = *state;
  enum { COUNT = 40, CAP = 4 };
  struct echo_server *server = echo_server_make((struct echo_world){.talk_bytes = 0});
  struct listener first;
  struct io_error error;
  struct pollfd calls[COUNT];
  uint8_t byte = 'w';
  unsigned served = 0;
  counter_add(&posts_done, -posts_done);
  echo_server_start(server, way, (struct worker_config){.links_max = CAP});
  first = server->listener;
  struct address to = first.address;
  address_set_port(&to, 0);
  assert_true(listener_open(&server->listener, &to, 2, &error));
  assert_true(worker_group_post(&server->group, 0, listen_again, server));
  wait_until(&posts_done, 1);
  for (int i = 0; i < COUNT; i++) {
    to = i % 2 ? first.address : server->listener.address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, &to.any, to.len), 0);
    ssize_t put = send(fd, &byte, 1, MSG_NOSIGNAL);
    (void)put; /* may have been refused already */
    calls[i] = (struct pollfd){.fd = fd, .events = POLLIN};
  }
  for (unsigned ended = 0; ended < COUNT;) {
    assert_true(poll(calls, COUNT, 10000) > 0);
    for (int i = 0; i < COUNT; i++) {
      if (calls[i].fd < 0 || !calls[i].revents) continue;
      served += read(calls[i].fd, &byte, 1) == 1;
      close(calls[i].fd);
      calls[i].fd = -1;
      ended++;
    }
  }
  assert_int_equal(served, COUNT);
  wait_until(ECHO_COUNTER(server, links_closed), COUNT);
  assert_int_equal(echo_server_counters(server).links_refused, 0);
  echo_server_finish(server);
}

static bool is_refused(const struct address *to) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool refused = connect(fd, &to->any, to->len) < 0 && errno == ECONNREFUSED;
  close(fd);
  return refused;
}

/* One socket of a worker ends: its connections live on, the port is closed, and another socket may follow. */
static void test_a_socket_ends_alone(void **state) {
  const char *way = *state;
  struct echo_server *server = echo_server_make((struct echo_world){.talk_bytes = 0});
  uint8_t byte = 'z';
  counter_add(&posts_done, -posts_done);
  echo_server_start(server, way, (struct worker_config){.pin = false});
  int fd = echo_server_connect(server);
  peer_write(fd, &byte, 1);
  peer_read(fd, &byte, 1);
  const struct address to = server->listener.address;
  assert_true(worker_group_post(&server->group, 0, end_the_socket, &server->world));
  wait_until(&posts_done, 1);
  for (int i = 0; i < 1000 && !is_refused(&to); i++)
    usleep(10000);
  assert_true(is_refused(&to));
  peer_write(fd, &byte, 1);
  peer_read(fd, &byte, 1);
  close(fd);
  struct io_error error;
  assert_true(listener_open(&server->listener, &to, 1, &error));
  assert_true(worker_group_post(&server->group, 0, listen_again, server));
  wait_until(&posts_done, 2);
  echo_server_echo(server, 1000, 100, 1);
  echo_server_finish(server);
}

static void test_factory_refuses(void **state) {
  (void)state;
  struct echo_server *server = echo_server_make((struct echo_world){.refuse = true});
  echo_server_start(server, "", (struct worker_config){.pin = false});
  int fd = echo_server_connect(server);
  peer_expect_eof(fd);
  close(fd);
  wait_until(ECHO_COUNTER(server, links_refused), 1);
  assert_int_equal(echo_server_counters(server).links_accepted, 0);
  echo_server_finish(server);
}

/* A port in use is an error that names it, even if both sides allow sharing. */
static void test_port_in_use(void **state) {
  (void)state;
  struct echo_server *server = echo_server_make((struct echo_world){.talk_bytes = 0});
  struct listener second;
  struct io_error error;
  char text[ADDRESS_TEXT_BYTES], expected[200];
  echo_server_start(server, "", (struct worker_config){.pin = false});
  assert_false(listener_open(&second, &server->listener.address, 2, &error));
  snprintf(expected, sizeof expected, "cannot listen on %s: Address already in use",
           address_format(&server->listener.address, text));
  assert_string_equal(error.text, expected);
  assert_int_equal(error.code, EADDRINUSE);
  echo_server_finish(server);
}

/* Tries one address after another: a listener on an address is reached through it. */
static void test_kinds_of_addresses(void **state) {
  (void)state;
  static const struct {
    const char *listen;
    const char *reach[3];
  } rows[] = {
      {"127.0.0.1:0", {"127.0.0.1"}},
      {"localhost:0", {"127.0.0.1"}},
      {"[::1]:0", {"[::1]"}},
      {"[::]:0", {"[::1]", "127.0.0.1"}},
      {":0", {"127.0.0.1", "[::1]", "127.0.0.2"}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct listener listener;
    struct address address;
    struct io_error error = {.text = ""};
    assert_true(address_parse(&address, rows[i].listen));
    if (!listener_open(&listener, &address, 3, &error)) fail_msg("%s", error.text);
    assert_int_equal(listener.count, 3);
    for (int j = 0; j < 3 && rows[i].reach[j]; j++) {
      assert_true(address_from_host(&address, rows[i].reach[j], address_port(&listener.address)));
      int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (connect(fd, &address.any, address.len)) fail_msg("%s", rows[i].reach[j]);
      close(fd);
    }
    listener_close(&listener);
  }
}

struct options {
  int nodelay, lowat;
  char congestion[16];
};

/* Worker's thread: from its first link. */
static void read_options(struct worker *worker, void *object) {
  struct options *options = object;
  int fd = worker->links.chunks[0][0].fd;
  socklen_t len = sizeof(int);
  getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &options->nodelay, &len);
  getsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &options->lowat, &len);
  len = sizeof options->congestion;
  getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, options->congestion, &len);
}

/* The listener's settings hold for its accepted sockets. The machine learns its peer. */
static void test_socket_and_peer(void **state) {
  (void)state;
  struct echo_server *server = echo_server_make((struct echo_world){.talk_bytes = 0});
  struct sockaddr_in own;
  socklen_t len = sizeof own;
  echo_server_start(server, "", (struct worker_config){.pin = false});
  int fd = echo_server_connect(server);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
  wait_until(&server->world.made, 1);
  static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 127, 0, 0, 1};
  struct options options = {0};
  wait_until(ECHO_COUNTER(server, links_accepted), 1);
  assert_true(worker_group_post(&server->group, 0, read_options, &options));
  worker_group_stop(&server->group);
  worker_group_join(&server->group);
  assert_int_equal(options.nodelay, 1);
  assert_int_equal(options.lowat, IO_NOTSENT_LOWAT_BYTES);
  assert_string_equal(options.congestion, "reno");
  assert_memory_equal(server->world.peer_address, mapped, sizeof mapped);
  assert_int_equal(server->world.peer_port, ntohs(own.sin_port));
  close(fd);
  echo_server_free(server);
}

/* An argument selects tests by name, with * and ?. */
int main(int argc, char **argv) {
  static const struct ring_test tests[] = {
      {"test_no_descriptor_left", test_no_descriptor_left},
      {"test_cap_of_links", test_cap_of_links},
      {"test_cap_of_two_sockets", test_cap_of_two_sockets},
      {"test_the_oldest_yields", test_the_oldest_yields},
      {"test_idle_links_are_shed", test_idle_links_are_shed},
      {"test_a_socket_ends_alone", test_a_socket_ends_alone},
  };
  const struct CMUnitTest once[] = {
      cmocka_unit_test(test_factory_refuses),    cmocka_unit_test(test_socket_and_peer),
      cmocka_unit_test(test_kinds_of_addresses), cmocka_unit_test(test_port_in_use),
      cmocka_unit_test(test_full_and_shared),
  };
  return ring_ways_run("accept", tests, sizeof tests / sizeof *tests, once,
                       sizeof once / sizeof *once, argc > 1 ? argv[1] : NULL);
}
