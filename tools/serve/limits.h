/*
 * serve/limits.h - every bound of `weir serve`, with its reason.
 */
#ifndef WEIR_TOOLS_SERVE_LIMITS_H
#define WEIR_TOOLS_SERVE_LIMITS_H

enum {
  /* ---- what the command line may ask for ---- */

  SERVE_LISTENERS_MAX = 16,           /* addresses; "localhost" counts twice. Arbitrary */
  SERVE_WEIGHTS_MAX = 64,             /* --weight; each connection walks the list */
  SERVE_PRELOADS_MAX = 64,            /* --preload; a manifest can hold more */
  SERVE_PAGES_MAX = 4096,             /* of a manifest. Arbitrary */
  SERVE_FIELD_VALUE_BYTES_MAX = 1024, /* --cache-control. Arbitrary; no useful value is as long */
  /* The address of --weight, with NUL. Untested: an IPv6 address in brackets has 48 at most. */
  SERVE_HOST_BYTES = 64,
  SERVE_DRAIN_SECONDS_DEFAULT = 10, /* default of --drain-seconds. Arbitrary: a short download */

  /* ---- running ---- */

  /* Descriptors that must be left when all is set up: for a connection, and for the file that it
   * asks for with the directory on the way. Untested: test_command_line.py tries each limit from
   * the outside. */
  SERVE_DESCRIPTORS_MIN = 3,

  /* Paths whose 403 is explained with --verbose, and bytes of each in its line. An operator
   * reads the first few; a client that asks for more of them would fill a disk. */
  SERVE_REFUSALS_MAX = 256,
  SERVE_REFUSAL_BYTES_MAX = 512,

  /* ---- the built-in site ---- */

  /* The pattern that /bytes repeats; at least as long as any pull. Untested: a shorter one would
   * only be pulled more often. */
  DEMO_PATTERN_BYTES = 64 * 1024,
  /* The smallest piece that /echo allocates; small DATA frames share one. */
  DEMO_PIECE_BYTES_MIN = 4096,
};

/* The longest /delay, in milliseconds: one minute, the idle timeout of most proxies. */
#define DEMO_DELAY_MILLISECONDS_MAX 60000u

/* The most bytes that one /echo keeps: the largest receive window of a connection, which stops
 * clients earlier. */
#define DEMO_ECHO_BYTES_MAX (16u << 20)

#endif
