/*
 * http/first_scan.c - from marker to marker; see http/first_scan.h.
 *
 *     SOI --> marker --> length --> skip --+--> SOS's: the scan --> a marker that ends it
 *               ^                          |
 *               +--------------------------+ any other
 */
#include "engine/http/first_scan.h"
#include "engine/http/limits.h"

/* What the next byte is. */
enum step {
  STEP_SIGNATURE,    /* the first of the file */
  STEP_SOI,          /* the second */
  STEP_PREFIX,       /* the first of a marker */
  STEP_MARKER,       /* the second, or one more fill byte */
  STEP_LENGTH,       /* the first of a segment's length */
  STEP_LENGTH_LOW,   /* the second */
  STEP_SEGMENT,      /* of a segment */
  STEP_ENTROPY,      /* of a scan's entropy-coded data */
  STEP_ENTROPY_MARK, /* the one after an 0xFF in it */
};

/* Table B.1. */
enum marker {
  MARKER_STUFFED = 0x00, /* not a marker: a data byte 0xFF */
  MARKER_TEM = 0x01,
  MARKER_SOF0 = 0xC0,
  MARKER_SOF2 = 0xC2,
  MARKER_DHT = 0xC4, /* this and the next two lie among the frame headers */
  MARKER_JPG = 0xC8,
  MARKER_DAC = 0xCC,
  MARKER_SOF15 = 0xCF,
  MARKER_RST0 = 0xD0,
  MARKER_RST7 = 0xD7,
  MARKER_SOI = 0xD8,
  MARKER_EOI = 0xD9,
  MARKER_SOS = 0xDA,
  MARKER_FILL = 0xFF,
};

static bool is_restart(uint8_t marker) {
  return marker >= MARKER_RST0 && marker <= MARKER_RST7;
}

static bool is_frame_header(uint8_t marker) {
  return marker >= MARKER_SOF0 && marker <= MARKER_SOF15 && marker != MARKER_DHT &&
         marker != MARKER_JPG && marker != MARKER_DAC;
}

/* Markers that no progressive JPEG has before its first scan. */
static bool is_out_of_place(const struct first_scan *scan, uint8_t marker) {
  if (marker == MARKER_SOS) return !scan->progressive;
  if (is_frame_header(marker)) return marker != MARKER_SOF2 || scan->progressive;
  return marker == MARKER_STUFFED || marker == MARKER_SOI || marker == MARKER_EOI;
}

static void give_up(struct first_scan *scan) {
  scan->result = FIRST_SCAN_NONE;
}

static void read_marker(struct first_scan *scan, uint8_t marker) {
  if (marker == MARKER_FILL) return;
  if (is_out_of_place(scan, marker)) {
    give_up(scan);
    return;
  }
  scan->progressive |= marker == MARKER_SOF2;
  scan->marker = marker;
  bool alone = marker == MARKER_TEM || is_restart(marker);
  scan->step = alone ? STEP_PREFIX : STEP_LENGTH;
}

/* The current segment has ended. */
static void end_segment(struct first_scan *scan) {
  scan->step = scan->marker == MARKER_SOS ? STEP_ENTROPY : STEP_PREFIX;
}

/* A length counts its own two bytes. */
static void read_length(struct first_scan *scan, uint8_t low) {
  uint32_t length = (uint32_t)scan->length_high << 8 | low;
  if (length < 2) {
    give_up(scan);
    return;
  }
  scan->skip_bytes = length - 2;
  scan->step = STEP_SEGMENT;
  if (scan->skip_bytes == 0) end_segment(scan);
}

static void read_entropy_mark(struct first_scan *scan, uint8_t c) {
  if (c == MARKER_FILL) return;
  if (c == MARKER_STUFFED || is_restart(c))
    scan->step = STEP_ENTROPY;
  else
    scan->result = FIRST_SCAN_FOUND;
}

static void expect(struct first_scan *scan, uint8_t c, uint8_t expected, enum step next) {
  scan->step = (uint8_t)next;
  if (c != expected) give_up(scan);
}

/* Reads one byte, where each counts. */
static void read_byte(struct first_scan *scan, uint8_t c) {
  scan->bytes++;
  switch ((enum step)scan->step) {
  case STEP_SIGNATURE: expect(scan, c, MARKER_FILL, STEP_SOI); return;
  case STEP_SOI: expect(scan, c, MARKER_SOI, STEP_PREFIX); return;
  case STEP_PREFIX: expect(scan, c, MARKER_FILL, STEP_MARKER); return;
  case STEP_MARKER: read_marker(scan, c); return;
  case STEP_LENGTH:
    scan->length_high = c;
    scan->step = STEP_LENGTH_LOW;
    return;
  case STEP_LENGTH_LOW: read_length(scan, c); return;
  case STEP_ENTROPY_MARK: read_entropy_mark(scan, c); return;
  case STEP_SEGMENT:
  case STEP_ENTROPY: break; /* read_run()'s */
  }
  give_up(scan); /* the caller's state was none */
}

/* Reads a run of bytes of which only the end matters. Returns how many it read; 0 when the next
 * byte belongs to no run. */
static size_t read_run(struct first_scan *scan, struct span bytes) {
  size_t run = bytes.len;
  if (scan->step == STEP_SEGMENT) {
    if (run > scan->skip_bytes) run = scan->skip_bytes;
    scan->skip_bytes -= (uint32_t)run;
    if (scan->skip_bytes == 0) end_segment(scan);
  } else if (scan->step == STEP_ENTROPY) {
    const uint8_t *mark = __builtin_memchr(bytes.base, MARKER_FILL, bytes.len);
    if (mark) run = (size_t)(mark - bytes.base) + 1;
    if (mark) scan->step = STEP_ENTROPY_MARK;
  } else {
    return 0;
  }
  scan->bytes += (uint32_t)run;
  return run;
}

enum first_scan_result first_scan_read(struct first_scan *scan, struct span bytes) {
  size_t left = HEAD_START_SCAN_BYTES_MAX - scan->bytes, at = 0;
  bool beyond = bytes.len > left;
  if (beyond) bytes.len = left;
  while (at < bytes.len && scan->result == FIRST_SCAN_MORE) {
    size_t run = read_run(scan, span_of(bytes.base + at, bytes.len - at));
    if (run == 0) read_byte(scan, bytes.base[at]);
    at += run ? run : 1;
  }
  if (beyond && scan->result == FIRST_SCAN_MORE) give_up(scan);
  return (enum first_scan_result)scan->result;
}

uint32_t first_scan_bytes(struct span file) {
  struct first_scan scan = {0};
  return first_scan_read(&scan, file) == FIRST_SCAN_FOUND ? scan.bytes : 0;
}
