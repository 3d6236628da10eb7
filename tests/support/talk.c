/*
 * support/talk.c - see support/talk.h.
 */
#include "tests/support/talk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"

static uint8_t lent[1 << 20];

/* ---- transcripts ----------------------------------------------------------------------------- */

static void append(struct talk_log *log, const char *text, size_t len) {
  assert_true(log->len + len < sizeof log->text);
  memcpy(log->text + log->len, text, len);
  log->len += len;
  log->text[log->len] = 0;
}

__attribute__((format(printf, 2, 3))) static void hear(struct talk *talk, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  int len = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (talk->heard.len) append(&talk->heard, ", ", 2);
  append(&talk->heard, text, (size_t)len);
  talk->data_app = 0;
}

/* Data that comes in pieces is one entry. */
static void hear_data(struct talk_app *app, size_t bytes, bool end) {
  struct talk *talk = app->talk;
  unsigned number = (unsigned)(app - talk->apps) + 1;
  if (talk->data_app == number) {
    talk->heard.len = talk->data_at;
    talk->heard.text[talk->heard.len] = 0;
  } else {
    app->heard_bytes = 0;
  }
  app->heard_bytes += bytes;
  size_t at = talk->heard.len;
  hear(talk, "data %u %zu%s", number, app->heard_bytes, end ? " end" : "");
  talk->data_app = number;
  talk->data_at = at;
}

/* CRLF becomes '|', though it may come in two pieces. */
static void see(struct talk *talk, struct span bytes) {
  struct talk_log *log = &talk->wire;
  for (size_t i = 0; i < bytes.len; i++) {
    char byte = (char)bytes.base[i];
    if (byte == '\n' && log->len && log->text[log->len - 1] == '\r') {
      log->len--;
      byte = '|';
    }
    append(log, &byte, 1);
  }
}

/* ---- the application ------------------------------------------------------------------------- */

static void on_data(struct stream *stream, struct span bytes, bool end) {
  hear_data(stream->user, bytes.len, end);
}

static unsigned number_of(const struct talk_app *app) {
  return (unsigned)(app - app->talk->apps) + 1;
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  struct talk_app *app = stream->user;
  hear(app->talk, "trailers %u %.*s", number_of(app), (int)fields->at[0].name.len,
       (const char *)fields->at[0].name.base);
}

static void on_drain(struct stream *stream) {
  const struct talk_app *app = stream->user;
  hear(app->talk, "drain %u", number_of(app));
}

static void on_closed(struct stream *stream, uint32_t code) {
  struct talk_app *app = stream->user;
  hear(app->talk, "closed %u %u", number_of(app), code);
  app->stream = NULL;
}

static const struct stream_events events = {
    .data = on_data, .trailers = on_trailers, .drain = on_drain, .closed = on_closed};

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct talk_app *app = self;
  size_t most = app->piece && app->piece < chunk->max ? app->piece : chunk->max;
  size_t take = app->pending < most ? app->pending : most;
  if (app->lends)
    chunk->bytes = span_of(lent, take);
  else if (take) {
    if (app->text)
      memcpy(chunk->room, app->text, take);
    else
      memset(chunk->room, 'b', take);
    chunk->bytes = span_of(chunk->room, take);
  }
  if (app->text) app->text += take;
  app->pending -= take;
  if (app->pending) return BODY_MORE;
  if (app->fails) return BODY_ERROR;
  return app->end ? BODY_END : BODY_WAIT;
}

static void close_body(void *self) {
  struct talk_app *app = self;
  app->pending = 0;
}

static const struct body_ops body_ops = {.pull = pull, .close = close_body};

static bool respond(struct talk_app *app, unsigned status, const char *length) {
  struct header field = header_of(TOKEN_CONTENT_LENGTH, span_text(length ? length : ""));
  return stream_respond(app->stream, status, &field, length ? 1 : 0, (struct body){&body_ops, app});
}

static void say(struct talk_app *app, const char *text, const char *length, size_t piece) {
  app->text = text;
  app->pending = strlen(text);
  app->piece = piece;
  app->end = true;
  (void)respond(app, 200, length);
}

static void lend(struct talk_app *app, struct span number) {
  char length[24];
  (void)snprintf(length, sizeof length, "%.*s", (int)number.len, (const char *)number.base);
  app->pending = strtoul(length, NULL, 10);
  app->lends = app->end = true;
  (void)respond(app, 200, length);
}

static void answer(struct talk_app *app, struct span path) {
  if (span_is(path, "/none"))
    (void)stream_respond(app->stream, 204, NULL, 0, BODY_NONE);
  else if (span_is(path, "/chunked"))
    say(app, "aabbb", NULL, 3);
  else if (span_is(path, "/short"))
    say(app, "ok", "5", 0);
  else if (span_is(path, "/long"))
    say(app, "ok, and more", "2", 0);
  else if (path.len > 7 && memcmp(path.base, "/bytes/", 7) == 0)
    lend(app, span_of(path.base + 7, path.len - 7));
  else
    say(app, "ok", "2", 0);
}

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  struct talk *talk = ctx;
  (void)now_ns;
  assert_true(talk->app_count < TALK_APPS);
  struct talk_app *app = &talk->apps[talk->app_count++];
  *app = (struct talk_app){.talk = talk, .stream = stream};
  stream->events = &events;
  stream->user = app;
  hear(talk, "%.*s %.*s%s%.*s%s", (int)request->method.len, (const char *)request->method.base,
       (int)request->path.len, (const char *)request->path.base,
       request->protocol.len ? " for " : "", (int)request->protocol.len,
       (const char *)request->protocol.base, request->end ? "" : " +");
  if (span_is(request->path, "/duplex")) {
    stream->duplex = true;
    (void)respond(app, 200, NULL);
    return;
  }
  if (!request->end || request->protocol.len || span_is(request->path, "/hold")) return;
  if (span_is(request->path, "/hints")) (void)stream_inform(stream, 103, NULL, 0);
  app->fails = span_is(request->path, "/error");
  answer(app, request->path);
}

static void on_mistake(void *ctx, struct stream *stream, const char *what) {
  (void)stream, (void)what;
  ((struct talk *)ctx)->mistakes++;
}

static void on_ended(void *ctx, struct stream *stream, const struct stream_facts *facts) {
  struct talk *talk = ctx;
  const struct talk_app *app = stream->user;
  assert_true(app == NULL); /* closed() came before */
  assert_true(facts->begun_ns <= facts->ended_ns);
  talk->ended++;
}

/* ---- commands -------------------------------------------------------------------------------- */

static void tick(struct talk *talk, unsigned long ms) {
  const struct machine_ops *ops = talk->machine.ops;
  for (unsigned long passed = 0; passed < ms; passed += 100) {
    talk->now_ns += 100 * MILLISECOND_NS;
    if (ops->deadline_ns(talk->machine.self) <= talk->now_ns)
      ops->tick(talk->machine.self, talk->now_ns);
    talk_pump(talk);
  }
}

static void note_wants(struct talk *talk) {
  unsigned wants = talk_wants(talk);
  hear(talk, "wants%s%s%s%s", wants & MACHINE_RECV ? " RECV" : "",
       wants & MACHINE_SEND ? " SEND" : "", wants & MACHINE_DONE ? " DONE" : "",
       wants & MACHINE_ENDED ? " ENDED" : "");
}

/* The machine makes its output, of which nothing leaves yet. */
static void compose(struct talk *talk) {
  struct span span;
  (void)talk->machine.ops->send_peek(talk->machine.self, &span, 1, 65536, talk->now_ns);
}

static void of_stream(struct talk_app *app, const char *verb, unsigned long value,
                      const char *more) {
  static const struct header field = {.name = {(const uint8_t *)"x-sum", 5},
                                      .value = {(const uint8_t *)"42", 2}};
  struct stream *stream = app->stream;
  bool done = true;
  if (!stream) {
    hear(app->talk, "%s %u: closed", verb, number_of(app));
    return;
  }
  if (strcmp(verb, "respond") == 0) {
    done = respond(app, (unsigned)value, *more ? more : NULL);
  } else if (strcmp(verb, "inform") == 0) {
    done = stream_inform(stream, (unsigned)value, NULL, 0);
  } else if (strcmp(verb, "trailers") == 0) {
    done = stream_trailers(stream, &field, 1);
  } else if (strcmp(verb, "tunnel") == 0) {
    done = stream_tunnel(stream, NULL, 0, (struct body){&body_ops, app});
  } else if (strcmp(verb, "reset") == 0) {
    stream_reset(stream, (uint32_t)value);
  } else if (strcmp(verb, "later") == 0) {
    stream->consume_later = true;
  } else if (strcmp(verb, "consume") == 0) {
    stream_consume(stream, value);
  } else if (strcmp(verb, "cap") == 0) {
    stream_cap(stream, value);
  } else if (strcmp(verb, "send") == 0 || strcmp(verb, "end") == 0) {
    app->pending += value;
    app->end = *verb == 'e';
    stream_resume(stream);
  } else {
    fail_msg("no such command: %s", verb);
  }
  if (!done) hear(app->talk, "%s refused", verb);
}

static void command(struct talk *talk, const char *text) {
  char verb[16] = "", more[16] = "";
  unsigned long number = 0, value = 0;
  int parts = sscanf(text, "%15s %lu %lu %15s", verb, &number, &value, more);
  assert_true(parts >= 1);
  const struct machine_ops *ops = talk->machine.ops;
  if (strcmp(verb, "tick") == 0)
    tick(talk, number);
  else if (strcmp(verb, "eof") == 0)
    ops->recv_eof(talk->machine.self, talk->now_ns);
  else if (strcmp(verb, "drain") == 0)
    ops->drain(talk->machine.self, talk->now_ns);
  else if (strcmp(verb, "mute") == 0 || strcmp(verb, "listen") == 0)
    talk->mute = *verb == 'm';
  else if (strcmp(verb, "compose") == 0)
    compose(talk);
  else if (strcmp(verb, "wants") == 0)
    note_wants(talk);
  else if (number >= 1 && number <= talk->app_count)
    of_stream(&talk->apps[number - 1], verb, value, more);
  else
    fail_msg("no such request: %s", text);
  talk_pump(talk);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

unsigned talk_wants(const struct talk *talk) {
  return talk->machine.ops->wants(talk->machine.self);
}

void talk_pump(struct talk *talk) {
  const struct machine_ops *ops = talk->machine.ops;
  while (!talk->mute && talk_wants(talk) & MACHINE_SEND) {
    struct span spans[8];
    size_t count = ops->send_peek(talk->machine.self, spans, 8, 65536, talk->now_ns), bytes = 0;
    if (count == 0) break;
    for (size_t i = 0; i < count; i++) {
      assert_true(spans[i].len > 0);
      see(talk, spans[i]);
      bytes += spans[i].len;
    }
    ops->send_ack(talk->machine.self, bytes, talk->now_ns);
  }
}

/* What the machine does not want is dropped: a script gives it where it is wanted. */
void talk_give(struct talk *talk, struct span bytes) {
  while (bytes.len && talk_wants(talk) & MACHINE_RECV) {
    struct span copy = guard_put(&talk->guard, bytes);
    size_t took = talk->machine.ops->recv(talk->machine.self, copy, talk->now_ns);
    assert_true(took > 0 && took <= bytes.len);
    bytes = span_of(bytes.base + took, bytes.len - took);
    talk_pump(talk);
  }
}

void talk_run(struct talk *talk, const char *script, size_t cut, size_t piece) {
  size_t given = 0;
  while (*script) {
    if (*script == '\1') {
      char text[64] = "";
      size_t len = strcspn(script + 1, "\1");
      assert_true(len < sizeof text);
      memcpy(text, script + 1, len);
      command(talk, text);
      script += len + 2;
      continue;
    }
    size_t len = strcspn(script, "\1"), step = given < cut ? cut - given : piece;
    if (step > len) step = len;
    talk_give(talk, span_of(script, step));
    script += step;
    given += step;
  }
}

/* ---- life ------------------------------------------------------------------------------------ */

void talk_begin(struct talk *talk, const struct engine_config *config) {
  static const char *const protocols[] = {"chat", NULL};
  static const struct machine_peer peer = {.application_protocol = ""};
  struct engine_config defaults = engine_config_default();
  memset(talk, 0, sizeof *talk);
  talk->now_ns = 1000 * SECOND_NS;
  talk->handler = (struct handler){.request = on_request,
                                   .mistake = on_mistake,
                                   .ended = on_ended,
                                   .protocols = protocols,
                                   .ctx = talk};
  guard_init(&talk->guard, 1 << 18);
  const struct memory *memory = counted_init(&talk->memory);
  assert_true(engine_init(&talk->engine, memory, config ? config : &defaults, &talk->handler));
  assert_true(h1_server(&talk->engine.h1, &peer, NULL, talk->now_ns, &talk->machine));
}

void talk_end(struct talk *talk) {
  const struct http_counters *counters = &talk->engine.http.counters;
  talk->machine.ops->close(talk->machine.self);
  assert_int_equal(talk->ended, talk->app_count);
  assert_int_equal(counters->streams_opened, counters->streams_closed);
  assert_int_equal(talk->engine.h1.uploads, 0);
  for (unsigned i = 0; i < talk->app_count; i++)
    assert_null(talk->apps[i].stream);
  engine_destroy(&talk->engine);
  assert_int_equal(talk->memory.count, 0);
  guard_destroy(&talk->guard);
}
