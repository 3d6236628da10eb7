/*
 * load/watch.c - see load/watch.h.
 */
#include "tools/load/watch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io/base/clock.h"
#include "tools/common/output.h"

/* Sent to the main thread when all workers have answered, or have ended. */
enum { SIGNAL_NEWS = SIGUSR2 };

static void tell(const struct load_watch *watch) {
  pthread_kill(watch->main_thread, SIGNAL_NEWS);
}

/* ---- the workers ----------------------------------------------------------------------------- */

void load_watch_enter(struct load_watch *watch) {
  __atomic_add_fetch(&watch->running, 1, __ATOMIC_ACQ_REL);
}

void load_watch_leave(struct load_watch *watch) {
  if (__atomic_sub_fetch(&watch->running, 1, __ATOMIC_ACQ_REL) == 0) tell(watch);
}

/* On the worker's thread. */
static void answer(struct worker *io, void *object) {
  struct load_glance *glance = object;
  struct load_watch *watch = glance->watch;
  (void)io;
  load_second_take(&glance->tally, &glance->worker->books, &glance->second);
  if (glance->so_far) load_so_far_take(glance->so_far, &glance->worker->books);
  __atomic_store_n(&glance->answered, true, __ATOMIC_RELEASE);
  if (__atomic_sub_fetch(&watch->unread, 1, __ATOMIC_ACQ_REL) == 0) tell(watch);
}

/* ---- once a second --------------------------------------------------------------------------- */

static void ask(struct load_watch *watch) {
  for (unsigned i = 0; i < watch->options->threads; i++) {
    struct load_glance *glance = &watch->glances[i];
    if (glance->asked) continue;
    glance->so_far = watch->so_far ? &watch->so_far[i] : NULL;
    __atomic_add_fetch(&watch->unread, 1, __ATOMIC_ACQ_REL);
    glance->asked = worker_group_post(watch->group, i, answer, glance);
    if (!glance->asked) __atomic_sub_fetch(&watch->unread, 1, __ATOMIC_ACQ_REL);
  }
}

/* Adds up the answers that have come. */
static void read_answers(struct load_watch *watch) {
  memset(&watch->sum, 0, sizeof watch->sum);
  for (unsigned i = 0; i < watch->options->threads; i++) {
    struct load_glance *glance = &watch->glances[i];
    if (!__atomic_load_n(&glance->answered, __ATOMIC_ACQUIRE)) continue;
    glance->asked = glance->answered = false;
    load_second_merge(&watch->sum, &glance->second);
  }
  load_series_add(&watch->series, &watch->sum);
}

void load_watch_end(struct load_watch *watch) {
  read_answers(watch);
  memset(&watch->sum, 0, sizeof watch->sum);
  for (unsigned i = 0; i < watch->options->threads; i++) {
    struct load_glance *glance = &watch->glances[i];
    load_second_take(&glance->tally, &glance->worker->books, &glance->second);
    load_second_merge(&watch->sum, &glance->second);
  }
  load_series_add(&watch->series, &watch->sum);
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* A line, where there is no live display. */
static void say(const struct load_watch *watch) {
  char line[256];
  if (watch->options->quiet || watch->live.active) return;
  load_progress_line(&watch->progress, line, sizeof line);
  output_say(STDERR_FILENO, "%s", line);
}

static void draw(struct load_watch *watch) {
  if (!watch->live.active) return;
  watch->progress.now_ns = clock_now_ns();
  load_live_draw(&watch->live, &watch->progress);
}

/* After SIGHUP, once all workers have answered. */
static void print_so_far(struct load_watch *watch) {
  bool any = false;
  for (unsigned i = 0; watch->so_far && i < watch->options->threads; i++) {
    if (watch->glances[i].asked) return; /* it may still write to its part */
    any = any || watch->so_far[i].taken;
  }
  if (!any) return;
  if (watch->live.active) load_live_erase(&watch->live);
  load_so_far_print(watch->so_far, watch->options->threads, watch->options, watch->command);
  free(watch->so_far);
  watch->so_far = NULL;
}

/* What the workers did in the last second is known. */
static void on_second(struct load_watch *watch) {
  read_answers(watch);
  watch->progress.now_ns = clock_now_ns();
  load_progress_add(&watch->progress);
  print_so_far(watch);
  say(watch);
  draw(watch);
}

static void interrupt(struct worker *io, void *object) {
  struct load_worker *worker = object;
  (void)io;
  if (!worker->books.over) worker->books.stats.interrupted = true;
  load_worker_finish(worker);
}

/* The first signal ends the run gracefully, the second at once. */
static void stop(struct load_watch *watch) {
  watch->stops++;
  for (unsigned i = 0; i < watch->options->threads && watch->stops == 1; i++)
    if (!worker_group_post(watch->group, i, interrupt, &watch->workers[i])) watch->stops = 2;
  if (watch->stops > 1) worker_group_stop(watch->group);
}

static bool has_terminal(void) {
  int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  return fd >= 0 && close(fd) == 0;
}

/* nohup makes the process ignore SIGHUP, and a signal that is waited for would come all the same. */
static bool is_ignored(int number) {
  struct sigaction action;
  return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static sigset_t signals_of_interest(void) {
  static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGWINCH, SIGNAL_NEWS};
  sigset_t set;
  sigemptyset(&set);
  for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    if (numbers[i] != SIGHUP || !is_ignored(SIGHUP)) sigaddset(&set, numbers[i]);
  return set;
}

/* The next signal, or 0 when `until_ns` has come. */
static int next_signal(uint64_t until_ns) {
  sigset_t set = signals_of_interest();
  uint64_t now_ns = clock_now_ns(), wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
  const struct timespec wait = {.tv_sec = (time_t)(wait_ns / SECOND_NS),
                                .tv_nsec = (long)(wait_ns % SECOND_NS)};
  int number = sigtimedwait(&set, NULL, &wait);
  return number > 0 ? number : 0;
}

static bool is_over(const struct load_watch *watch) {
  return __atomic_load_n(&watch->running, __ATOMIC_ACQUIRE) == 0;
}

/* Asks for a report so far. A terminal that was closed ends the run as Ctrl-C does. */
static void on_hangup(struct load_watch *watch) {
  if (watch->had_terminal && !has_terminal())
    stop(watch);
  else if (!watch->so_far)
    watch->so_far = calloc(watch->options->threads, sizeof *watch->so_far);
}

static void on_signal(struct load_watch *watch, int number) {
  switch (number) {
  case SIGTERM:
  case SIGINT: stop(watch); break;
  case SIGHUP: on_hangup(watch); break;
  case SIGWINCH: draw(watch); break;
  }
}

void load_watch_wait(struct load_watch *watch) {
  uint64_t second_ns = watch->progress.run_begin_ns + SECOND_NS, now_ns = clock_now_ns();
  bool waiting = false; /* for answers */
  for (; !is_over(watch); now_ns = clock_now_ns()) {
    uint64_t frame_ns = watch->live.active ? now_ns + LOAD_FRAME_NS : second_ns;
    int number = next_signal(frame_ns < second_ns ? frame_ns : second_ns);
    on_signal(watch, number);
    now_ns = clock_now_ns();
    bool late = now_ns >= second_ns;
    if (waiting && (late || __atomic_load_n(&watch->unread, __ATOMIC_ACQUIRE) == 0)) {
      waiting = false;
      on_second(watch);
    } else if (number == 0) {
      draw(watch);
    }
    if (!late) continue;
    second_ns += (now_ns - second_ns) / SECOND_NS * SECOND_NS + SECOND_NS;
    ask(watch);
    waiting = true;
  }
  load_live_end(&watch->live);
}

/* ---- life ------------------------------------------------------------------------------------ */

bool load_watch_begin(struct load_watch *watch, const struct load_options *options,
                      const char *command, struct load_worker *workers,
                      struct worker_group *group) {
  sigset_t set = signals_of_interest();
  *watch = (struct load_watch){.options = options,
                               .command = command,
                               .workers = workers,
                               .group = group,
                               .main_thread = pthread_self(),
                               .had_terminal = has_terminal(),
                               .glances = calloc(options->threads, sizeof *watch->glances)};
  if (!watch->glances) return false;
  for (unsigned i = 0; i < options->threads; i++) {
    watch->glances[i].watch = watch;
    watch->glances[i].worker = &workers[i];
  }
  watch->progress = (struct load_progress){
      .options = options, .run_begin_ns = clock_now_ns(), .last = &watch->sum};
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
  if (!options->quiet) load_live_begin(&watch->live);
  return true;
}

void load_watch_free(struct load_watch *watch) {
  load_live_end(&watch->live);
  free(watch->glances);
  free(watch->so_far);
  watch->so_far = NULL;
  watch->glances = NULL;
}
