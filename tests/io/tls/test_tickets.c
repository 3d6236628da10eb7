/*
 * tls/test_tickets.c - resumed sessions, and the keys of their tickets.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

#include "io/base/error.h"
#include "io/tls/context.h"
#include "io/tls/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/shifted_clock.h"
#include "tests/support/tls_pair.h"

#define IO_SECOND        UINT64_C(1000000000)
#define TICKET_KEY_CLOCK CLOCK_MONOTONIC_COARSE /* what ages ticket keys */

/* ---- tickets --------------------------------------------------------------------------------- */

/* A ticket begins with the name of the key that encrypted it (RFC 5077 section 4). */
enum { TICKET_KEY_NAME_BYTES = 16 };

static void read_key_name(const struct tls_pair *pair, unsigned char name[TICKET_KEY_NAME_BYTES]) {
  const unsigned char *ticket;
  size_t len;
  assert_non_null(pair->client.factory.session);
  SSL_SESSION_get0_ticket(pair->client.factory.session, &ticket, &len);
  assert_true(len > TICKET_KEY_NAME_BYTES);
  memcpy(name, ticket, TICKET_KEY_NAME_BYTES);
}

/* Stores the new name, too. */
static bool key_has_changed(const struct tls_pair *pair,
                            unsigned char name[TICKET_KEY_NAME_BYTES]) {
  unsigned char old[TICKET_KEY_NAME_BYTES];
  memcpy(old, name, sizeof old);
  read_key_name(pair, name);
  return memcmp(old, name, sizeof old) != 0;
}

/* The client forgets its ticket and gets another. */
static void connect_anew(struct tls_pair *pair) {
  SSL_SESSION_free(pair->client.factory.session);
  pair->client.factory.session = NULL;
  tls_pair_reconnect(pair);
  tls_pair_run(pair, 0, 65536);
}

/* Time alone replaces the key, and it does so for every worker. */
static void test_ticket_keys_rotate(void **state) {
  (void)state;
  struct tls_choice choice = tls_choice_plain;
  choice.resume = true;
  struct tls_pair *pair = tls_pair_create(&choice);
  unsigned char name[TICKET_KEY_NAME_BYTES];
  tls_pair_run(pair, 0, 65536);
  read_key_name(pair, name);
  for (int i = 0; i < 2 * TLS_TICKET_KEYS; i++) {
    shifted_clock_add(TICKET_KEY_CLOCK, TLS_TICKET_KEY_SECONDS / 2);
    connect_anew(pair);
    assert_int_equal(key_has_changed(pair, name), i % 2); /* at the end of each hour */
  }
  tls_pair_free(pair);
}

/* The ticket of one worker's connection is valid at another worker, as long as its key exists. */
static void test_resumption(void **state) {
  (void)state;
  static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  for (size_t v = 0; v < 2; v++) {
    struct tls_choice choice = tls_choice_plain;
    choice.version = versions[v];
    choice.resume = true;
    struct tls_pair *pair = tls_pair_create(&choice);
    struct tls_factory *server = &pair->server.factory;
    tls_pair_run(pair, 0, 65536);
    assert_int_equal(server->counters.resumed, 0);

    /* As if another worker had accepted it: its factory is new, the context is the same. */
    struct machine_factory inner = server->inner;
    tls_side_close(&pair->server);
    tls_factory_destroy(server);
    assert_true(tls_factory_init(server, pair->server.context, &inner, 4, NULL));
    tls_pair_reconnect(pair);
    tls_pair_run(pair, 0, 65536);
    assert_int_equal(server->counters.resumed, 1);
    assert_string_equal(pair->server.end.protocol, "h2");

    for (unsigned i = 2; i < 5; i++) { /* and so is the one from each resumption */
      tls_pair_reconnect(pair);
      tls_pair_run(pair, 0, 65536);
      assert_int_equal(server->counters.resumed, i);
    }

    unsigned char name[TICKET_KEY_NAME_BYTES];
    read_key_name(pair, name);
    shifted_clock_add(TICKET_KEY_CLOCK, TLS_TICKET_KEY_SECONDS + TLS_TICKET_LIFE_SECONDS);
    tls_pair_reconnect(pair);
    tls_pair_run(pair, 0, 65536);
    assert_int_equal(server->counters.resumed, 4); /* the key is gone: a full handshake */
    assert_int_equal(server->counters.handshakes, 5);
    assert_true(key_has_changed(pair, name));

    shifted_clock_add(TICKET_KEY_CLOCK, TLS_TICKET_KEY_SECONDS);
    tls_pair_reconnect(pair);
    tls_pair_run(pair, 0, 65536);
    assert_int_equal(server->counters.resumed, 5); /* an old key still decrypts */
    assert_int_equal(server->counters.version_1_2, versions[v] == TLS1_2_VERSION ? 6 : 0);
    assert_int_equal(server->counters.version_1_3, versions[v] == TLS1_3_VERSION ? 6 : 0);
    tls_pair_free(pair);
  }
}

/* ---- keys that are given --------------------------------------------------------------------- */

/* Keys whose names are the letters, and whose secrets follow from them. */
static size_t make_keys(const char *letters, unsigned char *out) {
  size_t count = strlen(letters);
  for (size_t i = 0; i < count; i++)
    memset(out + i * TLS_TICKET_KEY_BYTES, letters[i], TLS_TICKET_KEY_BYTES);
  return count * TLS_TICKET_KEY_BYTES;
}

static void give(const struct tls_pair *pair, const char *letters) {
  unsigned char keys[TLS_TICKET_GIVEN_MAX * TLS_TICKET_KEY_BYTES];
  size_t len = make_keys(letters, keys);
  assert_true(tls_context_set_ticket_keys(pair->server.context, keys, len, NULL));
}

/* The letter of the key that encrypted the client's ticket. */
static int letter(const struct tls_pair *pair) {
  unsigned char name[TICKET_KEY_NAME_BYTES];
  read_key_name(pair, name);
  return name[0];
}

/* A ticket of one server is good at another that has the same keys, whichever comes first, for all its life; and at none
 * that has others. */
static void test_given_keys(void **state) {
  (void)state;
  static const struct {
    const char *first, *second;
    bool resumed;
    char then;
  } rows[] = {{"ab", "ab", true, 'a'},
              {"ab", "ba", true, 'b'},
              {"a", "cba", true, 'c'},
              {"ab", "b", false, 'b'},
              {"ab", "cd", false, 'c'}};
  static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
    struct tls_choice choice = tls_choice_plain;
    choice.version = versions[i % 2];
    choice.resume = true;
    struct tls_pair *one = tls_pair_create(&choice), *other = tls_pair_create(&choice);
    give(one, rows[i / 2].first);
    give(other, rows[i / 2].second);
    tls_pair_run(one, 0, 65536);
    assert_int_equal(letter(one), rows[i / 2].first[0]);
    /* The other pair's client comes with the ticket of this one's. */
    other->client.factory.session = one->client.factory.session;
    one->client.factory.session = NULL;
    shifted_clock_add(TICKET_KEY_CLOCK, 10 * TLS_TICKET_KEY_SECONDS); /* given keys do not age */
    tls_pair_reconnect(other);
    tls_pair_run(other, 0, 65536);
    assert_true(other->server.end.created);
    assert_int_equal(other->server.factory.counters.resumed, rows[i / 2].resumed);
    /* After a resumed handshake of TLS 1.2, OpenSSL's clients do not tell of a new ticket. */
    if (i % 2 == 1 || !rows[i / 2].resumed) assert_int_equal(letter(other), rows[i / 2].then);
    tls_pair_free(one);
    tls_pair_free(other);
  }
}

static void test_wrong_keys(void **state) {
  (void)state;
  static const size_t lengths[] = {0,
                                   1,
                                   48,
                                   TLS_TICKET_KEY_BYTES - 1,
                                   TLS_TICKET_KEY_BYTES + 1,
                                   (TLS_TICKET_GIVEN_MAX + 1) * TLS_TICKET_KEY_BYTES};
  unsigned char keys[(TLS_TICKET_GIVEN_MAX + 1) * TLS_TICKET_KEY_BYTES];
  struct tls_choice choice = tls_choice_plain;
  struct io_error error;
  choice.resume = true;
  struct tls_pair *pair = tls_pair_create(&choice);
  give(pair, "x");
  make_keys("abcdefghijklm", keys);
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    assert_false(tls_context_set_ticket_keys(pair->server.context, keys, lengths[i], &error));
  assert_string_equal(error.text, "1040 bytes are not 1 to 12 ticket keys of 80 bytes");
  size_t len = make_keys("aba", keys);
  assert_false(tls_context_set_ticket_keys(pair->server.context, keys, len, &error));
  assert_string_equal(error.text, "two ticket keys have the same name");
  tls_pair_run(pair, 0, 65536);
  assert_int_equal(letter(pair), 'x'); /* still in force */
  give(pair, "abcdefghijkl");
  connect_anew(pair);
  assert_int_equal(letter(pair), 'a');
  tls_pair_free(pair);
}

int main(void) {
  tls_pair_begin();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ticket_keys_rotate),
      cmocka_unit_test(test_resumption),
      cmocka_unit_test(test_given_keys),
      cmocka_unit_test(test_wrong_keys),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  tls_pair_end();
  return failed;
}
