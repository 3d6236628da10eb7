/* micro_base.cc - timers, the map from identifiers to streams, and a histogram's record. */
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <vector>

extern "C" {
#include "engine/base/idmap.h"
#include "io/base/timer.h"
#include "tools/load/histogram.h"
}

namespace {

constexpr uint64_t millisecond_ns = 1000000;

struct random {
  uint64_t state = 1;
  uint64_t next() {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return state >> 33;
  }
};

struct wheel;
struct wheel *turning;
void fired(struct timer *timer, uint64_t now_ns);

struct wheel {
  struct timers timers;
  std::vector<struct timer> all;
  struct random random;

  explicit wheel(size_t count) : all(count) {
    timers_init(&timers, 0);
    turning = this;
    for (auto &timer : all) {
      timer_init(&timer, fired);
      arm(&timer, 0);
    }
  }
  /* Within a minute, as deadlines of connections are. */
  void arm(struct timer *timer, uint64_t now_ns) {
    timer_arm(&timers, timer, now_ns + (1 + random.next() % 60000) * millisecond_ns);
  }
};

void fired(struct timer *timer, uint64_t now_ns) {
  turning->arm(timer, now_ns);
}

/* A deadline moves, as when a connection has got bytes. */
void timer_move(benchmark::State &state) {
  wheel wheel(static_cast<size_t>(state.range(0)));
  size_t i = 0;
  for (auto _ : state) {
    wheel.arm(&wheel.all[i], 0);
    i = i + 1 == wheel.all.size() ? 0 : i + 1;
  }
}

/* A millisecond passes, and timers that fire are armed again. */
void timers_turn(benchmark::State &state) {
  wheel wheel(static_cast<size_t>(state.range(0)));
  uint64_t now_ns = 0;
  for (auto _ : state)
    timers_run(&wheel.timers, now_ns += millisecond_ns);
}

/* A stream is opened, found and closed beside others. */
void idmap_life(benchmark::State &state) {
  const struct memory memory = {nullptr, [](void *, size_t bytes) { return std::malloc(bytes); },
                                [](void *, void *object, size_t) { std::free(object); }};
  struct idmap map;
  uint32_t id = 1;
  const uint32_t beside = 2 * static_cast<uint32_t>(state.range(0));
  idmap_init(&map, &memory);
  for (; id <= beside; id += 2)
    if (!idmap_insert(&map, id, &map)) state.SkipWithError("no memory");
  for (auto _ : state) {
    benchmark::DoNotOptimize(idmap_insert(&map, id, &map));
    benchmark::DoNotOptimize(idmap_find(&map, id));
    idmap_remove(&map, id - beside);
    id += 2;
  }
  for (uint32_t left = id - beside; left != id; left += 2)
    idmap_remove(&map, left);
  idmap_destroy(&map);
}

void histogram_add(benchmark::State &state) {
  std::vector<struct load_histogram> histogram(1);
  std::vector<uint64_t> values(4096);
  struct random random;
  for (auto &value : values)
    value = 50000 + random.next() % (state.range(0) * 1000);
  size_t i = 0;
  for (auto _ : state)
    load_histogram_add(histogram.data(), values[i++ % values.size()]);
  benchmark::DoNotOptimize(histogram.data());
}

BENCHMARK(timer_move)->Arg(100)->Arg(10000)->Arg(1000000);
BENCHMARK(timers_turn)->Arg(1)->Arg(100)->Arg(10000);
BENCHMARK(idmap_life)->Arg(0)->Arg(100)->Arg(10000);
BENCHMARK(histogram_add)->Arg(100)->Arg(100000);

} // namespace

BENCHMARK_MAIN();
