/*
 * support/exchange.c - see support/exchange.h.
 */
#include "tests/support/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/h1/ask.h"
#include "engine/h1/h1.h"
#include "engine/h2/h2.h"
#include "engine/h2/request.h"
#include "engine/spdy/request.h"
#include "engine/spdy/spdy.h"
#include "tests/support/cmocka.h"

enum { CLIENT, SERVER, MORE_MAX = 8, STEPS_MAX = 100000, CUT = 16384, BUDGET = 65536 };

static struct machine_host hosts[2];

static void wake(struct machine_host *host) {
  (void)host;
}

/* ---- what the client hears ------------------------------------------------------------------- */

static void note(struct exchange *exchange, const struct header *field) {
  size_t len = strlen(exchange->fields);
  bool pseudo = field->name.len > 0 && field->name.base[0] == ':';
  if (pseudo || span_is(field->name, "date") || span_is(field->name, "server")) return;
  int more = snprintf(exchange->fields + len, EXCHANGE_TEXT_BYTES - len, "%.*s: %.*s\n",
                      (int)field->name.len, (const char *)field->name.base, (int)field->value.len,
                      (const char *)field->value.base);
  assert_true(more > 0 && len + (size_t)more < EXCHANGE_TEXT_BYTES);
}

static void on_response(struct stream *stream, unsigned status, const struct headers *fields,
                        bool end) {
  struct exchange *exchange = stream->user;
  (void)end;
  if (status < 200) return;
  exchange->status = status;
  for (uint32_t i = 0; i < fields->count; i++)
    note(exchange, &fields->at[i]);
}

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct exchange *exchange = stream->user;
  (void)end;
  assert_true(exchange->body_len + bytes.len < sizeof exchange->body);
  if (bytes.len) memcpy(exchange->body + exchange->body_len, bytes.base, bytes.len);
  exchange->body_len += bytes.len;
  exchange->body[exchange->body_len] = 0;
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  struct exchange *exchange = stream->user;
  exchange->closed = true;
  exchange->error_code = error_code;
}

static const struct stream_events events = {
    .response = on_response, .data = on_data, .closed = on_closed};

/* ---- both sides ------------------------------------------------------------------------------ */

static bool connect(struct exchange *exchange, int side) {
  static const char *const names[] = {"http/1.1", "h2", "spdy/3.1"};
  struct engine *engine = &exchange->engines[side];
  struct machine *machine = &exchange->machines[side];
  const struct machine_peer peer = {.application_protocol = names[exchange->protocol],
                                    .secure = true};
  const struct spdy_session_config session = {0};
  const uint64_t now_ns = exchange->now_ns;
  struct machine_host *host = &hosts[side];
  host->wake = wake;
  switch (exchange->protocol) {
  case EXCHANGE_H1:
    return (side == CLIENT ? h1_client : h1_server)(&engine->h1, &peer, host, now_ns, machine);
  case EXCHANGE_H2:
    return (side == CLIENT ? h2_client : h2_server)(&engine->h2, &peer, host, now_ns, machine);
  default:
    return (side == CLIENT ? spdy_client : spdy_server)(&engine->spdy, &session, &peer, host,
                                                        now_ns, machine);
  }
}

void exchange_begin(struct exchange *exchange, enum exchange_protocol protocol,
                    const struct handler *handler) {
  memset(exchange, 0, sizeof *exchange);
  exchange->protocol = protocol;
  exchange->now_ns = SECOND_NS;
  const struct memory *memory = counted_init(&exchange->memory);
  for (int side = CLIENT; side <= SERVER; side++) {
    struct engine_config config = engine_config_default();
    config.clock_ns = &exchange->now_ns;
    assert_true(engine_init(&exchange->engines[side], memory, &config, handler));
    assert_true(connect(exchange, side));
  }
  exchange_run(exchange);
}

void exchange_run(struct exchange *exchange) {
  struct machine *client = &exchange->machines[CLIENT], *server = &exchange->machines[SERVER];
  const uint64_t now_ns = exchange->now_ns;
  bool moved = true;
  for (unsigned steps = 0; moved; steps++) {
    assert_true(steps < STEPS_MAX);
    moved = pipe_step(&exchange->sent[CLIENT], client, server, CUT, BUDGET, now_ns);
    moved |= pipe_step(&exchange->sent[SERVER], server, client, CUT, BUDGET, now_ns);
  }
}

static struct stream *ask(struct exchange *exchange, const struct header *fields, size_t count) {
  struct machine *client = &exchange->machines[CLIENT];
  switch (exchange->protocol) {
  case EXCHANGE_H1: return h1_request(h1_of(client), fields, count, BODY_NONE, &events, exchange);
  case EXCHANGE_H2: return h2_request(h2_of(client), fields, count, BODY_NONE, &events, exchange);
  default: return spdy_request(spdy_of(client), fields, count, BODY_NONE, &events, exchange);
  }
}

void exchange_ask(struct exchange *exchange, const char *method, const char *path,
                  const struct header *fields, size_t count) {
  struct header all[4 + MORE_MAX] = {
      header_of(TOKEN_METHOD, span_text(method)), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text(path))};
  assert_true(count <= MORE_MAX);
  for (size_t i = 0; i < count; i++)
    all[4 + i] = fields[i];
  exchange->status = 0;
  exchange->fields[0] = exchange->body[0] = 0;
  exchange->body_len = 0;
  exchange->closed = false;
  assert_non_null(ask(exchange, all, 4 + count));
  exchange_run(exchange);
}

const char *exchange_field(const struct exchange *exchange, const char *name) {
  static char value[EXCHANGE_TEXT_BYTES];
  char sought[128];
  int len = snprintf(sought, sizeof sought, "\n%s: ", name);
  snprintf(value, sizeof value, "\n%s", exchange->fields);
  char *found = strstr(value, sought);
  if (!found) return NULL;
  found[len + (int)strcspn(found + len, "\n")] = 0;
  return found + len;
}

void exchange_end(struct exchange *exchange) {
  for (int side = CLIENT; side <= SERVER; side++)
    exchange->machines[side].ops->close(exchange->machines[side].self);
  for (int side = CLIENT; side <= SERVER; side++) {
    engine_destroy(&exchange->engines[side]);
    free(exchange->sent[side].base);
  }
  assert_int_equal(exchange->memory.bytes, 0);
}
