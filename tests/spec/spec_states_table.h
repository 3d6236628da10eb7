/*
 * spec/spec_states_table.h - the form of a table of states and frames: tests/spec/spec_states.h.
 */
#ifndef WEIR_TESTS_SPEC_STATES_TABLE_H
#define WEIR_TESTS_SPEC_STATES_TABLE_H

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

/* The two members of an array. */
#define SPEC_STATES_LIST(list)                                                                     \
  { list, sizeof(list) / sizeof *(list) }

#endif
