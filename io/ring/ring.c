/*
 * ring/ring.c - see ring/ring.h.
 */
#include "io/ring/ring.h"

#include <assert.h>
#include <string.h>

/* What links may ask of a poller: what they would of the newest kernel. */
static unsigned poller_features(unsigned disabled) {
  unsigned all =
      URING_MULTISHOT_ACCEPT | URING_MULTISHOT_RECV | URING_BUFFER_RING | URING_INLINE_SEND;
  if (disabled & URING_BUFFER_RING) disabled |= URING_MULTISHOT_RECV;
  return all & ~disabled;
}

bool ring_open(struct ring *ring, enum ring_choice engine, unsigned disabled,
               struct bufring *bufring, struct io_error *error) {
  assert(engine != RING_AUTO);
  *ring = (struct ring){.features = 0};
  if (engine == RING_EPOLL) {
    ring->poller = poller_open(bufring, error);
    ring->features = poller_features(disabled);
    return ring->poller;
  }
  if (!uring_open(&ring->uring, disabled, error)) return false;
  ring->features = ring->uring.features;
  return true;
}

void ring_close(struct ring *ring) {
  if (ring->poller)
    poller_close(ring->poller);
  else
    uring_close(&ring->uring);
}

void ring_explain_refused(const struct ring *ring, struct io_error *error) {
  int code = ring_refused(ring);
  if (ring->poller)
    io_error_set(error, code, "epoll is refused: %s", strerror(code));
  else
    uring_explain_refused(&ring->uring, error);
}
