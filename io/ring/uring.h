/*
 * ring/uring.h - one io_uring: set up, probed, submitted to, reaped; degrades on older kernels.
 *
 * Minimum: Linux 6.1. What a kernel lacks, or WEIR_URING_DISABLE names, is replaced as
 * ring/features.h says.
 */
#ifndef WEIR_IO_URING_H
#define WEIR_IO_URING_H

#include "io/base/error.h"
#include "io/ring/features.h"

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct send_arena;

struct uring {
  struct io_uring ring;
  struct send_arena *arena;
  unsigned features;    /* enum uring_feature: in use */
  unsigned missing;     /* the kernel lacks them */
  unsigned disabled;    /* asked not to be used */
  int refused;          /* errno: the kernel takes no more work, for good; 0: it does */
  uint64_t overflows;   /* turns that found the completion queue overflown */
  unsigned batch_count; /* uring_batch(); 0: a wait ends with the first completion */
  unsigned batch_us;
};

/* Sets up a ring for the calling thread, which alone may use it. error->text says why not, and
 * what is the likely cause: "io_uring is refused: ...". */
__attribute__((warn_unused_result)) bool uring_open(struct uring *uring, unsigned disabled,
                                                    struct io_error *error);

/* Why `refused`: one line. */
void uring_explain_refused(const struct uring *uring, struct io_error *error);

void uring_close(struct uring *uring);

/* A submission entry, zeroed but for what the prep functions set; submits when the queue is full,
 * so it never fails. */
struct io_uring_sqe *uring_sqe(struct uring *uring);

/* Submits what is queued and collects completions. Waits for one until `timeout_ns` has passed
 * (0: does not wait; UINT64_MAX: for ever). EINTR, EBUSY and EAGAIN pass by themselves and
 * are no errors. */
void uring_enter(struct uring *uring, uint64_t timeout_ns);

/* From now on a wait ends with the `count`-th completion, or `us` microseconds after it began if there is one by
 * then, or else with the first: fewer turns, each with more to do, and up to so much later. With 0 and 0 it ends with
 * the first, as after uring_open(). False, and nothing changes: the kernel cannot (before Linux 6.12). */
__attribute__((warn_unused_result)) bool uring_batch(struct uring *uring, unsigned count,
                                                     unsigned us);

/* Why io_uring_setup() answered `code`. `sysctl` is the value of kernel.io_uring_disabled (-1:
 * unknown), `seccomp` the process's seccomp mode (0: none). Fills error->text. */
void uring_explain(int code, int sysctl, int seccomp, struct io_error *error);

#endif
