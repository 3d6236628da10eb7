/*
 * h2/send.h - makes a connection's output, when the transport asks for it.
 */
#ifndef WEIR_H2_SEND_H
#define WEIR_H2_SEND_H

#include "engine/base/machine.h"

struct h2;
struct h2_stream;
struct header_set;

/* Whether anything can be sent now. */
bool h2_send_wanted(const struct h2 *h2);

/* As machine_ops.send_peek and .send_ack. */
size_t h2_send_peek(struct h2 *h2, struct span *spans, size_t max, size_t budget_bytes);
void h2_send_ack(struct h2 *h2, size_t bytes);

/* Client role: makes the HEADERS of a request, whose stream has just been opened, at once. False when others
 * go first or there is no room: it has to be queued. Borrows the set. */
__attribute__((warn_unused_result)) bool h2_send_request(struct h2 *h2, struct h2_stream *stream,
                                                         struct header_set *set);

/* Drops all output. */
void h2_send_free(struct h2 *h2);

#endif
