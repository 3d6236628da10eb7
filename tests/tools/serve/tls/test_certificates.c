/*
 * serve/tls/test_certificates.c - certificates that are replaced well or badly, and what is said about it.
 */
#include "tools/serve/tls/certificates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "io/base/error.h"
#include "io/tls/context.h"
#include "tests/support/certificates.h"
#include "tests/support/cmocka.h"
#include "tests/support/tls_pair.h"
#include "tools/serve/config/config.h"

static struct io_error error;
static char directory[] = "/tmp/weir_test_certificates_XXXXXX";

static const char *at(const char *name) {
  static char text[8][200];
  static unsigned turn;
  char *out = text[turn++ % 8];
  snprintf(out, sizeof text[0], "%s/%s", directory, name);
  return out;
}

/* ---- what is said ---------------------------------------------------------------------------- */

static char said[8192];

/* Both outputs of `look`. */
static void look(struct certificates *certificates, int64_t wall_seconds) {
  char name[] = "/tmp/certificates-XXXXXX";
  int file = mkstemp(name), out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
  assert_true(file >= 0 && out >= 0 && err >= 0);
  unlink(name);
  fflush(stdout);
  dup2(file, STDOUT_FILENO);
  dup2(file, STDERR_FILENO);
  certificates_look(certificates, wall_seconds);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  ssize_t len = pread(file, said, sizeof said - 1, 0);
  assert_true(len >= 0);
  said[len] = 0;
  close(file);
  close(out);
  close(err);
}

static void expect_said(const char *text) {
  if (*text ? !strstr(said, text) : *said) fail_msg("said '%s', expected '%s'", said, text);
}

/* ---- replacing ------------------------------------------------------------------------------- */

static struct certificate first, second, other;
static struct certificates *certificates;
static struct tls_pair *pair;

/* What the next client is shown. */
static const struct certificate *seen(void) {
  static const struct certificate *const all[] = {&first, &second, &other};
  tls_pair_reconnect(pair);
  tls_pair_run(pair, 0, 65536);
  const SSL *ssl = tls_machine_ssl(&pair->client.machine);
  for (size_t i = 0; i < 3; i++)
    if (X509_cmp(SSL_get0_peer_certificate(ssl), all[i]->leaf) == 0) return all[i];
  return NULL;
}

/* Cuts a file in half. */
static void cut(const char *path) {
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  fseek(file, 0, SEEK_END);
  long len = ftell(file);
  fclose(file);
  assert_int_equal(truncate(path, len / 2), 0);
}

static int begin(void **state) {
  static const struct certificate_wish wish = {.names = "DNS:a.test"};
  static const struct certificate_wish elsewhere = {.names = "DNS:b.test", .ends_seconds = 3600};
  static struct serve_certificate files[2];
  (void)state;
  certificate_make(&first, &wish);
  certificate_make(&second, &wish);
  certificate_make(&other, &elsewhere);
  certificate_write(&first, at("a.pem"), at("a.key"));
  certificate_write(&other, at("b.pem"), at("b.key"));
  static char paths[4][200];
  for (int i = 0; i < 4; i++)
    snprintf(paths[i], sizeof paths[i], "%s",
             at((const char *[]){"a.pem", "a.key", "b.pem", "b.key"}[i]));
  files[0] = (struct serve_certificate){paths[0], paths[1]};
  files[1] = (struct serve_certificate){paths[2], paths[3]};
  certificates = certificates_open(files, 2, &error);
  assert_non_null(certificates);
  struct tls_choice choice = tls_choice_plain;
  choice.client_openssl = true; /* see seen() */
  choice.name = "a.test";
  pair = tls_pair_create(&choice);
  assert_true(certificates_use(certificates, pair->server.context, &error));
  return 0;
}

static int end(void **state) {
  (void)state;
  tls_pair_free(pair);
  certificates_close(certificates);
  certificate_free(&first);
  certificate_free(&second);
  certificate_free(&other);
  return 0;
}

static void test_replaced(void **state) {
  int64_t now = (int64_t)time(NULL);
  (void)state;
  assert_ptr_equal(seen(), &first);
  look(certificates, now);
  expect_said("");

  certificate_write(&second, at("a.pem"), NULL); /* and its key a moment later */
  look(certificates, now);
  expect_said("a.key does not belong to certificate");
  expect_said("; the old certificate stays in force");
  assert_ptr_equal(seen(), &first);
  look(certificates, now);
  expect_said(""); /* nothing has changed since */

  certificate_write(&second, NULL, at("a.key"));
  look(certificates, now);
  expect_said("a.pem was replaced, SHA-256 ");
  assert_ptr_equal(seen(), &second);
}

static void test_half_written(void **state) {
  int64_t now = (int64_t)time(NULL);
  (void)state;
  certificate_write(&second, at("a.pem"), at("a.key"));
  cut(at("a.pem"));
  look(certificates, now);
  expect_said("a.pem: not a PEM certificate");
  assert_ptr_equal(seen(), &first);

  certificate_write(&second, at("a.pem"), NULL);
  cut(at("a.key"));
  look(certificates, now);
  expect_said("a.key: not a PEM private key");
  assert_ptr_equal(seen(), &first);

  cut(at("a.key")); /* still the same complaint: it is not repeated */
  look(certificates, now);
  expect_said("");

  unlink(at("a.key"));
  look(certificates, now);
  expect_said("a.key: No such file");
  assert_ptr_equal(seen(), &first);

  certificate_write(&second, NULL, at("a.key"));
  look(certificates, now);
  expect_said("a.pem was replaced");
  assert_ptr_equal(seen(), &second);
}

/* What is wrong with one pair does not keep another from being replaced. */
static void test_other_pair(void **state) {
  (void)state;
  unlink(at("b.pem"));
  certificate_write(&second, at("a.pem"), at("a.key"));
  look(certificates, (int64_t)time(NULL));
  expect_said("b.pem: No such file");
  expect_said("a.pem was replaced");
  assert_ptr_equal(seen(), &second);
}

/* It expires while the server runs; then it is replaced by one that has expired already. */
static void test_expired(void **state) {
  static const struct certificate_wish wish = {
      .names = "DNS:b.test", .begins_seconds = -7200, .ends_seconds = -3600};
  int64_t now = (int64_t)time(NULL);
  struct certificate old;
  (void)state;
  look(certificates, now + 1800);
  expect_said("");
  look(certificates, now + 7200);
  expect_said("b.pem has expired");
  assert_null(strstr(said, "a.pem"));
  look(certificates, now + 7200);
  expect_said("");
  certificate_make(&old, &wish);
  certificate_write(&old, at("b.pem"), at("b.key"));
  look(certificates, now);
  expect_said("b.pem has expired");
  expect_said("b.pem was replaced");
  look(certificates, now);
  expect_said("");
  certificate_free(&old);
}

/* The open of a FIFO would wait, and the end of the server with it. */
static void test_fifo(void **state) {
  int64_t now = (int64_t)time(NULL);
  (void)state;
  assert_int_equal(unlink(at("a.key")), 0);
  assert_int_equal(mkfifo(at("a.key"), 0600), 0);
  look(certificates, now);
  expect_said(
      "a.key is a FIFO, which is read only at the start; the old certificate stays in force");
  look(certificates, now);
  expect_said("");
  assert_ptr_equal(seen(), &first);
  assert_int_equal(unlink(at("a.key")), 0);
}

/* ---- opening --------------------------------------------------------------------------------- */

static void test_open(void **state) {
  (void)state;
  struct certificates *own = certificates_open(NULL, 0, &error);
  assert_non_null(own);
  assert_int_equal(strlen(certificates_first(own)->fingerprint), 95);
  look(own, (int64_t)time(NULL));
  expect_said("");
  certificates_close(own);

  const struct serve_certificate bad[] = {{at("a.pem"), at("a.key")}, {at("a.pem"), at("b.key")}};
  assert_null(certificates_open(bad, 2, &error));
  assert_non_null(strstr(error.text, "b.key does not belong"));
}

static int set_up(void **state) {
  (void)state;
  return mkdtemp(directory) == NULL;
}

static int clean_up(void **state) {
  char command[100];
  (void)state;
  snprintf(command, sizeof command, "rm -r %s", directory);
  return system(command);
}

int main(void) {
  tls_pair_begin();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_replaced, begin, end),
      cmocka_unit_test_setup_teardown(test_half_written, begin, end),
      cmocka_unit_test_setup_teardown(test_other_pair, begin, end),
      cmocka_unit_test_setup_teardown(test_expired, begin, end),
      cmocka_unit_test_setup_teardown(test_fifo, begin, end),
      cmocka_unit_test_setup_teardown(test_open, begin, end),
  };
  int failed = cmocka_run_group_tests(tests, set_up, clean_up);
  tls_pair_end();
  return failed;
}
