/*
 * forward/test_kubeconfig.c - kubeconfigs that are good and bad, and what is read from them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/text.h"
#include "tests/support/cmocka.h"
#include "tools/forward/kubeconfig.h"
#include "tools/forward/limits.h"
#include "tools/forward/yaml.h"

static char directory[] = "/tmp/weir-kubeconfig-XXXXXX";
static char error[600];
static const struct failure failure = {error, sizeof error};

static const char *at(const char *name) {
  static char paths[4][200];
  static unsigned turn;
  char *path = paths[turn++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", directory, name);
  return path;
}

static void put(const char *name, const char *text) {
  FILE *file = fopen(at(name), "w");
  assert_non_null(file);
  fputs(text, file);
  assert_int_equal(fclose(file), 0);
}

static int set_up(void **state) {
  (void)state;
  assert_non_null(mkdtemp(directory));
  put("ca.pem", "AUTHORITIES");
  put("c.pem", "CERTIFICATE");
  put("k.pem", "KEY");
  return 0;
}

static int tear_down(void **state) {
  char command[100];
  (void)state;
  snprintf(command, sizeof command, "rm -r %s", directory);
  return system(command);
}

/* ---- YAML ------------------------------------------------------------------------------------ */

static const struct yaml_row {
  const char *name, *text, *expected; /* as JSON; or the error behind "Y:" */
} yaml_rows[] = {
    {"nothing", "", "null"},
    {"comment", "# nothing\n", "null"},
    {"scalars", "[a, 'true', true, False, null, ~, '', 12, \"x\\ny\"]",
     "[\"a\",\"true\",true,false,null,null,\"\",\"12\",\"x\\ny\"]"},
    {"block", "a:\n- b: 1\n  c: \n- d\ne: |\n  x\n  y\n",
     "{\"a\":[{\"b\":\"1\",\"c\":null},\"d\"],\"e\":\"x\\ny\\n\"}"},
    {"JSON", "{\"a\": {\"b\": [1]}}", "{\"a\":{\"b\":[\"1\"]}}"},
    {"document marks", "---\na: 1\n...\n", "{\"a\":\"1\"}"},
    {"twice", "a: 1\nb: 2\na: 3\n", "3: a is given twice"},
    {"anchor", "a: &x 1\nb: *x\n", "1: anchors and aliases are not supported"},
    {"alias", "a: *x\n", "1: anchors and aliases are not supported"},
    {"list as a key", "? [a]\n: b\n", "1: a key is not a scalar"},
    {"second document", "a: 1\n---\nb: 2\n", "2: a second document"},
    {"unclosed", "a: [1,\n", "2: did not find expected node content"},
    {"tab", "a:\n\tb: 1\n",
     "2: found character that cannot start any token: a tab; indent with spaces"},
};

static void test_yaml(void **state) {
  const struct yaml_row *row = *state;
  json_t *value = yaml_read("Y", span_text(row->text), &failure);
  if (value) {
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_string_equal(text, row->expected);
    free(text);
    json_decref(value);
    return;
  }
  assert_string_equal(strncmp(error, "Y:", 2) == 0 ? error + 2 : error, row->expected);
}

/* YAML_DEPTH_MAX: a list in a list in a list ... */
static void test_yaml_depth(void **state) {
  char text[2 * YAML_DEPTH_MAX + 10];
  (void)state;
  for (int depth = YAML_DEPTH_MAX; depth <= YAML_DEPTH_MAX + 1; depth++) {
    memset(text, '[', (size_t)depth);
    memset(text + depth, ']', (size_t)depth);
    text[2 * depth] = 0;
    json_t *value = yaml_read("Y", span_text(text), &failure);
    assert_int_equal(!value, depth > YAML_DEPTH_MAX);
    if (!value) assert_string_equal(error, "Y:1: values are nested too deeply");
    json_decref(value);
  }
}

/* ---- one file -------------------------------------------------------------------------------- */

#define CONTEXT    "current-context: x\ncontexts:\n- name: x\n  context: {cluster: c, user: u}\n"
#define CLUSTER    "clusters:\n- name: c\n  cluster:\n    server: https://api:6443\n"
#define USER       "users:\n- name: u\n  user:\n"
#define WITH(rest) CONTEXT CLUSTER rest

static const struct row {
  const char *name, *text;
  const char *expected; /* members as describe() writes them; or the error, after the file's name */
} rows[] = {
    {"token", WITH(USER "    token: secret\n"), "x https://api:6443 token=secret"},
    {"token file", WITH(USER "    tokenFile: t\n"), "x https://api:6443 token-file=DIR/t"},
    {"password", WITH(USER "    username: joe\n    password: hush\n"),
     "x https://api:6443 joe:hush"},
    {"no user",
     "current-context: x\ncontexts: [{name: x, context: {cluster: c, namespace: n}}]\n" CLUSTER,
     "x https://api:6443 ns=n"},
    {"authorities", WITH("    certificate-authority: ca.pem\n" USER),
     "x https://api:6443 ca=AUTHORITIES"},
    {"authorities, data", WITH("    certificate-authority-data: aGkg\n     dGhlcmU=\n" USER),
     "x https://api:6443 ca=hi there"},
    {"data wins",
     WITH("    certificate-authority: none\n    certificate-authority-data: aGk=\n" USER),
     "x https://api:6443 ca=hi"},
    {"insecure", WITH("    insecure-skip-tls-verify: true\n    tls-server-name: other\n" USER),
     "x https://api:6443 insecure name=other"},
    {"certificate", WITH(USER "    client-certificate: c.pem\n    client-key-data: a2V5\n"),
     "x https://api:6443 cert=CERTIFICATE key=key"},
    {"exec", WITH(USER "    exec: {command: aws, args: [a]}\n"), "x https://api:6443 exec=aws"},
    {"JSON",
     "{\"current-context\":\"x\",\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":\"c\"}}],"
     "\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"http://h\"}}]}",
     "x http://h"},

    {"empty", "", ": no current-context is set; choose one with --context (there are: none)"},
    {"no current-context", "contexts: [{name: a}, {name: b}]\ncurrent-context: ''\n",
     ": no current-context is set; choose one with --context (there are: a, b)"},
    {"unknown context", "current-context: y\ncontexts: [{name: x}]\n", ": no context \"y\""},
    {"context without cluster", "current-context: x\ncontexts: [{name: x}]\n",
     ": context \"x\": no cluster"},
    {"unknown cluster", CONTEXT, ": context \"x\": there is no cluster \"c\""},
    {"unknown user", CONTEXT CLUSTER, ": context \"x\": there is no user \"u\""},
    {"no server", CONTEXT "clusters: [{name: c, cluster: {}}]\n", ": cluster \"c\": no server"},
    {"server is a list", CONTEXT "clusters: [{name: c, cluster: {server: [a]}}]\n",
     ": cluster \"c\": server must be a string"},
    {"proxy", WITH("    proxy-url: socks5://p\n" USER),
     ": cluster \"c\": proxy-url is not supported"},
    {"missing authorities", WITH("    certificate-authority: gone\n" USER),
     ": cluster \"c\": certificate-authority: cannot read DIR/gone: No such file or directory"},
    {"bad base64", WITH("    certificate-authority-data: '!'\n" USER),
     ": cluster \"c\": certificate-authority-data is not base64"},
    {"insecure with authorities",
     WITH("    certificate-authority: ca.pem\n    insecure-skip-tls-verify: true\n" USER),
     ": cluster \"c\": certificate-authority and insecure-skip-tls-verify exclude each other"},
    {"certificate without key", WITH(USER "    client-certificate: c.pem\n"),
     ": user \"u\": client-certificate and client-key need each other"},
    {"auth-provider", WITH(USER "    auth-provider: {name: gcp}\n"),
     ": user \"u\": auth-provider is not supported"},
    {"impersonation", WITH(USER "    as: root\n"), ": user \"u\": as is not supported"},
    {"not YAML", "a: [", ":2: did not find expected node content"},
    {"a text", "hello", ": not a kubeconfig"},
};

static void describe(const struct kubeconfig *config, char *text, size_t size) {
  FILE *out = fmemopen(text, size, "w");
  fprintf(out, "%s %s", config->context, config->server);
  if (config->namespace) fprintf(out, " ns=%s", config->namespace);
  if (config->insecure) fputs(" insecure", out);
  if (config->tls_server_name) fprintf(out, " name=%s", config->tls_server_name);
  if (config->authorities) fprintf(out, " ca=%s", config->authorities);
  if (config->certificate) fprintf(out, " cert=%s key=%s", config->certificate, config->key);
  if (config->token) fprintf(out, " token=%s", config->token);
  if (config->token_file) fprintf(out, " token-file=%s", config->token_file);
  if (config->username) fprintf(out, " %s:%s", config->username, config->password);
  if (config->exec)
    fprintf(out, " exec=%s", json_string_value(json_object_get(config->exec, "command")));
  fclose(out);
}

/* The text with DIR instead of the directory. */
static const char *without_directory(const char *text) {
  static char short_text[700];
  const char *found = strstr(text, directory);
  if (!found) return text;
  snprintf(short_text, sizeof short_text, "%.*sDIR%s", (int)(found - text), text,
           found + strlen(directory));
  return short_text;
}

static void test_file(void **state) {
  const struct row *row = *state;
  char described[600] = "";
  struct kubeconfig config;
  put("config", row->text);
  if (kubeconfig_read(&config, at("config"), NULL, &failure)) {
    describe(&config, described, sizeof described);
    assert_string_equal(without_directory(described), row->expected);
  } else {
    size_t len = strlen(at("config"));
    assert_int_equal(strncmp(error, at("config"), len), 0);
    assert_string_equal(without_directory(error + len), row->expected);
  }
  kubeconfig_free(&config);
}

static void test_missing_file(void **state) {
  struct kubeconfig config;
  (void)state;
  assert_false(kubeconfig_read(&config, at("gone"), NULL, &failure));
  assert_string_equal(without_directory(error), "cannot read DIR/gone: No such file or directory");
}

/* KUBECONFIG_BYTES_MAX */
static void test_large_file(void **state) {
  size_t len;
  (void)state;
  put("large", "");
  assert_int_equal(truncate(at("large"), KUBECONFIG_BYTES_MAX), 0);
  char *text = kubeconfig_file(at("large"), &len, &failure);
  assert_non_null(text);
  assert_int_equal(len, KUBECONFIG_BYTES_MAX);
  free(text);
  assert_int_equal(truncate(at("large"), KUBECONFIG_BYTES_MAX + 1), 0);
  assert_null(kubeconfig_file(at("large"), &len, &failure));
  assert_string_equal(without_directory(error), "cannot read DIR/large: File too large");
}

static void test_context_option(void **state) {
  struct kubeconfig config;
  (void)state;
  put("config", CONTEXT "- {name: y, context: {cluster: d}}\n" CLUSTER
                        "- {name: d, cluster: {server: http://d}}\n");
  assert_true(kubeconfig_read(&config, at("config"), "y", &failure));
  assert_string_equal(config.server, "http://d");
  kubeconfig_free(&config);
  assert_false(kubeconfig_read(&config, at("config"), "z", &failure));
  assert_string_equal(without_directory(error), "DIR/config: no context \"z\"");
}

/* ---- several files --------------------------------------------------------------------------- */

/* The first file that sets something wins, and each file's paths are its own. */
static void test_several_files(void **state) {
  struct kubeconfig config;
  char list[700];
  (void)state;
  assert_int_equal(mkdir(at("sub"), 0700), 0);
  put("sub/ca.pem", "SUB");
  put("one", "current-context: x\nusers: [{name: u, user: {token: one}}]\n");
  put("three", CLUSTER "    certificate-authority: sub/ca.pem\n" USER "    token: three\n");
  snprintf(list, sizeof list, ":%s:%s:%s::%s", at("gone"), at("one"), at("sub/two"), at("three"));
  put("sub/two", "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
                 "current-context: y\n");
  setenv("KUBECONFIG", list, 1);
  if (!kubeconfig_read(&config, NULL, NULL, &failure)) fail_msg("%s", error);
  assert_string_equal(config.context, "x");
  assert_string_equal(config.token, "one");
  assert_string_equal(config.authorities, "SUB");
  kubeconfig_free(&config);
  put("config", WITH(USER "    token: four\n"));
  assert_true(kubeconfig_read(&config, at("config"), NULL, &failure)); /* --kubeconfig wins */
  assert_string_equal(config.token, "four");
  kubeconfig_free(&config);
  setenv("KUBECONFIG", at("gone"), 1);
  assert_false(kubeconfig_read(&config, NULL, NULL, &failure));
  assert_string_equal(without_directory(error), "KUBECONFIG: none of these files exists: DIR/gone");
  unsetenv("KUBECONFIG");
}

/* KUBECONFIG_FILES_MAX */
static void test_too_many_files(void **state) {
  struct kubeconfig config;
  char list[4000] = "";
  (void)state;
  put("config", WITH(USER));
  for (int i = 0; i < KUBECONFIG_FILES_MAX + 1; i++)
    snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ":" : "", at("config"));
  setenv("KUBECONFIG", list, 1);
  assert_false(kubeconfig_read(&config, NULL, NULL, &failure));
  assert_string_equal(error, "KUBECONFIG: too long");
  *strrchr(list, ':') = 0;
  setenv("KUBECONFIG", list, 1);
  assert_true(kubeconfig_read(&config, NULL, NULL, &failure));
  kubeconfig_free(&config);
  unsetenv("KUBECONFIG");
}

static void test_home(void **state) {
  struct kubeconfig config;
  (void)state;
  assert_int_equal(mkdir(at(".kube"), 0700), 0);
  put(".kube/config", WITH(USER "    token: home\n"));
  setenv("HOME", directory, 1);
  assert_true(kubeconfig_read(&config, NULL, NULL, &failure));
  assert_string_equal(config.token, "home");
  kubeconfig_free(&config);
  unsetenv("HOME");
  assert_false(kubeconfig_read(&config, NULL, NULL, &failure));
  assert_string_equal(error, "no kubeconfig: neither --kubeconfig nor KUBECONFIG nor HOME is set");
}

enum {
  YAML_ROWS = sizeof yaml_rows / sizeof *yaml_rows,
  ROWS = sizeof rows / sizeof *rows,
};

int main(void) {
  static const struct CMUnitTest others[] = {
      cmocka_unit_test(test_yaml_depth),    cmocka_unit_test(test_missing_file),
      cmocka_unit_test(test_large_file),    cmocka_unit_test(test_context_option),
      cmocka_unit_test(test_several_files), cmocka_unit_test(test_too_many_files),
      cmocka_unit_test(test_home),
  };
  enum { OTHERS = sizeof others / sizeof *others };
  static struct CMUnitTest tests[YAML_ROWS + ROWS + OTHERS];
  size_t count = 0;
  for (size_t i = 0; i < YAML_ROWS; i++)
    tests[count++] = (struct CMUnitTest){yaml_rows[i].name, test_yaml, NULL, NULL,
                                         (void *)(uintptr_t)&yaml_rows[i]};
  for (size_t i = 0; i < ROWS; i++)
    tests[count++] =
        (struct CMUnitTest){rows[i].name, test_file, NULL, NULL, (void *)(uintptr_t)&rows[i]};
  for (size_t i = 0; i < OTHERS; i++)
    tests[count++] = others[i];
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
