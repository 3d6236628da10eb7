/*
 * load/input.h - the file of -i, read as a stream: lines or bytes, with line numbers.
 *
 * Reading a pipe may block, so its descriptor is watched together with another one that stops it.
 *
 * Owner: one thread.
 */
#ifndef WEIR_LOAD_INPUT_H
#define WEIR_LOAD_INPUT_H

#include "engine/base/text.h"
#include "tools/common/failure.h"
#include "tools/load/buffer.h"
#include "tools/load/limits.h"

struct load_input {
  const char *name; /* for messages */
  int fd, stop_fd;  /* stop_fd: -1, or readable when reading is to stop */
  bool can_rewind;
  bool eof, stopped;
  size_t at;     /* what of `bytes` was read */
  uint64_t line; /* of the last line or byte read, from 1 */
  uint64_t next_line;
  struct load_buffer bytes;
};

enum load_read {
  LOAD_READ_ONE,
  LOAD_READ_END,  /* of the file, or reading was stopped */
  LOAD_READ_WRONG /* "FILE:LINE: ..." in `failure` */
};

/* Opens `path`, or standard input for "-". Keeps `path`. False with one line in `failure`. */
__attribute__((warn_unused_result)) bool load_input_open(struct load_input *input, const char *path,
                                                         const struct failure *failure);
void load_input_close(struct load_input *input);

/* Begins again. Only if can_rewind. */
__attribute__((warn_unused_result)) bool load_input_rewind(struct load_input *input,
                                                           const struct failure *failure);

/* The bytes ahead, without reading them: `least` or more, or fewer if the file ends. */
__attribute__((warn_unused_result)) enum load_read load_input_look(struct load_input *input,
                                                                   size_t least, struct span *out,
                                                                   const struct failure *failure);

/* The next line, without its end. Good until the next call. */
__attribute__((warn_unused_result)) enum load_read
load_input_line(struct load_input *input, struct span *out, const struct failure *failure);

/* Reads the last line once more. Only right after load_input_line(). */
void load_input_unread(struct load_input *input, struct span line);

/* The next byte. */
__attribute__((warn_unused_result)) enum load_read
load_input_byte(struct load_input *input, uint8_t *out, const struct failure *failure);

/* Writes "FILE:LINE: TEXT", with the last line or, if `line` is not 0, that one. */
__attribute__((format(printf, 4, 5))) enum load_read
load_input_wrong(const struct load_input *input, uint64_t line, const struct failure *failure,
                 const char *format, ...);

#endif
