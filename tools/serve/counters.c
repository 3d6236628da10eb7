/*
 * serve/counters.c - names of counters, and the line that shows them; see serve/counters.h.
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

#define ENGINE(name)                                                                               \
  { #name, offsetof(struct engine_counters, name) }
#define WORKER(name)                                                                               \
  { #name, offsetof(struct loop_counters, name) }

static const struct row engine_rows[] = {
    ENGINE(connections_opened),
    ENGINE(connections_closed),
    ENGINE(streams_opened),
    ENGINE(streams_closed),
    ENGINE(requests),
    ENGINE(responses),
    ENGINE(pushes),
    ENGINE(resets_received),
    ENGINE(resets_sent),
    ENGINE(goaways_received),
    ENGINE(goaways_sent),
    ENGINE(body_bytes_received),
    ENGINE(body_bytes_sent),
    ENGINE(charged_resets),
    ENGINE(charged_pings),
    ENGINE(charged_settings),
    ENGINE(glitches),
    ENGINE(glitches_data),
    ENGINE(glitches_updates),
    ENGINE(glitches_priorities),
    ENGINE(glitches_unknown),
    ENGINE(glitches_refused),
    ENGINE(glitches_late),
    ENGINE(glitches_goaways),
    ENGINE(calmed),
    ENGINE(calmed_resets),
    ENGINE(calmed_glitches),
    ENGINE(calmed_pings),
    ENGINE(calmed_settings),
    ENGINE(calmed_headers),
    ENGINE(failed),
    ENGINE(failed_compression),
    ENGINE(timeouts),
    ENGINE(timeouts_preface),
    ENGINE(timeouts_settings),
    ENGINE(timeouts_frames),
    ENGINE(timeouts_replies),
    ENGINE(timeouts_output),
    ENGINE(timeouts_bodies),
    ENGINE(hushed),
    ENGINE(idled),
    ENGINE(too_large),
    ENGINE(refused),
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

void serve_counters_add(struct engine_counters *sum, const struct engine_counters *from) {
  for (unsigned i = 0; i < ENGINE_ROWS; i++) {
    const uint64_t *counter = (const uint64_t *)((const char *)from + engine_rows[i].offset);
    *(uint64_t *)((char *)sum + engine_rows[i].offset) += counter_get(counter);
  }
}

static void print(FILE *out, const struct row *rows, unsigned count, const void *counters) {
  for (unsigned i = 0; i < count; i++) {
    const uint64_t *counter = (const uint64_t *)((const char *)counters + rows[i].offset);
    fprintf(out, "%s\"%s\": %llu", i ? ", " : "", rows[i].name, (unsigned long long)*counter);
  }
}

void serve_counters_say(int to, const struct engine_counters *engine,
                        const struct loop_counters *worker) {
  char *text = NULL;
  size_t len = 0;
  FILE *line = open_memstream(&text, &len);
  if (!line) return;
  print(line, engine_rows, ENGINE_ROWS, engine);
  fputs(", ", line);
  print(line, worker_rows, WORKER_ROWS, worker);
  if (fclose(line) == 0)
    output_say(to, "{%s, \"lines_dropped\": %llu}", text, (unsigned long long)output_dropped());
  free(text);
}
