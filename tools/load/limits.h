/*
 * load/limits.h - every bound of `weir load`, with its reason.
 */
#ifndef WEIR_LOAD_LIMITS_H
#define WEIR_LOAD_LIMITS_H

#include "engine/base/limits.h"

enum {
  /* ---- what the command line may ask for ---- */

  /* Rows of all tables of options, synonyms included. Untested: asserted. */
  LOAD_OPTIONS_MAX = 128,
  /* How far ahead --start-at may be: a time that is further away is a mistake. */
  LOAD_START_AHEAD_SECONDS = 86400,
  /* One page of help. Untested: asserted. */
  LOAD_HELP_BYTES = 16384,
  LOAD_FIELDS_MAX = 16, /* --header. Arbitrary; users of h2load pass two or three */
  LOAD_URLS_MAX = 1024, /* arbitrary: a crawl of one site, not of the web */
  /* Servers that the report shows; JSON has all. Arbitrary; one screen. Untested: it changes only how
   * many rows there are. */
  LOAD_ORIGIN_ROWS = 8,
  LOAD_ORIGINS_MAX = 64,          /* servers of one run. Arbitrary */
  LOAD_TLS_KINDS_MAX = 8,         /* of handshakes that are told apart. Arbitrary */
  LOAD_CONNECTIONS_MAX = 1000000, /* descriptors run out before */
  LOAD_STREAMS_MAX = 65536,       /* of one connection; no server allows more */
  LOAD_WINDOW_BITS = 30,          /* as in h2load: receive windows that never limit a server */
  LOAD_TIMEOUT_SECONDS = 30,      /* default of --timeout: longer than any user waits */
  LOAD_BATCH_WAIT_US_MAX =
      10000, /* of --batch-wait. Arbitrary: 100 save nearly all there is to save */
  /* Microseconds of a wait without --batch-wait. A shorter one costs a timer, and saves nothing (h2o, 16 connections of 32
   * streams); 30 save most of what a server that sends responses one by one costs, and in a longer one a closed loop only
   * asks for less. */
  LOAD_BATCH_AUTO_US_MIN = 10,
  LOAD_BATCH_AUTO_US_MAX = 50,
  /* --batch-wait: connections with an answer that end a worker's wait; fewer if it has fewer. Untested: more save
   * nothing. */
  LOAD_BATCH_CONNECTIONS_MAX = 64,
  /* --stage. Arbitrary: each costs 200 KB a thread, and a report with more is not read. */
  LOAD_STAGES_MAX = 64,
  LOAD_SEGMENTS_MAX = LOAD_STAGES_MAX + 1, /* and the warm-up. Untested: derived */
  LOAD_BURST_MAX = 1000000,                /* --arrivals burst=N. Arbitrary */
  LOAD_CAPS_MAX = 16,           /* --cap. Arbitrary; pages have fewer kinds of resources */
  LOAD_CAP_PATTERN_BYTES = 256, /* of one --cap, with NUL. Arbitrary; paths have a few dozen */
  LOAD_CAP_STEP_BYTES = 24,     /* the text of a step, with NUL: 2147483647 has ten digits */
  LOAD_CAP_STEPS_MAX = 8,       /* of one --cap. Arbitrary */

  /* Receive buffers of a thread, of 16 KiB. Powers of two. The most are those of a server, too. Untested:
   * where they are short, less is received at once. */
  LOAD_BUFFERS_MIN = 16,
  LOAD_BUFFERS_MAX = 256,

  /* ---- requests from files ---- */

  /* The text of one request: a line, or an entry of an archive, which has the response's body, too.
   * Arbitrary; browsers leave out larger bodies. */
  LOAD_INPUT_ITEM_BYTES_MAX = 32 << 20,
  /* What is read at once. Untested: it only divides the file otherwise. */
  LOAD_INPUT_LOOK_BYTES = 65536,
  /* A request as it is kept, its body included unless that is a file. Arbitrary. */
  LOAD_FORM_BYTES_MAX = 4 << 20,
  LOAD_FORM_FIELDS_MAX = 128, /* of a request in a file: as many as weir serve takes and records */
  LOAD_PIECES_MAX = 256,      /* fields and variables of one request. Arbitrary */
  LOAD_METHOD_BYTES_MAX = 32, /* arbitrary: the longest registered one has 17 */
  /* Requests of a list that a worker keeps a copy of: half a KiB each. The copying of more would pay, too,
   * but there the blocks differ more than HTTP/2 keeps. */
  LOAD_SETS_MAX = 4096,
  LOAD_WEIGHT_MAX = 1000, /* arbitrary: one in a thousand is rare enough */
  /* Requests of a list, each as often as its weight says. Untested: takes half a gigabyte. */
  LOAD_PLACES_MAX = 1 << 26,
  /* Requests of a file that are kept in memory; larger files are read as streams. Thirty thousand
   * plain URLs, which take twice as much again once they are made. */
  LOAD_KEPT_BYTES_MAX = 16 << 20,
  /* Batches of one worker's ring, and when one is full. So a worker has 512 KiB of requests ahead:
   * about a thousand, or some milliseconds of its work. */
  LOAD_BATCHES_MAX = 8,
  LOAD_BATCH_BYTES = 65536,
  LOAD_BODY_FILES_MAX = 4096,   /* arbitrary: each is mapped once, and stays so */
  LOAD_PATH_BYTES_MAX = 4096,   /* as PATH_MAX of Linux */
  LOAD_ZERO_BYTES = 16384,      /* of a body of zeros that are lent at once: as a DATA frame */
  LOAD_CSV_COLUMNS_MAX = 64,    /* arbitrary */
  LOAD_VARIABLE_BYTES_MAX = 64, /* how near a closing brace must be. Arbitrary */

  /* ---- WebSockets ---- */

  LOAD_MESSAGE_BYTES_DEFAULT = 64, /* arbitrary: a small JSON object */
  /* --message-bytes, and what is taken from the server: more than servers take by default. */
  LOAD_MESSAGE_BYTES_MAX = 64 << 20,
  /* Of a message's number: more than a run has, in hexadecimal digits. Untested: derived. */
  LOAD_MESSAGE_NUMBER_BYTES = 16,
  LOAD_SUBPROTOCOL_BYTES_MAX = 128, /* arbitrary: registered names have 36 at most */
  /* Of the request: pseudo-header fields, user-agent, --header, and what WebSockets need. Untested:
   * asserted. */
  LOAD_WS_FIELDS_MAX = 16 + LOAD_FIELDS_MAX,
  LOAD_CLOSE_CODE_MIN = 1000, /* RFC 6455 section 7.4 */
  LOAD_CLOSE_CODES = 4000,    /* likewise: 1000 .. 4999 */

  LOAD_FAIL_IFS_MAX = 16, /* --fail-if. Arbitrary; people have two or three */
  /* The text of a condition of --fail-if, with its stage. Untested: longer ones are cut in reports. */
  LOAD_CONDITION_BYTES = 64,
  LOAD_OUTCOMES_MAX = LOAD_FAIL_IFS_MAX * LOAD_STAGES_MAX, /* "stages:" has one for each stage */

  /* ---- when to give up ---- */

  /* How often a request is repeated after the server refused it unprocessed, while its connections
   * complete no response. Arbitrary: by the first repetition the server's limit on streams is
   * known. */
  LOAD_REFUSALS_MAX = 3,
  /* With -n: successive connections without a complete response after which we stop reconnecting.
   * Arbitrary. */
  LOAD_FUTILE_MAX = 5,
  /* With -n: a connection is given up after this many request timeouts of silence. Otherwise each
   * remaining request would wait for its own timeout. Arbitrary. */
  LOAD_SILENT_TIMEOUTS = 3,

  /* ---- what the report keeps ---- */

  /* Distinct reasons why connections ended, each with its count. Arbitrary; a run has two or
   * three. */
  LOAD_REASONS_MAX = 16,
  /* Kinds of errors, with their codes, each with its count: ten kinds, the 14 codes of RFC 9113, and close
   * codes.
   * Others are only counted. */
  LOAD_ERROR_ROWS_MAX = 48,
  LOAD_STATUSES = 1000, /* 0 .. 999; three digits (RFC 9110 section 15) */
  /* Rows of the series, even. Plots are about as wide. After 20 minutes each row is two seconds. */
  LOAD_SERIES_ROWS_MAX = 1200,
  LOAD_PAGE_COLUMNS = 80, /* of the text report: the usual width of a terminal */
  /* Kinds of errors that the text report lists: with all else they fit one screen. JSON has all. */
  LOAD_PAGE_ERRORS = 6,
  LOAD_SPARK_MAX = 120, /* seconds that a sparkline shows; more than most terminals have room for */
  LOAD_FRAME_LINES = 7, /* of the live display */
  /* Where its sparklines begin: behind the longest text. Untested: taste. */
  LOAD_FRAME_SPARK_COLUMN = 50,
  /* Of one of its lines: 500 columns, each of three bytes with a color of nine. */
  LOAD_FRAME_LINE_BYTES = 6000,
  /* A time or a count of bytes, with its unit. Untested: 64 bits have no longer text. */
  LOAD_TEXT_BYTES = 32,

  /* Finished requests of a worker that wait to be written to --log-file: 30 ms of a million a second. A
   * power of two. */
  LOAD_LOG_ROWS = 32768,
  /* A line of it. Untested: three numbers have no more digits. */
  LOAD_LOG_LINE_BYTES = 72,

  /* ---- one turn ---- */

  /* Timeouts handled in one turn. Each is a reset, and a connection's control frames have room for
   * about this many. Untested: the others follow in the next turn. */
  LOAD_EXPIRED_AT_ONCE = 64,
};

/* -n. Arbitrary: a century at a thousand a second is less. */
#define LOAD_REQUESTS_MAX (UINT64_C(1) << 48)

/* Requests per second: ten times what a core can start. */
#define LOAD_RATE_MAX 10e6

/* How soon an open loop starts after the last connection's first attempt, so that all threads know
 * it in time. Their timers count milliseconds. Untested: no result shows it. */
#define LOAD_START_NS (3 * MILLISECOND_NS)

/* The pause before reconnecting after a connection without a complete response. It doubles each
 * time, up to a second. */
#define LOAD_PAUSE_NS (100 * MILLISECOND_NS)

/* Open loop: how soon to try again when no connection has room. Untested: it changes only how often
 * we try. */
#define LOAD_PACE_BUSY_NS MILLISECOND_NS

/* --speed. Arbitrary: a day in two minutes, and a minute in a day. */
#define LOAD_SPEED_MIN 0.001
#define LOAD_SPEED_MAX 1000.0

/* How soon to try again when a file is read too slowly. Untested: it changes only how often we
 * try. */
#define LOAD_INPUT_BUSY_NS MILLISECOND_NS

/* Closed loop: how often a worker looks how late it wakes. A hundred times a second costs nothing
 * that can be measured. Untested: test_weir_load_truth.py counts the beats of a run. */
#define LOAD_BEAT_NS (10 * MILLISECOND_NS)

/* How long cores are watched before the run, to find one that nobody keeps busy: five ticks of the
 * kernel's count. Untested: io/worker/test_idle.c makes up the readings. */
#define LOAD_WATCH_NS (50 * MILLISECOND_NS)

/* CPU use from which a worker may have been slower than the server. Untested: a busy thread takes a
 * busy machine. */
#define LOAD_BUSY 0.95

/* Part of the workers' time from which a file of -i that is read too slowly limits a run: less is its
 * beginning. Arbitrary. */
#define LOAD_INPUT_PART 0.05

/* How long the thread that writes --log-file sleeps when there is nothing. Untested: it changes only how
 * many rows it finds. */
#define LOAD_LOG_PAUSE_NS (5 * MILLISECOND_NS)

/* How often the live display is drawn. Often enough for a bar that moves. Untested: taste. */
#define LOAD_FRAME_NS (250 * MILLISECOND_NS)

/* Being late by more than this is the generator's fault, worth a word. A tenth of the latency that
 * people notice; a thread that sleeps on a quiet machine wakes within a tenth of it. */
#define LOAD_LATE_NS MILLISECOND_NS

#endif
