/*
 * serve/coding/compress.h - a filter (http/answer_filter.h) that compresses what handlers answer, as it is sent.
 *
 * Compressed is text of at least SITE_ENCODE_BYTES_MIN, or of unknown length, for a client that takes it; not what has
 * a content-encoding or a range already, nor what Cache-Control (no-transform) or its type (text/event-stream, which
 * has to arrive at once) forbid. The response then has no content-length and no ranges, a weak entity tag, and
 * Vary. A thread compresses each piece of the body (io/worker/jobs.h); what was compressed is flushed when the
 * handler has no more for now. When COMPRESS_STREAMS_MAX bodies are under way, others are sent as they are.
 *
 * The filter is static; all that it has to know is in stream->filter_note, which compress_begin() sets.
 * Owner: each worker has a struct compressor, which outlives its streams.
 */
#ifndef WEIR_TOOLS_SERVE_CODING_COMPRESS_H
#define WEIR_TOOLS_SERVE_CODING_COMPRESS_H

#include "engine/http/answer_filter.h"
#include "io/worker/jobs.h"

/* One writer; read with counter_get() from anywhere. */
struct compress_counters {
  uint64_t begun;     /* bodies */
  uint64_t failed;    /* of these: by the library; not those whose handler failed */
  uint64_t busy;      /* bodies sent as they are: too many were under way, or no memory */
  uint64_t bytes_in;  /* of what was compressed, */
  uint64_t bytes_out; /* and of what it became */
};

struct compressor {
  struct jobs_desk *desk;
  unsigned streams; /* bodies under way, and jobs of those that have ended */
  struct compress_counters counters;
};

/* The last filter of a chain: it passes on to the protocol. Where nothing was begun it changes nothing. */
extern const struct answer_filter compress_filter;

/* For the request that comes on `stream`: notes what its client takes. The caller puts the filter in the stream's
 * chain. Keeps the compressor. */
void compress_begin(struct compressor *compressor, struct stream *stream,
                    const struct headers *fields);

/* The same for what is made for this request alone, as the list of a directory: responses with an entity tag are files,
 * which are compressed once (serve/coding/recode.h). */
void compress_begin_made(struct compressor *compressor, struct stream *stream,
                         const struct headers *fields);

#endif
