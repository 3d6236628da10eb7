/*
 * h2/brief.h - server role: short answers that wait to be sent as a whole, HEADERS and DATA in one step.
 *
 * Most requests are answered at once by a few bytes that are in memory. If such a stream has no signal of priority,
 * the scheduler has nothing to decide about it beyond its urgency: all of its bytes fit into one turn. So the
 * streams that stand at one place of the scheduler's order wait here in that order, and h2/send.c sends them while
 * nothing as urgent is ready. The scheduler does not hear of them, and their fields are not copied.
 *
 * Whatever makes the order a matter for the scheduler makes all of them join it: a signal of priority, others that
 * are as urgent, windows or room that may not be enough. They are then queued as any other answer. Which one of
 * them sends next is decided as late as ever.
 */
#ifndef WEIR_H2_BRIEF_H
#define WEIR_H2_BRIEF_H

#include "engine/h2/limits.h"
#include "engine/h2/stream.h"

/* Room for the frames of one of them. Derived from the bound of its content, the same of its fields, and what
 * h2_section_room() adds to these. */
enum { H2_BRIEF_ROOM_BYTES = 2 * H2_BRIEF_BYTES_MAX + 256 };

/* Queues the final response of a stream, with the status and the body that it has. Keeps the set until the body is
 * closed. False when it does not go as a whole: nothing has happened. */
__attribute__((warn_unused_result)) bool h2_brief_add(struct h2_stream *stream,
                                                      struct header_set *set);

/* Takes the stream out, if it is in. */
void h2_brief_remove(struct h2 *h2, struct h2_stream *stream);

/* The HEADERS of a stream that was taken out have been sent, and its body is longer than it was said to be: it takes
 * part in the scheduler's turns. */
void h2_brief_goes_on(struct h2_stream *stream);

/* All of them are queued as any other answer. */
void h2_brief_join(struct h2 *h2);

#endif
