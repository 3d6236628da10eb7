/*
 * http/first_scan.h - how many first bytes of a progressive image show all of it, coarsely.
 * Spec: ITU T.81 annex B (markers, B.1.1; scans, B.2.3) and annex G (progressive mode).
 *
 * A progressive JPEG comes in scans, each of which makes the whole picture finer. Its first scan is
 * complete once the marker after it has arrived (of a table, of the next scan, or of the end): only
 * then does a decoder know that the scan has ended. That marker is included.
 *
 * Found for JPEG with a frame header SOF2, the one progressive kind that browsers show. A baseline
 * JPEG has no coarse scan. Interlaced GIF and PNG do have passes, but only decompressing them tells
 * where these end; they are left to rules with numbers (sched/head_start.h).
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
  FIRST_SCAN_NONE,  /* not a progressive JPEG, or a damaged one, or one with a longer first scan */
};

/* A place in a file; zero is its beginning. */
struct first_scan {
  uint32_t bytes;      /* read so far; with FIRST_SCAN_FOUND, those to the end of the first scan */
  uint32_t skip_bytes; /* of the current segment, still to come */
  uint8_t step;        /* what the next byte is */
  uint8_t marker;      /* of the current segment */
  uint8_t length_high; /* first byte of its length */
  uint8_t result;      /* enum first_scan_result; MORE can change, the others are final */
  bool progressive;    /* SOF2 has come */
};

/* Goes on with the next bytes of the file, as many as there are. Bytes after
 * HEAD_START_SCAN_BYTES_MAX (128 KiB) are not looked at: a longer first scan is not found. */
enum first_scan_result first_scan_read(struct first_scan *scan, struct span bytes);

/* The same for a whole file: the bytes to the end of its first scan; 0: it has none. */
uint32_t first_scan_bytes(struct span file);

#ifdef __cplusplus
}
#endif

#endif
