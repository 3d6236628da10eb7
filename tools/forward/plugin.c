/*
 * forward/plugin.c - see forward/plugin.h.
 */
#include "tools/forward/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/base/clock.h"
#include "tools/forward/limits.h"

extern char **environ;

static const char *member(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

/* ---- what it answers ------------------------------------------------------------------------- */

void plugin_credential_free(struct plugin_credential *credential) {
  free(credential->token);
  free(credential->certificate);
  free(credential->key);
  *credential = (struct plugin_credential){0};
}

/* "2026-11-28T00:00:00Z", as RFC 3339 has it; fractions and offsets are left out of account, which makes it expire
 * early or late by no more than what a 401 corrects. */
static int64_t seconds_of(const char *text) {
  struct tm when = {0};
  if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%S", &when)) return 0;
  return timegm(&when);
}

static char *copy(const char *text) {
  return text && *text ? strdup(text) : NULL;
}

static bool read_status(const char *name, const json_t *status, struct plugin_credential *out,
                        const struct failure *failure) {
  *out = (struct plugin_credential){
      .token = copy(member(status, "token")),
      .certificate = copy(member(status, "clientCertificateData")),
      .key = copy(member(status, "clientKeyData")),
      .expires = seconds_of(member(status, "expirationTimestamp")),
  };
  const char *what = NULL;
  if (!out->certificate != !out->key)
    what = "only one of clientCertificateData and clientKeyData";
  else if (!out->token && !out->certificate)
    what = "neither a token nor a certificate";
  if (!what) return true;
  plugin_credential_free(out);
  return failure_set(failure, "%s: its answer has %s", name, what);
}

/* Reads an ExecCredential. `name` is for messages. As plugin_run(). */
static bool read_credential(const char *name, const char *text, size_t len,
                            struct plugin_credential *out, const struct failure *failure) {
  json_error_t error;
  json_t *answer = json_loadb(text, len, 0, &error);
  const char *kind = member(answer, "kind"), *version = member(answer, "apiVersion");
  bool good = kind && strcmp(kind, "ExecCredential") == 0 && version &&
              strncmp(version, "client.authentication.k8s.io/", 29) == 0;
  if (!answer)
    failure_set(failure, "%s: its answer is not JSON: %s", name, error.text);
  else if (!good)
    failure_set(failure, "%s: its answer is not an ExecCredential", name);
  good = good && read_status(name, json_object_get(answer, "status"), out, failure);
  json_decref(answer);
  return good;
}

/* ---- how it is called ------------------------------------------------------------------------ */

struct call {
  const struct kubeconfig *config;
  const char *name; /* the command, for messages */
  const struct failure *failure;
  char *path;                            /* the command, as seen from the kubeconfig */
  char *arguments[PLUGIN_ARGUMENTS_MAX]; /* NULL-terminated; lent by the kubeconfig */
  char **environment;                    /* environ, with the kubeconfig's variables before it */
  char *added[PLUGIN_ENVIRONMENT_MAX + 1];
  unsigned added_count;
  bool interactive;
};

static bool fail(const struct call *call, const char *what) {
  return failure_set(call->failure, "%s: %s", call->name, what);
}

/* What tells it about the cluster and the terminal. */
static char *exec_info(const struct call *call) {
  const json_t *exec = call->config->exec;
  const char *version = member(exec, "apiVersion");
  json_t *spec = json_pack("{s:b}", "interactive", call->interactive);
  if (json_is_true(json_object_get(exec, "provideClusterInfo")))
    json_object_set(spec, "cluster", (json_t *)call->config->cluster);
  json_t *info = json_pack("{s:s, s:s, s:o}", "apiVersion", version ? version : "", "kind",
                           "ExecCredential", "spec", spec);
  char *text = info ? json_dumps(info, JSON_COMPACT) : NULL;
  json_decref(info);
  return text;
}

static bool add_variable(struct call *call, const char *name, const char *value) {
  char *text = NULL;
  if (!name || !value) return fail(call, "a variable in env has no name or no value");
  if (call->added_count == PLUGIN_ENVIRONMENT_MAX) return fail(call, "too many variables in env");
  if (asprintf(&text, "%s=%s", name, value) < 0) return fail(call, "out of memory");
  call->added[call->added_count++] = text;
  return true;
}

/* Whether `call` sets a variable of that name itself. */
static bool is_replaced(const struct call *call, const char *variable) {
  size_t len = strcspn(variable, "=") + 1;
  for (unsigned i = 0; i < call->added_count; i++)
    if (strncmp(call->added[i], variable, len) == 0) return true;
  return false;
}

static bool make_environment(struct call *call) {
  size_t i, count = 0;
  const json_t *variable;
  json_array_foreach (json_object_get(call->config->exec, "env"), i, variable)
    if (!add_variable(call, member(variable, "name"), member(variable, "value"))) return false;
  char *info = exec_info(call);
  bool good = info ? add_variable(call, "KUBERNETES_EXEC_INFO", info) : fail(call, "out of memory");
  free(info);
  if (!good) return false;
  while (environ[count])
    count++;
  char **at = call->environment = malloc((count + call->added_count + 1) * sizeof *at);
  if (!at) return fail(call, "out of memory");
  for (i = 0; i < call->added_count; i++)
    *at++ = call->added[i];
  for (i = 0; i < count; i++)
    if (!is_replaced(call, environ[i])) *at++ = environ[i];
  *at = NULL;
  return true;
}

static bool make_arguments(struct call *call) {
  size_t i, count = 0;
  const json_t *argument;
  /* A name without a slash is looked up in PATH, another one is relative to the kubeconfig. */
  call->path = strchr(call->name, '/') ? kubeconfig_path(call->config->exec_source, call->name)
                                       : strdup(call->name);
  if (!call->path) return fail(call, "out of memory");
  call->arguments[count++] = call->path;
  json_array_foreach (json_object_get(call->config->exec, "args"), i, argument) {
    const char *text = json_string_value(argument);
    if (!text) return fail(call, "an argument in args is not a string");
    if (count + 1 == PLUGIN_ARGUMENTS_MAX) return fail(call, "too many arguments in args");
    call->arguments[count++] = (char *)text;
  }
  return true;
}

static bool choose_terminal(struct call *call) {
  const char *mode = member(call->config->exec, "interactiveMode");
  bool terminal = isatty(STDIN_FILENO);
  call->interactive = terminal && !(mode && strcmp(mode, "Never") == 0);
  if (terminal || !mode || strcmp(mode, "Always") != 0) return true;
  return fail(call, "it needs a terminal, but standard input is not one");
}

static void call_free(struct call *call) {
  while (call->added_count > 0)
    free(call->added[--call->added_count]);
  free(call->environment);
  free(call->path);
}

/* ---- running it ------------------------------------------------------------------------------ */

/* Starts it with standard output in `to`, no blocked signals, and SIGPIPE, which we ignore, as usual. */
static bool start(struct call *call, int to, pid_t *pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, usual;
  sigemptyset(&none);
  sigemptyset(&usual);
  sigaddset(&usual, SIGPIPE);
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
  if (!call->interactive)
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  int error =
      posix_spawnp(pid, call->path, &actions, &attributes, call->arguments, call->environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error == 0) return true;
  const char *hint = member(call->config->exec, "installHint");
  return failure_set(call->failure, "cannot run %s, which gives the credentials: %s%s%s",
                     call->path, strerror(error), hint ? "; " : "", hint ? hint : "");
}

/* Whether it may go on. */
static bool in_time(const struct call *call, uint64_t now_ns, uint64_t until_ns,
                    const volatile sig_atomic_t *stop) {
  if (*stop) return fail(call, "interrupted");
  return now_ns < until_ns || fail(call, "did not answer in time");
}

/* Reads until its end. */
static bool read_answer(const struct call *call, int from, uint64_t until_ns,
                        const volatile sig_atomic_t *stop, char *text, size_t *len) {
  for (;;) {
    uint64_t now_ns = clock_now_ns();
    struct pollfd input = {.fd = from, .events = POLLIN};
    if (!in_time(call, now_ns, until_ns, stop)) return false;
    int ready = poll(&input, 1, (int)((until_ns - now_ns) / 1000000 + 1));
    if (ready <= 0) continue;
    ssize_t got = read(from, text + *len, PLUGIN_OUTPUT_BYTES_MAX - *len);
    if (got == 0) return true;
    if (got < 0 && errno != EINTR) return fail(call, strerror(errno));
    if (got > 0) *len += (size_t)got;
    if (*len == PLUGIN_OUTPUT_BYTES_MAX) return fail(call, "its answer is too long");
  }
}

/* Waits for its end, and kills it if it did not answer, or closed its output and does not exit. Returns whether it
 * ended well. */
static bool finish(const struct call *call, pid_t pid, bool answered, uint64_t until_ns,
                   const volatile sig_atomic_t *stop) {
  int status;
  pid_t ended = 0;
  while (answered && (ended = waitpid(pid, &status, WNOHANG)) == 0) {
    usleep(1000);
    answered = in_time(call, clock_now_ns(), until_ns, stop);
  }
  if (!answered) {
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
      ;
    return false;
  }
  if (ended < 0) return fail(call, strerror(errno));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  if (WIFSIGNALED(status))
    return failure_set(call->failure, "%s: ended by signal %d", call->name, WTERMSIG(status));
  return failure_set(call->failure, "%s: failed with exit status %d", call->name,
                     WEXITSTATUS(status));
}

static bool run(struct call *call, uint64_t timeout_ns, const volatile sig_atomic_t *stop,
                char *text, size_t *len) {
  int ends[2];
  pid_t pid;
  uint64_t until_ns = clock_now_ns() + timeout_ns;
  if (pipe2(ends, O_CLOEXEC)) return fail(call, strerror(errno));
  bool good = start(call, ends[1], &pid);
  close(ends[1]);
  if (good) {
    good = read_answer(call, ends[0], until_ns, stop, text, len);
    good = finish(call, pid, good, until_ns, stop);
  }
  close(ends[0]);
  return good;
}

bool plugin_run(const struct kubeconfig *config, uint64_t timeout_ns,
                const volatile sig_atomic_t *stop, struct plugin_credential *out,
                const struct failure *failure) {
  struct call call = {
      .config = config, .name = member(config->exec, "command"), .failure = failure};
  size_t len = 0;
  if (!call.name) return failure_set(failure, "%s: exec has no command", config->exec_source);
  char *text = malloc(PLUGIN_OUTPUT_BYTES_MAX);
  bool good = text || fail(&call, "out of memory");
  good = good && choose_terminal(&call) && make_arguments(&call) && make_environment(&call) &&
         run(&call, timeout_ns, stop, text, &len) &&
         read_credential(call.name, text, len, out, failure);
  free(text);
  call_free(&call);
  return good;
}
