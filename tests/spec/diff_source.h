/*
 * spec/diff_source.h - the peer of both engines of the differential test: it sends the same frames
 * to both, cut into random pieces, with header blocks by either of two encoders.
 */
#ifndef WEIR_TESTS_DIFF_SOURCE_H
#define WEIR_TESTS_DIFF_SOURCE_H

#include "engine/hpack/encode.h"
#include "tests/spec/diff_nghttp2.h"
#include "tests/spec/diff_section.h"
#include "tests/spec/diff_weir.h"

struct diff_source {
  struct random random;
  enum h2_role role; /* of the compared engines */
  struct diff_weir weir;
  struct diff_nghttp2 other;
  struct hpack_encoder encoder;
  struct counted_memory memory;
  nghttp2_hd_deflater *deflater; /* every second connection: nghttp2's encoder instead of ours */
  uint32_t id_next, promise_next;
  uint32_t requests;       /* client role: number of requests made */
  bool answered[DIFF_IDS]; /* client role: the final response's header section was sent */
  char what[256];          /* the current frame, for people and for the list of differences */
};

/* Opens both connections and exchanges the prefaces. The seed decides everything after that. */
void diff_source_begin(struct diff_source *source, enum h2_role role, uint64_t seed);

/* Closes both. */
void diff_source_end(struct diff_source *source);

/* Appends to `what`. */
__attribute__((format(printf, 2, 3))) void diff_source_describe(struct diff_source *source,
                                                                const char *format, ...);

/* Sends a frame of at most DIFF_SOURCE_FRAME_BYTES to both. */
void diff_source_put(struct diff_source *source, uint8_t type, uint8_t flags, uint32_t id,
                     const uint8_t *payload, size_t len);

/* Sends HEADERS, or PUSH_PROMISE with `promised_id`: sometimes padded, with priority, and cut into
 * CONTINUATION frames. */
void diff_source_put_section(struct diff_source *source, uint8_t type, uint32_t id,
                             uint32_t promised_id, const struct diff_section *section, bool end);

/* Takes the output of both. */
void diff_source_pump(struct diff_source *source);

enum { DIFF_SOURCE_FRAME_BYTES = 20000 };

#endif
