/*
 * serve/log/queue.c - see serve/log/queue.h.
 *
 * No wake-up is lost: the writer publishes bytes and then looks at `wake_at`; the reader publishes
 * `wake_at` and then looks at the bytes. These four are sequentially consistent, so one of the two
 * sees the other.
 */
#include "tools/serve/log/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/machine.h"

#define NEVER UINT64_MAX

/* What is known of a request, without its texts: a struct log_request follows. */
struct record {
  struct stream_facts facts;
  uint64_t stream_id;
  int64_t wall_ns;
  const char *secure_version, *secure_group;
  uint8_t address[16];
  uint16_t port;
  uint16_t text_bytes;
};

static size_t request_bytes(size_t text_bytes) {
  return sizeof(struct log_request) + text_bytes;
}

bool log_queue_init(struct log_queue *queue, size_t bytes) {
  assert((bytes & (bytes - 1)) == 0);
  *queue = (struct log_queue){.ring = malloc(bytes), .size = bytes, .wake_at = NEVER};
  return queue->ring;
}

void log_queue_destroy(struct log_queue *queue) {
  free(queue->ring);
  free(queue->text);
  free(queue->request);
}

/* ---- the worker's side ----------------------------------------------------------------------- */

/* The reader looks at this only when a line was put. */
bool log_queue_format(struct log_queue *queue, enum log_format format) {
  assert(queue->written == 0 && !queue->formats);
  queue->text = malloc(ACCESS_LOG_LINE_BYTES_MAX);
  queue->request = malloc(request_bytes(ACCESS_LOG_TEXT_BYTES_MAX));
  queue->formats = queue->text && queue->request;
  queue->format = format;
  return queue->formats;
}

void log_queue_drop(struct log_queue *queue) {
  counter_add(&queue->dropped, 1);
}

/* The writer looks at the reader's cache line only when the ring seems full. */
static bool has_room(struct log_queue *queue, size_t len) {
  uint64_t most = queue->size - len;
  if (queue->written - queue->taken_seen <= most) return true;
  queue->taken_seen = __atomic_load_n(&queue->taken, __ATOMIC_ACQUIRE);
  return queue->written - queue->taken_seen <= most;
}

static size_t place(const struct log_queue *queue, uint64_t count) {
  return (size_t)count & (queue->size - 1);
}

static void copy_in(struct log_queue *queue, uint64_t count, const void *bytes, size_t len) {
  size_t at = place(queue, count), before_end = queue->size - at;
  size_t first = len < before_end ? len : before_end;
  memcpy(queue->ring + at, bytes, first);
  if (first < len) memcpy(queue->ring, (const uint8_t *)bytes + first, len - first);
}

/* The reader may have the `len` bytes of a line. Returns true when it is to be woken. */
static bool publish(struct log_queue *queue, size_t len) {
  counter_add(&queue->lines, 1);
  __atomic_store_n(&queue->written, queue->written + len, __ATOMIC_SEQ_CST);
  uint64_t wake_at = __atomic_load_n(&queue->wake_at, __ATOMIC_SEQ_CST);
  if (wake_at == NEVER) return false;
  if (queue->written - __atomic_load_n(&queue->taken, __ATOMIC_ACQUIRE) < wake_at) return false;
  __atomic_store_n(&queue->wake_at, NEVER, __ATOMIC_RELAXED);
  return true;
}

bool log_queue_put(struct log_queue *queue, const void *line, size_t len) {
  assert(!queue->formats);
  assert(len <= queue->size);
  if (!has_room(queue, len)) {
    log_queue_drop(queue);
    return false;
  }
  copy_in(queue, queue->written, line, len);
  return publish(queue, len);
}

bool log_queue_put_line(struct log_queue *queue, const struct log_line *line) {
  size_t len = request_bytes(line->request->text_bytes);
  struct record record = {.facts = *line->facts,
                          .stream_id = line->stream_id,
                          .wall_ns = line->wall_ns,
                          .secure_version = line->peer->secure_version,
                          .secure_group = line->peer->secure_group,
                          .port = line->peer->port,
                          .text_bytes = line->request->text_bytes};
  assert(queue->formats);
  assert(sizeof record + len <= queue->size);
  if (!has_room(queue, sizeof record + len)) {
    log_queue_drop(queue);
    return false;
  }
  memcpy(record.address, line->peer->address, sizeof record.address);
  copy_in(queue, queue->written, &record, sizeof record);
  copy_in(queue, queue->written + sizeof record, line->request, len);
  return publish(queue, sizeof record + len);
}

/* ---- the reader's side ----------------------------------------------------------------------- */

static void copy_out(const struct log_queue *queue, uint64_t count, void *bytes, size_t len) {
  size_t at = place(queue, count), before_end = queue->size - at;
  size_t first = len < before_end ? len : before_end;
  memcpy(bytes, queue->ring + at, first);
  memcpy((uint8_t *)bytes + first, queue->ring, len - first);
}

static size_t write_line(struct log_queue *queue, const struct record *record, char *out) {
  struct machine_peer peer = {.secure_version = record->secure_version,
                              .secure_group = record->secure_group,
                              .port = record->port};
  const struct log_line line = {.request = queue->request,
                                .facts = &record->facts,
                                .peer = &peer,
                                .stream_id = record->stream_id,
                                .wall_ns = record->wall_ns};
  memcpy(peer.address, record->address, sizeof peer.address);
  return log_line_write(queue->format, &line, &queue->date, out);
}

/* Makes lines of what is in the ring up to `written`: one at least, and no more than surely fit. */
static void make_lines(struct log_queue *queue, uint64_t written) {
  uint64_t taken = queue->taken;
  queue->text_at = queue->text_end = 0;
  while (taken < written) {
    struct record record;
    copy_out(queue, taken, &record, sizeof record);
    size_t room = ACCESS_LOG_LINE_BYTES_MAX - queue->text_end;
    if (log_line_bytes_max(record.text_bytes) > room) break;
    size_t len = request_bytes(record.text_bytes);
    copy_out(queue, taken + sizeof record, queue->request, len);
    queue->text_end += write_line(queue, &record, queue->text + queue->text_end);
    taken += sizeof record + len;
  }
  __atomic_store_n(&queue->taken, taken, __ATOMIC_RELEASE);
}

static int peek_ring(const struct log_queue *queue, uint64_t written, struct iovec parts[2]) {
  size_t have = (size_t)(written - queue->taken);
  size_t at = place(queue, queue->taken), before_end = queue->size - at;
  size_t first = have < before_end ? have : before_end;
  parts[0] = (struct iovec){.iov_base = queue->ring + at, .iov_len = first};
  parts[1] = (struct iovec){.iov_base = queue->ring, .iov_len = have - first};
  return have == 0 ? 0 : have == first ? 1 : 2;
}

/* `formats` may be read only when something was put: the worker sets it before. */
int log_queue_peek(struct log_queue *queue, struct iovec parts[2]) {
  uint64_t written = __atomic_load_n(&queue->written, __ATOMIC_SEQ_CST);
  bool has_text = queue->text_at < queue->text_end;
  if (!has_text && (written == queue->taken || !queue->formats))
    return peek_ring(queue, written, parts);
  if (!has_text) make_lines(queue, written);
  parts[0] = (struct iovec){.iov_base = queue->text + queue->text_at,
                            .iov_len = queue->text_end - queue->text_at};
  parts[1] = (struct iovec){.iov_base = queue->text, .iov_len = 0};
  return 1;
}

void log_queue_take(struct log_queue *queue, size_t bytes) {
  if (queue->text_at < queue->text_end)
    queue->text_at += bytes;
  else
    __atomic_store_n(&queue->taken, queue->taken + bytes, __ATOMIC_RELEASE);
}

size_t log_queue_bytes(const struct log_queue *queue) {
  return (size_t)(__atomic_load_n(&queue->written, __ATOMIC_RELAXED) - queue->taken);
}

bool log_queue_wake_at(struct log_queue *queue, uint64_t bytes) {
  __atomic_store_n(&queue->wake_at, bytes, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&queue->written, __ATOMIC_SEQ_CST) - queue->taken < bytes) return true;
  __atomic_store_n(&queue->wake_at, NEVER, __ATOMIC_RELAXED);
  return false;
}
