/*
 * serve/service/supervision.c - see serve/service/supervision.h.
 */
#include "tools/serve/service/supervision.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "tools/common/commands.h"
#include "tools/common/output.h"

/* Whether this process has a controlling terminal. */
static bool has_terminal(void) {
  int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/* nohup(1) has SIGHUP ignored. */
static bool ends_with_terminal(void) {
  struct sigaction action;
  bool ignored = sigaction(SIGHUP, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
  return !ignored && has_terminal();
}

bool supervision_open(struct supervision *supervision, int argc, char *const *argv,
                      struct io_error *error) {
  *supervision = (struct supervision){.signals = -1,
                                      .ends_with_terminal = ends_with_terminal(),
                                      .watchdog_ns = TIMER_NEVER,
                                      .leave_ns = TIMER_NEVER};
  return replacement_open(&supervision->replacement, argc, argv, error) &&
         systemd_open(&supervision->systemd, error) &&
         inherited_read(&supervision->inherited, error);
}

bool supervision_take_signals(struct supervision *supervision, const sigset_t *set,
                              struct io_error *error) {
  supervision->signals = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
  return supervision->signals >= 0 || io_error_set(error, errno, "signalfd: %s", strerror(errno));
}

/* The process that this one replaces tells the service manager: it is the main process until then. */
void supervision_ready(struct supervision *supervision, const char *status) {
  bool replaces = supervision->replacement.ready_fd >= 0;
  replacement_ready(&supervision->replacement);
  if (!replaces) systemd_notify(&supervision->systemd, "READY=1", "%s", status);
  /* Before it is the main process nobody would listen to it. */
  uint64_t half_ns = supervision->systemd.watchdog_ns / 2;
  if (half_ns) supervision->watchdog_ns = clock_now_ns() + (replaces ? half_ns : 0);
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* Twice in the time that it waits: one message may be late. */
static void feed_watchdog(struct supervision *supervision, struct worker_group *group,
                          uint64_t now_ns) {
  if (now_ns < supervision->watchdog_ns) return;
  supervision->watchdog_ns = now_ns + supervision->systemd.watchdog_ns / 2;
  bool alive = worker_group_has_turned(group);
  if (alive && !supervision->replaced) systemd_notify(&supervision->systemd, "WATCHDOG=1", NULL);
}

/* `number` is returned when what was accepted last has had its time. */
static void leave(struct supervision *supervision, struct worker_group *group, int number,
                  uint64_t now_ns) {
  supervision->leaving = number;
  supervision->leave_ns = now_ns + SERVE_LEAVE_MILLISECONDS * MILLISECOND_NS;
  worker_group_leave(group);
}

static void look_at_replacement(struct supervision *supervision, struct worker_group *group,
                                uint64_t now_ns) {
  struct io_error error;
  pid_t process = supervision->replacement.process;
  switch (replacement_read(&supervision->replacement, now_ns, &error)) {
  case REPLACEMENT_WAITS: return;
  case REPLACEMENT_FAILED:
    output_complain("weir serve", EXIT_FAILED, "not replaced: %s", error.text);
    systemd_notify(&supervision->systemd, "READY=1", "not replaced: %s", error.text);
    return;
  case REPLACEMENT_READY: break;
  }
  output_say(STDOUT_FILENO, "replaced by process %ld", (long)process);
  systemd_main_process(&supervision->systemd, process);
  supervision->replaced = true;
  leave(supervision, group, SUPERVISION_REPLACED, now_ns);
}

/* Whether a SIGHUP says that the terminal was closed. It comes from the kernel, or from the shell that led its session;
 * anybody else, and a shell whose terminal is still there, asks for a reload. */
static bool is_hangup(const struct supervision *supervision, const struct signalfd_siginfo *info) {
  bool from_above = info->ssi_code == SI_KERNEL || info->ssi_pid == (uint32_t)getsid(0);
  return supervision->ends_with_terminal && from_above && !has_terminal();
}

/* Returns the number of a signal that came, or 0. A terminal that was closed ends the server like SIGTERM. The first
 * that ends the server comes later if its sockets live on; when a second comes before that, both come now. */
static int take_signal(struct supervision *supervision, struct worker_group *group,
                       uint64_t now_ns) {
  struct signalfd_siginfo info;
  ssize_t got = read(supervision->signals, &info, sizeof info);
  int number = got == sizeof info ? (int)info.ssi_signo : 0;
  if (number == SIGHUP && is_hangup(supervision, &info)) number = SIGTERM;
  if (number != SIGTERM && number != SIGINT) return number;
  if (supervision->leave_ns != TIMER_NEVER) supervision->leave_ns = now_ns;
  if (supervision->leaving || !inherited_has_foreign(&supervision->inherited)) return number;
  leave(supervision, group, number, now_ns);
  return 0;
}

static int milliseconds_until(uint64_t then_ns, uint64_t now_ns) {
  if (then_ns == TIMER_NEVER) return -1;
  uint64_t wait = then_ns > now_ns ? (then_ns - now_ns) / IO_MILLISECOND + 1 : 0;
  return wait < 3600000 ? (int)wait : 3600000;
}

static uint64_t next_time_ns(const struct supervision *supervision) {
  const struct replacement *replacement = &supervision->replacement;
  uint64_t next_ns = supervision->watchdog_ns;
  if (supervision->leave_ns < next_ns) next_ns = supervision->leave_ns;
  if (replacement->process && replacement->deadline_ns < next_ns)
    next_ns = replacement->deadline_ns;
  return next_ns;
}

int supervision_wait(struct supervision *supervision, struct worker_group *group) {
  const struct replacement *replacement = &supervision->replacement;
  for (;;) {
    struct pollfd fds[] = {{.fd = supervision->signals, .events = POLLIN},
                           {.fd = replacement->pipe_fd, .events = POLLIN}};
    int ready = poll(fds, 2, milliseconds_until(next_time_ns(supervision), clock_now_ns()));
    uint64_t now_ns = clock_now_ns();
    feed_watchdog(supervision, group, now_ns);
    int number = ready > 0 && fds[0].revents ? take_signal(supervision, group, now_ns) : 0;
    if (number) return number;
    if (now_ns >= supervision->leave_ns) {
      supervision->leave_ns = TIMER_NEVER;
      return supervision->leaving;
    }
    bool is_due = now_ns >= replacement->deadline_ns;
    if (replacement->process && (is_due || (ready > 0 && fds[1].revents)))
      look_at_replacement(supervision, group, now_ns);
  }
}

/* ---- replacing and ending -------------------------------------------------------------------- */

void supervision_replace(struct supervision *supervision) {
  if (supervision->leaving) return;
  struct replacement *replacement = &supervision->replacement;
  struct io_error error;
  if (replacement->process) {
    output_complain("weir serve", EXIT_FAILED,
                    "process %ld is starting to replace this one already",
                    (long)replacement->process);
  } else if (!replacement_start(replacement, &supervision->systemd, clock_now_ns(), &error)) {
    output_complain("weir serve", EXIT_FAILED, "not replaced: %s", error.text);
  }
}

void supervision_drain(struct supervision *supervision, unsigned seconds) {
  replacement_abandon(&supervision->replacement);
  replacement_forget(&supervision->replacement);
  if (!supervision->replaced)
    systemd_notify(&supervision->systemd, "STOPPING=1", "draining for up to %u seconds", seconds);
}

void supervision_close(struct supervision *supervision) {
  replacement_close(&supervision->replacement);
  inherited_free(&supervision->inherited);
  if (supervision->signals >= 0) close(supervision->signals);
  supervision->signals = -1;
}
