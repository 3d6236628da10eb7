/*
 * http/test_mount.c - machines at both ends of a tunnel, over HTTP/1.1 and HTTP/2, with bytes that travel in
 * pieces of any size.
 */
#include "engine/http/limits.h"
#include "engine/http/mount.h"

#include <string.h>

#include "engine/http/body.h"
#include "tests/support/carrier.h"
#include "tests/support/cmocka.h"
#include "tests/support/end.h"

enum { BYTES = 300000 };

static struct carrier carrier;
static struct end ours, theirs; /* the client's machine, the server's */

/* What the mounts said. */
static struct {
  unsigned status;
  bool accepted, answered, refuse_answer;
  char refused[128];
  unsigned client_closed, server_closed;
} heard;

/* What the server's handler does. */
static enum { ACCEPT, DENY, HANG } manner;

static bool on_response(void *ctx, unsigned status, const struct headers *fields, bool accepted) {
  (void)ctx;
  assert_non_null(fields);
  assert_false(heard.answered);
  heard.answered = true;
  heard.status = status;
  heard.accepted = accepted;
  return !heard.refuse_answer;
}

static void on_refused(void *ctx, struct span bytes) {
  (void)ctx;
  assert_true(strlen(heard.refused) + bytes.len < sizeof heard.refused);
  strncat(heard.refused, (const char *)bytes.base, bytes.len);
}

static void on_closed(void *ctx, uint32_t error_code) {
  unsigned *closed = ctx;
  (void)error_code;
  (*closed)++;
}

static const struct mount_events events = {
    .response = on_response, .refused = on_refused, .closed = on_closed};

/* A stream that takes the tunnel and never ends it. */
static enum body_result pull_nothing(void *self, struct body_chunk *chunk) {
  (void)self;
  (void)chunk;
  return BODY_WAIT;
}

static void hang(struct stream *stream) {
  static const struct body_ops ops = {.pull = pull_nothing};
  static const struct stream_events none = {0};
  stream->duplex = true;
  stream->events = &none;
  assert_true(stream_tunnel(stream, NULL, 0, (struct body){&ops, NULL}));
}

static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  (void)ctx;
  (void)now_ns;
  static struct body_bytes no;
  struct header answer = {.name = span_text("x-answer"), .value = span_text("yes")};
  const struct mount_settings settings = {.memory = &carrier.server.memory.memory,
                                          .factory = {&theirs, end_create},
                                          .protocol = "smoke/1",
                                          .events = &events,
                                          .ctx = &heard.server_closed};
  assert_true(span_is(request->protocol, "smoke/1"));
  if (manner == DENY)
    (void)stream_respond(stream, 403, NULL, 0, body_bytes(&no, span_text("no way"), NULL, NULL));
  else if (manner == HANG)
    hang(stream);
  else
    (void)!mount_accept(stream, &answer, 1, &settings);
}

static const char *const protocols[] = {"smoke/1", NULL};
static const struct handler handler = {.request = serve, .protocols = protocols};

static void begin(bool http1, size_t cut) {
  memset(&heard, 0, sizeof heard);
  manner = ACCEPT;
  end_init(&ours, BYTES);
  end_init(&theirs, BYTES);
  carrier_begin(&carrier, http1, cut, &handler);
  carrier_settle(&carrier);
}

/* False when memory was refused. */
static bool ask(void) {
  struct mount_client client;
  const struct mount_settings settings = {.memory = &carrier.client.memory.memory,
                                          .factory = {&ours, end_create},
                                          .protocol = "smoke/1",
                                          .events = &events,
                                          .ctx = &heard.client_closed};
  if (!mount_client(&client, &settings, carrier.http1)) return false;
  struct stream *stream =
      carrier_ask(&carrier, "smoke/1", NULL, 0, client.body, client.events, client.mount);
  mount_client_sent(&client, stream);
  return stream;
}

static bool all_arrived(void) {
  return ours.received == BYTES && theirs.received == BYTES && ours.sent == BYTES &&
         theirs.sent == BYTES;
}

static bool both_closed(void) {
  return heard.client_closed && heard.server_closed;
}

static bool client_closed(void) {
  return heard.client_closed;
}

static bool server_heard_end(void) {
  return theirs.eof;
}

static void wake(struct end *end) {
  end->host->wake(end->host);
}

static void finish(void) {
  carrier_end(&carrier);
  assert_true(heard.client_closed <= 1 && heard.server_closed <= 1);
  assert_int_equal(ours.wrong + theirs.wrong, 0);
  assert_int_equal(ours.created, ours.closed);
  assert_int_equal(theirs.created, theirs.closed);
}

/* ---- bytes and ends -------------------------------------------------------------------------- */

static void exchange(bool http1, size_t cut) {
  begin(http1, cut);
  assert_true(ask());
  carrier_run(&carrier, all_arrived);
  assert_true(heard.accepted);
  assert_int_equal(heard.status, http1 ? 101 : 200);
  assert_string_equal(theirs.protocol, "smoke/1");
  assert_string_equal(ours.protocol, "smoke/1");
  assert_false(ours.eof || theirs.eof);
  ours.done = true;
  wake(&ours);
  carrier_run(&carrier, server_heard_end);
  theirs.done = true;
  wake(&theirs);
  carrier_run(&carrier, both_closed);
  assert_true(carrier.now_ns < SECOND_NS + MOUNT_CLOSE_NS); /* no one waited in vain */
  finish();
}

/* Vaulted bytes go through tunnels of HTTP/1.1 in both directions, unread, and through no others. Every loan comes back. */
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
      assert_int_equal(ours.peer.vault != NULL, http1);
      assert_int_equal(theirs.peer.vault != NULL, http1);
      assert_int_equal(ours.vaulted > 0, http1);
      assert_int_equal(theirs.vaulted > 0, http1);
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
      exchange(http1, cuts[i]);
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
    theirs.receive_max = UINT64_MAX;
    wake(&theirs);
    carrier_calm(&carrier);
    assert_int_equal(theirs.received, 4 * MIB);
    finish();
  }
}

/* The end comes behind bytes that were kept. */
static void end_waits_for_bytes(void **state) {
  (void)state;
  for (int http1 = 0; http1 < 2; http1++) {
    begin(http1, 5000);
    ours.send_total = 20000;
    ours.done = true;
    theirs.receive_max = 1000;
    assert_true(ask());
    carrier_calm(&carrier);
    assert_false(theirs.eof);
    theirs.receive_max = UINT64_MAX;
    wake(&theirs);
    carrier_calm(&carrier);
    assert_true(theirs.eof);
    assert_int_equal(theirs.received, 20000);
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
    assert_true(heard.client_closed);
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

/* Our direction ends, and the peer's goes on. */
static void half_closes(void **state) {
  (void)state;
  for (int http1 = 0; http1 < 2; http1++) {
    begin(http1, 5000);
    ours.send_total = 1000;
    ours.ended = true;
    theirs.send_total = 0;
    assert_true(ask());
    carrier_calm(&carrier);
    carrier.now_ns += 2 * MOUNT_CLOSE_NS;
    carrier_calm(&carrier);
    assert_true(theirs.eof && !ours.eof);
    theirs.send_total = BYTES;
    wake(&theirs);
    carrier_calm(&carrier);
    assert_int_equal(ours.received, BYTES);
    theirs.done = true;
    wake(&theirs);
    carrier_run(&carrier, both_closed);
    assert_true(ours.eof);
    finish();
  }
}

/* A peer that does not end its direction gets MOUNT_CLOSE_NS. */
static void gives_up(void **state) {
  (void)state;
  begin(false, 65536);
  manner = HANG;
  assert_true(ask());
  carrier_calm(&carrier);
  uint64_t begun_ns = carrier.now_ns;
  ours.done = true;
  wake(&ours);
  carrier_calm(&carrier);
  assert_int_equal(heard.client_closed, 0);
  carrier_run(&carrier, client_closed);
  assert_true(carrier.now_ns >= begun_ns + MOUNT_CLOSE_NS);
  assert_true(carrier.now_ns < begun_ns + MOUNT_CLOSE_NS + SECOND_NS);
  finish();
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void denied(void **state) {
  (void)state;
  for (int http1 = 0; http1 < 2; http1++) {
    begin(http1, 65536);
    manner = DENY;
    assert_true(ask());
    carrier_run(&carrier, client_closed);
    assert_true(heard.answered && !heard.accepted);
    assert_int_equal(heard.status, 403);
    assert_string_equal(heard.refused, "no way");
    assert_false(ours.created);
    finish();
  }
}

static void answer_refused(void **state) {
  (void)state;
  for (int http1 = 0; http1 < 2; http1++) {
    begin(http1, 65536);
    heard.refuse_answer = true;
    assert_true(ask());
    carrier_run(&carrier, client_closed);
    carrier_calm(&carrier);
    theirs.done = true; /* over HTTP/1.1 it has heard no more than an end */
    if (!theirs.closed) wake(&theirs);
    carrier_run(&carrier, both_closed);
    assert_true(heard.accepted);
    assert_false(ours.created);
    finish();
  }
}

static void machine_refused(void **state) {
  (void)state;
  for (int http1 = 0; http1 < 2; http1++) {
    for (int client = 0; client < 2; client++) {
      begin(http1, 65536);
      *(client ? &ours.refuse : &theirs.refuse) = true;
      assert_true(ask());
      carrier_run(&carrier, client_closed);
      assert_false(ours.created);
      finish();
    }
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
      cmocka_unit_test(vaults),         cmocka_unit_test(both_ways),
      cmocka_unit_test(pushes_back),    cmocka_unit_test(end_waits_for_bytes),
      cmocka_unit_test(half_closes),    cmocka_unit_test(resets),
      cmocka_unit_test(drains),         cmocka_unit_test(time_passes),
      cmocka_unit_test(gives_up),       cmocka_unit_test(denied),
      cmocka_unit_test(answer_refused), cmocka_unit_test(machine_refused),
      cmocka_unit_test(memory_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
