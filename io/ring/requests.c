/*
 * ring/requests.c - see ring/requests.h.
 */
#include "io/ring/requests.h"

#include "io/ring/bufring.h"
#include "io/ring/send_arena.h"

#include <assert.h>
#include <sys/socket.h>

_Static_assert((int)RING_BUFFER == IORING_CQE_F_BUFFER && (int)RING_MORE == IORING_CQE_F_MORE &&
                   (int)RING_BUFFER_SHIFT == IORING_CQE_BUFFER_SHIFT,
               "flags of completions are handed on as they are");

void uring_accept(struct uring *uring, int fd, bool again, uint64_t user_data) {
  struct io_uring_sqe *sqe = uring_sqe(uring);
  if (again)
    io_uring_prep_multishot_accept(sqe, fd, NULL, NULL, SOCK_CLOEXEC);
  else
    io_uring_prep_accept(sqe, fd, NULL, NULL, SOCK_CLOEXEC);
  sqe->user_data = user_data;
}

void uring_connect(struct uring *uring, int fd, const struct sockaddr *address, unsigned len,
                   uint64_t user_data) {
  struct io_uring_sqe *sqe = uring_sqe(uring);
  io_uring_prep_connect(sqe, fd, address, len);
  sqe->user_data = user_data;
}

void uring_receive(struct uring *uring, int fd, bool again, unsigned bytes, uint64_t user_data) {
  struct io_uring_sqe *sqe = uring_sqe(uring);
  if (again)
    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
  else
    io_uring_prep_recv(sqe, fd, NULL, bytes, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = BUFRING_GROUP;
  sqe->user_data = user_data;
}

void uring_send(struct uring *uring, int fd, const struct span *spans, size_t count,
                uint64_t user_data) {
  struct io_uring_sqe *sqe = uring_sqe(uring);
  const int flags = MSG_NOSIGNAL | MSG_WAITALL;
  unsigned queued = io_uring_sq_ready(&uring->ring);
  if (count == 1)
    io_uring_prep_send(sqe, fd, spans[0].base, spans[0].len, flags);
  else
    io_uring_prep_sendmsg(sqe, fd, send_arena_header(uring->arena, queued, spans, count),
                          (unsigned)flags);
  sqe->user_data = user_data;
}

void uring_poll(struct uring *uring, int fd, unsigned events, uint64_t user_data) {
  struct io_uring_sqe *sqe = uring_sqe(uring);
  io_uring_prep_poll_add(sqe, fd, events);
  sqe->user_data = user_data;
}

void uring_read(struct uring *uring, int fd, void *buffer, unsigned len, uint64_t offset,
                uint64_t user_data) {
  struct io_uring_sqe *sqe = uring_sqe(uring);
  io_uring_prep_read(sqe, fd, buffer, len, offset);
  sqe->user_data = user_data;
}

void uring_timeout(struct uring *uring, struct __kernel_timespec *at, uint64_t user_data) {
  struct io_uring_sqe *sqe = uring_sqe(uring);
  io_uring_prep_timeout(sqe, at, 0, IORING_TIMEOUT_ABS);
  sqe->user_data = user_data;
}

void uring_nop(struct uring *uring, uint64_t user_data) {
  struct io_uring_sqe *sqe = uring_sqe(uring);
  io_uring_prep_nop(sqe);
  sqe->user_data = user_data;
}

void uring_cancel(struct uring *uring, uint64_t target, uint64_t user_data) {
  struct io_uring_sqe *sqe = uring_sqe(uring);
  io_uring_prep_cancel64(sqe, target, 0);
  sqe->user_data = user_data;
}

/* Copied out: acting on completions submits, and a kernel whose completion queue is full may refuse
 * submissions. Of an empty queue, liburing would ask the kernel for more. */
unsigned uring_reap(struct uring *uring, struct ring_completion *out, unsigned max) {
  struct io_uring_cqe *batch[IO_SETTLE_BATCH];
  assert(max <= IO_SETTLE_BATCH);
  if (io_uring_cq_ready(&uring->ring) == 0) return 0;
  unsigned count = io_uring_peek_batch_cqe(&uring->ring, batch, max);
  for (unsigned i = 0; i < count; i++)
    out[i] = (struct ring_completion){batch[i]->user_data, batch[i]->res, batch[i]->flags};
  io_uring_cq_advance(&uring->ring, count);
  return count;
}
