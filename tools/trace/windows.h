/*
 * trace/windows.h - the server's sending windows as the client can reckon them from the frames:
 * what it granted (SETTINGS, WINDOW_UPDATE) less what has arrived (DATA, padding included).
 * Spec: RFC 9113 sections 5.2 and 6.9.
 *
 * A stall begins when DATA that has arrived used up the last credit of a stream, or of the
 * connection, while more was due: the server can have nothing under way then. It ends with the next
 * DATA. Between lie our WINDOW_UPDATE and a round trip at least.
 */
#ifndef WEIR_TRACE_WINDOWS_H
#define WEIR_TRACE_WINDOWS_H

#include "tools/trace/record.h"

struct trace_stall {
  uint64_t begin_ns;
  uint64_t update_ns; /* our WINDOW_UPDATE left; TRACE_NEVER: none did */
  uint64_t end_ns;    /* the next DATA began; the end of the run if none did */
  int result;         /* index; -1: the connection's window */
  uint8_t connection;
};

/* The connection's window from `at_ns` on. */
struct trace_level {
  uint64_t at_ns;
  int64_t bytes;
  uint8_t connection;
};

struct trace_windows {
  struct trace_stall *stalls;
  size_t stall_count, stall_capacity;
  struct trace_level *levels;
  size_t level_count, level_capacity;
  int *results;   /* by connection and stream identifier, see trace_result_of() */
  uint32_t slots; /* of `results`, a connection */
};

/* False when memory was refused; nothing is then held. */
__attribute__((warn_unused_result)) bool trace_windows_init(struct trace_windows *windows,
                                                            const struct trace_record *record);
void trace_windows_free(struct trace_windows *windows);

/* The index of the resource that a stream carried, or -1. */
int trace_result_of(const struct trace_windows *windows, uint8_t connection, uint32_t stream_id);

#endif
