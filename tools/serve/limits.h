/*
 * serve/limits.h - every bound of `weir serve`, with its reason.
 */
#ifndef WEIR_TOOLS_SERVE_LIMITS_H
#define WEIR_TOOLS_SERVE_LIMITS_H

enum {
  /* ---- what the command line may ask for ---- */

  SERVE_LISTENERS_MAX = 16, /* addresses; "localhost" counts twice. Arbitrary */
  SERVE_WEIGHTS_MAX = 64,   /* --weight; they are looked through for each connection */
  SERVE_PRELOADS_MAX = 64,  /* --preload; whoever has more writes a manifest */
  SERVE_PAGES_MAX = 4096,   /* of a manifest. Arbitrary; a larger site wants a rule, not a list */
  SERVE_FIELD_VALUE_BYTES_MAX = 1024, /* --cache-control. Arbitrary, beyond any that makes sense */
  /* The address of --weight, with NUL. Untested: an IPv6 address in brackets has 48 at most. */
  SERVE_HOST_BYTES = 64,
  SERVE_DRAIN_SECONDS_DEFAULT = 10, /* default of --drain-seconds: as long as a short download */

  /* ---- running ---- */

  /* Descriptors that must be left when all is set up: for a connection, and for the file that it
   * asks for with the directory on the way. Untested: test_command_line.py tries each limit from
   * the outside. */
  SERVE_DESCRIPTORS_MIN = 3,

  /* Paths whose 403 is explained with --verbose, and bytes of each in its line. An operator reads the
   * first few; whoever asks for more of them would fill a disk. */
  SERVE_REFUSALS_MAX = 256,
  SERVE_REFUSAL_BYTES_MAX = 512,

  /* ---- the built-in site ---- */

  /* What /bytes sends again and again, in pieces as large as anybody pulls. Untested: a shorter one
   * is pulled more often. */
  DEMO_PATTERN_BYTES = 64 * 1024,
  /* The least piece in which /echo keeps what it received: small DATA frames share one. */
  DEMO_PIECE_BYTES_MIN = 4096,
};

/* Milliseconds that /delay accepts at most: one minute, the idle time of most proxies. */
#define DEMO_DELAY_MILLISECONDS_MAX 60000u

/* Bytes that one /echo keeps at most: as much as a connection's receive window may grow to, which
 * stops a client before. */
#define DEMO_ECHO_BYTES_MAX (16u << 20)

#endif
