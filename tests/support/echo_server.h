/*
 * support/echo_server.h - one worker that runs echo machines on a loopback port; and the other end,
 * with plain system calls on the test's own thread.
 *
 * Life: echo_server_make(), echo_server_start(), connections; echo_server_finish().
 */
#ifndef WEIR_TESTS_ECHO_SERVER_H
#define WEIR_TESTS_ECHO_SERVER_H

#include "io/worker/group.h"
#include "tests/support/echo.h"

struct echo_server {
  struct worker_group group;
  struct listener listener;
  struct echo_world world;
};

/* Not on the stack, which a failed test leaves behind under its still running worker. */
struct echo_server *echo_server_make(struct echo_world world);

/* Starts its worker, without the features that `disabled` names as WEIR_URING_DISABLE does. */
void echo_server_start(struct echo_server *server, const char *disabled,
                       struct worker_config config);

/* Drains and joins the worker, checks that every machine is closed, and frees the server. */
void echo_server_finish(struct echo_server *server);

/* Frees a server whose worker was joined. */
void echo_server_free(struct echo_server *server);

struct loop_counters echo_server_counters(const struct echo_server *server);

/* One counter of its worker, to wait for. */
#define ECHO_COUNTER(server, name)                                                                 \
  ((const uint64_t *)&(server)->group.workers[0].loop.counters.name)

/* Waits until `*counter` is at least `value`, while there is progress within ten seconds. What its
 * writer had written before, if it released the value, is seen afterwards. */
void wait_until(const uint64_t *counter, uint64_t value);

/* ---- the other end --------------------------------------------------------------------------- */

int echo_server_connect(const struct echo_server *server);

/* Fails when nothing can be read for ten seconds. */
void peer_wait_readable(int fd);

/* Exactly `len` bytes. */
void peer_read(int fd, uint8_t *into, size_t len);
void peer_write(int fd, const uint8_t *from, size_t len);

void peer_expect_eof(int fd);

/* `bytes` bytes that follow from the seed; the caller frees them. */
uint8_t *peer_pattern(size_t bytes, uint32_t seed);

struct transfer {
  int fd;
  size_t bytes, chunk_max;
  uint32_t seed;
};

/* A thread: writes a struct transfer's pattern in pieces of random size, then closes its half. */
void *transfer_write(void *argument);

/* Reads back what transfer_write() sends, up to the server's FIN. */
void transfer_read_back(struct transfer *transfer);

/* Both, on a connection of their own. */
void echo_server_echo(struct echo_server *server, size_t bytes, size_t chunk_max, uint32_t seed);

/* ---- ways of using the ring ------------------------------------------------------------------ */

/* Runs each of `tests` once for each way, then `once` as they are. A way is a text, the initial state:
 * what is disabled, as WEIR_URING_DISABLE says it; "" for nothing. `filter`, if not NULL, selects by name, with * and ?. */
struct ring_test {
  const char *name;
  void (*run)(void **state);
};
struct CMUnitTest;
int ring_ways_run(const char *group, const struct ring_test *tests, size_t count,
                  const struct CMUnitTest *once, size_t once_count, const char *filter);

#endif
