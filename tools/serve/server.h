/*
 * serve/server.h - the parts of a running `weir serve`: what its workers share, and what each has.
 *
 * The main thread opens a server (serve/open.h), starts the workers (serve/worker.h), says what it
 * started (serve/say.h) and waits for signals (serve/serve.c).
 * Owner: the main thread has struct server; each worker has its struct serve_worker, as worker->user.
 */
#ifndef WEIR_TOOLS_SERVE_SERVER_H
#define WEIR_TOOLS_SERVE_SERVER_H

#include <pthread.h>

#include "engine/engine.h"
#include "io/files/counters.h"
#include "io/tls/factory.h"
#include "io/worker/group.h"
#include "io/worker/jobs.h"
#include "tools/common/commands.h"
#include "tools/common/output.h"
#include "tools/serve/coding/compress_handler.h"
#include "tools/serve/config/config.h"
#include "tools/serve/demo/demo.h"
#include "tools/serve/front.h"
#include "tools/serve/logs.h"
#include "tools/serve/memory.h"
#include "tools/serve/metrics/metrics.h"
#include "tools/serve/metrics/tally.h"
#include "tools/serve/rules/rates.h"
#include "tools/serve/service/supervision.h"
#include "tools/serve/site.h"
#include "tools/serve/tls/tls.h"

struct server {
  const char *file;            /* of the configuration; NULL: it is the command line's */
  struct serve_config *config; /* in force; a reference */
  struct serve_config *first;  /* by which the workers were set up; another reference */
  unsigned workers;
  struct serve_memory memory;
  uint32_t links_max; /* a worker's; 0: the default, which descriptors bound */
  unsigned disabled;  /* features of io_uring, by the environment */
  struct serve_tls tls;
  struct serve_logs logs;
  struct supervision supervision;
  /* Listening sockets. At the start those of the configuration, in its order; later as serve/reload.h says. */
  struct serve_listener slots[SERVE_SLOTS_MAX]; /* what was asked for */
  struct listener listeners[SERVE_SLOTS_MAX];
  bool used[SERVE_SLOTS_MAX];
  bool listening[SERVE_SLOTS_MAX]; /* used ones may be missing: see serve_listener.optional */
  unsigned last_slot;              /* that was used first */
  uint16_t https_port;             /* where https-only redirects to; 0: nowhere */
  pthread_t main_thread;
  unsigned running;                 /* workers that have started and not ended; atomic */
  struct tally tally;               /* what the workers count */
  struct metrics *metrics;          /* NULL: not shown */
  const struct worker_group *group; /* while workers run */
  struct jobs *jobs;                /* threads that compress */
};

/* The parts of one worker. */
struct serve_worker {
  struct engine engine;
  bool has_engine;
  /* What answers: one of these, when that is all that is served; or the front with its routes. */
  struct serve_site *site;
  struct demo *demo; /* of the front, too */
  struct front front;
  bool has_front;
  struct files_counters files; /* of the front's directories */
  struct jobs_desk desk;
  struct recode_counters recoded; /* of all directories */
  struct compressor compressor;
  struct compress_handler compress; /* around the built-in site alone */
  struct serve_worker_logs logs;
  struct tls_factory tls;
  bool has_tls;
  bool tls_is_new; /* by a reload that may be refused */
  struct serve_weighing weighings[SERVE_SLOTS_MAX];
  struct rates rates; /* of clients, for the front */
  struct rate_gate gates[SERVE_SLOTS_MAX];
  struct request_counter requests; /* in use with server.metrics */
  struct serve_gauges gauges;
  int64_t wall_seconds;
  const char *note; /* a fallback in use, or NULL */
};

#define complain(status, ...) output_complain("weir serve", status, __VA_ARGS__)
#define say(...)              output_say(STDOUT_FILENO, __VA_ARGS__)

#endif
