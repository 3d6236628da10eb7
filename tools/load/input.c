/*
 * load/input.c - see load/input.h.
 */
#include "tools/load/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

bool load_input_open(struct load_input *input, const char *path, const struct failure *failure) {
  struct stat facts;
  bool standard = strcmp(path, "-") == 0;
  *input = (struct load_input){
      .name = standard ? "standard input" : path, .stop_fd = -1, .next_line = 1};
  input->fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
  if (input->fd < 0 || fstat(input->fd, &facts) != 0)
    return failure_set(failure, "cannot read %s: %s", input->name, strerror(errno));
  if (S_ISDIR(facts.st_mode))
    return failure_set(failure, "cannot read %s: %s", input->name, strerror(EISDIR));
  input->can_rewind = S_ISREG(facts.st_mode);
  return true;
}

void load_input_close(struct load_input *input) {
  if (input->fd >= 0) close(input->fd);
  input->fd = -1;
  load_buffer_free(&input->bytes);
}

bool load_input_rewind(struct load_input *input, const struct failure *failure) {
  if (lseek(input->fd, 0, SEEK_SET) < 0)
    return failure_set(failure, "cannot read %s again: %s", input->name, strerror(errno));
  input->at = input->bytes.len = 0;
  input->eof = false;
  input->line = 0;
  input->next_line = 1;
  return true;
}

enum load_read load_input_wrong(const struct load_input *input, uint64_t line,
                                const struct failure *failure, const char *format, ...) {
  char source[LOAD_PATH_BYTES_MAX + 24];
  va_list arguments;
  snprintf(source, sizeof source, "%s:%llu", input->name,
           (unsigned long long)(line ? line : input->line));
  va_start(arguments, format);
  (void)failure_set_in(failure, source, format, arguments);
  va_end(arguments);
  return LOAD_READ_WRONG;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Waits for bytes of a pipe. False: reading is to stop. */
static bool wait_for_bytes(struct load_input *input) {
  if (input->stop_fd < 0 || input->can_rewind) return true;
  struct pollfd fds[] = {{.fd = input->fd, .events = POLLIN},
                         {.fd = input->stop_fd, .events = POLLIN}};
  while (poll(fds, 2, -1) < 0 && errno == EINTR)
    continue;
  input->stopped = fds[1].revents != 0;
  return !input->stopped;
}

/* Reads more, behind what is there. */
static enum load_read read_more(struct load_input *input, const struct failure *failure) {
  struct load_buffer *bytes = &input->bytes;
  if (input->at > 0) {
    memmove(bytes->at, bytes->at + input->at, bytes->len - input->at);
    bytes->len -= input->at;
    input->at = 0;
  }
  if (bytes->len >= LOAD_INPUT_ITEM_BYTES_MAX)
    return load_input_wrong(input, input->next_line, failure, "a line is longer than %d bytes",
                            LOAD_INPUT_ITEM_BYTES_MAX);
  if (!load_buffer_reserve(bytes, LOAD_INPUT_LOOK_BYTES))
    return load_input_wrong(input, input->next_line, failure, "out of memory");
  if (!wait_for_bytes(input)) return LOAD_READ_END;
  ssize_t got;
  do
    got = read(input->fd, bytes->at + bytes->len, bytes->size - bytes->len);
  while (got < 0 && errno == EINTR);
  if (got < 0) return load_input_wrong(input, input->next_line, failure, "%s", strerror(errno));
  bytes->len += (size_t)got;
  input->eof = got == 0;
  return LOAD_READ_ONE;
}

enum load_read load_input_look(struct load_input *input, size_t least, struct span *out,
                               const struct failure *failure) {
  while (!input->eof && input->bytes.len - input->at < least) {
    enum load_read result = read_more(input, failure);
    if (result != LOAD_READ_ONE) return result;
  }
  *out = span_of(input->bytes.at + input->at, input->bytes.len - input->at);
  return out->len > 0 ? LOAD_READ_ONE : LOAD_READ_END;
}

enum load_read load_input_byte(struct load_input *input, uint8_t *out,
                               const struct failure *failure) {
  while (input->at == input->bytes.len) {
    if (input->eof) return LOAD_READ_END;
    enum load_read result = read_more(input, failure);
    if (result != LOAD_READ_ONE) return result;
  }
  *out = input->bytes.at[input->at++];
  input->line = input->next_line;
  input->next_line += *out == '\n';
  return LOAD_READ_ONE;
}

/* ---- lines ----------------------------------------------------------------------------------- */

enum load_read load_input_line(struct load_input *input, struct span *out,
                               const struct failure *failure) {
  size_t seen = 0;
  for (;;) {
    const uint8_t *begin = input->bytes.at + input->at;
    size_t left = input->bytes.len - input->at;
    const uint8_t *end = left > seen ? memchr(begin + seen, '\n', left - seen) : NULL;
    if (!end && input->eof && left == 0) return LOAD_READ_END;
    if (end || input->eof) {
      size_t len = end ? (size_t)(end - begin) : left;
      input->at += len + (end != NULL);
      input->line = input->next_line++;
      if (len > 0 && begin[len - 1] == '\r') len--;
      *out = span_of(begin, len);
      return LOAD_READ_ONE;
    }
    seen = left;
    enum load_read result = read_more(input, failure);
    if (result != LOAD_READ_ONE) return result;
  }
}

void load_input_unread(struct load_input *input, struct span line) {
  input->at = (size_t)(line.base - input->bytes.at);
  input->next_line = input->line--;
}
