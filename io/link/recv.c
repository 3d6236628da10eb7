/*
 * link/recv.c - receive requests, deferred buffers and copies; see link/recv.h.
 */
#include "io/link/recv.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* --- requests --- */

/* How many of the next bytes the machine takes vaulted. */
static size_t vaulted_max(const struct link *link) {
  const struct machine_ops *ops = link->has_machine ? link->machine.ops : NULL;
  if (!ops || !ops->takes_vaulted || !(ring_features(&link->loop->ring) & URING_INLINE_SEND))
    return 0;
  return ops->takes_vaulted(link->machine.self);
}

/* Whether what comes next is not for the ring's buffers: much of it is passed on unread. */
static bool is_vaulting(const struct link *link) {
  return link->bulk && (link->vaulted || vaulted_max(link) >= VAULT_LEAST_BYTES);
}

static void start(struct link *link) {
  assert(!link->receiving);
  struct loop *loop = link->loop;
  uint64_t user_data = link_request(link, OP_LINK_RECV);
  link->receiving = true;
  link->polling = link->receive_mode == LINK_RECV_POLL || is_vaulting(link);
  if (link->polling) {
    ring_poll(&loop->ring, link->fd, POLLIN | POLLRDHUP, user_data);
    return;
  }
  bool again =
      link->receive_mode == LINK_RECV_MULTISHOT && link->wholes >= IO_WHOLES && link->emptied;
  ring_receive(&loop->ring, link->fd, again, loop->bufring.bytes, user_data);
}

void link_recv_stop(struct link *link) {
  if (!link->receiving || link->receive_stopping) return;
  link->receive_stopping = true;
  link_cancel(link, OP_LINK_RECV);
}

/* Whether the peer has reset the connection. While nothing is received, no completion tells. With our
 * half closed, POLLHUP comes with the peer's FIN, too, and there may be more to read. */
static bool is_reset(const struct link *link) {
  struct pollfd socket = {.fd = link->fd}; /* only POLLERR and POLLHUP are asked for */
  return poll(&socket, 1, 0) > 0 && (!link->ended || socket.revents & POLLERR);
}

/* Until IO_WHOLES_AGAIN. */
static void receive_singly(struct link *link) {
  if (link->receive_mode != LINK_RECV_MULTISHOT) return;
  link->receive_mode = LINK_RECV_SINGLE;
  link->wholes = 0;
  link_recv_stop(link);
}

static void hold_back(struct link *link) {
  if (!link->receiving || link->receive_stopping) return;
  counter_add(&link->loop->counters.recv_paused, 1);
  receive_singly(link);
  link_recv_stop(link);
}

void link_recv_settle(struct link *link, unsigned wants) {
  if (!(wants & MACHINE_RECV)) {
    if (!link->receiving && !link->eof && is_reset(link)) link_cut(link);
    hold_back(link);
    return;
  }
  if (link->kept.begin != link->kept.end) {
    /* The send of this very turn has made room in the machine. What is kept comes first, and what comes meanwhile
     * would be kept, too. */
    link_mark_dirty(link);
    hold_back(link);
    return;
  }
  /* One buffer at a time also means that deferred input is taken before more is asked for. */
  if (link->receiving || link->eof || list_is_linked(&link->starved)) return;
  if (link->deferred_first != LINK_NO_BUFFER) return;
  start(link);
}

/* --- what the machine does not want yet --- */

static void kept_release(struct link *link) {
  counter_add(&link->links->kept_bytes, -(uint64_t)link->kept.capacity);
  free(link->kept.base);
  link->kept = (struct link_kept){.base = NULL};
}

/* Room for `len` more bytes at the end. False: over the worker's bound, or no memory. */
static bool kept_reserve(struct link *link, size_t len) {
  struct link_kept *kept = &link->kept;
  size_t needed = kept->end + len;
  if (needed <= kept->capacity) return true;
  if (needed > UINT32_MAX / 2) return false;
  size_t capacity = (needed + IO_BUFFER_BYTES - 1) / IO_BUFFER_BYTES * IO_BUFFER_BYTES;
  if (needed <= IO_KEPT_SMALL_BYTES) capacity = IO_KEPT_SMALL_BYTES;
  uint64_t *total_bytes = &link->links->kept_bytes, more_bytes = capacity - kept->capacity;
  if (*total_bytes + more_bytes > link->links->keep_bytes_max) return false;
  uint8_t *base = realloc(kept->base, capacity);
  if (!base) return false;
  counter_add(total_bytes, more_bytes);
  kept->base = base;
  kept->capacity = (uint32_t)capacity;
  return true;
}

static void keep(struct link *link, struct span bytes) {
  if (bytes.len == 0 || link->state != LINK_OPEN) return;
  link->wholes = 0;
  if (!kept_reserve(link, bytes.len)) {
    link_cut(link);
    return;
  }
  memcpy(link->kept.base + link->kept.end, bytes.base, bytes.len);
  link->kept.end += (uint32_t)bytes.len;
}

/* Offers to the machine; returns what it took. */
static size_t offer(struct link *link, struct span bytes) {
  size_t taken = link->machine.ops->recv(link->machine.self, bytes, link->loop->now_ns);
  assert(taken <= bytes.len);
  link->turn_bytes += (uint32_t)taken;
  link_charge(link, taken);
  return taken;
}

/* Bytes that the link may have had when this turn ends. */
static uint32_t share_of_turn(struct link *link) {
  if (link->turn != link->loop->turn) {
    link->turn = link->loop->turn;
    link->turn_bytes = 0;
  }
  if (link_is_ahead(link)) return 0;
  return links_spent_ns(link->links) < IO_TURN_INPUT_NS ? IO_TURN_RECV_BYTES : IO_TURN_LITTLE_BYTES;
}

/* Whether the machine may have `len` bytes in this turn. A buffer that begins within a whole share is taken whole; a
 * little is no more than that. */
static bool may_have(struct link *link, size_t len) {
  uint32_t share = share_of_turn(link);
  if (share == IO_TURN_LITTLE_BYTES) return link->turn_bytes + len <= share;
  return link->turn_bytes < share;
}

static size_t piece_of(size_t len) {
  return len < IO_BUFFER_BYTES ? len : IO_BUFFER_BYTES;
}

/* The machine has taken a receive whole. */
static void note_whole(struct link *link) {
  if (link->wholes < IO_WHOLES_AGAIN) link->wholes++;
  bool single = link->wholes == IO_WHOLES_AGAIN && link->receive_mode == LINK_RECV_SINGLE;
  if (single && ring_features(&link->loop->ring) & URING_MULTISHOT_RECV)
    link->receive_mode = LINK_RECV_MULTISHOT;
}

/* Bytes that come after everything kept: offered if they may be, kept otherwise. What comes from the scratch can be
 * many buffers long, and the turn may have lasted long before its end. */
static void take_in(struct link *link, struct span bytes) {
  bool goes_on = link->kept.begin == link->kept.end;
  while (goes_on && bytes.len > 0 && link_wants(link, MACHINE_RECV)) {
    size_t piece = piece_of(bytes.len), taken = offer(link, span_of(bytes.base, piece));
    bytes = span_of(bytes.base + taken, bytes.len - taken);
    goes_on = taken == piece && bytes.len > 0 && may_have(link, piece_of(bytes.len));
  }
  if (bytes.len == 0) note_whole(link);
  keep(link, bytes);
}

/* --- deferred buffers --- */

/* A quarter of the ring is deferred: a link that defers now takes more than its part. */
static bool ring_is_short(const struct bufring *bufring) {
  return bufring->out > bufring->count / 4;
}

static void defer(struct link *link, uint16_t id) {
  struct bufring *bufring = &link->loop->bufring;
  bufring->next[id] = LINK_NO_BUFFER;
  if (link->deferred_first == LINK_NO_BUFFER)
    link->deferred_first = id;
  else
    bufring->next[link->deferred_last] = id;
  link->deferred_last = id;
  if (ring_is_short(bufring)) receive_singly(link);
  link_mark_waiting(link);
}

static uint16_t take_deferred(struct link *link) {
  uint16_t id = link->deferred_first;
  link->deferred_first = link->loop->bufring.next[id];
  return id;
}

static void feed_kept(struct link *link) {
  struct link_kept *kept = &link->kept;
  while (kept->begin != kept->end && link_wants(link, MACHINE_RECV)) {
    size_t len = piece_of(kept->end - kept->begin);
    if (!may_have(link, len)) break;
    size_t taken = offer(link, span_of(kept->base + kept->begin, len));
    kept->begin += (uint32_t)taken;
    if (taken) continue;
    /* A machine that wants input and takes none would keep this worker busy for ever. */
    if (link_wants(link, MACHINE_RECV)) link_cut(link);
    break;
  }
  if (kept->begin == kept->end) kept_release(link);
}

/* Whether nobody awaits the answer to what is kept. */
static bool is_in_vain(const struct link *link) {
  const unsigned both = MACHINE_RECV | MACHINE_ANSWERS;
  if (link->kept.begin == link->kept.end || (link_wanted(link) & both) != both) return false;
  struct pollfd socket = {.fd = link->fd, .events = POLLRDHUP};
  return poll(&socket, 1, 0) > 0;
}

void link_recv_feed(struct link *link) {
  if (link->state != LINK_OPEN) return;
  if (is_in_vain(link)) {
    link_recv_release(link);
    link->eof = true;
    return;
  }
  feed_kept(link);
  bool paused = link->kept.begin != link->kept.end || !link_wants(link, MACHINE_RECV);
  while (link->state == LINK_OPEN && link->deferred_first != LINK_NO_BUFFER) {
    struct span bytes = bufring_bytes(&link->loop->bufring, link->deferred_first);
    if (!paused && !may_have(link, bytes.len)) break;
    uint16_t id = take_deferred(link);
    take_in(link, bytes);
    bufring_give(&link->loop->bufring, id);
  }
  if (link->state != LINK_OPEN) return;
  /* Kept bytes wait for the machine; a link that only used up its share goes on next turn. */
  bool more = link->deferred_first != LINK_NO_BUFFER ||
              (link->kept.begin != link->kept.end && link_wants(link, MACHINE_RECV));
  if (more) link_mark_waiting(link);
}

void link_recv_release(struct link *link) {
  while (link->deferred_first != LINK_NO_BUFFER)
    bufring_give(&link->loop->bufring, take_deferred(link));
  kept_release(link);
}

/* --- completions --- */

static void on_buffer(struct link *link, uint16_t id, uint32_t len) {
  struct bufring *bufring = &link->loop->bufring;
  struct span bytes = bufring_take(bufring, id, len);
  link->emptied = len < bufring->bytes;
  if (link->state == LINK_OPEN &&
      (link->deferred_first != LINK_NO_BUFFER || !may_have(link, len))) {
    defer(link, id);
    return;
  }
  if (link->state == LINK_OPEN)
    take_in(link, bytes);
  else
    receive_singly(link); /* what is discarded need not come fast */
  bufring_give(bufring, id);
}

static void note_received(struct link *link, int result) {
  counter_add(&link->loop->counters.recv_calls, 1);
  if (result <= 0) return;
  counter_add(&link->loop->counters.recv_bytes, (uint64_t)result);
  if (link->state != LINK_LINGER) return;
  link->linger_idle_ns = link->loop->now_ns + IO_LINGER_IDLE_NS;
  link->linger_bytes += (uint64_t)result;
}

static void read_failed(struct link *link, int result) {
  if (result == 0)
    link->eof = true;
  else if (result != -EINTR && result != -EAGAIN)
    link_cut(link);
}

/* Without a buffer of the ring: what the socket has, up to `max` and the turn's share, into the scratch that all links
 * share. What it has beyond that is asked for again. Returns the bytes that came. */
static size_t read_ready(struct link *link, size_t max) {
  uint8_t *scratch = link->links->scratch;
  uint32_t share = share_of_turn(link);
  if (!link_is_alive(link) || link->turn_bytes >= share) return 0;
  size_t most = share - link->turn_bytes < max ? share - link->turn_bytes : max;
  ssize_t result = recv(link->fd, scratch, most, MSG_DONTWAIT);
  link->emptied = result < (ssize_t)most;
  if (result < 0) result = -errno;
  note_received(link, (int)result);
  if (result > 0)
    take_in(link, span_of(scratch, (size_t)result));
  else
    read_failed(link, (int)result);
  return result > 0 ? (size_t)result : 0;
}

static void read_all(struct link *link) {
  link->vaulted = false;
  (void)read_ready(link, SIZE_MAX);
  link->bulk = link->emptied ? 0 : LINK_BULK;
}

/* Much is coming, and the machine passes at most `most` on unread: so the process does not read it either. False: it
 * cannot be received so now. */
static bool read_vaulted(struct link *link, size_t most) {
  struct vault *vault = &link->links->vault;
  ssize_t result;
  struct span vaulted = vault_receive(vault, link->fd, most, &result);
  if (result == -ENOBUFS || result == -EINVAL) return false;
  note_received(link, (int)result);
  bool much = result >= (ssize_t)VAULT_LEAST_BYTES || result == (ssize_t)most;
  link->bulk = much ? LINK_BULK : link->bulk - 1;
  link->emptied = !link->bulk;
  link->vaulted = true;
  if (much) link->wholes = 0; /* nor is everything at once, in small buffers, asked for soon */
  if (result <= 0) {
    read_failed(link, (int)result);
    return true;
  }
  if (offer(link, vaulted) < vaulted.len) link_cut(link); /* the machine does not do what it said */
  vault_release(vault, vaulted);
  return true;
}

/* Between two vaulted runs the machine reads a header, or a run is short: that much is read, and no more of what
 * could be vaulted. False: what comes is not passed on unread. */
static bool read_unread(struct link *link) {
  if (!link->bulk || !link_is_alive(link) || !link_input_is_empty(link)) return false;
  if (share_of_turn(link) != IO_TURN_RECV_BYTES) return false;
  for (unsigned i = 0; i < IO_BETWEEN_READS; i++) {
    size_t run = vaulted_max(link);
    if (run >= VAULT_LEAST_BYTES) return read_vaulted(link, run);
    if (!link->vaulted) return false;
    if (read_ready(link, run + IO_BETWEEN_BYTES) == 0) return true;
  }
  return false;
}

/* What the socket has, one way or the other. */
static void read_some(struct link *link) {
  if (!read_unread(link)) read_all(link);
}

/* The ring was empty because other links had more to say. A link with little to say must not wait for
 * their buffers, so what is there is read without one: once, and not before what came earlier. */
static void starved(struct link *link) {
  counter_add(&link->loop->counters.recv_starved, 1);
  link->emptied = false; /* it may be the one that took them all */
  if (link->deferred_first == LINK_NO_BUFFER && link_wants(link, MACHINE_RECV)) read_all(link);
  if (link_is_alive(link) && !link->eof && !list_is_linked(&link->starved))
    list_append(&link->links->starved, &link->starved);
}

/* One buffer at a time would mean a turn, and mostly a send, for each buffer of a long transfer. A full one is a sign
 * that there is more, which one call gets, as long as it need not be kept. */
static void read_on(struct link *link) {
  link->bulk = link->emptied ? 0 : LINK_BULK;
  if (link->emptied || link->state != LINK_OPEN || !link_input_is_empty(link)) return;
  if (!link_wants(link, MACHINE_RECV)) return;
  if (!link->receiving)
    read_some(link);
  else if (is_vaulting(link))
    link_recv_stop(link); /* what is under way would go on with small buffers */
}

static void on_end(struct link *link, int result) {
  if (result == -ENOBUFS)
    starved(link);
  else if (result != -ECANCELED)
    read_failed(link, result);
}

void link_on_recv(struct link *link, const struct ring_completion *completion) {
  if (!(completion->flags & RING_MORE)) {
    link->receiving = link->receive_stopping = false;
    link_landed(link);
  }
  link_mark_dirty(link);
  if (link->polling) {
    if (completion->res > 0)
      read_some(link);
    else
      on_end(link, completion->res == 0 ? -EAGAIN : completion->res);
    return;
  }
  note_received(link, completion->res);
  if (completion->flags & RING_BUFFER)
    on_buffer(link, ring_buffer_of(completion),
              completion->res > 0 ? (uint32_t)completion->res : 0);
  if (completion->res <= 0)
    on_end(link, completion->res);
  else
    read_on(link);
}
