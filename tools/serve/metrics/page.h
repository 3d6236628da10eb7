/*
 * serve/metrics/page.h - everything that a server shows to Prometheus, as one text.
 *
 * Label values come from the program and its configuration, never from a client: the number of time
 * series is fixed when the server has started.
 */
#ifndef WEIR_TOOLS_SERVE_METRICS_PAGE_H
#define WEIR_TOOLS_SERVE_METRICS_PAGE_H

#include "io/ring/choice.h"
#include "tools/serve/metrics/tally.h"
#include "tools/serve/metrics/text.h"

struct metrics_facts {
  struct serve_counts counts;
  struct request_counts requests;
  struct serve_gauges gauges;
  unsigned workers;
  uint64_t connections_max; /* of all workers; 0: descriptors bound it */
  enum ring_choice ring;    /* the engine of the workers' loops */
  unsigned features;        /* URING_* in use */
  bool ready;
  uint64_t start_ns; /* since 1970 */
};

/* Both forms have the same metrics. */
void metrics_page(struct metrics_text *text, const struct metrics_facts *facts);

#endif
