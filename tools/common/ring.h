/*
 * common/ring.h - --ring, and how people are told which engine runs.
 */
#ifndef WEIR_TOOLS_RING_H
#define WEIR_TOOLS_RING_H

#include "io/ring/choice.h"
#include "tools/common/options.h"

/* What --help says of it, after the name; one line. */
#define RING_HELP "auto (default), io_uring or epoll: how to wait for the kernel"

/* The current value of --ring. */
__attribute__((warn_unused_result)) bool ring_option(const struct options *options,
                                                     enum ring_choice *out);

enum { RING_TEXT_BYTES = sizeof(struct io_error) + 32 }; /* derived from the reason's text */

/* "io_uring", or "epoll, because io_uring is refused: ...", in `text`. Returns `text`. */
const char *ring_text(const struct ring_chosen *chosen, char text[RING_TEXT_BYTES]);

/* One line to standard error, if epoll was chosen without having been asked for. */
void ring_warn(const struct ring_chosen *chosen);

#endif
