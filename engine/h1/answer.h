/*
 * h1/answer.h - the functions that HTTP/1.1 provides to the handlers of streams.
 */
#ifndef WEIR_H1_ANSWER_H
#define WEIR_H1_ANSWER_H

#include "engine/http/stream.h"

/* For the base of every h1_stream. */
extern const struct stream_ops h1_stream_ops;

#endif
