/*
 * h1/send.h - output: the answer of the first request in the queue, then that of the next.
 */
#ifndef WEIR_H1_SEND_H
#define WEIR_H1_SEND_H

#include "engine/h1/connection.h"

/* Makes output until there are `budget_bytes` of it, or nothing to make. */
void h1_send_compose(struct h1 *h1, size_t budget_bytes);

/* Puts a head into the output at once, if it is the stream's turn and there is room. False: it has to wait. Until the
 * handler's call returns, h1_fault_abort() can take it back. */
__attribute__((warn_unused_result)) bool h1_send_head(struct h1_stream *stream, struct span head);

/* For the machine. */
size_t h1_send_peek(struct h1 *h1, struct span *spans, size_t max, size_t budget_bytes);
void h1_send_ack(struct h1 *h1, size_t bytes);
__attribute__((warn_unused_result)) bool h1_send_wanted(const struct h1 *h1);
void h1_send_free(struct h1 *h1);

#endif
