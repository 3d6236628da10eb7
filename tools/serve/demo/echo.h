/*
 * serve/demo/echo.h - bytes of an /echo on their way back: received, and not sent yet.
 *
 * Owner: the exchange of its request. All zero at first.
 */
#ifndef WEIR_TOOLS_SERVE_DEMO_ECHO_H
#define WEIR_TOOLS_SERVE_DEMO_ECHO_H

#include "engine/base/machine.h"
#include "engine/base/memory.h"
#include "tools/serve/limits.h"

struct demo_echo_piece;

struct demo_echo {
  struct demo_echo_piece *first, *last; /* NULL: none */
  size_t kept;                          /* capacity of all pieces */
};

/* Copies the bytes. False when the echo would keep more than DEMO_ECHO_BYTES_MAX, or memory is refused. */
__attribute__((warn_unused_result)) bool
demo_echo_keep(struct demo_echo *echo, const struct memory *memory, struct span bytes);

/* Moves the first bytes to `room`, up to `max`, and returns how many; 0: there are none. */
size_t demo_echo_take(struct demo_echo *echo, const struct memory *memory, uint8_t *room,
                      size_t max);

void demo_echo_free(struct demo_echo *echo, const struct memory *memory);

#endif
