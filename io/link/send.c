/*
 * link/send.c - when to send, how much, and which way; see link/send.h.
 */
#include "io/link/send.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h> /* libc's tcp_info ends before tcpi_bytes_acked */
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

_Static_assert(sizeof(struct iovec) == sizeof(struct span) &&
                   offsetof(struct iovec, iov_base) == offsetof(struct span, base) &&
                   offsetof(struct iovec, iov_len) == offsetof(struct span, len),
               "spans are given to the kernel as they are");

static void count_sent(struct link *link, size_t bytes) {
  link->links->turn_sent_bytes += bytes;
  counter_add(&link->loop->counters.send_bytes, bytes);
}

static void acknowledge(struct link *link, size_t bytes) {
  if (bytes == 0) return;
  count_sent(link, bytes);
  link_charge(link, bytes);
  if (link->ahead_bytes == 0) link->room_ns = link->loop->now_ns;
  link->ahead_bytes += bytes;
  link->burst_bytes += bytes;
  link->machine.ops->send_ack(link->machine.self, bytes, link->loop->now_ns);
}

static size_t peek(struct link *link, struct span spans[IO_SEND_SPANS], size_t *count) {
  size_t total = 0;
  size_t budget_bytes = shares_slice(&link->links->shares, link_weight(link), link->budget_bytes);
  *count = link->machine.ops->send_peek(link->machine.self, spans, IO_SEND_SPANS, budget_bytes,
                                        link->loop->now_ns);
  assert(*count <= IO_SEND_SPANS);
  for (size_t i = 0; i < *count; i++)
    total += spans[i].len;
  return total;
}

static uint32_t clamp_budget(uint64_t bytes) {
  if (bytes > IO_SEND_BUDGET_MAX) return IO_SEND_BUDGET_MAX;
  return bytes < IO_SEND_BUDGET_MIN ? IO_SEND_BUDGET_MIN : (uint32_t)bytes;
}

/* The socket has room. What it has taken since it last had room tells how fast the peer is. */
static void note_room(struct link *link, bool at_once) {
  uint64_t took_ns = link->loop->now_ns - link->room_ns;
  link->budget_bytes = clamp_budget(at_once ? UINT64_C(2) * link->budget_bytes
                                            : link->ahead_bytes * IO_SEND_AHEAD_NS / took_ns);
  link->ahead_bytes = 0;
}

/* The bytes that the peer's TCP has acknowledged; 0 where the kernel does not tell. */
static uint64_t acknowledged_bytes(const struct link *link) {
  struct tcp_info info = {0};
  socklen_t len = sizeof info;
  if (getsockopt(link->fd, IPPROTO_TCP, TCP_INFO, &info, &len)) return 0;
  return info.tcpi_bytes_acked;
}

static uint64_t stall_interval_ns(const struct link *link) {
  return link->links->send_stall_ns / IO_SEND_STALL_CHECKS;
}

/* A slow peer's socket is asked before each send, a fast peer's when it may hold as much unsent as we
 * allow. */
static bool may_be_full(const struct link *link) {
  return link->full || link->ahead_bytes >= IO_NOTSENT_LOWAT_BYTES ||
         link->ahead_bytes >= link->budget_bytes;
}

/* Whether poll(2) would report room now: less than half of what may be unsent is unsent. False where
 * the kernel does not tell. It costs less than a request to the ring, and takes no other turn. */
static bool has_room_now(const struct link *link) {
  int unsent_bytes;
  return ioctl(link->fd, SIOCOUTQNSD, &unsent_bytes) == 0 &&
         unsent_bytes < IO_NOTSENT_LOWAT_BYTES / 2;
}

/* Whether the wait was short. If the worker heard of the room in the very next turn, and had not
 * paused before it, the time went into the work of other links, and the peer is not slow. */
static bool was_prompt(const struct link *link) {
  const struct loop *loop = link->loop;
  bool no_pause = (uint32_t)loop->turn == link->wait_turn + 1 && !loop->paused;
  return no_pause || loop->now_ns - link->wait_ns < IO_SEND_PROMPT_NS;
}

static void begin_sending(struct link *link) {
  link->sending = true;
  link->stall_checks = 0;
  link->stall_check_ns = link->loop->now_ns + stall_interval_ns(link);
}

/* Asks the ring to say when the socket has room. */
static void wait_for_room(struct link *link) {
  ring_poll(&link->loop->ring, link->fd, POLLOUT, link_request(link, OP_LINK_SEND));
  link->wait_ns = link->loop->now_ns;
  link->wait_turn = (uint32_t)link->loop->turn;
  link->waiting_for_room = true;
  begin_sending(link);
}

/* Hands the bytes of the spans to the ring until its completion. */
static void send_through_ring(struct link *link, const struct span *spans, size_t count) {
  ring_send(&link->loop->ring, link->fd, spans, count, link_request(link, OP_LINK_SEND));
  begin_sending(link);
}

/* send(2) now; returns the bytes taken, or -errno. */
static ssize_t send_now(struct link *link, const struct span *spans, size_t count, int more) {
  const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | more;
  ssize_t sent;
  if (count == 1) {
    sent = send(link->fd, spans[0].base, spans[0].len, flags);
  } else {
    struct msghdr header = {.msg_iov = (struct iovec *)(uintptr_t)spans, .msg_iovlen = count};
    sent = sendmsg(link->fd, &header, flags);
  }
  return sent < 0 ? -errno : sent;
}

static bool has_vaulted(const struct span *spans, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (span_is_vaulted(spans[i])) return true;
  return false;
}

/* How many of the spans go in one call: those that are not vaulted, or one that is. */
static size_t run_of(const struct span *spans, size_t count) {
  size_t run = 0;
  while (run < count && !span_is_vaulted(spans[run]))
    run++;
  return run > 0 ? run : 1;
}

/* splice(2) sends a part as if more came at once (MSG_MORE). The last segment then waits for more; but where a
 * segment is longer than what may be unsent, there is never room for more. Setting TCP_NODELAY again sends it. */
static void push(const struct link *link) {
  int on = 1;
  setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* The same where some are vaulted: a call for each of them, until the socket takes less than it could. */
static ssize_t send_vaulted(struct link *link, const struct span *spans, size_t count) {
  ssize_t sent = 0, total = 0;
  size_t wanted = 0;
  int on = 1, off = 0;
  if (ioctl(link->fd, FIONBIO, &on)) return -errno; /* see splice_now() of link/splicer.c */
  for (size_t at = 0, run; at < count && sent == (ssize_t)wanted; at += run) {
    run = run_of(spans + at, count - at);
    bool more = at + run < count;
    wanted = 0;
    for (size_t i = at; i < at + run; i++)
      wanted += spans[i].len;
    sent = span_is_vaulted(spans[at]) ? vault_send(&link->links->vault, spans[at], link->fd, more)
                                      : send_now(link, spans + at, run, more ? MSG_MORE : 0);
    if (sent > 0) total += sent;
  }
  ioctl(link->fd, FIONBIO, &off);
  if (sent != (ssize_t)wanted) push(link);
  return total > 0 ? total : sent;
}

/* Sends now; returns the bytes taken, or -errno. *total is what could have been. */
static ssize_t send_somehow(struct link *link, const struct span *spans, size_t count,
                            size_t *total) {
  struct splicer *splicer = &link->links->splicer;
  if (has_vaulted(spans, count)) return send_vaulted(link, spans, count);
  size_t loaded = 0;
  if (*total >= SPLICER_LEAST_BYTES)
    loaded = splicer_load(splicer, &link->loop->pages, spans, count);
  if (!loaded) return send_now(link, spans, count, 0);
  *total = loaded;
  ssize_t sent = splicer_send(splicer, link->fd);
  if (sent != (ssize_t)loaded) push(link);
  return sent;
}

/* What the socket does not take now is offered again when it has room. */
static void send_inline(struct link *link, const struct span *spans, size_t count, size_t total) {
  ssize_t sent = send_somehow(link, spans, count, &total);
  if (sent < 0 && sent != -EAGAIN && sent != -EINTR && sent != -ENOBUFS) {
    link_cut(link);
    return;
  }
  acknowledge(link, sent > 0 ? (size_t)sent : 0);
  if (sent != (ssize_t)total) {
    counter_add(&link->loop->counters.send_short, 1);
    link->refused = link->has_room && sent <= 0;
    link->full = !link->refused;
  }
  link->has_room = false;
}

/* Sends what the machine offers, one way or the other. True: it has been sent, as far as the socket took it. */
static bool send_some(struct link *link) {
  struct span spans[IO_SEND_SPANS];
  size_t count, total = peek(link, spans, &count);
  if (total == 0) return false;
  counter_add(&link->loop->counters.send_calls, 1);
  /* A kernel that is short of memory may refuse although there is room. The ring then retries until
   * it accepts. */
  bool retries = link->refused && !has_vaulted(spans, count);
  if (ring_features(&link->loop->ring) & URING_INLINE_SEND && !retries) {
    send_inline(link, spans, count, total);
    return link_is_alive(link);
  }
  link->refused = link->has_room = false;
  link->send_bytes = (uint32_t)total;
  send_through_ring(link, spans, count);
  return false;
}

unsigned link_send_settle(struct link *link, unsigned wants) {
  if (link->sending) return wants;
  if (!(wants & MACHINE_SEND)) {
    link->burst_bytes = 0;
    return wants;
  }
  if (may_be_full(link)) {
    if (link->full || !has_room_now(link)) {
      wait_for_room(link);
      return wants;
    }
    note_room(link, true);
  }
  const bool sent = send_some(link);
  wants = link_wanted(link);
  if (sent && wants & MACHINE_SEND) link_mark_more(link);
  return wants;
}

void link_send_stop(struct link *link) {
  if (!link->sending || link->send_stopping) return;
  link->send_stopping = true;
  link_cancel(link, OP_LINK_SEND);
}

void link_send_check_stall(struct link *link) {
  uint64_t now_ns = link->loop->now_ns;
  if (!link->sending || now_ns < link->stall_check_ns) return;
  uint64_t acked = acknowledged_bytes(link);
  if (link->stall_checks == 0 || acked != link->stall_acked) link->stall_checks = 0;
  link->stall_acked = acked;
  link->stall_check_ns = now_ns + stall_interval_ns(link);
  if (link->stall_checks++ < IO_SEND_STALL_CHECKS) return;
  counter_add(&link->loop->counters.links_stalled, 1);
  link_cut(link);
}

/* `res`: what poll(2) would say, or -errno. An error of the socket shows in the next send. */
static void on_room(struct link *link, int32_t res) {
  link->waiting_for_room = false;
  if (res < 0) return; /* stopped; or out of memory, then it is asked again */
  link->full = false;
  link->has_room = true;
  note_room(link, was_prompt(link));
}

void link_on_send(struct link *link, const struct ring_completion *completion) {
  link->sending = link->send_stopping = false;
  link_landed(link);
  link_mark_more(link);
  if (link->waiting_for_room) {
    on_room(link, completion->res);
    return;
  }
  if (link->state != LINK_OPEN) return;
  if (completion->res > 0) {
    link->full = (size_t)completion->res < link->send_bytes;
    acknowledge(link, (size_t)completion->res);
  } else if (completion->res != -EAGAIN && completion->res != -EINTR &&
             completion->res != -ENOBUFS) {
    link_cut(link);
  }
}
