/*
 * spec/spec_states.h - runs a table of states and frames. Steps lead from state to state, according
 * to the table's author and not the engine. Rows give the verdict on a frame in each state.
 *
 * A verdict is a set of allowed results: "-" no error, "S:x" RST_STREAM with code x, "C:x" GOAWAY
 * with code x, "~" no error, and the connection takes nothing new. The first is weir's choice. Any
 * other result fails, even an allowed one, so that a change is noticed. Section 5.4.1 lets any
 * stream error be a connection error, so S:x comes with C:x.
 *
 * Every row of a stream runs in every state that steps lead to, reached by the shortest way and by
 * every step that can be taken there before; and after every prefix of two steps from where the table
 * begins. Rows of stream 0 run in every state, reached by the shortest way, and after every first
 * step. All of that whole, and the part up to one more step byte by byte as well.
 *
 * After each frame that does not end the connection, HPACK and the connection's window must still
 * be in step (script_check()). Frames on closed streams must update both, too (sections 4.3, 5.1,
 * 6.9).
 */
#ifndef WEIR_TESTS_SPEC_STATES_H
#define WEIR_TESTS_SPEC_STATES_H

#include "tests/support/script.h"

/* States of stream `$`, as its peer knows it. Each role has most of them. */
enum {
  STATE_NONE, /* the step is not taken there */
  IDLE,
  OPEN,
  WAITING,       /* client: half-closed (local), no final response yet */
  OPEN_ANSWERED, /* client: the final header section has come, and we are still sending */
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

/* A script that may run next, and the states to which it leads from each state. In texts, `$` is
 * the stream, `&` the next identifier to be promised, and `@message` the fields of a valid
 * message for an idle stream. */
struct spec_states_step {
  const char *text;
  uint8_t to[STATE_COUNT];
  bool everywhere; /* may be taken in every state, and leaves it */
};

/* The verdicts on a frame, by state, where its row does not say otherwise. One per role. */
enum spec_states_base {
  AS_ROW, /* none: the row's verdict holds in all states */
  AS_DATA,
  AS_HEADERS,
  AS_WINDOW_UPDATE,
  AS_PROMISE,
  AS_FROM_SERVER, /* a frame that only servers may send */
  AS_FROM_CLIENT, /* likewise, only clients */
  SPEC_STATES_BASES
};

struct spec_states_row {
  const char *section;
  const char *text;
  const char *all;                   /* verdict in every state ... */
  enum spec_states_base base;        /* ... that is not named by this ... */
  const char *verdicts[STATE_COUNT]; /* ... or here, which comes first */
};

struct spec_states_rows {
  const struct spec_states_row *at;
  size_t count;
};

struct spec_states_steps {
  const struct spec_states_step *at;
  size_t count;
};

/* A role's steps and rows. spec_states_shared_steps and _rows are added to them. */
struct spec_states_table {
  enum h2_role role; /* of the machine under test */
  const char *message;
  const char *push_setup; /* leads to PUSH_IDLE of stream 2 */
  struct spec_states_steps steps;
  struct spec_states_rows rows;
  const char *bases[SPEC_STATES_BASES][STATE_COUNT];
};

/* Where a run begins: `setup` leads to the state `from` of stream `id`. */
struct spec_states_start {
  const char *setup;
  unsigned id, from;
};

extern const struct spec_states_rows spec_states_shared_rows;
extern const struct spec_states_steps spec_states_shared_steps;

/* A test program: checks that the table is complete (tests/spec/spec_states_check.h), then runs
 * it for the client's stream 1 and for stream 2, which a server promises. Returns main()'s
 * status. */
int spec_states_main(const struct spec_states_table *table);

/* The two members of an array. */
#define SPEC_STATES_LIST(list)                                                                     \
  { list, sizeof(list) / sizeof *(list) }

/* ---- for the check -------------------------------------------------------------------- */

enum { SPEC_STATES_PREFIX_BYTES = 1200 };

/* Shortest prefix to each state that can be reached. */
struct spec_states_ways {
  char to[STATE_COUNT][SPEC_STATES_PREFIX_BYTES];
  bool reached[STATE_COUNT];
};

void spec_states_explore(const struct spec_states_table *table,
                         const struct spec_states_start *start, struct spec_states_ways *ways);

/* List 0 is the role's own, list 1 is for both roles. */
enum { SPEC_STATES_LISTS = 2 };

const struct spec_states_rows *spec_states_rows_of(const struct spec_states_table *table,
                                                   size_t list);
const struct spec_states_steps *spec_states_steps_of(const struct spec_states_table *table,
                                                     size_t list);

/* The state to which a step leads; STATE_NONE: it is not taken there. */
unsigned spec_states_next(const struct spec_states_step *step, unsigned state);

const char *spec_states_verdict(const struct spec_states_table *table,
                                const struct spec_states_row *row, unsigned state);

/* Runs a text for stream `id`. `promised` is the last identifier that `&` stood for. */
void spec_states_script(struct script *script, const struct spec_states_table *table,
                        const char *text, unsigned id, unsigned *promised);

#endif
