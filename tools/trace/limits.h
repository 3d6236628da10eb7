/*
 * trace/limits.h - every bound of `weir trace`, with its reason.
 */
#ifndef WEIR_TRACE_LIMITS_H
#define WEIR_TRACE_LIMITS_H

#include "engine/base/limits.h"

enum {
  /* ---- what the command line and the manifest may ask for ---- */

  TRACE_FIELDS_MAX = 16,      /* --header. Arbitrary */
  TRACE_TIMEOUT_SECONDS = 60, /* default of --timeout. Arbitrary */
  TRACE_RATE_MIN = 1000,      /* bytes per second: less than a modem of 1990 */
  TRACE_RESOURCES_MAX = 1000, /* a heavy page has some 300 */
  /* A manifest file: a thousand resources are some 200 KB. */
  TRACE_MANIFEST_BYTES_MAX = 8 << 20,

  /* ---- what a record keeps ---- */

  /* Frames of one run: 2^20 are 16 GB of full DATA frames. Beyond it frames are counted, not
   * kept. */
  TRACE_FRAMES_MAX = 1 << 20,
  /* Payload that is kept of each frame but DATA: all of SETTINGS, PRIORITY, GOAWAY ... and the
   * priority fields of HEADERS. */
  TRACE_PAYLOAD_BYTES_MAX = 256,
  TRACE_CONNECTIONS_MAX = 64, /* origins of one page; browsers rarely meet twenty */
  /* A text that says why: a line and a half of a terminal. Untested: a longer one is cut. */
  TRACE_ERROR_BYTES = 192,

  /* ---- what is shown ---- */

  /* A frame as a line of text: SETTINGS and ORIGIN are long. */
  TRACE_FRAME_TEXT_BYTES = 1024,
  /* "1,234 ms": a number with its unit. Untested: 64 bits have no longer text. */
  TRACE_NUMBER_BYTES = 32,

  /* ---- a run ---- */

  /* Streams asked for before the server's SETTINGS say how many it allows: what browsers assume,
   * and the least that RFC 9113 section 6.5.2 recommends to allow. */
  TRACE_STREAMS_ASSUMED = 100,
  /* Times that a request is repeated because the server refused it unseen. Arbitrary: the first
   * repetition already knows how many streams the server allows. */
  TRACE_REFUSALS_MAX = 3,

  /* ---- the link's rate ---- */

  TRACE_SEGMENT_BYTES = 1448, /* one segment of Ethernet: what a link hands over at once */
  /* Buffers to receive into. What is read at once is not felt by the server, so they are small
   * where the link is narrow: less than three segments. Untested: how evenly --limit-rate reads,
   * no more. */
  TRACE_BUFFER_COUNT = 64,
  TRACE_BUFFER_BYTES_NARROW = 4096,
};

/* An image's first bytes, kept while its dimensions are looked for. JPEG puts its metadata first:
 * each segment has up to 64 KiB, and an embedded preview takes one or two. */
#define TRACE_IMAGE_BYTES_MAX (256u * 1024u)

#endif
