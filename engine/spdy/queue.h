/*
 * spdy/queue.h - control frames and header blocks that wait to be sent, one after another.
 * Spec: SPDY/3.1 section 2.6.
 *
 * Everything but DATA goes through here, in the order in which it was queued, and leaves before DATA. A block
 * is compressed when it is queued, so it must leave whatever becomes of its stream: the peer's zlib stream
 * counts on it.
 * Memory: shared->chunks, larger ones http->memory. When it is refused the session is lost, since a frame that is
 * missing would break it; `lost` tells.
 */
#ifndef WEIR_SPDY_QUEUE_H
#define WEIR_SPDY_QUEUE_H

#include "engine/spdy/frame.h"
#include "engine/spdy/stream.h"

/* Room for `bytes` more bytes; spdy_queue_wrote() says where they end. NULL: memory was refused, and the session
 * is lost. */
__attribute__((warn_unused_result)) uint8_t *spdy_queue_room(struct spdy *spdy, size_t bytes);
void spdy_queue_wrote(struct spdy *spdy, const uint8_t *end);

/* Moves as many bytes as fit to the output. False: some are left. */
__attribute__((warn_unused_result)) bool spdy_queue_send(struct spdy *spdy);

void spdy_queue_free(struct spdy *spdy);

/* Tells the host that there is something to send. Does nothing within a machine call, because the
 * host asks after it. */
void spdy_wake(struct spdy *spdy);

/* ---- frames ---------------------------------------------------------------------------------- */

void spdy_rst_stream(struct spdy *spdy, uint32_t id, uint32_t status);
void spdy_goaway(struct spdy *spdy, enum spdy_goaway status);
void spdy_pong(struct spdy *spdy, uint32_t ping_id);

/* Queues a PING of our own and returns its identifier. */
uint32_t spdy_ping(struct spdy *spdy);

/* A frame with a header block. `type`: SPDY_SYN_STREAM, SPDY_SYN_REPLY or SPDY_HEADERS. */
struct spdy_plan {
  enum spdy_frame_type type;
  uint8_t flags;
  uint8_t priority;       /* of SYN_STREAM */
  uint32_t associated_id; /* of SYN_STREAM */
  const struct header *fields;
  size_t count;
};

/* Queues it for `stream`. False when it is too large, or memory was refused; then nothing was queued, and the
 * zlib stream is as it was. */
__attribute__((warn_unused_result)) bool spdy_queue_block(struct spdy_stream *stream,
                                                          const struct spdy_plan *plan);

#endif
