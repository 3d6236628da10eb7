/*
 * load/parts.h - between load/run.c (the whole), load/worker.c (phases, clocks and the open loop of
 * one thread), load/connection.c (a connection's life) and load/request.c (a request's).
 *
 *     run: shared, read-only once the workers run
 *      \-- worker: one a thread, nothing shared with the others; its stats are read at the end
 *           \-- connection: dials, [TLS], SETTINGS, takes requests, and again when the server ends
 * it
 *                \-- request: a slot, reused
 */
#ifndef WEIR_LOAD_PARTS_H
#define WEIR_LOAD_PARTS_H

#include <signal.h>

#include "engine/h2/h2.h"
#include "io/link/dial.h"
#include "io/tls/tls.h"
#include "tools/common/option_values.h"
#include "tools/load/options.h"
#include "tools/load/run.h"
#include "tools/load/schedule.h"

enum {
  LOAD_ADDRESSES_MAX = 8, /* of one name; they are tried one after another */
  /* Times that a request is asked again because the server refused it unseen. Arbitrary: the first
   * repetition already knows how many streams the server allows. */
  LOAD_REFUSALS_MAX = 3,
  /* Connections in a row that end without one complete response before -n gives up on theirs. */
  LOAD_FUTILE_MAX = 5,
  /* A connection on which nothing has come for so many timeouts of its requests is given up with
   * -n, which would otherwise take a timeout for each request that is left. Arbitrary. */
  LOAD_SILENT_TIMEOUTS = 3,
};

/* Before a connection that ended without use is made again; doubled each time, a second at most. */
#define LOAD_PAUSE_NS (100 * MILLISECOND_NS)
/* To the thread that waits: all workers have ended. */
#define LOAD_SIGNAL_ENDED SIGUSR2

/* For GOAWAY and close_notify to leave when all is done, and for what is in flight to end. */
#define LOAD_FAREWELL_NS (300 * MILLISECOND_NS)
#define LOAD_CONNECT_NS  (10 * SECOND_NS)

/* One URL, as it is asked for. */
struct load_target {
  struct url url;
  const struct load_cap *cap; /* or NULL */
  struct header fields[8 + LOAD_FIELDS_MAX];
  size_t field_count;
  char names[LOAD_FIELDS_MAX][OPTION_FIELD_NAME_BYTES]; /* of --header, in lower case */
};

struct load_worker;

struct load_run {
  const struct load_options *options;
  struct load_target *targets;
  unsigned target_count;
  struct address addresses[LOAD_ADDRESSES_MAX];
  unsigned address_count;
  struct tls_context *tls; /* NULL: http */
  uint8_t *data;           /* of --data */
  size_t data_bytes;
  char data_length[24]; /* the same in digits */
  uint64_t timeout_ns, duration_ns, warm_up_ns;
  struct load_worker *workers; /* options->threads of them */
  pthread_t main_thread;
  unsigned running; /* workers; the last one to end signals main_thread */
};

enum load_state {
  LOAD_AWAY,     /* not connected; a timer may be running */
  LOAD_DIALING,  /* TCP */
  LOAD_GREETING, /* TLS, then SETTINGS */
  LOAD_OPEN,     /* takes requests */
  LOAD_CLOSING,  /* h2 is gone; TLS says goodbye */
  LOAD_ENDED,    /* for good */
};

struct load_connection {
  struct load_worker *worker;
  struct dial dial;
  unsigned address_tried;
  struct machine inner;      /* tls, or h2 */
  struct machine_host host;  /* that the machines inside know */
  struct machine_host *link; /* the real one */
  struct h2 *h2;             /* NULL: none, or no more */
  enum load_state state;
  bool was_open;  /* once at least */
  bool settled;   /* the first attempt is over, one way or the other */
  bool filling;   /* load_connection_fill() is under way */
  bool starved;   /* there was no room on the connection for a request */
  bool eof, told; /* the server's FIN; why it ended is counted */
  bool progress;  /* a response was complete, on this connection */
  unsigned futile;
  bool went_away;       /* the server sent GOAWAY */
  uint32_t goaway_code; /* of a GOAWAY with an error; 0: none */
  uint64_t begin_ns, connected_ns, starved_ns, heard_ns;
  struct timer timer; /* until the next attempt */

  struct load_request *requests; /* `slots` of them; NULL until it is open */
  uint32_t slots;
  struct list_node free, again; /* slots by their `node`: unused; to be asked again */
  uint64_t share;               /* requests still to be started here; not in an open loop */
  uint64_t asked;               /* for the next target */
  uint64_t ordinal;             /* of the next stream; for caps */
  uint32_t in_use;              /* slots */
  uint64_t done;                /* measured requests */
};

struct load_request {
  struct load_connection *connection;
  struct stream *stream;     /* NULL: none, or no more */
  struct list_node node;     /* free, or to be asked again */
  struct list_node timeline; /* of the worker: under way, the oldest first */
  const struct load_target *target;
  uint64_t due_ns, sent_ns;
  uint64_t ordinal, waits_below; /* caps: see load/cap.h */
  size_t uploaded;
  uint16_t status; /* 0: none yet */
  uint8_t refusals, steps;
  uint8_t bodies;     /* that the engine still holds */
  bool capped, waits; /* has a schedule and is not through it; has its step */
  bool measured, complete, timed_out, over;
};

struct load_worker {
  _Alignas(64) const struct load_run *run; /* no two workers share a cache line */
  struct worker *io;
  unsigned index;
  uint64_t now_ns; /* read anew whenever bytes arrive or a timer fires */
  struct engine engine;
  bool has_engine, has_tls;
  struct tls_factory tls;
  struct load_connection *connections;
  unsigned count;   /* connections */
  unsigned alive;   /* of them, not LOAD_ENDED */
  unsigned settled; /* of them */
  unsigned hand;    /* the next one's turn in an open loop */

  bool endless;               /* until the duration is over */
  uint64_t left;              /* requests to be started, unless endless */
  uint64_t in_flight;         /* requests started and not done, measured or not */
  struct list_node timeline;  /* requests by due_ns */
  struct timer timeout_timer; /* armed while the timeline is not empty */
  struct timer phase_timer;   /* the end of the warm-up, of the duration, of all */
  struct worker_op pace;      /* open loop: until the next request is due */
  struct __kernel_timespec pace_at;
  struct load_schedule schedule;
  bool scheduled; /* the open loop has begun */
  bool measuring;
  bool over;    /* nothing is counted any more, but why connections ended */
  bool leaving; /* nor that: they end by our doing */
  uint64_t cpu_begin_ns;

  struct load_stats stats;
};

/* ---- load/worker.c --------------------------------------------------------------------------- */

/* Hooks of worker/worker.h; ctx is the run. */
bool load_worker_setup(struct worker *worker, void *ctx, struct io_error *error);
void load_worker_second(struct worker *worker, void *ctx);
void load_worker_stopped(struct worker *worker, void *ctx);

/* Ends what is measured, then the worker. Not from within a machine's call: load_worker_check(). */
void load_worker_finish(struct load_worker *worker);

/* Something has ended: was it the last? */
void load_worker_check(struct load_worker *worker);

/* A connection's first attempt is over. */
void load_worker_settle(struct load_worker *worker);

/* Whether a request may be started on the connection now, and since when it has been due. It then
 * counts as taken. */
bool load_worker_take(struct load_connection *connection, uint64_t *due_ns);

/* A request is under way: its timeout runs. */
void load_worker_watch(struct load_worker *worker, struct load_request *request);

/* ---- load/connection.c ----------------------------------------------------------------------- */

void load_connection_init(struct load_connection *connection, struct load_worker *worker,
                          uint64_t share);
void load_connection_open(struct load_connection *connection);
/* Starts what can be started. */
void load_connection_fill(struct load_connection *connection);
/* There is no room for another request, or was none until now. */
void load_connection_starve(struct load_connection *connection);
/* No use in going on with it: what it was to do is not done. */
void load_connection_give_up(struct load_connection *connection, const char *reason);
/* Once a second: is it stuck? */
void load_connection_look(struct load_connection *connection);

/* TLS around h2: the factory's inner one. */
bool load_connection_make_h2(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                             uint64_t now_ns, struct machine *out);

/* ---- load/request.c -------------------------------------------------------------------------- */

/* Takes a free slot (asserted) for a request that was due at `due_ns`, and sends it. */
void load_request_start(struct load_connection *connection, uint64_t due_ns);
/* Asks again for the first one of connection->again. */
void load_request_again(struct load_connection *connection);
/* Fails a request that has no stream. */
void load_request_fail(struct load_request *request, enum load_error error, uint32_t code);
/* The time is up. */
void load_request_expire(struct load_request *request);

#endif
