/*
 * tunnel/test_options.c - the command line, who may use the tunnel, which connections a fault is for, and the
 * kubeconfig that is written.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/error.h"
#include "tests/support/cmocka.h"
#include "tools/tunnel/kubeconfig_out.h"
#include "tools/tunnel/options.h"

static struct tunnel_options options;
static char error[256], words[4096];

/* Parses a line, cut at spaces. */
static enum options_result parse(const char *line) {
  const struct failure failure = {error, sizeof error};
  char *argv[400];
  int argc = 0;
  snprintf(words, sizeof words, "tunnel %s", line);
  for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
    argv[argc++] = word;
  argv[argc] = NULL;
  error[0] = 0;
  return tunnel_options_parse(&options, argc, argv, &failure);
}

/* ---- the command line ------------------------------------------------------------------------ */

static const struct {
  const char *line, *failure; /* part of it */
} wrong[] = {
    {"", "no pod"},
    {"--pod web", "NAME=HOST"},
    {"--pod web=a --pod web=b", "given before"},
    {"--pod web=a more", "no such operand"},
    {"--pod a=", "--pod a=: expected HOST"},
    {"--pod a/b=", "--pod a/b=: expected HOST"},
    {"--pod a/b/c=d", "--pod a/b/c=d: a name has"},
    {"--pod a=[::1]:x", "--pod a=[::1]:x: expected HOST"},
    {"--pod web=a --cert= --key k", "--cert \"\": expected the name of a file"},
    {"--pod web=a --cert c --key=", "--key \"\": expected the name of a file"},
    {"--pod web=a --client-ca=", "--client-ca \"\": expected the name of a file"},
    {"--pod web=a --kubeconfig-out=", "--kubeconfig-out \"\": expected the name of a file"},
    {"--pod web=a --listen nowhere", "not an address"},
    {"--pod web=a --cert c", "--cert needs --key"},
    {"--pod web=a --key k", "--key needs --cert"},
    {"--pod web=a --token a,b", "--token: a token has"},
    {"--pod web=a --token-seconds 5", "without --token"},
    {"--pod web=a --token a --token-seconds 0", "--token-seconds 0"},
    {"--pod web=a --fault", "needs a value"},
    {"--pod web=a --fault burn", "expected reset"},
    {"--pod web=a --fault reset:0", "after the colon"},
    {"--pod web=a --fault rese", "expected reset"},
    {"--pod web=a --keepalive 0", "--keepalive 0"},
    {"--pod web=a --workers x", "--workers x"},
    {"--bogus", "no such option"},
};

static void wrong_lines(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(parse(wrong[i].line), OPTIONS_WRONG);
    if (!strstr(error, wrong[i].failure)) fail_msg("%s: %s", wrong[i].line, error);
  }
  assert_int_equal(parse("--help"), OPTIONS_HELP);
  assert_int_equal(parse("--version"), OPTIONS_VERSION);
}

static void good_lines(void **state) {
  char text[ADDRESS_TEXT_BYTES];
  (void)state;
  assert_int_equal(parse("--pod web=a"), OPTIONS_RUN);
  assert_string_equal(address_format(&options.listeners[0], text), "127.0.0.1:8001");
  assert_int_equal(options.listener_count, 1);
  assert_int_equal(options.keepalive_seconds, TUNNEL_KEEPALIVE_SECONDS);
  assert_false(options.tls || options.write_errors || options.access.certificates);
  assert_int_equal(parse("--pod web=a --listen 9000 --listen [::1]:9001 --write-errors --verbose "
                         "--workers 3 --keepalive 4 --kubeconfig-out f"),
                   OPTIONS_RUN);
  assert_int_equal(options.listener_count, 2);
  assert_string_equal(address_format(&options.listeners[1], text), "[::1]:9001");
  assert_true(options.write_errors && options.verbose && !options.tls);
  assert_int_equal(options.workers, 3);
  assert_int_equal(options.keepalive_seconds, 4);
  assert_string_equal(options.kubeconfig_out, "f");
}

/* A secret is not sent in clear text: kubectl does not either. */
static void secrets_need_tls(void **state) {
  static const char *const lines[] = {"--tls", "--token a", "--client-ca f", "--cert c --key k"};
  (void)state;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    char line[64];
    snprintf(line, sizeof line, "--pod web=a %s", lines[i]);
    assert_int_equal(parse(line), OPTIONS_RUN);
    assert_true(options.tls);
  }
}

/* As many as the limit, and one more. */
static void repeat(const char *option, unsigned max) {
  for (unsigned over = 0; over < 2; over++) {
    char line[sizeof words] = "--pod web=a";
    for (unsigned i = 0; i < max + over; i++) {
      strcat(line, " ");
      strcat(line, option);
    }
    assert_int_equal(parse(line), over ? OPTIONS_WRONG : OPTIONS_RUN);
  }
}

static void repeated_options(void **state) {
  (void)state;
  repeat("--listen 9000", TUNNEL_LISTENERS_MAX);
  repeat("--token abc", TUNNEL_TOKENS_MAX);
  repeat("--fault reset", TUNNEL_FAULTS_MAX);
}

static void long_token(void **state) {
  const struct failure failure = {error, sizeof error};
  (void)state;
  for (unsigned over = 0; over < 2; over++) {
    char token[TUNNEL_TOKEN_BYTES_MAX + 2], pod[] = "--pod=web=a";
    memset(token, 'x', sizeof token);
    token[TUNNEL_TOKEN_BYTES_MAX + over] = 0;
    char *argv[] = {(char[]){"tunnel"}, pod, (char[]){"--token"}, token, NULL};
    assert_int_equal(tunnel_options_parse(&options, 4, argv, &failure),
                     over ? OPTIONS_WRONG : OPTIONS_RUN);
  }
}

static void help_is_narrow(void **state) {
  (void)state;
  for (const char *at = tunnel_options_help(); *at;) {
    size_t len = strcspn(at, "\n");
    if (len > 90) fail_msg("%.*s", (int)len, at);
    at += len + (at[len] == '\n');
  }
}

/* ---- faults ---------------------------------------------------------------------------------- */

static void faults_come_in_turn(void **state) {
  (void)state;
  assert_int_equal(parse("--pod web=a --fault reset:2 --fault drop:3 --fault error:6"),
                   OPTIONS_RUN);
  static const unsigned expected[] = {
      0, FAULT_RESET, FAULT_DROP, FAULT_RESET, 0, FAULT_RESET | FAULT_DROP | FAULT_ERROR, 0};
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
    assert_int_equal(faults_next(&options.faults), expected[i]);
  assert_int_equal(parse("--pod web=a"), OPTIONS_RUN);
  assert_int_equal(faults_next(&options.faults), 0);
}

/* ---- access ---------------------------------------------------------------------------------- */

static const struct {
  const char *line, *authorization; /* NULL: none */
  bool verified;
  unsigned age_seconds;
  enum tunnel_admission admission;
} accesses[] = {
    {"", NULL, false, 0, ADMITTED},
    {"", "Bearer x", false, 0, ADMITTED},
    {"--token a", "Bearer a", false, 0, ADMITTED},
    {"--token a", "bearer  a ", false, 0, ADMITTED},
    {"--token a", NULL, false, 0, NO_TOKEN},
    {"--token a", "Basic a", false, 0, NO_TOKEN},
    {"--token a", "Bearer ", false, 0, NO_TOKEN},
    {"--token a", "Bearer b", false, 0, TOKEN_WRONG},
    {"--token a", "Bearer aa", false, 0, TOKEN_WRONG},
    {"--token a --token bc", "Bearer bc", false, 0, ADMITTED},
    {"--token a --token-seconds 5", "Bearer a", false, 4, ADMITTED},
    {"--token a --token-seconds 5", "Bearer a", false, 5, TOKEN_EXPIRED},
    {"--token a --token-seconds 5", "Bearer b", false, 5, TOKEN_WRONG},
    {"--token a", NULL, true, 0, NO_TOKEN}, /* nobody asked for certificates */
    {"--client-ca f", NULL, false, 0, NO_TOKEN},
    {"--client-ca f", NULL, true, 0, ADMITTED},
    {"--client-ca f", "Bearer a", false, 0, TOKEN_WRONG},
    {"--client-ca f --token a", "Bearer a", false, 0, ADMITTED},
    {"--client-ca f --token a --token-seconds 1", "Bearer a", true, 2, ADMITTED},
};

static void who_may(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof accesses / sizeof *accesses; i++) {
    char line[128];
    const struct machine_peer peer = {.verified = accesses[i].verified};
    struct header field;
    struct headers fields = {.at = &field};
    if (accesses[i].authorization) {
      field = header_of(TOKEN_AUTHORIZATION, span_text(accesses[i].authorization));
      fields.count = 1;
    }
    snprintf(line, sizeof line, "--pod web=a %s", accesses[i].line);
    assert_int_equal(parse(line), OPTIONS_RUN);
    enum tunnel_admission admission =
        access_check(&options.access, &peer, &fields, accesses[i].age_seconds * SECOND_NS);
    if (admission != accesses[i].admission) fail_msg("row %zu: %d", i, (int)admission);
    if (admission != ADMITTED) assert_non_null(strstr(access_message(admission), "Unauthorized"));
  }
}

/* ---- the kubeconfig -------------------------------------------------------------------------- */

static void kubeconfig_of_clear_text(void **state) {
  (void)state;
  char *text = kubeconfig_text(&(struct kubeconfig_facts){.server = "http://127.0.0.1:8001"});
  assert_string_equal(text, "apiVersion: v1\n"
                            "kind: Config\n"
                            "current-context: weir\n"
                            "clusters:\n"
                            "- name: weir\n"
                            "  cluster:\n"
                            "    server: http://127.0.0.1:8001\n"
                            "contexts:\n"
                            "- name: weir\n"
                            "  context:\n"
                            "    cluster: weir\n"
                            "    user: weir\n"
                            "users:\n"
                            "- name: weir\n"
                            "  user: {}\n");
  free(text);
}

/* The authority is the certificate itself. */
static void kubeconfig_of_tls(void **state) {
  static const char key[] = "certificate-authority-data: ";
  unsigned char pem[8192];
  struct certificate certificate;
  struct io_error why;
  (void)state;
  assert_true(certificate_self_signed(&certificate, &why));
  char *text = kubeconfig_text(&(struct kubeconfig_facts){
      .server = "https://a", .certificate = &certificate, .token = "secret"});
  assert_non_null(strstr(text, "    token: \"secret\"\n"));
  char *data = strstr(text, key) + sizeof key - 1;
  int len = EVP_DecodeBlock(pem, (unsigned char *)data, (int)strcspn(data, "\n"));
  assert_true(len > 0);
  BIO *bio = BIO_new_mem_buf(pem, len);
  X509 *leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  assert_int_equal(X509_cmp(leaf, certificate.leaf), 0);
  X509_free(leaf);
  BIO_free(bio);
  certificate_free(&certificate);
  free(text);
}

static void kubeconfig_file(void **state) {
  char folder[] = "/tmp/weir_test_tunnel_XXXXXX", path[64];
  const struct failure failure = {error, sizeof error};
  const struct kubeconfig_facts facts = {.server = "http://a"};
  struct stat about;
  (void)state;
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/config", folder);
  FILE *old = fopen(path, "w");
  fputs(tunnel_options_help(), old);
  fclose(old);
  assert_int_equal(chmod(path, 0644), 0);
  assert_true(kubeconfig_write(path, &facts, &failure));
  assert_int_equal(stat(path, &about), 0);
  assert_int_equal(about.st_mode & 0777, 0600);
  char *text = kubeconfig_text(&facts);
  assert_int_equal(about.st_size, strlen(text));
  free(text);
  remove(path);
  remove(folder);
  assert_false(kubeconfig_write(path, &facts, &failure));
  assert_non_null(strstr(error, "No such file"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wrong_lines),
      cmocka_unit_test(good_lines),
      cmocka_unit_test(secrets_need_tls),
      cmocka_unit_test(repeated_options),
      cmocka_unit_test(long_token),
      cmocka_unit_test(help_is_narrow),
      cmocka_unit_test(faults_come_in_turn),
      cmocka_unit_test(who_may),
      cmocka_unit_test(kubeconfig_of_clear_text),
      cmocka_unit_test(kubeconfig_of_tls),
      cmocka_unit_test(kubeconfig_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
