/*
 * h1/verdict.h - what the parsers of HTTP/1.1 say about the bytes they were given.
 */
#ifndef WEIR_H1_VERDICT_H
#define WEIR_H1_VERDICT_H

#include "engine/base/machine.h"

enum h1_outcome {
  H1_COMPLETE,   /* it is all there, and valid */
  H1_INCOMPLETE, /* valid so far: more bytes are needed */
  H1_REFUSED,    /* whatever follows, the connection cannot go on */
};

struct h1_verdict {
  enum h1_outcome outcome;
  uint16_t status;    /* H1_REFUSED: what a server answers, and closes. 502 for a bad response. */
  const char *reason; /* H1_REFUSED: one static line */
};

#define H1_OK   ((struct h1_verdict){.outcome = H1_COMPLETE})
#define H1_MORE ((struct h1_verdict){.outcome = H1_INCOMPLETE})

__attribute__((warn_unused_result)) static inline struct h1_verdict h1_refuse(uint16_t status,
                                                                              const char *reason) {
  return (struct h1_verdict){H1_REFUSED, status, reason};
}

#endif
