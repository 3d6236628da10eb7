/*
 * support/h2_script.h - a peer made of text: what it sends to a server or client engine is written as a
 * script, what comes back as a transcript. For tests; no sockets.
 *
 * A script is steps between semicolons. A frame:
 *
 *     TYPE[/FLAGS] STREAM [LENGTH] PAYLOAD...
 *
 *   TYPE     DATA HEADERS PRIORITY RST SETTINGS PUSH PING GOAWAY WU CONT PU, or T and a number
 *   FLAGS    S END_STREAM, H END_HEADERS, A ACK, P PADDED, R PRIORITY, U all undefined ones
 *   LENGTH   L9: the header says 9, whatever the payload is
 *   PAYLOAD  any of   x0102 bytes    *5 zero bytes       =7 32 bits      s4=7 a setting
 *                     p3 Pad Length, and three bytes of padding at the end
 *                     d3/16 dependency and weight (d3/16! exclusive)
 *                     ~magic the client's magic        [...] a header block
 *
 * A block is fields between blanks: name=value (literal), +name=value (inserted into the dynamic
 * table), !name=value (never indexed), #62 (indexed), ^0 (table size update), xFF (bytes as they
 * are). %41 is an octet in hexadecimal. @get, @hold, @post, @connect, @ok stand for usual fields.
 * RAW x01 sends bytes without a frame header.
 *
 * A step that begins with ! is the application's: !respond 1 200, !end 1, !send 1 100, !reset 1 8,
 * !bulk 1 9000 (a response with a field so large), !inform 1 103, !trailers 1, !push 1 [https://a
 * [METHOD]] (BODY: GET with content), !request /path [body [authority]], !tick 500 (ms), !drain,
 * !eof, !mute (the peer stops reading) and !listen.
 *
 * The transcript: what the application heard in lower case, what was on the wire in upper case, but
 * for the preface, acknowledgements of SETTINGS and WINDOW_UPDATE, which are counted only.
 */
#ifndef WEIR_TESTS_H2_SCRIPT_H
#define WEIR_TESTS_H2_SCRIPT_H

#include "tests/support/h2_script_frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the application's steps ----------------------------------------------------------------- */

/* `origin` is scheme://authority, or empty for that of most requests here. */
static inline void script_push(struct script_app *app, const char *origin, const char *method) {
  const char *colon = strchr(*origin ? origin : (origin = "https://a"), ':');
  assert_non_null(colon);
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text(*method ? method : "GET")),
      header_of(TOKEN_SCHEME, span_of(origin, (size_t)(colon - origin))),
      header_of(TOKEN_AUTHORITY, span_text(colon + 3)),
      header_of(TOKEN_PATH, span_text("/hold")),
      header_of(TOKEN_CONTENT_LENGTH, span_text("3")),
  };
  size_t count = strcmp(method, "BODY") == 0 ? 5 : 4;
  if (count == 5) fields[0].value = span_text("GET");
  if (!stream_push(app->stream, fields, count)) script_log(script_now, "push refused");
}

static inline void script_open(struct script *script, const char *path, bool body,
                               const char *authority) {
  bool connect = path[0] != '/';
  bool extended = strcmp(path, "websocket") == 0;
  struct header fields[5] = {
      header_of(TOKEN_METHOD, span_text(connect ? "CONNECT"
                                        : body  ? "POST"
                                                : "GET")),
      header_of(TOKEN_AUTHORITY, span_text(*authority ? authority
                                           : connect  ? "a:443"
                                                      : "a")),
      header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_PATH, span_text(connect ? "/chat" : path)),
      header_of(TOKEN_PROTOCOL, span_text("websocket")),
  };
  if (strcmp(path, "/head") == 0) fields[0].value = span_text("HEAD");
  assert_true(script->app_count < SCRIPT_APPS);
  struct script_app *app = &script->apps[script->app_count++];
  struct stream *stream =
      h2_request(h2_of(&script->machine), fields,
                 extended  ? 5
                 : connect ? 2
                           : 4,
                 body ? (struct body){&script_body, app} : BODY_NONE, &script_events, NULL);
  if (stream)
    *app = (struct script_app){.id = (uint32_t)stream->id, .stream = stream};
  else {
    script->app_count--;
    script_log(script, "request refused");
  }
}

static inline void script_tick(struct script *script, unsigned long ms) {
  const struct machine_ops *ops = script->machine.ops;
  for (unsigned long passed = 0; passed < ms; passed += 100) {
    script->now_ns += 100 * MILLISECOND_NS;
    if (ops->deadline_ns(script->machine.self) <= script->now_ns)
      ops->tick(script->machine.self, script->now_ns);
    script_pump(script);
  }
}

static inline void script_act(struct script *script, const char *text) {
  char step[256], verb[16], word[64] = "", more[64] = "", last[16] = "";
  unsigned long id = 0, value = 0;
  snprintf(step, sizeof step, "%.*s", (int)strcspn(text, ";"), text);
  assert_true(sscanf(step, "!%15s %63s %63s %15s", verb, word, more, last) >= 1);
  id = strtoul(word, NULL, 10);
  value = strtoul(more, NULL, 10);
  const struct machine_ops *ops = script->machine.ops;
  struct script_app *app = script_app_of(script, id);
  bool alive = app && app->stream;
  if (strcmp(verb, "request") == 0) {
    script_open(script, word, strcmp(more, "body") == 0, last);
  } else if (strcmp(verb, "tick") == 0) {
    script_tick(script, id);
  } else if (strcmp(verb, "drain") == 0) {
    ops->drain(script->machine.self, script->now_ns);
  } else if (strcmp(verb, "eof") == 0) {
    ops->recv_eof(script->machine.self, script->now_ns);
  } else if (strcmp(verb, "mute") == 0) {
    script->mute = true;
  } else if (strcmp(verb, "listen") == 0) {
    script->mute = false;
  } else if (!alive) {
    return; /* the stream has ended: nothing the application could do */
  } else if (strcmp(verb, "respond") == 0) {
    (void)script_respond(app, (unsigned)value);
  } else if (strcmp(verb, "bulk") == 0) {
    if (!script_respond_bulk(app, value)) script_log(script, "respond refused");
  } else if (strcmp(verb, "inform") == 0) {
    if (!stream_inform(app->stream, (unsigned)value, NULL, 0)) script_log(script, "inform refused");
  } else if (strcmp(verb, "send") == 0) {
    app->pending += value;
    stream_resume(app->stream);
  } else if (strcmp(verb, "end") == 0) {
    app->end = true;
    stream_resume(app->stream);
  } else if (strcmp(verb, "reset") == 0) {
    stream_reset(app->stream, (uint32_t)value);
  } else if (strcmp(verb, "trailers") == 0) {
    struct header trailer = {.name = span_text("x-sum"), .value = span_text("42")};
    (void)stream_trailers(app->stream, &trailer, 1);
  } else if (strcmp(verb, "push") == 0) {
    script_push(app, more, last);
  } else {
    fail_msg("no such step: %s", text);
  }
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Runs the steps; what comes back after each is taken before the next. */
static inline void script_run(struct script *script, const char *text) {
  script_now = script;
  while (*text) {
    while (*text == ' ' || *text == ';')
      text++;
    if (!*text) break;
    const char *end = text + strcspn(text, ";");
    script->data_at = SIZE_MAX;
    const char *trimmed = end;
    while (trimmed > text && trimmed[-1] == ' ')
      trimmed--;
    if (*text == '!')
      script_act(script, text);
    else
      script_frame(script, text, trimmed);
    script_pump(script);
    text = end;
  }
}

static inline struct engine_config script_config(void) {
  struct engine_config config = engine_config_default();
  config.connection_window_bytes = 65535; /* small, so that a test can fill it */
  config.stream_window_bytes = 1 * MIB;
  config.connect_protocol = true;
  config.flow = FLOW_CONSUME;
  return config;
}

/* An engine for one connection after the other. */
static inline void script_engine(struct script *script, enum h2_role role,
                                 const struct engine_config *config) {
  static struct handler handler = {.request = script_request};
  struct engine_config defaults = script_config();
  counted_init(&script->memory);
  handler.ctx = script;
  assert_true(engine_init(&script->engine, &script->memory.memory, config ? config : &defaults,
                          role == H2_SERVER ? &handler : NULL));
}

/* A connection whose prefaces have been exchanged unless `bare`. */
static inline void script_connect(struct script *script, enum h2_role role, bool bare) {
  const size_t kept = offsetof(struct script, role);
  memset((char *)script + kept, 0, offsetof(struct script, log) - kept);
  script->log[0] = '\0';
  script->role = role;
  script->now_ns = 1000 * SECOND_NS;
  script->connection_credit = 65535;
  script->rst_code = script->table_bytes_pending = -1;
  script->frame_bytes_max = H2_FRAME_BYTES_MIN;
  counted_init(&script->own_memory);
  script_now = script;
  hpack_decoder_init(&script->decoder, &script->own_memory.memory);
  headers_init(&script->fields, script->field_room, 128, script->arena, sizeof script->arena,
               sizeof script->arena);
  assert_true((role == H2_SERVER ? h2_server : h2_client)(&script->engine, &loopback_peer, NULL,
                                                          script->now_ns, &script->machine));
  script_pump(script);
  if (bare) return;
  script_run(script, role == H2_SERVER ? "RAW ~magic; SETTINGS 0; SETTINGS/A 0"
                                       : "SETTINGS 0; SETTINGS/A 0");
  assert_string_equal(script->log, "");
}

/* Both. */
static inline void script_begin(struct script *script, enum h2_role role,
                                const struct engine_config *config, bool bare) {
  script_engine(script, role, config);
  script_connect(script, role, bare);
}

/* Closes the connection, and checks that no stream is left. */
static inline void script_disconnect(struct script *script) {
  script_now = script;
  script->machine.ops->close(script->machine.self);
  hpack_decoder_destroy(&script->decoder);
  free(script->received);
  free(script->block);
  script->received = script->block = NULL;
  assert_int_equal(script->engine.counters.streams_opened, script->engine.counters.streams_closed);
}

/* Checks that nothing leaked. */
static inline void script_destroy(struct script *script) {
  engine_destroy(&script->engine);
  assert_int_equal(script->memory.count, 0);
  assert_int_equal(script->memory.bytes, 0);
}

static inline void script_close(struct script *script) {
  script_disconnect(script);
  script_destroy(script);
}

static inline bool script_done(const struct script *script) {
  return script->machine.ops->wants(script->machine.self) & MACHINE_DONE;
}

/* ---- is the connection still whole? ---------------------------------------------------------- */

/* The peer begins one more message: a request to a server, or the response to a request that a
 * client makes. Returns its stream. */
static inline uint32_t script_message(struct script *script, const char *flags, const char *request,
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

/* All that the peer ever inserted is still found where it has to be. */
static inline void script_check_tables(struct script *script) {
  char more[32];
  (void)script_message(script, "SH", "@get", "+x-sync=check");
  assert_string_equal(script->sync_value, "check");
  for (unsigned back = 0; back < script->inserted_count && back < 4; back++) {
    const struct script_inserted *inserted = &script->inserted[script->inserted_count - 1 - back];
    if (strcmp(inserted->name, "x-sync") != 0) continue;
    snprintf(more, sizeof more, "#%u", 62 + back);
    (void)script_message(script, "SH", "@get", more);
    assert_string_equal(script->sync_value, inserted->value);
  }
}

/* HPACK is in step, and the connection's window exactly as we know it: all of it can be used, and
 * not one byte more. Ends the connection. */
static inline void script_check(struct script *script) {
  char step[64];
  script->log_len = 0;
  script_check_tables(script);
  assert_false(script->goaway);
  uint32_t id = script_message(script, "H", "@post", "");
  script->mute = true; /* no more credit comes to us */
  assert_true(script->connection_credit >= 0);
  while (script->connection_credit > 0) {
    int64_t bytes = script->connection_credit < 16384 ? script->connection_credit : 16384;
    snprintf(step, sizeof step, "DATA %u *%d", (unsigned)id, (int)bytes);
    script_run(script, step);
  }
  assert_false(h2_of(&script->machine)->dead);
  snprintf(step, sizeof step, "DATA %u *1", (unsigned)id);
  script->log_len = 0;
  script_run(script, step);
  script->mute = false;
  script_pump(script);
  assert_non_null(strstr(script->log, "FLOW_CONTROL_ERROR"));
}

#endif
