/*
 * load/stats.c - see load/stats.h.
 */
#include "tools/load/stats.h"

#include <stdio.h>
#include <string.h>

#include "tools/client/h2.h"

enum code { NO_CODE, HTTP2_CODE, CLOSE_CODE };

static const struct {
  const char *name, *text;
  enum code code;
} kinds[LOAD_ERRORS] = {
    [LOAD_TIMEOUT] = {"timeout", "timed out", NO_CODE},
    [LOAD_RESET] = {"reset", "the server sent RST_STREAM", HTTP2_CODE},
    [LOAD_GOAWAY] = {"goaway", "the server ended the connection with GOAWAY", HTTP2_CODE},
    [LOAD_CLOSED] = {"closed", "the server closed the connection", NO_CODE},
    [LOAD_LOST] = {"lost", "the connection was reset", NO_CODE},
    [LOAD_WRONG] = {"wrong", "the response breaks the protocol", HTTP2_CODE},
    [LOAD_BROKEN] = {"broken", "the server breaks the protocol", HTTP2_CODE},
    [LOAD_LIMIT] = {"limit", "weir load gave it up, for a limit of its own", HTTP2_CODE},
    [LOAD_STRANDED] = {"stranded", "never sent: the connection had ended for good", NO_CODE},
    [LOAD_UNMADE] = {"unmade", "the request could not be sent", NO_CODE},
    [LOAD_MISMATCH] = {"mismatch", "the echo differs from the message", NO_CODE},
    [LOAD_UNECHOED] = {"unechoed", "the WebSocket was closed", CLOSE_CODE},
};

const char *load_error_name(enum load_error error) {
  return kinds[error].name;
}

const char *load_error_text(enum load_error error, uint32_t code, char *text, size_t size) {
  char name[CLIENT_CODE_BYTES];
  if (kinds[error].code == HTTP2_CODE)
    snprintf(text, size, "%s (%s)", kinds[error].text, client_h2_code_text(code, name));
  else if (kinds[error].code == CLOSE_CODE)
    snprintf(text, size, "%s (%u)", kinds[error].text, code);
  else
    snprintf(text, size, "%s", kinds[error].text);
  return text;
}

/* ---- requests -------------------------------------------------------------------------------- */

void load_requests_forget(struct load_requests *requests) {
  memset(requests, 0, sizeof *requests);
}

void load_requests_error(struct load_requests *requests, enum load_error error, uint32_t code,
                         uint64_t count) {
  unsigned i = 0;
  while (i < requests->error_count &&
         (requests->errors[i].error != error || requests->errors[i].code != code))
    i++;
  if (i == LOAD_ERROR_ROWS_MAX) {
    requests->errors_lost += count;
    return;
  }
  if (i == requests->error_count)
    requests->errors[requests->error_count++] =
        (struct load_error_row){.error = error, .code = code};
  requests->errors[i].count += count;
}

static void merge_rows(struct load_requests *sum, const struct load_requests *from) {
  for (unsigned i = 0; i < LOAD_STATUSES; i++)
    sum->statuses[i] += from->statuses[i];
  for (unsigned i = 0; i < from->error_count; i++)
    load_requests_error(sum, from->errors[i].error, from->errors[i].code, from->errors[i].count);
  sum->errors_lost += from->errors_lost;
}

static void merge_histograms(struct load_requests *sum, const struct load_requests *from) {
  load_histogram_merge(&sum->latency, &from->latency);
  load_histogram_merge(&sum->failed_latency, &from->failed_latency);
  load_histogram_merge(&sum->service, &from->service);
  load_histogram_merge(&sum->first_byte, &from->first_byte);
  load_histogram_merge(&sum->unfinished, &from->unfinished);
}

void load_requests_merge(struct load_requests *sum, const struct load_requests *from) {
  sum->started += from->started;
  sum->done += from->done;
  sum->failed += from->failed;
  sum->carried += from->carried;
  sum->succeeded += from->succeeded;
  sum->errored += from->errored;
  sum->timeouts += from->timeouts;
  sum->retried += from->retried;
  sum->unsent += from->unsent;
  sum->waiting += from->waiting;
  sum->wire_in += from->wire_in;
  sum->wire_out += from->wire_out;
  sum->http_in += from->http_in;
  sum->http_out += from->http_out;
  sum->data_bytes += from->data_bytes;
  sum->upload_bytes += from->upload_bytes;
  sum->header_bytes += from->header_bytes;
  sum->header_plain_bytes += from->header_plain_bytes;
  if (from->oldest_ns > sum->oldest_ns) sum->oldest_ns = from->oldest_ns;
  merge_rows(sum, from);
  merge_histograms(sum, from);
}

void load_requests_wait(struct load_requests *sum) {
  if (sum->latency.count == 0) return;
  uint64_t median_ns = load_histogram_percentile(&sum->latency, 50);
  uint64_t before = sum->latency.count;
  load_histogram_add_above(&sum->latency, &sum->unfinished, median_ns);
  sum->waiting += sum->latency.count - before;
}

/* ---- all -------------------------------------------------------------------------------------- */

void load_stats_reason(struct load_stats *stats, const char *text, bool graceful, uint64_t count) {
  unsigned i = 0;
  while (i < stats->reason_count &&
         (stats->reasons[i].graceful != graceful || strcmp(stats->reasons[i].text, text) != 0))
    i++;
  if (i == LOAD_REASONS_MAX) {
    stats->reasons_lost += count;
    return;
  }
  if (i == stats->reason_count) {
    stats->reason_count++;
    stats->reasons[i].graceful = graceful;
    snprintf(stats->reasons[i].text, sizeof stats->reasons[i].text, "%s", text);
  }
  stats->reasons[i].count += count;
}

void load_stats_merge(struct load_stats *sum, const struct load_stats *from) {
  load_requests_merge(&sum->requests, &from->requests);
  sum->connections_opened += from->connections_opened;
  sum->connections_failed += from->connections_failed;
  sum->connections_ended += from->connections_ended;
  for (unsigned i = 0; i < LOAD_CLOSE_CODES; i++)
    sum->close_codes[i] += from->close_codes[i];
  load_histogram_merge(&sum->connect, &from->connect);
  load_histogram_merge(&sum->handshake, &from->handshake);
  load_tls_facts_add(&sum->tls, &from->tls);
  for (unsigned i = 0; i < from->reason_count; i++)
    load_stats_reason(sum, from->reasons[i].text, from->reasons[i].graceful,
                      from->reasons[i].count);
  sum->reasons_lost += from->reasons_lost;
  if (sum->begin_ns == 0 || from->begin_ns < sum->begin_ns) sum->begin_ns = from->begin_ns;
  if (from->end_ns > sum->end_ns) sum->end_ns = from->end_ns;
  sum->cpu_ns += from->cpu_ns;
  sum->interrupted = sum->interrupted || from->interrupted;
}
