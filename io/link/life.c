/*
 * link/life.c - see link/life.h.
 */
#include "io/link/life.h"

#include "io/base/address.h"
#include "io/link/recv.h"
#include "io/link/send.h"

#include <assert.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef WEIR_INVARIANTS
static void invariants(const struct link *link) {
  const struct link_kept *kept = &link->kept;
  assert(link->state != LINK_FREE);
  assert(link->in_flight >= link->receiving + link->sending);
  assert(link->receiving || !link->receive_stopping);
  assert(link->sending || (!link->send_stopping && !link->waiting_for_room));
  assert(!link->eof_told || link->eof);
  assert(link->has_machine || link->state != LINK_OPEN);
  assert(!link->has_machine || link->state != LINK_LINGER);
  assert(!share_is_held(&link->share));
  assert(kept->begin <= kept->end && kept->end <= kept->capacity);
  assert((kept->base == NULL) == (kept->capacity == 0));
  assert(link->budget_bytes >= IO_SEND_BUDGET_MIN && link->budget_bytes <= IO_SEND_BUDGET_MAX);
  assert(link->state != LINK_OPEN || link->deferred_first == LINK_NO_BUFFER ||
         list_is_linked(&link->waiting));
}
#else
static void invariants(const struct link *link) {
  (void)link;
}
#endif

static void host_wake(struct machine_host *host) {
  link_mark_woken(LIST_OWNER(host, struct link, host));
}

static void timer_fired(struct timer *timer, uint64_t now_ns) {
  (void)now_ns;
  link_mark_dirty(LIST_OWNER(timer, struct link, timer));
}

static enum link_receive receive_mode_of(unsigned features) {
  if (!(features & URING_BUFFER_RING)) return LINK_RECV_POLL;
  return features & URING_MULTISHOT_RECV ? LINK_RECV_MULTISHOT : LINK_RECV_SINGLE;
}

static void set_up(struct link *link, int fd) {
  link->fd = fd;
  link->host.wake = host_wake;
  link->state = LINK_OPEN;
  link->receive_mode = (uint8_t)receive_mode_of(ring_features(&link->loop->ring));
  link->deferred_first = link->deferred_last = LINK_NO_BUFFER;
  link->budget_bytes = IO_SEND_BUDGET_FIRST;
  timer_init(&link->timer, timer_fired);
}

static bool make_machine(struct link *link, const struct machine_factory *factory) {
  bool inline_sends = ring_features(&link->loop->ring) & URING_INLINE_SEND;
  struct machine_peer peer = {.application_protocol = "",
                              .vault = inline_sends ? &link->links->vault.base : NULL};
  struct address address = {.len = sizeof address.ipv6};
  if (getpeername(link->fd, &address.any, &address.len) == 0)
    address_to_peer(&address, peer.address, &peer.port);
  link->has_machine =
      factory->create(factory->ctx, &peer, &link->host, link->loop->now_ns, &link->machine);
  return link->has_machine;
}

struct link *link_create(struct links *links, int fd, const struct machine_factory *factory) {
  bool attached = ring_attach(&links->loop->ring, fd, EPOLLIN | EPOLLRDHUP);
  struct link *link = attached ? links_take(links) : NULL;
  if (link) {
    set_up(link, fd);
    if (make_machine(link, factory)) {
      link_mark_dirty(link);
      return link;
    }
    list_remove(&link->dirty);
    links_give(links, link);
  }
  ring_close_fd(&links->loop->ring, fd);
  counter_add(&links->loop->counters.links_refused, 1);
  return NULL;
}

static void close_machine(struct link *link) {
  if (!link->has_machine) return;
  link->has_machine = false;
  link->machine.ops->close(link->machine.self);
}

/* Ends what is under way; the settling that finds nothing left frees the link. */
static void begin_close(struct link *link) {
  link->state = LINK_CLOSING;
  link_recv_stop(link);
  link_send_stop(link);
  link_recv_release(link);
  list_remove(&link->waiting);
  list_remove(&link->starved);
  timer_cancel(&link->loop->timers, &link->timer);
}

void link_drain(struct link *link) {
  if (link->state != LINK_OPEN) return;
  link->machine.ops->drain(link->machine.self, link->loop->now_ns);
  link_mark_dirty(link);
}

bool link_shed(struct link *link) {
  if (link->state != LINK_OPEN || link->shed) return false;
  const struct machine_ops *ops = link->machine.ops;
  uint64_t since_ns = ops->idle_since_ns ? ops->idle_since_ns(link->machine.self) : MACHINE_BUSY;
  if (since_ns == MACHINE_BUSY || link->loop->now_ns < since_ns + IO_SHED_IDLE_NS) return false;
  link->shed = true;
  link->links->shedding++;
  counter_add(&link->loop->counters.links_shed, 1);
  link_drain(link);
  return true;
}

/* RST instead of FIN also makes the kernel forget what it has not sent. */
static void free_link(struct link *link) {
  struct links *links = link->links;
  close_machine(link);
  if (link->reset) {
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(link->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  ring_close_fd(&link->loop->ring, link->fd);
  if (link->host.end) link->host.end->ended(link->host.end, link->host.note);
  list_remove(&link->dirty);
  links->shedding -= link->shed;
  links_give(links, link);
  counter_add(&links->loop->counters.links_closed, 1);
}

/* The machine is done and everything it had to say is in the kernel. */
static void begin_linger(struct link *link) {
  close_machine(link);
  link_recv_release(link);
  list_remove(&link->waiting);
  shutdown(link->fd, SHUT_WR);
  link->state = LINK_LINGER;
  link->linger_idle_ns = link->loop->now_ns + IO_LINGER_IDLE_NS;
  link->linger_until_ns = link->loop->now_ns + IO_LINGER_TOTAL_NS;
  link->linger_bytes = 0;
}

/* Whether the peer has nothing more to say, as its FIN or its word tells, so that to close the socket ends our half,
 * too. */
static bool is_over(const struct link *link, unsigned wants) {
  return link_input_is_empty(link) && (link->eof || wants & MACHINE_SILENT);
}

/* Everything that the machine had to say is in the kernel, and it goes on to listen. */
static void settle_end(struct link *link, unsigned wants) {
  if (link->ended || link->sending || !(wants & MACHINE_ENDED)) return;
  link->ended = true;
  shutdown(link->fd, SHUT_WR);
}

static void settle_linger(struct link *link) {
  uint64_t until_ns =
      link->linger_until_ns < link->linger_idle_ns ? link->linger_until_ns : link->linger_idle_ns;
  bool enough = link->linger_bytes > IO_LINGER_BYTES_MAX;
  if (link->eof || enough || link->loop->now_ns >= until_ns) {
    begin_close(link);
    return;
  }
  link_recv_settle(link, MACHINE_RECV);
  timer_arm(&link->loop->timers, &link->timer, until_ns);
}

/* When something is due next if nothing else happens. A timer that fires too early only settles the
 * link once more. So the timer is moved when that moment comes nearer, and left alone when the moment
 * moves away, as it mostly does, with every byte. */
static void settle_timer(struct link *link) {
  uint64_t next_ns = link->machine.ops->deadline_ns(link->machine.self);
  if (link->sending && link->stall_check_ns < next_ns) next_ns = link->stall_check_ns;
  if (next_ns == MACHINE_NO_DEADLINE) return;
  if (timer_is_armed(&link->timer) && link->timer.deadline_ns <= next_ns) return;
  /* A machine whose deadline stays in the past gets one tick a millisecond, not a busy loop. */
  uint64_t soonest_ns = link->loop->now_ns + IO_MILLISECOND;
  timer_arm(&link->loop->timers, &link->timer, next_ns > soonest_ns ? next_ns : soonest_ns);
}

/* Each call may move the machine. */
static void settle_open(struct link *link) {
  struct machine *machine = &link->machine;
  uint64_t now_ns = link->loop->now_ns;
  if (machine->ops->deadline_ns(machine->self) <= now_ns) machine->ops->tick(machine->self, now_ns);
  if (link->kept.begin != link->kept.end) link_recv_feed(link);
  if (link->eof && !link->eof_told && link_input_is_empty(link)) {
    link->eof_told = true;
    machine->ops->recv_eof(machine->self, now_ns);
  }
  unsigned wants = link_wanted(link);
  if (wants & MACHINE_RESET) link_cut(link);
  link_send_check_stall(link);
  if (link->state == LINK_OPEN) wants = link_send_settle(link, wants);
  if (link->state != LINK_OPEN) return;
  if (wants & MACHINE_DONE) {
    if (link->sending) { /* it has given up on a peer that does not take what is under way */
      link_cut(link);
      return;
    }
    bool over = is_over(link, wants);
    if (!over) begin_linger(link);
    if (over || link->shed) /* others wait for its place */
      begin_close(link);
    else
      settle_linger(link);
    return;
  }
  if (wants & MACHINE_MOVES) machine->ops->move(machine->self, machine);
  settle_end(link, wants);
  link_recv_settle(link, wants);
  settle_timer(link);
}

void link_settle(struct link *link) {
  invariants(link);
  if (link->state == LINK_OPEN)
    settle_open(link);
  else if (link->state == LINK_LINGER)
    settle_linger(link);
  if (link->state == LINK_CUT) begin_close(link);
  if (link->state == LINK_CLOSING && link->in_flight == 0) free_link(link);
}

/* What matters is the completion of the request that was to be cancelled. It may have come already;
 * where the kernel could not cancel, a shutdown makes it come. */
void link_on_cancel(struct link *link, const struct ring_completion *completion) {
  link_landed(link);
  if (completion->res < 0 && completion->res != -ENOENT && completion->res != -EALREADY) {
    link_cut(link);
    shutdown(link->fd, SHUT_RDWR);
  }
  link_mark_dirty(link);
}
