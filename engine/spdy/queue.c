/*
 * spdy/queue.c - see spdy/queue.h.
 */
#include "engine/spdy/queue.h"

#include "engine/spdy/connection.h"

#include <assert.h>
#include <string.h>

/* ---- chunks ---------------------------------------------------------------------------------- */

static struct spdy_chunk *chunk_alloc(struct spdy *spdy, size_t bytes) {
  const size_t usual = SPDY_CHUNK_BYTES - sizeof(struct spdy_chunk);
  bool pooled = bytes <= usual;
  size_t size = pooled ? usual : bytes;
  struct spdy_chunk *chunk =
      pooled ? pool_take(&spdy->shared->chunks)
             : memory_alloc(spdy->http->memory, sizeof(struct spdy_chunk) + size);
  if (chunk) *chunk = (struct spdy_chunk){.size = (uint32_t)size};
  return chunk;
}

static void chunk_free(struct spdy *spdy, struct spdy_chunk *chunk) {
  if (chunk->size == SPDY_CHUNK_BYTES - sizeof(struct spdy_chunk))
    pool_give(&spdy->shared->chunks, chunk);
  else
    memory_free(spdy->http->memory, chunk, sizeof *chunk + chunk->size);
}

static uint32_t end_of(const struct spdy_chunk *chunk) {
  return chunk->from + chunk->len;
}

/* The last chunk, if `bytes` bytes fit behind what it holds; or else a new one. NULL: memory was refused. */
static struct spdy_chunk *chunk_for(struct spdy *spdy, size_t bytes) {
  struct spdy_queue *queue = &spdy->queue;
  if (queue->last && end_of(queue->last) + bytes <= queue->last->size) return queue->last;
  struct spdy_chunk *chunk = chunk_alloc(spdy, bytes);
  if (!chunk) return NULL;
  if (!queue->first) {
    queue->since_ns = spdy->now_ns;
    queue->first = chunk;
  } else {
    queue->last->next = chunk;
  }
  queue->last = chunk;
  return chunk;
}

uint8_t *spdy_queue_room(struct spdy *spdy, size_t bytes) {
  if (spdy->lost) return NULL;
  struct spdy_chunk *chunk = chunk_for(spdy, bytes);
  if (!chunk) {
    spdy->lost = true; /* not even a GOAWAY can be sent */
    return NULL;
  }
  return chunk->bytes + end_of(chunk);
}

void spdy_queue_wrote(struct spdy *spdy, const uint8_t *end) {
  struct spdy_chunk *chunk = spdy->queue.last;
  uint32_t len = (uint32_t)(end - (chunk->bytes + end_of(chunk)));
  chunk->len += len;
  assert(end_of(chunk) <= chunk->size);
  spdy->queue.bytes += len;
}

static void first_free(struct spdy *spdy) {
  struct spdy_queue *queue = &spdy->queue;
  struct spdy_chunk *chunk = queue->first;
  queue->first = chunk->next;
  if (!queue->first) queue->last = NULL;
  queue->bytes -= chunk->len;
  chunk_free(spdy, chunk);
}

bool spdy_queue_send(struct spdy *spdy) {
  struct out *out = &spdy->out;
  while (spdy->queue.first) {
    struct spdy_chunk *chunk = spdy->queue.first;
    if (!out_has_room(out, 1)) return false;
    uint32_t take = (uint32_t)spdy_min(chunk->len, out_room(out));
    memcpy(out_at(out), chunk->bytes + chunk->from, take);
    out_wrote(out, out_at(out) + take);
    chunk->from += take;
    chunk->len -= take;
    spdy->queue.bytes -= take;
    spdy->queue.since_ns = spdy->now_ns; /* the peer takes them */
    if (chunk->len == 0) first_free(spdy);
  }
  return true;
}

void spdy_queue_free(struct spdy *spdy) {
  while (spdy->queue.first)
    first_free(spdy);
}

void spdy_wake(struct spdy *spdy) {
  if (!spdy->in_call && spdy->host) spdy->host->wake(spdy->host);
}

/* ---- small frames ---------------------------------------------------------------------------- */

void spdy_rst_stream(struct spdy *spdy, uint32_t id, uint32_t status) {
  uint8_t *room = spdy_queue_room(spdy, SPDY_RST_STREAM_BYTES);
  if (!room) return;
  spdy_queue_wrote(spdy, spdy_frame_rst_stream_encode(room, id, status));
  counter_add(&spdy->shared->counters.resets_sent, 1);
}

void spdy_goaway(struct spdy *spdy, enum spdy_goaway status) {
  uint8_t *room = spdy_queue_room(spdy, SPDY_GOAWAY_BYTES);
  if (!room) return;
  spdy_queue_wrote(spdy, spdy_frame_goaway_encode(room, spdy->peer_id_handled, status));
  counter_add(&spdy->shared->counters.goaways_sent, 1);
}

void spdy_pong(struct spdy *spdy, uint32_t ping_id) {
  uint8_t *room = spdy_queue_room(spdy, SPDY_PING_BYTES);
  if (room) spdy_queue_wrote(spdy, spdy_frame_ping_encode(room, ping_id));
}

/* Identifiers of a client's PINGs are odd, those of a server's even; 0 is none. */
uint32_t spdy_ping(struct spdy *spdy) {
  uint32_t id = spdy->ping_id_next;
  spdy->ping_id_next = id + 2 > id ? id + 2 : spdy->server ? 2 : 1;
  spdy_pong(spdy, id);
  spdy_wake(spdy);
  return id;
}

/* ---- header blocks --------------------------------------------------------------------------- */

static size_t fixed_bytes(const struct spdy_plan *plan) {
  return plan->type == SPDY_SYN_STREAM ? SPDY_SYN_STREAM_BYTES : SPDY_SYN_REPLY_BYTES;
}

static uint8_t *put_fixed(uint8_t *at, uint32_t id, const struct spdy_plan *plan, uint32_t block) {
  switch (plan->type) {
  case SPDY_SYN_STREAM:
    return spdy_frame_syn_stream_encode(at, plan->flags, id, plan->associated_id, plan->priority,
                                        block);
  case SPDY_SYN_REPLY: return spdy_frame_syn_reply_encode(at, plan->flags, id, block);
  default: return spdy_frame_headers_encode(at, plan->flags, id, block);
  }
}

/* The block goes first, behind room for the fixed part, which says how long it is. */
bool spdy_queue_block(struct spdy_stream *stream, const struct spdy_plan *plan) {
  struct spdy *spdy = stream->spdy;
  size_t fixed = fixed_bytes(plan), bound = spdy_block_bound(plan->fields, plan->count);
  if (bound > SPDY_SEND_BLOCK_BYTES_MAX || !spdy_block_writer_ready(&spdy->blocks_out))
    return false;
  uint8_t *room = spdy_queue_room(spdy, fixed + bound);
  if (!room) return false;
  uint8_t *end = spdy_block_write(&spdy->blocks_out, plan->fields, plan->count, room + fixed);
  size_t block = (size_t)(end - room) - fixed;
  put_fixed(room, stream->id, plan, (uint32_t)block);
  spdy_queue_wrote(spdy, end);
  stream->header_sent += fixed + block;
  return true;
}
