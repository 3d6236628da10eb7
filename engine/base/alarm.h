/*
 * base/alarm.h - a sorted list of times at which something is due: the timers of a connection's streams.
 * Owner: an alarm is embedded in what it is for; no allocation.
 *
 * The list is short: streams of one connection that wait for a time.
 */
#ifndef WEIR_BASE_ALARM_H
#define WEIR_BASE_ALARM_H

#include "engine/base/machine.h"

struct alarm {
  uint64_t due_ns; /* MACHINE_NO_DEADLINE: it is not in a list */
  struct alarm *next, *prev;
};

struct alarms {
  struct alarm *first; /* the earliest, or NULL */
};

#define ALARM_NONE ((struct alarm){.due_ns = MACHINE_NO_DEADLINE})

/* Sets or moves an alarm; MACHINE_NO_DEADLINE takes it out. Of those that are due at the same time, the one
 * that was set first comes first. */
void alarm_set(struct alarms *alarms, struct alarm *alarm, uint64_t due_ns);

#endif
