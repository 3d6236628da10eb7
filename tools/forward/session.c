/*
 * forward/session.c - see forward/session.h.
 */
#include "tools/forward/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/list.h"

static void ask(struct session *session, bool refused) {
  if (!session->stopped) session->events->ask(session, refused);
}

static void on_retry(struct timer *timer, uint64_t now_ns) {
  (void)now_ns;
  ask(LIST_OWNER(timer, struct session, retry), false);
}

static void try_later(struct session *session) {
  struct loop *loop = &session->worker->loop;
  uint64_t wait_ns = session->retry_ns, next_ns = wait_ns ? 2 * wait_ns : FORWARD_RETRY_NS;
  if (session->stopped) return;
  session->retry_ns = next_ns < FORWARD_RETRY_NS_MAX ? next_ns : FORWARD_RETRY_NS_MAX;
  timer_arm(&loop->timers, &session->retry, loop->now_ns + wait_ns);
}

/* A reason is told once, and not again until another one comes. */
static void tell_failure(struct session *session, const char *reason) {
  if (strcmp(session->said, reason) == 0) return;
  snprintf(session->said, sizeof session->said, "%s", reason);
  session->events->failed(session, reason);
}

static void on_failed(struct session *session, bool unauthorized, const char *reason) {
  if (unauthorized && !session->refreshed) {
    session->refreshed = true;
    ask(session, true);
  } else if (!session->ever_up) {
    session->stopped = true;
    session->events->over(session, reason);
  } else {
    session->refreshed = false;
    tell_failure(session, reason);
    try_later(session);
  }
}

/* There is no session for new streams any more. */
static void leave(struct session *session) {
  const struct attempt *attempt = session->attempt;
  bool lasted = session->worker->loop.now_ns - session->up_ns >= FORWARD_RETRY_NS_MAX;
  snprintf(session->avoid, sizeof session->avoid, "%s", attempt->lookup.pod);
  session->attempt = NULL;
  if (lasted) session->retry_ns = 0;
}

static void on_lost(struct session *session, const char *reason) {
  leave(session);
  session->events->lost(session, reason);
  if (session->options->reconnect) {
    try_later(session);
    return;
  }
  session->stopped = true;
  session->events->over(session, reason);
}

/* ---- the attempt's events -------------------------------------------------------------------- */

static void on_up(struct attempt *attempt) {
  struct session *session = attempt->settings.ctx;
  bool again = session->ever_up;
  session->trying = NULL;
  session->attempt = attempt;
  session->ever_up = true;
  session->refreshed = false;
  session->up_ns = session->worker->loop.now_ns;
  session->said[0] = 0;
  session->events->up(session, again);
}

static void on_closing(struct attempt *attempt) {
  struct session *session = attempt->settings.ctx;
  if (attempt != session->attempt || session->stopped || !session->options->reconnect) return;
  leave(session);
  session->events->retired(session);
  try_later(session);
}

static void on_room(struct attempt *attempt) {
  struct session *session = attempt->settings.ctx;
  if (attempt == session->attempt) session->events->room(session);
}

static void on_ended(struct attempt *attempt, enum attempt_end how, const char *reason) {
  struct session *session = attempt->settings.ctx;
  if (attempt == session->trying) session->trying = NULL;
  if (how == ATTEMPT_LOST && attempt == session->attempt)
    on_lost(session, reason);
  else if (how != ATTEMPT_LOST)
    on_failed(session, how == ATTEMPT_UNAUTHORIZED, reason);
}

static void on_gone(struct attempt *attempt) {
  struct session *session = attempt->settings.ctx;
  if (attempt == session->trying) session->trying = NULL; /* both only after session_stop() */
  if (attempt == session->attempt) session->attempt = NULL;
  attempt_free(attempt);
  free(attempt);
}

/* ---- life ------------------------------------------------------------------------------------ */

void session_begin(struct session *session, const struct forward_options *options,
                   const struct session_events *events, struct engine *engine,
                   struct worker *worker) {
  *session =
      (struct session){.options = options, .events = events, .engine = engine, .worker = worker};
  timer_init(&session->retry, on_retry);
  ask(session, false);
}

void session_access(struct session *session, struct access *access, const char *reason) {
  static const struct attempt_events events = {
      .up = on_up, .closing = on_closing, .room = on_room, .ended = on_ended, .gone = on_gone};
  const struct attempt_settings settings = {
      .options = session->options,
      .engine = session->engine,
      .worker = session->worker,
      .events = &events,
      .ctx = session,
      .avoid = session->avoid,
  };
  struct attempt *attempt = access && !session->stopped ? malloc(sizeof *attempt) : NULL;
  session->trying = attempt;
  if (attempt && attempt_start(attempt, &settings, access)) return;
  free(attempt);
  session->trying = NULL;
  if (access) access_free(access);
  if (!session->stopped) on_failed(session, false, access ? "out of memory" : reason);
}

void session_stop(struct session *session) {
  session->stopped = true;
  timer_cancel(&session->worker->loop.timers, &session->retry);
  if (session->trying) attempt_stop(session->trying, false);
  if (session->attempt) attempt_stop(session->attempt, true);
}
