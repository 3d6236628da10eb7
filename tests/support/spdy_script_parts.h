/*
 * support/spdy_script_parts.h - part of spdy_script.h: what its modules share, the transcript, and fields from text.
 */
#ifndef WEIR_TESTS_SPDY_SCRIPT_PARTS_H
#define WEIR_TESTS_SPDY_SCRIPT_PARTS_H

#include "engine/engine.h"
#include "engine/spdy/frame.h"
#include "engine/spdy/spdy.h"
#include "tests/support/counted.h"

enum {
  SPDY_SCRIPT_STREAMS = 40,
  SPDY_SCRIPT_LOG_BYTES = 32768,
  SPDY_SCRIPT_TEXT_BYTES = 200 * 1024, /* of the fields of a step */
};

struct spdy_script;

/* One of the application's streams: what its body has to say. */
struct spdy_app_stream {
  struct spdy_script *script;
  struct stream *stream; /* NULL: the slot is free, or the stream has closed */
  uint32_t id;
  size_t left; /* bytes that its body still gives */
  bool ended, later;
  bool body_open;
};

struct spdy_script {
  struct counted_memory memory;
  struct engine engine;
  struct handler handler;
  struct machine machine;
  struct machine_host host;
  bool server, done, muted, consume_later, logs_windows;
  uint64_t now_ns;
  uint32_t wakes, windows; /* WINDOW_UPDATE frames that the machine sent */

  struct spdy_block_reader reader; /* of the machine's blocks */
  struct spdy_block_writer writer;
  struct spdy_scratch scratch;
  uint8_t *inbox; /* output that is not a whole frame yet */
  size_t inbox_len;

  struct spdy_app_stream streams[SPDY_SCRIPT_STREAMS];
  size_t stream_count;

  char log[SPDY_SCRIPT_LOG_BYTES];
  size_t log_len;
  char data_what[40]; /* the last entry, if it is about data */
  size_t data_at;     /* where it stands in the log */
  uint64_t data_bytes;
};

/* Appends an entry; entries are separated by commas. */
__attribute__((format(printf, 2, 3))) void spdy_script_log(struct spdy_script *script,
                                                           const char *format, ...);
/* Appends "WHAT ID BYTES[ end]", or adds to the last entry if it is about the same data. */
void spdy_script_log_data(struct spdy_script *script, const char *what, uint32_t id, size_t bytes,
                          bool end);

/* Fields from text: name=value between blanks. Returns how many; strings are static until the next call. */
size_t spdy_script_fields(const char *text, struct header *out, size_t max);

#endif
