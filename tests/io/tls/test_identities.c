/*
 * tls/test_identities.c - which certificates a name gets, which names a connection is good for, and
 * certificates that are replaced while connections last.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "io/base/error.h"
#include "io/tls/context.h"
#include "io/tls/identities.h"
#include "io/tls/limits.h"
#include "tests/support/certificates.h"
#include "tests/support/cmocka.h"
#include "tests/support/tls_pair.h"

static struct io_error error;

/* ---- several certificates -------------------------------------------------------------------- */

#define LONG_LABEL "a23456789012345678901234567890123456789012345678901234567890123."
#define LONG_NAME  LONG_LABEL LONG_LABEL LONG_LABEL

static const struct certificate_wish wishes[] = {
    {"EC", "DNS:A.test,DNS:www.a.test", NULL, 0, 0, NULL},              /* 0 */
    {"RSA", "DNS:*.wild.test,DNS:www.a.test,IP:::1", NULL, 0, 0, NULL}, /* 1 */
    {"EC", "DNS:www.wild.test,DNS:a.test,IP:127.0.0.1", NULL, 0, 0, NULL},
    {"RSA", "DNS:a.test", "common.test", 0, 0, NULL}, /* 3: its common name does not count */
    {"ED25519", NULL, "*.common.test", 0, 0, NULL},   /* 4 */
    {"RSA",
     "DNS:part*.b.test,DNS:*.*.b.test,DNS:.b.test,DNS:x*.b.test,email:a@b.test,DNS:last.b.test,"
     "DNS:" LONG_NAME "test", /* 5 */
     NULL, 0, 0, NULL},
};
enum { COUNT = sizeof wishes / sizeof *wishes };

static struct certificate made[COUNT];

static int make_all(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT; i++)
    certificate_make(&made[i], &wishes[i]);
  return 0;
}

static int free_all(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT; i++)
    certificate_free(&made[i]);
  return 0;
}

static struct tls_identities *set_of(size_t first, size_t count) {
  const struct certificate *list[COUNT];
  for (size_t i = 0; i < count; i++)
    list[i] = &made[first + i];
  struct tls_identities *set = tls_identities_create(list, count, &error);
  assert_non_null(set);
  return set;
}

/* The numbers of the certificates that a handshake would have, in OpenSSL's order of kinds. */
static const char *shown(SSL *ssl, const struct tls_identity *identity) {
  static char text[32];
  size_t len = 0;
  assert_true(tls_identity_use(identity, ssl));
  for (int more = SSL_set_current_cert(ssl, SSL_CERT_SET_FIRST); more;
       more = SSL_set_current_cert(ssl, SSL_CERT_SET_NEXT))
    for (size_t i = 0; i < COUNT; i++)
      if (X509_cmp(SSL_get_certificate(ssl), made[i].leaf) == 0)
        len += (size_t)snprintf(text + len, sizeof text - len, len ? " %zu" : "%zu", i);
  return text;
}

static void test_names(void **state) {
  static const struct {
    const char *name, *certificates;
  } rows[] = {
      {"a.test", "3 0"}, /* the earlier one of each kind */
      {"A.TEST", "3 0"},
      {"a.test.", "3 0"},
      {"www.a.test", "1 0"},
      {"xx.a.test", "3 0"},     /* not known: that of the first certificate's first name */
      {"x.wild.test", "1"},     /* a wildcard */
      {"www.wild.test", "1 2"}, /* exact, and the wildcard's of another kind */
      {"x.y.wild.test", "3 0"}, /* a wildcard is for one label */
      {"wild.test", "3 0"},     /* and not for none */
      {".wild.test", "3 0"},
      {"*.wild.test", "1"},      /* what a confused client may ask for */
      {"1.common.test", "4"},    /* of the common name */
      {"common.test", "3 0"},    /* beside a subjectAltName, it does not count */
      {"partial.b.test", "3 0"}, /* no such wildcards */
      {"x.y.b.test", "3 0"},
      {".b.test", "3 0"},
      {"b.test", "3 0"},
      {"last.b.test", "5"}, /* names before it that are left out do no harm */
      {LONG_NAME "test", "5"},
      {LONG_NAME LONG_NAME "test", "3 0"},
      {"127.0.0.1", "2"},
      {"::1", "1"},
      {"[0:0:0:0:0:0:0:1]", "1"},
      {"0.0.0.1", "3 0"},
      {"", "3 0"},
      {".", "3 0"},
      {NULL, "3 0"}, /* no name was sent */
  };
  (void)state;
  struct tls_identities *set = set_of(0, COUNT);
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  SSL *ssl = SSL_new(context);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *got = shown(ssl, tls_identities_find(set, rows[i].name));
    if (strcmp(got, rows[i].certificates) != 0)
      fail_msg("%s: certificates %s, expected %s", rows[i].name ? rows[i].name : "no name", got,
               rows[i].certificates);
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  tls_identities_release(set);
}

/* A certificate without any name serves whoever comes. */
static void test_nameless(void **state) {
  static const struct certificate_wish wish = {.common_name = NULL};
  (void)state;
  struct certificate nameless;
  certificate_make(&nameless, &wish);
  const struct certificate *list[] = {&nameless, &made[0]};
  struct tls_identities *set = tls_identities_create(list, 2, &error);
  const struct tls_identity *other = tls_identities_find(set, "other.test");
  assert_ptr_equal(other, tls_identities_find(set, NULL));
  assert_int_equal(tls_identity_cover(other, span_of("other.test", 10)), TLS_NOT_COVERED);
  assert_int_equal(tls_identity_cover(other, span_of("a.test", 6)), TLS_COVERED_ELSEWHERE);
  assert_ptr_not_equal(other, tls_identities_find(set, "a.test"));
  tls_identities_release(set);
  certificate_free(&nameless);
}

static void test_cover(void **state) {
  static const struct {
    const char *asked, *host;
    enum tls_cover cover;
  } rows[] = {
      {"a.test", "a.test", TLS_COVERED},
      {"a.test", "WWW.A.test.", TLS_COVERED}, /* on the same certificate */
      {"a.test", "127.0.0.1", TLS_COVERED_ELSEWHERE},
      {"a.test", "x.wild.test", TLS_COVERED_ELSEWHERE},
      {"a.test", "xx.a.test", TLS_NOT_COVERED},
      {"a.test", "", TLS_NOT_COVERED},
      {"x.wild.test", "y.wild.test", TLS_COVERED},
      {"x.wild.test", "wild.test", TLS_NOT_COVERED},
      {"x.wild.test", "x.y.wild.test", TLS_NOT_COVERED},
      {"x.wild.test", "[::1]", TLS_COVERED},
      {"x.wild.test", "0::1", TLS_COVERED},
      {"www.wild.test", "y.wild.test", TLS_COVERED}, /* by one of the two */
      {"1.common.test", "2.common.test", TLS_COVERED},
      {"1.common.test", "a.test", TLS_COVERED_ELSEWHERE},
      {"last.b.test", "a.test", TLS_COVERED_ELSEWHERE},
      {NULL, "www.a.test", TLS_COVERED},
      {NULL, "last.b.test", TLS_COVERED_ELSEWHERE},
      {NULL, "nobody.test", TLS_NOT_COVERED},
  };
  (void)state;
  struct tls_identities *set = set_of(0, COUNT);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct tls_identity *identity = tls_identities_find(set, rows[i].asked);
    struct span host = span_of(rows[i].host, strlen(rows[i].host));
    enum tls_cover cover = tls_identity_cover(identity, host);
    if (cover != rows[i].cover)
      fail_msg("%s on a connection to %s: %d", rows[i].host, rows[i].asked, cover);
  }
  char longest[TLS_NAME_BYTES_MAX + 2];
  memset(longest, 'x', sizeof longest);
  const struct tls_identity *any = tls_identities_find(set, NULL);
  assert_int_equal(tls_identity_cover(any, span_of(longest, sizeof longest)), TLS_NOT_COVERED);
  assert_int_equal(tls_identity_cover(any, span_of(longest, TLS_NAME_BYTES_MAX)), TLS_NOT_COVERED);
  tls_identities_release(set);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void give(struct tls_pair *pair, size_t first, size_t count) {
  const struct certificate *list[COUNT];
  for (size_t i = 0; i < count; i++)
    list[i] = &made[first + i];
  if (!tls_context_set_certificates(pair->server.context, list, count, &error))
    fail_msg("%s", error.text);
}

static struct tls_pair *pair_for(const char *name, int version) {
  struct tls_choice choice = tls_choice_plain;
  choice.name = name;
  choice.version = version;
  choice.resume = true;
  choice.client_openssl = true; /* see seen() */
  struct tls_pair *pair = tls_pair_create(&choice);
  give(pair, 0, COUNT);
  return pair;
}

/* The number of the certificate that the client sees. */
static size_t seen(const struct tls_pair *pair) {
  X509 *leaf = SSL_get0_peer_certificate(tls_machine_ssl(&pair->client.machine));
  assert_non_null(leaf);
  for (size_t i = 0; i < COUNT; i++)
    if (X509_cmp(leaf, made[i].leaf) == 0) return i;
  return COUNT;
}

static enum tls_cover cover(const struct tls_pair *pair, const char *host) {
  const struct tls_identity *identity = pair->server.end.peer.identity;
  assert_non_null(identity);
  return tls_identity_cover(identity, span_of(host, strlen(host)));
}

/* The name that a client sends chooses, and a resumed connection is good for the same names. */
static void test_connections(void **state) {
  static const struct {
    const char *name;
    size_t certificate;
  } rows[] = {{"www.wild.test", 2}, {"x.wild.test", 1}, {"last.b.test", 5}, {"nobody.test", 0}};
  static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  (void)state;
  for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
    size_t row = i / 2;
    struct tls_pair *pair = pair_for(rows[row].name, versions[i % 2]);
    for (uint64_t resumed = 0; resumed < 2; resumed++) {
      tls_pair_run(pair, 0, 65536);
      assert_true(pair->server.end.created);
      if (!resumed) assert_int_equal(seen(pair), rows[row].certificate);
      assert_int_equal(pair->server.factory.counters.resumed, resumed);
      bool known = rows[row].certificate != 0;
      assert_int_equal(cover(pair, rows[row].name), known ? TLS_COVERED : TLS_NOT_COVERED);
      assert_int_equal(cover(pair, "a.test") == TLS_COVERED, !known || row == 0);
      assert_int_equal(cover(pair, "1.common.test"), TLS_COVERED_ELSEWHERE);
      if (!resumed) tls_pair_reconnect(pair);
    }
    tls_pair_free(pair);
  }
}

/* Of two kinds of keys, the client's suites (TLS 1.2) or signature algorithms decide. */
static void test_kinds_of_keys(void **state) {
  static const struct {
    const char *suite;
    size_t certificate;
  } rows[] = {{"ECDHE-RSA-AES128-GCM-SHA256", 1}, {"ECDHE-ECDSA-AES128-GCM-SHA256", 0}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct tls_choice choice = tls_choice_plain;
    choice.version = TLS1_2_VERSION;
    choice.suites_1_2 = rows[i].suite;
    choice.name = "www.a.test";
    choice.client_openssl = true;
    struct tls_pair *pair = tls_pair_create(&choice);
    give(pair, 0, COUNT);
    tls_pair_run(pair, 0, 65536);
    assert_int_equal(seen(pair), rows[i].certificate);
    tls_pair_free(pair);
  }
  struct tls_pair *pair = pair_for("www.a.test", TLS1_3_VERSION);
  /* The first ClientHello was made with the machine. */
  SSL_CTX *context = SSL_get_SSL_CTX(tls_machine_ssl(&pair->client.machine));
  SSL_CTX_set1_sigalgs_list(context, "rsa_pss_rsae_sha256");
  tls_pair_reconnect(pair);
  tls_pair_run(pair, 0, 65536);
  assert_int_equal(seen(pair), 1);
  tls_pair_free(pair);
}

/* A connection keeps what it was shown; the next one gets what is new, also in mid-handshake. */
static void test_replaced(void **state) {
  (void)state;
  struct tls_pair *pair = pair_for("a.test", TLS1_3_VERSION);
  tls_pair_run(pair, 0, 65536);
  assert_int_equal(seen(pair), 0);
  give(pair, 3, 1);
  give(pair, 5, 1);
  assert_int_equal(cover(pair, "a.test"), TLS_COVERED);
  assert_int_equal(cover(pair, "last.b.test"), TLS_COVERED_ELSEWHERE);
  SSL_SESSION_free(pair->client.factory.session);
  pair->client.factory.session = NULL;
  tls_pair_reconnect(pair);
  give(pair, 3, 1);
  tls_pair_run(pair, 0, 65536);
  assert_int_equal(seen(pair), 3);
  assert_int_equal(cover(pair, "last.b.test"), TLS_NOT_COVERED);
  tls_pair_free(pair);
}

/* Moves what the client has to say to the server, and no more. */
static void say(struct tls_pair *pair) {
  struct machine *client = &pair->client.machine, *server = &pair->server.machine;
  struct span out;
  while (client->ops->send_peek(client->self, &out, 1, 65536, pair->now_ns) > 0) {
    assert_int_equal(server->ops->recv(server->self, out, pair->now_ns), out.len);
    client->ops->send_ack(client->self, out.len, pair->now_ns);
  }
}

/* The certificate is replaced after the server has shown it, and before the handshake ends: the connection is judged
 * by what it was shown. */
static void test_replaced_in_a_handshake(void **state) {
  (void)state;
  static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
    struct tls_pair *pair = pair_for("a.test", versions[i]);
    give(pair, 0, COUNT);
    say(pair);
    give(pair, 3, 1);
    tls_pair_run(pair, 0, 65536);
    assert_int_equal(seen(pair), 0);
    assert_int_equal(cover(pair, "a.test"), TLS_COVERED);
    assert_int_equal(cover(pair, "last.b.test"), TLS_COVERED_ELSEWHERE);
    tls_pair_free(pair);
    pair = pair_for("a.test", versions[i]); /* one that ends in its handshake leaks nothing */
    say(pair);
    tls_pair_free(pair);
  }
}

int main(void) {
  tls_pair_begin();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_nameless),
      cmocka_unit_test(test_cover),
      cmocka_unit_test(test_connections),
      cmocka_unit_test(test_kinds_of_keys),
      cmocka_unit_test(test_replaced),
      cmocka_unit_test(test_replaced_in_a_handshake),
  };
  int failed = cmocka_run_group_tests(tests, make_all, free_all);
  tls_pair_end();
  return failed;
}
