/*
 * engine/test_conn.c - the protocol that a connection's first bytes, or its ALPN token, choose:
 * HTTP/2, HTTP/1.x, or an alert of TLS. Each row runs whole, in every two pieces, byte by byte, and against a
 * guard page.
 */
#include "tests/support/cmocka.h"
#include "tests/support/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/loopback.h"

#include "engine/base/wire.h"
#include "engine/http/body.h"

#define SETTINGS "\0\0\0\4\0\0\0\0\0"

enum outcome {
  H2_TALKS,  /* SETTINGS come first, and no GOAWAY */
  H1_TALKS,  /* an answer, and the connection goes on */
  H1_ENDS,   /* an answer that ends it */
  UPGRADED,  /* 101, SETTINGS, the answer on stream 1, and no GOAWAY */
  ALERT,     /* of TLS */
  UNDECIDED, /* nothing is sent yet */
  ANY,       /* nothing breaks: it depends on whether the first answer has left */
};

struct row {
  const char *name, *protocol;
  const char *input;
  size_t len; /* 0: of the string */
  enum outcome outcome;
  unsigned status; /* of the answer */
};

#define BYTES(literal) (literal), sizeof(literal) - 1

#define UPGRADE(fields)       "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\n" fields "\r\n"
#define UPGRADE_TO(protocols) "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: " protocols "\r\n" OFFER "\r\n"
#define OFFER                 "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"

static const struct row rows[] = {
    {"prior knowledge", "", BYTES(H2_PREFACE SETTINGS), H2_TALKS, 0},
    {"prior knowledge by ALPN", "h2", BYTES(H2_PREFACE SETTINGS), H2_TALKS, 0},
    {"most of the preface", "", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r", 0, UNDECIDED, 0},
    {"nothing", "", "", 0, UNDECIDED, 0},
    {"HTTP/1.1", "", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0, H1_TALKS, 204},
    {"HTTP/1.0", "", "GET / HTTP/1.0\r\n\r\n", 0, H1_ENDS, 204},
    {"an unfinished line", "", "GET / HTTP/1.1", 0, UNDECIDED, 0},
    {"HTTP/1.1 by ALPN", "http/1.1", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0, H1_TALKS, 204},
    {"HTTP/1.1 by ALPN, then HTTP/2", "http/1.1", H2_PREFACE, 0, H1_ENDS, 505},
    {"like the preface at first", "", "PRI / HTTP/1.1\r\nHost: x\r\n\r\n", 0, H1_TALKS, 204},
    {"a broken end of the preface", "", BYTES("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"), H1_ENDS, 505},
    {"HTTP/2.0 spelt out", "", "GET / HTTP/2.0\r\n", 0, H1_ENDS, 505},
    {"bare LF", "", "GET / HTTP/1.1\n", 0, H1_ENDS, 400},
    {"nonsense", "", "hello\r\n", 0, H1_ENDS, 400},
    {"an empty line", "", "\r\n", 0, UNDECIDED, 0},
    {"empty lines", "", "\r\n\r\n", 0, H1_ENDS, 400},
    {"HTTP/0.9", "", "GET /\r\n", 0, H1_ENDS, 400},
    {"zeros and a line end", "", BYTES("\0\0\0\0\n"), H1_ENDS, 400},
    {"SSH", "", "SSH-2.0-OpenSSH_9.2p1\r\n", 0, H1_ENDS, 400},
    {"h2c by upgrade", "", UPGRADE(OFFER), 0, UPGRADED, 0},
    {"h2c by upgrade, and what follows it", "", BYTES(UPGRADE(OFFER) H2_PREFACE SETTINGS), UPGRADED,
     0},
    {"h2c without settings in them", "",
     UPGRADE("Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings:\r\n"), 0, UPGRADED, 0},
    {"h2c with a body", "", UPGRADE(OFFER "Content-Length: 2\r\n") "ab", 0, H1_TALKS, 204},
    {"h2c without its settings", "", UPGRADE("Connection: Upgrade\r\n"), 0, H1_TALKS, 204},
    {"h2c with two settings", "", UPGRADE(OFFER "HTTP2-Settings: AAMAAABk\r\n"), 0, H1_TALKS, 204},
    {"h2c that Connection does not name", "", UPGRADE("HTTP2-Settings: AAMAAABk\r\n"), 0, H1_TALKS,
     204},
    {"h2c with half a setting", "",
     UPGRADE("Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMA\r\n"), 0, H1_TALKS, 204},
    {"h2c with text that is not base64url", "",
     UPGRADE("Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAAB+\r\n"), 0, H1_TALKS,
     204},
    {"h2c with a setting out of bounds", "", /* ENABLE_PUSH is 2 */
     UPGRADE("Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAIAAAAC\r\n"), 0, H1_TALKS,
     204},
    {"h2c, liked better than the handler's", "", UPGRADE_TO("h2c, chat"), 0, UPGRADED, 0},
    {"h2c, liked less than the handler's", "", UPGRADE_TO("smoke, Chat, h2c"), 0, H1_TALKS, 404},
    {"h2c, liked less than what is unknown", "", UPGRADE_TO("smoke, h2c"), 0, UPGRADED, 0},
    {"h2c over TLS", "http/1.1", UPGRADE(OFFER), 0, H1_TALKS, 204},
    {"h2c behind a request", "", "GET / HTTP/1.1\r\nHost: x\r\n\r\n" UPGRADE(OFFER), 0, ANY, 0},
    {"a TLS ClientHello", "", BYTES("\x16\3\1\0\xc8\1\0\0\xc4\3\3"), ALERT, 0},
};

static struct guard guard;

struct side {
  struct counted_memory memory;
  struct engine engine;
  struct machine machine;
  uint64_t now_ns;
  bool stays; /* the host never moves machines */
  uint8_t sent[4096];
  size_t sent_len;
};

static void request(void *ctx, struct stream *stream, const struct request *request,
                    uint64_t now_ns) {
  (void)ctx, (void)now_ns;
  (void)stream_respond(stream, request->protocol.len > 0 ? 404 : 204, NULL, 0, BODY_NONE);
}
static const char *const chat[] = {"chat", NULL};
static const struct handler handler = {.request = request, .protocols = chat};

static void side_open_with(struct side *side, const char *protocol, const struct handler *with) {
  *side = (struct side){.now_ns = 1000 * SECOND_NS};
  counted_init(&side->memory);
  const struct engine_config config = engine_config_default();
  assert_true(engine_init(&side->engine, &side->memory.memory, &config, with));
  const struct machine_peer peer = {.application_protocol = protocol};
  const struct machine_factory factory = conn_factory(&side->engine);
  assert_true(factory.create(factory.ctx, &peer, NULL, side->now_ns, &side->machine));
}

static void side_open(struct side *side, const char *protocol) {
  side_open_with(side, protocol, &handler);
}

static void side_close(struct side *side) {
  side->machine.ops->close(side->machine.self);
  engine_destroy(&side->engine);
  assert_int_equal(side->memory.count, 0);
}

static unsigned side_wants_all(const struct side *side) {
  return side->machine.ops->wants(side->machine.self);
}

static unsigned side_wants(const struct side *side) {
  return side_wants_all(side) & ~(unsigned)(MACHINE_MOVES | MACHINE_SILENT);
}

/* As a host does after each call, unless it is one that never moves machines. */
static void side_move(struct side *side) {
  if (!side->stays && side_wants_all(side) & MACHINE_MOVES)
    side->machine.ops->move(side->machine.self, &side->machine);
}

/* Takes the output, at most `piece` bytes at a time. */
static void side_take(struct side *side, size_t piece) {
  while (side_wants(side) & MACHINE_SEND) {
    struct span spans[4];
    const size_t count =
        side->machine.ops->send_peek(side->machine.self, spans, 4, 65536, side->now_ns);
    if (count == 0) return;
    const size_t len = spans[0].len < piece ? spans[0].len : piece;
    assert_true(side->sent_len + len <= sizeof side->sent);
    memcpy(side->sent + side->sent_len, spans[0].base, len);
    side->sent_len += len;
    side->machine.ops->send_ack(side->machine.self, len, side->now_ns);
    side_move(side);
  }
}

/* Takes all output; returns how much. */
static size_t side_take_to(struct side *side, uint8_t *sent) {
  size_t bytes = 0;
  while (side_wants(side) & MACHINE_SEND) {
    struct span spans[8];
    const size_t count =
        side->machine.ops->send_peek(side->machine.self, spans, 8, 65536, side->now_ns);
    size_t taken = 0;
    for (size_t i = 0; i < count; taken += spans[i++].len)
      memcpy(sent + bytes + taken, spans[i].base, spans[i].len);
    if (taken == 0) break;
    bytes += taken;
    side->machine.ops->send_ack(side->machine.self, taken, side->now_ns);
    side_move(side);
  }
  return bytes;
}

/* Gives the bytes. All are consumed as long as the machine wants to receive. */
static void side_give(struct side *side, struct span bytes) {
  while (bytes.len > 0 && side_wants(side) & MACHINE_RECV) {
    const size_t took = side->machine.ops->recv(side->machine.self, bytes, side->now_ns);
    assert_true(took > 0 && took <= bytes.len);
    side_move(side);
    bytes = span_of(bytes.base + took, bytes.len - took);
  }
}

static bool sent_text(const struct side *side, const char *text) {
  return memmem(side->sent, side->sent_len, text, strlen(text)) != NULL;
}

/* The error code of the first GOAWAY among the frames sent from `at` on, or -1. */
static int64_t sent_goaway_from(const struct side *side, size_t at) {
  while (at + H2_FRAME_HEADER_BYTES <= side->sent_len) {
    const struct h2_frame_header header = h2_frame_header_decode(side->sent + at);
    at += H2_FRAME_HEADER_BYTES;
    assert_true(at + header.length <= side->sent_len);
    if (header.type == H2_GOAWAY) return wire_get32(side->sent + at + 4);
    at += header.length;
  }
  return -1;
}

static int64_t sent_goaway(const struct side *side) {
  return sent_goaway_from(side, 0);
}

static void check_upgrade(const struct side *side) {
  static const char switching[] = "HTTP/1.1 101 Switching Protocols\r\n"
                                  "connection: upgrade\r\nupgrade: h2c\r\n\r\n";
  const size_t len = sizeof switching - 1;
  assert_true(side->sent_len > len + H2_FRAME_HEADER_BYTES);
  assert_memory_equal(side->sent, switching, len);
  assert_int_equal(side->sent[len + 3], H2_SETTINGS);
  assert_int_equal(sent_goaway_from(side, len), -1);
  assert_non_null(memmem(side->sent + len, side->sent_len - len, "\1\5\0\0\0\1", 6)); /* HEADERS */
  assert_int_equal(side_wants(side), MACHINE_RECV);
}

static const char alert[] = "\x15\3\1\0\2\2\xa";

/* A well-formed answer. Of errors the length is stated, and it is the one they have. */
static void check_answer(const struct side *side, unsigned status, bool ends) {
  char line[16];
  (void)snprintf(line, sizeof line, "HTTP/1.1 %u ", status);
  assert_true(side->sent_len > strlen(line) && memcmp(side->sent, line, strlen(line)) == 0);
  assert_int_equal(sent_text(side, "connection: close\r\n"), ends);
  const uint8_t *body = memmem(side->sent, side->sent_len, "\r\n\r\n", 4);
  const uint8_t *length = memmem(side->sent, side->sent_len, "content-length: ", 16);
  assert_non_null(body);
  assert_int_equal(length ? strtoul((const char *)length + 16, NULL, 10) : 0,
                   side->sent_len - (size_t)(body + 4 - side->sent));
  assert_int_equal(side_wants(side), ends ? MACHINE_DONE : MACHINE_RECV);
}

static void check(const struct side *side, const struct row *row) {
  switch (row->outcome) {
  case H2_TALKS:
    assert_true(side->sent_len > 0 && side->sent[3] == H2_SETTINGS);
    assert_int_equal(sent_goaway(side), -1);
    assert_int_equal(side_wants(side), MACHINE_RECV);
    break;
  case H1_TALKS: check_answer(side, row->status, false); break;
  case H1_ENDS: check_answer(side, row->status, true); break;
  case UPGRADED: check_upgrade(side); break;
  case ANY: break;
  case ALERT:
    assert_int_equal(side->sent_len, sizeof alert - 1);
    assert_memory_equal(side->sent, alert, sizeof alert - 1);
    assert_int_equal(side_wants(side), MACHINE_DONE);
    break;
  case UNDECIDED:
    assert_int_equal(side->sent_len, 0);
    assert_int_equal(side_wants(side), MACHINE_RECV);
    break;
  }
}

/* Gives the row's first `cut` bytes, then the others in pieces of `piece` bytes. */
static void run_with(const struct row *row, size_t cut, size_t piece, bool stays) {
  const size_t len = row->len ? row->len : strlen(row->input);
  struct side side;
  side_open(&side, row->protocol);
  side.stays = stays;
  for (size_t at = 0; at < len;) {
    const size_t end = at < cut ? cut : (at + piece < len ? at + piece : len);
    side_give(&side, guard_put(&guard, span_of((const uint8_t *)row->input + at, end - at)));
    side_take(&side, 1 + piece % 7);
    at = end;
  }
  side_take(&side, 4096);
  check(&side, row);
  side_close(&side);
}

static void run(const struct row *row, size_t cut, size_t piece) {
  run_with(row, cut, piece, false);
}

static void first_bytes(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct row *row = &rows[i];
    const size_t len = row->len ? row->len : strlen(row->input);
    print_message("%s\n", row->name);
    run(row, 0, len + 1);
    run_with(row, 0, len + 1, true);
    run(row, 0, 1);
    for (size_t cut = 1; cut < len; cut++)
      run(row, cut, len + 1);
  }
}

/* Its memory is free once the protocol cannot change any more. */
static void it_leaves(void **state) {
  (void)state;
  struct side side;
  side_open(&side, "");
  side_give(&side, span_text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r"));
  assert_int_equal(side.engine.undecided.taken, 1);
  side_give(&side, span_text("\n"));
  assert_int_equal(side.engine.undecided.taken, 0);
  side_close(&side);
  side_open(&side, "");
  side_give(&side, span_text(UPGRADE(OFFER)));
  side_take(&side, 4096);
  assert_int_equal(side.engine.undecided.taken, 1);
  side_give(&side, span_text("P"));
  assert_int_equal(side.engine.undecided.taken, 0);
  side_close(&side);
}

static void answer_at_length(void *ctx, struct stream *stream, const struct request *request,
                             uint64_t now_ns) {
  static uint8_t bytes[10 * CONN_EARLY_BYTES];
  static struct body_bytes body;
  (void)ctx, (void)request, (void)now_ns;
  (void)stream_respond(stream, 200, NULL, 0,
                       body_bytes(&body, span_of(bytes, sizeof bytes), NULL, NULL));
}

/* Behind a 101 come CONN_EARLY_BYTES, or one frame more, until the client has said something. */
static void little_comes_before_the_clients_preface(void **state) {
  (void)state;
  static const struct handler long_handler = {.request = answer_at_length};
  static uint8_t sent[20 * CONN_EARLY_BYTES];
  struct side side;
  side_open_with(&side, "", &long_handler);
  side_give(&side, span_text(UPGRADE(OFFER)));
  size_t before = side_take_to(&side, sent);
  assert_in_range(before, CONN_EARLY_BYTES, CONN_EARLY_BYTES + H2_FRAME_BYTES_MIN + 500);
  assert_int_equal(side_wants(&side), MACHINE_RECV);
  side_give(&side, span_of(BYTES(H2_PREFACE SETTINGS)));
  assert_true(side_take_to(&side, sent) > 2 * CONN_EARLY_BYTES);
  side_close(&side);
}

/* A peer that sends nothing, or not enough, is silently closed after PEER_PREFACE_NS. */
static void silence_ends(void **state) {
  (void)state;
  struct side side;
  side_open(&side, "");
  side_give(&side, span_text("PRI * HT"));
  const uint64_t deadline_ns = side.machine.ops->deadline_ns(side.machine.self);
  assert_int_equal(deadline_ns, side.now_ns + PEER_PREFACE_NS);
  side.machine.ops->tick(side.machine.self, deadline_ns - 1);
  assert_int_equal(side_wants(&side), MACHINE_RECV);
  side.machine.ops->tick(side.machine.self, deadline_ns);
  side_take(&side, 4096);
  assert_int_equal(side.sent_len, 0);
  assert_int_equal(side_wants(&side), MACHINE_DONE);
  side_close(&side);
}

static void eof_and_drain_end_what_has_not_begun(void **state) {
  (void)state;
  struct side side;
  side_open(&side, "");
  side.machine.ops->recv_eof(side.machine.self, side.now_ns);
  assert_int_equal(side_wants(&side), MACHINE_DONE);
  side_close(&side);
  side_open(&side, "");
  side.machine.ops->drain(side.machine.self, side.now_ns);
  assert_int_equal(side_wants(&side), MACHINE_DONE);
  side_close(&side);
}

/* An alert that was begun is sent completely, whatever happens meanwhile. */
static void an_alert_is_completed(void **state) {
  (void)state;
  struct side side;
  side_open(&side, "");
  side_give(&side, span_text("\x16\3\1"));
  side.machine.ops->drain(side.machine.self, side.now_ns);
  side.machine.ops->recv_eof(side.machine.self, side.now_ns);
  assert_int_equal(side_wants(&side), MACHINE_SEND);
  side_take(&side, 5);
  const struct row row = {.outcome = ALERT};
  check(&side, &row);
  side_close(&side);
}

/* The deadline passes while a piece of the alert is being sent. Its ack finds nothing left. */
static void an_alert_is_given_up(void **state) {
  (void)state;
  struct side side;
  struct span span;
  side_open(&side, "");
  side_give(&side, span_text("\x16\3\1"));
  assert_int_equal(side.machine.ops->send_peek(side.machine.self, &span, 1, 65536, side.now_ns), 1);
  side.now_ns = side.machine.ops->deadline_ns(side.machine.self);
  side.machine.ops->tick(side.machine.self, side.now_ns);
  assert_int_equal(side_wants(&side), MACHINE_DONE);
  side.machine.ops->send_ack(side.machine.self, span.len, side.now_ns);
  assert_int_equal(side_wants(&side), MACHINE_DONE);
  side_close(&side);
}

/* A full pool refuses the connection; nothing leaks, whichever allocation fails. */
static void memory_refused(void **state) {
  (void)state;
  bool complete = false;
  for (uint64_t n = 1; !complete; n++) {
    struct side side = {.now_ns = 1000 * SECOND_NS};
    counted_init(&side.memory);
    side.memory.refuse_at = n;
    const struct engine_config config = engine_config_default();
    if (engine_init(&side.engine, &side.memory.memory, &config, &handler)) {
      const struct machine_peer peer = {.application_protocol = ""};
      const struct machine_factory factory = conn_factory(&side.engine);
      if (factory.create(factory.ctx, &peer, NULL, side.now_ns, &side.machine)) {
        side_give(&side, span_of((const uint8_t *)BYTES(H2_PREFACE SETTINGS)));
        side_take(&side, 4096);
        complete = side.memory.calls < n;
        assert_true(complete || side_wants(&side));
        side.machine.ops->close(side.machine.self);
      }
      engine_destroy(&side.engine);
    }
    assert_int_equal(side.memory.count, 0);
    assert_true(n < 1000);
  }
}

/* ---- weight ---------------------------------------------------------------------------------- */

/* A weight that the host already has prevails. Otherwise the engine's is set, for every protocol. */
static void connections_have_the_engines_weight(void **state) {
  (void)state;
  static const char *const protocols[] = {"", "h2", "http/1.1"};
  struct counted_memory memory;
  struct engine engine;
  counted_init(&memory);
  struct engine_config config = engine_config_default();
  assert_int_equal(config.connection_weight, MACHINE_WEIGHT_DEFAULT);
  config.connection_weight = 40;
  assert_true(engine_init(&engine, &memory.memory, &config, &handler));
  const struct machine_factory factory = conn_factory(&engine);
  for (int i = 0; i < 3; i++) {
    for (uint16_t before = 0; before < 3; before++) {
      struct machine_peer peer = {.application_protocol = protocols[i]};
      struct machine_host host = {.weight = before};
      struct machine machine;
      assert_true(factory.create(factory.ctx, &peer, &host, SECOND_NS, &machine));
      assert_int_equal(host.weight, before ? before : 40);
      machine.ops->close(machine.self);
    }
  }
  engine_destroy(&engine);
}

static void weigh(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  (void)ctx, (void)now_ns;
  stream_weigh_connection(stream, span_is(request->path, "/paid") ? 256 : 1);
  (void)stream_respond(stream, 204, NULL, 0, BODY_NONE);
}

static void ignore_wake(struct machine_host *host) {
  (void)host;
}

/* A handler changes the weight of its request's connection. */
static void handlers_set_weights(void **state) {
  (void)state;
  static const struct handler weigher = {.request = weigh};
  /* GET http / with the fields of HPACK's static table, then GET /paid as a literal. */
  static const char plain[] = "\0\0\6\1\5\0\0\0\1\x82\x86\x84\x41\1x";
  static const char paid[] = "\0\0\14\1\5\0\0\0\3\x82\x86\4\5/paid\x41\1x";
  struct side side = {.now_ns = SECOND_NS};
  struct machine_host host = {.wake = ignore_wake};
  counted_init(&side.memory);
  const struct engine_config config = engine_config_default();
  assert_true(engine_init(&side.engine, &side.memory.memory, &config, &weigher));
  const struct machine_peer peer = {.application_protocol = "h2"};
  const struct machine_factory factory = conn_factory(&side.engine);
  assert_true(factory.create(factory.ctx, &peer, &host, side.now_ns, &side.machine));
  assert_int_equal(host.weight, MACHINE_WEIGHT_DEFAULT);
  side_give(&side, span_of(H2_PREFACE SETTINGS, sizeof(H2_PREFACE SETTINGS) - 1));
  side_give(&side, span_of(plain, sizeof plain - 1));
  assert_int_equal(host.weight, 1);
  side_give(&side, span_of(paid, sizeof paid - 1));
  assert_int_equal(host.weight, 256);
  side_take(&side, SIZE_MAX);
  side_close(&side);
}

int main(void) {
  guard_init(&guard, 4096);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(first_bytes),
      cmocka_unit_test(it_leaves),
      cmocka_unit_test(little_comes_before_the_clients_preface),
      cmocka_unit_test(silence_ends),
      cmocka_unit_test(eof_and_drain_end_what_has_not_begun),
      cmocka_unit_test(an_alert_is_completed),
      cmocka_unit_test(an_alert_is_given_up),
      cmocka_unit_test(memory_refused),
      cmocka_unit_test(connections_have_the_engines_weight),
      cmocka_unit_test(handlers_set_weights),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  guard_destroy(&guard);
  return failed;
}
