/*
 * pipe/limits.h - the bounds of a pipe, with their reasons.
 */
#ifndef WEIR_TOOLS_PIPE_LIMITS_H
#define WEIR_TOOLS_PIPE_LIMITS_H

#include "engine/base/limits.h"

/* Bytes that were read from the socket and that the stream has not taken. Four of its frames: the
 * socket is read while the stream's connection sends. */
#define PIPE_READ_BYTES_MAX (64u * KIB)

/* A piece of a queue, with its header. An idle pipe holds none. */
#define PIPE_PIECE_BYTES (16u * KIB)

#endif
