/*
 * spec_states.h - runs a table of states and frames (test_spec_states_*.c): every row after every
 * prefix of none, one or two steps, each prefix leading to a state that the table's author, not the
 * engine, says it leads to.
 */
#ifndef WEIR_TESTS_SPEC_STATES_H
#define WEIR_TESTS_SPEC_STATES_H

#include "tests/h2_script.h"

enum { STATE_NONE, STATE_FIRST, STATE_MAX = 20 };

/* A step of a prefix, and where it leads from each state; STATE_NONE: it is not taken there. */
struct spec_step {
  const char *text;
  uint8_t to[STATE_MAX];
};

struct spec_row {
  const char *section;
  const char *text;                /* `$` is the stream */
  const char *all;                 /* verdict in every state ... */
  const char *verdicts[STATE_MAX]; /* ... that is not named here */
};

struct spec_table {
  enum h2_role role;
  const struct spec_step *steps;
  size_t step_count;
  const struct spec_row *rows;
  size_t row_count;
};

static struct script spec_script;
static unsigned spec_count, spec_failures;
static size_t spec_piece_bytes; /* of a receive: all, or one */

static inline void spec_substitute(const char *text, unsigned id, char *out, size_t size) {
  size_t len = 0;
  for (; *text; text++) {
    int n = *text == '$' ? snprintf(out + len, size - len, "%u", id)
                         : snprintf(out + len, size - len, "%c", *text);
    len += (size_t)n;
    assert_true(len < size);
  }
  out[len] = '\0';
}

static inline void spec_run(const char *text, unsigned id) {
  char buffer[512];
  spec_substitute(text, id, buffer, sizeof buffer);
  script_run(&spec_script, buffer);
}

static inline const char *spec_code(int64_t code) {
  static const char *const names[] = {"NO",  "PE", "IE", "FCE", "ST", "SC",
                                      "FSE", "RS", "CA", "CE",  "CC", "EYC"};
  return code >= 0 && code < 12 ? names[code] : "?";
}

/* What the row's frame brought about. */
static inline void spec_outcome(unsigned id, char *out, size_t size) {
  const char *found = strstr(spec_script.log, "GOAWAY");
  if (found) {
    unsigned last;
    char name[32];
    assert_int_equal(sscanf(found, "GOAWAY %u %31[A-Z_0-9]", &last, name), 2);
    for (uint32_t code = 0; code < 12; code++)
      if (strcmp(h2_error_name(code), name) == 0) snprintf(out, size, "C:%s", spec_code(code));
  } else if (spec_script.rst_code >= 0 && spec_script.rst_id == id) {
    snprintf(out, size, "S:%s", spec_code(spec_script.rst_code));
  } else {
    snprintf(out, size, "-");
  }
}

static inline bool spec_allowed(const char *verdict, const char *outcome) {
  size_t len = strlen(outcome);
  for (const char *at = verdict; at; at = strchr(at, ' ')) {
    at += *at == ' ';
    if (strncmp(at, outcome, len) == 0 && (at[len] == ' ' || at[len] == '\0')) return true;
  }
  return false;
}

static inline void spec_case(const struct spec_table *table, const char *before, unsigned id,
                             unsigned state, const struct spec_row *row) {
  const char *verdict = row->verdicts[state] ? row->verdicts[state] : row->all;
  char outcome[16];
  size_t chosen = strcspn(verdict, " ");
  spec_count++;
  script_begin(&spec_script, table->role, NULL, false);
  spec_script.piece_bytes = spec_piece_bytes;
  script_run(&spec_script, before);
  assert_false(spec_script.goaway); /* else the prefix is not what its author believes */
  spec_script.log[spec_script.log_len = 0] = '\0';
  spec_script.rst_code = -1;
  spec_run(row->text, id);
  spec_outcome(id, outcome, sizeof outcome);
  bool as_chosen = strlen(outcome) == chosen && strncmp(outcome, verdict, chosen) == 0;
  if (!as_chosen) {
    spec_failures++;
    if (spec_failures <= 60)
      print_error("%s: `%s` then `%s`: %s, want %s%s\n", row->section, before, row->text, outcome,
                  verdict,
                  spec_allowed(verdict, outcome) ? " (allowed, but not what was chosen)" : "");
  } else if (outcome[0] == 'C') {
    assert_true(script_done(&spec_script));
  } else {
    spec_script.piece_bytes = 0; /* so many bytes would take long one by one */
    script_check(&spec_script);
  }
  script_close(&spec_script);
}

static inline void spec_rows(const struct spec_table *table, const char *before, unsigned id,
                             unsigned state) {
  for (size_t i = 0; i < table->row_count; i++)
    spec_case(table, before, id, state, &table->rows[i]);
}

/* `setup` leads to `state` of stream `id`. */
static inline void spec_enumerate_pieces(const struct spec_table *table, const char *setup,
                                         unsigned id, unsigned state) {
  char step[256], one[600], two[900];
  spec_count = spec_failures = 0;
  spec_rows(table, setup, id, state);
  for (size_t i = 0; i < table->step_count; i++) {
    unsigned first = table->steps[i].to[state];
    if (first == STATE_NONE) continue;
    spec_substitute(table->steps[i].text, id, step, sizeof step);
    snprintf(one, sizeof one, "%s; %s", setup, step);
    spec_rows(table, one, id, first);
    for (size_t j = 0; j < table->step_count; j++) {
      unsigned second = table->steps[j].to[first];
      if (second == STATE_NONE) continue;
      spec_substitute(table->steps[j].text, id, step, sizeof step);
      snprintf(two, sizeof two, "%s; %s", one, step);
      spec_rows(table, two, id, second);
    }
  }
  print_message("%u cases\n", spec_count);
  assert_int_equal(spec_failures, 0);
}

/* Whole frames, then byte by byte. */
static inline void spec_enumerate(const struct spec_table *table, const char *setup, unsigned id,
                                  unsigned state) {
  for (spec_piece_bytes = 0; spec_piece_bytes < 2; spec_piece_bytes++)
    spec_enumerate_pieces(table, setup, id, state);
}

#endif
