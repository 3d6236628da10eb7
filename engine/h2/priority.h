/*
 * h2/priority.h - passes HTTP/2's priority signals to the scheduler.
 * Spec: RFC 9218 (the `priority` field, PRIORITY_UPDATE), RFC 7540 section 5.3 (PRIORITY, and the
 * priority in HEADERS).
 */
#ifndef WEIR_H2_PRIORITY_H
#define WEIR_H2_PRIORITY_H

#include "engine/h2/priority_said.h"
#include "engine/h2/set_note.h"
#include "engine/h2/stream.h"

struct h2;

/* Begins a connection's scheduler; gives its memory back. */
void h2_priority_init(struct h2 *h2);
void h2_priority_close(struct h2 *h2);

/* Lets the scheduler find the streams of `h2`, which is new, or has moved, and has none. detach(): before it moves. */
void h2_priority_attach(struct h2 *h2);
void h2_priority_detach(struct h2 *h2);

/* The peer's SETTINGS have been applied. */
void h2_priority_settings(struct h2 *h2);

/* What a request says. */
struct h2_priority_said h2_priority_said_of(const struct h2 *h2, const struct request *request);

/* Whether that, its HEADERS frame, or a PRIORITY_UPDATE that came before says anything: if not, the stream need not
 * take part in the scheduler's turns yet. `dependency` is that of its HEADERS frame, or NULL. */
bool h2_priority_is_said(const struct h2 *h2, const struct h2_priority_said *said,
                         const struct h2_dependency *dependency);

/* Passes that on. */
void h2_priority_request(struct h2_stream *stream, const struct h2_priority_said *said,
                         const struct h2_dependency *dependency);

/* Passes on what its response adds: a class of content, a `priority` field, a head start. */
void h2_priority_response(struct h2_stream *stream, const struct header *fields, size_t count);

/* The same in two steps, for fields that repeat: what is the same each time is noted once. */
void h2_priority_note(const struct h2 *h2, struct h2_set_note *note, struct span content_type);
void h2_priority_response_set(struct h2_stream *stream, const struct header_set *set);

/* Where the stream would stand after h2_priority_response_set(); false when the class of the content does not say
 * that alone. */
__attribute__((warn_unused_result)) bool h2_priority_place(const struct h2_stream *stream,
                                                           const struct h2_set_note *note,
                                                           struct sched_place *out);

/* How many first bytes of the response are needed early, as the handler says: stream_head_start(). */
void h2_priority_head_start(struct h2_stream *stream, uint64_t first_bytes);

/* Rules in place of the server's: stream_head_start_rules(). */
void h2_priority_head_start_rules(struct h2_stream *stream, const struct head_start_rules *rules,
                                  struct span path);

/* PRIORITY for any stream. */
__attribute__((warn_unused_result)) struct h2_verdict
h2_priority_depend(struct h2 *h2, uint32_t id, const struct h2_dependency *dependency);

/* PRIORITY_UPDATE for stream `id` (RFC 9218 section 7.1). */
__attribute__((warn_unused_result)) struct h2_verdict h2_priority_update(struct h2 *h2, uint32_t id,
                                                                         struct span field);

#endif
