/*
 * ring/test_poller.c - operations over epoll, one at a time and in the turns in which they complete.
 */
#include "io/base/clock.h"
#include "io/ring/limits.h"
#include "io/ring/loop.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BYTES = 100, BUFFERS = 16, IN = 1, OUT = 2, CANCEL = 3 };

static struct loop loop;
static int pair[2];

static void begin(void) {
  struct io_error error = {.text = ""};
  if (!loop_open(&loop, RING_EPOLL, 0, BUFFERS, BYTES, &error)) fail_msg("%s", error.text);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  assert_true(ring_attach(&loop.ring, pair[0], EPOLLIN | EPOLLRDHUP));
}

static void end(void) {
  ring_close_fd(&loop.ring, pair[0]);
  close(pair[1]);
  loop_close(&loop);
}

static void write_all(const void *bytes, size_t len) {
  assert_int_equal(write(pair[1], bytes, len), len);
}

/* The completions of one turn, which waits a second for the first. */
static struct ring_completion done[256];
static unsigned turn_of(uint64_t timeout_ns) {
  unsigned count = 0, more;
  ring_enter(&loop.ring, timeout_ns);
  while ((more = ring_reap(&loop.ring, done + count, IO_SETTLE_BATCH)))
    count += more;
  return count;
}
static unsigned turn(void) {
  return turn_of(IO_SECOND);
}

static void expect(unsigned index, uint64_t user_data, int32_t res, uint32_t flags) {
  assert_int_equal(done[index].user_data, user_data);
  assert_int_equal(done[index].res, res);
  assert_int_equal(done[index].flags & (RING_MORE | RING_BUFFER), flags);
}

static struct span take(unsigned index) {
  uint16_t id = ring_buffer_of(&done[index]);
  return bufring_take(&loop.bufring, id, (uint32_t)done[index].res);
}

static void give(unsigned index) {
  bufring_give(&loop.bufring, ring_buffer_of(&done[index]));
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* Once, again and again, then the end. Nothing is there in between. */
static void test_receive(void **state) {
  (void)state;
  begin();
  ring_receive(&loop.ring, pair[0], false, BYTES, IN);
  assert_int_equal(turn_of(0), 0);
  write_all("one", 3);
  assert_int_equal(turn(), 1);
  expect(0, IN, 3, RING_BUFFER);
  assert_memory_equal(take(0).base, "one", 3);
  give(0);
  ring_receive(&loop.ring, pair[0], true, BYTES, IN);
  assert_int_equal(turn_of(0), 0);
  for (int i = 0; i < 3; i++) {
    write_all("two", 3);
    assert_int_equal(turn(), 1);
    expect(0, IN, 3, RING_BUFFER | RING_MORE);
    (void)take(0);
    give(0);
    assert_int_equal(turn_of(0), 0);
  }
  write_all("three", 5);
  shutdown(pair[1], SHUT_WR);
  assert_int_equal(turn(), 1); /* the end is in no batch with what came before it */
  expect(0, IN, 5, RING_BUFFER | RING_MORE);
  (void)take(0);
  give(0);
  assert_int_equal(turn(), 1);
  expect(0, IN, 0, 0);
  assert_int_equal(turn_of(0), 0);
  end();
}

/* Bytes in order; no more buffers in a turn than a socket's part; the hottest buffer first. */
static void test_receive_in_turns(void **state) {
  uint8_t bytes[(IO_POLL_RECEIVES + 2) * BYTES];
  (void)state;
  begin();
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)(i / BYTES);
  ring_receive(&loop.ring, pair[0], true, BYTES, IN);
  write_all(bytes, sizeof bytes);
  for (unsigned part = 0; part < sizeof bytes / BYTES;) {
    unsigned count = turn();
    assert_in_range(count, 1, IO_POLL_RECEIVES);
    assert_int_equal(count, part == 0 ? IO_POLL_RECEIVES : 2);
    for (unsigned i = 0; i < count; i++, part++) {
      assert_int_equal(take(i).base[0], part);
      give(i);
    }
  }
  assert_int_equal(turn_of(0), 0);
  uint16_t last = ring_buffer_of(&done[1]);
  write_all("x", 1);
  assert_int_equal(turn(), 1);
  assert_int_equal(ring_buffer_of(&done[0]), last);
  end();
}

/* A socket that was empty after a part of its turn has a whole one when more comes. */
static void test_each_turn_is_whole(void **state) {
  static const uint8_t bytes[IO_POLL_RECEIVES * BYTES];
  (void)state;
  begin();
  ring_receive(&loop.ring, pair[0], true, BYTES, IN);
  for (unsigned parts = 1; parts <= IO_POLL_RECEIVES; parts++) {
    write_all(bytes, (size_t)parts * BYTES);
    assert_int_equal(turn(), parts);
    for (unsigned i = 0; i < parts; i++) {
      (void)take(i);
      give(i);
    }
    assert_int_equal(turn_of(0), 0);
  }
  end();
}

/* No buffer: the receive ends, and what is there stays in the socket. */
static void test_no_buffer(void **state) {
  (void)state;
  begin();
  for (unsigned i = 0; i < BUFFERS; i++) {
    ring_receive(&loop.ring, pair[0], false, BYTES, IN);
    write_all("x", 1);
    assert_int_equal(turn(), 1);
    (void)take(0);
  }
  ring_receive(&loop.ring, pair[0], true, BYTES, IN);
  write_all("y", 1);
  assert_int_equal(turn(), 1);
  expect(0, IN, -ENOBUFS, 0);
  bufring_give(&loop.bufring, 5);
  ring_receive(&loop.ring, pair[0], true, BYTES, IN);
  assert_int_equal(turn(), 1);
  expect(0, IN, 1, RING_BUFFER | RING_MORE);
  assert_int_equal(ring_buffer_of(&done[0]), 5);
  assert_int_equal(take(0).base[0], 'y');
  end();
}

/* ---- cancelling ------------------------------------------------------------------------------ */

/* The cancellation completes, then the operation, whether it waited or had just become ready. Input stays. */
static void test_cancel(void **state) {
  (void)state;
  begin();
  for (int ready = 0; ready < 2; ready++) {
    ring_receive(&loop.ring, pair[0], true, BYTES, IN);
    assert_int_equal(turn_of(0), 0);
    if (ready) write_all("x", 1);
    if (ready) ring_enter(&loop.ring, IO_SECOND);
    ring_cancel(&loop.ring, pair[0], IN, CANCEL);
    assert_int_equal(turn(), 2);
    expect(0, CANCEL, 0, 0);
    expect(1, IN, -ECANCELED, 0);
  }
  ring_receive(&loop.ring, pair[0], false, BYTES, IN);
  assert_int_equal(turn(), 1);
  expect(0, IN, 1, RING_BUFFER);
  end();
}

/* An operation that is over keeps its result. */
static void test_cancel_too_late(void **state) {
  (void)state;
  begin();
  ring_poll(&loop.ring, pair[0], POLLOUT, OUT);
  ring_cancel(&loop.ring, pair[0], OUT, CANCEL);
  assert_int_equal(turn(), 2);
  expect(0, CANCEL, 0, 0);
  expect(1, OUT, POLLOUT, 0);
  end();
}

/* ---- readiness, sending ---------------------------------------------------------------------- */

static void fill(void) {
  static const char zeros[4096];
  while (send(pair[0], zeros, sizeof zeros, MSG_DONTWAIT) > 0)
    continue;
}

static void drain(void) {
  char bytes[4096];
  while (recv(pair[1], bytes, sizeof bytes, MSG_DONTWAIT) > 0)
    continue;
}

/* Both directions at once. A full socket is heard of when it has room, and a send then offers again. */
static void test_send(void **state) {
  const struct span spans[2] = {span_of((const uint8_t *)"ab", 2),
                                span_of((const uint8_t *)"c", 1)};
  char bytes[4] = "";
  (void)state;
  begin();
  ring_receive(&loop.ring, pair[0], true, BYTES, IN);
  ring_send(&loop.ring, pair[0], spans, 2, OUT);
  assert_int_equal(turn(), 1);
  expect(0, OUT, 3, 0);
  assert_int_equal(recv(pair[1], bytes, sizeof bytes, MSG_DONTWAIT), 3);
  assert_string_equal(bytes, "abc");
  fill();
  ring_send(&loop.ring, pair[0], spans, 2, OUT);
  assert_int_equal(turn_of(0), 0);
  drain();
  assert_int_equal(turn(), 1);
  expect(0, OUT, -EAGAIN, 0);
  fill();
  ring_poll(&loop.ring, pair[0], POLLOUT, OUT);
  assert_int_equal(turn_of(0), 0);
  drain();
  assert_int_equal(turn(), 1);
  expect(0, OUT, POLLOUT, 0);
  close(pair[1]);
  ring_send(&loop.ring, pair[0], spans, 1, OUT);
  assert_int_equal(turn(), 2);
  assert_int_equal(done[0].user_data + done[1].user_data, IN + OUT);
  expect(done[0].user_data == OUT ? 0 : 1, OUT, -EPIPE, 0);
  pair[1] = dup(0);
  end();
}

/* ---- accepting and connecting ---------------------------------------------------------------- */

static int listen_on(struct sockaddr_in *address) {
  socklen_t len = sizeof *address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  assert_int_equal(bind(fd, (struct sockaddr *)address, len), 0);
  assert_int_equal(listen(fd, 4096), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)address, &len), 0);
  return fd;
}

static int dial(const struct sockaddr_in *address) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(fd, (const struct sockaddr *)address, sizeof *address), 0);
  return fd;
}

/* A crowd comes in turns; a single accept takes one. */
static void test_accept(void **state) {
  enum { CROWD = IO_POLL_ACCEPTS + 3 };
  struct sockaddr_in address;
  int fds[CROWD];
  (void)state;
  begin();
  int listening = listen_on(&address);
  assert_true(ring_attach(&loop.ring, listening, 0));
  ring_accept(&loop.ring, listening, true, IN);
  assert_int_equal(turn_of(0), 0);
  for (unsigned i = 0; i < CROWD; i++)
    fds[i] = dial(&address);
  for (unsigned left = CROWD; left > 0;) {
    unsigned count = turn();
    assert_in_range(count, 1, IO_POLL_ACCEPTS);
    for (unsigned i = 0; i < count; i++) {
      assert_true(done[i].res >= 0);
      expect(i, IN, done[i].res, RING_MORE);
      close(done[i].res);
    }
    left -= count;
  }
  ring_cancel(&loop.ring, listening, IN, 0); /* nobody wants to know */
  assert_int_equal(turn(), 1);
  expect(0, IN, -ECANCELED, 0);
  ring_accept(&loop.ring, listening, false, IN);
  close(fds[0]);
  fds[0] = dial(&address);
  assert_int_equal(turn(), 1);
  assert_true(done[0].res >= 0);
  expect(0, IN, done[0].res, 0);
  close(done[0].res);
  for (unsigned i = 0; i < CROWD; i++)
    close(fds[i]);
  ring_close_fd(&loop.ring, listening);
  end();
}

static void test_connect(void **state) {
  struct sockaddr_in address;
  (void)state;
  begin();
  int listening = listen_on(&address);
  for (int refused = 0; refused < 2; refused++) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(ring_attach(&loop.ring, fd, 0));
    ring_connect(&loop.ring, fd, (struct sockaddr *)&address, sizeof address, OUT);
    assert_int_equal(turn(), 1);
    expect(0, OUT, refused ? -ECONNREFUSED : 0, 0);
    ring_close_fd(&loop.ring, fd);
    if (!refused) close(listening);
  }
  end();
}

/* ---- descriptors ----------------------------------------------------------------------------- */

/* The number of a closed descriptor is another's. An event of the old one, which lives on as a copy, does not reach
 * the new one. */
static void test_reused_number(void **state) {
  int other[2];
  (void)state;
  begin();
  int copy = dup(pair[0]), fd = pair[0];
  ring_close_fd(&loop.ring, fd);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, other), 0);
  assert_int_equal(other[0], fd);
  assert_true(ring_attach(&loop.ring, fd, 0));
  ring_receive(&loop.ring, fd, true, BYTES, IN);
  write_all("old", 3);
  assert_int_equal(turn_of(IO_SECOND / 20), 0);
  assert_int_equal(write(other[1], "new", 3), 3);
  assert_int_equal(turn(), 1);
  assert_memory_equal(take(0).base, "new", 3);
  close(copy);
  close(other[1]);
  end();
}

/* What epoll cannot watch, and what is watched already. */
/* A turn waits for input, though the socket has room all the time; until it is asked for room. */
static void test_room_wakes_nobody(void **state) {
  const uint64_t wait_ns = IO_SECOND / 20;
  (void)state;
  begin();
  uint64_t begun_ns = clock_now_ns();
  assert_int_equal(turn_of(wait_ns), 0);
  assert_true(clock_now_ns() - begun_ns >= wait_ns);
  ring_poll(&loop.ring, pair[0], POLLOUT, OUT);
  assert_int_equal(turn(), 1);
  expect(0, OUT, POLLOUT, 0);
  end();
}

static void test_attach(void **state) {
  (void)state;
  begin();
  assert_true(ring_attach(&loop.ring, pair[0], 0));
  assert_false(ring_attach(&loop.ring, 1000, 0));
  assert_int_equal(errno, EBADF);
  end();
}

/* ---- operations of the loop ------------------------------------------------------------------ */

static char order[32];

static void note(struct loop_op *op, int result, unsigned flags);
static struct loop_op a = {.done = note}, b = {.done = note}, c = {.done = note};

static void note(struct loop_op *op, int result, unsigned flags) {
  size_t len = strlen(order);
  (void)flags;
  order[len] = op == &a ? 'a' : op == &b ? 'b' : 'c';
  order[len + 1] = result == -ETIME ? 't' : result == -ECANCELED ? 'x' : (char)('0' + result);
}

/* What completes until no more than `left` are under way. */
static const char *turns_until(unsigned left) {
  memset(order, 0, sizeof order);
  for (unsigned patience = 10; loop.ops.under_way > left && patience > 0; patience--)
    for (unsigned i = 0, found = turn(); i < found; i++)
      loop_op_completed(&loop, &done[i]);
  return order;
}

/* By time, whichever came first; never early. One that is cancelled ends at once. */
static void test_timeouts(void **state) {
  (void)state;
  begin();
  uint64_t now_ns = clock_now_ns();
  assert_true(loop_timeout(&loop, &a, now_ns + 30 * IO_MILLISECOND));
  assert_true(loop_timeout(&loop, &b, now_ns + 10 * IO_MILLISECOND));
  assert_true(loop_timeout(&loop, &c, now_ns + 60 * IO_SECOND));
  assert_string_equal(turns_until(1), "btat");
  assert_true(clock_now_ns() >= now_ns + 30 * IO_MILLISECOND);
  loop_op_cancel(&c);
  assert_string_equal(turns_until(0), "cx");
  end();
}

/* A no-op, an event, and a file by a thread. */
static void test_operations(void **state) {
  uint64_t value = 0;
  char bytes[2];
  (void)state;
  begin();
  int event_fd = eventfd(0, EFD_CLOEXEC);
  FILE *file = tmpfile();
  assert_int_equal(fputs("xyz", file), 1);
  fflush(file);
  assert_true(loop_nop(&loop, &a));
  assert_string_equal(turns_until(0), "a0");
  for (int i = 0; i < 3; i++) {
    assert_true(loop_read_ready(&loop, &b, event_fd, &value, sizeof value));
    assert_int_equal(turn_of(0), 0);
    assert_int_equal(eventfd_write(event_fd, 7), 0);
    assert_string_equal(turns_until(0), "b8");
    assert_int_equal(value, 7);
  }
  assert_true(loop_read(&loop, &c, fileno(file), bytes, 2, 1));
  assert_string_equal(turns_until(0), "c2");
  assert_memory_equal(bytes, "yz", 2);
  ring_close_fd(&loop.ring, event_fd);
  fclose(file);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_receive),
      cmocka_unit_test(test_receive_in_turns),
      cmocka_unit_test(test_each_turn_is_whole),
      cmocka_unit_test(test_no_buffer),
      cmocka_unit_test(test_cancel),
      cmocka_unit_test(test_cancel_too_late),
      cmocka_unit_test(test_send),
      cmocka_unit_test(test_accept),
      cmocka_unit_test(test_connect),
      cmocka_unit_test(test_reused_number),
      cmocka_unit_test(test_room_wakes_nobody),
      cmocka_unit_test(test_attach),
      cmocka_unit_test(test_timeouts),
      cmocka_unit_test(test_operations),
  };
  return cmocka_run_group_tests_name("poller", tests, NULL, NULL);
}
