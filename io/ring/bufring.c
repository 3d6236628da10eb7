/*
 * ring/bufring.c - whose each receive buffer is.
 */
#include "io/ring/bufring.h"

#include "io/ring/limits.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static bool bit_get(const uint64_t *bits, uint32_t index) {
  return bits[index / 64] >> index % 64 & 1;
}

static void bit_flip(uint64_t *bits, uint32_t index) {
  bits[index / 64] ^= UINT64_C(1) << index % 64;
}

#ifdef WEIR_INVARIANTS
static void invariants(const struct bufring *bufring) {
  assert(bufring->out <= bufring->count);
  assert(bufring->unpublished <= bufring->count - bufring->out);
  assert(bufring->spare_count <= bufring->count - bufring->out);
}
#else
static void invariants(const struct bufring *bufring) {
  (void)bufring;
}
#endif

/* Anonymous pages: aligned as the kernel wants, zeroed, and taken from the system only when used. */
static void *pages(size_t bytes) {
  void *base =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return base == MAP_FAILED ? NULL : base;
}

static void release(struct bufring *bufring) {
  if (bufring->entries) munmap(bufring->entries, bufring->count * sizeof(struct io_uring_buf));
  if (bufring->base) munmap(bufring->base, (size_t)bufring->count * bufring->bytes);
  free(bufring->spare);
  free(bufring->ours);
  free(bufring->next);
  free(bufring->filled);
  *bufring = (struct bufring){.ring = NULL};
}

/* The kernel's ring, or a stack in its place. */
static bool allocate_entries(struct bufring *bufring) {
  if (bufring->ring)
    bufring->entries = pages(bufring->count * sizeof(struct io_uring_buf));
  else
    bufring->spare = calloc(bufring->count, sizeof *bufring->spare);
  return bufring->entries || bufring->spare;
}

/* Returns 0 or -errno. */
static int register_entries(struct bufring *bufring) {
  struct io_uring_buf_reg registration = {
      .ring_addr = (uint64_t)(uintptr_t)bufring->entries,
      .ring_entries = bufring->count,
      .bgid = BUFRING_GROUP,
  };
  if (!bufring->ring) return 0;
  int result = io_uring_register_buf_ring(bufring->ring, &registration, 0);
  if (result == 0) io_uring_buf_ring_init(bufring->entries);
  return result;
}

bool bufring_open(struct bufring *bufring, struct io_uring *ring, uint32_t count, uint32_t bytes,
                  struct io_error *error) {
  assert(count && (count & (count - 1)) == 0 && count <= IO_BUFFER_COUNT_MAX && bytes);
  *bufring = (struct bufring){.ring = ring, .count = count, .bytes = bytes};
  bufring->base = pages((size_t)count * bytes);
  bufring->ours = calloc((count + 63) / 64, sizeof *bufring->ours);
  bufring->next = calloc(count, sizeof *bufring->next);
  bufring->filled = calloc(count, sizeof *bufring->filled);
  if (!allocate_entries(bufring) || !bufring->base || !bufring->ours || !bufring->next ||
      !bufring->filled) {
    release(bufring);
    return io_error_set(error, ENOMEM, "no memory for %u receive buffers of %u bytes", count,
                        bytes);
  }
  int result = register_entries(bufring);
  if (result < 0) {
    release(bufring);
    return io_error_set(error, -result, "the kernel refused a buffer ring: %s", strerror(-result));
  }
  for (uint32_t id = 0; id < count; id++) {
    bit_flip(bufring->ours, id);
    bufring->out++;
    bufring_give(bufring, (uint16_t)id);
  }
  bufring_publish(bufring);
  return true;
}

void bufring_close(struct bufring *bufring) {
  if (bufring->ring) io_uring_unregister_buf_ring(bufring->ring, BUFRING_GROUP);
  if (bufring->base) release(bufring);
}

struct span bufring_take(struct bufring *bufring, uint16_t id, uint32_t len) {
  assert(id < bufring->count && len <= bufring->bytes);
  assert(!bit_get(bufring->ours, id));
  bit_flip(bufring->ours, id);
  bufring->out++;
  bufring->filled[id] = len;
  invariants(bufring);
  return bufring_bytes(bufring, id);
}

void bufring_give(struct bufring *bufring, uint16_t id) {
  assert(id < bufring->count);
  assert(bit_get(bufring->ours, id));
  bit_flip(bufring->ours, id);
  bufring->out--;
  if (bufring->entries)
    io_uring_buf_ring_add(bufring->entries, bufring_base(bufring, id), bufring->bytes, id,
                          (int)(bufring->count - 1), bufring->unpublished++);
  else
    bufring->spare[bufring->spare_count++] = id;
  invariants(bufring);
}

void bufring_publish(struct bufring *bufring) {
  if (!bufring->unpublished) return;
  io_uring_buf_ring_advance(bufring->entries, bufring->unpublished);
  bufring->unpublished = 0;
}
