/*
 * load/options.h - the command line of `weir load`. Short options have the same meaning as in
 * h2load, except -r, -p and -k.
 */
#ifndef WEIR_LOAD_OPTIONS_H
#define WEIR_LOAD_OPTIONS_H

#include "engine/http/stream.h"
#include "io/ring/choice.h"
#include "tools/client/tls.h"
#include "tools/client/url.h"
#include "tools/common/options.h"
#include "tools/load/cap.h"
#include "tools/load/fail_if.h"
#include "tools/load/limits.h"
#include "tools/load/schedule.h"

/* --stage: the rate changes to `rate` during this time; at once, if it is 0. */
struct load_stage {
  const char *text; /* as given */
  double seconds, rate;
};

/* batch_wait_seconds without --batch-wait: see load/batch.h. */
#define LOAD_BATCH_AUTO (-1.0)

/* Grouped as the tables are: the members that load/options_shape.c sets, and so on. */
struct load_options {
  /* ---- shape ---- */
  uint64_t requests;                        /* -n; 0: by duration */
  unsigned connections;                     /* -c */
  unsigned streams;                         /* -m, of one connection */
  unsigned threads;                         /* -t */
  enum ring_choice ring;                    /* --ring */
  int64_t start_unix_ns;                    /* --start-at; 0: at once */
  double duration_seconds, warm_up_seconds; /* of --stage: the sum */
  double rate;         /* requests per second, of --stage the highest; 0: closed loop */
  double rps;          /* --rps: -r of each connection; 0: none */
  double connect_rate; /* connections per second; 0: all at once */
  unsigned requests_per_connection; /* 0: no limit */
  double begin_rate;                /* -r: the rate that --stage starts from */
  enum load_arrivals arrivals;
  unsigned burst; /* of --arrivals burst=N */
  uint64_t seed;  /* --seed, or a random one; for --arrivals poisson */
  bool seeded;    /* by --seed */
  struct load_stage stages[LOAD_STAGES_MAX];
  unsigned stage_count;
  double timeout_seconds;
  double batch_wait_seconds; /* a worker's wait for more answers; or LOAD_BATCH_AUTO */

  /* ---- request ---- */
  char **urls;
  size_t url_count;
  const char *fields[LOAD_FIELDS_MAX]; /* -H, "name: value" */
  unsigned field_count;
  const char *data_path;  /* -d, or NULL */
  const char *input_path; /* -i, or NULL */
  const char *csv_path;   /* --data-csv, or NULL */
  bool csv_once;          /* its rows are used once */
  bool body_variables;    /* files with bodies may have variables */
  bool replay;            /* each request is due when the file says */
  double speed;           /* of --replay; 1: as recorded */

  /* ---- protocol ---- */
  bool h1, h2;
  bool upgrade;                  /* in clear text: HTTP/2 by Upgrade: h2c */
  enum client_versions versions; /* that these allow */
  bool ws;                       /* messages on WebSockets instead of requests */
  bool sized;                    /* by --message-bytes */
  unsigned message_bytes_min, message_bytes_max;
  bool message_text;       /* text messages; else binary ones */
  const char *subprotocol; /* or NULL */

  /* ---- connect ---- */
  const char *connect_to; /* HOST[:PORT] or unix:PATH, or NULL */

  /* ---- TLS; a text may be NULL ---- */
  const char *sni;     /* instead of the URL's host */
  const char *ca_path; /* --cacert */
  const char *cert_path, *key_path;
  const char *ciphers, *groups;
  const char *key_log;                   /* --key-log */
  unsigned tls_minor_min, tls_minor_max; /* of TLS 1.x; 0: not given */
  bool tls_resume;
  bool insecure; /* certificates are not verified */

  /* ---- flow ---- */
  unsigned frame_bytes;                                /* the largest that we take */
  unsigned decoder_table_bytes, encoder_table_bytes;   /* of HPACK */
  unsigned stream_window_bits, connection_window_bits; /* 0: the flow policy's default */
  enum stream_flow flow;
  struct load_caps caps;

  /* ---- output ---- */
  const char *json; /* --json: a path, "-" for standard output, or NULL */
  const char *hdr;  /* --hdr, or NULL */
  const char *html; /* --html, or NULL */
  const char *csv;  /* --csv, or NULL */
  const char *log;  /* --log-file, or NULL */
  bool no_pin;      /* workers may run on any core */
  struct load_fail_if fail_ifs[LOAD_FAIL_IFS_MAX]; /* --fail-if */
  unsigned fail_if_count;
  bool quiet;        /* no progress */
  const char *topic; /* --help=TOPIC, or NULL */
};

/* If `text` is a --header for :method or :authority: its value, with the token in `token` (may be
 * NULL). Else NULL. */
const char *load_options_pseudo(const char *text, enum header_token *token);

/* Whether it is an open loop: requests are due at times of their own. */
static inline bool load_options_are_open(const struct load_options *options) {
  return options->rate > 0 || options->replay;
}

/* The receive windows to announce, in bytes. */
uint32_t load_options_stream_window(const struct load_options *options);
uint32_t load_options_connection_window(const struct load_options *options);

#endif
