/*
 * tls/test_records.c - connections that go on without OpenSSL after the handshake, against others that do and that do not.
 */
#include <string.h>

#include <openssl/ssl.h>

#include "io/base/error.h"
#include "io/base/limits.h"
#include "io/tls/context.h"
#include "io/tls/schedule.h"
#include "tests/support/cmocka.h"
#include "tests/support/random.h"
#include "tests/support/tls_pair.h"

static bool has_openssl(const struct tls_side *side) {
  return tls_machine_ssl(&side->machine) != NULL;
}

static void expect_all(const struct tls_pair *pair) {
  assert_int_equal(pair->server.end.received, pair->client.end.send_total);
  assert_int_equal(pair->client.end.received, pair->server.end.send_total);
  assert_int_equal(pair->server.end.wrong + pair->client.end.wrong, 0);
}

/* ---- taking over ----------------------------------------------------------------------------- */

#define CCM "TLS_AES_128_CCM_SHA256"

/* Who has OpenSSL after the handshake, and the next one with a ticket. */
static void test_who_takes_over(void **state) {
  static const struct {
    const char *name;
    struct tls_choice choice;
    bool client, server;
  } rows[] = {
      {"AES-128-GCM", {.suites_1_3 = "TLS_AES_128_GCM_SHA256"}, false, false},
      {"AES-256-GCM", {.suites_1_3 = "TLS_AES_256_GCM_SHA384"}, false, false},
      {"ChaCha20", {.suites_1_3 = "TLS_CHACHA20_POLY1305_SHA256"}, false, false},
      {"AES-CCM", {.suites_1_3 = CCM, .server_suites_1_3 = CCM}, true, true},
      {"TLS 1.2", {.version = TLS1_2_VERSION}, true, true},
      {"tickets", {.resume = true}, false, false},
      {"a client that keeps it", {.client_openssl = true}, true, false},
      {"a server that keeps it", {.server_openssl = true}, false, true},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct tls_choice choice = rows[i].choice;
    choice.up_bytes = choice.down_bytes = 100000;
    struct tls_pair *pair = tls_pair_create(&choice);
    for (unsigned connection = 0; connection < 2; connection++) {
      tls_pair_run(pair, i + connection, 5000);
      if (has_openssl(&pair->client) != rows[i].client ||
          has_openssl(&pair->server) != rows[i].server)
        fail_msg("%s: OpenSSL goes on: client %d, server %d", rows[i].name,
                 has_openssl(&pair->client), has_openssl(&pair->server));
      expect_all(pair);
      assert_int_equal(tls_machine_facts(&pair->server.machine).resumed,
                       rows[i].choice.resume && connection > 0);
      pair->client.end.done = pair->server.end.done = true;
      tls_pair_run(pair, 0, 65536);
      assert_int_equal(tls_side_wants(&pair->client), MACHINE_DONE);
      assert_int_equal(tls_side_wants(&pair->server), MACHINE_DONE);
      tls_pair_reconnect(pair);
    }
    tls_pair_free(pair);
  }
}

/* The state of the handshake from which on no secrets are noted. In EARLY_DATA a server waits for Finished. */
static OSSL_HANDSHAKE_STATE unnoted;

static void stop_noting(const SSL *ssl, int where, int result) {
  (void)where, (void)result;
  if (SSL_get_state(ssl) == unnoted) tls_schedule_note(NULL);
}

/* Whoever does not know both secrets keeps OpenSSL. */
static void test_unknown_secrets(void **state) {
  static const OSSL_HANDSHAKE_STATE states[] = {TLS_ST_SW_SRVR_HELLO, TLS_ST_EARLY_DATA};
  (void)state;
  for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
    struct tls_choice choice = tls_choice_plain;
    choice.up_bytes = choice.down_bytes = 100000;
    struct tls_pair *pair = tls_pair_create(&choice);
    pipe_step(&pair->up, &pair->client.machine, &pair->server.machine, 1, 65536, pair->now_ns);
    unnoted = states[i];
    SSL_set_info_callback(tls_machine_ssl(&pair->server.machine), stop_noting);
    tls_pair_run(pair, i + 1, 5000);
    assert_true(has_openssl(&pair->server));
    assert_false(has_openssl(&pair->client));
    expect_all(pair);
    tls_pair_free(pair);
  }
}

/* A client that resumes has OpenSSL until the ticket has come, whole. */
static void test_client_waits_for_ticket(void **state) {
  (void)state;
  struct tls_choice choice = tls_choice_plain;
  choice.resume = true;
  choice.down_bytes = 100;
  struct tls_pair *pair = tls_pair_create(&choice);
  struct machine *client = &pair->client.machine, *server = &pair->server.machine;
  while (pipe_step(&pair->up, client, server, 65536, 65536, pair->now_ns) &&
         !pair->client.end.created)
    pipe_step(&pair->down, server, client, 65536, 65536, pair->now_ns);
  assert_true(pair->client.end.created);
  while (pipe_step(&pair->up, client, server, 65536, 65536, pair->now_ns)) {
  }
  assert_false(has_openssl(&pair->server));
  bool kept = true;
  while (pipe_step(&pair->down, server, client, 1, 65536, pair->now_ns)) {
    assert_false(pair->client.factory.session == NULL && !has_openssl(&pair->client));
    if (pair->client.factory.session && pair->client.end.received == 0)
      kept = kept && has_openssl(&pair->client);
  }
  assert_false(kept); /* it took over before the first data */
  expect_all(pair);
  tls_pair_free(pair);
}

enum updates { NO_UPDATE, SERVER_UPDATES, CLIENT_UPDATES };

/* A server that sends its ticket late, after `before` records of data, in pieces of which the first has `cut` bytes of what
 * came with the ticket. Returns whether there were more bytes than that. */
static bool late_ticket(size_t cut, unsigned before, enum updates update) {
  struct tls_choice choice = tls_choice_plain;
  choice.resume = choice.server_openssl = true;
  struct tls_pair *pair = tls_pair_create(&choice);
  struct machine *client = &pair->client.machine, *server = &pair->server.machine;
  struct machine nobody = {0};
  pipe_step(&pair->up, client, server, 1, 65536, pair->now_ns); /* now it has OpenSSL */
  SSL *ssl = tls_machine_ssl(server);
  assert_int_equal(SSL_set_num_tickets(ssl, 0), 1);
  tls_pair_run(pair, 0, 65536);
  if (update == CLIENT_UPDATES)
    pair->client.factory.key_records_max = pair->client.end.send_total = 1;
  if (update == SERVER_UPDATES)
    assert_int_equal(SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
  for (unsigned i = 0; i < before; i++) {
    pair->server.end.send_total += 100;
    tls_pair_run(pair, 0, 65536);
  }
  assert_true(has_openssl(&pair->client));
  assert_null(pair->client.factory.session);
  assert_int_equal(SSL_new_session_ticket(ssl), 1);
  assert_int_equal(SSL_do_handshake(ssl), 1);
  pair->server.end.send_total += 100;
  while (pipe_step(&pair->down, server, &nobody, 65536, 65536, pair->now_ns)) {
  }
  const bool more = pair->down.end - pair->down.begin > cut;
  pipe_step(&pair->down, &nobody, client, cut, 0, pair->now_ns);
  pair->server.end.send_total += 100;
  tls_pair_run(pair, 0, 65536);
  expect_all(pair);
  assert_string_equal(tls_machine_error(client), "");
  assert_non_null(pair->client.factory.session);
  assert_int_equal(has_openssl(&pair->client), update != NO_UPDATE);
  tls_pair_free(pair);
  return more;
}

/* Taking over in the middle of what the server sends, wherever it is cut. After a KeyUpdate the keys are OpenSSL's alone. */
static void test_late_tickets(void **state) {
  (void)state;
  for (unsigned before = 0; before < 3; before++)
    for (size_t cut = 1; late_ticket(cut, before, NO_UPDATE);)
      cut++;
  late_ticket(50, 2, SERVER_UPDATES);
  late_ticket(50, 2, CLIENT_UPDATES);
}

/* The texts of a connection outlive the policy that it was made with. */
static void test_texts(void **state) {
  (void)state;
  struct tls_pair *pair = tls_pair_create(&tls_choice_plain);
  struct tls_settings settings = {.version_min = TLS1_3_VERSION};
  struct io_error error;
  tls_pair_run(pair, 0, 65536);
  struct ssl_ctx_st *policy = tls_policy_make(pair->server.context, &settings, &error);
  assert_non_null(policy);
  tls_policy_use(pair->server.context, policy);
  assert_string_equal(pair->server.end.peer.secure_group, "x25519");
  assert_string_equal(tls_machine_facts(&pair->server.machine).group, "x25519");
  tls_pair_free(pair);
}

/* ---- other keys ------------------------------------------------------------------------------ */

/* One of the pair has OpenSSL, updates its keys and asks for ours, and we update ours after some records: in any order, with
 * data in between. */
static void update_at_random(bool server_openssl, uint64_t seed) {
  struct tls_choice choice = tls_choice_plain;
  struct random random = {seed};
  choice.client_openssl = !server_openssl;
  choice.server_openssl = server_openssl;
  struct tls_pair *pair = tls_pair_create(&choice);
  struct tls_side *theirs = server_openssl ? &pair->server : &pair->client;
  struct tls_side *ours = server_openssl ? &pair->client : &pair->server;
  tls_pair_run(pair, seed, 65536);
  assert_false(has_openssl(ours));
  ours->factory.key_records_max = 1 + random_below(&random, 5);
  SSL *ssl = tls_machine_ssl(&theirs->machine);
  for (unsigned step = 0; step < 60; step++) {
    pair->now_ns += IO_SECOND; /* so few are no flood */
    switch (random_below(&random, 5)) {
    case 0: SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED); break;
    case 1: SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED); break;
    case 2: theirs->end.send_total += 1 + random_below(&random, 3000); break;
    case 3: ours->end.send_total += 1 + random_below(&random, 3000); break;
    case 4: tls_pair_run(pair, random_next(&random), 1000); break;
    }
  }
  theirs->end.send_total += 1;
  ours->end.send_total += 1;
  tls_pair_run(pair, seed, 1000);
  expect_all(pair);
  assert_string_equal(tls_machine_error(&ours->machine), "");
  tls_pair_free(pair);
}

static void test_key_updates(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 60; seed++)
    update_at_random(seed % 2, seed * 7919);
}

static unsigned key_updates;

static void count_key_updates(int written, int version, int type, const void *bytes, size_t len,
                              SSL *ssl, void *self) {
  (void)version, (void)ssl, (void)self;
  if (!written && type == SSL3_RT_HANDSHAKE && len > 0)
    key_updates += *(const uint8_t *)bytes == SSL3_MT_KEY_UPDATE;
}

/* A client that asks for another key of ours gets it with the next data, once. */
static void test_answers(void **state) {
  (void)state;
  struct tls_choice choice = tls_choice_plain;
  choice.client_openssl = true;
  struct tls_pair *pair = tls_pair_create(&choice);
  tls_pair_run(pair, 0, 65536);
  SSL *ssl = tls_machine_ssl(&pair->client.machine);
  key_updates = 0;
  SSL_set_msg_callback(ssl, count_key_updates);
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    pair->client.end.send_total += 10;
    tls_pair_run(pair, 0, 65536);
  }
  assert_int_equal(key_updates, 0);
  for (unsigned i = 0; i < 3; i++) {
    pair->server.end.send_total += 10;
    tls_pair_run(pair, 0, 65536);
    pair->client.end.send_total += 10;
    tls_pair_run(pair, 0, 65536);
  }
  assert_int_equal(key_updates, 1);
  expect_all(pair);
  tls_pair_free(pair);
}

/* ---- ends ------------------------------------------------------------------------------------ */

/* Moves everything that a side has to say into the pipe, and spoils the last byte there. */
static void send_spoilt(struct tls_pair *pair, struct tls_side *from) {
  struct pipe *pipe = from == &pair->client ? &pair->up : &pair->down;
  from->end.send_total += 10;
  while (pipe_step(pipe, &from->machine, &(struct machine){0}, 65536, 65536, pair->now_ns)) {
  }
  assert_true(pipe->end > pipe->begin);
  pipe->base[pipe->end - 1] ^= 1;
}

/* The alert arrives, whoever of the two has OpenSSL. After close_notify there is none. */
static void test_alerts(void **state) {
  (void)state;
  for (unsigned round = 0; round < 8; round++) {
    struct tls_choice choice = tls_choice_plain;
    const bool server = round & 1, ended = round & 4;
    choice.client_openssl = server && round & 2;
    choice.server_openssl = !server && round & 2;
    struct tls_pair *pair = tls_pair_create(&choice);
    struct tls_side *spoilt = server ? &pair->server : &pair->client;
    struct tls_side *other = server ? &pair->client : &pair->server;
    tls_pair_run(pair, 0, 65536);
    spoilt->end.ended = ended;
    tls_pair_run(pair, 0, 65536);
    const uint64_t *said = server ? &pair->down.total : &pair->up.total, before = *said;
    send_spoilt(pair, other);
    tls_pair_run(pair, 0, 65536);
    assert_int_equal(*said > before, !ended);
    assert_int_equal(spoilt->end.received, 0);
    assert_string_equal(tls_machine_error(&spoilt->machine), "decryption failed or bad record mac");
    assert_int_equal(tls_side_wants(spoilt), MACHINE_DONE);
    /* OpenSSL 3.0 begins with sslv3, later ones with ssl/tls. */
    const char *why = tls_machine_error(&other->machine), *alert = strstr(why, " alert ");
    assert_string_equal(ended ? why : alert, ended ? "" : " alert bad record mac");
    if (!ended) assert_int_equal(tls_side_wants(other), MACHINE_DONE);
    tls_pair_free(pair);
  }
}

/* What came before a wrong record in the same bytes is delivered. */
static void test_data_before_failure(void **state) {
  (void)state;
  struct tls_pair *pair = tls_pair_create(&tls_choice_plain);
  struct machine *client = &pair->client.machine;
  tls_pair_run(pair, 0, 65536);
  pair->client.end.send_total = 10;
  while (pipe_step(&pair->up, client, &(struct machine){0}, 65536, 65536, pair->now_ns)) {
  }
  send_spoilt(pair, &pair->client);
  tls_pair_run(pair, 0, 65536);
  assert_int_equal(pair->server.end.received, 10);
  assert_int_equal(tls_side_wants(&pair->server), MACHINE_DONE);
  tls_pair_free(pair);
}

static int setup(void **state) {
  (void)state;
  tls_pair_begin();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  tls_pair_end();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_who_takes_over),
      cmocka_unit_test(test_unknown_secrets),
      cmocka_unit_test(test_client_waits_for_ticket),
      cmocka_unit_test(test_late_tickets),
      cmocka_unit_test(test_texts),
      cmocka_unit_test(test_key_updates),
      cmocka_unit_test(test_answers),
      cmocka_unit_test(test_alerts),
      cmocka_unit_test(test_data_before_failure),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
