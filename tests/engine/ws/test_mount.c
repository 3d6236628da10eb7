/*
 * ws/test_mount.c - machines at both ends of a WebSocket, over HTTP/1.1 and HTTP/2, with bytes that travel in
 * pieces of any size.
 */
#include "engine/ws/mount.h"

#include <string.h>

#include "engine/ws/limits.h"
#include "engine/ws/ws.h"
#include "tests/support/carrier.h"
#include "tests/support/cmocka.h"
#include "tests/support/end.h"

enum { BYTES = 300000 };

static struct carrier carrier;
static struct end ours, theirs; /* the client's machine, the server's */
static const char *offered[] = {"smoke/1", NULL};

static struct {
  bool opened, refuse;
  unsigned refused; /* status */
  unsigned client_code, server_code;
} heard;

/* What the server's handler does. */
static enum { ACCEPT, STUTTER, DENY, TALK } manner;

static bool on_opened(void *ctx, const char *protocol) {
  (void)ctx;
  heard.opened = true;
  assert_string_equal(protocol, "smoke/1");
  return !heard.refuse;
}

static void on_refused(void *ctx, unsigned status, const struct headers *fields) {
  (void)ctx;
  assert_non_null(fields);
  heard.refused = status;
}

static void on_closed(void *ctx, unsigned code, struct span reason) {
  unsigned *heard_code = ctx;
  (void)reason;
  assert_int_equal(*heard_code, 0);
  *heard_code = code;
}

static const struct ws_mount_events events = {
    .opened = on_opened, .refused = on_refused, .closed = on_closed};

static uint32_t random_bits(void *ctx) {
  static uint32_t seed;
  (void)ctx;
  return seed = seed * 1664525 + 1013904223;
}

/* ---- a server that says a text --------------------------------------------------------------- */

static void talker_closed(struct ws *ws, unsigned code, struct span reason) {
  (void)ws;
  (void)reason;
  heard.server_code = code;
}

static void talk(struct stream *stream, const struct request *request) {
  static const struct ws_events talker = {.closed = talker_closed};
  static struct ws_settings settings;
  settings = (struct ws_settings){
      .memory = &carrier.server.memory.memory, .events = &talker, .protocols = offered};
  struct ws *ws = ws_accept(stream, request, &settings, NULL);
  assert_non_null(ws);
  assert_true(ws_send(ws, WS_TEXT, span_text("hello")));
}

static bool stutter_create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                           uint64_t now_ns, struct machine *out);

static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  static const char *const spoken[] = {"other", "smoke/1", NULL};
  (void)ctx;
  (void)now_ns;
  const struct ws_mount_settings settings = {
      .memory = &carrier.server.memory.memory,
      .factory = {&theirs, manner == STUTTER ? stutter_create : end_create},
      .protocols = spoken,
      .events = &events,
      .ctx = &heard.server_code,
      .counters = &carrier.server.engine.ws};
  if (manner == DENY)
    (void)stream_respond(stream, 403, NULL, 0, BODY_NONE);
  else if (manner == TALK)
    talk(stream, request);
  else
    (void)!ws_mount_accept(stream, request, &settings);
}

static const char *const protocols[] = {"websocket", NULL};
static const struct handler handler = {.request = serve, .protocols = protocols};

/* ---- a machine that reads on only when it was asked for bytes, of which it has none then --------- */

static const struct machine_ops *end_ops; /* what it is otherwise */
static bool stuttering;

static unsigned stutter_wants(const void *self) {
  return stuttering ? MACHINE_SEND : end_ops->wants(self);
}

static size_t stutter_recv(void *self, struct span in, uint64_t now_ns) {
  size_t taken = end_ops->recv(self, in, now_ns);
  stuttering = theirs.received < BYTES;
  if (stuttering) return taken;
  theirs.send_total = BYTES; /* it answers once it has all */
  return taken;
}

static size_t stutter_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                           uint64_t now_ns) {
  if (!stuttering) return end_ops->send_peek(self, out, max, budget_bytes, now_ns);
  stuttering = false;
  return 0;
}

static void stutter_ack(void *self, size_t bytes, uint64_t now_ns) {
  if (bytes > 0) end_ops->send_ack(self, bytes, now_ns);
}

static bool stutter_create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                           uint64_t now_ns, struct machine *out) {
  static struct machine_ops ops;
  if (!end_create(ctx, peer, host, now_ns, out)) return false;
  end_ops = out->ops;
  ops = *end_ops;
  ops.wants = stutter_wants;
  ops.recv = stutter_recv;
  ops.send_peek = stutter_peek;
  ops.send_ack = stutter_ack;
  out->ops = &ops;
  return true;
}

/* ---- the conversation ------------------------------------------------------------------------ */

static void begin(bool http1, size_t cut) {
  memset(&heard, 0, sizeof heard);
  manner = ACCEPT;
  offered[0] = "smoke/1";
  end_init(&ours, BYTES);
  end_init(&theirs, BYTES);
  carrier_begin(&carrier, http1, cut, &handler);
  carrier_settle(&carrier);
}

/* False when memory was refused. */
static bool ask(void) {
  struct ws_mount_client client;
  const struct ws_mount_settings settings = {.memory = &carrier.client.memory.memory,
                                             .factory = {&ours, end_create},
                                             .protocols = offered,
                                             .events = &events,
                                             .ctx = &heard.client_code,
                                             .random = random_bits};
  if (!ws_mount_client(&client, &settings, carrier.http1)) return false;
  struct stream *stream =
      carrier_ask(&carrier, "websocket", client.end.fields, client.end.field_count, client.end.body,
                  client.end.events, client.end.ws);
  ws_mount_client_sent(&client, stream);
  return stream;
}

static bool all_arrived(void) {
  return ours.received == BYTES && theirs.received == BYTES;
}

static bool both_closed(void) {
  return heard.client_code && heard.server_code;
}

static bool client_closed(void) {
  return heard.client_code;
}

static void wake(struct end *end) {
  end->host->wake(end->host);
}

static void finish(void) {
  carrier_end(&carrier);
  assert_int_equal(ours.wrong + theirs.wrong, 0);
  assert_int_equal(ours.created, ours.closed);
  assert_int_equal(theirs.created, theirs.closed);
}

static void exchange(bool http1, bool client_ends, size_t cut) {
  begin(http1, cut);
  assert_true(ask());
  carrier_run(&carrier, all_arrived);
  assert_true(heard.opened);
  assert_string_equal(theirs.protocol, "smoke/1");
  assert_string_equal(ours.protocol, "smoke/1");
  struct end *first = client_ends ? &ours : &theirs, *other = client_ends ? &theirs : &ours;
  first->done = true;
  wake(first);
  carrier_run(&carrier, both_closed);
  assert_int_equal(heard.client_code, WS_NORMAL);
  assert_int_equal(heard.server_code, WS_NORMAL);
  assert_true(other->eof);
  assert_true(carrier.now_ns < SECOND_NS + WS_CLOSE_NS); /* no one waited for the other in vain */
  finish();
}

/* What a server sends is not masked, and over HTTP/1.1 it may be vaulted and is taken so. A client's bytes are never. */
static void vaults(void **state) {
  (void)state;
  static const size_t cuts[] = {65536, 1000, 7};
  carrier.vaults = true;
  for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
    for (int http1 = 0; http1 < 2; http1++) {
      begin(http1, cuts[i]);
      ours.vaults = theirs.vaults = true;
      assert_true(ask());
      carrier_run(&carrier, all_arrived);
      assert_null(ours.peer.vault);
      assert_int_equal(theirs.peer.vault != NULL, http1);
      assert_int_equal(ours.vaulted > 0, http1);
      assert_int_equal(theirs.vaulted, 0);
      carrier_calm(&carrier);
      finish();
      assert_int_equal(ours.loans + theirs.loans, 0);
    }
  carrier.vaults = false;
}

static void both_ways(void **state) {
  (void)state;
  static const size_t cuts[] = {65536, 1000, 7, 1};
  for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
    for (int http1 = 0; http1 < 2; http1++)
      for (int client_ends = 0; client_ends < 2; client_ends++)
        exchange(http1, client_ends, cuts[i]);
}

/* A machine that does not read makes the other one wait, and nothing is lost. */
static void pushes_back(void **state) {
  (void)state;
  for (int http1 = 0; http1 < 2; http1++) {
    begin(http1, 5000);
    ours.send_total = 4 * MIB;
    theirs.receive_max = 1000;
    assert_true(ask());
    carrier_calm(&carrier);
    assert_int_equal(theirs.received, 1000);
    const struct pipe *under_way = &carrier.client.sent; /* it has no bound */
    assert_true(ours.sent - (under_way->end - under_way->begin) < MIB);
    assert_int_equal(ours.received, BYTES); /* the other way is free */
    theirs.receive_max = UINT64_MAX;
    wake(&theirs);
    carrier_calm(&carrier);
    assert_int_equal(theirs.received, 4 * MIB);
    finish();
  }
}

/* What the machine reads after a peek that gave nothing may give it something to send. */
static void stutters(void **state) {
  (void)state;
  for (int http1 = 0; http1 < 2; http1++) {
    begin(http1, 5000);
    manner = STUTTER;
    theirs.send_total = 0;
    assert_true(ask());
    carrier_run(&carrier, all_arrived);
    finish();
  }
}

/* What waits to be sent is bounded, and does not hold up what is received. */
static void sending_waits(void **state) {
  (void)state;
  for (int http1 = 0; http1 < 2; http1++) {
    begin(http1, 5000);
    theirs.send_total = 4 * MIB;
    assert_true(ask());
    carrier_calm(&carrier);
    assert_int_equal(ours.received, 4 * MIB);
    assert_int_equal(theirs.received, BYTES);
    assert_true(carrier.server.memory.bytes_max < 2 * MIB);
    finish();
  }
}

/* A machine that wants its connection cut ends the stream at once. */
static void resets(void **state) {
  (void)state;
  for (int http1 = 0; http1 < 2; http1++) {
    begin(http1, 65536);
    assert_true(ask());
    carrier_calm(&carrier);
    ours.reset = true;
    theirs.done = true; /* when it hears of that */
    wake(&ours);
    carrier_calm(&carrier);
    assert_true(heard.client_code == WS_ABNORMAL);
    finish();
  }
}

/* The connection's drain reaches the machine, and the peer's machine has time to finish. */
static void drains(void **state) {
  (void)state;
  for (int http1 = 0; http1 < 2; http1++) {
    begin(http1, 65536);
    assert_true(ask());
    carrier_calm(&carrier);
    const struct machine *machine = &carrier.server.machine;
    machine->ops->drain(machine->self, carrier.now_ns);
    carrier_calm(&carrier);
    assert_true(theirs.drained && !ours.eof);
    theirs.done = ours.done = true;
    wake(&theirs);
    carrier_run(&carrier, both_closed);
    finish();
  }
}

static bool ticked(void) {
  return ours.ticks > 0 && theirs.ticks > 0;
}

static void time_passes(void **state) {
  (void)state;
  for (int http1 = 0; http1 < 2; http1++) {
    begin(http1, 65536);
    assert_true(ask());
    carrier_calm(&carrier);
    uint64_t begun_ns = carrier.now_ns;
    ours.deadline_ns = theirs.deadline_ns = begun_ns + 3 * SECOND_NS;
    wake(&ours);
    wake(&theirs);
    carrier_run(&carrier, ticked);
    assert_true(carrier.now_ns >= begun_ns + 3 * SECOND_NS);
    assert_true(carrier.now_ns < begun_ns + 4 * SECOND_NS);
    finish();
  }
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void text_is_an_error(void **state) {
  (void)state;
  for (int http1 = 0; http1 < 2; http1++) {
    begin(http1, 65536);
    manner = TALK;
    assert_true(ask());
    carrier_run(&carrier, both_closed);
    assert_int_equal(heard.server_code, WS_UNSUPPORTED_DATA);
    assert_int_equal(ours.received, 0);
    finish();
  }
}

static void denied(void **state) {
  (void)state;
  for (int http1 = 0; http1 < 2; http1++) {
    for (int protocol = 0; protocol < 2; protocol++) {
      begin(http1, 65536);
      if (protocol)
        offered[0] = "fire/9"; /* which the server does not speak */
      else
        manner = DENY;
      assert_true(ask());
      carrier_run(&carrier, client_closed);
      assert_int_equal(heard.refused, protocol ? 400 : 403);
      assert_false(heard.opened || ours.created || theirs.created);
      finish();
    }
  }
}

static void opening_refused(void **state) {
  (void)state;
  begin(true, 65536);
  heard.refuse = true;
  assert_true(ask());
  carrier_run(&carrier, both_closed);
  assert_int_equal(heard.server_code, WS_PROTOCOL_ERROR);
  assert_false(ours.created);
  finish();
}

static void machine_refused(void **state) {
  (void)state;
  for (int client = 0; client < 2; client++) {
    begin(true, 65536);
    *(client ? &ours.refuse : &theirs.refuse) = true;
    assert_true(ask());
    carrier_run(&carrier, both_closed);
    assert_int_equal(client ? heard.server_code : heard.client_code, WS_INTERNAL_ERROR);
    finish();
  }
}

/* Whichever allocation fails, nothing is lost. True when one did. */
static bool memory_fails(bool http1, bool client, uint64_t after) {
  begin(http1, 65536);
  struct counted_memory *memory = client ? &carrier.client.memory : &carrier.server.memory;
  theirs.receive_max = 1000; /* so that bytes are kept */
  memory->refuse_at = memory->calls + after;
  (void)ask();
  carrier_calm(&carrier);
  bool reached = memory->calls >= memory->refuse_at;
  finish();
  return reached;
}

static void memory_refused(void **state) {
  (void)state;
  for (int http1 = 0; http1 < 2; http1++)
    for (int client = 0; client < 2; client++)
      for (uint64_t after = 1; memory_fails(http1, client, after); after++)
        assert_true(after < 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(vaults),           cmocka_unit_test(both_ways),
      cmocka_unit_test(pushes_back),      cmocka_unit_test(stutters),
      cmocka_unit_test(sending_waits),    cmocka_unit_test(resets),
      cmocka_unit_test(drains),           cmocka_unit_test(time_passes),
      cmocka_unit_test(text_is_an_error), cmocka_unit_test(denied),
      cmocka_unit_test(opening_refused),  cmocka_unit_test(machine_refused),
      cmocka_unit_test(memory_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
