/*
 * support/echo_server.h - one worker that runs echo machines on a loopback port, and the other end,
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

/* Not on the stack: a failed test would leave it while the worker still runs. */
struct echo_server *echo_server_make(struct echo_world world);

/* Starts its worker without the features that `disabled` names, in the format of
 * WEIR_URING_DISABLE. */
void echo_server_start(struct echo_server *server, const char *disabled,
                       struct worker_config config);

/* Drains and joins the worker, checks that every machine is closed, and frees the server. */
void echo_server_finish(struct echo_server *server);

/* Frees a server whose worker was joined. */
void echo_server_free(struct echo_server *server);

struct loop_counters echo_server_counters(const struct echo_server *server);

/* Returns a counter of its worker, to wait for. */
#define ECHO_COUNTER(server, name)                                                                 \
  ((const uint64_t *)&(server)->group.workers[0].loop.counters.name)

/* Waits until `*counter` is at least `value`. Fails after ten seconds without progress. If the
 * writer released the value, everything that it wrote before is visible afterwards. */
void wait_until(const uint64_t *counter, uint64_t value);

/* ---- the other end --------------------------------------------------------------------------- */

int echo_server_connect(const struct echo_server *server);

/* Reads. Fails when nothing arrives for ten seconds. */
void peer_wait_readable(int fd);

/* Exactly `len` bytes. */
void peer_read(int fd, uint8_t *into, size_t len);
void peer_write(int fd, const uint8_t *from, size_t len);

void peer_expect_eof(int fd);

/* Returns `bytes` bytes that follow from the seed. The caller frees them. */
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

/* Runs each of `tests` once for each way, then each of `once`. A way is the initial state of a
 * test: the text of disabled features, in the format of WEIR_URING_DISABLE; "" for none.
 * `filter`, if not NULL, selects tests by name, with * and ?. */
struct ring_test {
  const char *name;
  void (*run)(void **state);
};
struct CMUnitTest;
int ring_ways_run(const char *group, const struct ring_test *tests, size_t count,
                  const struct CMUnitTest *once, size_t once_count, const char *filter);

#endif
