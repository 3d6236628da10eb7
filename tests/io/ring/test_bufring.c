/*
 * ring/test_bufring.c - the owner of each buffer, with a real ring and a real kernel.
 */
#include "io/ring/bufring.h"
#include "io/ring/uring.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 4, BYTES = 100 };

struct room {
  struct uring uring;
  struct bufring bufring;
  int pair[2];
};

static void open_room(struct room *room) {
  struct io_error error = {.text = ""};
  if (!uring_open(&room->uring, 0, &error)) fail_msg("%s", error.text);
  if (!bufring_open(&room->bufring, &room->uring.ring, COUNT, BYTES, &error))
    fail_msg("%s", error.text);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, room->pair), 0);
}

static void close_room(struct room *room) {
  close(room->pair[0]);
  close(room->pair[1]);
  bufring_close(&room->bufring);
  uring_close(&room->uring);
}

/* Receives once. Returns the completion's result, and its buffer if there is one. */
static int receive(struct room *room, int *id) {
  struct io_uring_sqe *sqe = uring_sqe(&room->uring);
  struct io_uring_cqe *cqe;
  io_uring_prep_recv(sqe, room->pair[0], NULL, BYTES, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = BUFRING_GROUP;
  uring_enter(&room->uring, UINT64_C(2000000000));
  assert_int_equal(io_uring_peek_cqe(&room->uring.ring, &cqe), 0);
  int result = cqe->res;
  *id = cqe->flags & IORING_CQE_F_BUFFER ? (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT) : -1;
  io_uring_cqe_seen(&room->uring.ring, cqe);
  return result;
}

/* Every buffer is taken, and the next receive finds none. Each returned buffer serves one more. */
static void test_take_until_empty_and_give(void **state) {
  struct room room;
  int ids[COUNT], id;
  char letter = 'a';
  (void)state;
  open_room(&room);
  assert_int_equal(room.bufring.out, 0);
  for (int i = 0; i < COUNT; i++, letter++) {
    assert_int_equal(write(room.pair[1], &letter, 1), 1);
    assert_int_equal(receive(&room, &ids[i]), 1);
    struct span bytes = bufring_take(&room.bufring, (uint16_t)ids[i], 1);
    assert_int_equal(bytes.len, 1);
    assert_int_equal(bytes.base[0], letter);
    for (int j = 0; j < i; j++)
      assert_int_not_equal(ids[i], ids[j]);
  }
  assert_int_equal(room.bufring.out, COUNT);
  assert_int_equal(write(room.pair[1], "zz", 2), 2);
  assert_int_equal(receive(&room, &id), -ENOBUFS);
  bufring_give(&room.bufring, (uint16_t)ids[2]);
  bufring_publish(&room.bufring);
  assert_int_equal(receive(&room, &id), 2);
  assert_int_equal(id, ids[2]);
  struct span bytes = bufring_take(&room.bufring, (uint16_t)id, 2);
  assert_memory_equal(bytes.base, "zz", 2);
  /* Held buffers are unchanged. */
  assert_int_equal(bufring_bytes(&room.bufring, (uint16_t)ids[0]).base[0], 'a');
  close_room(&room);
}

/* Many times round, in an order that is not the ring's. */
static void test_many_rounds(void **state) {
  struct room room;
  int held = -1, id;
  uint8_t data[BYTES];
  (void)state;
  open_room(&room);
  for (int round = 0; round < 1000; round++) {
    memset(data, round, sizeof data);
    assert_int_equal(write(room.pair[1], data, sizeof data), BYTES);
    assert_int_equal(receive(&room, &id), BYTES);
    struct span bytes = bufring_take(&room.bufring, (uint16_t)id, BYTES);
    assert_memory_equal(bytes.base, data, BYTES);
    if (held >= 0) bufring_give(&room.bufring, (uint16_t)held);
    bufring_publish(&room.bufring);
    held = id;
  }
  assert_int_equal(room.bufring.out, 1);
  close_room(&room);
}

/* Runs `wrong` in a child; returns the signal that ended it. */
static int signal_of(void (*wrong)(struct bufring *bufring)) {
  pid_t child = fork();
  if (child == 0) {
    struct rlimit none = {0, 0};
    struct room room;
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGABRT, SIG_DFL);
    close(2);
    open_room(&room);
    wrong(&room.bufring);
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void give_what_is_the_kernels(struct bufring *bufring) {
  bufring_give(bufring, 1);
}

static void give_twice(struct bufring *bufring) {
  bufring_take(bufring, 1, 10);
  bufring_give(bufring, 1);
  bufring_give(bufring, 1);
}

static void take_twice(struct bufring *bufring) {
  bufring_take(bufring, 1, 10);
  bufring_take(bufring, 1, 10);
}

static void take_more_than_it_holds(struct bufring *bufring) {
  bufring_take(bufring, 1, BYTES + 1);
}

static void take_unknown(struct bufring *bufring) {
  bufring_take(bufring, COUNT, 1);
}

static void give_once(struct bufring *bufring) {
  bufring_take(bufring, 1, 10);
  bufring_give(bufring, 1);
}

/* Two sockets that share one buffer would show one peer's bytes to another, so the process ends
 * instead. */
static void test_mistakes_are_caught(void **state) {
  (void)state;
  assert_int_equal(signal_of(give_what_is_the_kernels), SIGABRT);
  assert_int_equal(signal_of(give_twice), SIGABRT);
  assert_int_equal(signal_of(take_twice), SIGABRT);
  assert_int_equal(signal_of(take_more_than_it_holds), SIGABRT);
  assert_int_equal(signal_of(take_unknown), SIGABRT);
  assert_int_equal(signal_of(give_once), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_take_until_empty_and_give),
      cmocka_unit_test(test_many_rounds),
      cmocka_unit_test(test_mistakes_are_caught),
  };
  return cmocka_run_group_tests_name("bufring", tests, NULL, NULL);
}
