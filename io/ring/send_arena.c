/*
 * ring/send_arena.c - a ring of entries.
 */
#include "io/ring/send_arena.h"

#include "io/ring/limits.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/uio.h>

struct send_arena {
  uint32_t next;
  struct send_entry {
    struct msghdr header;
    struct iovec spans[IO_SEND_SPANS];
  } entries[IO_SQ_ENTRIES];
};

struct send_arena *send_arena_open(void) {
  return calloc(1, sizeof(struct send_arena));
}

void send_arena_close(struct send_arena *arena) {
  free(arena);
}

const struct msghdr *send_arena_header(struct send_arena *arena, unsigned queued,
                                       const struct span *spans, size_t count) {
  assert(count >= 1 && count <= IO_SEND_SPANS);
  if (queued == 1) arena->next = 0; /* only this request waits */
  struct send_entry *entry = &arena->entries[arena->next++ % IO_SQ_ENTRIES];
  for (size_t i = 0; i < count; i++)
    entry->spans[i] = (struct iovec){(void *)(uintptr_t)spans[i].base, spans[i].len};
  entry->header = (struct msghdr){.msg_iov = entry->spans, .msg_iovlen = count};
  return &entry->header;
}
