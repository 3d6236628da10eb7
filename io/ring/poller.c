/*
 * ring/poller.c - watches, lists and events; what each operation does is in ring/attempt.c.
 */
#include "io/ring/poller.h"

#include "io/base/clock.h"
#include "io/ring/attempt.h"
#include "io/ring/bufring.h"
#include "io/ring/limits.h"
#include "io/ring/readers.h"
#include "io/ring/watch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define READERS_DATA UINT64_MAX /* of the readers' eventfd; no watch has it */

struct poller {
  int epoll_fd, readers_fd;
  int refused;
  bool whole_milliseconds; /* the kernel has no epoll_pwait2() */
  struct watches watches;
  struct readers *readers;
  struct bufring *bufring;
  struct list_node ready, later;
  struct list_node timeouts; /* the first is due first */
  struct epoll_event events[IO_POLL_EVENTS];
};

/* ---- life ------------------------------------------------------------------------------------ */

static bool open_parts(struct poller *poller) {
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = READERS_DATA};
  poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  poller->readers_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (poller->epoll_fd < 0 || poller->readers_fd < 0) return false;
  if (epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, poller->readers_fd, &event)) return false;
  poller->readers = readers_open(poller->readers_fd);
  return poller->readers;
}

struct poller *poller_open(struct bufring *bufring, struct io_error *error) {
  struct poller *poller = calloc(1, sizeof *poller);
  if (!poller) {
    io_error_set(error, ENOMEM, "no memory for a ring");
    return NULL;
  }
  poller->bufring = bufring;
  poller->epoll_fd = poller->readers_fd = -1;
  list_init(&poller->ready);
  list_init(&poller->later);
  list_init(&poller->timeouts);
  if (!open_parts(poller)) {
    int code = errno;
    const char *advice =
        code == EMFILE || code == ENFILE ? " (more descriptors: ulimit -n, fs.file-max)" : "";
    io_error_set(error, code, "cannot set up epoll: %s%s", strerror(code), advice);
    poller_close(poller);
    return NULL;
  }
  /* By default the kernel lets this thread sleep 50 microseconds longer than it asked for. */
  prctl(PR_SET_TIMERSLACK, 1);
  return poller;
}

void poller_close(struct poller *poller) {
  readers_close(poller->readers);
  if (poller->readers_fd >= 0) close(poller->readers_fd);
  if (poller->epoll_fd >= 0) close(poller->epoll_fd);
  watches_free(&poller->watches);
  free(poller);
}

int poller_refused(const struct poller *poller) {
  return poller->refused;
}

/* ---- watches --------------------------------------------------------------------------------- */

bool poller_attach(struct poller *poller, int fd, unsigned events) {
  struct watch *watch = watches_at(&poller->watches, fd);
  if (!watch) {
    errno = ENOMEM;
    return false;
  }
  if (watch->attached) return true;
  const unsigned both = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
  struct epoll_event event = {.events = EPOLLET | (events ? events : both),
                              .data.u64 = watch_data(watch)};
  if (epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, fd, &event)) return false;
  watch->attached = true;
  watch->shared = events & EPOLLEXCLUSIVE;
  watch->tells_room = event.events & EPOLLOUT;
  return true;
}

/* Events tell of room from now on. The watch is attached, so this does not fail. */
static void ask_for_room(struct poller *poller, struct watch *watch) {
  struct epoll_event event = {.events = EPOLLET | EPOLLIN | EPOLLOUT | EPOLLRDHUP,
                              .data.u64 = watch_data(watch)};
  if (watch->tells_room) return;
  int result = epoll_ctl(poller->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
  assert(result == 0);
  watch->tells_room = result == 0;
}

void poller_detach(struct poller *poller, int fd) {
  struct watch *watch = watches_find(&poller->watches, fd);
  if (!watch || !watch->attached) return;
  assert(watch->in.kind == ITEM_NONE && watch->out.kind == ITEM_NONE);
  epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
  watch_end(watch);
}

/* Closing is enough for the kernel to forget the watch, unless the descriptor is a copy: then events may still
 * come, and the watch's generation tells that they are old. One of a shared socket is taken back: the kernel wakes
 * one of all that watch it, and that would be in vain. */
void poller_close_fd(struct poller *poller, int fd) {
  struct watch *watch = watches_find(&poller->watches, fd);
  if (watch && watch->shared) epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
  if (watch) watch_end(watch);
  close(fd);
}

static struct watch *watch_of(struct poller *poller, int fd) {
  struct watch *watch = watches_find(&poller->watches, fd);
  assert(watch && watch->attached);
  return watch;
}

/* ---- beginning and ending -------------------------------------------------------------------- */

static void begin(struct item *item, enum item_kind kind, uint64_t user_data) {
  assert(item->kind == ITEM_NONE);
  *item = (struct item){.kind = (uint8_t)kind, .user_data = user_data};
}

/* It completes in the next turn. */
static void over(struct poller *poller, struct item *item, int32_t result) {
  list_remove(&item->node);
  item->over = true;
  item->result = result;
  list_append(&poller->later, &item->node);
}

static void wait_until(struct poller *poller, struct item *item, uint64_t deadline_ns) {
  struct list_node *after = poller->timeouts.previous;
  while (after != &poller->timeouts &&
         LIST_OWNER(after, struct item, node)->deadline_ns > deadline_ns)
    after = after->previous;
  item->deadline_ns = deadline_ns;
  list_prepend(after, &item->node);
}

/* For input: at once if there may be some, else with the next event. */
static struct item *begin_in(struct poller *poller, int fd, enum item_kind kind,
                             uint64_t user_data) {
  struct watch *watch = watch_of(poller, fd);
  begin(&watch->in, kind, user_data);
  if (watch->readable) list_append(&poller->later, &watch->in.node);
  return &watch->in;
}

static void set_non_blocking(struct watch *watch) {
  if (!watch->non_blocking) fcntl(watch->fd, F_SETFL, O_NONBLOCK);
  watch->non_blocking = true;
}

void poller_accept(struct poller *poller, int fd, bool again, uint64_t user_data) {
  set_non_blocking(watch_of(poller, fd));
  begin_in(poller, fd, ITEM_ACCEPT, user_data)->again = again;
}

void poller_receive(struct poller *poller, int fd, bool again, uint64_t user_data) {
  begin_in(poller, fd, ITEM_RECEIVE, user_data)->again = again;
}

void poller_read_ready(struct poller *poller, int fd, void *buffer, unsigned len,
                       uint64_t user_data) {
  struct item *item = begin_in(poller, fd, ITEM_READ_READY, user_data);
  item->buffer = buffer;
  item->len = len;
}

void poller_poll(struct poller *poller, int fd, unsigned events, uint64_t user_data) {
  struct watch *watch = watch_of(poller, fd);
  struct item *item = events & POLLIN ? &watch->in : &watch->out;
  begin(item, ITEM_POLL, user_data);
  item->len = events;
  if (item == &watch->out) ask_for_room(poller, watch);
  /* Asking also makes the kernel tell when a socket has room that it has not now. */
  int now = attempt_poll(fd, events);
  if (now) over(poller, item, now);
}

void poller_connect(struct poller *poller, int fd, const struct sockaddr *address, unsigned len,
                    uint64_t user_data) {
  struct watch *watch = watch_of(poller, fd);
  begin(&watch->out, ITEM_CONNECT, user_data);
  ask_for_room(poller, watch);
  set_non_blocking(watch);
  int result = connect(fd, address, len) == 0 ? 0 : -errno;
  if (result != -EINPROGRESS) over(poller, &watch->out, result);
}

/* -EAGAIN once there is room: the sender then offers again what it has by that time. */
void poller_send(struct poller *poller, int fd, const struct span *spans, size_t count,
                 uint64_t user_data) {
  struct watch *watch = watch_of(poller, fd);
  struct item *item = &watch->out;
  begin(item, ITEM_SEND, user_data);
  ssize_t sent = attempt_send(fd, spans, count);
  if (sent != -EAGAIN && sent != -ENOBUFS) {
    over(poller, item, (int32_t)sent);
    return;
  }
  ask_for_room(poller, watch);
  if (attempt_poll(fd, POLLOUT)) /* short of memory: no event will tell when it is over */
    wait_until(poller, item, clock_now_ns() + IO_POLL_RETRY_NS);
}

void poller_read(struct poller *poller, struct item_job *job, int fd, void *buffer, unsigned len,
                 uint64_t offset, uint64_t user_data) {
  *job = (struct item_job){.fd = fd, .offset = offset};
  begin(&job->item, ITEM_READ, user_data);
  job->item.buffer = buffer;
  job->item.len = len;
  if (!readers_read(poller->readers, job)) over(poller, &job->item, -EAGAIN);
}

void poller_timeout(struct poller *poller, struct item_job *job, uint64_t at_ns,
                    uint64_t user_data) {
  *job = (struct item_job){.fd = -1};
  begin(&job->item, ITEM_TIMEOUT, user_data);
  wait_until(poller, &job->item, at_ns);
}

void poller_nop(struct poller *poller, struct item_job *job, uint64_t user_data) {
  *job = (struct item_job){.fd = -1};
  begin(&job->item, ITEM_NOP, user_data);
  over(poller, &job->item, 0);
}

void poller_cancel(struct poller *poller, int fd, uint64_t target, uint64_t user_data) {
  struct watch *watch = watch_of(poller, fd);
  bool is_in = watch->in.kind != ITEM_NONE && watch->in.user_data == target;
  struct item *item = is_in ? &watch->in : &watch->out;
  if (item->kind == ITEM_NONE || item->user_data != target) {
    assert(user_data == 0); /* its last completion was reaped */
    return;
  }
  item->cancel_data = user_data;
  if (!item->over) over(poller, item, -ECANCELED);
}

void poller_cancel_job(struct poller *poller, struct item_job *job) {
  if (job->item.over) return;
  if (job->item.kind != ITEM_READ || readers_withdraw(poller->readers, job))
    over(poller, &job->item, -ECANCELED);
}

/* ---- a turn ---------------------------------------------------------------------------------- */

bool poller_is_ready(const struct poller *poller) {
  return !list_is_empty(&poller->ready) || !list_is_empty(&poller->later);
}

/* `events` hold of a socket. If `item` waits for it, it is over, or to be attempted. */
static void wake(struct poller *poller, int fd, struct item *item, unsigned events) {
  if (item->kind == ITEM_NONE || list_is_linked(&item->node)) return;
  item->over = item->kind == ITEM_POLL || item->kind == ITEM_CONNECT || item->kind == ITEM_SEND;
  if (item->kind == ITEM_POLL) item->result = (int32_t)(events & (item->len | EPOLLERR | EPOLLHUP));
  if (item->kind == ITEM_CONNECT) item->result = attempt_connect(fd);
  if (item->kind == ITEM_SEND) item->result = -EAGAIN;
  list_append(&poller->ready, &item->node);
}

static void on_event(struct poller *poller, const struct epoll_event *event) {
  struct watch *watch = watches_of_data(&poller->watches, event->data.u64);
  const unsigned events = event->events, ends = EPOLLERR | EPOLLHUP;
  if (!watch) return; /* it was closed */
  if (events & (ends | EPOLLRDHUP)) watch->hung_up = true;
  if (events & (EPOLLIN | EPOLLRDHUP | ends)) {
    watch->readable = true;
    wake(poller, watch->fd, &watch->in, events);
  }
  if (events & (EPOLLOUT | ends)) wake(poller, watch->fd, &watch->out, events);
}

static void take_from_readers(struct poller *poller) {
  struct list_node done, *node;
  uint64_t count;
  list_init(&done);
  ssize_t got = read(poller->readers_fd, &count, sizeof count);
  (void)got;
  readers_take(poller->readers, &done);
  while ((node = list_take_first(&done))) {
    LIST_OWNER(node, struct item, node)->over = true;
    list_append(&poller->ready, node);
  }
}

static void expire(struct poller *poller) {
  if (list_is_empty(&poller->timeouts)) return;
  uint64_t now_ns = clock_now_ns();
  while (!list_is_empty(&poller->timeouts)) {
    struct item *item = LIST_OWNER(poller->timeouts.next, struct item, node);
    if (item->deadline_ns > now_ns) return;
    list_remove(&item->node);
    item->over = true;
    item->result = item->kind == ITEM_TIMEOUT ? -ETIME : -EAGAIN;
    list_append(&poller->ready, &item->node);
  }
}

/* How long to wait: no longer than until the first timeout. */
static uint64_t wait_ns(const struct poller *poller, uint64_t timeout_ns) {
  if (poller_is_ready(poller)) return 0;
  if (timeout_ns == 0 || list_is_empty(&poller->timeouts)) return timeout_ns;
  uint64_t now_ns = clock_now_ns();
  uint64_t due_ns = LIST_OWNER(poller->timeouts.next, struct item, node)->deadline_ns;
  uint64_t left_ns = due_ns > now_ns ? due_ns - now_ns : 0;
  return left_ns < timeout_ns ? left_ns : timeout_ns;
}

static int wait_milliseconds(struct poller *poller, uint64_t timeout_ns) {
  const uint64_t most = INT32_MAX;
  uint64_t rounded = timeout_ns / IO_MILLISECOND + (timeout_ns % IO_MILLISECOND != 0);
  int milliseconds = timeout_ns == UINT64_MAX ? -1 : (int)(rounded < most ? rounded : most);
  return epoll_wait(poller->epoll_fd, poller->events, IO_POLL_EVENTS, milliseconds);
}

static int wait_for_events(struct poller *poller, uint64_t timeout_ns) {
  if (timeout_ns == 0 || timeout_ns == UINT64_MAX || poller->whole_milliseconds)
    return wait_milliseconds(poller, timeout_ns);
  struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / IO_SECOND),
                             .tv_nsec = (long)(timeout_ns % IO_SECOND)};
  int count = epoll_pwait2(poller->epoll_fd, poller->events, IO_POLL_EVENTS, &timeout, NULL);
  if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
  poller->whole_milliseconds = true;
  return wait_milliseconds(poller, timeout_ns);
}

void poller_enter(struct poller *poller, uint64_t timeout_ns) {
  int count = wait_for_events(poller, wait_ns(poller, timeout_ns));
  if (count < 0 && errno != EINTR) poller->refused = errno;
  list_splice(&poller->ready, &poller->later);
  for (int i = 0; i < count; i++)
    if (poller->events[i].data.u64 == READERS_DATA)
      take_from_readers(poller);
    else
      on_event(poller, &poller->events[i]);
  expire(poller);
}

/* ---- completions ----------------------------------------------------------------------------- */

static struct item *of_node(struct list_node *node) {
  return LIST_OWNER(node, struct item, node);
}

/* The end of an operation; a cancellation completes before it. */
static struct ring_completion complete(struct poller *poller, struct item *item) {
  struct ring_completion cancelled = {.user_data = item->cancel_data};
  if (!item->cancel_data) {
    item->kind = ITEM_NONE;
    return (struct ring_completion){.user_data = item->user_data, .res = item->result};
  }
  item->cancel_data = 0;
  list_prepend(&poller->ready, &item->node);
  return cancelled;
}

/* After a completion of an operation that repeats. */
static void go_on(struct poller *poller, struct watch *watch) {
  struct item *item = &watch->in;
  const unsigned most = item->kind == ITEM_ACCEPT ? IO_POLL_ACCEPTS : IO_POLL_RECEIVES;
  if (++item->in_turn < most && watch->readable) {
    list_append(&poller->ready, &item->node);
    return;
  }
  item->in_turn = 0;
  if (watch->readable) list_append(&poller->later, &item->node);
}

static bool is_among(uint64_t user_data, const struct ring_completion *some, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    if (some[i].user_data == user_data) return true;
  return false;
}

/* The next completion, of those that are collected in `out`; false if there is none. */
static bool reap_one(struct poller *poller, struct item *item, struct ring_completion *out,
                     unsigned count) {
  if (item->over) {
    out[count] = complete(poller, item);
    return true;
  }
  struct watch *watch = LIST_OWNER(item, struct watch, in);
  uint32_t flags;
  int32_t result = attempt_input(watch, poller->bufring, &flags);
  if (result == -EAGAIN) {
    item->in_turn = 0;
    return false;
  }
  if (flags & RING_MORE) {
    out[count] = (struct ring_completion){item->user_data, result, flags};
    go_on(poller, watch);
    return true;
  }
  /* Who acts on the completions before this one may cancel, and must find what is cancelled. */
  if (is_among(item->user_data, out, count)) {
    over(poller, item, result);
    return false;
  }
  item->kind = ITEM_NONE;
  out[count] = (struct ring_completion){item->user_data, result, flags};
  return true;
}

unsigned poller_reap(struct poller *poller, struct ring_completion *out, unsigned max) {
  struct list_node *node;
  unsigned count = 0;
  while (count < max && (node = list_take_first(&poller->ready)))
    count += reap_one(poller, of_node(node), out, count);
  return count;
}
