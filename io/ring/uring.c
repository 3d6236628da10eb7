/*
 * ring/uring.c - sets a ring up with every flag that the kernel knows; submits and waits.
 *
 * Completions are collected only when the worker enters the kernel (DEFER_TASKRUN), so every enter
 * asks for them. What a ring can do beyond its set-up flags is found by trial: ring/probe.c.
 */
#include "io/ring/uring.h"

#include "io/ring/limits.h"
#include "io/ring/probe.h"
#include "io/ring/send_arena.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tried in this order; each is left out when the kernel answers EINVAL. COOP_TASKRUN stands in for
 * DEFER_TASKRUN: it at least saves the interrupts between cores. */
static const struct {
  unsigned feature;
  unsigned flags;
  unsigned instead;
} setup_flags[] = {
    {URING_DEFER_TASKRUN, IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
     IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG},
    {URING_SINGLE_ISSUER, IORING_SETUP_SINGLE_ISSUER, 0},
    {URING_SUBMIT_ALL, IORING_SETUP_SUBMIT_ALL, 0},
};
enum { SETUP_FLAG_COUNT = sizeof setup_flags / sizeof setup_flags[0] }; /* derived from it */

/* The process's seccomp mode: 0 none, 2 a filter. */
static int seccomp_mode(void) {
  char line[128];
  int mode = 0;
  FILE *file = fopen("/proc/self/status", "re");
  while (file && fgets(line, sizeof line, file))
    if (strncmp(line, "Seccomp:", 8) == 0) mode = (int)strtol(line + 8, NULL, 10);
  if (file) fclose(file);
  return mode;
}

static int sysctl_disabled(void) {
  char line[32];
  int value = -1;
  FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
  if (file && fgets(line, sizeof line, file)) value = (int)strtol(line, NULL, 10);
  if (file) fclose(file);
  return value;
}

void uring_explain(int code, int sysctl, int seccomp, struct io_error *error) {
  if (code == EPERM && sysctl == 2)
    io_error_set(error, code,
                 "io_uring is refused: kernel.io_uring_disabled is 2 "
                 "(sysctl kernel.io_uring_disabled=0 allows it)");
  else if (code == EPERM && sysctl == 1)
    io_error_set(error, code,
                 "io_uring is refused: kernel.io_uring_disabled is 1, which allows it only to root "
                 "and to the group kernel.io_uring_group");
  else if ((code == EPERM || code == EACCES || code == ENOSYS) && seccomp)
    io_error_set(error, code,
                 "io_uring is refused: a seccomp profile is the likely cause, as container engines "
                 "have by default (--security-opt seccomp=unconfined, or a profile that allows "
                 "io_uring_setup, io_uring_enter and io_uring_register)");
  else if (code == ENOSYS)
    io_error_set(error, code, "io_uring is missing: Linux 6.1 or newer is needed");
  else if (code == EPERM || code == EACCES)
    io_error_set(error, code,
                 "io_uring is refused: a security policy (SELinux, AppArmor or a container's) is "
                 "the likely cause");
  else if (code == ENOMEM)
    io_error_set(error, code,
                 "io_uring is refused: no memory, or the locked-memory limit is "
                 "reached (ulimit -l)");
  else if (code == EMFILE || code == ENFILE)
    io_error_set(error, code,
                 "cannot make an io_uring: %s (ulimit -n and fs.file-max say how many)",
                 strerror(code));
  else
    io_error_set(error, code, "io_uring is refused: %s", strerror(code));
}

/* Tries with all flags, then without the ones that are new, one by one. Returns 0 or -errno. */
static int set_up_queues(struct uring *uring, unsigned sq_entries, unsigned cq_entries) {
  for (unsigned dropped = 0;; dropped++) {
    struct io_uring_params params = {
        .flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
        .cq_entries = cq_entries,
    };
    for (unsigned i = 0; i < SETUP_FLAG_COUNT; i++) {
      if (dropped == SETUP_FLAG_COUNT + 1) break; /* the last try is without any of them */
      bool skip = i < dropped || uring->disabled & setup_flags[i].feature;
      params.flags |= skip ? setup_flags[i].instead : setup_flags[i].flags;
    }
    int result = io_uring_queue_init_params(sq_entries, &uring->ring, &params);
    if (result == -EINVAL && dropped <= SETUP_FLAG_COUNT) continue;
    return result;
  }
}

/* Some kernels charge the queues to the user's locked memory, of which there may be as little as
 * 64 KiB: then shorter ones have to do. */
static int set_up(struct uring *uring) {
  if (!(uring->disabled & URING_FULL_QUEUES)) {
    int result = set_up_queues(uring, IO_SQ_ENTRIES, IO_CQ_ENTRIES);
    if (result == 0) uring->features |= URING_FULL_QUEUES;
    if (result != -ENOMEM) return result;
  }
  return set_up_queues(uring, IO_SQ_ENTRIES_SHORT, IO_CQ_ENTRIES_SHORT);
}

static void note_setup_features(struct uring *uring) {
  for (unsigned i = 0; i < SETUP_FLAG_COUNT; i++)
    if ((uring->ring.flags & setup_flags[i].flags) == setup_flags[i].flags)
      uring->features |= setup_flags[i].feature;
  if (!(uring->disabled & URING_RING_FD) && io_uring_register_ring_fd(&uring->ring) == 1)
    uring->features |= URING_RING_FD;
  /* liburing itself waits with a timeout request when it does not see this bit. */
  if (uring->disabled & URING_EXT_ARG) uring->ring.features &= ~IORING_FEAT_EXT_ARG;
  if (uring->ring.features & IORING_FEAT_EXT_ARG) uring->features |= URING_EXT_ARG;
}

/* One NOP through the ring: a kernel may make a ring and refuse to enter it. Returns 0 or -errno. */
static int try_out(struct uring *uring) {
  struct io_uring_cqe *cqe;
  struct __kernel_timespec timeout = {.tv_nsec = IO_URING_TRIAL_NS};
  io_uring_prep_nop(io_uring_get_sqe(&uring->ring));
  int result = io_uring_submit_and_wait_timeout(&uring->ring, &cqe, 1, &timeout, NULL);
  if (result < 0) return result;
  io_uring_cqe_seen(&uring->ring, cqe);
  return 0;
}

bool uring_open(struct uring *uring, unsigned disabled, struct io_error *error) {
  /* What needs a disabled feature is disabled with it. */
  if (disabled & URING_SINGLE_ISSUER) disabled |= URING_DEFER_TASKRUN;
  if (disabled & URING_BUFFER_RING) disabled |= URING_MULTISHOT_RECV;
  *uring = (struct uring){.disabled = disabled, .arena = send_arena_open()};
  if (!uring->arena) return io_error_set(error, ENOMEM, "no memory for a ring");
  int result = set_up(uring);
  if (result < 0) {
    send_arena_close(uring->arena);
    uring_explain(-result, sysctl_disabled(), seccomp_mode(), error);
    return false;
  }
  note_setup_features(uring);
  result = try_out(uring);
  if (result < 0) {
    uring_close(uring);
    uring_explain(-result, sysctl_disabled(), seccomp_mode(), error);
    return false;
  }
  const char *lacking = uring_probe_required(&uring->ring);
  if (lacking) {
    uring_close(uring);
    return io_error_set(error, ENOSYS, "io_uring lacks %s: Linux 6.1 or newer is needed", lacking);
  }
  uring->features |= uring_probe(&uring->ring, disabled) & ~disabled;
  io_uring_cq_advance(&uring->ring, io_uring_cq_ready(&uring->ring)); /* ended timeouts */
  uring->features |= URING_INLINE_SEND & ~disabled;
  uring->missing = ((1u << URING_FEATURE_COUNT) - 1) & ~uring->features & ~disabled;
  return true;
}

void uring_explain_refused(const struct uring *uring, struct io_error *error) {
  uring_explain(uring->refused, sysctl_disabled(), seccomp_mode(), error);
}

void uring_close(struct uring *uring) {
  io_uring_queue_exit(&uring->ring);
  send_arena_close(uring->arena);
}

struct io_uring_sqe *uring_sqe(struct uring *uring) {
  struct io_uring_sqe *sqe;
  while (!(sqe = io_uring_get_sqe(&uring->ring))) {
    /* EBUSY asks to collect completions first; the kernel keeps those that do not fit, and
     * asking for them makes room for submissions again. */
    if (io_uring_submit(&uring->ring) < 0) io_uring_get_events(&uring->ring);
  }
  return sqe;
}

/* What the kernel says when there is nothing, or something else to do first. */
static bool is_passing(int result) {
  return result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN ||
         result == -EBUSY || result == -ENOMEM;
}

/* Of newer headers. */
#ifndef IORING_FEAT_MIN_TIMEOUT
#define IORING_FEAT_MIN_TIMEOUT (1u << 15)
#endif

/* struct io_uring_getevents_arg of Linux 6.12; liburing cannot give the minimum before 2.8. */
struct batch_arg {
  uint64_t sigmask;
  uint32_t sigmask_bytes;
  uint32_t min_wait_us;
  uint64_t timeout;
};

static int wait_for_batch(struct uring *uring, uint64_t timeout_ns) {
  const struct __kernel_timespec timeout = {
      .tv_sec = (long long)(timeout_ns / IO_SECOND),
      .tv_nsec = (long long)(timeout_ns % IO_SECOND),
  };
  const bool forever = timeout_ns == UINT64_MAX;
  struct batch_arg arg = {.min_wait_us = uring->batch_us,
                          .timeout = forever ? 0 : (uint64_t)(uintptr_t)&timeout};
  unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
  if (uring->features & URING_RING_FD) flags |= IORING_ENTER_REGISTERED_RING;
  int result = io_uring_sq_ready(&uring->ring) ? io_uring_submit(&uring->ring) : 0;
  if (result < 0) return result;
  return io_uring_enter2((unsigned)uring->ring.enter_ring_fd, 0, uring->batch_count, flags,
                         (sigset_t *)(void *)&arg, sizeof arg);
}

static int wait_for_one(struct uring *uring, uint64_t timeout_ns) {
  struct io_uring_cqe *cqe;
  struct __kernel_timespec timeout = {
      .tv_sec = (long long)(timeout_ns / IO_SECOND),
      .tv_nsec = (long long)(timeout_ns % IO_SECOND),
  };
  bool forever = timeout_ns == UINT64_MAX;
  return io_uring_submit_and_wait_timeout(&uring->ring, &cqe, 1, forever ? NULL : &timeout, NULL);
}

void uring_enter(struct uring *uring, uint64_t timeout_ns) {
  bool wait = timeout_ns > 0 && io_uring_cq_ready(&uring->ring) == 0;
  int result;
  if (!wait)
    result = io_uring_submit_and_get_events(&uring->ring);
  else if (uring->batch_count)
    result = wait_for_batch(uring, timeout_ns);
  else
    result = wait_for_one(uring, timeout_ns);
  if (!is_passing(result)) uring->refused = -result;
  unsigned flags = IO_URING_READ_ONCE(*uring->ring.sq.kflags);
  if (flags & IORING_SQ_CQ_OVERFLOW) uring->overflows++;
  /* Work that arrived meanwhile, for a bounded number of rounds; the next turn does the rest. */
  for (int round = 0; round < 4 && flags & IORING_SQ_TASKRUN; round++) {
    io_uring_get_events(&uring->ring);
    flags = IO_URING_READ_ONCE(*uring->ring.sq.kflags);
  }
}

bool uring_batch(struct uring *uring, unsigned count, unsigned us) {
  const unsigned needed = IORING_FEAT_EXT_ARG | IORING_FEAT_MIN_TIMEOUT;
  if ((uring->ring.features & needed) != needed) return false;
  uring->batch_count = count;
  uring->batch_us = us;
  return true;
}
