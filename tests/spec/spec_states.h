/*
 * spec/spec_states.h - runs a table of states and frames (test_spec_states_*.c). Steps lead from state
 * to state, as the table's author says and not the engine; rows say what a frame earns in each
 * state.
 *
 * Every row runs in every state that steps lead to, reached by the shortest way and by every step
 * that can be taken there before; and after every prefix of two steps from where the table begins.
 * All of that whole, the first part byte by byte as well.
 *
 * spec_check_table() holds a table to being complete: each frame type with each flag, each length
 * that matters, on a stream and on stream 0; and among the steps, in each state, each type that may
 * be received there.
 */
#ifndef WEIR_TESTS_SPEC_STATES_H
#define WEIR_TESTS_SPEC_STATES_H

#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>
#include <string.h>

/* Of stream `$`, as its peer knows it. Each role has most of them. */
enum {
  STATE_NONE, /* a step is not taken there */
  IDLE,
  OPEN,
  WAITING,       /* client: half-closed (local), no final response yet */
  OPEN_ANSWERED, /* client: the final response's header section has come, we are still sending */
  ANSWERED,      /* client: the same, half-closed (local) */
  TUNNEL,        /* CONNECT, both directions open: section 8.5 */
  HALF_REMOTE,
  HALF_LOCAL, /* of a tunnel */
  LINGERS,    /* server: half-closed (local) otherwise: answered before the request was complete */
  CLOSED,
  RESET_LOCAL,
  RESET_REMOTE,
  SKIPPED, /* closed by a higher identifier, section 5.1.1 */
  PUSH_IDLE,
  RESERVED,
  RESERVED_INFORMED, /* client: a 1xx has come, and so it is half-closed (local) */
  PUSHED,            /* the promised response has begun */
  PUSH_CLOSED,
  PUSH_RESET_LOCAL,
  PUSH_RESET_REMOTE,
  PUSH_SKIPPED,
  STATE_COUNT
};

/* A step of a prefix, and where it leads from each state. */
struct spec_step {
  const char *text; /* `$` is the stream */
  uint8_t to[STATE_COUNT];
};

struct spec_row {
  const char *section;
  const char *text;
  const char *all;                   /* verdict in every state ... */
  const char *verdicts[STATE_COUNT]; /* ... that is not named here */
};

struct spec_list {
  const struct spec_row *rows;
  size_t count;
};

struct spec_table {
  enum h2_role role;
  const struct spec_step *steps;
  size_t step_count;
  struct spec_list lists[2]; /* the role's own, and those of tests/spec/spec_states_rows.h */
  const char *setup;         /* leads to the state `from` of stream `id` */
  unsigned id, from;
};

static struct script spec_script;
static unsigned spec_count, spec_failures;
static size_t spec_piece_bytes; /* of a receive: all, or one */
static unsigned spec_promised;  /* by the last `&` */

/* Puts the stream's identifier for `$`, and for each `&` one more that is not promised yet. */
static inline void spec_run(struct script *script, const char *text, unsigned id) {
  static char out[2048];
  out[0] = '\0';
  size_t len = 0;
  for (; *text; text++) {
    bool number = *text == '$' || *text == '&';
    unsigned value = *text == '&' ? spec_promised += 2 : id;
    len += (size_t)snprintf(out + len, sizeof out - len, number ? "%u" : "%c",
                            number ? value : (unsigned char)*text);
    assert_true(len < sizeof out);
  }
  script_run(script, out);
}

/* ---- one case -------------------------------------------------------------------------------- */

static inline const char *spec_code(int64_t code) {
  static const char *const names[] = {"NO",  "PE", "IE", "FCE", "ST", "SC",
                                      "FSE", "RS", "CA", "CE",  "CC", "EYC"};
  return code >= 0 && code < 12 ? names[code] : "?";
}

/* What the row's frame brought about. A GOAWAY without an error answers one, and is none. */
static inline void spec_outcome(unsigned id, char *out, size_t size) {
  const char *found = spec_script.goaway ? strstr(spec_script.log, "GOAWAY") : NULL;
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

static inline const char *spec_verdict(const struct spec_row *row, unsigned state) {
  return row->verdicts[state] ? row->verdicts[state] : row->all;
}

static inline void spec_judge(const char *before, const struct spec_row *row, const char *verdict,
                              const char *outcome) {
  size_t chosen = strcspn(verdict, " ");
  bool final = *verdict == '~'; /* no error, but the connection takes on nothing new */
  if (final ? strcmp(outcome, "-") == 0
            : strlen(outcome) == chosen && strncmp(outcome, verdict, chosen) == 0) {
    if (*outcome == 'C') assert_true(script_done(&spec_script));
    spec_script.piece_bytes = 0; /* so many bytes would take long one by one */
    if (*outcome != 'C' && !final) script_check(&spec_script);
    return;
  }
  if (++spec_failures > 60) return;
  print_error("%s: `%s` then `%s`: %s, want %s%s\n", row->section, before, row->text, outcome,
              verdict, spec_allowed(verdict, outcome) ? " (allowed, but not what was chosen)" : "");
}

static inline void spec_case(const struct spec_table *table, const char *before, unsigned state,
                             const struct spec_row *row) {
  char outcome[16];
  spec_count++;
  script_connect(&spec_script, table->role, false);
  spec_script.piece_bytes = spec_piece_bytes;
  spec_promised = 2;
  spec_run(&spec_script, before, table->id);
  assert_false(spec_script.goaway); /* else the prefix is not what its author believes */
  script_clear(&spec_script);
  spec_script.rst_code = -1;
  spec_run(&spec_script, row->text, table->id);
  spec_outcome(table->id, outcome, sizeof outcome);
  spec_judge(before, row, spec_verdict(row, state), outcome);
  script_disconnect(&spec_script);
}

static inline void spec_rows(const struct spec_table *table, const char *before, unsigned state) {
  for (size_t list = 0; list < 2; list++)
    for (size_t i = 0; i < table->lists[list].count; i++)
      spec_case(table, before, state, &table->lists[list].rows[i]);
}

/* ---- all cases ------------------------------------------------------------------------------- */

enum { SPEC_PREFIX_BYTES = 1200 };

/* Shortest prefix to each state that can be reached; empty: none. */
struct spec_ways {
  char to[STATE_COUNT][SPEC_PREFIX_BYTES];
  bool reached[STATE_COUNT];
};

static inline void spec_append(const struct spec_table *table, const char *before, size_t step,
                               char *out) {
  int n = snprintf(out, SPEC_PREFIX_BYTES, "%s; %s", before, table->steps[step].text);
  assert_true(n < SPEC_PREFIX_BYTES);
}

static inline void spec_explore(const struct spec_table *table, struct spec_ways *ways) {
  unsigned queue[STATE_COUNT], first = 0, last = 0;
  memset(ways, 0, sizeof *ways);
  snprintf(ways->to[table->from], SPEC_PREFIX_BYTES, "%s", table->setup);
  ways->reached[table->from] = true;
  for (queue[last++] = table->from; first < last; first++) {
    for (size_t i = 0; i < table->step_count; i++) {
      unsigned to = table->steps[i].to[queue[first]];
      if (to == STATE_NONE || ways->reached[to]) continue;
      ways->reached[to] = true;
      char prefix[SPEC_PREFIX_BYTES];
      spec_append(table, ways->to[queue[first]], i, prefix);
      memcpy(ways->to[to], prefix, sizeof prefix);
      queue[last++] = to;
    }
  }
}

/* The rows after each step that can be taken in `state`, and `more` steps after that one. */
static inline void spec_after(const struct spec_table *table, const char *before, unsigned state,
                              unsigned more) {
  char prefix[SPEC_PREFIX_BYTES];
  for (size_t i = 0; i < table->step_count; i++) {
    unsigned to = table->steps[i].to[state];
    if (to == STATE_NONE) continue;
    spec_append(table, before, i, prefix);
    spec_rows(table, prefix, to);
    if (more) spec_after(table, prefix, to, more - 1);
  }
}

static inline void spec_enumerate(const struct spec_table *table) {
  static struct spec_ways ways;
  spec_explore(table, &ways);
  spec_count = spec_failures = 0;
  script_engine(&spec_script, table->role, NULL);
  for (spec_piece_bytes = 0; spec_piece_bytes < 2; spec_piece_bytes++) {
    for (unsigned state = 0; state < STATE_COUNT; state++) {
      if (!ways.reached[state]) continue;
      spec_rows(table, ways.to[state], state);
      bool deep = state == table->from && spec_piece_bytes == 0;
      spec_after(table, ways.to[state], state, deep);
    }
  }
  script_destroy(&spec_script);
  print_message("%u cases\n", spec_count);
  assert_int_equal(spec_failures, 0);
}

/* ---- is the table complete? ------------------------------------------------------------------ */

/* What has to be tried of each type: RFC 9113 section 6, RFC 9218 section 7.1, and a type that is
 * unknown. */
static const struct spec_form {
  uint8_t type, flags;  /* flags that it defines */
  uint32_t least, most; /* bytes of its payload; most 0: any number */
  bool by_step;         /* taken as a step, too */
} spec_forms[] = {
    {H2_DATA, 0x09, 0, 0, true},          {H2_HEADERS, 0x2d, 0, 0, true},
    {H2_PRIORITY, 0, 5, 5, true},         {H2_RST_STREAM, 0, 4, 4, true},
    {H2_SETTINGS, 0x01, 0, 0, true},      {H2_PUSH_PROMISE, 0x0c, 4, 0, true},
    {H2_PING, 0x01, 8, 8, true},          {H2_GOAWAY, 0, 8, 0, false}, /* it ends too much */
    {H2_WINDOW_UPDATE, 0, 4, 4, true},    {H2_CONTINUATION, 0x04, 0, 0, false},
    {H2_PRIORITY_UPDATE, 0, 4, 0, false}, {200, 0, 0, 0, true},
};

static struct h2_frame_header spec_seen;

static inline void spec_capture(struct script *script, struct span bytes) {
  (void)script;
  spec_seen = h2_frame_header_decode(bytes.base);
}

/* The header of a row's, or step's, first frame; false: it begins with an application's step. */
static inline bool spec_header(const char *text, struct h2_frame_header *out) {
  static struct script blank;
  char first[512];
  snprintf(first, sizeof first, "%.*s", (int)strcspn(text, ";"), text);
  if (*first == '!') return false;
  blank.sink = spec_capture;
  spec_run(&blank, first, 1);
  *out = spec_seen;
  return true;
}

/* Looks for a row of the type: on a stream or not, with all of `flags`, and a length in bounds. */
static inline void spec_demand(const struct spec_table *table, uint8_t type, bool on_stream,
                               uint8_t flags, uint32_t least, uint32_t most) {
  for (size_t list = 0; list < 2; list++) {
    for (size_t i = 0; i < table->lists[list].count; i++) {
      struct h2_frame_header header;
      if (!spec_header(table->lists[list].rows[i].text, &header)) continue;
      if (header.type == type && (header.stream_id != 0) == on_stream &&
          (header.flags & flags) == flags && header.length >= least && header.length <= most)
        return;
    }
  }
  spec_failures++;
  print_error("no row of %s on %s with flags 0x%x and %u .. %u bytes\n", h2_frame_name(type),
              on_stream ? "$" : "0", flags, least, most);
}

static inline void spec_demand_form(const struct spec_table *table, const struct spec_form *form) {
  bool of_connection = form->type == H2_SETTINGS || form->type == H2_PING ||
                       form->type == H2_GOAWAY || form->type == H2_PRIORITY_UPDATE;
  bool on_stream = !of_connection;
  const uint32_t any = H2_FRAME_BYTES_MIN;
  spec_demand(table, form->type, true, 0, form->least, any);
  spec_demand(table, form->type, false, 0, form->least, any);
  spec_demand(table, form->type, on_stream, 0xff & ~form->flags & 0xd2, 0, any); /* undefined */
  for (unsigned flag = 1; flag < 256; flag <<= 1)
    if (form->flags & flag) spec_demand(table, form->type, on_stream, (uint8_t)flag, 0, any);
  if (form->least) spec_demand(table, form->type, on_stream, 0, form->least - 1, form->least - 1);
  if (form->most) spec_demand(table, form->type, on_stream, 0, form->most + 1, any);
  if (!form->most) spec_demand(table, form->type, on_stream, 0, form->least, form->least);
  spec_demand(table, form->type, on_stream, 0, any + 1, H2_FRAME_BYTES_MAX);
}

/* Does some row say that the type may be received in this state, and does some step? */
static inline bool spec_row_accepts(const struct spec_table *table, uint8_t type, unsigned state) {
  struct h2_frame_header header;
  for (size_t list = 0; list < 2; list++)
    for (size_t i = 0; i < table->lists[list].count; i++) {
      const struct spec_row *row = &table->lists[list].rows[i];
      if (*spec_verdict(row, state) == '-' && spec_header(row->text, &header) &&
          header.type == type)
        return true;
    }
  return false;
}

static inline bool spec_step_accepts(const struct spec_table *table, uint8_t type, unsigned state) {
  struct h2_frame_header header;
  for (size_t i = 0; i < table->step_count; i++)
    if (table->steps[i].to[state] != STATE_NONE && spec_header(table->steps[i].text, &header) &&
        header.type == type)
      return true;
  return false;
}

static inline void spec_check_table(const struct spec_table *table) {
  static struct spec_ways ways;
  spec_explore(table, &ways);
  spec_failures = 0;
  for (size_t i = 0; i < sizeof spec_forms / sizeof *spec_forms; i++) {
    const struct spec_form *form = &spec_forms[i];
    spec_demand_form(table, form);
    for (unsigned state = 0; state < STATE_COUNT; state++) {
      if (!form->by_step || !ways.reached[state]) continue;
      if (!spec_row_accepts(table, form->type, state) ||
          spec_step_accepts(table, form->type, state))
        continue;
      spec_failures++;
      print_error("no step of %s (%u) in state %u\n", h2_frame_name(form->type), form->type, state);
    }
  }
  assert_int_equal(spec_failures, 0);
}

/* ---- a test program -------------------------------------------------------------------------- */

/* Of the file's `steps`, `rows` and `shared_rows`. */
#define SPEC_COUNT(list) (sizeof(list) / sizeof *(list))
#define SPEC_TABLE(its_role)                                                                       \
  {                                                                                                \
    .role = (its_role), .steps = steps, .step_count = SPEC_COUNT(steps), .lists = {                \
      {rows, SPEC_COUNT(rows)},                                                                    \
      {shared_rows, SPEC_COUNT(shared_rows)}                                                       \
    }                                                                                              \
  }

static inline void spec_test(struct spec_table *table, const char *setup, unsigned id,
                             unsigned from) {
  table->setup = setup;
  table->id = id;
  table->from = from;
  spec_check_table(table);
  spec_enumerate(table);
}

/* Tests streams of the client's, then those that a server promises after `push_setup`. */
#define SPEC_MAIN(push_setup)                                                                      \
  static void test_requests(void **state) {                                                        \
    (void)state;                                                                                   \
    spec_test(&table, "", 1, IDLE);                                                                \
  }                                                                                                \
  static void test_pushes(void **state) {                                                          \
    (void)state;                                                                                   \
    spec_test(&table, push_setup, 2, PUSH_IDLE);                                                   \
  }                                                                                                \
  int main(void) {                                                                                 \
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_requests),                            \
                                       cmocka_unit_test(test_pushes)};                             \
    return cmocka_run_group_tests(tests, NULL, NULL);                                              \
  }

#endif
