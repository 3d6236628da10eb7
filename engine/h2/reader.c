/*
 * h2/reader.c - see h2/reader.h.
 */
#include "engine/h2/reader.h"

/* The stream of this frame has ended, and has returned the credit of the whole frame. The rest is
 * skipped. */
static void data_orphaned(struct h2 *h2) {
  struct h2_reader *reader = &h2->reader;
  reader->data = NULL;
  if (reader->phase == H2_READ_PADLEN) return; /* first the padding must be checked */
  h2_reader_enter(reader, H2_READ_SKIP, reader->left + reader->padding);
}

void h2_reader_forget(struct h2 *h2, const struct h2_stream *stream) {
  if (h2->reader.data == stream) data_orphaned(h2);
}

bool h2_reader_alloc(struct h2 *h2) {
  struct h2_reader *reader = &h2->reader;
  bool pooled = reader->frame.length <= H2_FRAME_BYTES_DEFAULT;
  reader->payload_size = pooled ? H2_FRAME_BYTES_DEFAULT : reader->frame.length;
  reader->payload = pooled ? pool_take(&h2->shared->frames)
                           : memory_alloc(h2->http->memory, reader->payload_size);
  return reader->payload != NULL;
}

void h2_reader_free(struct h2 *h2) {
  struct h2_reader *reader = &h2->reader;
  if (!reader->payload) return;
  if (reader->payload_size == H2_FRAME_BYTES_DEFAULT)
    pool_give(&h2->shared->frames, reader->payload);
  else
    memory_free(h2->http->memory, reader->payload, reader->payload_size);
  reader->payload = NULL;
}
