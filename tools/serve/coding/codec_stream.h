/*
 * serve/coding/codec_stream.h - compresses content as it comes, by the same libraries as serve/coding/codec.h.
 *
 * Its windows are smaller than those for files: a stream holds its memory for as long as it lasts.
 * One thread at a time.
 */
#ifndef WEIR_TOOLS_SERVE_CODING_CODEC_STREAM_H
#define WEIR_TOOLS_SERVE_CODING_CODEC_STREAM_H

#include "engine/http/negotiate.h"

struct codec_stream {
  enum coding coding; /* CODING_IDENTITY: closed */
  void *state;        /* the library's */
};

enum codec_op {
  CODEC_TAKE,   /* takes bytes; what they become may come later */
  CODEC_FLUSH,  /* all that was taken comes out */
  CODEC_FINISH, /* the same, and the end */
};

enum codec_step {
  CODEC_STEP_DONE,
  CODEC_STEP_ROOM, /* the room is full: call again with the rest of `in`, the same op, and new room */
  CODEC_STEP_FAILED,
};

/* False when memory was refused. */
__attribute__((warn_unused_result)) bool codec_stream_open(struct codec_stream *stream,
                                                           enum coding coding);

/* Moves `in` past what was taken, and sets *len, the room at `out`, to what was written. */
__attribute__((warn_unused_result)) enum codec_step codec_stream_run(struct codec_stream *stream,
                                                                     enum codec_op op,
                                                                     struct span *in, uint8_t *out,
                                                                     size_t *len);

/* Does nothing for one that is closed. */
void codec_stream_close(struct codec_stream *stream);

#endif
