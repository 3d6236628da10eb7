/*
 * spdy/test_states.c - the whole table: what each frame does to a stream in each state, in both roles. A cell is the
 * status of the RST_STREAM that answers, "ok" when the frame is accepted or ignored, or "GOAWAY".
 * Spec: SPDY/3.1 sections 2.3.2 to 2.3.7, 2.6.1 and 2.6.2.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/spdy_script.h"

static const struct spdy_session_config raw = {.raw = true}, http = {0};

static const char *const frames[] = {"DATA %u 300",    "DATA/S %u 300",    "REPLY %u @ok",
                                     "HEADERS %u x=y", "HEADERS/S %u x=y", "RST %u 5",
                                     "WU %u 9",        "SYN %u @post"};
enum { FRAMES = sizeof frames / sizeof *frames };

struct row {
  const char *name, *prepare;
  unsigned id;
  const char *cells[FRAMES];
  bool survives[FRAMES]; /* a stream that lived still does; not looked at where there was none */
};

#define IN_USE  "STREAM_IN_USE"
#define INVALID "INVALID_STREAM"
#define OVER    "STREAM_ALREADY_CLOSED"
#define WRONG   "PROTOCOL_ERROR"
#define BACK    "GOAWAY"

/*                       DATA     DATA/S   REPLY    HEADERS  HEADERS/S RST  WU   SYN */
static const struct row server[] = {
    {"idle", "PING 1", 1, {INVALID, INVALID, INVALID, INVALID, INVALID, "ok", "ok", "ok"}, {0}},
    {"open",
     "SYN 1 @post",
     1,
     {"ok", "ok", IN_USE, "ok", "ok", "ok", "ok", WRONG},
     {1, 1, 0, 1, 1, 0, 1, 0}},
    {"open and answered",
     "SYN 1 @post; !respond 1 200",
     1,
     {"ok", "ok", IN_USE, "ok", "ok", "ok", "ok", WRONG},
     {1, 1, 0, 1, 1, 0, 1, 0}},
    {"ended by the peer",
     "SYN/S 1 @post",
     1,
     {OVER, OVER, OVER, OVER, OVER, "ok", "ok", WRONG},
     {0, 0, 0, 0, 0, 0, 1, 0}},
    {"ended by us, the rest is dropped",
     "SYN 1 @post; !respond 1 200 none",
     1,
     {"ok", "ok", IN_USE, "ok", "ok", "ok", "ok", WRONG},
     {0}},
    {"closed",
     "SYN/S 1 @post; !respond 1 200 none",
     1,
     {INVALID, INVALID, INVALID, INVALID, INVALID, "ok", "ok", WRONG},
     {0}},
    {"reset by us",
     "SYN 1 @post; !reset 1 5",
     1,
     {"ok", "ok", "ok", "ok", "ok", "ok", "ok", WRONG},
     {0}},
    {"reset by the peer",
     "SYN 1 @post; RST 1 5",
     1,
     {INVALID, INVALID, INVALID, INVALID, INVALID, "ok", "ok", WRONG},
     {0}},
    {"skipped",
     "SYN/S 3 @post",
     1,
     {INVALID, INVALID, INVALID, INVALID, INVALID, "ok", "ok", BACK},
     {0}},
    {"pushed by us",
     "SYN/S 1 @get; !push 1 /x",
     2,
     {OVER, OVER, OVER, OVER, OVER, "ok", "ok", BACK},
     {0, 0, 0, 0, 0, 0, 1, 0}},
    {"of ours, idle",
     "PING 1",
     2,
     {INVALID, INVALID, INVALID, INVALID, INVALID, "ok", "ok", BACK},
     {0}},
};

static const struct row client[] = {
    {"idle", "PING 2", 1, {INVALID, INVALID, INVALID, INVALID, INVALID, "ok", "ok", BACK}, {0}},
    {"waiting",
     "PING 2; !request @ask",
     1,
     {WRONG, WRONG, "ok", WRONG, WRONG, "ok", "ok", BACK},
     {0, 0, 1, 0, 0, 0, 1, 0}},
    {"waiting, ended by us",
     "PING 2; !request none @ask",
     1,
     {WRONG, WRONG, "ok", WRONG, WRONG, "ok", "ok", BACK},
     {0, 0, 1, 0, 0, 0, 1, 0}},
    {"open",
     "!request @ask; REPLY 1 @ok",
     1,
     {"ok", "ok", IN_USE, "ok", "ok", "ok", "ok", BACK},
     {1, 1, 0, 1, 1, 0, 1, 0}},
    {"ended by us",
     "!request none @ask; REPLY 1 @ok",
     1,
     {"ok", "ok", IN_USE, "ok", "ok", "ok", "ok", BACK},
     {1, 0, 0, 1, 0, 0, 1, 0}},
    {"ended by the peer",
     "!request @ask; REPLY/S 1 @ok",
     1,
     {OVER, OVER, OVER, OVER, OVER, "ok", "ok", BACK},
     {0, 0, 0, 0, 0, 0, 1, 0}},
    {"closed",
     "!request none @ask; REPLY/S 1 @ok",
     1,
     {INVALID, INVALID, INVALID, INVALID, INVALID, "ok", "ok", BACK},
     {0}},
    {"reset by us",
     "!request @ask; REPLY 1 @ok; !reset 1 5",
     1,
     {"ok", "ok", "ok", "ok", "ok", "ok", "ok", BACK},
     {0}},
    {"reset by the peer",
     "!request @ask; REPLY 1 @ok; RST 1 5",
     1,
     {INVALID, INVALID, INVALID, INVALID, INVALID, "ok", "ok", BACK},
     {0}},
    {"of the server, idle",
     "PING 2",
     2,
     {INVALID, INVALID, INVALID, INVALID, INVALID, "ok", "ok", WRONG},
     {0}},
};

static const char *outcome(const struct spdy_script *script, unsigned id) {
  static char status[64];
  char key[32];
  (void)snprintf(key, sizeof key, "RST_STREAM %u ", id);
  const char *reset = strstr(script->log, key);
  if (strstr(script->log, "GOAWAY")) return "GOAWAY";
  if (!reset || sscanf(reset + strlen(key), "%63[A-Z_]", status) != 1) return "ok";
  return status;
}

static bool lives(const struct spdy_script *script, unsigned id) {
  for (size_t i = 0; i < script->stream_count; i++)
    if (script->streams[i].id == id && script->streams[i].stream) return true;
  return false;
}

static bool check_cell(const struct row *row, size_t at, bool is_server,
                       const struct spdy_session_config *session, size_t piece) {
  static struct spdy_script script;
  char step[64];
  spdy_script_begin(&script, is_server, session, NULL);
  spdy_script_run(&script, row->prepare, 0);
  script.log_len = 0;
  bool lived = lives(&script, row->id);
  (void)snprintf(step, sizeof step, frames[at], row->id);
  spdy_script_run(&script, step, piece);
  script.log[script.log_len] = 0;
  const char *got = outcome(&script, row->id);
  bool good =
      strcmp(got, row->cells[at]) == 0 && (!lived || lives(&script, row->id) == row->survives[at]);
  if (!good)
    print_error("%s: %s: %s, got %s (%s)\n", row->name, step, row->cells[at], got, script.log);
  spdy_script_close(&script);
  return good;
}

static void check_rows(const struct row *rows, size_t count, bool is_server) {
  unsigned bad = 0;
  for (size_t i = 0; i < count; i++)
    for (size_t at = 0; at < FRAMES; at++)
      bad += !check_cell(&rows[i], at, is_server, &http, 0) +
             !check_cell(&rows[i], at, is_server, &http, 1);
  if (bad) fail_msg("%u cells differ", bad);
}

static void test_server(void **state) {
  (void)state;
  check_rows(server, sizeof server / sizeof *server, true);
}

static void test_client(void **state) {
  (void)state;
  check_rows(client, sizeof client / sizeof *client, false);
}

/* Raw streams differ in one thing: an identifier that goes backwards costs its stream alone. */
static void test_raw(void **state) {
  static struct row rows[sizeof server / sizeof *server];
  unsigned bad = 0;
  (void)state;
  memcpy(rows, server, sizeof rows);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (strstr(rows[i].prepare, "respond") || strstr(rows[i].prepare, "push") || rows[i].id != 1)
      continue;
    if (strcmp(rows[i].cells[FRAMES - 1], BACK) == 0) rows[i].cells[FRAMES - 1] = WRONG;
    for (size_t at = 0; at < FRAMES; at++)
      bad += !check_cell(&rows[i], at, true, &raw, 0);
  }
  if (bad) fail_msg("%u cells differ", bad);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_server), cmocka_unit_test(test_client),
                                     cmocka_unit_test(test_raw)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
