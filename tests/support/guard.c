/*
 * support/guard.c - bytes between pages without access.
 */
#include "tests/support/guard.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/cmocka.h"

static size_t page_bytes(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

void guard_init(struct guard *guard, size_t bytes) {
  const size_t page = page_bytes();
  guard->bytes = (bytes + page - 1) / page * page;
  uint8_t *all = mmap(NULL, guard->bytes + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(all != MAP_FAILED);
  guard->base = all + page;
  assert_int_equal(mprotect(guard->base, guard->bytes, PROT_READ | PROT_WRITE), 0);
}

void guard_destroy(struct guard *guard) {
  munmap(guard->base - page_bytes(), guard->bytes + 2 * page_bytes());
}

struct span guard_put(struct guard *guard, struct span bytes) {
  uint8_t *at = guard_room(guard, bytes.len);
  if (bytes.len > 0) memcpy(at, bytes.base, bytes.len);
  return span_of(at, bytes.len);
}

uint8_t *guard_room(struct guard *guard, size_t bytes) {
  assert_true(bytes <= guard->bytes);
  return guard->base + guard->bytes - bytes;
}
