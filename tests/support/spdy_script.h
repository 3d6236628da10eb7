/*
 * support/spdy_script.h - a SPDY peer made of text: a script says what it sends to a session, and the answers
 * become a transcript. No sockets.
 *
 * A script is steps between semicolons. A frame:
 *
 *     SYN[/FLAGS] ID [p3] [a1] FIELDS...    priority 3, associated to stream 1
 *     REPLY[/FLAGS] ID FIELDS...            HEADERS[/FLAGS] ID FIELDS...
 *     DATA[/FLAGS] ID BYTES                 RST ID STATUS
 *     PING ID                               GOAWAY LAST STATUS
 *     WU ID DELTA                           SET ID=VALUE...
 *     RAW x0102...                          bytes as they are
 *
 * FLAGS: S FLAG_FIN, U FLAG_UNIDIRECTIONAL. A field is name=value; @get, @post, @hold and @ok stand for those of
 * usual messages; big=N is a field with a value of N bytes.
 *
 * A step that begins with ! belongs to the application: !tunnel 1 [none], !respond 1 200 [none], !send 1 100,
 * !end 1, !trailers 1, !reset 1 5, !consume 1 100, !push 1 /path, !request [none] FIELDS..., !pass 500 (ms), !drain,
 * !eof, !close, !mute (the peer stops reading) and !listen, !later (new streams consume by !consume alone), !wants (whether the
 * machine reads), !windows (log WINDOW_UPDATE, too). "9x1 STEP" runs a step nine times; # in it is 1, 3, 5 ...
 *
 * The transcript has the application's events in lower case and the frames on the wire in upper case. SETTINGS and
 * WINDOW_UPDATE are only counted. DATA of one stream in one step is one entry.
 */
#ifndef WEIR_TESTS_SPDY_SCRIPT_H
#define WEIR_TESTS_SPDY_SCRIPT_H

#include "engine/engine.h"
#include "engine/spdy/frame.h"
#include "engine/spdy/spdy.h"
#include "tests/support/counted.h"

enum { SPDY_SCRIPT_STREAMS = 40, SPDY_SCRIPT_LOG_BYTES = 8192 };

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

/* The session of the scripts: `config` NULL: engine_config_default(). */
void spdy_script_begin(struct spdy_script *script, bool server,
                       const struct spdy_session_config *session,
                       const struct engine_config *config);

/* Closes the session and frees everything; asserts that no memory and no stream is left. */
void spdy_script_close(struct spdy_script *script);

/* Runs the steps; the machine gets the bytes in pieces of `piece` (0: whole). Takes the answers to each step
 * before the next. */
void spdy_script_run(struct spdy_script *script, const char *text, size_t piece);

/* ---- lines ----------------------------------------------------------------------------------- */

struct spdy_line {
  const char *name, *text, *transcript;
};

/* Runs each line on a session of its own, whole and byte by byte. Prints every line that fails, and then fails
 * the test. */
void spdy_lines_run(const struct spdy_line *lines, size_t count, bool server,
                    const struct spdy_session_config *session, const struct engine_config *config);

/* The first two arguments, of an array. */
#define SPDY_LINES(lines) lines, sizeof lines / sizeof *lines

/* ---- for its own modules --------------------------------------------------------------------- */

/* Appends an entry; entries are separated by commas. */
__attribute__((format(printf, 2, 3))) void spdy_script_log(struct spdy_script *script,
                                                           const char *format, ...);
/* Appends "WHAT ID BYTES[ end]", or adds to the last entry if it is about the same data. */
void spdy_script_log_data(struct spdy_script *script, const char *what, uint32_t id, size_t bytes,
                          bool end);

/* spdy_app.c: the handler's and client's events, and the steps that begin with !. */
void spdy_app_init(struct spdy_script *script);
void spdy_app_listen(struct spdy_script *script);
void spdy_app_step(struct spdy_script *script, const char *step);

/* Fields from text: name=value between blanks. Returns how many; strings are static until the next call. */
size_t spdy_script_fields(const char *text, struct header *out, size_t max);

#endif
