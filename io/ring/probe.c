/*
 * ring/probe.c - the trials.
 */
#include "io/ring/probe.h"

#include "io/ring/features.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TRIAL_GROUP = 1 }; /* not the group of ring/bufring.h */

static const struct {
  int opcode;
  const char *name;
} required[] = {
    {IORING_OP_ACCEPT, "ACCEPT"},       {IORING_OP_CONNECT, "CONNECT"},
    {IORING_OP_RECV, "RECV"},           {IORING_OP_SENDMSG, "SENDMSG"},
    {IORING_OP_SEND, "SEND"},           {IORING_OP_POLL_ADD, "POLL_ADD"},
    {IORING_OP_READ, "READ"},           {IORING_OP_OPENAT, "OPENAT"},
    {IORING_OP_ASYNC_CANCEL, "CANCEL"},
};

const char *uring_probe_required(struct io_uring *ring) {
  struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
  if (!probe) return "the probe";
  const char *lacking = NULL;
  for (size_t i = 0; i < sizeof required / sizeof required[0] && !lacking; i++)
    if (!io_uring_opcode_supported(probe, required[i].opcode)) lacking = required[i].name;
  io_uring_free_probe(probe);
  return lacking;
}

/* Waits for one completion, two seconds at most. `result` is -ETIME when none came. */
static void wait_one(struct io_uring *ring, int *result, unsigned *flags) {
  struct io_uring_cqe *cqe;
  struct __kernel_timespec timeout = {.tv_sec = 2};
  *flags = 0;
  *result = io_uring_submit_and_wait_timeout(ring, &cqe, 1, &timeout, NULL);
  if (*result < 0) return;
  /* liburing hides the completions of its own timeout requests, so this one is ours. */
  *result = cqe->res;
  *flags = cqe->flags;
  io_uring_cqe_seen(ring, cqe);
}

/* A request that said IORING_CQE_F_MORE is cancelled and waited for. */
static void end_multishot(struct io_uring *ring, uint64_t user_data) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
  io_uring_prep_cancel64(sqe, user_data, 0);
  sqe->user_data = 0;
  int result;
  unsigned flags;
  for (int left = 2; left > 0; left--)
    wait_one(ring, &result, &flags);
}

static bool try_multishot_receive(struct io_uring *ring) {
  int pair[2], result;
  unsigned flags;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) return false;
  bool works = write(pair[1], "", 1) == 1;
  if (works) {
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    io_uring_prep_recv_multishot(sqe, pair[0], NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = TRIAL_GROUP;
    sqe->user_data = 1;
    wait_one(ring, &result, &flags);
    works = result == 1 && flags & IORING_CQE_F_MORE;
    if (flags & IORING_CQE_F_MORE) end_multishot(ring, 1);
  }
  close(pair[0]);
  close(pair[1]);
  return works;
}

/* A buffer ring of one entry, with which the receive is tried as well. */
static unsigned try_buffer_ring(struct io_uring *ring, unsigned disabled) {
  unsigned found = 0;
  long page_bytes = sysconf(_SC_PAGESIZE);
  struct io_uring_buf_ring *entries = aligned_alloc((size_t)page_bytes, (size_t)page_bytes);
  char buffers[2][64];
  struct io_uring_buf_reg registration = {
      .ring_addr = (uint64_t)(uintptr_t)entries, .ring_entries = 2, .bgid = TRIAL_GROUP};
  if (entries && io_uring_register_buf_ring(ring, &registration, 0) == 0) {
    found |= URING_BUFFER_RING;
    io_uring_buf_ring_init(entries);
    for (unsigned short id = 0; id < 2; id++)
      io_uring_buf_ring_add(entries, buffers[id], sizeof buffers[id], id, 1, id);
    io_uring_buf_ring_advance(entries, 2);
    if (!(disabled & URING_MULTISHOT_RECV) && try_multishot_receive(ring))
      found |= URING_MULTISHOT_RECV;
    io_uring_unregister_buf_ring(ring, TRIAL_GROUP);
  }
  free(entries);
  return found;
}

static bool accepts_again_and_again(struct io_uring *ring, int listening, int connecting,
                                    const struct sockaddr *address, socklen_t len) {
  int result;
  unsigned flags;
  if (connect(connecting, address, len)) return false;
  struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
  io_uring_prep_multishot_accept(sqe, listening, NULL, NULL, SOCK_CLOEXEC);
  sqe->user_data = 1;
  wait_one(ring, &result, &flags);
  if (flags & IORING_CQE_F_MORE) end_multishot(ring, 1);
  if (result >= 0) close(result);
  return result >= 0 && flags & IORING_CQE_F_MORE;
}

static bool try_multishot_accept(struct io_uring *ring) {
  /* Only the family: the kernel chooses a name that no file system has. */
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  socklen_t len = sizeof address;
  bool works = false;
  int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int connecting = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listening >= 0 && connecting >= 0 &&
      bind(listening, (struct sockaddr *)&address, sizeof address.sun_family) == 0 &&
      listen(listening, 1) == 0 && getsockname(listening, (struct sockaddr *)&address, &len) == 0)
    works = accepts_again_and_again(ring, listening, connecting, (struct sockaddr *)&address, len);
  if (listening >= 0) close(listening);
  if (connecting >= 0) close(connecting);
  return works;
}

unsigned uring_probe(struct io_uring *ring, unsigned disabled) {
  unsigned found = 0;
  if (!(disabled & URING_BUFFER_RING)) found |= try_buffer_ring(ring, disabled);
  if (!(disabled & URING_MULTISHOT_ACCEPT) && try_multishot_accept(ring))
    found |= URING_MULTISHOT_ACCEPT;
  return found;
}
