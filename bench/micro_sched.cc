/* micro_sched.cc - one decision and its accounting with 10, 1,000 and 10,000 ready streams; the life of a
 * stream; a PRIORITY frame. */
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <vector>

extern "C" {
#include "engine/sched/sched.h"
}

namespace {

void *take(void *, size_t bytes) {
  return std::malloc(bytes);
}
void give(void *, void *object, size_t) {
  std::free(object);
}

/* A connection whose streams have the identifiers 1, 3, 5 ... */
struct World {
  struct memory memory = {nullptr, take, give};
  struct sched_memory pools;
  struct sched sched;
  std::vector<struct sched_node> nodes;
  size_t open = 0;

  explicit World(size_t count) : nodes(count) {
    sched_memory_init(&pools, &memory);
    sched_init(&sched);
    sched_attach(&sched, &pools, find, this);
  }

  ~World() {
    for (size_t i = 0; i < open; i++)
      sched_close(&sched, &nodes[i]);
    sched_destroy(&sched);
    sched_memory_destroy(&pools);
  }

  static struct sched_node *find(void *ctx, uint32_t id) {
    World *world = static_cast<World *>(ctx);
    return id % 2 && id / 2 < world->open ? &world->nodes[id / 2] : nullptr;
  }

  void add(struct sched_priority priority) {
    struct sched_node *node = &nodes[open++];
    sched_open(&sched, node, static_cast<uint32_t>(open * 2 - 1), priority);
    sched_ready(&sched, node);
  }
};

struct sched_priority priority_of(uint8_t given) {
  struct sched_priority priority = {};
  priority.urgency = 3;
  priority.weight = 16;
  priority.given = given;
  return priority;
}

void decide(benchmark::State &state, World &world) {
  for (auto _ : state) {
    size_t quantum = 0;
    struct sched_node *node = sched_next(&world.sched, &quantum);
    sched_sent(&world.sched, node, quantum);
    benchmark::DoNotOptimize(node);
  }
}

/* Incremental streams of one urgency and one weight. */
void decision_shared(benchmark::State &state) {
  World world(static_cast<size_t>(state.range(0)));
  struct sched_priority priority = priority_of(SCHED_GIVEN_EXTENSIBLE);
  priority.incremental = true;
  while (world.open < world.nodes.size())
    world.add(priority);
  decide(state, world);
}

/* Weights 1 .. 256, all below the root. */
void decision_weighted(benchmark::State &state) {
  World world(static_cast<size_t>(state.range(0)));
  while (world.open < world.nodes.size()) {
    struct sched_priority priority = priority_of(SCHED_GIVEN_DEPENDENCY);
    priority.weight = static_cast<uint16_t>(1 + world.open * 97 % 256);
    priority.exclusive = world.open == 0; /* makes it a tree */
    world.add(priority);
  }
  decide(state, world);
}

/* The same with frames of any length up to a quantum, so that no two streams are at the same point. */
void decision_uneven(benchmark::State &state) {
  World world(static_cast<size_t>(state.range(0)));
  while (world.open < world.nodes.size()) {
    struct sched_priority priority = priority_of(SCHED_GIVEN_DEPENDENCY);
    priority.weight = static_cast<uint16_t>(1 + world.open * 97 % 256);
    priority.exclusive = world.open == 0;
    world.add(priority);
  }
  uint32_t drawn = 1;
  for (auto _ : state) {
    size_t quantum = 0;
    struct sched_node *node = sched_next(&world.sched, &quantum);
    drawn = drawn * 1664525u + 1013904223u;
    sched_sent(&world.sched, node, 1 + drawn % SCHED_QUANTUM_BYTES);
    benchmark::DoNotOptimize(node);
  }
}

/* Groups of 16 below idle streams of several depths, as a client might arrange them. */
void decision_tree(benchmark::State &state) {
  World world(static_cast<size_t>(state.range(0)));
  uint32_t groups =
      static_cast<uint32_t>(world.nodes.size() / 16 < 100 ? world.nodes.size() / 16 : 100);
  uint32_t first = static_cast<uint32_t>(world.nodes.size() * 2 + 1);
  for (uint32_t i = 0; i < groups; i++) {
    struct sched_dependency below = {i % 4 ? first + 2 * (i - 1) : 0, 16, false};
    if (sched_depend(&world.sched, first + 2 * i, &below) != SCHED_DONE)
      state.SkipWithError("no room for a group");
  }
  while (world.open < world.nodes.size()) {
    struct sched_priority priority = priority_of(SCHED_GIVEN_DEPENDENCY);
    priority.parent_id = groups ? first + 2 * static_cast<uint32_t>(world.open % groups) : 0;
    world.add(priority);
  }
  decide(state, world);
}

/* Not incremental: the first stream sends, goes idle and becomes ready again. */
void decision_sequence(benchmark::State &state) {
  World world(static_cast<size_t>(state.range(0)));
  while (world.open < world.nodes.size())
    world.add(priority_of(SCHED_GIVEN_EXTENSIBLE));
  for (auto _ : state) {
    size_t quantum = 0;
    struct sched_node *node = sched_next(&world.sched, &quantum);
    sched_sent(&world.sched, node, quantum);
    sched_idle(&world.sched, node);
    sched_ready(&world.sched, node);
    benchmark::DoNotOptimize(node);
  }
}

/* A small response beside others in progress: opened, sent in one piece, closed. */
void stream_life(benchmark::State &state) {
  World world(static_cast<size_t>(state.range(0)));
  while (world.open < world.nodes.size())
    world.add(priority_of(0));
  struct sched_node node;
  uint32_t id = 100001;
  for (auto _ : state) {
    size_t quantum = 0;
    sched_open(&world.sched, &node, id, priority_of(0));
    sched_hint(&world.sched, &node, SCHED_CLASS_STYLE);
    sched_ready(&world.sched, &node);
    sched_sent(&world.sched, sched_next(&world.sched, &quantum), 1000);
    sched_idle(&world.sched, &node);
    sched_close(&world.sched, &node);
    id += 2;
  }
}

/* A PRIORITY frame that moves a stream exclusively above all others, and one that moves it back. */
void signal_exclusive(benchmark::State &state) {
  World world(static_cast<size_t>(state.range(0)));
  while (world.open < world.nodes.size())
    world.add(priority_of(0));
  uint32_t id = 1;
  for (auto _ : state) {
    struct sched_dependency above = {0, 16, true};
    world.sched.churn_left = SCHED_CHURN_BURST;
    if (sched_depend(&world.sched, id, &above) == SCHED_CHURN) state.SkipWithError("refused");
    id = 4 - id;
  }
}

} // namespace

BENCHMARK(decision_shared)->Arg(10)->Arg(1000)->Arg(10000);
BENCHMARK(decision_weighted)->Arg(10)->Arg(1000)->Arg(10000);
BENCHMARK(decision_uneven)->Arg(10)->Arg(1000)->Arg(10000);
BENCHMARK(decision_tree)->Arg(32)->Arg(1000)->Arg(10000);
BENCHMARK(decision_sequence)->Arg(10)->Arg(1000)->Arg(10000);
BENCHMARK(stream_life)->Arg(1)->Arg(100);
BENCHMARK(signal_exclusive)->Arg(10)->Arg(1000)->Arg(10000);

BENCHMARK_MAIN();
