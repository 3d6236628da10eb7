/*
 * spec/spec_states.c - runs a table of states and frames.
 */
#include "tests/spec/spec_states.h"

#include <stdio.h>
#include <string.h>

#include "tests/spec/spec_states_check.h"
#include "tests/spec/spec_states_ways.h"
#include "tests/support/cmocka.h"
#include "tests/support/long.h"

enum { FAILURES_SHOWN = 60 };

static struct script script;
static unsigned case_count, failures;

/* ---- one case -------------------------------------------------------------------------------- */

static const char *code_of(int64_t code) {
  static const char *const names[] = {"NO",  "PE", "IE", "FCE", "ST", "SC",
                                      "FSE", "RS", "CA", "CE",  "CC", "EYC"};
  return code >= 0 && code < 12 ? names[code] : "?";
}

/* The result of the row's frame. A GOAWAY without an error answers the peer's, and does not count. */
static void outcome_of(unsigned id, char *out, size_t size) {
  const char *found = script.goaway ? strstr(script.log, "GOAWAY") : NULL;
  if (found) {
    unsigned last;
    char name[32];
    assert_int_equal(sscanf(found, "GOAWAY %u %31[A-Z_0-9]", &last, name), 2);
    for (uint32_t code = 0; code < 12; code++)
      if (strcmp(h2_error_name(code), name) == 0) snprintf(out, size, "C:%s", code_of(code));
  } else if (script.rst_code >= 0 && script.rst_id == id) {
    snprintf(out, size, "S:%s", code_of(script.rst_code));
  } else {
    snprintf(out, size, "-");
  }
}

static bool is_allowed(const char *verdict, const char *outcome) {
  size_t len = strlen(outcome);
  for (const char *at = verdict; at; at = strchr(at, ' ')) {
    at += *at == ' ';
    if (strncmp(at, outcome, len) == 0 && (at[len] == ' ' || at[len] == '\0')) return true;
  }
  return false;
}

static void judge(const char *before, const struct spec_states_row *row, const char *verdict,
                  const char *outcome) {
  size_t chosen = strcspn(verdict, " ");
  bool final = *verdict == '~';
  if (final ? strcmp(outcome, "-") == 0
            : strlen(outcome) == chosen && strncmp(outcome, verdict, chosen) == 0) {
    if (*outcome == 'C') assert_true(script_done(&script));
    script.piece_bytes = 0; /* a whole window byte by byte would take long */
    if (*outcome != 'C' && !final) script_check(&script);
    return;
  }
  if (++failures > FAILURES_SHOWN) return;
  print_error("%s: `%s` then `%s`: %s, want %s%s\n", row->section, before, row->text, outcome,
              verdict, is_allowed(verdict, outcome) ? " (allowed, but not what was chosen)" : "");
}

/* A run: the table, its start, and how the bytes are cut. */
struct run {
  const struct spec_states_table *table;
  const struct spec_states_start *start;
  size_t piece_bytes; /* of a receive; 0: all */
};

static void run_case(const struct run *run, const char *before, unsigned state,
                     const struct spec_states_row *row) {
  unsigned id = run->start->id, promised = 2;
  char outcome[16];
  case_count++;
  script_connect(&script, run->table->role, false);
  script.piece_bytes = run->piece_bytes;
  spec_states_script(&script, run->table, before, id, &promised);
  assert_false(script.goaway); /* else the prefix does not do what its author believes */
  script_clear(&script);
  script.rst_code = -1;
  spec_states_script(&script, run->table, row->text, id, &promised);
  outcome_of(id, outcome, sizeof outcome);
  judge(before, row, spec_states_verdict(run->table, row, state), outcome);
  script_disconnect(&script);
}

/* ---- all cases ------------------------------------------------------------------------------- */

static bool is_of_connection(const struct spec_states_row *row) {
  const char *id = strchr(row->text, ' ');
  return id && strncmp(id, " 0", 2) == 0 && strchr(row->text, '$') == NULL;
}

static void run_rows(const struct run *run, const char *before, unsigned state,
                     bool of_connection) {
  for (size_t list = 0; list < SPEC_STATES_LISTS; list++) {
    const struct spec_states_rows *rows = spec_states_rows_of(run->table, list);
    for (size_t i = 0; i < rows->count; i++)
      if (of_connection || !is_of_connection(&rows->at[i]))
        run_case(run, before, state, &rows->at[i]);
  }
}

/* Runs the rows after each step that can be taken in `state`, and after `more` steps beyond that
 * one. */
static void run_after(const struct run *run, const char *before, unsigned state, unsigned more) {
  char prefix[SPEC_STATES_PREFIX_BYTES];
  for (size_t list = 0; list < SPEC_STATES_LISTS; list++) {
    const struct spec_states_steps *steps = spec_states_steps_of(run->table, list);
    for (size_t i = 0; i < steps->count; i++) {
      const struct spec_states_step *step = &steps->at[i];
      unsigned to = spec_states_next(step, state);
      if (to == STATE_NONE) continue;
      spec_states_append(before, step, prefix);
      run_rows(run, prefix, to, more > 0 || test_is_long());
      if (more) run_after(run, prefix, to, more - 1);
    }
  }
}

static void run_all(const struct spec_states_table *table, const struct spec_states_start *start) {
  static struct spec_states_ways ways;
  spec_states_explore(table, start, &ways);
  case_count = failures = 0;
  script_engine(&script, table->role, NULL);
  for (size_t piece_bytes = 0; piece_bytes < 2; piece_bytes++) {
    const struct run run = {table, start, piece_bytes};
    for (unsigned state = 0; state < STATE_COUNT; state++) {
      if (!ways.reached[state]) continue;
      run_rows(&run, ways.to[state], state, true);
      bool deep = state == start->from && piece_bytes == 0;
      run_after(&run, ways.to[state], state, deep);
    }
  }
  script_destroy(&script);
  print_message("%u cases\n", case_count);
  assert_int_equal(failures, 0);
}

/* ---- a test program -------------------------------------------------------------------------- */

static void test_requests(void **state) {
  const struct spec_states_table *table = *state;
  const struct spec_states_start start = {"", 1, IDLE};
  spec_states_check(table, &start);
  run_all(table, &start);
}

static void test_pushes(void **state) {
  const struct spec_states_table *table = *state;
  const struct spec_states_start start = {table->push_setup, 2, PUSH_IDLE};
  spec_states_check(table, &start);
  run_all(table, &start);
}

int spec_states_main(const struct spec_states_table *table) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(test_requests, (void *)(uintptr_t)table),
      cmocka_unit_test_prestate(test_pushes, (void *)(uintptr_t)table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
