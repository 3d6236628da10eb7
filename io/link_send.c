/*
 * link_send.c - bytes out, at most one send under way.
 *
 * While the socket takes everything, sends are made at once with a system call and the budget
 * grows: nothing queues, so nothing goes stale. When it takes less than offered, the rest is sent
 * through the ring, which completes when the peer has made room, and the budget falls to its
 * minimum: what is chosen early is then little. Without URING_INLINE_SEND every send goes through
 * the ring.
 */
#include "io/link_parts.h"

#include <assert.h>
#include <errno.h>
#include <linux/tcp.h> /* libc's tcp_info ends before tcpi_bytes_acked */
#include <stdlib.h>
#include <sys/uio.h>

_Static_assert(sizeof(struct iovec) == sizeof(struct span) &&
                   offsetof(struct iovec, iov_base) == offsetof(struct span, base) &&
                   offsetof(struct iovec, iov_len) == offsetof(struct span, len),
               "spans are given to the kernel as they are");

/* The kernel reads a header while the request is submitted, so an entry is free again after the
 * next submission. With as many entries as the submission queue has, one that is used again has
 * had its request submitted. */
struct send_arena {
  uint32_t next;
  struct send_entry {
    struct msghdr header;
    struct iovec spans[IO_SEND_SPANS];
  } entries[IO_SQ_ENTRIES];
};

struct send_arena *send_arena_open(void) {
  return calloc(1, sizeof(struct send_arena));
}

static void count_sent(struct link *link, size_t bytes) {
  link->worker->links.turn_sent_bytes += bytes;
  counter_add(&link->worker->counters.send_bytes, bytes);
}

static void acknowledge(struct link *link, size_t bytes) {
  if (bytes == 0) return;
  count_sent(link, bytes);
  link->machine.ops->send_ack(link->machine.self, bytes, link->worker->now_ns);
}

static size_t peek(struct link *link, struct span spans[IO_SEND_SPANS], size_t *count) {
  size_t total = 0;
  *count = link->machine.ops->send_peek(link->machine.self, spans, IO_SEND_SPANS,
                                        link->budget_bytes, link->worker->now_ns);
  assert(*count <= IO_SEND_SPANS);
  for (size_t i = 0; i < *count; i++)
    total += spans[i].len;
  return total;
}

static void grow_budget(struct link *link) {
  link->budget_bytes *= 2;
  if (link->budget_bytes > IO_SEND_BUDGET_MAX) link->budget_bytes = IO_SEND_BUDGET_MAX;
}

/* The bytes that the peer's TCP has acknowledged; 0 where the kernel does not tell. */
static uint64_t acknowledged_bytes(const struct link *link) {
  struct tcp_info info = {0};
  socklen_t len = sizeof info;
  if (getsockopt(link->fd, IPPROTO_TCP, TCP_INFO, &info, &len)) return 0;
  return info.tcpi_bytes_acked;
}

static uint64_t stall_interval_ns(const struct link *link) {
  return link->worker->group->config.send_stall_ns / IO_SEND_STALL_CHECKS;
}

/* Hands the spans to the ring; they stay the kernel's until its completion. */
static void send_through_ring(struct link *link, const struct span *spans, size_t count) {
  struct io_uring_sqe *sqe = link_sqe(link, OP_LINK_SEND);
  unsigned flags = MSG_NOSIGNAL | MSG_WAITALL;
  if (count == 1) {
    io_uring_prep_send(sqe, link->fd, spans[0].base, spans[0].len, (int)flags);
  } else {
    struct send_arena *arena = link->worker->send_arena;
    if (io_uring_sq_ready(&link->worker->uring.ring) == 1) arena->next = 0; /* only ours waits */
    struct send_entry *entry = &arena->entries[arena->next++ % IO_SQ_ENTRIES];
    for (size_t i = 0; i < count; i++)
      entry->spans[i] = (struct iovec){(void *)(uintptr_t)spans[i].base, spans[i].len};
    entry->header = (struct msghdr){.msg_iov = entry->spans, .msg_iovlen = count};
    io_uring_prep_sendmsg(sqe, link->fd, &entry->header, flags);
  }
  link->sending = true;
  link->send_turn = link->worker->turn;
  link->stall_checks = 0;
  link->stall_check_ns = link->worker->now_ns + stall_interval_ns(link);
}

/* send(2) now; returns the bytes taken, or -errno. */
static ssize_t send_now(struct link *link, const struct span *spans, size_t count) {
  const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  ssize_t sent;
  if (count == 1) {
    sent = send(link->fd, spans[0].base, spans[0].len, flags);
  } else {
    struct msghdr header = {.msg_iov = (struct iovec *)(uintptr_t)spans, .msg_iovlen = count};
    sent = sendmsg(link->fd, &header, flags);
  }
  return sent < 0 ? -errno : sent;
}

/* True when all of it was taken, so that nothing is left to do in this turn. */
static bool send_inline(struct link *link, const struct span *spans, size_t count, size_t total) {
  ssize_t sent = send_now(link, spans, count);
  if (sent < 0 && sent != -EAGAIN && sent != -EINTR && sent != -ENOBUFS) {
    link_cut(link);
    return true;
  }
  acknowledge(link, sent > 0 ? (size_t)sent : 0);
  if (sent == (ssize_t)total) {
    grow_budget(link);
    if (link_wants(link, MACHINE_SEND)) link_mark_dirty(link);
    return true;
  }
  counter_add(&link->worker->counters.send_short, 1);
  link->pushed_back = true;
  link->budget_bytes = IO_SEND_BUDGET_MIN;
  return false;
}

void link_send_settle(struct link *link) {
  struct span spans[IO_SEND_SPANS];
  size_t count, total;
  if (link->sending || !link_wants(link, MACHINE_SEND)) return;
  if (!(total = peek(link, spans, &count))) return;
  counter_add(&link->worker->counters.send_calls, 1);
  if (!link->pushed_back && link->worker->uring.features & URING_INLINE_SEND) {
    if (send_inline(link, spans, count, total)) return;
    if (!(total = peek(link, spans, &count))) return;
  }
  link->send_bytes = total;
  send_through_ring(link, spans, count);
}

void link_send_stop(struct link *link) {
  if (!link->sending || link->send_stopping) return;
  link->send_stopping = true;
  struct io_uring_sqe *sqe = link_sqe(link, OP_LINK_CANCEL);
  io_uring_prep_cancel64(sqe, op_pack(OP_LINK_SEND, link->slot, link->generation), 0);
}

void link_send_check_stall(struct link *link) {
  uint64_t now_ns = link->worker->now_ns;
  if (!link->sending || now_ns < link->stall_check_ns) return;
  uint64_t acked = acknowledged_bytes(link);
  if (link->stall_checks == 0 || acked != link->stall_acked) link->stall_checks = 0;
  link->stall_acked = acked;
  link->stall_check_ns = now_ns + stall_interval_ns(link);
  if (link->stall_checks++ < IO_SEND_STALL_CHECKS) return;
  counter_add(&link->worker->counters.links_stalled, 1);
  link_cut(link);
}

/* A send that completed in the turn after its submission was not kept waiting by the peer. */
static void note_pressure(struct link *link, bool complete) {
  if (complete && link->worker->turn == link->send_turn + 1) {
    link->pushed_back = false;
    grow_budget(link);
    return;
  }
  link->pushed_back = true;
  link->budget_bytes = IO_SEND_BUDGET_MIN;
}

void link_on_send(struct link *link, const struct io_uring_cqe *cqe) {
  link->sending = link->send_stopping = false;
  link_landed(link);
  link_mark_dirty(link);
  if (link->state != LINK_OPEN) return;
  if (cqe->res > 0) {
    note_pressure(link, (size_t)cqe->res == link->send_bytes);
    acknowledge(link, (size_t)cqe->res);
  } else if (cqe->res != -EAGAIN && cqe->res != -EINTR && cqe->res != -ENOBUFS) {
    link_cut(link);
  }
}
