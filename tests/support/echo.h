/*
 * support/echo.h - a machine that sends back what it receives, for the tests of io/.
 *
 * It keeps at most ECHO_BYTES, and wants no input while they are full. It lends its bytes in
 * several spans of uneven length, and checks the seam's contract from the machine's side: no ack
 * exceeds what was peeked, and no tick is early. It overwrites acked bytes, so that a host which
 * still reads them sends garbage. With `talk_bytes` set, it is a source: it ignores its input,
 * sends that many bytes of echo_byte(), and is done. With `end_bytes` set, its direction ends when it
 * has sent that many, and it throws away what still comes.
 */
#ifndef WEIR_TESTS_ECHO_H
#define WEIR_TESTS_ECHO_H

#include "engine/base/machine.h"

enum { ECHO_BYTES = 1 << 17 };

/* State that all machines of a test share. The test sets the first part before it starts its
 * worker. The worker writes the second part, and the test reads its counters with counter_get(). */
struct echo_world {
  uint64_t talk_bytes; /* 0: echo */
  uint64_t tick_ns;    /* 0: none; else a "!" is sent this long after birth */
  uint64_t end_bytes;  /* 0: its direction ends with the peer's */
  unsigned deaf_ticks; /* ended, it wants no input before so many ticks, tick_ns apart */
  uint64_t reset_at;   /* 0: never; else a machine that has received so many bytes wants a reset */
  bool refuse;         /* echo_create() fails */
  bool never_done;     /* a drain is ignored */
  bool idle;           /* it never claims to have work in progress */

  uint64_t made, closed, drained, eofs, ticks;
  uint64_t full;     /* times that the buffer was full */
  uint64_t received; /* bytes */
  uint8_t peer_address[16];
  uint16_t peer_port;
};

/* Byte `index` of a source's output. */
uint8_t echo_byte(uint64_t index);

/* A machine_factory's create(): makes a machine of the echo_world at `ctx`, which must outlive it.
 * Returns false, having made nothing, if the world refuses or memory is out. */
bool echo_create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                 uint64_t now_ns, struct machine *out);

#endif
