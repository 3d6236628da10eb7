/*
 * support/engine.h - tests of one engine of io/ring, in programs that run on both.
 *
 * WEIR_RING=epoll in the environment makes a test program use epoll wherever it leaves the choice to weir.
 */
#ifndef WEIR_TESTS_ENGINE_H
#define WEIR_TESTS_ENGINE_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"

static inline bool engine_is_epoll(void) {
  const char *name = getenv("WEIR_RING");
  return name && strcmp(name, "epoll") == 0;
}

/* First in a test that looks into io_uring's queues, or plays completions of operations that are still under way:
 * a poller finds that out. */
#define ONLY_IO_URING()                                                                            \
  do {                                                                                             \
    if (engine_is_epoll()) skip();                                                                 \
  } while (0)

#endif
