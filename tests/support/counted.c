/*
 * support/counted.c - memory that counts what is allocated, and refuses on request.
 */
#include "tests/support/counted.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void *alloc(void *ctx, size_t bytes) {
  struct counted_memory *counted = ctx;
  if (++counted->calls == counted->refuse_at || counted->allowed == 0) return NULL;
  counted->allowed--;
  void *object = malloc(bytes);
  assert(object);
  memset(object, 0xa5, bytes);
  counted->bytes += bytes;
  counted->count++;
  if (counted->bytes > counted->bytes_max) counted->bytes_max = counted->bytes;
  return object;
}

static void release(void *ctx, void *object, size_t bytes) {
  struct counted_memory *counted = ctx;
  counted->bytes -= bytes;
  counted->count--;
  explicit_bzero(object, bytes); /* or a span that still points here might read well */
  free(object);
}

const struct memory *counted_init(struct counted_memory *counted) {
  *counted = (struct counted_memory){
      .memory = {.ctx = counted, .alloc = alloc, .free = release},
      .allowed = UINT64_MAX,
  };
  return &counted->memory;
}
