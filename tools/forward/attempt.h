/*
 * forward/attempt.h - one connection to the API server: looks the pod up, asks for the tunnel, and carries the SPDY
 * session until that ends.
 *
 *     dial --> [GET pod | GET service, its slices or pods] --> WebSocket, or else POST with Upgrade
 *          --> events.up()    streams may be opened: attempt->spdy
 *          --> [events.closing()   no more of them: GOAWAY. Those that are open go on]
 *          --> events.ended() once: it has failed, or the session has ended. Its streams end next
 *          --> events.gone()  last: it may be freed
 *
 * A server that closes the connection between two requests is dialled again.
 *
 * Ownership: the caller owns the attempt; it takes its access. Thread: the worker's.
 */
#ifndef WEIR_FORWARD_ATTEMPT_H
#define WEIR_FORWARD_ATTEMPT_H

#include "engine/engine.h"
#include "engine/spdy/spdy.h"
#include "tools/client/connection.h"
#include "tools/forward/access.h"
#include "tools/forward/api.h"

struct attempt;

enum attempt_end {
  ATTEMPT_FAILED,       /* it never came up */
  ATTEMPT_UNAUTHORIZED, /* because of its credentials (401) */
  ATTEMPT_LOST,         /* it was up, and the session ended */
};

/* None is called within attempt_start(). */
struct attempt_events {
  void (*up)(struct attempt *attempt);
  void (*closing)(struct attempt *attempt);
  void (*room)(struct attempt *attempt); /* spdy_request() takes something again */
  void (*ended)(struct attempt *attempt, enum attempt_end end, const char *reason);
  void (*gone)(struct attempt *attempt);
};

/* What is to be asked next. */
enum attempt_step { STEP_POD, STEP_SERVICE, STEP_SLICES, STEP_PODS, STEP_WEBSOCKET, STEP_UPGRADE };

struct attempt_settings {
  const struct forward_options *options;
  struct engine *engine;
  struct worker *worker;
  const struct attempt_events *events;
  void *ctx;         /* the owner's: attempt->settings.ctx */
  const char *avoid; /* see api_lookup; only during attempt_start() and up to up() */
};

struct attempt {
  struct attempt_settings settings;
  struct spdy *spdy;        /* NULL: not up */
  struct api_lookup lookup; /* from up() on: the pod, and its ports */
  bool websocket;           /* how it is up */

  /* Private. */
  struct access access;
  struct client_server server;
  struct client_connection connection;
  enum attempt_step step;
  struct h1 *h1;
  struct machine session;            /* spdy's machine, while `spdy` */
  struct machine_host *session_host; /* its host */
  struct machine_ops around;         /* the outermost machine's, with our own wants() */
  struct timer timer; /* for what is due outside of machine calls, and for until_ns */
  uint64_t until_ns;  /* by then it has to be up */
  json_t *service;    /* of STEP_SERVICE */
  char *body;         /* of the answer under way, API_BODY_BYTES_MAX at most */
  size_t body_len;
  unsigned status;                   /* of that answer; 0: none has come */
  unsigned refused;                  /* the status with which the WebSocket was refused */
  unsigned openings;                 /* dials of the connection since the last answer */
  bool asked;                        /* the step's request is under way */
  bool ended;                        /* events.ended() was called */
  bool cut;                          /* the connection is to be reset */
  bool told_up;                      /* events.up() was called */
  char reason[FORWARD_REASON_BYTES]; /* of the connection's end */
  uint32_t random
      [FORWARD_RANDOM_AHEAD]; /* keys of the WebSocket's frames, of which random_left are unused */
  unsigned random_left;
  char mismatch[FORWARD_REASON_BYTES]; /* what was wrong with an upgrade's answer */
};

/* Begins. Takes `access`. False when memory was refused: nothing was begun, and no event follows. */
__attribute__((warn_unused_result)) bool attempt_start(struct attempt *attempt,
                                                       const struct attempt_settings *settings,
                                                       struct access *access);

/* Ends it: orderly, with GOAWAY, if `orderly`; else at once. Streams should have ended before. events.ended() is
 * not called any more, gone() is. */
void attempt_stop(struct attempt *attempt, bool orderly);

/* After gone(). */
void attempt_free(struct attempt *attempt);

#endif
