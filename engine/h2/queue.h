/*
 * h2/queue.h - what streams have to send: header sections in the order in which they were queued,
 * and bodies in the order in which sched/sched.h picks them. h2/send.c takes from both.
 * Memory: as in h2/section.h.
 */
#ifndef WEIR_H2_QUEUE_H
#define WEIR_H2_QUEUE_H

#include "engine/h2/stream.h"

/* A header section to be sent. Its fields are borrowed. */
struct h2_section_plan {
  const struct header *fields;
  size_t count;
  enum h2_frame_type type; /* H2_HEADERS or H2_PUSH_PROMISE */
  uint32_t promised_id;    /* of a promise */
  unsigned status;         /* of a response; 0: none */
  bool end_stream;
};

/* Queues a copy of the section. False when it is too large, or memory was refused. */
__attribute__((warn_unused_result)) bool h2_queue_section(struct h2_stream *stream,
                                                          const struct h2_section_plan *plan);

/* The same with fields that `set` lends: a server's final response with a body, or a client's request (status
 * 0). */
__attribute__((warn_unused_result)) bool h2_queue_set(struct h2_stream *stream, unsigned status,
                                                      struct header_set *set, bool end_stream);

/* Keeps a copy of the fields until the body has ended. False as above. */
__attribute__((warn_unused_result)) bool
h2_queue_trailers(struct h2_stream *stream, const struct header *fields, size_t count);

/* Queues a section that is complete, and takes it. */
void h2_queue_append(struct h2_stream *stream, struct h2_section *section);

/* Asks the body whether it has ended, when no window is left to ask it for bytes: the end needs no
 * window (section 6.9.1). */
void h2_queue_probe(struct h2_stream *stream);

/* Takes the stream out of the queue of sections and questions. */
void h2_queue_remove(struct h2 *h2, struct h2_stream *stream);

/* The stream takes part in the scheduler's turns from now on, if it did not already. */
void h2_queue_take_part(struct h2_stream *stream);

/* Tells the scheduler whether the stream has something to send, by its body, window and state. */
void h2_queue_schedule(struct h2_stream *stream);

#endif
