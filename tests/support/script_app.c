/*
 * support/script_app.c - the application of a script, on top of the machine under test.
 */
#include "tests/support/script_app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/script_log.h"
#include "tests/support/script_seen.h"

struct script_app *script_app_of(struct script *script, uint64_t id) {
  for (unsigned i = 0; i < script->app_count; i++)
    if (script->apps[i].id == id) return &script->apps[i];
  return NULL;
}

/* ---- what it hears --------------------------------------------------------------------------- */

static struct script *script_of(const struct stream *stream) {
  return ((const struct script_app *)stream->user)->script;
}

/* The values of the x-sync fields, joined by commas. */
static void note_sync(struct script *script, const struct headers *fields) {
  size_t len = 0;
  for (uint32_t i = 0; i < fields->count; i++) {
    if (!span_is(fields->at[i].name, "x-sync")) continue;
    len += (size_t)snprintf(script->sync_values + len, sizeof script->sync_values - len, "%s%s",
                            len ? "," : "", script_log_text(fields->at[i].value));
    assert_true(len < sizeof script->sync_values);
  }
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  script_log_data(script_of(stream), "data", stream->id, bytes.len, end);
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  script_log(script_of(stream), "trailers %u %u", (unsigned)stream->id, fields->count);
}

static void on_drain(struct stream *stream) {
  script_log(script_of(stream), "drain %u", (unsigned)stream->id);
}

/* A test may have reused the application's slot for a later stream. */
static void on_closed(struct stream *stream, uint32_t error_code) {
  struct script_app *app = stream->user;
  script_log(app->script, "closed %u %s", (unsigned)stream->id, h2_error_name(error_code));
  if (app->id == stream->id) app->stream = NULL;
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  struct script *script = script_of(stream);
  script_log(script, "response %u %u%s", (unsigned)stream->id, status, end ? " end" : "");
  note_sync(script, fields);
}

static void on_promise(struct stream *stream, struct stream *promised,
                       const struct request *request);

static const struct stream_events events = {.data = on_data,
                                            .trailers = on_trailers,
                                            .drain = on_drain,
                                            .response = on_response,
                                            .promise = on_promise,
                                            .closed = on_closed};

static struct script_app *app_new(struct script *script) {
  assert_true(script->app_count < SCRIPT_APPS);
  struct script_app *app = &script->apps[script->app_count++];
  *app = (struct script_app){.script = script};
  return app;
}

static struct script_app *adopt(struct script *script, struct stream *stream) {
  struct script_app *app = app_new(script);
  app->id = (uint32_t)stream->id;
  app->stream = stream;
  stream->events = &events;
  stream->duplex = true;
  stream->user = app;
  return app;
}

static void on_promise(struct stream *stream, struct stream *promised,
                       const struct request *request) {
  struct script *script = script_of(stream);
  script_log(script, "promise %u %u %s", (unsigned)stream->id, (unsigned)promised->id,
             script_log_text(request->path));
  if (!span_is(request->path, "/unwanted")) (void)adopt(script, promised);
}

/* ---- what it answers ------------------------------------------------------------------------- */

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct script_app *app = self;
  size_t take = app->pending < chunk->max ? app->pending : chunk->max;
  if (take) memset(chunk->room, 'b', take);
  chunk->bytes = span_of(chunk->room, take);
  app->pending -= take;
  if (app->pending) return BODY_MORE;
  return app->end ? BODY_END : BODY_WAIT;
}

static const struct body_ops body = {.pull = pull};

static bool respond(struct script_app *app, unsigned status) {
  return stream_respond(app->stream, status, NULL, 0, (struct body){&body, app});
}

void script_app_request(void *ctx, struct stream *stream, const struct request *request,
                        uint64_t now_ns) {
  struct script *script = ctx;
  (void)now_ns;
  struct script_app *app = adopt(script, stream);
  script_log(script, "request %u %s %s%s", (unsigned)stream->id, script_log_text(request->method),
             script_log_text(request->path.len ? request->path : request->authority),
             request->end ? " end" : "");
  if (request->protocol.len) script_log(script, "protocol %s", script_log_text(request->protocol));
  note_sync(script, request->fields);
  if (span_is(request->path, "/hold") || span_is(request->method, "CONNECT")) return;
  if (span_is(request->path, "/none")) {
    if (!stream_respond(stream, 200, NULL, 0, BODY_NONE)) script_log(script, "respond refused");
    return;
  }
  app->pending = 2;
  app->end = true;
  if (!respond(app, 200)) script_log(script, "respond refused");
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* "!VERB WORD MORE LAST" */
struct step {
  char verb[16], word[64], more[64], last[16];
  unsigned long value; /* of `more` */
};

static void step_respond(struct script_app *app, const struct step *step) {
  (void)respond(app, (unsigned)step->value);
}

static void step_tunnel(struct script_app *app, const struct step *step) {
  (void)step;
  struct body tunnel = {&body, app};
  if (!stream_tunnel(app->stream, NULL, 0, tunnel)) script_log(app->script, "tunnel refused");
}

/* Sends a response with a field of that many bytes. It is not compressed, since the Huffman code
 * of '~' is longer than a byte. */
static void step_bulk(struct script_app *app, const struct step *step) {
  char *value = malloc(step->value + 1);
  memset(value, '~', step->value);
  struct header field = {.name = span_text("x-bulk"), .value = span_of(value, step->value)};
  if (!stream_respond(app->stream, 200, &field, 1, BODY_NONE))
    script_log(app->script, "respond refused");
  free(value);
}

static void step_inform(struct script_app *app, const struct step *step) {
  if (!stream_inform(app->stream, (unsigned)step->value, NULL, 0))
    script_log(app->script, "inform refused");
}

static void step_send(struct script_app *app, const struct step *step) {
  app->pending += step->value;
  stream_resume(app->stream);
}

static void step_end(struct script_app *app, const struct step *step) {
  (void)step;
  app->end = true;
  stream_resume(app->stream);
}

static void step_reset(struct script_app *app, const struct step *step) {
  stream_reset(app->stream, (uint32_t)step->value);
}

static void step_trailers(struct script_app *app, const struct step *step) {
  (void)step;
  struct header trailer = {.name = span_text("x-sum"), .value = span_text("42")};
  (void)stream_trailers(app->stream, &trailer, 1);
}

/* `more` is scheme://authority, or empty for the usual one. */
static void step_push(struct script_app *app, const struct step *step) {
  const char *origin = *step->more ? step->more : "https://a", *colon = strchr(origin, ':');
  bool content = strcmp(step->last, "BODY") == 0;
  assert_non_null(colon);
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text(*step->last && !content ? step->last : "GET")),
      header_of(TOKEN_SCHEME, span_of(origin, (size_t)(colon - origin))),
      header_of(TOKEN_AUTHORITY, span_text(colon + 3)),
      header_of(TOKEN_PATH, span_text("/hold")),
      header_of(TOKEN_CONTENT_LENGTH, span_text("3")),
  };
  if (!stream_push(app->stream, fields, content ? 5 : 4)) script_log(app->script, "push refused");
}

/* `word` is a path; "websocket" for extended CONNECT; anything else for CONNECT. */
static void step_request(struct script *script, const struct step *step) {
  bool connect = step->word[0] != '/', extended = strcmp(step->word, "websocket") == 0;
  bool content = strcmp(step->more, "body") == 0, head = strcmp(step->word, "/head") == 0;
  const char *method = connect ? "CONNECT" : head ? "HEAD" : content ? "POST" : "GET";
  const char *authority = connect ? "a:443" : "a";
  struct header fields[5] = {
      header_of(TOKEN_METHOD, span_text(method)),
      header_of(TOKEN_AUTHORITY, span_text(*step->last ? step->last : authority)),
      header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_PATH, span_text(connect ? "/chat" : step->word)),
      header_of(TOKEN_PROTOCOL, span_text("websocket")),
  };
  struct script_app *app = app_new(script);
  app->stream = h2_request(h2_of(&script->machine), fields,
                           extended  ? 5
                           : connect ? 2
                                     : 4,
                           content ? (struct body){&body, app} : BODY_NONE, &events, app);
  if (app->stream) {
    app->id = (uint32_t)app->stream->id;
  } else {
    script->app_count--;
    script_log(script, "request refused");
  }
}

static void step_tick(struct script *script, const struct step *step) {
  const struct machine_ops *ops = script->machine.ops;
  unsigned long ms = strtoul(step->word, NULL, 10);
  for (unsigned long passed = 0; passed < ms; passed += 100) {
    script->now_ns += 100 * MILLISECOND_NS;
    if (ops->deadline_ns(script->machine.self) <= script->now_ns)
      ops->tick(script->machine.self, script->now_ns);
    script_pump(script);
  }
}

static void step_drain(struct script *script, const struct step *step) {
  (void)step;
  script->machine.ops->drain(script->machine.self, script->now_ns);
}

static void step_eof(struct script *script, const struct step *step) {
  (void)step;
  script->machine.ops->recv_eof(script->machine.self, script->now_ns);
}

static void step_mute(struct script *script, const struct step *step) {
  (void)step;
  script->mute = true;
}

static void step_listen(struct script *script, const struct step *step) {
  (void)step;
  script->mute = false;
}

static const struct {
  const char *verb;
  void (*of_stream)(struct script_app *app, const struct step *step);
  void (*of_connection)(struct script *script, const struct step *step);
} verbs[] = {
    {"respond", step_respond, NULL},   {"bulk", step_bulk, NULL},
    {"inform", step_inform, NULL},     {"send", step_send, NULL},
    {"end", step_end, NULL},           {"reset", step_reset, NULL},
    {"trailers", step_trailers, NULL}, {"push", step_push, NULL},
    {"request", NULL, step_request},   {"tick", NULL, step_tick},
    {"drain", NULL, step_drain},       {"eof", NULL, step_eof},
    {"mute", NULL, step_mute},         {"listen", NULL, step_listen},
    {"tunnel", step_tunnel, NULL},
};

void script_app_step(struct script *script, const char *text) {
  struct step step = {.verb = ""};
  char whole[256];
  snprintf(whole, sizeof whole, "%.*s", (int)strcspn(text, ";"), text);
  int parts = sscanf(whole, "!%15s %63s %63s %15s", step.verb, step.word, step.more, step.last);
  assert_true(parts >= 1);
  step.value = strtoul(step.more, NULL, 10);
  struct script_app *app = script_app_of(script, strtoul(step.word, NULL, 10));
  for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
    if (strcmp(step.verb, verbs[i].verb) != 0) continue;
    if (verbs[i].of_connection) verbs[i].of_connection(script, &step);
    if (verbs[i].of_stream && app && app->stream) verbs[i].of_stream(app, &step);
    return;
  }
  fail_msg("no such step: %s", text);
}
