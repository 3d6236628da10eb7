/*
 * trace/outside.h - the outermost machine of a connection: reads at the link's rate, counts the
 * bytes, and notes when TLS records began to arrive.
 */
#ifndef WEIR_TRACE_OUTSIDE_H
#define WEIR_TRACE_OUTSIDE_H

#include "tools/client/wrap.h"
#include "tools/trace/bucket.h"

/* A TLS record can be decrypted only when its last byte has arrived. When its first byte came is
 * visible only outside of TLS, by the record headers (RFC 8446 section 5.1). */
struct trace_tls_records {
  bool on;           /* there is TLS */
  uint64_t since_ns; /* when the oldest record that this call completes began to arrive */
  uint64_t begin_ns; /* start of the incomplete record */
  uint8_t header[5], have;
  uint32_t left;
};

/* `bytes` were received at `now_ns`. Sets since_ns. */
void trace_tls_records_pass(struct trace_tls_records *records, struct span bytes, uint64_t now_ns);

struct trace_outside {
  struct wrap wrap; /* first */
  struct trace_bucket *bucket;
  struct trace_tls_records records;
  uint64_t *bytes_in; /* counts what was received */
  bool parched;       /* the bucket was empty */
};

/* Puts the outside around `machine`. */
void trace_outside_around(struct trace_outside *outside, struct machine *machine);

#endif
