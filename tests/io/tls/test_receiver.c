/*
 * tls/test_receiver.c - records of TLS 1.3 after the handshake, right and wrong ones, in any pieces. They are made by
 * support/tls_peer.h.
 */
#include <stdlib.h>
#include <string.h>

#include "io/tls/alerts.h"
#include "io/tls/credit.h"
#include "io/tls/limits.h"
#include "io/tls/receiver.h"
#include "tests/support/cmocka.h"
#include "tests/support/guard.h"
#include "tests/support/tls_peer.h"

enum { ALERT = 21, HANDSHAKE = 22, DATA = 23 };
enum { INPUT_BYTES_MAX = 70000, OUTPUT_BYTES_MAX = 70000 };

static struct tls_aead_pool pool;
static struct guard guard;
static const uint8_t secret[48] = {1, 2, 3};

/* ---- rows ------------------------------------------------------------------------------------ */

/* How a record is spoilt, or what comes after it. */
enum how { AS_IS, ONLY_PADDING, CLEAR, BAD_TAG, BAD_VERSION, NEW_KEYS };

struct part {
  uint8_t type;
  enum how how;
  const char *content; /* NULL: zeros */
  size_t len;
  size_t padding;
};

#define TEXT(text) .content = (text), .len = sizeof(text) - 1
#define DATA_OF(text)                                                                              \
  { .type = DATA, .content = (text), .len = sizeof(text) - 1 }
#define UPDATE  "\x18\0\0\1\0"
#define REQUEST "\x18\0\0\1\1"
#define TICKET  "\x04\0\0\5abcde"
#define CLOSE                                                                                      \
  { ALERT, TEXT("\1\0") }

/* RFC 8446 section 6. */
enum {
  NO_ALERT = 0,
  UNEXPECTED_MESSAGE = 10,
  BAD_RECORD_MAC = 20,
  RECORD_OVERFLOW = 22,
  ILLEGAL_PARAMETER = 47,
  DECODE_ERROR = 50
};

#define GOES_ON     .result = TLS_READ_MORE
#define CLOSES      .result = TLS_READ_CLOSED
#define FAILS(with) .result = TLS_READ_FAILED, .alert = (with)

static const struct row {
  const char *name;
  struct part parts[6];
  const char *expected; /* the plaintext; NULL: any */
  enum tls_read result;
  uint8_t alert;
  bool client;
  bool requested;
} rows[] = {
    {"data", {DATA_OF("hello")}, "hello", GOES_ON},
    {"two records", {DATA_OF("hello "), DATA_OF("world")}, "hello world", GOES_ON},
    {"section 5.1: empty data",
     {{.type = DATA}, DATA_OF("a"), {.type = DATA}, DATA_OF("b")},
     "ab",
     GOES_ON},
    {"section 5.4: padding", {{DATA, TEXT("a"), .padding = 100}, DATA_OF("b")}, "ab", GOES_ON},
    {"section 5.4: empty data with padding", {{DATA, .padding = 9}, DATA_OF("b")}, "b", GOES_ON},
    {"data that ends in zeros", {{DATA, TEXT("a\0\0"), .padding = 3}, DATA_OF("b")}, NULL, GOES_ON},
    {"section 5.4: nothing but padding",
     {DATA_OF("a"), {.how = ONLY_PADDING}},
     "a",
     FAILS(UNEXPECTED_MESSAGE)},
    {"nothing but padding, long",
     {{.how = ONLY_PADDING, .padding = 200}},
     "",
     FAILS(UNEXPECTED_MESSAGE)},
    {"section 5: an unknown type", {{24, TEXT("a")}}, "", FAILS(UNEXPECTED_MESSAGE)},
    {"section 5: change_cipher_spec, encrypted", {{20, TEXT("\1")}}, "", FAILS(UNEXPECTED_MESSAGE)},
    {"section 5: change_cipher_spec after Finished",
     {{20, CLEAR, TEXT("\1")}},
     "",
     FAILS(UNEXPECTED_MESSAGE)},
    {"an alert in the clear", {{ALERT, CLEAR, TEXT("\2\50")}}, "", FAILS(UNEXPECTED_MESSAGE)},
    {"a ClientHello in the clear",
     {{HANDSHAKE, CLEAR, TEXT("\1\0\0\0")}},
     "",
     FAILS(UNEXPECTED_MESSAGE)},
    {"the clear text of another protocol",
     {{'G', CLEAR, TEXT("ET / HTTP/1.1\r\n")}},
     "",
     FAILS(UNEXPECTED_MESSAGE)},

    {"section 5.2: a wrong tag",
     {DATA_OF("a"), {DATA, BAD_TAG, TEXT("b")}},
     "a",
     FAILS(BAD_RECORD_MAC)},
    {"a version, which the tag covers",
     {{DATA, BAD_VERSION, TEXT("b")}},
     "",
     FAILS(BAD_RECORD_MAC)},
    {"a record of before a KeyUpdate",
     {{HANDSHAKE, TEXT(UPDATE)}, DATA_OF("b")},
     "",
     FAILS(BAD_RECORD_MAC)},
    {"no bytes", {{DATA, CLEAR, .len = 0}}, "", FAILS(BAD_RECORD_MAC)},
    {"shorter than a tag", {{DATA, CLEAR, .len = 15}}, "", FAILS(BAD_RECORD_MAC)},
    {"a tag alone", {{DATA, CLEAR, .len = 16}}, "", FAILS(BAD_RECORD_MAC)},

    {"section 5.1: 2^14 bytes", {{DATA, .len = 16384}, {ALERT, TEXT("\1\0")}}, NULL, CLOSES},
    {"section 5.4: 2^14 bytes with padding",
     {{DATA, .len = 16300, .padding = 84}, CLOSE},
     NULL,
     CLOSES},
    {"section 5.1: one more", {{DATA, .len = 16385}}, "", FAILS(RECORD_OVERFLOW)},
    {"section 5.4: one byte of padding more",
     {{DATA, .len = 16300, .padding = 85}},
     "",
     FAILS(RECORD_OVERFLOW)},
    {"section 5.2: more than 2^14 + 256",
     {{DATA, CLEAR, .len = 16641}},
     "",
     FAILS(RECORD_OVERFLOW)},
    {"the longest that a header can say",
     {{DATA, CLEAR, .len = 65535}},
     "",
     FAILS(RECORD_OVERFLOW)},

    {"section 6.1: close_notify", {DATA_OF("a"), CLOSE}, "a", CLOSES},
    {"section 6.1: what follows close_notify",
     {CLOSE, DATA_OF("a"), {DATA, BAD_TAG, .len = 0}},
     "",
     CLOSES},
    {"section 6.2: close_notify of any level", {{ALERT, TEXT("\2\0")}}, "", CLOSES},
    {"section 6.1: user_canceled", {{ALERT, TEXT("\1\132")}, DATA_OF("a"), CLOSE}, "a", CLOSES},
    {"section 6.2: an alert", {DATA_OF("a"), {ALERT, TEXT("\2\24")}}, "a", FAILS(NO_ALERT)},
    {"section 6.2: an alert of any level", {{ALERT, TEXT("\1\24")}}, "", FAILS(NO_ALERT)},
    {"section 6: an unknown alert", {{ALERT, TEXT("\1\377")}}, "", FAILS(NO_ALERT)},
    {"section 5.4: an empty alert", {{.type = ALERT}}, "", FAILS(UNEXPECTED_MESSAGE)},
    {"section 5.1: half an alert",
     {{ALERT, TEXT("\1")}, {ALERT, TEXT("\0")}},
     "",
     FAILS(DECODE_ERROR)},
    {"section 5.1: two alerts", {{ALERT, TEXT("\1\0\1\0")}}, "", FAILS(DECODE_ERROR)},

    {"section 4.6.3: KeyUpdate",
     {DATA_OF("a"), {HANDSHAKE, NEW_KEYS, TEXT(UPDATE)}, DATA_OF("b")},
     "ab",
     GOES_ON},
    {"section 4.6.3: KeyUpdate, and one is requested",
     {DATA_OF("a"), {HANDSHAKE, NEW_KEYS, TEXT(REQUEST)}, DATA_OF("b")},
     "ab",
     GOES_ON,
     .requested = true},
    {"KeyUpdates in a row",
     {{HANDSHAKE, NEW_KEYS, TEXT(REQUEST)},
      {HANDSHAKE, NEW_KEYS, TEXT(UPDATE)},
      {HANDSHAKE, NEW_KEYS, TEXT(UPDATE), .padding = 3},
      DATA_OF("b")},
     "b",
     GOES_ON,
     .requested = true},
    {"KeyUpdate of a server",
     {{HANDSHAKE, NEW_KEYS, TEXT(UPDATE)}, DATA_OF("b")},
     "b",
     GOES_ON,
     .client = true},
    {"section 5.1: KeyUpdate in pieces",
     {{HANDSHAKE, TEXT("\x18")},
      {HANDSHAKE, TEXT("\0\0\1")},
      {HANDSHAKE, NEW_KEYS, TEXT("\0")},
      DATA_OF("b")},
     "b",
     GOES_ON},
    {"section 5.1: KeyUpdate does not end its record",
     {{HANDSHAKE, TEXT(UPDATE UPDATE)}},
     "",
     FAILS(UNEXPECTED_MESSAGE)},
    {"KeyUpdate and the beginning of another",
     {{HANDSHAKE, TEXT(UPDATE "\x18")}},
     "",
     FAILS(UNEXPECTED_MESSAGE)},
    {"section 4.6.3: KeyUpdate requests 2",
     {{HANDSHAKE, TEXT("\x18\0\0\1\2")}},
     "",
     FAILS(ILLEGAL_PARAMETER)},
    {"an empty KeyUpdate", {{HANDSHAKE, TEXT("\x18\0\0\0")}}, "", FAILS(DECODE_ERROR)},
    {"a long KeyUpdate", {{HANDSHAKE, TEXT("\x18\0\0\2\0\0")}}, "", FAILS(DECODE_ERROR)},
    {"a very long KeyUpdate", {{HANDSHAKE, TEXT("\x18\1\0\1\0")}}, "", FAILS(DECODE_ERROR)},
    {"section 5.4: an empty handshake record",
     {{.type = HANDSHAKE}},
     "",
     FAILS(UNEXPECTED_MESSAGE)},
    {"an empty handshake record inside a message",
     {{HANDSHAKE, TEXT("\x18")}, {HANDSHAKE, .padding = 3}},
     "",
     FAILS(UNEXPECTED_MESSAGE)},
    {"section 5.1: data inside a message",
     {{HANDSHAKE, TEXT("\x18")}, DATA_OF("a")},
     "",
     FAILS(UNEXPECTED_MESSAGE)},
    {"section 5.1: an alert inside a message",
     {{HANDSHAKE, TEXT("\x18\0\0\1")}, CLOSE},
     "",
     FAILS(UNEXPECTED_MESSAGE)},

    {"a ClientHello: no renegotiation (section 4.1.2)",
     {{HANDSHAKE, TEXT("\1\0\0\0")}},
     "",
     FAILS(UNEXPECTED_MESSAGE)},
    {"a ticket of a client's", {{HANDSHAKE, TEXT(TICKET)}}, "", FAILS(UNEXPECTED_MESSAGE)},
    {"Finished", {{HANDSHAKE, TEXT("\x14\0\0\1a")}}, "", FAILS(UNEXPECTED_MESSAGE)},
    {"a certificate that nobody has asked for",
     {{HANDSHAKE, TEXT("\x0b\0\0\1a")}},
     "",
     FAILS(UNEXPECTED_MESSAGE)},
    {"section 4.6.2: CertificateRequest",
     {{HANDSHAKE, TEXT("\x0d\0\0\1a")}},
     "",
     FAILS(UNEXPECTED_MESSAGE),
     .client = true},

    {"section 4.6.1: tickets",
     {{HANDSHAKE, TEXT(TICKET TICKET)}, DATA_OF("a"), {HANDSHAKE, TEXT(TICKET)}, DATA_OF("b")},
     "ab",
     GOES_ON,
     .client = true},
    {"tickets in pieces, and KeyUpdate",
     {{HANDSHAKE, TEXT("\x04\0")},
      {HANDSHAKE, TEXT("\0\5abc")},
      {HANDSHAKE, TEXT("de" TICKET "\x18\0")},
      {HANDSHAKE, NEW_KEYS, TEXT("\0\1\0")},
      DATA_OF("b")},
     "b",
     GOES_ON,
     .client = true},
    {"an empty ticket",
     {{HANDSHAKE, TEXT("\4\0\0\0")}, DATA_OF("b")},
     "b",
     GOES_ON,
     .client = true},
    {"data inside a ticket",
     {{HANDSHAKE, TEXT("\4\0\0\5ab")}, DATA_OF("b")},
     "",
     FAILS(UNEXPECTED_MESSAGE),
     .client = true},
    {"the longest ticket",
     {{HANDSHAKE, TEXT("\4\2\1\x09")}, {HANDSHAKE, .len = 16000}},
     "",
     GOES_ON,
     .client = true},
    {"a longer one", {{HANDSHAKE, TEXT("\4\2\1\x0a")}}, "", FAILS(DECODE_ERROR), .client = true},
};

/* ---- running them ---------------------------------------------------------------------------- */

static size_t put_clear(const struct part *part, uint8_t *out) {
  memcpy(out, ((const uint8_t[]){part->type, 3, 3, (uint8_t)(part->len >> 8), (uint8_t)part->len}),
         5);
  memset(out + 5, 0, part->len);
  if (part->content) memcpy(out + 5, part->content, part->len);
  return 5 + part->len;
}

static size_t put(const struct part *part, struct tls_peer *peer, uint8_t *out) {
  static const uint8_t zeros[INPUT_BYTES_MAX];
  if (part->how == CLEAR) return put_clear(part, out);
  const uint8_t *content = part->content ? (const uint8_t *)part->content : zeros;
  size_t len = tls_peer_seal(peer, part->type, content, part->len, part->padding, out);
  if (part->how == BAD_TAG) out[len - 1] ^= 1;
  if (part->how == BAD_VERSION) out[2] = 4;
  if (part->how == NEW_KEYS) tls_peer_update(peer);
  return len;
}

static bool is_there(const struct part *part) {
  return part->type || part->padding || part->len || part->how;
}

static struct span input_of(const struct row *row, enum tls_peer_suite suite) {
  static uint8_t input[INPUT_BYTES_MAX + 300];
  struct tls_peer peer;
  size_t len = 0;
  tls_peer_begin(&peer, suite, secret);
  for (size_t i = 0; i < sizeof row->parts / sizeof *row->parts && is_there(&row->parts[i]); i++)
    len += put(&row->parts[i], &peer, input + len);
  assert_true(len <= sizeof input);
  return span_of(input, len);
}

struct outcome {
  enum tls_read result;
  uint8_t alert;
  bool requested;
  size_t len;
  uint8_t out[OUTPUT_BYTES_MAX];
};

/* Gives the input in pieces, the first of `first` bytes and the others of `step`, each at the guard page. */
static void run(const struct row *row, enum tls_peer_suite suite, struct span input, size_t first,
                size_t step, struct outcome *outcome) {
  static const enum tls_aead_cipher ciphers[] = {TLS_AEAD_AES_128, TLS_AEAD_AES_256,
                                                 TLS_AEAD_CHACHA20};
  struct tls_secret begin = {.len = (uint8_t)tls_peer_secret_bytes(suite)};
  struct tls_receiver receiver;
  struct tls_credit credit;
  memcpy(begin.bytes, secret, begin.len);
  tls_credit_init(&credit, 1);
  assert_true(tls_receiver_begin(&receiver, &pool, ciphers[suite], &begin, 0, row->client));
  outcome->len = 0;
  outcome->result = TLS_READ_MORE;
  for (size_t at = 0, len = first; at < input.len && outcome->result == TLS_READ_MORE; len = step) {
    if (len > input.len - at) len = input.len - at;
    struct span in = guard_put(&guard, span_of(input.base + at, len));
    outcome->result =
        tls_receiver_read(&receiver, &credit, &in, outcome->out, OUTPUT_BYTES_MAX, &outcome->len);
    if (outcome->result == TLS_READ_MORE) assert_int_equal(in.len, 0);
    at += len;
  }
  outcome->alert = outcome->result == TLS_READ_FAILED ? receiver.alert : 0;
  outcome->requested = receiver.update_requested;
  assert_int_equal(outcome->result == TLS_READ_FAILED, strlen(receiver.error) > 0);
  tls_receiver_end(&receiver);
  assert_null(receiver.part);
  assert_int_equal(receiver.keys.key[0] | receiver.secret.bytes[0], 0);
}

static void expect(const struct row *row, const struct outcome *got, size_t first, size_t step) {
  size_t len = row->expected ? strlen(row->expected) : got->len;
  if (got->result != row->result || got->alert != row->alert || got->requested != row->requested ||
      got->len != len || (row->expected && memcmp(got->out, row->expected, len) != 0))
    fail_msg("%s, in pieces of %zu and %zu: result %d, alert %d, requested %d, %zu bytes '%.*s'",
             row->name, first, step, got->result, got->alert, got->requested, got->len,
             (int)got->len, got->out);
}

static void run_row(const struct row *row, enum tls_peer_suite suite) {
  static struct outcome outcome;
  const struct span input = input_of(row, suite);
  const size_t step = input.len > 1000 ? 997 : 1; /* long ones are not cut everywhere */
  for (size_t cut = 1; suite == TLS_PEER_AES_128 && cut < input.len; cut += step) {
    run(row, suite, input, cut, input.len, &outcome);
    expect(row, &outcome, cut, input.len);
  }
  run(row, suite, input, input.len, input.len, &outcome);
  expect(row, &outcome, input.len, input.len);
  run(row, suite, input, 1, 1, &outcome);
  expect(row, &outcome, 1, 1);
}

static void test_rows(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (unsigned suite = 0; suite < TLS_PEER_SUITES; suite++)
      run_row(&rows[i], suite);
}

/* ---- room and credit ------------------------------------------------------------------------- */

static void begin_one(struct tls_receiver *receiver, struct tls_peer *peer) {
  struct tls_secret begin = {.len = 32};
  memcpy(begin.bytes, secret, begin.len);
  assert_true(tls_receiver_begin(receiver, &pool, TLS_AEAD_AES_128, &begin, 0, false));
  tls_peer_begin(peer, TLS_PEER_AES_128, secret);
}

/* Without room for a whole record, nothing is read. */
static void test_room(void **state) {
  static uint8_t input[3 * (16384 + 22)], out[TLS_PLAINTEXT_BYTES], bytes[16384];
  (void)state;
  struct tls_receiver receiver;
  struct tls_credit credit;
  struct tls_peer peer;
  begin_one(&receiver, &peer);
  tls_credit_init(&credit, 1);
  size_t total = 0;
  for (unsigned i = 0; i < 3; i++) {
    memset(bytes, 'a' + (int)i, sizeof bytes);
    total += tls_peer_seal(&peer, DATA, bytes, sizeof bytes, 0, input + total);
  }
  struct span in = span_of(input, total);
  for (unsigned i = 0; i < 3; i++) {
    size_t len = 0;
    assert_int_equal(tls_receiver_read(&receiver, &credit, &in, out, TLS_PLAINTEXT_BYTES, &len),
                     TLS_READ_FULL);
    assert_int_equal(len, 16384);
    assert_int_equal(out[0], 'a' + i);
    assert_int_equal(in.len, (2 - i) * (16384 + 22));
    assert_int_equal(tls_receiver_read(&receiver, &credit, &in, out, TLS_PLAINTEXT_BYTES, &len),
                     TLS_READ_FULL);
    assert_int_equal(len, 16384);
  }
  size_t len = 0;
  assert_int_equal(tls_receiver_read(&receiver, &credit, &in, out, TLS_PLAINTEXT_BYTES, &len),
                   TLS_READ_MORE);
  tls_receiver_end(&receiver);
}

/* How many records of a kind a peer can send before it has abused us. */
static void test_credit(void **state) {
  enum { RECORD = TLS_RECORD_COST_BYTES, MESSAGE = RECORD + TLS_HANDSHAKE_COST_BYTES };
  static const struct {
    const char *name;
    struct part part;
    unsigned allowed; /* 0: for ever */
  } kinds[] = {
      {"empty data", {.type = DATA}, TLS_CREDIT_BYTES / RECORD},
      {"padding", {.type = DATA, .padding = 1000}, TLS_CREDIT_BYTES / RECORD},
      {"user_canceled", {ALERT, TEXT("\1\132")}, TLS_CREDIT_BYTES / RECORD},
      {"KeyUpdate", {HANDSHAKE, NEW_KEYS, TEXT(UPDATE)}, TLS_CREDIT_BYTES / MESSAGE},
      {"8 bytes", DATA_OF("12345678"), 0},
  };
  (void)state;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    struct tls_receiver receiver;
    struct tls_credit credit;
    struct tls_peer peer;
    uint8_t record[2000];
    static uint8_t out[TLS_PLAINTEXT_BYTES];
    enum tls_read result = TLS_READ_MORE;
    unsigned count = 0;
    begin_one(&receiver, &peer);
    tls_credit_init(&credit, 1);
    while (result == TLS_READ_MORE && count < 5000) {
      struct span in = span_of(record, put(&kinds[i].part, &peer, record));
      size_t len = 0;
      result = tls_receiver_read(&receiver, &credit, &in, out, sizeof out, &len);
      count += result == TLS_READ_MORE;
    }
    if (count != (kinds[i].allowed ? kinds[i].allowed : 5000))
      fail_msg("%s: %u records", kinds[i].name, count);
    assert_int_equal(result, kinds[i].allowed ? TLS_READ_ABUSED : TLS_READ_MORE);
    tls_receiver_end(&receiver);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows),
      cmocka_unit_test(test_room),
      cmocka_unit_test(test_credit),
  };
  tls_aead_pool_init(&pool);
  guard_init(&guard, INPUT_BYTES_MAX + 300);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  guard_destroy(&guard);
  tls_aead_pool_destroy(&pool);
  return failed;
}
