/*
 * serve/metrics/accept.h - which form of metrics a client wants.
 * Spec: RFC 9110 sections 12.4.2 and 12.5.1 (Accept).
 */
#ifndef WEIR_TOOLS_SERVE_METRICS_ACCEPT_H
#define WEIR_TOOLS_SERVE_METRICS_ACCEPT_H

#include "engine/http/headers.h"
#include "tools/serve/metrics/text.h"

/* OpenMetrics if the client names it and wants nothing more than it, as Prometheus does; otherwise
 * the older form, which a browser shows. Malformed elements are skipped. */
enum metrics_form metrics_accept(const struct headers *fields);

#endif
