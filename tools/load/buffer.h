/*
 * load/buffer.h - bytes that grow. Owner: whoever embeds it; all zero is empty.
 */
#ifndef WEIR_LOAD_BUFFER_H
#define WEIR_LOAD_BUFFER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct load_buffer {
  uint8_t *at;
  size_t len, size;
};

/* Room for `bytes` more. False, and nothing changed, when memory was refused. */
__attribute__((warn_unused_result)) static inline bool
load_buffer_reserve(struct load_buffer *buffer, size_t bytes) {
  if (bytes <= buffer->size - buffer->len) return true;
  size_t size = buffer->size ? 2 * buffer->size : 256;
  if (size < buffer->len + bytes) size = buffer->len + bytes;
  uint8_t *at = realloc(buffer->at, size);
  if (!at) return false;
  buffer->at = at;
  buffer->size = size;
  return true;
}

__attribute__((warn_unused_result)) static inline bool
load_buffer_add(struct load_buffer *buffer, const void *bytes, size_t len) {
  if (!load_buffer_reserve(buffer, len)) return false;
  if (len) memcpy(buffer->at + buffer->len, bytes, len);
  buffer->len += len;
  return true;
}

static inline void load_buffer_free(struct load_buffer *buffer) {
  free(buffer->at);
  *buffer = (struct load_buffer){0};
}

#endif
