/*
 * spec/spec_states_check.c - checks that a table of states and frames is complete.
 */
#include "tests/spec/spec_states_check.h"

#include <stdio.h>
#include <string.h>

#include "tests/spec/spec_states_ways.h"
#include "tests/support/cmocka.h"

/* The cases to try of each type: RFC 9113 section 6, RFC 9218 section 7.1, and an unknown type. */
static const struct form {
  uint8_t type, flags;  /* flags that it defines */
  uint32_t least, most; /* bytes of its payload; most 0: any number */
  bool by_step;         /* taken as a step, too */
} forms[] = {
    {H2_DATA, 0x09, 0, 0, true},          {H2_HEADERS, 0x2d, 0, 0, true},
    {H2_PRIORITY, 0, 5, 5, true},         {H2_RST_STREAM, 0, 4, 4, true},
    {H2_SETTINGS, 0x01, 0, 0, true},      {H2_PUSH_PROMISE, 0x0c, 4, 0, true},
    {H2_PING, 0x01, 8, 8, true},          {H2_GOAWAY, 0, 8, 0, false}, /* it ends the connection */
    {H2_WINDOW_UPDATE, 0, 4, 4, true},    {H2_CONTINUATION, 0x04, 0, 0, false},
    {H2_PRIORITY_UPDATE, 0, 4, 0, false}, {200, 0, 0, 0, true},
};

static unsigned failures;
static struct h2_frame_header captured;

static void capture(struct script *script, struct span bytes) {
  (void)script;
  captured = h2_frame_header_decode(bytes.base);
}

/* Reads the header of the first frame of a row or step. Returns false if it begins with a step
 * of the application. */
static bool first_header(const struct spec_states_table *table, const char *text,
                         struct h2_frame_header *out) {
  static struct script script;
  char first[512];
  unsigned promised = 2;
  if (*text == '!') return false;
  snprintf(first, sizeof first, "%.*s", (int)strcspn(text, ";"), text);
  script.sink = capture;
  spec_states_script(&script, table, first, 1, &promised);
  *out = captured;
  return true;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Looks for a row of the type: on a stream or not, with all of `flags`, and a length within bounds. */
static void demand(const struct spec_states_table *table, uint8_t type, bool on_stream,
                   uint8_t flags, uint32_t least, uint32_t most) {
  struct h2_frame_header header;
  for (size_t list = 0; list < SPEC_STATES_LISTS; list++) {
    const struct spec_states_rows *rows = spec_states_rows_of(table, list);
    for (size_t i = 0; i < rows->count; i++) {
      if (!first_header(table, rows->at[i].text, &header)) continue;
      if (header.type == type && (header.stream_id != 0) == on_stream &&
          (header.flags & flags) == flags && header.length >= least && header.length <= most)
        return;
    }
  }
  failures++;
  print_error("no row of %s on %s with flags 0x%x and %u .. %u bytes\n", h2_frame_name(type),
              on_stream ? "$" : "0", flags, least, most);
}

static void demand_form(const struct spec_states_table *table, const struct form *form) {
  bool of_connection = form->type == H2_SETTINGS || form->type == H2_PING ||
                       form->type == H2_GOAWAY || form->type == H2_PRIORITY_UPDATE;
  bool on_stream = !of_connection;
  const uint32_t any = H2_FRAME_BYTES_MIN;
  demand(table, form->type, true, 0, form->least, any);
  demand(table, form->type, false, 0, form->least, any);
  demand(table, form->type, on_stream, 0xff & ~form->flags & 0xd2, 0, any); /* undefined */
  for (unsigned flag = 1; flag < 256; flag <<= 1)
    if (form->flags & flag) demand(table, form->type, on_stream, (uint8_t)flag, 0, any);
  if (form->least) demand(table, form->type, on_stream, 0, form->least - 1, form->least - 1);
  if (form->most) demand(table, form->type, on_stream, 0, form->most + 1, any);
  if (!form->most) demand(table, form->type, on_stream, 0, form->least, form->least);
  demand(table, form->type, on_stream, 0, any + 1, H2_FRAME_BYTES_MAX);
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* Whether some row allows the type in this state. */
static bool row_accepts(const struct spec_states_table *table, uint8_t type, unsigned state) {
  struct h2_frame_header header;
  for (size_t list = 0; list < SPEC_STATES_LISTS; list++) {
    const struct spec_states_rows *rows = spec_states_rows_of(table, list);
    for (size_t i = 0; i < rows->count; i++) {
      const struct spec_states_row *row = &rows->at[i];
      if (*spec_states_verdict(table, row, state) == '-' &&
          first_header(table, row->text, &header) && header.type == type)
        return true;
    }
  }
  return false;
}

/* Whether some step does. */
static bool step_accepts(const struct spec_states_table *table, uint8_t type, unsigned state) {
  struct h2_frame_header header;
  for (size_t list = 0; list < SPEC_STATES_LISTS; list++) {
    const struct spec_states_steps *steps = spec_states_steps_of(table, list);
    for (size_t i = 0; i < steps->count; i++)
      if (spec_states_next(&steps->at[i], state) != STATE_NONE &&
          first_header(table, steps->at[i].text, &header) && header.type == type)
        return true;
  }
  return false;
}

void spec_states_check(const struct spec_states_table *table,
                       const struct spec_states_start *start) {
  static struct spec_states_ways ways;
  spec_states_explore(table, start, &ways);
  failures = 0;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    const struct form *form = &forms[i];
    demand_form(table, form);
    for (unsigned state = 0; state < STATE_COUNT; state++) {
      if (!form->by_step || !ways.reached[state] || !row_accepts(table, form->type, state) ||
          step_accepts(table, form->type, state))
        continue;
      failures++;
      print_error("no step of %s (%u) in state %u\n", h2_frame_name(form->type), form->type, state);
    }
  }
  assert_int_equal(failures, 0);
}
