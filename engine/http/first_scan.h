/*
 * http/first_scan.h - how many first bytes of a progressive image show all of it, coarsely.
 * Spec: ITU T.81 annex B (markers, B.1.1; scans, B.2.3) and annex G (progressive mode).
 *
 * A progressive JPEG comes in scans, each of which makes the whole picture finer. Its first scan is
 * complete when the marker behind it has arrived, be it that of a table, of the next scan or of the
 * end: only then does a decoder know that there is nothing more of it. That marker counts.
 *
 * Found for JPEG with a frame header SOF2, the one progressive kind that browsers show. A baseline
 * JPEG has no coarse scan. Interlaced GIF and PNG do have passes, but where these end can only be
 * told by decompressing them; they are left to rules with numbers (sched/head_start.h).
 *
 * Nothing is decoded and nothing kept: the state is a place in the file. Any bytes give an answer,
 * at a cost linear in their number; no memory, no failure.
 */
#ifndef WEIR_FIRST_SCAN_H
#define WEIR_FIRST_SCAN_H

#include "engine/base/machine.h"

#ifdef __cplusplus
extern "C" {
#endif

enum first_scan_result {
  FIRST_SCAN_MORE,  /* so far it may have one: go on with the bytes that follow */
  FIRST_SCAN_FOUND, /* `bytes` of the state */
  FIRST_SCAN_NONE,  /* no progressive JPEG, or a damaged one, or longer than is worth it */
};

/* A place in a file; zero is its beginning. */
struct first_scan {
  uint32_t bytes;      /* gone through so far; with FIRST_SCAN_FOUND, what the first scan takes */
  uint32_t skip_bytes; /* of the segment in hand, still to come */
  uint8_t step;        /* what the next byte is */
  uint8_t marker;      /* of the segment in hand */
  uint8_t length_high; /* first byte of its length */
  uint8_t result;      /* enum first_scan_result; MORE can change, the others are final */
  bool progressive;    /* SOF2 has come */
};

/* Goes on with the next bytes of the file, as many as there are. Those behind
 * HEAD_START_SCAN_BYTES_MAX (128 KiB) are not looked at: a first scan that is longer than that is
 * none. */
enum first_scan_result first_scan_read(struct first_scan *scan, struct span bytes);

/* The same for a file that is there as a whole: the bytes that its first scan takes; 0: it has
 * none. */
uint32_t first_scan_bytes(struct span file);

#ifdef __cplusplus
}
#endif

#endif
