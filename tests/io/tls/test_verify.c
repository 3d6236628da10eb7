/*
 * tls/test_verify.c - certificates that are verified: a server's by its client, and those of clients.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "io/base/error.h"
#include "io/tls/context.h"
#include "io/tls/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/tls_pair.h"

static struct io_error error;

/* ---- verification ---------------------------------------------------------------------------- */

static void test_verification(void **state) {
  static const struct {
    const char *name;
    bool trusted, ok;
  } rows[] = {
      {"localhost", true, true},   {"127.0.0.1", true, true},  {"::1", true, true},
      {"other.test", true, false}, {"127.0.0.2", true, false}, {"localhost", false, false},
  };
  (void)state;
  char path[] = "/tmp/weir_test_tls_XXXXXX", wrong[] = "/tmp/weir_test_tls_XXXXXX";
  struct certificate stranger;
  assert_true(certificate_self_signed(&stranger, &error));
  FILE *file = fdopen(mkstemp(path), "w");
  PEM_write_X509(file, tls_pair_certificate.leaf);
  fclose(file);
  file = fdopen(mkstemp(wrong), "w");
  PEM_write_X509(file, stranger.leaf);
  fclose(file);
  for (size_t i = 0; i < 2 * (sizeof rows / sizeof *rows); i++) {
    struct tls_choice choice = tls_choice_plain;
    size_t row = i / 2;
    bool as_text = i % 2;
    char text[4000] = "";
    choice.verify = true;
    choice.ca_path = rows[row].trusted ? path : wrong;
    file = fopen(choice.ca_path, "r");
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    if (as_text) {
      choice.ca_pem = text;
      choice.ca_path = "/nowhere";
    }
    choice.name = rows[row].name;
    struct tls_pair *pair = tls_pair_create(&choice);
    tls_pair_run(pair, 0, 65536);
    if (pair->client.end.created != rows[row].ok)
      fail_msg("%s, trusted %d: %s", rows[row].name, rows[row].trusted,
               tls_machine_error(&pair->client.machine));
    if (!rows[row].ok) assert_true(strlen(tls_machine_error(&pair->client.machine)) > 0);
    tls_pair_free(pair);
  }
  certificate_free(&stranger);
  remove(path);
  remove(wrong);
}

static void write_leaf(char *path, const struct certificate *certificate) {
  FILE *file = fdopen(mkstemp(path), "w");
  PEM_write_X509(file, certificate->leaf);
  fclose(file);
}

/* A certificate of our own is for servers: this one is for anything. */
static void make_general(struct certificate *certificate) {
  X509 *leaf = X509_dup(certificate->leaf);
  X509_EXTENSION_free(X509_delete_ext(leaf, X509_get_ext_by_NID(leaf, NID_ext_key_usage, -1)));
  assert_true(X509_sign(leaf, certificate->key, EVP_sha256()) > 0);
  X509_free(certificate->leaf);
  certificate->leaf = leaf;
}

/* A server that asks clients for a certificate: it takes those with none, refuses those of strangers, and says
 * whom it knows, also after a ticket. */
static void test_certificates_of_clients(void **state) {
  (void)state;
  char path[] = "/tmp/weir_test_tls_XXXXXX";
  struct certificate known, stranger;
  assert_true(certificate_self_signed(&known, &error));
  assert_true(certificate_self_signed(&stranger, &error));
  make_general(&known);
  make_general(&stranger);
  write_leaf(path, &known);
  const struct {
    const struct certificate *certificate;
    bool required, ok;
    const char *subject;
  } rows[] = {{NULL, false, true, NULL},
              {&known, false, true, "CN=localhost"},
              {&stranger, false, false, NULL},
              {NULL, true, false, NULL},
              {&known, true, true, "CN=localhost"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct tls_choice choice = tls_choice_plain;
    choice.server_ca_path = path;
    choice.server_requires = rows[i].required;
    choice.client_certificate = rows[i].certificate;
    choice.resume = true;
    struct tls_pair *pair = tls_pair_create(&choice);
    for (int again = 0; again < 2; again++) {
      tls_pair_run(pair, 0, 65536);
      const struct machine_peer *peer = &pair->server.end.peer;
      assert_int_equal(pair->server.end.created, rows[i].ok);
      assert_int_equal(peer->verified, rows[i].subject != NULL);
      if (rows[i].subject)
        assert_string_equal(peer->subject, rows[i].subject);
      else
        assert_null(peer->subject);
      if (rows[i].ok) assert_int_equal(pair->server.factory.counters.resumed, again);
      if (rows[i].ok && !again) tls_pair_reconnect(pair);
    }
    tls_pair_free(pair);
  }
  certificate_free(&known);
  certificate_free(&stranger);
  remove(path);
}

/* A subject in UTF-8, with characters that RFC 4514 escapes, which is cut. */
static void test_long_subject(void **state) {
  (void)state;
  char path[] = "/tmp/weir_test_tls_XXXXXX", name[65];
  struct certificate known;
  memset(name, 'x', sizeof name - 1);
  name[64] = 0;
  assert_true(certificate_self_signed(&known, &error));
  X509_NAME *subject = X509_get_subject_name(known.leaf);
  for (int i = 0; i < TLS_SUBJECT_BYTES_MAX / 64; i++)
    X509_NAME_add_entry_by_txt(subject, "OU", MBSTRING_UTF8, (const unsigned char *)name, -1, -1,
                               0);
  X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"a,\xc3\xa9", -1,
                             -1, 0);
  X509_set_issuer_name(known.leaf, subject);
  make_general(&known);
  write_leaf(path, &known);
  struct tls_choice choice = tls_choice_plain;
  choice.server_ca_path = path;
  choice.client_certificate = &known;
  struct tls_pair *pair = tls_pair_create(&choice);
  tls_pair_run(pair, 0, 65536);
  assert_true(pair->server.end.created);
  const char *text = pair->server.end.peer.subject;
  assert_int_equal(strlen(text), TLS_SUBJECT_BYTES_MAX);
  assert_memory_equal(text, "O=a\\,\xc3\xa9,OU=xxx", 14);
  tls_pair_free(pair);
  certificate_free(&known);
  remove(path);
}

/* A ticket of a server that asks for no certificate does not get around one that requires one and has the same ticket
 * keys. */
static void test_no_way_around_certificates(void **state) {
  (void)state;
  static const unsigned char key[TLS_TICKET_KEY_BYTES] = "the same key";
  static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  char path[] = "/tmp/weir_test_tls_XXXXXX";
  write_leaf(path, &tls_pair_certificate);
  for (size_t i = 0; i < 2; i++) {
    struct tls_choice choice = tls_choice_plain;
    choice.version = versions[i];
    choice.resume = true;
    struct tls_pair *open = tls_pair_create(&choice);
    choice.server_ca_path = path;
    choice.server_requires = true;
    struct tls_pair *closed = tls_pair_create(&choice);
    assert_true(tls_context_set_ticket_keys(open->server.context, key, sizeof key, &error));
    assert_true(tls_context_set_ticket_keys(closed->server.context, key, sizeof key, &error));
    tls_pair_run(open, 0, 65536);
    assert_non_null(open->client.factory.session);
    closed->client.factory.session = open->client.factory.session;
    open->client.factory.session = NULL;
    tls_pair_reconnect(closed);
    tls_pair_run(closed, 0, 65536);
    assert_false(closed->server.end.created);
    tls_pair_free(open);
    tls_pair_free(closed);
  }
  remove(path);
}

/* Both sides write the same secrets to the file, a line each; a file that cannot be opened is an error. */
static void test_key_log(void **state) {
  (void)state;
  char path[] = "/tmp/weir_test_tls_XXXXXX", lines[32][256];
  close(mkstemp(path));
  struct tls_choice choice = tls_choice_plain;
  choice.key_log_path = path;
  choice.version = TLS1_3_VERSION;
  struct tls_pair *pair = tls_pair_create(&choice);
  tls_pair_run(pair, 0, 65536);
  tls_pair_free(pair);
  FILE *file = fopen(path, "r");
  unsigned count = 0, twice = 0, secrets = 0;
  while (count < 32 && fgets(lines[count], sizeof *lines, file))
    count++;
  fclose(file);
  for (unsigned i = 0; i < count; i++) {
    secrets += strncmp(lines[i], "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0;
    for (unsigned k = 0; k < i; k++)
      twice += strcmp(lines[i], lines[k]) == 0;
  }
  assert_int_equal(secrets, 2);
  assert_int_equal(twice * 2, count);
  remove(path);
  const struct tls_settings settings = {.client = true, .key_log_path = "/nowhere/at/all"};
  assert_null(tls_context_create(&settings, &error));
  assert_string_equal(error.text,
                      "cannot write keys to /nowhere/at/all: No such file or directory");
}

static unsigned lines_of(const char *path) {
  unsigned count = 0;
  FILE *file = fopen(path, "r");
  for (int byte; (byte = getc(file)) != EOF;)
    count += byte == '\n';
  fclose(file);
  return count;
}

/* Another policy is for new connections: they have its suites, and need a certificate. What the context has besides
 * stays: ALPN, the key log. */
static void test_another_policy(void **state) {
  (void)state;
  char path[] = "/tmp/weir_test_tls_XXXXXX", log[] = "/tmp/weir_test_tls_XXXXXX";
  struct certificate known;
  assert_true(certificate_self_signed(&known, &error));
  make_general(&known);
  write_leaf(path, &known);
  close(mkstemp(log));
  struct tls_choice choice = tls_choice_plain;
  choice.key_log_path = log;
  struct tls_pair *pair = tls_pair_create(&choice);
  tls_pair_run(pair, 0, 65536);
  unsigned lines = lines_of(log);
  struct tls_settings settings = {.suites_1_3 = "TLS_CHACHA20_POLY1305_SHA256",
                                  .version_min = TLS1_3_VERSION};
  struct ssl_ctx_st *policy = tls_policy_make(pair->server.context, &settings, &error);
  assert_non_null(policy);
  tls_policy_use(pair->server.context, policy);
  assert_true(pair->server.end.created); /* the connection goes on */
  tls_pair_reconnect(pair);
  tls_pair_run(pair, 0, 65536);
  assert_string_equal(pair->server.end.protocol, "h2");
  assert_string_equal(tls_machine_facts(&pair->server.machine).cipher, settings.suites_1_3);
  assert_true(lines_of(log) > lines + lines / 2); /* of both sides, not of the client alone */
  settings.verify = settings.require = true;
  settings.ca_path = "/nowhere";
  assert_null(tls_policy_make(pair->server.context, &settings, &error));
  assert_string_equal(error.text, "/nowhere: No such file or directory");
  settings.ca_path = path;
  policy = tls_policy_make(pair->server.context, &settings, &error);
  assert_non_null(policy);
  tls_policy_use(pair->server.context, policy);
  tls_pair_reconnect(pair);
  tls_pair_run(pair, 0, 65536);
  assert_false(pair->server.end.created);
  tls_policy_free(tls_policy_make(pair->server.context, &settings, &error));
  tls_pair_free(pair);
  certificate_free(&known);
  remove(path);
  remove(log);
}

int main(void) {
  tls_pair_begin();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_verification),   cmocka_unit_test(test_certificates_of_clients),
      cmocka_unit_test(test_long_subject),   cmocka_unit_test(test_no_way_around_certificates),
      cmocka_unit_test(test_another_policy), cmocka_unit_test(test_key_log),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  tls_pair_end();
  return failed;
}
