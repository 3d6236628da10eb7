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
 * !end 1, !trailers 1, !inform 1 103, !reset 1 5, !consume 1 100, !push 1 /path, !request [none] FIELDS..., !pass 500 (ms), !drain,
 * !eof, !close, !mute (the peer stops reading) and !listen, !later (new streams consume by !consume alone), !wants (whether the
 * machine reads), !windows (log WINDOW_UPDATE, too). "9x1 STEP" runs a step nine times; # in it is 1, 3, 5 ...
 *
 * The transcript has the application's events in lower case and the frames on the wire in upper case. SETTINGS and
 * WINDOW_UPDATE are only counted. DATA of one stream in one step is one entry.
 */
#ifndef WEIR_TESTS_SPDY_SCRIPT_H
#define WEIR_TESTS_SPDY_SCRIPT_H

#include "tests/support/spdy_script_parts.h"

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

#endif
