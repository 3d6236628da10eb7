/*
 * ring/send_arena.h - headers and spans of sends between their preparation and their submission.
 *
 * The kernel reads a header while the request is submitted, so an entry is free again after the next
 * submission. The arena has as many entries as the submission queue, so the request of an entry that
 * comes round again has been submitted.
 */
#ifndef WEIR_IO_SEND_ARENA_H
#define WEIR_IO_SEND_ARENA_H

#include "engine/base/machine.h"

#include <stdint.h>
#include <sys/socket.h>

struct send_arena;

/* NULL when memory is refused. */
__attribute__((warn_unused_result)) struct send_arena *send_arena_open(void);

/* NULL is allowed. */
void send_arena_close(struct send_arena *arena);

/* A header for a send of `count` spans (1 .. IO_SEND_SPANS, asserted), whose request has just been
 * taken from the submission queue, which now holds `queued` requests. Lent until that request is
 * submitted; the spans are copied. */
const struct msghdr *send_arena_header(struct send_arena *arena, unsigned queued,
                                       const struct span *spans, size_t count);

#endif
