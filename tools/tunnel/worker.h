/*
 * tunnel/worker.h - what the sessions of one worker share.
 */
#ifndef WEIR_TOOLS_TUNNEL_WORKER_H
#define WEIR_TOOLS_TUNNEL_WORKER_H

#include "engine/base/budget.h"
#include "engine/engine.h"
#include "io/base/list.h"
#include "io/worker/worker.h"
#include "tools/pipe/pipe.h"
#include "tools/tunnel/options.h"

/* One writer; others read with counter_get(). */
struct tunnel_counters {
  uint64_t sessions;    /* that were opened */
  uint64_t connections; /* that were asked for: pairs of streams */
  uint64_t refused;     /* of them, those whose target could not be reached */
  uint64_t broken;      /* and those that ended in disorder: a reset at either end */
  uint64_t lonely;      /* streams that ended because their pair was not complete in time */
  uint64_t bytes_in;    /* from clients to targets */
  uint64_t bytes_out;
};

struct tunnel_worker {
  struct tunnel_options *options; /* of the command; its faults are counted there */
  struct engine *engine;
  struct worker *worker;
  struct pipes pipes;
  uint64_t begun_ns;
  struct budget lines; /* about what clients asked for */
  uint64_t left_out;   /* such lines, since the last one */
  struct tunnel_counters counters;
};

#endif
