/*
 * worker/cpus.h - how many workers this process should run, and where.
 *
 * The default is the cores of the affinity mask, no more than the cgroup's cpu quota (version 2
 * cpu.max, version 1 cpu.cfs_quota_us), rounded up, at least 1.
 */
#ifndef WEIR_IO_CPUS_H
#define WEIR_IO_CPUS_H

#include "io/worker/cgroup.h"

struct cpus {
  unsigned affinity; /* cores of the affinity mask */
  unsigned quota;    /* cores that the cgroup's quota pays for, rounded up; 0: no quota */
  unsigned workers;  /* the default number of workers */
};

struct cpus cpus_find(const struct cgroup_files *files);

/* The default number of workers of this process. */
unsigned cpus_default_workers(void);

/* Pins the calling thread to one core. Where the kernel refuses, the thread runs on any of its
 * mask. */
void cpus_pin_to(int core);

/* Pins the calling thread to the index-th core of the process's affinity mask (modulo its size).
 * Where the kernel refuses, the thread runs on any of them. */
void cpus_pin(unsigned index);

#endif
