/*
 * trace/fetch_parts.h - between trace/fetch.c (resources: when to ask, what came), trace/request.c
 * (what a request says) and trace/connect.c (origins: lookup, dial, TLS, the machines).
 */
#ifndef WEIR_TRACE_FETCH_PARTS_H
#define WEIR_TRACE_FETCH_PARTS_H

#include "engine/h2/h2.h"
#include "engine/http/first_scan.h"
#include "io/link/dial.h"
#include "io/tls/tls.h"
#include "tools/trace/fetch.h"
#include "tools/trace/tap.h"

enum {
  TRACE_ADDRESSES_MAX = 8, /* of one name; they are tried one after another */
  /* Streams asked for before the server's SETTINGS say how many it allows: what browsers assume,
   * and the least that RFC 9113 section 6.5.2 recommends to allow. */
  TRACE_STREAMS_ASSUMED = 100,
};

struct trace_run;

/* One origin's connection. There is one a run: nobody dials again when it fails. */
struct trace_origin {
  struct trace_run *run;
  struct url url; /* the first one of this origin */
  uint8_t index;  /* in record->connections */
  struct address addresses[TRACE_ADDRESSES_MAX];
  unsigned address_count, address_tried;
  struct dial dial;
  struct tls_factory tls;
  bool has_tls;
  struct trace_tap tap;
  struct trace_outside outside;
  struct h2 *h2; /* NULL unless requests can be made */
  bool broken;   /* a stream ended early, perhaps with the connection */
  enum { ORIGIN_UNUSED, ORIGIN_DIALING, ORIGIN_OPEN, ORIGIN_CLOSED } state;
};

enum trace_phase {
  PHASE_WAITING, /* for its trigger */
  PHASE_TIMED,   /* its start time is known */
  PHASE_QUEUED,  /* due, but the connection is not ready or full */
  PHASE_ASKED,
  PHASE_DONE,
};

struct trace_item {
  struct trace_run *run;
  size_t index; /* in manifest and record */
  enum trace_phase phase;
  struct url *url;
  struct trace_origin *origin;
  struct stream *stream; /* while PHASE_ASKED */
  uint64_t start_ns;     /* PHASE_TIMED: on the record's clock */
  unsigned refusals;     /* REFUSED_STREAM, so far */
  bool cut;              /* its stream ended early */
  unsigned events;       /* bits 1 << enum trace_event that have happened */
  uint8_t *prefix;       /* of an image, while its dimensions are looked for */
  size_t prefix_bytes;
  bool sizing;
  struct first_scan scan; /* of an image, while its first scan is looked for */
};

struct trace_run {
  const struct trace_options *options;
  const struct trace_manifest *manifest;
  struct trace_record *record;
  struct worker *worker;
  struct engine engine;
  bool has_engine;
  struct tls_context *tls; /* NULL: no origin is secure */
  struct trace_bucket bucket;
  struct trace_item *items;
  struct trace_origin *origins[TRACE_CONNECTIONS_MAX];
  size_t done;
  struct timer start_timer, end_timer;
  bool over;
};

/* The record's clock now. */
uint64_t trace_now_ns(const struct trace_run *run);

/* trace/connect.c */

/* Finds or makes the origin of `url`, and looks its addresses up. False with one line. */
__attribute__((warn_unused_result)) bool trace_origin_find(struct trace_run *run,
                                                           const struct url *url,
                                                           struct trace_origin **out, char *error,
                                                           size_t error_size);
/* What all secure origins need. False with one line in `error`. */
__attribute__((warn_unused_result)) bool trace_origins_prepare(struct trace_run *run, char *error,
                                                               size_t error_size);
/* Begins to connect if nobody has yet. */
void trace_origin_open(struct trace_origin *origin);
void trace_origins_free(struct trace_run *run);

/* trace/fetch.c */

/* The connection can take requests, or more of them. */
void trace_origin_ready(struct trace_origin *origin);
/* There is no connection (any more): record->connections[] says why. */
void trace_origin_lost(struct trace_origin *origin);
/* A HEADERS frame has left. */
void trace_request_left(struct trace_run *run, const struct trace_frame *frame);

/* trace/request.c */

/* Opens the stream. NULL when the connection refuses. */
struct stream *trace_request(struct trace_item *item, const struct stream_events *events);

#endif
