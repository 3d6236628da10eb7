/*
 * h2/answer.h - what HTTP/2 does for the handler of a stream.
 */
#ifndef WEIR_H2_ANSWER_H
#define WEIR_H2_ANSWER_H

#include "engine/http/stream.h"

/* Of every h2_stream's base. */
extern const struct stream_ops h2_stream_ops;

#endif
