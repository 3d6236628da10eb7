/*
 * load/stats.h - what one worker has counted, and the sum over all workers.
 *
 * Owner: one worker writes. Other threads may read the counters marked "progress" by counter_get()
 * while it runs, and everything after it has ended. Every request counts once:
 *
 *     started = done + in flight
 *     done    = succeeded + failed
 *     failed  = errored + responses with a status of 4xx or 5xx
 *     errored = the sum of `errors`
 *
 * A request that the server did not process (REFUSED_STREAM, or above GOAWAY's last stream) is
 * repeated as the same request; `retried` counts the repetitions.
 */
#ifndef WEIR_LOAD_STATS_H
#define WEIR_LOAD_STATS_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/client/limits.h"
#include "tools/load/histogram.h"
#include "tools/load/limits.h"

/* Why a request has no response. Those with a code have an HTTP/2 error code. */
enum load_error {
  LOAD_TIMEOUT, /* --timeout */
  LOAD_RESET,   /* with a code: RST_STREAM from the server */
  LOAD_GOAWAY,  /* with a code: the server ended the connection */
  LOAD_CLOSED,  /* FIN before the response was complete */
  LOAD_LOST,    /* the connection was reset, or given up after a long silence */
  LOAD_WRONG,   /* with a code: a malformed response, we sent RST_STREAM */
  LOAD_BROKEN,  /* with a code: a connection error, we sent GOAWAY */
  LOAD_UNMADE,  /* not sent: too large for the server's limits, or no memory */
  LOAD_ERRORS
};

/* RFC 9113 section 7 has 14 codes; unknown ones share the last place. */
enum { LOAD_CODES = 15 };

/* Why connections ended: each text once, with its count. */
struct load_reason {
  char text[CLIENT_REASON_BYTES];
  uint64_t count;
};

/* Measured values; cleared when the warm-up ends. */
struct load_requests {
  uint64_t started, done, failed; /* progress */
  uint64_t data_bytes;            /* progress; of response bodies */
  uint64_t succeeded, errored, timeouts, retried;
  uint64_t statuses[6]; /* of complete responses, by their first digit */
  uint64_t errors[LOAD_ERRORS][LOAD_CODES];
  uint64_t unsent;                           /* open loop: due at the end, and never sent */
  uint64_t waiting;                          /* in flight or unsent at the end, and in `latency` */
  uint64_t oldest_ns;                        /* age of the oldest one in flight at the end */
  uint64_t wire_in, wire_out;                /* bytes on the sockets, TLS included */
  uint64_t upload_bytes;                     /* of request bodies */
  uint64_t header_bytes, header_plain_bytes; /* received: as compressed; names and values */
  /* From when a request was due to its end: succeeded ones, 4xx, 5xx and timeouts. Requests that
   * still wait at the end count with the time they have waited, if that exceeds the median:
   * otherwise a stall would hide the samples that it caused. */
  struct load_histogram latency;
  struct load_histogram service;    /* open loop: from when it was sent */
  struct load_histogram first_byte; /* from when it was due to the response's header */
};

struct load_stats {
  struct load_requests requests;

  uint64_t connections_opened;     /* TLS done, SETTINGS received; reconnections included */
  uint64_t connections_failed;     /* never got that far */
  uint64_t connections_ended;      /* by the server, or by an error, before the run's end */
  struct load_histogram connect;   /* TCP */
  struct load_histogram handshake; /* TLS */
  struct load_reason reasons[LOAD_REASONS_MAX];
  unsigned reason_count;
  uint64_t reasons_lost; /* reasons that no longer fitted */

  uint64_t begin_ns, end_ns; /* of what is measured */
  uint64_t cpu_ns;           /* of the worker's thread, in that time */
  bool interrupted;          /* ended by a signal */
};

/* Sets everything to 0. Worker's thread only. */
void load_requests_forget(struct load_requests *requests);

/* Adds `count` to the reason `text`. */
void load_stats_reason(struct load_stats *stats, const char *text, uint64_t count);

/* Adds `from` to `sum`. The period runs from the earliest start to the latest end; CPU times are
 * added. */
void load_stats_merge(struct load_stats *sum, const struct load_stats *from);

/* Describes an error: "the server sent RST_STREAM (REFUSED_STREAM)". */
const char *load_error_text(enum load_error error, unsigned code, char *text, size_t size);

/* An error's name in JSON: "reset", ... */
const char *load_error_name(enum load_error error);

/* A code's index in a row of `errors`. */
static inline unsigned load_code_place(uint32_t code) {
  return code < LOAD_CODES ? code : LOAD_CODES - 1;
}

#endif
