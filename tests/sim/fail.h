/*
 * fail.h - how a simulation dies: with its seed, its step and what happened last.
 */
#ifndef WEIR_SIM_FAIL_H
#define WEIR_SIM_FAIL_H

#include <stdbool.h>
#include <stdint.h>

/* Names the run for messages, and makes an abort() of the engine's assertions tell it too. */
void sim_run_begin(uint64_t seed);

void sim_step_begin(uint64_t step);

/* One line of the story, kept in a short ring that a failure prints. */
void sim_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints the message, the story and the seed, then aborts. */
_Noreturn void sim_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define sim_check(condition, ...)                                                                  \
  do {                                                                                             \
    if (!(condition)) sim_fail(__VA_ARGS__);                                                       \
  } while (false)

#endif
