/*
 * load/stats.h - what one worker has counted, and the sum over all workers.
 *
 * Owner: one worker; other threads read it after that has ended. Every request counts once:
 *
 *     started = done + in flight
 *     done    = succeeded + failed
 *     failed  = errored + responses with a status that is not 2xx or 3xx
 *     errored = the sum of `errors`
 *
 * Requests that are in flight when the warm-up ends count from then on as started, so that a server
 * is not charged with a gap as long as its latency. `carried` is their number.
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
#include "tools/load/tls_facts.h"

/* Why a request has no response. Those with a code have an HTTP/2 error code, or --ws: a close code. */
enum load_error {
  LOAD_TIMEOUT,  /* --timeout */
  LOAD_RESET,    /* with a code: RST_STREAM from the server */
  LOAD_GOAWAY,   /* with a code: the server ended the connection */
  LOAD_CLOSED,   /* FIN before the response was complete */
  LOAD_LOST,     /* the connection was reset, or given up after a long silence */
  LOAD_WRONG,    /* with a code: a malformed response, we sent RST_STREAM */
  LOAD_BROKEN,   /* with a code: a connection error, we sent GOAWAY */
  LOAD_LIMIT,    /* with a code: weir ended it, for a limit of its own */
  LOAD_UNMADE,   /* not sent: too large for the server's limits, or no memory */
  LOAD_MISMATCH, /* --ws: what came back is not what was sent */
  LOAD_UNECHOED, /* --ws, with a code: the WebSocket ended */
  LOAD_STRANDED, /* never sent: its connection had ended for good. Has no latency */
  LOAD_ERRORS
};

/* Requests that failed in one way. */
struct load_error_row {
  enum load_error error;
  uint32_t code; /* as it came, known or not; 0 for errors without a code */
  uint64_t count;
};

/* Why connections ended: each text once, with its count. */
struct load_reason {
  char text[CLIENT_REASON_BYTES];
  bool graceful; /* as the protocol provides for it: no error */
  uint64_t count;
};

/* Measured values; cleared when the warm-up ends. */
struct load_requests {
  uint64_t started, done, failed;
  uint64_t data_bytes; /* content of response bodies */
  uint64_t carried;    /* started before the warm-up ended, and in flight then */
  uint64_t succeeded, errored, timeouts, retried;
  uint64_t statuses[LOAD_STATUSES]; /* complete responses, by status */
  struct load_error_row errors[LOAD_ERROR_ROWS_MAX];
  unsigned error_count;
  uint64_t errors_lost;                      /* requests whose error found no free row */
  uint64_t unsent;                           /* open loop: due at the end, and never sent */
  uint64_t waiting;                          /* unfinished ones that are counted in `latency` */
  uint64_t oldest_ns;                        /* age of the oldest one in flight at the end */
  uint64_t wire_in, wire_out;                /* bytes on the sockets, TLS included */
  uint64_t http_in, http_out;                /* the same without TLS: HTTP frames */
  uint64_t upload_bytes;                     /* content of request bodies */
  uint64_t header_bytes, header_plain_bytes; /* received: as compressed; names and values */
  /* All times but `service` are from when a request was due. Each failed request is in
   * `failed_latency`, unless it was stranded; each other one that is done is in `latency`. */
  struct load_histogram latency;        /* succeeded: 2xx, 3xx */
  struct load_histogram failed_latency; /* other statuses, and errors */
  struct load_histogram service;        /* open loop: of `latency`, but from when it was sent */
  struct load_histogram first_byte;     /* to the response's header */
  struct load_histogram unfinished;     /* ages at the end: in flight and unsent */
};

struct load_stats {
  struct load_requests requests;

  uint64_t connections_opened; /* TLS done, SETTINGS received; reconnections included */
  uint64_t connections_failed; /* never got that far */
  /* --ws: of those that were open and ended before the run's end, by close code from
   * LOAD_CLOSE_CODE_MIN on. */
  uint64_t close_codes[LOAD_CLOSE_CODES];
  uint64_t connections_ended;      /* by the server, or by an error, before the run's end */
  struct load_histogram connect;   /* TCP */
  struct load_histogram handshake; /* TLS */
  struct load_tls_facts tls;       /* of the connections that were opened */
  struct load_reason reasons[LOAD_REASONS_MAX];
  unsigned reason_count;
  uint64_t reasons_lost; /* reasons that no longer fitted */

  uint64_t begin_ns, end_ns; /* of what is measured */
  uint64_t cpu_ns;           /* of the worker's thread, in that time */
  bool interrupted;          /* ended by a signal */
};

/* Sets everything to 0. Worker's thread only. */
void load_requests_forget(struct load_requests *requests);

/* Adds `count` requests that ended with `error`. */
void load_requests_error(struct load_requests *requests, enum load_error error, uint32_t code,
                         uint64_t count);

void load_requests_merge(struct load_requests *sum, const struct load_requests *from);

/* For the sum of all workers: adds the unfinished requests that are older than the median to
 * `latency`, and counts them as `waiting`. Otherwise a stall would hide the samples that it caused.
 * Does nothing while `latency` is empty: no distribution is made up. */
void load_requests_wait(struct load_requests *sum);

/* Adds `count` to the reason `text`. */
void load_stats_reason(struct load_stats *stats, const char *text, bool graceful, uint64_t count);

/* Adds `from` to `sum`. The period runs from the earliest start to the latest end; CPU times are
 * added. */
void load_stats_merge(struct load_stats *sum, const struct load_stats *from);

/* Describes an error: "the server sent RST_STREAM (REFUSED_STREAM)", "... (code 4711)". Returns
 * `text`. */
const char *load_error_text(enum load_error error, uint32_t code, char *text, size_t size);

/* An error's name in JSON: "reset", ... */
const char *load_error_name(enum load_error error);

#endif
