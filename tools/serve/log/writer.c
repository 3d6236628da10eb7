/*
 * serve/log/writer.c - see serve/log/writer.h.
 */
#include "tools/serve/log/writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/machine.h"
#include "io/base/clock.h"
#include "tools/common/commands.h"
#include "tools/common/output.h"
#include "tools/serve/limits.h"
#include "tools/serve/log/file.h"

struct log_writer {
  struct log_file file;
  pthread_t thread;
  bool started;
  int event;            /* wakes the thread */
  bool reopen, closing; /* atomic: what it is woken for */
  uint64_t dropped;     /* lines that the thread gave up */
  unsigned current;     /* the queue to be read next; while file.torn, the one that has the rest */
  unsigned count;
  struct log_queue queues[];
};

/* What a turn came to, and so how long to sleep. */
enum turn { TURN_IDLE, TURN_MOVED, TURN_FULL, TURN_FAILED };

/* ---- one turn -------------------------------------------------------------------------------- */

static size_t line_bytes(const struct iovec *part) {
  const uint8_t *end = part->iov_len ? memchr(part->iov_base, '\n', part->iov_len) : NULL;
  return end ? (size_t)(end - (const uint8_t *)part->iov_base) + 1 : 0;
}

/* Drops the first line of the queue, or the rest of it. False: there is none. */
static bool drop_line(struct log_writer *writer, struct log_queue *queue) {
  struct iovec parts[2];
  if (log_queue_peek(queue, parts) == 0) return false;
  size_t bytes = line_bytes(&parts[0]);
  log_queue_take(queue, bytes ? bytes : parts[0].iov_len + line_bytes(&parts[1]));
  counter_add(&writer->dropped, 1);
  return true;
}

/* Another reader, or another file, must not begin with the rest of a line. */
static void drop_rest(struct log_writer *writer) {
  if (writer->file.torn) (void)drop_line(writer, &writer->queues[writer->current]);
  writer->file.torn = false;
}

/* A line goes to one file, unless that takes no more. */
static void follow_file(struct log_writer *writer, bool failed) {
  if (writer->file.torn && !failed) return;
  bool reopen = __atomic_exchange_n(&writer->reopen, false, __ATOMIC_ACQ_REL);
  if (log_file_follow(&writer->file, reopen)) drop_rest(writer);
}

static enum turn write_queue(struct log_writer *writer, struct log_queue *queue) {
  struct iovec parts[2];
  size_t bytes;
  int count = log_queue_peek(queue, parts);
  if (count == 0) return TURN_IDLE;
  switch (log_file_write(&writer->file, parts, count, &bytes)) {
  case LOG_FILE_WRITTEN: log_queue_take(queue, bytes); return TURN_MOVED;
  case LOG_FILE_FULL: return TURN_FULL;
  case LOG_FILE_FAILED: return TURN_FAILED;
  case LOG_FILE_LEFT: break;
  }
  drop_rest(writer);
  return TURN_FAILED;
}

/* Writes until less than ACCESS_LOG_LINE_BYTES_MAX is left: one call makes text of no more. */
static enum turn write_much(struct log_writer *writer, struct log_queue *queue) {
  enum turn turn = write_queue(writer, queue);
  while (turn == TURN_MOVED && !writer->file.torn &&
         log_queue_bytes(queue) >= ACCESS_LOG_LINE_BYTES_MAX)
    turn = write_queue(writer, queue);
  return turn;
}

/* Each queue once; a line is written to its end before another queue has its turn. */
static enum turn take_turn(struct log_writer *writer, enum turn before) {
  enum turn turn = TURN_IDLE;
  follow_file(writer, before == TURN_FAILED);
  for (unsigned i = 0; i < writer->count; i++) {
    enum turn of_queue = write_much(writer, &writer->queues[writer->current]);
    if (of_queue >= TURN_FULL) return of_queue;
    if (of_queue == TURN_MOVED) turn = TURN_MOVED;
    if (writer->file.torn) return TURN_MOVED;
    writer->current = (writer->current + 1) % writer->count;
  }
  return turn;
}

/* ---- sleep ----------------------------------------------------------------------------------- */

/* False: a queue has as much by now. */
static bool ask_to_be_woken(struct log_writer *writer, enum turn turn) {
  uint64_t bytes = turn == TURN_IDLE ? 1 : writer->queues[0].size / 2;
  for (unsigned i = 0; i < writer->count; i++)
    if (!log_queue_wake_at(&writer->queues[i], bytes)) return false;
  return true;
}

static void sleep_after(struct log_writer *writer, enum turn turn, bool closing) {
  struct pollfd waits[2] = {{.fd = writer->event, .events = POLLIN},
                            {.fd = turn == TURN_FULL ? writer->file.fd : -1, .events = POLLOUT}};
  int milliseconds = turn == TURN_MOVED    ? ACCESS_LOG_REST_MILLISECONDS
                     : turn == TURN_FAILED ? ACCESS_LOG_RETRY_MILLISECONDS
                                           : -1;
  if (closing) milliseconds = turn == TURN_MOVED ? 0 : ACCESS_LOG_REST_MILLISECONDS;
  if (turn <= TURN_MOVED && !ask_to_be_woken(writer, turn)) return;
  if (poll(waits, 2, milliseconds) <= 0 || !waits[0].revents) return;
  eventfd_t wakes;
  (void)eventfd_read(writer->event, &wakes);
}

static void give_up_rest(struct log_writer *writer) {
  uint64_t before = writer->dropped;
  for (unsigned i = 0; i < writer->count; i++)
    while (drop_line(writer, &writer->queues[i])) {
    }
  if (writer->dropped > before)
    output_complain("weir serve", EXIT_FAILED, "%llu lines of the log %s were not written",
                    (unsigned long long)(writer->dropped - before), writer->file.path);
}

static void *run(void *ctx) {
  struct log_writer *writer = ctx;
  uint64_t end_ns = UINT64_MAX;
  for (enum turn turn = TURN_IDLE;;) {
    bool closing = __atomic_load_n(&writer->closing, __ATOMIC_ACQUIRE);
    turn = take_turn(writer, turn);
    uint64_t now_ns = clock_now_ns();
    if (closing && end_ns == UINT64_MAX)
      end_ns = now_ns + ACCESS_LOG_END_MILLISECONDS * UINT64_C(1000000);
    if (closing && (turn == TURN_IDLE || now_ns >= end_ns)) break;
    sleep_after(writer, turn, closing);
  }
  give_up_rest(writer);
  return NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

struct log_writer *log_writer_open(const char *path, unsigned queues, size_t queue_bytes,
                                   struct io_error *error) {
  size_t bytes = sizeof(struct log_writer) + queues * sizeof(struct log_queue);
  struct log_writer *writer = aligned_alloc(_Alignof(struct log_writer), bytes);
  if (!writer) {
    io_error_set(error, ENOMEM, "cannot open the log %s: no memory", path);
    return NULL;
  }
  *writer = (struct log_writer){.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  bool good = log_file_open(&writer->file, path, error);
  if (good && writer->event < 0)
    good = io_error_set(error, errno, "cannot make an eventfd: %s", strerror(errno));
  while (good && writer->count < queues) {
    good = log_queue_init(&writer->queues[writer->count], queue_bytes);
    if (!good) io_error_set(error, ENOMEM, "cannot open the log %s: no memory", path);
    writer->count += good;
  }
  if (good) return writer;
  log_writer_close(writer);
  return NULL;
}

bool log_writer_start(struct log_writer *writer, struct io_error *error) {
  int code = pthread_create(&writer->thread, NULL, run, writer);
  if (code) return io_error_set(error, code, "cannot start a thread for a log: %s", strerror(code));
  pthread_setname_np(writer->thread, "weir-log");
  writer->started = true;
  return true;
}

void log_writer_close(struct log_writer *writer) {
  if (!writer) return;
  __atomic_store_n(&writer->closing, true, __ATOMIC_RELEASE);
  log_writer_wake(writer);
  if (writer->started) pthread_join(writer->thread, NULL);
  for (unsigned i = 0; i < writer->count; i++)
    log_queue_destroy(&writer->queues[i]);
  log_file_close(&writer->file);
  if (writer->event >= 0) close(writer->event);
  free(writer);
}

struct log_queue *log_writer_queue(struct log_writer *writer, unsigned index) {
  return &writer->queues[index];
}

void log_writer_wake(struct log_writer *writer) {
  (void)eventfd_write(writer->event, 1);
}

void log_writer_reopen(struct log_writer *writer) {
  __atomic_store_n(&writer->reopen, true, __ATOMIC_RELEASE);
  log_writer_wake(writer);
}

struct log_counts log_writer_counts(const struct log_writer *writer) {
  struct log_counts counts = {.dropped = counter_get(&writer->dropped)};
  for (unsigned i = 0; i < writer->count; i++) {
    counts.lines += counter_get(&writer->queues[i].lines);
    counts.dropped += counter_get(&writer->queues[i].dropped);
  }
  return counts;
}
