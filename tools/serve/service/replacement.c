/*
 * serve/service/replacement.c - see serve/service/replacement.h.
 *
 * The pipe carries one int: 0 is ready, another value is the error with which execve() failed. When it ends
 * without, the new program has ended.
 */
#include "tools/serve/service/replacement.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/decimal.h"
#include "engine/base/limits.h"
#include "engine/base/text.h"
#include "tools/serve/limits.h"

#define READY_NAME "WEIR_READY_FD"

enum {
  FIRST_FD = 3,
  ADDED = 8
}; /* as sd_listen_fds(3) has it; variables that are added, with NULL */

/* ---- what is kept ---------------------------------------------------------------------------- */

/* The program as it was named when it was started: a link that points to another version by then is
 * followed anew. */
static void find_program(struct replacement *replacement) {
  const char *name = (const char *)getauxval(AT_EXECFN);
  char directory[SERVE_PATH_BYTES];
  int len = -1;
  if (name && name[0] == '/')
    len = snprintf(replacement->path, sizeof replacement->path, "%s", name);
  else if (name && getcwd(directory, sizeof directory))
    len = snprintf(replacement->path, sizeof replacement->path, "%s/%s", directory, name);
  if (len < 0 || (size_t)len >= sizeof replacement->path) replacement->path[0] = 0;
}

/* Of the process that starts this one as its replacement. */
static int take_ready_fd(void) {
  const char *text = getenv(READY_NAME);
  uint64_t fd = 0;
  bool good = text && decimal_within(span_text(text), FIRST_FD, INT32_MAX, &fd) &&
              fcntl((int)fd, F_SETFD, FD_CLOEXEC) == 0;
  unsetenv(READY_NAME);
  return good ? (int)fd : -1;
}

bool replacement_open(struct replacement *replacement, int argc, char *const *argv,
                      struct io_error *error) {
  *replacement = (struct replacement){.ready_fd = take_ready_fd(), .pipe_fd = -1, .process_fd = -1};
  find_program(replacement);
  /* One more in front, the program's name, and NULL behind. */
  replacement->arguments = calloc((size_t)argc + 2, sizeof *replacement->arguments);
  bool good = replacement->arguments != NULL;
  for (int i = 0; good && i <= argc; i++) {
    replacement->arguments[i] = strdup(i == 0 ? replacement->path : argv[i - 1]);
    good = replacement->arguments[i] != NULL;
  }
  return good || io_error_set(error, ENOMEM, "out of memory");
}

bool replacement_keep(struct replacement *replacement, const struct listener *listener,
                      const char *name, struct io_error *error) {
  assert(replacement->count <= SERVE_SLOTS_MAX);
  struct replacement_sockets *sockets = calloc(1, sizeof *sockets);
  if (!sockets) return io_error_set(error, ENOMEM, "out of memory");
  if (!listener_copy(listener, sockets->fds, error)) {
    free(sockets);
    return false;
  }
  sockets->count = listener->sockets;
  snprintf(sockets->name, sizeof sockets->name, "%s", name);
  replacement->sockets[replacement->count++] = sockets;
  return true;
}

static void close_sockets(struct replacement_sockets *sockets) {
  for (unsigned i = 0; i < sockets->count; i++)
    close(sockets->fds[i]);
  free(sockets);
}

static bool are_at(const struct replacement_sockets *sockets, const struct address *address) {
  struct address own;
  struct io_error error;
  char one[ADDRESS_TEXT_BYTES], other[ADDRESS_TEXT_BYTES];
  return listener_inspect(sockets->fds[0], &own, &error) &&
         strcmp(address_format(&own, one), address_format(address, other)) == 0;
}

void replacement_drop(struct replacement *replacement, const struct address *address) {
  unsigned kept = 0;
  for (unsigned i = 0; i < replacement->count; i++) {
    if (are_at(replacement->sockets[i], address))
      close_sockets(replacement->sockets[i]);
    else
      replacement->sockets[kept++] = replacement->sockets[i];
  }
  replacement->count = kept;
}

void replacement_forget(struct replacement *replacement) {
  while (replacement->count > 0) {
    close_sockets(replacement->sockets[--replacement->count]);
  }
}

void replacement_close(struct replacement *replacement) {
  replacement_abandon(replacement);
  replacement_forget(replacement);
  if (replacement->ready_fd >= 0) close(replacement->ready_fd);
  replacement->ready_fd = -1;
  for (char **each = replacement->arguments; each && *each; each++)
    free(*each);
  free(replacement->arguments);
  replacement->arguments = NULL;
}

void replacement_ready(struct replacement *replacement) {
  const int ready = 0;
  if (replacement->ready_fd < 0) return;
  ssize_t written = write(replacement->ready_fd, &ready, sizeof ready);
  (void)written; /* the old process has gone, or gave up waiting and ends this one */
  close(replacement->ready_fd);
  replacement->ready_fd = -1;
}

/* ---- the new process's environment ----------------------------------------------------------- */

struct launch {
  int *fds; /* all sockets, then the pipe */
  unsigned count;
  char **environment;
  char *names, *listen_pid, *watchdog_pid; /* the two: "NAME=", and room for a number */
  char fds_text[32], ready_text[32], watchdog_text[48],
      socket_text[sizeof(struct sockaddr_un) + 16];
  char pid_texts[2][48];
};

static unsigned socket_count(const struct replacement *replacement) {
  unsigned count = 0;
  for (unsigned i = 0; i < replacement->count; i++)
    count += replacement->sockets[i]->count;
  return count;
}

static void list_sockets(struct launch *launch, const struct replacement *replacement) {
  char *end = launch->names + sprintf(launch->names, "LISTEN_FDNAMES=");
  for (unsigned i = 0; i < replacement->count; i++)
    for (unsigned j = 0; j < replacement->sockets[i]->count; j++) {
      end += sprintf(end, "%s%s", launch->count > 0 ? ":" : "", replacement->sockets[i]->name);
      launch->fds[launch->count++] = replacement->sockets[i]->fds[j];
    }
}

/* "/run/systemd/notify", or "@" for the NUL of an abstract one. */
static void name_socket(struct launch *launch, const struct address *socket) {
  size_t len = socket->len - offsetof(struct sockaddr_un, sun_path);
  bool abstract = socket->local.sun_path[0] == 0;
  snprintf(launch->socket_text, sizeof launch->socket_text, "NOTIFY_SOCKET=%s%.*s",
           abstract ? "@" : "", (int)(len - abstract), socket->local.sun_path + abstract);
}

static void fill_environment(struct launch *launch, const struct systemd *systemd) {
  char **at = launch->environment;
  for (char **each = environ; *each; each++)
    *at++ = *each;
  snprintf(launch->fds_text, sizeof launch->fds_text, "LISTEN_FDS=%u", launch->count);
  snprintf(launch->ready_text, sizeof launch->ready_text, READY_NAME "=%u",
           FIRST_FD + launch->count);
  launch->listen_pid = strcpy(launch->pid_texts[0], "LISTEN_PID=");
  *at++ = launch->fds_text;
  *at++ = launch->ready_text;
  *at++ = launch->names;
  *at++ = launch->listen_pid;
  if (systemd->socket.len) {
    name_socket(launch, &systemd->socket);
    *at++ = launch->socket_text;
  }
  if (systemd->watchdog_ns) {
    snprintf(launch->watchdog_text, sizeof launch->watchdog_text, "WATCHDOG_USEC=%llu",
             (unsigned long long)(systemd->watchdog_ns / 1000));
    launch->watchdog_pid = strcpy(launch->pid_texts[1], "WATCHDOG_PID=");
    *at++ = launch->watchdog_text;
    *at++ = launch->watchdog_pid;
  }
  *at = NULL;
}

static bool prepare(struct launch *launch, const struct replacement *replacement,
                    const struct systemd *systemd) {
  size_t variables = 0, count = socket_count(replacement);
  while (environ[variables])
    variables++;
  *launch = (struct launch){.count = 0};
  launch->fds = calloc(count + 1, sizeof *launch->fds);
  launch->environment = calloc(variables + ADDED, sizeof *launch->environment);
  launch->names = malloc(sizeof "LISTEN_FDNAMES=" + count * (SERVE_SOCKET_NAME_BYTES + 1));
  if (!launch->fds || !launch->environment || !launch->names) return false;
  list_sockets(launch, replacement);
  fill_environment(launch, systemd);
  return true;
}

static void launch_free(struct launch *launch) {
  free(launch->fds);
  free(launch->environment);
  free(launch->names);
}

/* ---- the new process ------------------------------------------------------------------------- */

static void append_pid(char *text) {
  if (!text) return;
  text += strlen(text);
  text[decimal_put((uint8_t *)text, (uint64_t)getpid())] = 0;
}

/* Moves the sockets to 3 and above, and the pipe behind them: first out of the way, closed on exec. */
static bool move_descriptors(struct launch *launch) {
  int first_free = FIRST_FD + (int)launch->count + 1;
  for (unsigned i = 0; i <= launch->count; i++)
    if ((launch->fds[i] = fcntl(launch->fds[i], F_DUPFD_CLOEXEC, first_free)) < 0) return false;
  for (unsigned i = 0; i <= launch->count; i++)
    if (dup2(launch->fds[i], FIRST_FD + (int)i) < 0) return false;
  return true;
}

/* The child of a process with threads: only async-signal-safe calls. Its memory is its own. */
_Noreturn static void run_program(const struct replacement *replacement, struct launch *launch) {
  sigset_t none;
  int pipe_fd = launch->fds[launch->count];
  append_pid(launch->listen_pid);
  append_pid(launch->watchdog_pid);
  sigemptyset(&none);
  if (move_descriptors(launch)) {
    pipe_fd = launch->fds[launch->count];
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(replacement->path, replacement->arguments, launch->environment);
  }
  int code = errno;
  ssize_t written = write(pipe_fd, &code, sizeof code);
  (void)written;
  _exit(127);
}

/* A child of this process's parent. Without the C library's own bookkeeping: see run_program(). All other arguments
 * are 0, so their order, which differs by architecture, does not matter. */
static pid_t fork_sibling(int *process_fd) {
  unsigned long flags = CLONE_PARENT | CLONE_PIDFD | SIGCHLD;
  return (pid_t)syscall(SYS_clone, flags, NULL, process_fd, NULL, NULL);
}

static bool fork_program(struct replacement *replacement, struct launch *launch, bool sibling,
                         struct io_error *error) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC)) return io_error_set(error, errno, "pipe: %s", strerror(errno));
  launch->fds[launch->count] = ends[1];
  pid_t process = sibling ? fork_sibling(&replacement->process_fd) : fork();
  if (process == 0) run_program(replacement, launch);
  int code = errno;
  close(ends[1]);
  if (process > 0) {
    replacement->process = process;
    replacement->pipe_fd = ends[0];
    return true;
  }
  close(ends[0]);
  return io_error_set(error, code, "fork: %s", strerror(code));
}

bool replacement_start(struct replacement *replacement, const struct systemd *systemd,
                       uint64_t now_ns, struct io_error *error) {
  struct launch launch;
  assert(replacement->process == 0);
  if (!replacement->path[0])
    return io_error_set(error, 0, "it is not known where the program lies");
  bool good =
      prepare(&launch, replacement, systemd) || io_error_set(error, ENOMEM, "out of memory");
  if (good) good = fork_program(replacement, &launch, systemd->socket.len > 0, error);
  launch_free(&launch);
  if (good) replacement->deadline_ns = now_ns + SERVE_REPLACE_SECONDS * SECOND_NS;
  return good;
}

/* ---- how it does ----------------------------------------------------------------------------- */

/* The child is not ended; if it has not ended by itself, it is on its own from now on. */
static void stop_watching(struct replacement *replacement) {
  close(replacement->pipe_fd);
  if (replacement->process_fd >= 0) close(replacement->process_fd);
  replacement->pipe_fd = replacement->process_fd = -1;
  replacement->process = 0;
}

/* False if it is no child: its parent gets the status. */
static bool wait_for(pid_t process, int *status) {
  pid_t ended;
  do {
    ended = waitpid(process, status, 0);
  } while (ended < 0 && errno == EINTR);
  return ended == process;
}

void replacement_abandon(struct replacement *replacement) {
  int status;
  if (!replacement->process) return;
  if (replacement->process_fd >= 0) {
    syscall(SYS_pidfd_send_signal, replacement->process_fd, SIGKILL, NULL, 0);
  } else {
    kill(replacement->process, SIGKILL);
    (void)wait_for(replacement->process, &status);
  }
  stop_watching(replacement);
}

static bool set_ended(struct io_error *error, int status) {
  if (WIFSIGNALED(status))
    return io_error_set(error, 0, "the new program was ended by signal %d", WTERMSIG(status));
  return io_error_set(error, 0, "the new program ended with status %d", WEXITSTATUS(status));
}

static enum replacement_result fail(struct replacement *replacement, int code,
                                    struct io_error *error) {
  int status = 0;
  bool known = replacement->process_fd < 0 && wait_for(replacement->process, &status);
  stop_watching(replacement);
  if (code)
    io_error_set(error, code, "cannot run %s: %s", replacement->path, strerror(code));
  else if (known)
    set_ended(error, status);
  else
    io_error_set(error, 0, "the new program ended before it was ready");
  return REPLACEMENT_FAILED;
}

enum replacement_result replacement_read(struct replacement *replacement, uint64_t now_ns,
                                         struct io_error *error) {
  int code = 0;
  ssize_t got = read(replacement->pipe_fd, &code, sizeof code);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
    if (now_ns < replacement->deadline_ns) return REPLACEMENT_WAITS;
    replacement_abandon(replacement);
    io_error_set(error, 0, "the new program was not ready after %d seconds", SERVE_REPLACE_SECONDS);
    return REPLACEMENT_FAILED;
  }
  if (got != sizeof code) return fail(replacement, 0, error);
  if (code != 0) return fail(replacement, code, error);
  stop_watching(replacement);
  return REPLACEMENT_READY;
}
