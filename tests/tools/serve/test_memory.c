/*
 * serve/test_memory.c - how the workers divide what a cgroup allows.
 */
#include "engine/base/limits.h"
#include "io/files/limits.h"
#include "io/link/limits.h"
#include "io/ring/limits.h"
#include "tests/support/cmocka.h"
#include "tools/serve/limits.h"
#include "tools/serve/memory.h"

#define GIB (UINT64_C(1) << 30)

static char error[256];
static const struct failure failure = {.text = error, .size = sizeof error};

static struct serve_memory plan(uint64_t limit_bytes, unsigned workers) {
  struct serve_memory memory;
  if (!serve_memory_plan(&memory, limit_bytes, workers, &failure)) fail_msg("%s", error);
  return memory;
}

static void assert_defaults(const struct serve_memory *memory) {
  assert_int_equal(memory->buffers, IO_BUFFER_COUNT);
  assert_int_equal(memory->keep_bytes, IO_KEEP_BYTES_MAX);
  assert_int_equal(memory->connections, ENGINE_CONNECTIONS_DEFAULT);
  assert_int_equal(memory->streams, ENGINE_STREAMS_DEFAULT);
  assert_int_equal(memory->window_bytes, PEER_WINDOW_BUDGET_BYTES);
  assert_int_equal(memory->cache_bytes, FILES_CACHE_BYTES);
  assert_int_equal(memory->reads, FILES_READS_MAX);
  assert_int_equal(memory->log_bytes, ACCESS_LOG_QUEUE_BYTES);
}

static void test_no_limit(void **state) {
  (void)state;
  struct serve_memory memory = plan(0, 64);
  assert_defaults(&memory);
  assert_int_equal(memory.limit_bytes, 0);
  memory = plan(1000 * GIB, 1); /* one that binds nothing */
  assert_defaults(&memory);
  assert_int_equal(memory.limit_bytes, 1000 * GIB);
}

/* 64 MiB for each of two workers: 2 MiB are a share. */
static void test_shares(void **state) {
  (void)state;
  const uint64_t share = 2 * MIB;
  struct serve_memory memory = plan(SERVE_PROCESS_BYTES + UINT64_C(128) * MIB, 2);
  assert_int_equal(memory.limit_bytes, SERVE_PROCESS_BYTES + 128 * MIB);
  assert_int_equal(memory.buffers, SERVE_SHARE_BUFFERS * share / IO_BUFFER_BYTES);
  assert_int_equal(memory.keep_bytes, SERVE_SHARE_KEEP * share);
  assert_int_equal(memory.connections, SERVE_SHARE_CONNECTIONS * share / SERVE_CONNECTION_BYTES);
  assert_int_equal(memory.streams, SERVE_SHARE_STREAMS * share / SERVE_STREAM_BYTES);
  assert_int_equal(memory.window_bytes, SERVE_SHARE_WINDOWS * share);
  assert_int_equal(memory.cache_bytes, SERVE_SHARE_CACHE * share);
  assert_int_equal(memory.reads, SERVE_SHARE_READS * share / FILES_READ_BYTES);
  assert_int_equal(memory.log_bytes, SERVE_SHARE_LOG * share);
}

/* What the bounds allow together leaves something to the kernel, whatever the limit. */
static void test_sum(void **state) {
  (void)state;
  for (unsigned workers = 1; workers <= IO_WORKERS_MAX; workers = workers * 3 + 1)
    for (uint64_t limit_bytes = 16 * MIB; limit_bytes < 300 * GIB; limit_bytes += limit_bytes / 3) {
      if (serve_memory_workers(limit_bytes, workers) < workers) continue;
      struct serve_memory memory = plan(limit_bytes, workers);
      uint64_t each = memory.buffers * (uint64_t)IO_BUFFER_BYTES + memory.keep_bytes +
                      memory.connections * (uint64_t)SERVE_CONNECTION_BYTES +
                      memory.streams * (uint64_t)SERVE_STREAM_BYTES + memory.window_bytes +
                      memory.cache_bytes + memory.reads * (uint64_t)FILES_READ_BYTES +
                      memory.log_bytes;
      uint64_t left = limit_bytes - SERVE_PROCESS_BYTES - workers * each;
      assert_true(workers * each + SERVE_PROCESS_BYTES < limit_bytes);
      assert_true(left >= (limit_bytes - SERVE_PROCESS_BYTES) / SERVE_SHARES * 3);
      assert_int_equal(memory.log_bytes & (memory.log_bytes - 1), 0);
      assert_int_equal(memory.buffers & (memory.buffers - 1), 0);
    }
}

/* The smallest worker has some of everything; with a byte less there is one worker fewer. */
static void test_smallest(void **state) {
  (void)state;
  for (unsigned workers = 1; workers < 9; workers++) {
    uint64_t least = SERVE_PROCESS_BYTES + workers * (uint64_t)SERVE_WORKER_BYTES_MIN;
    assert_int_equal(serve_memory_workers(least, 100), workers);
    assert_int_equal(serve_memory_workers(least - 1, 100), workers - 1);
    assert_int_equal(serve_memory_workers(least, workers - 1), workers - 1);
    struct serve_memory memory = plan(least, workers);
    assert_int_equal(memory.buffers, 16);
    assert_int_equal(memory.keep_bytes, 256 * KIB);
    assert_int_equal(memory.connections, 40);
    assert_int_equal(memory.streams, 614);
    assert_int_equal(memory.window_bytes, MIB);
    assert_int_equal(memory.cache_bytes, MIB);
    assert_int_equal(memory.reads, 8);
    assert_int_equal(memory.log_bytes, 256 * KIB);
    assert_false(serve_memory_plan(&memory, least - 1, workers, &failure));
  }
  assert_int_equal(serve_memory_workers(1, 5), 0);
  assert_int_equal(serve_memory_workers(SERVE_PROCESS_BYTES, 5), 0);
  assert_int_equal(serve_memory_workers(0, 5), 5);
}

static void test_message(void **state) {
  (void)state;
  struct serve_memory memory;
  assert_false(serve_memory_plan(&memory, 10 * MIB, 1, &failure));
  assert_string_equal(error, "the cgroup allows 10240 KiB of memory, too little for 1 worker: that "
                             "takes 8 MiB, and 8 MiB for each worker");
  assert_false(serve_memory_plan(&memory, 10 * MIB, 2, &failure));
  assert_string_equal(error,
                      "the cgroup allows 10240 KiB of memory, too little for 2 workers: that "
                      "takes 8 MiB, and 8 MiB for each worker");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_no_limit), cmocka_unit_test(test_shares),  cmocka_unit_test(test_sum),
      cmocka_unit_test(test_smallest), cmocka_unit_test(test_message),
  };
  return cmocka_run_group_tests_name("serve memory", tests, NULL, NULL);
}
