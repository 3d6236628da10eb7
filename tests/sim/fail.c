/*
 * fail.c - the log of the last events, and the message at the end; see fail.h.
 */
#include "tests/sim/fail.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { NOTES = 48, NOTE_BYTES = 200 };

static struct {
  uint64_t seed, step;
  uint32_t noted;
  bool verbose;
  char notes[NOTES][NOTE_BYTES];
} run;

static void last_words(void) {
  uint32_t count = run.noted < NOTES ? run.noted : NOTES;
  for (uint32_t i = run.noted - count; i < run.noted; i++)
    fprintf(stderr, "  %s\n", run.notes[i % NOTES]);
  fprintf(stderr, "sim: failed at step %llu; replay with SIM_SEED=%llu\n",
          (unsigned long long)run.step, (unsigned long long)run.seed);
}

/* The engine's assertions end here. Signal handlers should not use stdio, but this one runs on
 * the thread that called abort(), and the process ends anyway. */
static void on_abort(int number) {
  last_words();
  signal(number, SIG_DFL);
}

void sim_run_begin(uint64_t seed) {
  run.seed = seed;
  run.step = 0;
  run.noted = 0;
  run.verbose = getenv("SIM_VERBOSE") != NULL;
  signal(SIGABRT, on_abort);
}

void sim_step_begin(uint64_t step) {
  run.step = step;
}

void sim_note(const char *format, ...) {
  char *note = run.notes[run.noted++ % NOTES];
  va_list arguments;
  va_start(arguments, format);
  int begun = snprintf(note, NOTE_BYTES, "%llu: ", (unsigned long long)run.step);
  vsnprintf(note + begun, NOTE_BYTES - (size_t)begun, format, arguments);
  va_end(arguments);
  if (run.verbose) fprintf(stderr, "%s\n", note);
}

void sim_fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "sim: ");
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  va_end(arguments);
  abort();
}
