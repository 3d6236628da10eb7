/*
 * ring/choice.c - see ring/choice.h.
 */
#include "io/ring/choice.h"

#include "io/ring/uring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
    [RING_AUTO] = "auto", [RING_IO_URING] = "io_uring", [RING_EPOLL] = "epoll"};
enum { CHOICES = sizeof names / sizeof names[0] };

const char *ring_choice_name(enum ring_choice choice) {
  return names[choice];
}

bool ring_choice_parse(const char *text, enum ring_choice *choice) {
  for (unsigned i = 0; i < CHOICES; i++) {
    if (strcmp(text, names[i]) != 0) continue;
    *choice = (enum ring_choice)i;
    return true;
  }
  return false;
}

/* What uring_open() fails with where io_uring cannot be had at all: EINVAL and ENOSYS on old kernels, the others
 * by policy, and ETIME if a ring never answers. */
static bool is_refusal(int code) {
  return code == EPERM || code == EACCES || code == ENOSYS || code == EINVAL || code == ETIME;
}

bool ring_choose(enum ring_choice wanted, unsigned disabled, struct ring_chosen *chosen,
                 struct io_error *error) {
  const char *text = getenv("WEIR_RING");
  struct uring trial;
  if (wanted == RING_AUTO && text && *text && !ring_choice_parse(text, &wanted))
    return io_error_set(error, EINVAL, "WEIR_RING must be auto, io_uring or epoll, not '%s'", text);
  *chosen = (struct ring_chosen){.engine = wanted};
  if (wanted != RING_AUTO) return true;
  chosen->engine = RING_IO_URING;
  if (uring_open(&trial, disabled, &chosen->why)) {
    uring_close(&trial);
    return true;
  }
  chosen->engine = RING_EPOLL;
  if (is_refusal(chosen->why.code)) return true;
  return io_error_set(error, chosen->why.code, "%s; --ring epoll does without", chosen->why.text);
}
