/*
 * serve/options.h - the command line of `weir serve`.
 */
#ifndef WEIR_TOOLS_SERVE_OPTIONS_H
#define WEIR_TOOLS_SERVE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/http/stream.h"
#include "engine/sched/head_start.h"
#include "io/base/address.h"
#include "tools/common/options.h"
#include "tools/serve/limits.h"
#include "tools/serve/log_line.h"
#include "tools/serve/weight.h"

struct serve_listener {
  struct address address;
  bool secure;
  uint16_t weight; /* of its connections; 0: the engine's default */
  bool optional;   /* the IPv6 address of "localhost": it may be missing */
};

struct serve_options {
  const char *directory; /* NULL: the built-in site */
  struct serve_listener listeners[SERVE_LISTENERS_MAX];
  unsigned listener_count;
  const char *certificate, *key;            /* both or neither */
  const char *cache_control;                /* or NULL */
  const char *push_manifest;                /* or NULL */
  const char *preloads[SERVE_PRELOADS_MAX]; /* PAGE=RESOURCE */
  unsigned preload_count;
  unsigned workers;                    /* 0: one per available core */
  unsigned connections;                /* concurrent, all workers; 0: as descriptors allow */
  unsigned concurrent_streams;         /* 0: the engine's default */
  enum stream_flow flow;               /* FLOW_DEFAULT: the engine's default */
  unsigned window_bytes;               /* of a stream; 0: the engine's default */
  struct head_start_rules head_starts; /* those of --head-start, then the default */
  struct serve_weights weights;        /* of clients' networks */
  unsigned idle_seconds;               /* 0: the engine's default */
  unsigned drain_seconds;
  const char *access_log;     /* or NULL */
  const char *record;         /* a file of requests, or NULL */
  bool record_secrets;        /* with all their fields */
  enum log_format log_format; /* of its lines */
  bool log_format_given;
  bool push;
  bool spdy;                  /* speak SPDY/3.1, too */
  bool no_rfc7540_priorities; /* only RFC 9218 counts */
  bool verbose;
};

/* Reads argv[1 ..]; see common/options.h. */
__attribute__((warn_unused_result)) enum options_result
serve_options_parse(struct serve_options *options, int argc, char **argv,
                    const struct failure *failure);

/* What --help prints. */
const char *serve_options_help(void);

#endif
