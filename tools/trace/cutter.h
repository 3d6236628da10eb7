/*
 * trace/cutter.h - divides the bytes of one direction into frames, and records them.
 *
 * Parses only the nine bytes of each frame header (engine/h2/frame.h). So it shows what was on the
 * wire, whether or not the engine accepts it.
 */
#ifndef WEIR_TRACE_CUTTER_H
#define WEIR_TRACE_CUTTER_H

#include "engine/base/machine.h"
#include "engine/h2/frame.h"
#include "tools/trace/record.h"

struct trace_cutter {
  struct trace_record *record;
  bool sent;
  uint8_t connection;
  uint8_t have;        /* bytes of `header` */
  uint32_t preface;    /* bytes of the client's magic still to pass */
  uint32_t left, kept; /* payload bytes still to come; copied */
  uint8_t header[H2_FRAME_HEADER_BYTES];
  uint8_t payload[TRACE_PAYLOAD_BYTES_MAX];
  struct trace_frame frame;
  /* Called for each complete frame, after it was recorded. May be NULL. */
  void (*on_frame)(void *ctx, const struct trace_frame *frame, const uint8_t *payload);
  void *ctx;
};

void trace_cutter_init(struct trace_cutter *cutter, struct trace_record *record, uint8_t connection,
                       bool sent);

/* The next bytes passed between `since_ns` and `now_ns` on the monotonic clock. A frame starts when
 * its first byte must have arrived, and ends when its last byte could be used. */
void trace_cutter_pass(struct trace_cutter *cutter, struct span bytes, uint64_t since_ns,
                       uint64_t now_ns);

#endif
