/*
 * support/spdy_app.c - the application of spdy_script.h: handler, client, bodies and the steps with !.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/spdy_app.h"

static const uint8_t pattern[4096];

static void close_body(void *self) {
  struct spdy_app_stream *app = self;
  app->body_open = false;
}

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct spdy_app_stream *app = self;
  size_t bytes = app->left < chunk->max ? app->left : chunk->max;
  if (bytes > sizeof pattern) bytes = sizeof pattern;
  chunk->bytes = span_of(pattern, bytes);
  app->left -= bytes;
  if (app->left == 0 && app->ended) return BODY_END;
  if (app->left == 0 && bytes == 0) return BODY_WAIT;
  return BODY_MORE;
}

static const struct body_ops body_ops = {.pull = pull, .close = close_body};

static struct body body_of(struct spdy_app_stream *app) {
  app->body_open = true;
  return (struct body){&body_ops, app};
}

/* ---- events ---------------------------------------------------------------------------------- */

static struct spdy_app_stream *app_of(struct stream *stream) {
  return stream->user;
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct spdy_app_stream *app = app_of(stream);
  spdy_script_log_data(app->script, "data", app->id, bytes.len, end);
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  struct spdy_app_stream *app = app_of(stream);
  spdy_script_log(app->script, "trailers %u %u", app->id, fields->count);
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  struct spdy_app_stream *app = app_of(stream);
  spdy_script_log(app->script, "response %u %u fields %u%s", app->id, status, fields->count,
                  end ? " end" : "");
}

static const struct stream_events events;

static void on_promise(struct stream *stream, struct stream *promised,
                       const struct request *request) {
  struct spdy_app_stream *app = app_of(stream);
  struct spdy_script *script = app->script;
  spdy_script_log(script, "promise %u on %u %.*s", (unsigned)promised->id, app->id,
                  (int)request->path.len, (const char *)request->path.base);
  if (span_is(request->path, "/unwanted")) return;
  struct spdy_app_stream *own = &script->streams[script->stream_count++];
  assert(script->stream_count < SPDY_SCRIPT_STREAMS);
  *own =
      (struct spdy_app_stream){.script = script, .stream = promised, .id = (uint32_t)promised->id};
  promised->events = &events;
  promised->user = own;
}

static void on_timer(struct stream *stream, uint64_t now_ns) {
  (void)now_ns;
  spdy_script_log(app_of(stream)->script, "timer %u", app_of(stream)->id);
}

static void on_drain(struct stream *stream) {
  spdy_script_log(app_of(stream)->script, "drain %u", app_of(stream)->id);
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  struct spdy_app_stream *app = app_of(stream);
  spdy_script_log(app->script, "closed %u %s", app->id,
                  error_code ? spdy_status_name(error_code) : "0");
  app->stream = NULL;
}

static const struct stream_events events = {.data = on_data,
                                            .trailers = on_trailers,
                                            .timer = on_timer,
                                            .drain = on_drain,
                                            .response = on_response,
                                            .promise = on_promise,
                                            .closed = on_closed};

static void log_request(struct spdy_script *script, const struct stream *stream,
                        const struct request *request) {
  char text[200];
  int len = request->protocol.len
                ? snprintf(text, sizeof text, "fields %u", request->fields->count)
                : snprintf(text, sizeof text, "%.*s %.*s", (int)request->method.len,
                           (const char *)request->method.base,
                           (int)(request->path.len > 80 ? 80 : request->path.len),
                           (const char *)request->path.base);
  spdy_script_log(script, "request %u %.*s%s", (unsigned)stream->id, len, text,
                  request->end ? " end" : "");
}

static struct spdy_app_stream *adopt(struct spdy_script *script, struct stream *stream) {
  assert(script->stream_count < SPDY_SCRIPT_STREAMS);
  struct spdy_app_stream *app = &script->streams[script->stream_count++];
  *app = (struct spdy_app_stream){.script = script, .stream = stream, .id = (uint32_t)stream->id};
  return app;
}

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  struct spdy_script *script = ctx;
  (void)now_ns;
  struct spdy_app_stream *app = adopt(script, stream);
  stream->events = &events;
  stream->user = app;
  stream->consume_later = script->consume_later;
  log_request(script, stream, request);
}

static void on_mistake(void *ctx, struct stream *stream, const char *what) {
  (void)stream;
  spdy_script_log(ctx, "mistake: %s", what);
}

static void on_ended(void *ctx, struct stream *stream, const struct stream_facts *facts) {
  (void)ctx;
  (void)stream;
  assert(facts->ended_ns >= facts->begun_ns);
}

/* ---- the client ------------------------------------------------------------------------------ */

static void on_end(void *ctx, struct spdy *spdy, const struct spdy_end *end) {
  static const char *const names[] = {"done", "goaway", "broken", "eof", "lost", "closed"};
  (void)spdy;
  spdy_script_log(ctx, "ended %s%s%s", names[end->reason], end->what ? ": " : "",
                  end->what ? end->what : "");
}

static void on_closing(void *ctx, struct spdy *spdy) {
  (void)spdy;
  spdy_script_log(ctx, "closing");
}

static void on_room(void *ctx, struct spdy *spdy) {
  (void)spdy;
  spdy_script_log(ctx, "room");
}

static const struct spdy_client_events client_events = {
    .closing = on_closing, .room = on_room, .ended = on_end};

void spdy_app_init(struct spdy_script *script) {
  script->handler = (struct handler){
      .ctx = script, .request = on_request, .mistake = on_mistake, .ended = on_ended};
}

void spdy_app_listen(struct spdy_script *script) {
  if (!script->server) spdy_client_listen(spdy_of(&script->machine), &client_events, script);
}

static void request(struct spdy_script *script, const char *text) {
  struct header fields[16];
  bool none = strncmp(text, "none ", 5) == 0;
  struct spdy *spdy = spdy_of(&script->machine);
  size_t count = spdy_script_fields(none ? text + 5 : text, fields, 16);
  struct spdy_app_stream *app = &script->streams[script->stream_count++];
  assert(script->stream_count < SPDY_SCRIPT_STREAMS);
  *app = (struct spdy_app_stream){.script = script};
  struct body body = none ? BODY_NONE : body_of(app);
  app->stream = spdy_request(spdy, fields, count, body, &events, app);
  if (!app->stream) spdy_script_log(script, "request refused");
  if (!app->stream) return;
  app->id = (uint32_t)app->stream->id;
  app->stream->consume_later = script->consume_later;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static struct spdy_app_stream *find(struct spdy_script *script, unsigned long id) {
  for (size_t i = 0; i < script->stream_count; i++)
    if (script->streams[i].id == id && script->streams[i].stream) return &script->streams[i];
  return NULL;
}

static bool says_none(const char *args) {
  const char *at = strstr(args, "none");
  return at && at[4] == 0;
}

static void answer(struct spdy_app_stream *app, const char *verb, const char *args) {
  struct header fields[16];
  struct body body = says_none(args) ? BODY_NONE : body_of(app);
  unsigned status = (unsigned)strtoul(args, NULL, 10);
  bool done = true;
  if (strcmp(verb, "tunnel") == 0)
    done = stream_tunnel(app->stream, NULL, 0, body);
  else
    done =
        stream_respond(app->stream, status, fields, spdy_script_fields("x-a=b", fields, 16), body);
  if (!done) spdy_script_log(app->script, "%s refused", verb);
}

static void push(struct spdy_app_stream *app, const char *path) {
  const struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text(path))};
  if (!stream_push(app->stream, fields, 4)) spdy_script_log(app->script, "push refused");
}

static void stream_step(struct spdy_app_stream *app, const char *verb, const char *args) {
  unsigned long number = strtoul(args, NULL, 10);
  if (strcmp(verb, "send") == 0 || strcmp(verb, "end") == 0) {
    app->left += number;
    app->ended = verb[0] == 'e';
    stream_resume(app->stream);
  } else if (strcmp(verb, "reset") == 0) {
    stream_reset(app->stream, (uint32_t)number);
  } else if (strcmp(verb, "consume") == 0) {
    stream_consume(app->stream, number);
  } else if (strcmp(verb, "cap") == 0) {
    stream_cap(app->stream, number);
  } else if (strcmp(verb, "timer") == 0) {
    stream_timer(app->stream, app->script->now_ns + number * MILLISECOND_NS);
  } else if (strcmp(verb, "trailers") == 0) {
    struct header field;
    if (!stream_trailers(app->stream, &field, spdy_script_fields("x-t=1", &field, 1)))
      spdy_script_log(app->script, "trailers refused");
  } else if (strcmp(verb, "inform") == 0) {
    if (!stream_inform(app->stream, (unsigned)number, NULL, 0))
      spdy_script_log(app->script, "inform refused");
  } else if (strcmp(verb, "push") == 0) {
    push(app, args);
  } else {
    assert(strcmp(verb, "tunnel") == 0 || strcmp(verb, "respond") == 0);
    answer(app, verb, args);
  }
}

static void close_machine(struct spdy_script *script) {
  script->machine.ops->close(script->machine.self);
  script->machine = (struct machine){0};
}

static bool session_step(struct spdy_script *script, const char *verb, const char *args) {
  struct machine *machine = &script->machine;
  if (strcmp(verb, "request") == 0)
    request(script, args);
  else if (strcmp(verb, "drain") == 0)
    machine->ops->drain(machine->self, script->now_ns);
  else if (strcmp(verb, "eof") == 0)
    machine->ops->recv_eof(machine->self, script->now_ns);
  else if (strcmp(verb, "close") == 0)
    close_machine(script);
  else if (strcmp(verb, "mute") == 0)
    script->muted = true;
  else if (strcmp(verb, "listen") == 0)
    script->muted = false;
  else if (strcmp(verb, "later") == 0)
    script->consume_later = true;
  else if (strcmp(verb, "windows") == 0)
    script->logs_windows = true;
  else if (strcmp(verb, "wants") == 0)
    spdy_script_log(script, "wants %s",
                    machine->ops->wants(machine->self) & MACHINE_RECV ? "recv" : "no recv");
  else
    return false;
  return true;
}

void spdy_app_step(struct spdy_script *script, const char *step) {
  char verb[16];
  int used = 0;
  if (sscanf(step, "%15s %n", verb, &used) < 1) assert(false);
  const char *args = step + used;
  if (session_step(script, verb, args)) return;
  char *rest;
  unsigned long id = strtoul(args, &rest, 10);
  while (*rest == ' ')
    rest++;
  struct spdy_app_stream *app = find(script, id);
  if (app)
    stream_step(app, verb, rest);
  else
    spdy_script_log(script, "no stream %lu", id);
}
