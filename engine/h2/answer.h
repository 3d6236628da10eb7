/*
 * h2/answer.h - the functions that HTTP/2 provides to the handlers of streams.
 */
#ifndef WEIR_H2_ANSWER_H
#define WEIR_H2_ANSWER_H

#include "engine/http/stream.h"

struct h2;

/* For the base of every h2_stream. */
extern const struct stream_ops h2_stream_ops;

/* Gives handlers what was kept for tunnels that they have made: at the end of a machine call, so that
 * stream_tunnel() does not call them. */
void h2_answer_deliver(struct h2 *h2);

#endif
