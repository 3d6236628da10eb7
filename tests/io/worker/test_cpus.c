/*
 * worker/test_cpus.c - the number of workers: cgroup trees of both versions, made of files.
 */
#include "io/worker/cpus.h"
#include "tests/support/cmocka.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 4 };

struct tree {
  const char *name, *self;
  const struct { const char *path, *text; } files[FILES_MAX];
  uint64_t limit;
};

static const struct tree quotas[] = {
    {"nothing", "", {{NULL, NULL}}, 0},
    {"unified, none", "0::/\n", {{"cpu.max", "max 100000\n"}}, 0},
    {"unified, one and a half", "0::/\n", {{"cpu.max", "150000 100000\n"}}, 2},
    {"unified, a tenth", "0::/a\n", {{"a/cpu.max", "10000 100000\n"}}, 1},
    {"unified, the parent is tighter",
     "0::/a/b\n",
     {{"a/b/cpu.max", "800000 100000\n"}, {"a/cpu.max", "300000 100000\n"}},
     3},
    {"unified, the group is tighter",
     "0::/a/b\n",
     {{"a/b/cpu.max", "200000 100000\n"}, {"a/cpu.max", "300000 100000\n"}},
     2},
    {"unified, the group is not mounted", "0::/docker/77\n", {{"cpu.max", "400000 100000\n"}}, 4},
    {"unified, nonsense", "0::/\n", {{"cpu.max", "much\n"}}, 0},
    {"legacy, none",
     "4:memory:/x\n1:cpu:/\n0::/\n",
     {{"cpu/cpu.cfs_quota_us", "-1\n"}, {"cpu/cpu.cfs_period_us", "100000\n"}},
     0},
    {"legacy, two",
     "1:cpu:/\n0::/\n",
     {{"cpu/cpu.cfs_quota_us", "200000\n"}, {"cpu/cpu.cfs_period_us", "100000\n"}},
     2},
    {"legacy, shared mount",
     "3:cpuset:/\n2:cpu,cpuacct:/job\n",
     {{"cpu,cpuacct/job/cpu.cfs_quota_us", "250000\n"},
      {"cpu,cpuacct/job/cpu.cfs_period_us", "50000\n"}},
     5},
    {"legacy, a quota without a period", "1:cpu:/\n", {{"cpu/cpu.cfs_quota_us", "200000\n"}}, 0},
    {"legacy, another controller",
     "2:cpuacct:/\n",
     {{"cpuacct/cpu.cfs_quota_us", "100000\n"}, {"cpuacct/cpu.cfs_period_us", "100000\n"}},
     0},
};

static const struct tree memories[] = {
    {"nothing", "", {{NULL, NULL}}, 0},
    {"unified, none", "0::/\n", {{"memory.max", "max\n"}}, 0},
    {"unified", "0::/a\n", {{"a/memory.max", "268435456\n"}}, 256 << 20},
    {"unified, the parent is tighter",
     "0::/a/b\n",
     {{"a/b/memory.max", "268435456\n"}, {"a/memory.max", "134217728\n"}, {"memory.max", "max\n"}},
     128 << 20},
    {"unified, the group is tighter",
     "0::/a/b\n",
     {{"a/b/memory.max", "1000000\n"}, {"a/memory.max", "134217728\n"}},
     1000000},
    {"unified, the group is not mounted", "0::/docker/77\n", {{"memory.max", "4096\n"}}, 4096},
    {"unified, more than 32 bits", "0::/\n", {{"memory.max", "68719476736\n"}}, UINT64_C(1) << 36},
    {"unified, nonsense", "0::/\n", {{"memory.max", "much\n"}}, 0},
    {"unified, the quota is none of memory", "0::/\n", {{"cpu.max", "150000 100000\n"}}, 0},
    {"legacy, none",
     "1:memory:/\n",
     {{"memory/memory.limit_in_bytes", "9223372036854771712\n"}},
     0},
    {"legacy",
     "3:cpu:/x\n1:memory:/job\n0::/\n",
     {{"memory/job/memory.limit_in_bytes", "268435456\n"},
      {"memory/memory.limit_in_bytes", "9223372036854771712\n"}},
     256 << 20},
    {"legacy, the parent is tighter",
     "1:memory:/a/b\n",
     {{"memory/a/b/memory.limit_in_bytes", "268435456\n"},
      {"memory/a/memory.limit_in_bytes", "134217728\n"}},
     128 << 20},
    {"legacy, another controller",
     "1:cpu:/\n",
     {{"memory/memory.limit_in_bytes", "268435456\n"}},
     0},
};

static void write_file(const char *root, const char *path, const char *text) {
  char name[PATH_MAX];
  snprintf(name, sizeof name, "%s/%s", root, path);
  for (char *slash = strchr(name + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    mkdir(name, 0755);
    *slash = '/';
  }
  FILE *file = fopen(name, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static void remove_tree(const char *root) {
  char command[PATH_MAX + 20];
  snprintf(command, sizeof command, "rm -rf '%s'", root);
  assert_int_equal(system(command), 0);
}

static unsigned affinity(void) {
  cpu_set_t set;
  assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
  return (unsigned)CPU_COUNT(&set);
}

/* Makes the tree below `root`, which mkdtemp() fills in. */
static void make_tree(const struct tree *tree, char *root, char *self, size_t self_bytes) {
  assert_non_null(mkdtemp(root));
  snprintf(self, self_bytes, "%s/self", root);
  write_file(root, "self", tree->self);
  for (int i = 0; i < FILES_MAX && tree->files[i].path; i++)
    write_file(root, tree->files[i].path, tree->files[i].text);
}

static void test_quotas(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof quotas / sizeof *quotas; i++) {
    char root[] = "/tmp/weir-cpus-XXXXXX", self[PATH_MAX];
    make_tree(&quotas[i], root, self, sizeof self);
    struct cpus cpus = cpus_find(&(struct cgroup_files){.root = root, .self = self});
    if (cpus.quota != quotas[i].limit) fail_msg("%s: %u", quotas[i].name, cpus.quota);
    unsigned most = affinity();
    assert_int_equal(cpus.affinity, most);
    assert_int_equal(cpus.workers, cpus.quota && cpus.quota < most ? cpus.quota : most);
    remove_tree(root);
  }
}

static void test_memory(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof memories / sizeof *memories; i++) {
    char root[] = "/tmp/weir-memory-XXXXXX", self[PATH_MAX];
    make_tree(&memories[i], root, self, sizeof self);
    uint64_t bytes = cgroup_memory_bytes(&(struct cgroup_files){.root = root, .self = self});
    if (bytes != memories[i].limit)
      fail_msg("%s: %llu", memories[i].name, (unsigned long long)bytes);
    remove_tree(root);
  }
}

static const struct tree throttlings[] = {
    {"nothing", "", {{NULL, NULL}}, 0},
    {"unified",
     "0::/a\n",
     {{"a/cpu.stat", "usage_usec 9\nnr_throttled 3\nthrottled_usec 7\n"}},
     3007},
    {"unified, the parent waited more",
     "0::/a/b\n",
     {{"a/b/cpu.stat", "nr_throttled 3\nthrottled_usec 7\n"},
      {"a/cpu.stat", "nr_throttled 5\nthrottled_usec 9\n"}},
     5009},
    {"unified, no quota", "0::/\n", {{"cpu.stat", "usage_usec 9\nnr_throttled_more 2\n"}}, 0},
    {"legacy",
     "2:cpu,cpuacct:/job\n",
     {{"cpu,cpuacct/job/cpu.stat", "nr_periods 8\nnr_throttled 2\nthrottled_time 6000\n"}},
     2006},
};

/* The rows' number is thousands of periods and microseconds. */
static void test_throttling(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof throttlings / sizeof *throttlings; i++) {
    char root[] = "/tmp/weir-throttling-XXXXXX", self[PATH_MAX];
    make_tree(&throttlings[i], root, self, sizeof self);
    struct cgroup_throttling found =
        cgroup_throttling(&(struct cgroup_files){.root = root, .self = self});
    if (1000 * found.periods + found.ns / 1000 != throttlings[i].limit)
      fail_msg("%s: %llu, %llu ns", throttlings[i].name, (unsigned long long)found.periods,
               (unsigned long long)found.ns);
    remove_tree(root);
  }
}

static void test_no_files_at_all(void **state) {
  (void)state;
  const struct cgroup_files nowhere = {.root = "/nowhere", .self = "/nowhere/self"};
  struct cpus cpus = cpus_find(&nowhere);
  assert_int_equal(cgroup_memory_bytes(&nowhere), 0);
  assert_int_equal(cgroup_throttling(&nowhere).periods, 0);
  assert_int_equal(cpus.quota, 0);
  assert_int_equal(cpus.workers, affinity());
}

static void test_this_process(void **state) {
  (void)state;
  assert_true(cpus_default_workers() >= 1 && cpus_default_workers() <= affinity());
}

/* Pinning takes the index-th core of the mask, and goes round. */
static void test_pin(void **state) {
  (void)state;
  cpu_set_t all, now;
  unsigned most = affinity();
  assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
  for (unsigned index = 0; index < 2 * most; index++) {
    cpus_pin(index);
    assert_int_equal(sched_getaffinity(0, sizeof now, &now), 0);
    assert_int_equal(CPU_COUNT(&now), 1);
    unsigned before = 0;
    int core = sched_getcpu();
    assert_true(CPU_ISSET(core, &now));
    for (int i = 0; i < core; i++)
      before += CPU_ISSET(i, &all) != 0;
    assert_int_equal(before, index % most);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_quotas),       cmocka_unit_test(test_memory),
      cmocka_unit_test(test_throttling),   cmocka_unit_test(test_no_files_at_all),
      cmocka_unit_test(test_this_process), cmocka_unit_test(test_pin),
  };
  return cmocka_run_group_tests_name("cpus", tests, NULL, NULL);
}
