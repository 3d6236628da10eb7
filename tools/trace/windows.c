/*
 * trace/windows.c - walks the frames once, in the order in which they passed.
 */
#include "tools/trace/windows.h"

#include <stdlib.h>

#include "engine/h2/frame.h"
#include "engine/h2/settings.h"

struct account {
  int64_t bytes; /* credit left */
  bool open;     /* a stall has begun */
  struct trace_stall stall;
};

struct reckoner {
  const struct trace_record *record;
  struct trace_windows *windows;
  struct account connections[TRACE_CONNECTIONS_MAX];
  struct account *streams; /* one per result */
  bool failed;             /* memory was refused */
};

int trace_result_of(const struct trace_windows *windows, uint8_t connection, uint32_t stream_id) {
  uint32_t slot = stream_id / 2;
  if (stream_id % 2 == 0 || slot >= windows->slots) return -1;
  return windows->results[connection * windows->slots + slot];
}

static bool index_results(struct trace_windows *windows, const struct trace_record *record) {
  uint32_t id_max = 0;
  for (size_t i = 0; i < record->result_count; i++)
    if (record->results[i].stream_id > id_max) id_max = record->results[i].stream_id;
  windows->slots = id_max / 2 + 1;
  size_t count = (size_t)windows->slots * TRACE_CONNECTIONS_MAX;
  windows->results = malloc(count * sizeof *windows->results);
  if (!windows->results) return false;
  for (size_t i = 0; i < count; i++)
    windows->results[i] = -1;
  for (size_t i = 0; i < record->result_count; i++) {
    const struct trace_result *result = &record->results[i];
    if (result->stream_id)
      windows->results[result->connection * windows->slots + result->stream_id / 2] = (int)i;
  }
  return true;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static bool grow(void **base, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return true;
  size_t more = *capacity ? *capacity * 2 : 64;
  void *bigger = realloc(*base, more * size);
  if (!bigger) return false;
  *base = bigger;
  *capacity = more;
  return true;
}

static void add_stall(struct reckoner *reckoner, struct trace_stall stall) {
  struct trace_windows *windows = reckoner->windows;
  void *base = windows->stalls;
  if (!grow(&base, windows->stall_count, &windows->stall_capacity, sizeof stall)) {
    reckoner->failed = true;
    return;
  }
  windows->stalls = base;
  windows->stalls[windows->stall_count++] = stall;
}

static void add_level(struct reckoner *reckoner, const struct trace_frame *frame) {
  struct trace_windows *windows = reckoner->windows;
  void *base = windows->levels;
  struct trace_level level = {.at_ns = frame->end_ns,
                              .bytes = reckoner->connections[frame->connection].bytes,
                              .connection = frame->connection};
  if (!grow(&base, windows->level_count, &windows->level_capacity, sizeof level)) {
    reckoner->failed = true;
    return;
  }
  windows->levels = base;
  windows->levels[windows->level_count++] = level;
}

/* ---- credit ---------------------------------------------------------------------------------- */

static void end_stall(struct reckoner *reckoner, struct account *account, uint64_t at_ns) {
  if (!account->open) return;
  account->open = false;
  account->stall.end_ns = at_ns;
  add_stall(reckoner, account->stall);
}

static void spend(struct account *account, const struct trace_frame *frame, int result, bool more) {
  account->bytes -= frame->length;
  if (account->bytes > 0 || !more) return;
  account->open = true;
  account->stall = (struct trace_stall){.begin_ns = frame->end_ns,
                                        .update_ns = TRACE_NEVER,
                                        .result = result,
                                        .connection = frame->connection};
}

static void grant(struct account *account, int64_t bytes, uint64_t at_ns) {
  account->bytes += bytes;
  if (account->open && account->bytes > 0 && account->stall.update_ns == TRACE_NEVER)
    account->stall.update_ns = at_ns;
}

/* Whether any response of the connection is still incomplete at `at_ns`. */
static bool is_due(const struct trace_record *record, uint8_t connection, uint64_t at_ns) {
  for (size_t i = 0; i < record->result_count; i++) {
    const struct trace_result *result = &record->results[i];
    if (result->connection == connection && result->asked_ns <= at_ns && result->end_ns > at_ns)
      return true;
  }
  return false;
}

static void on_data(struct reckoner *reckoner, const struct trace_frame *frame) {
  struct account *connection = &reckoner->connections[frame->connection];
  int result = trace_result_of(reckoner->windows, frame->connection, frame->stream_id);
  end_stall(reckoner, connection, frame->begin_ns);
  bool empties = connection->bytes <= (int64_t)frame->length;
  spend(connection, frame, -1,
        empties && is_due(reckoner->record, frame->connection, frame->end_ns));
  add_level(reckoner, frame);
  if (result < 0) return;
  end_stall(reckoner, &reckoner->streams[result], frame->begin_ns);
  bool more = !(frame->flags & H2_FLAG_END_STREAM) &&
              reckoner->record->results[result].end_ns > frame->end_ns;
  spend(&reckoner->streams[result], frame, result, more);
}

static void on_update(struct reckoner *reckoner, const struct trace_frame *frame) {
  if (frame->payload_bytes < 4) return;
  const uint8_t *at = trace_payload(reckoner->record, frame);
  int64_t bytes = (int64_t)(at[0] & 0x7f) << 24 | at[1] << 16 | at[2] << 8 | at[3];
  if (frame->stream_id == 0) {
    grant(&reckoner->connections[frame->connection], bytes, frame->end_ns);
    add_level(reckoner, frame);
    return;
  }
  int result = trace_result_of(reckoner->windows, frame->connection, frame->stream_id);
  if (result >= 0) grant(&reckoner->streams[result], bytes, frame->end_ns);
}

static bool reckon(struct reckoner *reckoner) {
  const struct trace_record *record = reckoner->record;
  for (unsigned i = 0; i < TRACE_CONNECTIONS_MAX; i++)
    reckoner->connections[i].bytes = H2_INITIAL_WINDOW_BYTES;
  for (size_t i = 0; i < record->result_count; i++)
    reckoner->streams[i].bytes = record->window_bytes;
  for (size_t i = 0; i < record->frame_count; i++) {
    const struct trace_frame *frame = &record->frames[i];
    if (record->connections[frame->connection].http1) continue;
    if (frame->type == H2_DATA && !frame->sent) on_data(reckoner, frame);
    if (frame->type == H2_WINDOW_UPDATE && frame->sent) on_update(reckoner, frame);
  }
  for (unsigned i = 0; i < record->connection_count; i++)
    end_stall(reckoner, &reckoner->connections[i], record->end_ns);
  for (size_t i = 0; i < record->result_count; i++)
    end_stall(reckoner, &reckoner->streams[i], record->results[i].end_ns);
  return !reckoner->failed;
}

bool trace_windows_init(struct trace_windows *windows, const struct trace_record *record) {
  struct reckoner reckoner = {.record = record, .windows = windows};
  *windows = (struct trace_windows){0};
  reckoner.streams = calloc(record->result_count + 1, sizeof *reckoner.streams);
  bool good = reckoner.streams && index_results(windows, record) && reckon(&reckoner);
  free(reckoner.streams);
  if (!good) trace_windows_free(windows);
  return good;
}

void trace_windows_free(struct trace_windows *windows) {
  free(windows->stalls);
  free(windows->levels);
  free(windows->results);
  *windows = (struct trace_windows){0};
}
