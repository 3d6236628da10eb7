/*
 * spec/spec_states_ways.c - reads a table of states and frames.
 */
#include "tests/spec/spec_states_ways.h"

#include <stdio.h>
#include <string.h>

#include "tests/spec/spec_states_shared.h"
#include "tests/support/cmocka.h"

enum { TEXT_BYTES = 2048 };

/* ---- texts ----------------------------------------------------------------------------------- */

void spec_states_script(struct script *to, const struct spec_states_table *table, const char *text,
                        unsigned id, unsigned *promised) {
  static const char message[] = "@message";
  char out[TEXT_BYTES];
  size_t len = 0;
  while (*text) {
    size_t plain = strcspn(text, "$&@");
    assert_true(len + plain < sizeof out);
    memcpy(out + len, text, plain);
    len += plain;
    text += plain;
    if (!*text) break;
    if (*text != '@') {
      unsigned value = *text++ == '&' ? *promised += 2 : id;
      len += (size_t)snprintf(out + len, sizeof out - len, "%u", value);
    } else if (strncmp(text, message, sizeof message - 1) == 0) {
      len += (size_t)snprintf(out + len, sizeof out - len, "%s", table->message);
      text += sizeof message - 1;
    } else {
      out[len++] = *text++;
    }
    assert_true(len < sizeof out);
  }
  out[len] = '\0';
  script_run(to, out);
}

/* ---- rows and steps -------------------------------------------------------------------------- */

const struct spec_states_rows *spec_states_rows_of(const struct spec_states_table *table,
                                                   size_t list) {
  return list == 0 ? &table->rows : &spec_states_shared_rows;
}

const struct spec_states_steps *spec_states_steps_of(const struct spec_states_table *table,
                                                     size_t list) {
  return list == 0 ? &table->steps : &spec_states_shared_steps;
}

const char *spec_states_verdict(const struct spec_states_table *table,
                                const struct spec_states_row *row, unsigned state) {
  const char *of_base = table->bases[row->base][state];
  return row->verdicts[state] ? row->verdicts[state] : of_base ? of_base : row->all;
}

unsigned spec_states_next(const struct spec_states_step *step, unsigned state) {
  return step->everywhere ? state : step->to[state];
}

/* ---- ways ------------------------------------------------------------------------------------ */

void spec_states_append(const char *before, const struct spec_states_step *step,
                        char out[SPEC_STATES_PREFIX_BYTES]) {
  int n = snprintf(out, SPEC_STATES_PREFIX_BYTES, "%s; %s", before, step->text);
  assert_true(n < SPEC_STATES_PREFIX_BYTES);
}

void spec_states_explore(const struct spec_states_table *table,
                         const struct spec_states_start *start, struct spec_states_ways *ways) {
  unsigned queue[STATE_COUNT], first = 0, last = 0;
  memset(ways, 0, sizeof *ways);
  snprintf(ways->to[start->from], SPEC_STATES_PREFIX_BYTES, "%s", start->setup);
  ways->reached[start->from] = true;
  for (queue[last++] = start->from; first < last; first++) {
    for (size_t list = 0; list < SPEC_STATES_LISTS; list++) {
      const struct spec_states_steps *steps = spec_states_steps_of(table, list);
      for (size_t i = 0; i < steps->count; i++) {
        const struct spec_states_step *step = &steps->at[i];
        unsigned to = spec_states_next(step, queue[first]);
        if (to == STATE_NONE || ways->reached[to]) continue;
        ways->reached[to] = true;
        char prefix[SPEC_STATES_PREFIX_BYTES];
        spec_states_append(ways->to[queue[first]], step, prefix);
        memcpy(ways->to[to], prefix, sizeof prefix);
        queue[last++] = to;
      }
    }
  }
}
