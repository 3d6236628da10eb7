/*
 * serve/limits.h - every bound of `weir serve`, with its reason.
 */
#ifndef WEIR_TOOLS_SERVE_LIMITS_H
#define WEIR_TOOLS_SERVE_LIMITS_H

enum {
  /* ---- what the command line may ask for ---- */

  SERVE_LISTENERS_MAX = 16, /* addresses; "localhost" counts twice. Arbitrary */
  /* Derived from that: places for those of the configuration in force and for new ones. Untested: derived. */
  SERVE_SLOTS_MAX = 2 * SERVE_LISTENERS_MAX,
  SERVE_WEIGHTS_MAX = 64,             /* --weight; each connection walks the list */
  SERVE_PRELOADS_MAX = 64,            /* --preload; a manifest can hold more */
  SERVE_PAGES_MAX = 4096,             /* of a manifest. Arbitrary */
  SERVE_FIELD_VALUE_BYTES_MAX = 1024, /* --cache-control. Arbitrary; no useful value is as long */
  /* The address of --weight, with NUL. Untested: an IPv6 address in brackets has 48 at most. */
  SERVE_HOST_BYTES = 64,
  SERVE_DRAIN_SECONDS_DEFAULT = 10, /* default of --drain-seconds. Arbitrary: a short download */

  /* ---- a configuration file ---- */

  CONFIG_BYTES_MAX = 1 << 20, /* thousands of routes */
  CONFIG_DEPTH_MAX = 16,      /* of nested values; the deepest key needs eight */
  CONFIG_KEYS_MAX = 128,      /* in the table, with lists. Untested: asserted */
  CONFIG_PARTS_MAX = 4096,    /* hosts, routes and certificates: 2 KiB each. Arbitrary */
  /* A host's name in its normal form: 253 characters (RFC 1123 section 2.1). */
  HOST_BYTES_MAX = 253,
  /* A redirect's location: the longest path, percent-encoded, with its query and a configured target. Untested:
   * derived from their bounds, so that none is longer. */
  SERVE_LOCATION_BYTES_MAX = 22 * 1024,

  /* ---- rules of routes ---- */

  SERVE_ACCESS_RULES_MAX = 64, /* of one route; each request walks the list. Arbitrary */
  SERVE_CACHE_RULES_MAX = 64,  /* patterns; each file is compared once. Arbitrary */
  SERVE_TYPES_MAX = 256,       /* overridden types. Arbitrary */
  SERVE_ERROR_PAGES_MAX = 64,  /* there are fewer statuses in use */
  /* An error page, which is held in memory. Pages with pictures in them are larger than any useful one. */
  SERVE_ERROR_PAGE_BYTES_MAX = 1 << 20,

  /* ---- rates ---- */

  /* Accounts of clients in a worker's table: 512 KiB. Twice what a busy core has of clients within the time that a
   * burst is remembered. A power of two. */
  RATE_ACCOUNTS_MAX = 32768,
  /* Accounts of a set. Untested: derived from the cache line, as the compiler checks. */
  RATE_WAYS = 4,
  /* What one customer has of IPv6 at least (RFC 6177). */
  CLIENT_IPV6_BITS = 64,
  /* The largest burst; arbitrary. At the slowest rate an account then fits into 63 bits. */
  RATE_BURST_MAX = 1000000,
  RATE_TEXT_BYTES = 32, /* of the rate itself, with NUL. Arbitrary */
  /* Clients with open connections that a worker counts: 512 KiB. As many as it has connections by default
   * (IO_LINKS_MAX), so that few find their set full. A power of two. */
  CLIENT_LINKS_MAX = 65536,
  /* Clients of a set. Untested: derived from the cache line, as the compiler checks. */
  CLIENT_LINKS_WAYS = 8,
  /* The largest limit on them: it fits into 16 bits, and no browser opens as many. */
  CLIENT_LINKS_EACH_MAX = 65535,
  /* Messages about clients that ask too much, of each worker in a second; the rest is counted. */
  RATE_LINES_PER_SECOND_MAX = 10,

  /* ---- running ---- */

  /* What the service manager is told at once; it takes 4096. And how long it may take for it.
   * Untested: a longer status is cut; systemd reads at once. */
  SERVE_NOTIFY_BYTES = 1024,
  SERVE_NOTIFY_MILLISECONDS = 500,
  /* Listening sockets that are inherited: those of SERVE_LISTENERS_MAX addresses and IO_WORKERS_MAX
   * workers. */
  SERVE_INHERITED_MAX = 4096,
  SERVE_SOCKET_NAME_BYTES = 32, /* of an inherited socket. Untested: other names say nothing */
  /* Of --user: Linux has names of 32. Untested: longer ones do not exist. */
  SERVE_USER_NAME_BYTES = 64,
  SERVE_PATH_BYTES = 4096, /* of the program, PATH_MAX. Untested: no program can lie deeper */
  /* How long a server whose listening sockets live on elsewhere goes on after it has stopped accepting:
   * the first bytes of a connection that it has just accepted are on their way. Untested: timing. */
  SERVE_LEAVE_MILLISECONDS = 500,
  /* From the start of a program that replaces this one until it is ready: it opens certificates and
   * reads a configuration. Untested: it is too long for a test. */
  SERVE_REPLACE_SECONDS = 30,

  /* Descriptors that must be left when all is set up: for a connection, and for the file that it
   * asks for with the directory on the way. Untested: test_command_line.py tries each limit from
   * the outside. */
  SERVE_DESCRIPTORS_MIN = 3,

  /* Paths whose 403 is explained with --verbose, and bytes of each in its line. An operator
   * reads the first few; a client that asks for more of them would fill a disk. */
  SERVE_REFUSALS_MAX = 256,
  SERVE_REFUSAL_BYTES_MAX = 512,

  /* ---- compression ---- */

  /* Threads that compress, for all workers, and files that wait for them; those beyond are sent as they are. Two make
   * 100 MB/s or more. Untested: other values only make others wait. */
  RECODE_THREADS = 2,
  RECODE_WAITING_MAX = 64,
  /* Compressed, a file must be smaller by one part in so many, or it is not worth a client's time. Untested: another
   * value sends some more files one way or the other. */
  RECODE_GAIN_PART = 16,
  /* Most that a compressed sibling may become when it is decoded: half of the default cache. Untested: it is the bound
   * that test_codec.c gives to codec_run(). */
  RECODE_DECODED_BYTES_MAX = 32 * 1024 * 1024,
  /* What was made of one file is at most one part in so many of the cache, which holds others, too. */
  RECODE_CACHE_PART = 2,
  /* Levels with about the same speed, from which on more costs much and gains little. Untested: others only shift
   * that. */
  CODEC_GZIP_LEVEL = 6,
  CODEC_BROTLI_LEVEL = 5,
  CODEC_ZSTD_LEVEL = 6,
  /* The same for bodies that are compressed as they are sent, of which COMPRESS_STREAMS_MAX at most are under way in a
   * worker; each takes about a megabyte. Untested: other values only shift that. */
  CODEC_STREAM_LEVEL = 4,
  CODEC_STREAM_WINDOW_BITS = 17,
  CODEC_STREAM_GZIP_MEMORY = 8,
  COMPRESS_STREAMS_MAX = 64,
  /* What a job takes at once, and what it gives. Untested: others only make more jobs. */
  COMPRESS_IN_BYTES = 16 * 1024,
  COMPRESS_OUT_BYTES = 16 * 1024,
  /* A longer entity tag is left out of a compressed response. Untested: none is as long. */
  COMPRESS_ETAG_BYTES_MAX = 256,
  /* Fixed by what browsers take: windows of 8 MiB. */
  CODEC_ZSTD_WINDOW_BITS = 23,

  /* ---- metrics ---- */

  /* Upper bounds of each histogram. Twelve: more would make every scrape larger, and say little more. */
  REQUEST_BUCKETS = 12,
  /* Clients at once. Another one takes the place of the oldest, once that has had its time, many times what a scrape
   * takes: so clients that do not read keep no probe waiting, not even hundreds of them. */
  METRICS_CONNECTIONS_MAX = 32,
  METRICS_YIELD_MILLISECONDS = 50, /* Untested: with another, a probe waits shorter or longer */
  /* Requests at once of each client: so that none keeps others from theirs, all clients may have as many. A page is
   * 40 KiB: those that do not read hold 5 MiB at most. Untested: test_metrics.py bounds the memory. */
  METRICS_STREAMS_EACH = 2,
  /* Receive buffers of the thread, and the size of each: requests are small. Untested: less would only
   * take more receives. */
  METRICS_BUFFERS = 16,
  METRICS_BUFFER_BYTES = 4096,

  /* ---- watching files, see serve/tls/watch.h ---- */

  /* The pause in events after which files are read, and how many of its lengths are waited for one: 2 s. Long
   * enough to write a certificate and then its key, and short for a person. */
  WATCH_QUIET_MILLISECONDS = 200,
  WATCH_QUIET_TIMES = 10,
  /* Steps along one path, symbolic links included. Linux follows 40 links; the rest is for
   * directories. */
  WATCH_STEPS_MAX = 256,
  /* How often files are looked at without an event. Untested: another value finds what inotify cannot
   * see sooner or later. */
  WATCH_PERIOD_SECONDS = 10,

  /* ---- within a cgroup's limit on memory, see serve/memory.h ---- */

  /* The program itself: code that it touches, libraries, tables. It starts with 10 MiB, most of which
   * the kernel can drop and read again. */
  SERVE_PROCESS_BYTES = 8 * 1024 * 1024,

  /* The least for a worker: its shares below are then sixteen receive buffers, forty
   * connections, sixteen uploads, a megabyte of files, and eight files that are read from disk. */
  SERVE_WORKER_BYTES_MIN = 8 * 1024 * 1024,

  /* Parts in which a worker's memory is divided, and how many each use gets. Connections get most:
   * an idle one is cheap, but all of them can have output waiting at once. Three are left to the
   * kernel, whose socket buffers count too, and to what allocators lose. */
  SERVE_SHARES = 32,
  SERVE_SHARE_BUFFERS = 1,
  SERVE_SHARE_KEEP = 1,
  SERVE_SHARE_CONNECTIONS = 10,
  SERVE_SHARE_STREAMS = 6,
  SERVE_SHARE_WINDOWS = 4,
  SERVE_SHARE_CACHE = 4,
  SERVE_SHARE_READS = 2,
  SERVE_SHARE_LOG = 1,

  /* What is counted for a connection: four times an idle one with TLS 1.2, half of a busy one. And for a
   * stream, with what the handler keeps for it and its response's header section. */
  SERVE_CONNECTION_BYTES = 64 * 1024,
  SERVE_STREAM_BYTES = 2560,

  /* ---- the access log ---- */

  /* Lines that wait to be written, of each worker. At 200 bytes for what is known of a request, 20,000
   * lines: 100 ms of a worker that answers 200,000 requests a second, and minutes of most others. A
   * power of two. */
  ACCESS_LOG_QUEUE_BYTES = 4 << 20,
  /* How long the thread gathers lines after each write: 50 writes a second at most, and a line is
   * seldom read sooner. Untested: another value costs more writes, or delays lines. */
  ACCESS_LOG_REST_MILLISECONDS = 20,
  /* After a write that failed: the disk is full, or nothing reads the FIFO. Arbitrary. Untested:
   * another value only costs more attempts, or delays lines. */
  ACCESS_LOG_RETRY_MILLISECONDS = 1000,
  /* How long the end of the server waits for lines to be written. Arbitrary. */
  ACCESS_LOG_END_MILLISECONDS = 2000,
  /* Most of each text of a request that is logged: method, and scheme; authority, and user-agent;
   * path, and referer. More than any honest client sends, except for the path, where clients and
   * servers agree on 8000 (RFC 9112 section 3). */
  ACCESS_LOG_METHOD_BYTES_MAX = 32,
  ACCESS_LOG_AUTHORITY_BYTES_MAX = 1024,
  ACCESS_LOG_PATH_BYTES_MAX = 8000,
  ACCESS_LOG_TEXT_BYTES_MAX = 2 * (32 + 1024 + 8000) + 512, /* and a client's subject */
  /* Derived from \u00HH: bytes that one byte of text may become. */
  LOG_TEXT_GROWTH = 6,
  /* The longest line: each byte of text may become six, and the rest of JSON has less than 1024. The
   * log's thread makes as many bytes of text at once. */
  ACCESS_LOG_LINE_REST_BYTES_MAX = 1024,
  ACCESS_LOG_LINE_BYTES_MAX =
      LOG_TEXT_GROWTH * ACCESS_LOG_TEXT_BYTES_MAX + ACCESS_LOG_LINE_REST_BYTES_MAX,
  /* What a request under way holds for its line, unless its texts are longer. */
  ACCESS_LOG_SMALL_BYTES = 512,

  /* A recorded request's line, which has all its fields. Longer ones are dropped and counted: more
   * than any honest client sends. */
  RECORD_LINE_BYTES_MAX = 65536,
  /* What is added when a request has ended: its protocol and a number. Untested: no protocol's name
   * is longer. */
  RECORD_END_BYTES_MAX = 64,
  /* What a request under way holds for its line, unless that is longer: browsers' requests have
   * fields of about 1 KB. */
  RECORD_SMALL_BYTES = 2048,
  /* A URL with an authority, for paths that begin with two slashes. As ACCESS_LOG_PATH_BYTES_MAX and
   * ACCESS_LOG_AUTHORITY_BYTES_MAX. */
  RECORD_URL_BYTES_MAX = 9100,

  /* ---- the built-in site ---- */

  /* The pattern that /bytes repeats; at least as long as any pull. Untested: a shorter one would
   * only be pulled more often. */
  DEMO_PATTERN_BYTES = 64 * 1024,
  /* The smallest piece that /echo allocates; small DATA frames share one. */
  DEMO_PIECE_BYTES_MIN = 4096,
  /* An event of /events: its names, and six counters of twenty digits; less than BODY_ROOM_BYTES. */
  DEMO_EVENT_BYTES_MAX = 256,
};

/* Rates that can be said: one an hour, to more than a core can answer. */
#define RATE_PER_SECOND_MIN (1.0 / 3600)
#define RATE_PER_SECOND_MAX 1e6

/* How long /poll waits: one minute, as /delay. */
#define DEMO_POLL_MILLISECONDS 60000u

/* The longest /delay, in milliseconds: one minute, the idle timeout of most proxies. */
#define DEMO_DELAY_MILLISECONDS_MAX 60000u

/* The most bytes that all WebSockets of /ws hold in a worker: 64 that each hold the longest message. */
#define DEMO_WS_BYTES_MAX (64u << 20)

/* The most bytes that one /echo keeps: the largest receive window of a connection, which stops
 * clients earlier. */
#define DEMO_ECHO_BYTES_MAX (16u << 20)

/* How long a reload waits when a worker's mailbox is full. Arbitrary. Untested: another value only delays it. */
#define SERVE_MAILBOX_PAUSE_NS 1000000

#endif
