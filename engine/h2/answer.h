/*
 * h2/answer.h - the functions that HTTP/2 provides to the handlers of streams.
 */
#ifndef WEIR_H2_ANSWER_H
#define WEIR_H2_ANSWER_H

#include "engine/http/stream.h"

/* For the base of every h2_stream. */
extern const struct stream_ops h2_stream_ops;

#endif
