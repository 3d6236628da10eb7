/*
 * h2/queue.h - what streams have to send: header sections, in the order they were asked for, and
 * bodies, in the order that sched/sched.h decides. h2/send.c takes from both.
 * Memory: that of h2/section.h.
 */
#ifndef WEIR_H2_QUEUE_H
#define WEIR_H2_QUEUE_H

#include "engine/h2/stream.h"

/* A header section to be sent. Borrows the fields. */
struct h2_section_plan {
  const struct header *fields;
  size_t count;
  enum h2_frame_type type; /* H2_HEADERS or H2_PUSH_PROMISE */
  uint32_t promised_id;    /* of a promise */
  unsigned status;         /* of a response; 0: none */
  bool end_stream;
};

/* Queues a copy of the section. False: it is too large, or memory was refused. */
__attribute__((warn_unused_result)) bool h2_queue_section(struct h2_stream *stream,
                                                          const struct h2_section_plan *plan);

/* The same for a final response of the server whose fields `set` lends, and that has a body. */
__attribute__((warn_unused_result)) bool h2_queue_set(struct h2_stream *stream, unsigned status,
                                                      struct header_set *set);

/* Keeps a copy of the fields until the body has ended. False as above. */
__attribute__((warn_unused_result)) bool
h2_queue_trailers(struct h2_stream *stream, const struct header *fields, size_t count);

/* Queues a section that is ready. Takes it. */
void h2_queue_append(struct h2_stream *stream, struct h2_section *section);

/* The body may be at its end without our knowing, and no window is left to ask for more: asking for
 * nothing tells, and the end needs no window (section 6.9.1). */
void h2_queue_probe(struct h2_stream *stream);

/* Takes the stream out of the queue of header sections and probes. */
void h2_queue_remove(struct h2 *h2, struct h2_stream *stream);

/* Puts the stream in or out of the scheduler, as its body, window and state say. */
void h2_queue_schedule(struct h2_stream *stream);

#endif
