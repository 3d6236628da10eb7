/*
 * ring/choice.h - which engine the rings of a process have: io_uring, or epoll where the kernel refuses it.
 *
 * Left to choose, a process takes io_uring if it can. It takes epoll if io_uring is absent, is refused (by a seccomp
 * filter, kernel.io_uring_disabled or another policy) or lacks something that is needed. It does not if
 * resources are short: that would hide a limit that somebody can raise, and would change with the moment.
 */
#ifndef WEIR_IO_RING_CHOICE_H
#define WEIR_IO_RING_CHOICE_H

#include "io/base/error.h"

#include <stdbool.h>

enum ring_choice { RING_AUTO, RING_IO_URING, RING_EPOLL };

struct ring_chosen {
  enum ring_choice engine; /* not RING_AUTO */
  /* Epoll, without having been asked for: why not io_uring; else .text is "". */
  struct io_error why;
};

/* "auto", "io_uring", "epoll". */
const char *ring_choice_name(enum ring_choice choice);

/* False when `text` is none of these names. */
__attribute__((warn_unused_result)) bool ring_choice_parse(const char *text,
                                                           enum ring_choice *choice);

/* Decides, by setting an io_uring up and closing it. RING_AUTO gives way to WEIR_RING of the environment, if that is
 * set. False, with error->text, for lack of resources, or if WEIR_RING names no engine. */
__attribute__((warn_unused_result)) bool ring_choose(enum ring_choice wanted, unsigned disabled,
                                                     struct ring_chosen *chosen,
                                                     struct io_error *error);

#endif
