/*
 * h1/client_end.c - see h1/client_end.h.
 */
#include "tests/engine/h1/client_end.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/cmocka.h"

struct client client;

__attribute__((format(printf, 1, 2))) static void hear(const char *format, ...) {
  size_t len = strlen(client.heard);
  va_list arguments;
  va_start(arguments, format);
  if (len) len += (size_t)snprintf(client.heard + len, LOG_BYTES - len, ", ");
  vsnprintf(client.heard + len, LOG_BYTES - len, format, arguments);
  va_end(arguments);
  client.in_data = false;
}

static unsigned number_of(const struct stream *stream) {
  return (unsigned)stream->id;
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  const struct header *type = headers_find(fields, TOKEN_CONTENT_TYPE);
  assert_int_equal(fields->at[0].token, TOKEN_STATUS);
  assert_null(headers_find(fields, TOKEN_TRANSFER_ENCODING));
  assert_null(headers_find(fields, TOKEN_CONNECTION));
  hear("%u is %u%s%.*s%s", number_of(stream), status, type ? " " : "",
       type ? (int)type->value.len : 0, type ? (const char *)type->value.base : "",
       end ? " end" : "");
  if (((const struct ask *)stream->user)->resets) stream_reset(stream, 0);
}

/* Pieces of data are joined. */
static void on_data(struct stream *stream, struct span bytes, bool end) {
  size_t len = strlen(client.heard);
  if (!client.in_data) {
    hear("%u: ", number_of(stream));
    len = strlen(client.heard);
  }
  snprintf(client.heard + len, LOG_BYTES - len, "%.*s%s", (int)bytes.len, (const char *)bytes.base,
           end ? " end" : "");
  client.in_data = true;
}

static void on_trailers(struct stream *stream, const struct headers *fields) {
  hear("%u trailers %.*s", number_of(stream), (int)fields->at[0].name.len,
       (const char *)fields->at[0].name.base);
}

static void on_closed(struct stream *stream, uint32_t code) {
  hear("%u closed %u", number_of(stream), code);
}

static const struct stream_events events = {
    .response = on_response, .data = on_data, .trailers = on_trailers, .closed = on_closed};

static enum body_result wait_for_ever(void *self, struct body_chunk *chunk) {
  (void)self, (void)chunk;
  return BODY_WAIT;
}

static const struct body_ops waits = {.pull = wait_for_ever};

static struct body body_of(const struct ask *ask) {
  if (ask->waits) return (struct body){&waits, NULL};
  if (!ask->body) return BODY_NONE;
  return body_bytes(&client.bodies[client.made], span_text(ask->body), NULL, NULL);
}

static void make_next(void) {
  const struct ask *ask = &client.asks[client.made];
  if (!ask->method) return;
  struct header fields[8] = {
      header_of(TOKEN_METHOD, span_text(ask->method)), header_of(TOKEN_SCHEME, span_text("http")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text(ask->path)),
      header_of(TOKEN_USER_AGENT, span_text("t"))};
  size_t count = 5;
  if (ask->length) fields[count++] = header_of(TOKEN_CONTENT_LENGTH, span_text(ask->length));
  if (ask->protocol) fields[count++] = header_of(TOKEN_PROTOCOL, span_text(ask->protocol));
  struct body body = body_of(ask);
  client.made++;
  if (!h1_request(h1_of(&client.machine), fields, count, body, &events, (void *)(uintptr_t)ask))
    hear("refused");
}

static void on_ready(void *ctx, struct h1 *h1) {
  (void)ctx;
  assert_int_not_equal(h1_request_room(h1), 0);
  make_next();
}

static void on_ended(void *ctx, struct h1 *h1, enum h1_end_reason reason, const char *what) {
  static const char *const names[] = {"done", "broken", "eof", "closed"};
  (void)ctx;
  (void)h1;
  hear("ended %s%s%s", names[reason], what ? ": " : "", what ? what : "");
}

static const struct h1_client_events client_events = {.ready = on_ready, .ended = on_ended};

void client_begin(const struct ask *asks) {
  const struct engine_config config = engine_config_default();
  const struct machine_peer peer = {.application_protocol = ""};
  memset(&client, 0, sizeof client);
  client.asks = asks;
  guard_init(&client.guard, 1 << 16);
  assert_true(engine_init(&client.engine, counted_init(&client.memory), &config, NULL));
  assert_true(h1_client(&client.engine.h1, &peer, NULL, 0, &client.machine));
  h1_client_listen(h1_of(&client.machine), &client_events, NULL);
  make_next();
}

void client_make(unsigned depth) {
  if (depth > 1) h1_client_pipeline(h1_of(&client.machine), depth);
  while (client.made < depth)
    make_next();
}

void client_pump(void) {
  struct span spans[8];
  size_t count, bytes;
  do {
    count = client.machine.ops->send_peek(client.machine.self, spans, 8, 1 << 14, client.now_ns);
    bytes = 0;
    for (size_t i = 0; i < count; i++) {
      for (size_t at = 0; at < spans[i].len; at++) {
        char byte = (char)spans[i].base[at];
        size_t len = strlen(client.wire);
        assert_true(len + 1 < LOG_BYTES);
        if (byte == '\n') continue;
        client.wire[len] = byte == '\r' ? '|' : byte;
      }
      bytes += spans[i].len;
    }
    if (bytes) client.machine.ops->send_ack(client.machine.self, bytes, client.now_ns);
  } while (bytes);
}

unsigned client_wants(void) {
  return client.machine.ops->wants(client.machine.self);
}

static void give(const char *text, size_t len) {
  while (len && (client_wants() & MACHINE_RECV)) {
    struct span bytes = guard_put(&client.guard, span_of(text, len));
    size_t took = client.machine.ops->recv(client.machine.self, bytes, client.now_ns);
    client_pump();
    text += took;
    len -= took;
  }
}

void client_give(const char *text, size_t len) {
  for (const char *end = text + len, *at = text; at < end; at++) {
    size_t run = strcspn(at, "\1\2");
    if (run > (size_t)(end - at)) run = (size_t)(end - at);
    give(at, run);
    at += run;
    if (at < end && *at == '\1') client.machine.ops->recv_eof(client.machine.self, client.now_ns);
    client_pump();
  }
}

void client_end(void) {
  client.machine.ops->close(client.machine.self);
  engine_destroy(&client.engine);
  assert_int_equal(client.memory.count, 0);
  guard_destroy(&client.guard);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static bool run(const struct row *row, unsigned depth, size_t cut, bool bytewise) {
  size_t len = strlen(row->server);
  client_begin(row->asks);
  client_make(depth);
  client_pump();
  for (size_t at = 0; bytewise && at < len; at++)
    client_give(row->server + at, 1);
  if (!bytewise && cut) client_give(row->server, cut);
  if (!bytewise && cut < len) client_give(row->server + cut, len - cut);
  bool broken = !(client_wants() & MACHINE_RECV) && strstr(client.heard, "ended broken: ");
  client_end();
  bool heard = row->heard ? strcmp(client.heard, row->heard) == 0 : broken;
  bool same = heard && strcmp(client.wire, row->wire) == 0;
  if (!same)
    print_error("%s %s (%zu%s):\n  got  %s\n  want %s\n  sent %s\n  want %s\n", row->section,
                row->name, cut, bytewise ? ", by bytes" : "", client.heard,
                row->heard ? row->heard : "broken", client.wire, row->wire);
  return same;
}

bool client_run(const struct row *row, unsigned depth) {
  size_t len = strlen(row->server);
  bool same = run(row, depth, 0, false) && run(row, depth, 0, true);
  for (size_t cut = 1; same && cut < len; cut++)
    same = run(row, depth, cut, false);
  if (!same) print_error("%s fails\n", row->name);
  return same;
}
