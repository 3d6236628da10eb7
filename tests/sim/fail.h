/*
 * fail.h - how a failed simulation ends: it prints its seed, its step and the last events.
 */
#ifndef WEIR_SIM_FAIL_H
#define WEIR_SIM_FAIL_H

#include <stdbool.h>
#include <stdint.h>

/* Names the run for messages. The engine's failed assertions print it, too. */
void sim_run_begin(uint64_t seed);

void sim_step_begin(uint64_t step);

/* Logs one line of the story in a short ring, which a failure prints. */
void sim_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints the message, the story and the seed, then aborts. */
_Noreturn void sim_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define sim_check(condition, ...)                                                                  \
  do {                                                                                             \
    if (!(condition)) sim_fail(__VA_ARGS__);                                                       \
  } while (false)

#endif
