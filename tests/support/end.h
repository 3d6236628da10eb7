/*
 * support/end.h - the machine at one end of a connection, for tests of the layers between two of
 * them. It sends a pattern of a chosen length in spans of random sizes, checks that it receives
 * that pattern, and can be told to stop after a number of bytes. Owner: embedded in the test's own
 * struct; nothing is allocated.
 */
#ifndef WEIR_TESTS_END_H
#define WEIR_TESTS_END_H

#include "engine/base/machine.h"
#include "tests/support/random.h"

struct end {
  struct machine_host *host;
  struct machine_peer peer; /* as given to end_create() */
  char protocol[32];        /* the peer's application protocol, copied */
  bool created, closed, drained, eof, done;
  bool reset;          /* it wants its connection cut */
  bool ended;          /* it says so once all is sent */
  bool refuse;         /* end_create() fails */
  uint64_t send_total; /* total of pattern bytes to send */
  uint64_t sent;       /* acked */
  uint64_t received;
  uint64_t receive_max; /* it takes no more than this */
  uint64_t wrong;       /* received bytes that were not the pattern */
  size_t span_bytes;    /* 0: random sizes; else spans of this size */
  bool vaults;          /* it sends vaulted spans where it may, and takes them */
  uint64_t vaulted;     /* received bytes that were vaulted */
  uint32_t loans;       /* of what it sends */
  uint64_t deadline_ns, ticks;
  struct random random;
  uint8_t window[65536 + 256]; /* the pattern, long enough for any offset modulo 256 */
};

/* Byte `at` of the pattern; it repeats after 256. */
uint8_t end_pattern(uint64_t at);

/* A vaulted span stands for a part of the pattern: from byte `at` on. end_seen() says which. */
struct span end_vaulted(uint64_t at, size_t len);
uint64_t end_seen(struct span vaulted);

/* Prepares an end that will send `send_total` bytes, receives without limit and has no deadline. */
void end_init(struct end *end, uint64_t send_total);

/* A machine_factory's create(): makes the end at `ctx` a machine. Returns false if the end was
 * told to refuse. */
bool end_create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                uint64_t now_ns, struct machine *out);

#endif
