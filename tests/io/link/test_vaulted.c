/*
 * link/test_vaulted.c - bytes that one link receives and another sends, vaulted where there are many: all of them arrive,
 * in their order. Links, ring and sockets are real: TCP on loopback.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/cmocka.h"
#include "tests/support/meter.h"

enum { BYTES = 3000000, FRAME = 100000, ROOM = 600000, PIECES = 64, TURNS_MAX = 100000 };

static struct meter_worker worker;

int clock_gettime(clockid_t clock, struct timespec *out) {
  if (clock != CLOCK_MONOTONIC) return (int)syscall(SYS_clock_gettime, clock, out);
  *out = (struct timespec){.tv_sec = (time_t)(meter_now_ns / IO_SECOND),
                           .tv_nsec = (long)(meter_now_ns % IO_SECOND)};
  return 0;
}

static unsigned pushes;

int setsockopt(int fd, int level, int name, const void *value, socklen_t len) {
  pushes += level == IPPROTO_TCP && name == TCP_NODELAY;
  return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
}

/* ---- two machines: what one receives the other sends ----------------------------------------- */

struct piece {
  struct span left;
  uint8_t *copy; /* NULL: it is vaulted */
};

static struct {
  struct machine_vault *vault;
  struct machine_host *sender;
  struct piece pieces[PIECES];
  size_t count, bytes;
  uint64_t vaulted, read; /* bytes that came so or so */
  size_t head;            /* of each FRAME bytes so many are looked at, and never come vaulted */
  bool lies;              /* it takes less than it said */
  bool eof;
  unsigned open;
} relay;

static size_t relay_recv(void *self, struct span in, uint64_t now_ns) {
  struct piece *piece = &relay.pieces[relay.count++];
  (void)self, (void)now_ns;
  assert_true(relay.count <= PIECES);
  *piece = (struct piece){.left = in};
  if (!span_is_vaulted(in)) {
    piece->copy = malloc(in.len);
    memcpy(piece->copy, in.base, in.len);
    piece->left.base = piece->copy;
  } else if (relay.lies) {
    relay.count--;
    return in.len - 1;
  } else {
    relay.vault->hold(relay.vault, in);
  }
  *(piece->copy ? &relay.read : &relay.vaulted) += in.len;
  relay.bytes += in.len;
  relay.sender->wake(relay.sender);
  return in.len;
}

static size_t relay_takes_vaulted(const void *self) {
  size_t at = (relay.vaulted + relay.read) % FRAME;
  (void)self;
  if (!relay.head) return SIZE_MAX;
  return at < relay.head ? 0 : FRAME - at;
}

static unsigned recv_wants(const void *self) {
  (void)self;
  return !relay.eof && relay.bytes < ROOM && relay.count < PIECES / 2 ? MACHINE_RECV : 0;
}

static void relay_eof(void *self, uint64_t now_ns) {
  (void)self, (void)now_ns;
  relay.eof = true;
}

static size_t relay_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                         uint64_t now_ns) {
  size_t count = 0;
  (void)self, (void)budget_bytes, (void)now_ns;
  for (; count < max && count < relay.count; count++)
    out[count] = relay.pieces[count].left;
  return count;
}

static void drop_first(void) {
  struct piece *first = &relay.pieces[0];
  if (!first->copy) relay.vault->release(relay.vault, span_of(first->left.base - 1, 1));
  free(first->copy);
  memmove(first, first + 1, --relay.count * sizeof *first);
}

static void relay_ack(void *self, size_t bytes, uint64_t now_ns) {
  (void)self, (void)now_ns;
  relay.bytes -= bytes;
  while (bytes > 0) {
    struct span *left = &relay.pieces[0].left;
    size_t take = bytes < left->len ? bytes : left->len;
    *left = span_of(left->base + take, left->len - take);
    bytes -= take;
    if (left->len == 0) drop_first();
  }
}

static unsigned send_wants(const void *self) {
  (void)self;
  return relay.bytes > 0 ? MACHINE_SEND : 0;
}

static void nothing_happens(void *self, uint64_t now_ns) {
  (void)self, (void)now_ns;
}

static uint64_t no_deadline_ns(const void *self) {
  (void)self;
  return MACHINE_NO_DEADLINE;
}

static void relay_close(void *self) {
  (void)self;
  relay.open--;
}

static bool create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                   uint64_t now_ns, struct machine *out) {
  static const struct machine_ops receiver = {.recv = relay_recv,
                                              .takes_vaulted = relay_takes_vaulted,
                                              .recv_eof = relay_eof,
                                              .tick = nothing_happens,
                                              .deadline_ns = no_deadline_ns,
                                              .wants = recv_wants,
                                              .drain = nothing_happens,
                                              .close = relay_close},
                                  sender = {.send_peek = relay_peek,
                                            .send_ack = relay_ack,
                                            .tick = nothing_happens,
                                            .deadline_ns = no_deadline_ns,
                                            .wants = send_wants,
                                            .drain = nothing_happens,
                                            .close = relay_close};
  (void)now_ns;
  relay.open++;
  relay.vault = peer->vault;
  if (ctx) relay.sender = host;
  *out = (struct machine){.ops = ctx ? &sender : &receiver, .self = &relay};
  return true;
}

/* ---- the stage ------------------------------------------------------------------------------- */

static int from, to; /* the peers' sockets, which do not block */
static int room;     /* of the sending link's socket; 0: as the kernel likes */

static int connect_link(bool sends) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (sends && room > 0)
    assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
  int theirs = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(connect(theirs, (struct sockaddr *)&address, len), 0);
  int ours = accept(listener, NULL, NULL);
  close(listener);
  assert_int_equal(fcntl(theirs, F_SETFL, O_NONBLOCK), 0);
  const struct machine_factory factory = {.ctx = sends ? &relay : NULL, .create = create};
  assert_non_null(link_create(&worker.links, ours, &factory));
  return theirs;
}

static void begin(void) {
  signal(SIGPIPE, SIG_IGN);
  memset(&relay, 0, sizeof relay);
  meter_begin(&worker, 2);
  to = connect_link(true);
  from = connect_link(false);
}

static void end(void) {
  while (relay.count > 0)
    drop_first();
  assert_int_equal(worker.links.vault.free_count, VAULT_CELLS);
  meter_end(&worker, NULL, 0);
  assert_int_equal(relay.open, 0);
  close(from);
  close(to);
}

static uint8_t pattern(uint64_t at) {
  return (uint8_t)(at * 31 + at / 251);
}

static size_t write_some(uint64_t at, size_t max) {
  static uint8_t bytes[BYTES];
  if (max > BYTES - at) max = (size_t)(BYTES - at);
  for (size_t i = 0; i < max; i++)
    bytes[i] = pattern(at + i);
  ssize_t wrote = max ? write(from, bytes, max) : 0;
  return wrote > 0 ? (size_t)wrote : 0;
}

static size_t read_some(uint64_t at, size_t max) {
  static uint8_t bytes[BYTES];
  ssize_t got = read(to, bytes, max);
  for (ssize_t i = 0; i < got; i++)
    if (bytes[i] != pattern(at + (uint64_t)i)) fail_msg("byte %d is wrong", (int)at + (int)i);
  return got > 0 ? (size_t)got : 0;
}

/* Sends BYTES in writes of at most `write_max`, read in reads of at most `read_max` every turn. */
static void pass(size_t write_max, size_t read_max) {
  uint64_t wrote = 0, got = 0;
  for (unsigned turns = 0; got < BYTES; turns++) {
    assert_true(turns < TURNS_MAX);
    wrote += write_some(wrote, write_max);
    meter_turns(&worker, 1);
    got += read_some(got, read_max);
  }
  assert_int_equal(relay.vaulted + relay.read, BYTES);
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* However fast one side writes and the other reads. Of many bytes few are read. What comes in pieces that are much
 * shorter than VAULT_LEAST_BYTES is not vaulted. */
static void test_bytes(void **state) {
  (void)state;
  static const struct {
    size_t write_max, read_max, head;
    uint64_t read_max_bytes, vaulted_max_bytes;
  } rows[] = {
      {1000000, 1000000, 0, BYTES / 4, BYTES},
      {1000000, 1000000, IO_BETWEEN_BYTES, BYTES / 12, BYTES},
      {1000000, 5000, 0, BYTES / 4, BYTES},
      {200000, 30000, 18, BYTES, BYTES},
      {VAULT_LEAST_BYTES / 4, 1000000, 0, BYTES, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    begin();
    relay.head = rows[i].head;
    pass(rows[i].write_max, rows[i].read_max);
    assert_true(relay.read <= rows[i].read_max_bytes);
    assert_true(relay.vaulted <= rows[i].vaulted_max_bytes);
    end();
  }
}

/* What a full socket took of a span does not wait for the rest: it is pushed. */
static void test_pushes(void **state) {
  (void)state;
  room = 65536;
  begin();
  room = 0;
  pushes = 0;
  uint64_t wrote = 0;
  for (unsigned turns = 0; pushes == 0; turns++) {
    assert_true(turns < TURNS_MAX);
    wrote += write_some(wrote, 1000000);
    meter_turns(&worker, 1);
  }
  assert_true(relay.vaulted > 0);
  end();
}

/* The end comes behind the bytes, and a reset ends the link. */
static void test_ends(void **state) {
  (void)state;
  for (int resets = 0; resets < 2; resets++) {
    begin();
    pass(1000000, 1000000);
    struct linger reset = {.l_onoff = 1};
    if (resets) assert_int_equal(setsockopt(from, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    assert_int_equal(resets ? close(from) : shutdown(from, SHUT_WR), 0);
    if (resets) from = -1;
    meter_turns(&worker, 10);
    assert_int_equal(relay.eof, !resets);
    assert_int_equal(relay.open, resets ? 1 : 2);
    end();
  }
}

/* Links whose vault has no cell left receive as usual. */
static void test_no_cells(void **state) {
  (void)state;
  begin();
  uint16_t free_count = worker.links.vault.free_count;
  worker.links.vault.free_count = 0;
  pass(1000000, 1000000);
  assert_int_equal(relay.vaulted, 0);
  worker.links.vault.free_count = free_count;
  end();
}

/* A machine that does not take what it said it would loses its link; the bytes are thrown away. */
static void test_lies(void **state) {
  (void)state;
  begin();
  relay.lies = true;
  uint64_t wrote = 0;
  for (unsigned turns = 0; relay.open == 2 && turns < 1000; turns++) {
    wrote += write_some(wrote, 1000000);
    meter_turns(&worker, 1);
  }
  assert_int_equal(relay.open, 1);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bytes),    cmocka_unit_test(test_pushes), cmocka_unit_test(test_ends),
      cmocka_unit_test(test_no_cells), cmocka_unit_test(test_lies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
