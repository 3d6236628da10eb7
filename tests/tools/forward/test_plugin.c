/*
 * forward/test_plugin.c - exec plugins: what they are told, what they answer, and how they fail.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/base/clock.h"
#include "tests/support/cmocka.h"
#include "tools/forward/limits.h"
#include "tools/forward/plugin.h"

static char directory[] = "/tmp/weir-plugin-XXXXXX";
static char source[100], error[600];
static const struct failure failure = {error, sizeof error};
static volatile sig_atomic_t stop;

static int set_up(void **state) {
  (void)state;
  assert_non_null(mkdtemp(directory));
  snprintf(source, sizeof source, "%s/config", directory);
  return 0;
}

static int tear_down(void **state) {
  char command[100];
  (void)state;
  snprintf(command, sizeof command, "rm -r %s", directory);
  return system(command);
}

/* Runs a shell script as the plugin ./p of a kubeconfig. */
static bool run(const char *script, const char *more, struct plugin_credential *out,
                uint64_t timeout_ns) {
  char path[120], text[400];
  snprintf(path, sizeof path, "%s/p", directory);
  FILE *file = fopen(path, "w");
  fprintf(file, "#!/bin/sh\n%s\n", script);
  fclose(file);
  chmod(path, 0755);
  snprintf(text, sizeof text,
           "{\"command\":\"./p\",\"apiVersion\":\"client.authentication.k8s.io/v1\"%s}", more);
  json_t *exec = json_loads(text, 0, NULL), *cluster = json_pack("{s:s}", "server", "https://api");
  assert_non_null(exec);
  const struct kubeconfig config = {.exec = exec, .exec_source = source, .cluster = cluster};
  error[0] = 0;
  bool good = plugin_run(&config, timeout_ns, &stop, out, &failure);
  json_decref(exec);
  json_decref(cluster);
  return good;
}

#define ANSWER(status)                                                                             \
  "echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\","         \
  "\"status\":{" status "}}'"

static void test_token(void **state) {
  struct plugin_credential credential;
  (void)state;
  assert_true(run(ANSWER("\"token\":\"t\",\"expirationTimestamp\":\"2026-11-28T00:00:10Z\""), "",
                  &credential, SECOND_NS * 10));
  assert_string_equal(credential.token, "t");
  assert_null(credential.certificate);
  assert_int_equal(credential.expires, 1795824010);
  plugin_credential_free(&credential);
}

static void test_certificate(void **state) {
  struct plugin_credential credential;
  (void)state;
  assert_true(run(ANSWER("\"clientCertificateData\":\"c\",\"clientKeyData\":\"k\""), "",
                  &credential, SECOND_NS * 10));
  assert_null(credential.token);
  assert_string_equal(credential.certificate, "c");
  assert_string_equal(credential.key, "k");
  assert_int_equal(credential.expires, 0);
  plugin_credential_free(&credential);
}

/* Arguments, variables, and what it is told about the cluster. Standard input is empty. */
static void test_call(void **state) {
  struct plugin_credential credential;
  (void)state;
  setenv("HOME", "/nowhere", 1);
  assert_true(
      run("cat; info=$(echo \"$KUBERNETES_EXEC_INFO\" | tr '\"' .)\n"
          "echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\","
          "\"kind\":\"ExecCredential\",\"status\":{\"token\":\"'\"$1 $2 $COLOR $HOME $info\"'\"}}'",
          ",\"args\":[\"a\",\"b c\"],\"provideClusterInfo\":true,\"env\":["
          "{\"name\":\"COLOR\",\"value\":\"red\"},{\"name\":\"HOME\",\"value\":\"/home\"}]",
          &credential, SECOND_NS * 10));
  assert_string_equal(credential.token,
                      "a b c red /home {.apiVersion.:.client.authentication.k8s.io/v1.,"
                      ".kind.:.ExecCredential.,.spec.:{.interactive.:false,"
                      ".cluster.:{.server.:.https://api.}}}");
  plugin_credential_free(&credential);
}

static const struct row {
  const char *name, *script, *more, *error;
} rows[] = {
    {"fails", "exit 3", "", "./p: failed with exit status 3"},
    {"killed", "kill -9 $$", "", "./p: ended by signal 9"},
    {"says nothing", "true", "",
     "./p: its answer is not JSON: '[' or '{' expected near end of file"},
    {"another kind", "echo '{\"kind\":\"Pod\",\"apiVersion\":\"v1\"}'", "",
     "./p: its answer is not an ExecCredential"},
    {"no status", ANSWER(""), "", "./p: its answer has neither a token nor a certificate"},
    {"no key", ANSWER("\"clientCertificateData\":\"c\""), "",
     "./p: its answer has only one of clientCertificateData and clientKeyData"},
    {"needs a terminal", "true", ",\"interactiveMode\":\"Always\"",
     "./p: it needs a terminal, but standard input is not one"},
    {"bad argument", "true", ",\"args\":[1]", "./p: an argument in args is not a string"},
    {"bad variable", "true", ",\"env\":[{\"name\":\"A\"}]",
     "./p: a variable in env has no name or no value"},
    {"no command", "true", ",\"command\":null", "exec has no command"},
};

static void test_failure(void **state) {
  const struct row *row = *state;
  struct plugin_credential credential;
  assert_false(run(row->script, row->more, &credential, SECOND_NS * 10));
  const char *text = strstr(error, row->error);
  assert_non_null(text);
  assert_string_equal(text, row->error);
}

static void test_missing(void **state) {
  struct plugin_credential credential;
  (void)state;
  assert_false(run("true", ",\"command\":\"weir-no-such\",\"installHint\":\"install it\"",
                   &credential, SECOND_NS));
  assert_string_equal(error,
                      "cannot run weir-no-such, which gives the credentials: No such file or "
                      "directory; install it");
}

/* It is killed when its time is up. */
static void test_timeout(void **state) {
  struct plugin_credential credential;
  uint64_t begin_ns = clock_now_ns();
  (void)state;
  assert_false(run("exec sleep 60", "", &credential, 200 * MILLISECOND_NS));
  assert_string_equal(error, "./p: did not answer in time");
  assert_true(clock_now_ns() - begin_ns < 30 * SECOND_NS);
}

/* So is one that has closed its output, and stays. */
static void test_lingers(void **state) {
  struct plugin_credential credential;
  (void)state;
  assert_false(
      run(ANSWER("\"token\":\"t\"") "\nexec sleep 60 >&-", "", &credential, 200 * MILLISECOND_NS));
  assert_string_equal(error, "./p: did not answer in time");
}

/* We ignore SIGPIPE; a plugin does not. */
static void test_sigpipe(void **state) {
  struct plugin_credential credential;
  (void)state;
  signal(SIGPIPE, SIG_IGN);
  assert_false(run("kill -PIPE $$", "", &credential, SECOND_NS * 10));
  assert_string_equal(error, "./p: ended by signal 13");
  signal(SIGPIPE, SIG_DFL);
}

static void test_interrupted(void **state) {
  struct plugin_credential credential;
  (void)state;
  stop = 1;
  assert_false(run("exec sleep 60", "", &credential, SECOND_NS * 10));
  assert_string_equal(error, "./p: interrupted");
  stop = 0;
}

/* PLUGIN_OUTPUT_BYTES_MAX */
static void test_long_answer(void **state) {
  struct plugin_credential credential;
  (void)state;
  assert_int_equal(PLUGIN_OUTPUT_BYTES_MAX, 1 << 20);
  assert_false(run("exec head -c 1048576 /dev/zero", "", &credential, SECOND_NS * 10));
  assert_string_equal(error, "./p: its answer is too long");
  assert_false(run("exec head -c 1048575 /dev/zero", "", &credential, SECOND_NS * 10));
  assert_null(strstr(error, "too long"));
}

/* PLUGIN_ARGUMENTS_MAX, with the command and the NULL behind them; PLUGIN_ENVIRONMENT_MAX, with
 * KUBERNETES_EXEC_INFO. */
static void test_many(void **state) {
  struct plugin_credential credential;
  (void)state;
  for (unsigned over = 0; over < 2; over++) {
    json_t *args = json_array(), *env = json_array();
    for (unsigned i = 0; i < PLUGIN_ARGUMENTS_MAX - 2 + over; i++)
      json_array_append_new(args, json_string("a"));
    for (unsigned i = 0; i < PLUGIN_ENVIRONMENT_MAX - 1 + over; i++)
      json_array_append_new(env, json_pack("{s:s,s:s}", "name", "A", "value", "1"));
    for (unsigned which = 0; which < 2; which++) {
      json_t *exec =
          json_pack("{s:s,s:O}", "command", "false", which ? "env" : "args", which ? env : args);
      const struct kubeconfig config = {.exec = exec, .exec_source = source};
      assert_false(plugin_run(&config, SECOND_NS * 10, &stop, &credential, &failure));
      assert_int_equal(strstr(error, "too many") != NULL, over);
      json_decref(exec);
    }
    json_decref(args);
    json_decref(env);
  }
}

enum { ROWS = sizeof rows / sizeof *rows };

int main(void) {
  static const struct CMUnitTest others[] = {
      cmocka_unit_test(test_token),       cmocka_unit_test(test_certificate),
      cmocka_unit_test(test_call),        cmocka_unit_test(test_missing),
      cmocka_unit_test(test_timeout),     cmocka_unit_test(test_interrupted),
      cmocka_unit_test(test_long_answer), cmocka_unit_test(test_many),
      cmocka_unit_test(test_lingers),     cmocka_unit_test(test_sigpipe),
  };
  enum { OTHERS = sizeof others / sizeof *others };
  static struct CMUnitTest tests[ROWS + OTHERS];
  size_t count = 0;
  for (size_t i = 0; i < ROWS; i++)
    tests[count++] =
        (struct CMUnitTest){rows[i].name, test_failure, NULL, NULL, (void *)(uintptr_t)&rows[i]};
  for (size_t i = 0; i < OTHERS; i++)
    tests[count++] = others[i];
  freopen("/dev/null", "r", stdin);
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
