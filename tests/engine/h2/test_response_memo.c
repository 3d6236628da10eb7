/*
 * h2/test_response_memo.c - blocks that are kept and found again: each length, read no further than its end; under
 * one state of the table; and nothing where nothing can be kept.
 */
#include "engine/h2/response_memo.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/counted.h"

static struct counted_memory memory;
static struct h2_response_memo *judged;

static int set_up(void **state) {
  (void)state;
  (void)counted_init(&memory);
  judged = NULL;
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  h2_response_memo_free(&judged, &memory.memory);
  assert_null(judged);
  return memory.bytes == 0 ? 0 : -1;
}

/* A block alone in its memory. */
static struct span block_of(size_t len, uint8_t last) {
  uint8_t *bytes = malloc(len);
  assert_true(bytes || len == 0);
  for (size_t i = 0; i < len; i++)
    bytes[i] = (uint8_t)(i + 1 == len ? last : i);
  return span_of(bytes, len);
}

static void drop(struct span block) {
  free((void *)(uintptr_t)block.base);
}

static void keep(uint64_t state, struct span block, uint16_t status) {
  const struct h2_answer answer = {.content_length = -1, .status = status};
  h2_response_memo_keep(&judged, &memory.memory, state, block, &answer);
}

static unsigned find(uint64_t state, struct span block) {
  const struct h2_answer *found = h2_response_memo_find(&judged, state, block);
  return found ? found->status : 0;
}

static void test_lengths(void **state) {
  (void)state;
  for (size_t len = 0; len <= H2_RESPONSE_MEMO_BYTES_MAX + 1; len++) {
    struct span block = block_of(len, 0xfe), other = block_of(len, 0xff);
    keep(1, block, 200);
    assert_int_equal(find(1, block), len > 0 && len <= H2_RESPONSE_MEMO_BYTES_MAX ? 200 : 0);
    assert_int_equal(find(1, other), 0);
    if (len > 1) assert_int_equal(find(1, span_of(block.base, len - 1)), 0);
    drop(block);
    drop(other);
  }
}

static void test_states(void **state) {
  (void)state;
  struct span block = block_of(9, 1);
  assert_int_equal(find(1, block), 0);
  keep(1, block, 200);
  assert_int_equal(find(2, block), 0);
  assert_int_equal(find(0, block), 0);
  keep(2, block, 204);
  assert_int_equal(find(2, block), 204);
  assert_int_equal(find(1, block), 0); /* the newer one is in its place */
  drop(block);
}

/* Of responses that differ in an octet at one end, several are kept at a time. */
static void test_similar_blocks(void **state) {
  static const size_t lengths[] = {2, 3, 4, 7, 8, 40};
  (void)state;
  for (size_t i = 0; i < 2 * sizeof lengths / sizeof *lengths; i++) {
    const size_t len = lengths[i / 2];
    uint8_t bytes[40] = {0};
    unsigned found = 0;
    for (uint8_t n = 0; n < 2 * H2_RESPONSE_MEMOS; n++) {
      bytes[i % 2 ? len - 1 : 0] = n % H2_RESPONSE_MEMOS;
      if (n < H2_RESPONSE_MEMOS) keep(1, span_of(bytes, len), 200);
      if (n >= H2_RESPONSE_MEMOS) found += find(1, span_of(bytes, len)) == 200;
    }
    assert_in_range(found, H2_RESPONSE_MEMOS / 2, H2_RESPONSE_MEMOS);
  }
}

/* Of blocks whose ends are the same, the middle is compared. */
static void test_middles(void **state) {
  (void)state;
  for (size_t len = 3; len <= 40; len++) {
    uint8_t bytes[40] = {0};
    keep(1, span_of(bytes, len), 200);
    assert_int_equal(find(1, span_of(bytes, len)), 200);
    for (size_t i = 1; i + 1 < len; i++) {
      bytes[i] = 1;
      assert_int_equal(find(1, span_of(bytes, len)), 0);
      bytes[i] = 0;
    }
  }
}

/* Memory that held other blocks before, as the allocator gives it. */
static void *alloc_used(void *ctx, size_t bytes) {
  struct h2_response_memo *used = malloc(bytes);
  if (used) memcpy(used, ctx, bytes);
  return used;
}

static void free_used(void *ctx, void *object, size_t bytes) {
  (void)ctx, (void)bytes;
  free(object);
}

static void test_used_memory(void **state) {
  (void)state;
  struct span old = block_of(9, 1), block = block_of(9, 2);
  keep(1, old, 200);
  const struct memory used = {.ctx = judged, .alloc = alloc_used, .free = free_used};
  const struct h2_answer answer = {.content_length = -1, .status = 204};
  struct h2_response_memo *again = NULL;
  h2_response_memo_keep(&again, &used, 1, block, &answer);
  assert_non_null(h2_response_memo_find(&again, 1, block));
  assert_null(h2_response_memo_find(&again, 1, old));
  h2_response_memo_free(&again, &used);
  drop(old);
  drop(block);
}

static void test_refused_memory(void **state) {
  (void)state;
  struct span block = block_of(9, 1);
  memory.allowed = 0;
  keep(1, block, 200);
  assert_null(judged);
  assert_int_equal(find(1, block), 0);
  drop(block);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_lengths), CASE(test_states),      CASE(test_similar_blocks),
      CASE(test_middles), CASE(test_used_memory), CASE(test_refused_memory),
  };
  return cmocka_run_group_tests_name("h2/response_memo", tests, NULL, NULL);
}
