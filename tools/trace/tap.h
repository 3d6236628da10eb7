/*
 * trace/tap.h - two machines around a machine, which let everything through and write down what
 * passes.
 *
 *     socket <-> outside: the link's rate, its end <-> [tls] <-> tap: every frame <-> h2
 *
 * The tap parses nothing but the nine bytes in front of each frame (engine/h2/frame.h), so it shows
 * what was on the wire whether or not the engine liked it. Received bytes count when the inner
 * machine has taken them, sent ones when they have left.
 *
 * Ownership: each machine owns the one inside it and is freed by its close().
 */
#ifndef WEIR_TRACE_TAP_H
#define WEIR_TRACE_TAP_H

#include "engine/base/machine.h"
#include "engine/h2/frame.h"
#include "tools/client/wrap.h"
#include "tools/trace/record.h"

/* ---- frames ---------------------------------------------------------------------------------- */

/* Cuts one direction's bytes into frames. */
struct trace_cutter {
  struct trace_record *record;
  bool sent;
  uint8_t connection;
  uint8_t have;        /* bytes of `header` */
  uint32_t preface;    /* bytes of the client's magic still to pass */
  uint32_t left, kept; /* of the payload: still to come; copied */
  uint8_t header[H2_FRAME_HEADER_BYTES];
  uint8_t payload[TRACE_PAYLOAD_BYTES_MAX];
  struct trace_frame frame;
  /* Called with each complete frame, after it was recorded; may be NULL. */
  void (*on_frame)(void *ctx, const struct trace_frame *frame, const uint8_t *payload);
  void *ctx;
};

void trace_cutter_init(struct trace_cutter *cutter, struct trace_record *record, uint8_t connection,
                       bool sent);

/* The next bytes of the direction passed between `since_ns` and `now_ns` (of the monotonic clock).
 * A frame begins when its first byte must have arrived, and ends when its last could be used. */
void trace_cutter_pass(struct trace_cutter *cutter, struct span bytes, uint64_t since_ns,
                       uint64_t now_ns);

struct trace_tap {
  struct wrap wrap; /* first */
  struct trace_cutter in, out;
  const uint64_t *since_ns; /* when what is received now began to arrive; NULL: now */

  /* Private: what the last peek returned and no ack has covered. */
  struct span peeked[32];
  size_t peeked_count;
};

/* Puts the tap around `machine`. */
void trace_tap_around(struct trace_tap *tap, struct machine *machine);

/* ---- the link's rate ---------------------------------------------------------------------------
 *
 * A token bucket that fills at the link's rate, shared by all connections of a run: the last mile
 * that every byte of a page has to pass. It is emptied by what is read from the sockets; while it
 * is empty nothing is read, the small receive buffers of the sockets fill up, TCP's window closes,
 * and the server feels the rate. So it emulates a slow downlink behind a short queue, as a client
 * sees it: not loss, not the delay of distance, and the uplink is free.
 */
struct trace_bucket {
  uint64_t rate; /* bytes per second; 0: no limit, and the rest is not used */
  uint64_t filled_ns;
  double tokens; /* bytes */
  bool dry;      /* the last bytes took the last token: more are probably waiting */
};

void trace_bucket_init(struct trace_bucket *bucket, uint64_t rate, uint64_t now_ns);

/* How many bytes may pass now; UINT64_MAX without a limit. */
uint64_t trace_bucket_room(struct trace_bucket *bucket, uint64_t now_ns);
void trace_bucket_take(struct trace_bucket *bucket, uint64_t bytes);

/* When the next segment may pass. */
uint64_t trace_bucket_next_ns(const struct trace_bucket *bucket);

/* A TLS record can be decrypted when its last byte is there. That its first came earlier is seen
 * outside only: by the five bytes in front of each (RFC 8446 section 5.1). */
struct trace_tls_records {
  bool on; /* there is TLS */
  uint64_t
      since_ns; /* the first byte of the oldest record that the call in hand completed, or now */
  uint64_t begin_ns; /* of the record that is incomplete */
  uint8_t header[5], have;
  uint32_t left;
};

/* `bytes` are received at `now_ns`: sets since_ns. */
void trace_tls_records_pass(struct trace_tls_records *records, struct span bytes, uint64_t now_ns);

struct trace_outside {
  struct wrap wrap; /* first */
  struct trace_bucket *bucket;
  struct trace_tls_records records;
  uint64_t *bytes_in; /* counts what was received */
  bool parched;       /* the bucket was empty */
};

/* Puts it around `machine`. */
void trace_outside_around(struct trace_outside *outside, struct machine *machine);

#endif
