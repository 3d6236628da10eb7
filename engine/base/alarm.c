/*
 * base/alarm.c - see base/alarm.h.
 */
#include "engine/base/alarm.h"

static void link_out(struct alarms *alarms, struct alarm *alarm) {
  if (alarm->due_ns == MACHINE_NO_DEADLINE) return;
  if (alarm->prev)
    alarm->prev->next = alarm->next;
  else
    alarms->first = alarm->next;
  if (alarm->next) alarm->next->prev = alarm->prev;
  *alarm = ALARM_NONE;
}

/* Most new deadlines belong at the end of the list, where a backward search would find their place sooner;
 * this one is simpler. */
static void link_in(struct alarms *alarms, struct alarm *alarm, uint64_t due_ns) {
  struct alarm **at = &alarms->first, *before = NULL;
  while (*at && (*at)->due_ns <= due_ns) {
    before = *at;
    at = &before->next;
  }
  *alarm = (struct alarm){.due_ns = due_ns, .prev = before, .next = *at};
  if (*at) (*at)->prev = alarm;
  *at = alarm;
}

void alarm_set(struct alarms *alarms, struct alarm *alarm, uint64_t due_ns) {
  link_out(alarms, alarm);
  if (due_ns != MACHINE_NO_DEADLINE) link_in(alarms, alarm, due_ns);
}
