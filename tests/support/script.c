/*
 * support/script.c - a peer made of text. The modules below it: script_frame.c makes frames out of steps,
 * script_seen.c reads what comes back, script_app.c plays the application, script_log.c holds the
 * transcript.
 */
#include "tests/support/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/long.h"
#include "tests/support/loopback.h"
#include "tests/support/script_frame.h"

enum { PIECES_FIRST = 200, PIECES_LAST = 20, REFERENCES = 4 };

/* ---- running --------------------------------------------------------------------------------- */

void script_clear(struct script *script) {
  script->log[script->log_len = 0] = '\0';
}

/* The first and the last bytes of a frame are cut as small as the test wants. The rest comes at
 * once (unless tests run at length), or a frame of 16 KB would take 16,000 calls. */
static size_t piece_of(const struct script *script, size_t given, size_t left) {
  size_t piece = script->piece_bytes;
  if (piece == 0 || piece >= left) return left;
  bool middle = !test_is_long() && given >= PIECES_FIRST * piece && left > PIECES_LAST * piece;
  return middle ? left - PIECES_LAST * piece : piece;
}

/* Lets time pass until the machine's next deadline. False: it never wants to read again. */
static bool wait_for_deadline(struct script *script) {
  const struct machine_ops *ops = script->machine.ops;
  uint64_t deadline_ns = ops->deadline_ns(script->machine.self);
  if (script_done(script) || deadline_ns == MACHINE_NO_DEADLINE) return false;
  if (deadline_ns > script->now_ns) script->now_ns = deadline_ns;
  ops->tick(script->machine.self, script->now_ns);
  script_pump(script);
  return true;
}

/* Gives bytes to the sink, or to the machine in pieces that are exact copies, so that a
 * sanitizer sees a read beyond them. */
static void give(struct script *script, struct span bytes) {
  if (script->sink) {
    script->sink(script, bytes);
    return;
  }
  const struct machine_ops *ops = script->machine.ops;
  for (size_t given = 0; given < bytes.len;) {
    size_t piece = piece_of(script, given, bytes.len - given);
    uint8_t *copy = malloc(piece);
    memcpy(copy, bytes.base + given, piece);
    size_t took = ops->recv(script->machine.self, span_of(copy, piece), script->now_ns);
    free(copy);
    assert_true(took <= piece);
    if (took < piece) script_pump(script);
    given += took;
    if (took > 0 || ops->wants(script->machine.self) & MACHINE_RECV) continue;
    if (!script->patient || !wait_for_deadline(script)) break;
  }
}

void script_run(struct script *script, const char *text) {
  while (*text) {
    text += strspn(text, " ;");
    if (!*text) break;
    const char *end = text + strcspn(text, ";"), *trimmed = end;
    while (trimmed > text && trimmed[-1] == ' ')
      trimmed--;
    script->data_at = SIZE_MAX;
    if (*text == '!')
      script_app_step(script, text);
    else
      give(script, script_frame(script, text, trimmed));
    script_pump(script);
    text = end;
  }
}

/* ---- life ------------------------------------------------------------------------------------ */

struct engine_config script_config(void) {
  struct engine_config config = engine_config_default();
  config.h2.connection_window_bytes = 65535; /* small, so that a test can fill it */
  config.h2.stream_window_bytes = 1 * MIB;
  config.h2.connect_protocol = true;
  config.h2.flow = FLOW_CONSUME;
  return config;
}

void script_engine(struct script *script, enum h2_role role, const struct engine_config *config) {
  struct engine_config defaults = script_config();
  const struct memory *memory = counted_init(&script->memory);
  script->handler = (struct handler){.request = script_app_request, .ctx = script};
  assert_true(engine_init(&script->engine, memory, config ? config : &defaults,
                          role == H2_SERVER ? &script->handler : NULL));
}

void script_destroy(struct script *script) {
  engine_destroy(&script->engine);
  assert_int_equal(script->memory.count, 0);
  assert_int_equal(script->memory.bytes, 0);
}

/* Everything of a connection except its machine. */
static void begin_peer(struct script *script, enum h2_role role) {
  const size_t kept = offsetof(struct script, role);
  memset((char *)script + kept, 0, offsetof(struct script, log) - kept);
  script_clear(script);
  script->role = role;
  script->now_ns = 1000 * SECOND_NS;
  script->connection_credit = 65535;
  script->rst_code = script->table_bytes_pending = -1;
  script->frame_bytes_max = H2_FRAME_BYTES_MIN;
  hpack_decoder_init(&script->decoder, counted_init(&script->own_memory));
  headers_init(&script->fields, script->field_room, SCRIPT_FIELDS, script->arena,
               sizeof script->arena, sizeof script->arena);
}

static void end_peer(struct script *script) {
  hpack_decoder_destroy(&script->decoder);
  free(script->received);
  free(script->block);
  script->received = script->block = NULL;
}

void script_connect(struct script *script, enum h2_role role, bool bare) {
  begin_peer(script, role);
  assert_true((role == H2_SERVER ? h2_server : h2_client)(&script->engine.h2, &loopback_peer, NULL,
                                                          script->now_ns, &script->machine));
  script_pump(script);
  if (bare) return;
  script_run(script, role == H2_SERVER ? "RAW ~magic; SETTINGS 0; SETTINGS/A 0"
                                       : "SETTINGS 0; SETTINGS/A 0");
  assert_string_equal(script->log, "");
}

void script_disconnect(struct script *script) {
  script->machine.ops->close(script->machine.self);
  end_peer(script);
  assert_int_equal(script->engine.http.counters.streams_opened,
                   script->engine.http.counters.streams_closed);
}

void script_begin(struct script *script, enum h2_role role, const struct engine_config *config,
                  bool bare) {
  script_engine(script, role, config);
  script_connect(script, role, bare);
}

void script_close(struct script *script) {
  script_disconnect(script);
  script_destroy(script);
}

void script_attach(struct script *script, void (*sink)(struct script *script, struct span bytes)) {
  begin_peer(script, H2_SERVER);
  script->sink = sink;
}

void script_detach(struct script *script) {
  end_peer(script);
}

bool script_done(const struct script *script) {
  return script->machine.ops->wants(script->machine.self) & MACHINE_DONE;
}

/* ---- is the connection still whole? ---------------------------------------------------------- */

/* The peer begins another message: a request to a server, or the response to a client's request.
 * Returns its stream. */
static uint32_t begin_message(struct script *script, const char *flags, const char *request,
                              const char *more) {
  char step[256];
  uint32_t id = (script->id_max + 1) | 1;
  bool server = script->role == H2_SERVER;
  if (!server) {
    script_run(script, "!request /sync");
    id = script->apps[script->app_count - 1].id;
  }
  snprintf(step, sizeof step, "HEADERS/%s %u [%s %s]", flags, (unsigned)id,
           server ? request : "@ok", more);
  script_run(script, step);
  return id;
}

/* Checks HPACK: one message refers to the entries that the peer inserted last. */
static void check_tables(struct script *script) {
  char more[64] = "+x-sync=check", expected[512] = "check";
  size_t len = strlen(more), expected_len = strlen(expected);
  unsigned before = script->inserted_count;
  for (unsigned back = 0; back <= before && back < REFERENCES; back++) {
    const struct script_inserted *inserted = back ? &script->inserted[before - back] : NULL;
    if (inserted && strcmp(inserted->name, "x-sync") != 0) continue;
    len += (size_t)snprintf(more + len, sizeof more - len, " #%u", 62 + back);
    expected_len += (size_t)snprintf(expected + expected_len, sizeof expected - expected_len, ",%s",
                                     inserted ? inserted->value : "check");
  }
  (void)begin_message(script, "SH", "@get", more);
  assert_string_equal(script->sync_values, expected);
}

void script_check(struct script *script) {
  char step[64];
  script_clear(script);
  check_tables(script);
  assert_false(script->goaway);
  uint32_t id = begin_message(script, "H", "@post", "");
  script->mute = true; /* we get no more credit */
  assert_true(script->connection_credit >= 0);
  while (script->connection_credit > 0) {
    int64_t bytes = script->connection_credit < 16384 ? script->connection_credit : 16384;
    snprintf(step, sizeof step, "DATA %u *%d", (unsigned)id, (int)bytes);
    script_run(script, step);
  }
  assert_false(h2_of(&script->machine)->dead);
  snprintf(step, sizeof step, "DATA %u *1", (unsigned)id);
  script_clear(script);
  script_run(script, step);
  script->mute = false;
  script_pump(script);
  assert_non_null(strstr(script->log, "FLOW_CONTROL_ERROR"));
}
