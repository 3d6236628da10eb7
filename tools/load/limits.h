/*
 * load/limits.h - every bound of `weir load`, with its reason.
 */
#ifndef WEIR_LOAD_LIMITS_H
#define WEIR_LOAD_LIMITS_H

#include "engine/base/limits.h"

enum {
  /* ---- what the command line may ask for ---- */

  LOAD_FIELDS_MAX = 16,           /* --header. Arbitrary; h2load's users give two or three */
  LOAD_URLS_MAX = 1024,           /* arbitrary: a crawl of a site, not of the web */
  LOAD_CONNECTIONS_MAX = 1000000, /* descriptors run out before */
  LOAD_STREAMS_MAX = 65536,       /* of one connection; no server allows more */
  LOAD_WINDOW_BITS = 30,          /* as h2load: receive windows that never hold a server back */
  LOAD_TIMEOUT_SECONDS = 30,      /* default of --timeout: as patient as a user at most */
  LOAD_CAPS_MAX = 16,             /* --cap. Arbitrary; a page has fewer kinds of resources */
  LOAD_CAP_PATTERN_BYTES = 256,   /* of one --cap, with NUL. Arbitrary; a path has a few dozen */
  LOAD_CAP_STEP_BYTES = 24,       /* the text of a step, with NUL: 2147483647 has ten digits */
  LOAD_CAP_STEPS_MAX = 8,         /* of one --cap. Arbitrary */

  /* ---- when to give up ---- */

  /* Times that a request is repeated because the server refused it unseen. Arbitrary: the first
   * repetition already knows how many streams the server allows. */
  LOAD_REFUSALS_MAX = 3,
  /* Connections in a row that end without one complete response before -n gives up on theirs.
   * Arbitrary. */
  LOAD_FUTILE_MAX = 5,
  /* With -n, a connection on which nothing has arrived for this many timeouts of its requests is
   * given up: otherwise each request that is left would wait for a timeout of its own. Arbitrary. */
  LOAD_SILENT_TIMEOUTS = 3,

  /* ---- what the report keeps ---- */

  /* Reasons why connections ended, each once with its count. Arbitrary; a run has two or three. */
  LOAD_REASONS_MAX = 16,
  /* A time or a count of bytes, with its unit. Untested: 64 bits have no longer text. */
  LOAD_TEXT_BYTES = 32,

  /* Progress is told every second for a while, then at intervals. Untested: eleven seconds of a
   * test to see one line less. */
  LOAD_PROGRESS_EVERY_SECOND = 5,
  LOAD_PROGRESS_SECONDS = 10,

  /* ---- one turn ---- */

  /* Requests that time out in one turn. Each is a reset, and a connection's control frames have
   * room for about this many. Untested: the others time out in the next turn, a moment later. */
  LOAD_EXPIRED_AT_ONCE = 64,
};

/* A second of requests in nanoseconds still fits 64 bits. */
#define LOAD_RATE_MAX 1000000000u

/* Before a connection that ended without use is made again; doubled each time, up to a second. */
#define LOAD_PAUSE_NS (100 * MILLISECOND_NS)

/* The open loop looks again after this long when no connection has room: the least that a request
 * can be late by without being told otherwise. Untested: it only sets how often. */
#define LOAD_PACE_BUSY_NS MILLISECOND_NS

#endif
