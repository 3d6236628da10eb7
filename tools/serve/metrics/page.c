/*
 * serve/metrics/page.c - see serve/metrics/page.h.
 */
#include "tools/serve/metrics/page.h"

#include <openssl/crypto.h>
#include <string.h>

#include "io/ring/features.h"
#include "io/tls/aead.h"
#include "tools/common/version.h"
#include "tools/serve/metrics/process.h"

enum { LABELS_BYTES = 256 }; /* derived from the longest below, of the TLS library's version */

static void gauge(struct metrics_text *text, const char *name, const char *help, uint64_t value) {
  metrics_family(text, name, METRIC_GAUGE, help);
  metrics_count(text, NULL, value);
}

/* ---- requests -------------------------------------------------------------------------------- */

static const char *const protocol_names[REQUEST_PROTOCOLS] = {
    [REQUEST_HTTP_1_0] = "HTTP/1.0",
    [REQUEST_HTTP_1_1] = "HTTP/1.1",
    [REQUEST_HTTP_2] = "HTTP/2",
    [REQUEST_SPDY] = "SPDY/3.1",
};
static const char *const class_names[REQUEST_CLASSES] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

static void requests(struct metrics_text *text, const struct request_counts *counts) {
  char labels[LABELS_BYTES];
  metrics_family(text, "weir_requests", METRIC_COUNTER,
                 "Requests that have ended, by protocol and class of status; none: no response.");
  for (unsigned protocol = 0; protocol < REQUEST_PROTOCOLS; protocol++)
    for (unsigned class = 0; class < REQUEST_CLASSES; class ++) {
      snprintf(labels, sizeof labels, "protocol=\"%s\",code_class=\"%s\"", protocol_names[protocol],
               class_names[class]);
      metrics_count(text, labels, counts->requests[protocol][class]);
    }
  metrics_family(text, "weir_request_duration_seconds", METRIC_HISTOGRAM,
                 "From the complete header section of a request to the last byte of its response.");
  metrics_histogram(text, &counts->duration_ns, request_duration_bounds_ns, 1000000000);
  metrics_family(text, "weir_request_body_bytes", METRIC_HISTOGRAM, "Size of request bodies.");
  metrics_histogram(text, &counts->request_bytes, request_size_bounds, 1);
  metrics_family(text, "weir_response_body_bytes", METRIC_HISTOGRAM,
                 "Size of response bodies, as sent.");
  metrics_histogram(text, &counts->response_bytes, request_size_bounds, 1);
}

/* ---- what there is now ----------------------------------------------------------------------- */

/* Two counters that are read one after the other: the difference is not below 0. */
static uint64_t minus(uint64_t more, uint64_t less) {
  return more > less ? more - less : 0;
}

static void connections(struct metrics_text *text, const struct metrics_facts *facts) {
  const struct http_counters *http = &facts->counts.engine.http;
  const struct loop_counters *loop = &facts->counts.loop;
  uint64_t links = minus(loop->links_accepted, loop->links_closed);
  uint64_t known = minus(http->connections_opened, http->connections_closed);
  uint64_t active = minus(http->connections_busied, http->connections_quieted);
  metrics_family(text, "weir_connections", METRIC_GAUGE,
                 "Open connections: active with a stream, idle without, or new: in a handshake, of "
                 "unknown protocol, or closing.");
  metrics_count(text, "state=\"new\"", minus(links, known));
  metrics_count(text, "state=\"idle\"", minus(known, active));
  metrics_count(text, "state=\"active\"", active);
  metrics_family(text, "weir_protocol_connections", METRIC_GAUGE,
                 "Open connections by protocol, as of the last second.");
  metrics_count(text, "protocol=\"HTTP/1\"", facts->gauges.connections_h1);
  metrics_count(text, "protocol=\"HTTP/2\"", facts->gauges.connections_h2);
  metrics_count(text, "protocol=\"SPDY/3.1\"", facts->gauges.connections_spdy);
  gauge(text, "weir_connections_max", "Most connections at once; 0: as descriptors allow.",
        facts->connections_max);
  gauge(text, "weir_streams", "Open streams.", minus(http->streams_opened, http->streams_closed));
  gauge(text, "weir_websockets", "Open WebSockets.",
        minus(facts->counts.engine.ws.opened, facts->counts.engine.ws.closed));
}

static void cache(struct metrics_text *text, const struct serve_gauges *gauges) {
  gauge(text, "weir_files_cached", "Entries in the workers' caches of files.",
        gauges->files.entries);
  gauge(text, "weir_files_cached_bytes", "Memory of the workers' caches of files.",
        gauges->files.bytes);
  gauge(text, "weir_files_descriptors", "Descriptors of files that are too large to be cached.",
        gauges->files.descriptors);
}

static void server(struct metrics_text *text, const struct metrics_facts *facts) {
  char labels[LABELS_BYTES], tls[LABELS_BYTES / 2];
  snprintf(labels, sizeof labels, "version=\"" WEIR_VERSION "\",tls_library=\"%s\",aes_gcm=\"%s\"",
           metrics_label(tls, sizeof tls, OpenSSL_version(OPENSSL_VERSION)),
           tls_aead_library(TLS_AEAD_AES_128));
  metrics_family(text, "weir_build", METRIC_INFO, "The program and its libraries.");
  metrics_count(text, labels, 1);
  gauge(text, "weir_workers", "Worker threads.", facts->workers);
  gauge(text, "weir_ready", "1, or 0 while it drains.", facts->ready);
  snprintf(labels, sizeof labels, "engine=\"%s\"", ring_choice_name(facts->ring));
  metrics_family(text, "weir_ring", METRIC_INFO, "What the workers' loops run on.");
  metrics_count(text, labels, 1);
  metrics_family(text, "weir_io_uring_feature", METRIC_GAUGE,
                 "1 for each feature of io_uring in use, 0 for the others.");
  for (unsigned i = 0; i < URING_FEATURE_COUNT; i++) {
    snprintf(labels, sizeof labels, "feature=\"%s\"", uring_feature_name(1u << i));
    metrics_count(text, labels, facts->ring == RING_IO_URING && facts->features >> i & 1);
  }
}

/* ---- counters -------------------------------------------------------------------------------- */

static void counters(struct metrics_text *text, const struct serve_counts *counts) {
  const char *family = "";
  for (unsigned i = 0; i < serve_counters_count; i++) {
    const struct serve_counter *row = &serve_counters[i];
    if (strcmp(family, row->metric) != 0)
      metrics_family(text, row->metric, METRIC_COUNTER, row->help);
    family = row->metric;
    metrics_count(text, row->labels, serve_counter_get(row, counts));
  }
}

void metrics_page(struct metrics_text *text, const struct metrics_facts *facts) {
  server(text, facts);
  requests(text, &facts->requests);
  connections(text, facts);
  cache(text, &facts->gauges);
  counters(text, &facts->counts);
  metrics_process(text, facts->start_ns);
  metrics_end(text);
}
