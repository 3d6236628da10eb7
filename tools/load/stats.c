/*
 * load/stats.c - see load/stats.h.
 */
#include "tools/load/stats.h"

#include <stdio.h>
#include <string.h>

#include "engine/h2/frame.h"

_Static_assert(H2_HTTP_1_1_REQUIRED == LOAD_CODES - 2,
               "each code has a place, unknown ones the last");

static const struct {
  const char *name, *text;
  bool coded;
} kinds[LOAD_ERRORS] = {
    [LOAD_TIMEOUT] = {"timeout", "timed out", false},
    [LOAD_RESET] = {"reset", "the server sent RST_STREAM", true},
    [LOAD_GOAWAY] = {"goaway", "the server ended the connection with GOAWAY", true},
    [LOAD_CLOSED] = {"closed", "the server closed the connection", false},
    [LOAD_LOST] = {"lost", "the connection was reset", false},
    [LOAD_WRONG] = {"wrong", "the response breaks the protocol", true},
    [LOAD_BROKEN] = {"broken", "the server breaks the protocol", true},
    [LOAD_UNMADE] = {"unmade", "the request could not be sent", false},
};

const char *load_error_name(enum load_error error) {
  return kinds[error].name;
}

const char *load_error_text(enum load_error error, unsigned code, char *text, size_t size) {
  if (kinds[error].coded)
    snprintf(text, size, "%s (%s)", kinds[error].text,
             code == LOAD_CODES - 1 ? "unknown code" : h2_error_name(code));
  else
    snprintf(text, size, "%s", kinds[error].text);
  return text;
}

/* The progress counters may be read at the same time. */
void load_requests_forget(struct load_requests *requests) {
  uint64_t *const progress[] = {&requests->started, &requests->done, &requests->failed,
                                &requests->data_bytes};
  for (unsigned i = 0; i < sizeof progress / sizeof progress[0]; i++)
    __atomic_store_n(progress[i], 0, __ATOMIC_RELAXED);
  size_t rest = offsetof(struct load_requests, succeeded);
  memset((char *)requests + rest, 0, sizeof *requests - rest);
}

void load_stats_reason(struct load_stats *stats, const char *text, uint64_t count) {
  unsigned i = 0;
  while (i < stats->reason_count && strcmp(stats->reasons[i].text, text) != 0)
    i++;
  if (i == LOAD_REASONS_MAX) {
    stats->reasons_lost += count;
    return;
  }
  if (i == stats->reason_count) {
    stats->reason_count++;
    snprintf(stats->reasons[i].text, sizeof stats->reasons[i].text, "%s", text);
  }
  stats->reasons[i].count += count;
}

static void merge_errors(struct load_requests *sum, const struct load_requests *from) {
  for (unsigned i = 0; i < 6; i++)
    sum->statuses[i] += from->statuses[i];
  for (unsigned i = 0; i < LOAD_ERRORS; i++)
    for (unsigned code = 0; code < LOAD_CODES; code++)
      sum->errors[i][code] += from->errors[i][code];
}

static void merge_requests(struct load_requests *sum, const struct load_requests *from) {
  sum->started += from->started;
  sum->done += from->done;
  sum->failed += from->failed;
  sum->succeeded += from->succeeded;
  sum->errored += from->errored;
  sum->timeouts += from->timeouts;
  sum->retried += from->retried;
  sum->unsent += from->unsent;
  sum->waiting += from->waiting;
  sum->wire_in += from->wire_in;
  sum->wire_out += from->wire_out;
  sum->data_bytes += from->data_bytes;
  sum->upload_bytes += from->upload_bytes;
  sum->header_bytes += from->header_bytes;
  sum->header_plain_bytes += from->header_plain_bytes;
  if (from->oldest_ns > sum->oldest_ns) sum->oldest_ns = from->oldest_ns;
  merge_errors(sum, from);
  load_histogram_merge(&sum->latency, &from->latency);
  load_histogram_merge(&sum->service, &from->service);
  load_histogram_merge(&sum->first_byte, &from->first_byte);
}

void load_stats_merge(struct load_stats *sum, const struct load_stats *from) {
  merge_requests(&sum->requests, &from->requests);
  sum->connections_opened += from->connections_opened;
  sum->connections_failed += from->connections_failed;
  sum->connections_ended += from->connections_ended;
  load_histogram_merge(&sum->connect, &from->connect);
  load_histogram_merge(&sum->handshake, &from->handshake);
  for (unsigned i = 0; i < from->reason_count; i++)
    load_stats_reason(sum, from->reasons[i].text, from->reasons[i].count);
  sum->reasons_lost += from->reasons_lost;
  if (sum->begin_ns == 0 || from->begin_ns < sum->begin_ns) sum->begin_ns = from->begin_ns;
  if (from->end_ns > sum->end_ns) sum->end_ns = from->end_ns;
  sum->cpu_ns += from->cpu_ns;
  sum->interrupted = sum->interrupted || from->interrupted;
}
