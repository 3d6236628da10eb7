/*
 * tls/test_sender.c - records of ours after the handshake, as support/tls_peer.h opens them.
 */
#include <string.h>

#include "io/tls/alerts.h"
#include "io/tls/limits.h"
#include "io/tls/sender.h"
#include "tests/support/cmocka.h"
#include "tests/support/tls_peer.h"

enum { ALERT = 21, HANDSHAKE = 22, DATA = 23 };

static struct tls_aead_pool pool;
static struct tls_slab_pool slabs;
static struct tls_slab slab;
static struct tls_sender sender;
static struct tls_peer peer;

static int begin(void **state) {
  struct tls_secret secret = {.len = 48, .bytes = {7, 8, 9}};
  (void)state;
  struct tls_aead keys = {0};
  slab = (struct tls_slab){.pool = &slabs};
  assert_true(tls_secret_begin(&secret, &keys, &pool, TLS_AEAD_AES_256, 5));
  assert_true(tls_sender_begin(&sender, &pool, &slab, &keys, &secret));
  tls_aead_end(&keys);
  tls_peer_begin(&peer, TLS_PEER_AES_256, secret.bytes);
  peer.sequence = 5;
  return 0;
}

static int end(void **state) {
  (void)state;
  tls_sender_end(&sender);
  assert_int_equal(sender.keys.key[0] | sender.secret.bytes[0], 0);
  tls_slab_clear(&slab);
  return 0;
}

/* The next record of the slab. */
static void expect(uint8_t type, const char *content, size_t len) {
  static uint8_t out[TLS_RECORD_BYTES + 1];
  uint8_t got;
  const uint8_t *record = slab.base + slab.head;
  assert_true(tls_slab_unsent(&slab) >= 5);
  assert_int_equal(tls_peer_open(&peer, record, &got, out), len);
  assert_int_equal(got, type);
  assert_memory_equal(out, content, len);
  tls_slab_consume(&slab, 5 + ((size_t)record[3] << 8 | record[4]));
}

static void expect_update(void) {
  expect(HANDSHAKE, "\x18\0\0\1\0", 5);
  tls_peer_update(&peer);
}

static void write_text(const char *text, uint32_t key_records_max) {
  const struct span spans[] = {span_of(text, 1), span_of(text + 1, strlen(text) - 1)};
  assert_true(tls_sender_write(&sender, spans, strlen(text), key_records_max));
}

static void test_data_and_alerts(void **state) {
  (void)state;
  write_text("hello", 100);
  write_text("world!", 100);
  tls_sender_alert(&sender, TLS_ALERT_CLOSE_NOTIFY);
  tls_sender_alert(&sender, TLS_ALERT_BAD_RECORD_MAC);
  expect(DATA, "hello", 5);
  expect(DATA, "world!", 6);
  expect(ALERT, "\1\0", 2);
  expect(ALERT, "\2\24", 2);
  assert_int_equal(tls_slab_unsent(&slab), 0);
}

/* RFC 8446 section 4.6.3: before the next application data, once however often it was asked for. Alerts need not wait. */
static void test_requested_update(void **state) {
  (void)state;
  write_text("a1", 100);
  sender.update = true;
  tls_sender_alert(&sender, TLS_ALERT_USER_CANCELED);
  write_text("a2", 100);
  write_text("a3", 100);
  expect(DATA, "a1", 2);
  expect(ALERT, "\2\132", 2);
  expect_update();
  expect(DATA, "a2", 2);
  expect(DATA, "a3", 2);
}

/* Each key seals `key_records_max` records of data. */
static void test_key_records(void **state) {
  (void)state;
  for (unsigned i = 0; i < 10; i++)
    write_text("data", 3);
  for (unsigned i = 0; i < 10; i++) {
    if (i > 0 && i % 3 == 0) expect_update();
    expect(DATA, "data", 4);
  }
  sender.update = true; /* begins to count anew */
  for (unsigned i = 0; i < 4; i++)
    write_text("more", 3);
  expect_update();
  for (unsigned i = 0; i < 4; i++) {
    if (i == 3) expect_update();
    expect(DATA, "more", 4);
  }
}

/* Application data leaves room in the slab for a KeyUpdate before it and alerts behind it. */
static void test_reserve(void **state) {
  static const uint8_t zeros[TLS_RECORD_BYTES];
  const struct span whole = span_of(zeros, sizeof zeros);
  (void)state;
  size_t records = 0;
  while (tls_slab_room(&slab) >= whole.len + TLS_RECORD_OVERHEAD_BYTES) {
    sender.update = true;
    assert_true(tls_sender_write(&sender, &whole, whole.len, 100));
    records++;
  }
  assert_int_equal(records, 8);
  tls_sender_alert(&sender, TLS_ALERT_CLOSE_NOTIFY);
  for (size_t i = 0; i < records; i++) {
    expect_update();
    expect(DATA, (const char *)zeros, sizeof zeros);
  }
  expect(ALERT, "\1\0", 2);
}

/* Where there is none, the record is not counted. */
static void test_no_room(void **state) {
  static const uint8_t zeros[TLS_SLAB_BYTES];
  (void)state;
  assert_int_equal(tls_slab_append(&slab, zeros, TLS_SLAB_BYTES - 20), TLS_SLAB_BYTES - 20);
  const struct span text = span_of("text", 4);
  assert_false(tls_sender_write(&sender, &text, 4, 100));
  tls_sender_alert(&sender, TLS_ALERT_CLOSE_NOTIFY);
  assert_int_equal(tls_slab_unsent(&slab), TLS_SLAB_BYTES - 20);
  tls_slab_consume(&slab, TLS_SLAB_BYTES - 20);
  assert_true(tls_sender_write(&sender, &text, 4, 100));
  expect(DATA, "text", 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_data_and_alerts, begin, end),
      cmocka_unit_test_setup_teardown(test_requested_update, begin, end),
      cmocka_unit_test_setup_teardown(test_key_records, begin, end),
      cmocka_unit_test_setup_teardown(test_reserve, begin, end),
      cmocka_unit_test_setup_teardown(test_no_room, begin, end),
  };
  tls_aead_pool_init(&pool);
  tls_slab_pool_init(&slabs);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  tls_slab_pool_destroy(&slabs);
  tls_aead_pool_destroy(&pool);
  return failed;
}
