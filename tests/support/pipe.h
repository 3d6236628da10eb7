/*
 * support/pipe.h - bytes on their way from one machine to another, without limit and without delay,
 * for the tests of io/tls. Owner: the test, which frees `base` at the end.
 */
#ifndef WEIR_TESTS_PIPE_H
#define WEIR_TESTS_PIPE_H

#include "engine/base/machine.h"

/* All zero: empty. */
struct pipe {
  uint8_t *base;
  size_t begin, end, capacity; /* the bytes under way are base[begin] .. base[end - 1] */
  uint64_t total;              /* total of bytes ever put in */
  bool vaults;                 /* gives vaulted bytes where they are taken, as end.h names them */
};

/* One step: moves at most `cut` bytes from `from` into the pipe, and at most `cut` from the pipe
 * into `to`. A machine without `ops` neither sends nor receives. `budget_bytes` goes to
 * send_peek(). `to` receives each piece as a heap copy of its exact size, so that a sanitizer
 * sees any read beyond it. Returns whether anything moved. */
bool pipe_step(struct pipe *pipe, struct machine *from, struct machine *to, size_t cut,
               size_t budget_bytes, uint64_t now_ns);

#endif
