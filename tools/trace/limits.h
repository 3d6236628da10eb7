/*
 * trace/limits.h - every bound of `weir trace`, with its reason.
 */
#ifndef WEIR_TRACE_LIMITS_H
#define WEIR_TRACE_LIMITS_H

enum {
  /* ---- what the command line and the manifest may ask for ---- */

  TRACE_FIELDS_MAX = 16,      /* --header. Arbitrary */
  TRACE_TIMEOUT_SECONDS = 60, /* default of --timeout. Arbitrary */
  TRACE_RATE_MIN = 1000,      /* bytes per second: less than a modem of 1990 */
  TRACE_RESOURCES_MAX = 1000, /* heavy pages have about 300 */
  /* Of a manifest file; a thousand resources take about 200 KB. */
  TRACE_MANIFEST_BYTES_MAX = 8 << 20,

  /* ---- what a record keeps ---- */

  /* Frames of one run: 2^20 are 16 GB of full DATA frames. Further frames are only counted. */
  TRACE_FRAMES_MAX = 1 << 20,
  /* Payload kept of each frame except DATA: enough for all of SETTINGS, PRIORITY, GOAWAY, and for
   * the priority fields of HEADERS. */
  TRACE_PAYLOAD_BYTES_MAX = 256,
  /* To one origin over HTTP/1.1, as browsers have. */
  TRACE_HTTP1_CONNECTIONS = 6,
  TRACE_CONNECTIONS_MAX = 64, /* origins of one page; browsers rarely meet twenty */
  /* The text of a reason: a line and a half on a terminal. Untested: longer texts are cut. */
  TRACE_ERROR_BYTES = 192,

  /* ---- what is shown ---- */

  /* A frame as a line of text; SETTINGS and ORIGIN are the longest. */
  TRACE_FRAME_TEXT_BYTES = 1024,
  TRACE_FRAME_NAME_BYTES = 24, /* the longest has 15. Untested: derived */
  /* "1,234 ms": a number with its unit. Untested: 64 bits have no longer text. */
  TRACE_NUMBER_BYTES = 32,

  /* ---- a run ---- */

  /* Concurrent streams before the server's SETTINGS have come: what browsers assume, and the
   * minimum that RFC 9113 section 6.5.2 recommends. */
  TRACE_STREAMS_ASSUMED = 100,
  /* How often a request is repeated after the server refused it unprocessed. Arbitrary: by the
   * first repetition the server's limit on streams is known. */
  TRACE_REFUSALS_MAX = 3,

  /* ---- the link's rate ---- */

  TRACE_SEGMENT_BYTES = 1448, /* one Ethernet segment: what a link delivers at once */
  /* Receive buffers. The server does not feel how much is read at once, so buffers are small on
   * a slow link: less than three segments. Untested: they only decide how evenly --limit-rate
   * reads. */
  TRACE_BUFFER_COUNT = 64,
  TRACE_BUFFER_BYTES_NARROW = 4096,
};

/* First bytes of an image, kept until its dimensions are found. JPEG puts metadata first: segments
 * have up to 64 KiB, and an embedded preview takes one or two. */
#define TRACE_IMAGE_BYTES_MAX (256u * 1024u)

#endif
