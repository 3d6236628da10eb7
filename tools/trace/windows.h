/*
 * trace/windows.h - the server's send windows, computed from the client's frames: the credit
 * granted (SETTINGS, WINDOW_UPDATE) minus what has arrived (DATA, including padding). Spec: RFC
 * 9113 sections 5.2 and 6.9.
 *
 * A stall starts when arriving DATA uses up the credit of a stream, or of the connection, while
 * more was due: the server can have nothing in flight then. It ends with the next DATA, at least a
 * round trip after our WINDOW_UPDATE.
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
  int *results;   /* by connection and stream; see trace_result_of() */
  uint32_t slots; /* entries of `results` per connection */
};

/* False when memory was refused; nothing is held then. */
__attribute__((warn_unused_result)) bool trace_windows_init(struct trace_windows *windows,
                                                            const struct trace_record *record);
void trace_windows_free(struct trace_windows *windows);

/* The index of the resource that a stream carried, or -1. */
int trace_result_of(const struct trace_windows *windows, uint8_t connection, uint32_t stream_id);

#endif
