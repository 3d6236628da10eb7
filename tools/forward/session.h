/*
 * forward/session.h - the session with the API server, through all its connections: attempts to make it, and to
 * make it again.
 *
 *     asked for access --> attempt --> up --> lost --> after a while: asked for access ...
 *
 * The first attempt has to succeed; later ones are repeated until one does, the first at once, then after
 * FORWARD_RETRY_NS, and twice as long each time. A 401 leads to one more attempt with fresh credentials.
 *
 * A server that says GOAWAY takes no more streams, but goes on with those that are open: such a session is
 * retired, and another one made beside it.
 *
 * Thread: the worker's.
 */
#ifndef WEIR_FORWARD_SESSION_H
#define WEIR_FORWARD_SESSION_H

#include "tools/forward/attempt.h"

struct session;

struct session_events {
  /* Wants access for an attempt: session_access() is called later. `refused` as of access_make(). */
  void (*ask)(struct session *session, bool refused);
  /* Streams may be opened: session->attempt. `again`: not for the first time. */
  void (*up)(struct session *session, bool again);
  void (*room)(struct session *session); /* as of attempt_events */
  /* No more streams can be opened, those that are open go on, and it is dialled again. */
  void (*retired)(struct session *session);
  /* The streams end next. It is dialled again, or over() follows. */
  void (*lost)(struct session *session, const char *reason);
  /* An attempt to connect again has failed, with another reason than the last. */
  void (*failed)(struct session *session, const char *reason);
  /* There will be no more attempts: the first one failed, or --no-reconnect. */
  void (*over)(struct session *session, const char *reason);
};

struct session {
  const struct forward_options *options;
  const struct session_events *events;
  struct engine *engine;
  struct worker *worker;
  struct attempt *attempt; /* that is up; else NULL */

  /* Private. */
  struct attempt *trying; /* that is not up yet */
  struct timer retry;
  uint64_t retry_ns; /* how long to wait the next time */
  uint64_t up_ns;    /* since when it is up */
  bool ever_up, stopped;
  bool refreshed;                /* fresh credentials were asked for */
  char avoid[OBJECT_NAME_BYTES]; /* the pod of the session that was lost */
  char said[FORWARD_REASON_BYTES];
};

/* Keeps its arguments, and asks for access. */
void session_begin(struct session *session, const struct forward_options *options,
                   const struct session_events *events, struct engine *engine,
                   struct worker *worker);

/* The access that was asked for; takes it. NULL: there is none, for this reason. */
void session_access(struct session *session, struct access *access, const char *reason);

/* No more attempts. The session ends in order, with GOAWAY. Streams should have ended before. */
void session_stop(struct session *session);

#endif
