/*
 * h2/reader.h - how far the received bytes have been read: the phase of h2_reader, and the buffer
 * of a frame that is split over receives. h2/recv.c does the reading.
 * Memory: shared->frames; http->memory for larger frames.
 */
#ifndef WEIR_H2_READER_H
#define WEIR_H2_READER_H

#include "engine/h2/connection.h"

/* Begins a phase with `left` bytes of payload. */
static inline void h2_reader_enter(struct h2_reader *reader, enum h2_read_phase phase,
                                   uint32_t left) {
  reader->phase = phase;
  reader->left = left;
}

static inline void h2_reader_next_frame(struct h2_reader *reader) {
  h2_reader_enter(reader, H2_READ_HEADER, 0);
  reader->have = 0;
  reader->data = NULL;
  reader->begun_ns = 0;
}

/* The stream ends: the rest of its DATA frame is skipped. */
void h2_reader_forget(struct h2 *h2, const struct h2_stream *stream);

/* Takes a buffer for the payload of the current frame. False when memory was refused. */
__attribute__((warn_unused_result)) bool h2_reader_alloc(struct h2 *h2);

/* Frees the buffer, if there is one. */
void h2_reader_free(struct h2 *h2);

#endif
