/*
 * serve/counters.c - the names of the counters, and the line that prints them; see
 * serve/counters.h.
 */
#include "tools/serve/counters.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/common/output.h"

struct row {
  const char *name;
  size_t offset;
};

#define HTTP(name)                                                                                 \
  { #name, offsetof(struct engine_counters, http.name) }
#define H2(name)                                                                                   \
  { #name, offsetof(struct engine_counters, h2.name) }
#define H1(name)                                                                                   \
  { "h1_" #name, offsetof(struct engine_counters, h1.name) }
#define SPDY(name)                                                                                 \
  { "spdy_" #name, offsetof(struct engine_counters, spdy.name) }
#define WS(name)                                                                                   \
  { "ws_" #name, offsetof(struct engine_counters, ws.name) }
#define WORKER(name)                                                                               \
  { #name, offsetof(struct loop_counters, name) }

static const struct row engine_rows[] = {
    HTTP(connections_opened),
    HTTP(connections_closed),
    HTTP(streams_opened),
    HTTP(streams_closed),
    HTTP(requests),
    HTTP(responses),
    HTTP(body_bytes_received),
    HTTP(body_bytes_sent),
    HTTP(too_large),
    HTTP(idled),
    HTTP(refused),
    H1(ahead),
    H1(tunnels),
    H1(upgrades),
    H1(refused_heads),
    H1(refused_syntax),
    H1(refused_size),
    H1(refused_version),
    H1(charged_chunks),
    H1(calmed_chunks),
    H1(timeouts),
    H1(timeouts_heads),
    H1(timeouts_output),
    H1(timeouts_bodies),
    H1(hushed),
    H2(pushes),
    H2(resets_received),
    H2(resets_sent),
    H2(goaways_received),
    H2(goaways_sent),
    H2(charged_resets),
    H2(charged_pings),
    H2(charged_settings),
    H2(glitches),
    H2(glitches_data),
    H2(glitches_updates),
    H2(glitches_priorities),
    H2(glitches_unknown),
    H2(glitches_refused),
    H2(glitches_late),
    H2(glitches_goaways),
    H2(slowed),
    H2(pauses),
    H2(calmed),
    H2(calmed_resets),
    H2(calmed_glitches),
    H2(calmed_pings),
    H2(calmed_settings),
    H2(calmed_headers),
    H2(failed),
    H2(failed_compression),
    H2(timeouts),
    H2(timeouts_preface),
    H2(timeouts_settings),
    H2(timeouts_frames),
    H2(timeouts_replies),
    H2(timeouts_output),
    H2(timeouts_bodies),
    H2(hushed),
    SPDY(sessions),
    SPDY(tunnels),
    SPDY(pushes),
    SPDY(resets_received),
    SPDY(resets_sent),
    SPDY(goaways_received),
    SPDY(goaways_sent),
    SPDY(windowless),
    SPDY(dropped_bytes),
    SPDY(held),
    SPDY(charged_resets),
    SPDY(charged_pings),
    SPDY(charged_settings),
    SPDY(glitches),
    SPDY(glitches_data),
    SPDY(glitches_updates),
    SPDY(glitches_unknown),
    SPDY(glitches_refused),
    SPDY(glitches_late),
    SPDY(glitches_goaways),
    SPDY(slowed),
    SPDY(pauses),
    SPDY(calmed),
    SPDY(calmed_resets),
    SPDY(calmed_glitches),
    SPDY(calmed_pings),
    SPDY(calmed_settings),
    SPDY(calmed_headers),
    SPDY(failed),
    SPDY(failed_compression),
    SPDY(timeouts),
    SPDY(timeouts_frames),
    SPDY(timeouts_replies),
    SPDY(timeouts_output),
    SPDY(timeouts_bodies),
    SPDY(lost),
    SPDY(hushed),
    WS(opened),
    WS(closed),
    WS(messages_received),
    WS(messages_sent),
    WS(broken),
    WS(too_big),
    WS(flooded),
    WS(silent),
};

static const struct row worker_rows[] = {
    WORKER(turns),         WORKER(turns_watched), WORKER(turns_long),    WORKER(links_accepted),
    WORKER(links_dialed),  WORKER(links_closed),  WORKER(links_refused), WORKER(links_cut),
    WORKER(links_stalled), WORKER(links_shed),    WORKER(links_held),    WORKER(accept_errors),
    WORKER(recv_bytes),    WORKER(recv_calls),    WORKER(send_bytes),    WORKER(send_calls),
    WORKER(send_short),    WORKER(recv_starved),  WORKER(recv_paused),   WORKER(late_completions),
    WORKER(cq_overflows),
};

enum {
  ENGINE_ROWS = sizeof engine_rows / sizeof engine_rows[0],
  WORKER_ROWS = sizeof worker_rows / sizeof worker_rows[0],
};
_Static_assert(ENGINE_ROWS == sizeof(struct engine_counters) / sizeof(uint64_t), "all are named");
_Static_assert(WORKER_ROWS == sizeof(struct loop_counters) / sizeof(uint64_t), "all are named");

void serve_counters_add(struct engine_counters *sum, const struct engine_counters *counters) {
  for (unsigned i = 0; i < ENGINE_ROWS; i++) {
    size_t offset = engine_rows[i].offset;
    *(uint64_t *)((char *)sum + offset) += *(const uint64_t *)((const char *)counters + offset);
  }
}

static void print(FILE *out, const struct row *rows, unsigned count, const void *counters) {
  for (unsigned i = 0; i < count; i++) {
    const uint64_t *counter = (const uint64_t *)((const char *)counters + rows[i].offset);
    fprintf(out, "%s\"%s\": %llu", i ? ", " : "", rows[i].name, (unsigned long long)*counter);
  }
}

void serve_counters_say(int to, const struct engine_counters *engine,
                        const struct loop_counters *worker, const struct log_counts *log,
                        const struct log_counts *record) {
  char *text = NULL;
  size_t len = 0;
  FILE *line = open_memstream(&text, &len);
  if (!line) return;
  print(line, engine_rows, ENGINE_ROWS, engine);
  fputs(", ", line);
  print(line, worker_rows, WORKER_ROWS, worker);
  fprintf(line, ", \"access_log_lines\": %llu, \"access_log_dropped\": %llu",
          (unsigned long long)log->lines, (unsigned long long)log->dropped);
  fprintf(line, ", \"recorded_lines\": %llu, \"recorded_dropped\": %llu",
          (unsigned long long)record->lines, (unsigned long long)record->dropped);
  if (fclose(line) == 0)
    output_say(to, "{%s, \"lines_dropped\": %llu}", text, (unsigned long long)output_dropped());
  free(text);
}
