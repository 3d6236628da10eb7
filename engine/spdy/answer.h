/*
 * spdy/answer.h - what handlers can do with their streams.
 * Spec: SPDY/3.1 sections 2.3 and 3.
 */
#ifndef WEIR_SPDY_ANSWER_H
#define WEIR_SPDY_ANSWER_H

#include "engine/http/stream.h"

struct spdy;

extern const struct stream_ops spdy_stream_ops;

/* Gives handlers what came for tunnels before they were accepted. To be called at the end of a machine call. */
void spdy_answer_deliver(struct spdy *spdy);

#endif
