/*
 * support/script.h - a peer made of text: a script says what it sends to a server or client engine,
 * and the answers become a transcript. No sockets.
 *
 * A script is steps between semicolons. A frame:
 *
 *     TYPE[/FLAGS] STREAM [LENGTH] PAYLOAD...
 *
 *   TYPE     DATA HEADERS PRIORITY RST SETTINGS PUSH PING GOAWAY WU CONT PU, or T and a number
 *   FLAGS    S END_STREAM, H END_HEADERS, A ACK, P PADDED, R PRIORITY, U all undefined ones
 *   LENGTH   L9: the header says 9, whatever the payload is
 *   PAYLOAD  any of   x0102 bytes    *5 zero bytes       =7 32 bits      s4=7 a setting
 *                     p3 Pad Length, and three bytes of padding at the end
 *                     d3/16 dependency and weight (d3/16! exclusive)
 *                     ~magic the client's magic        [...] a header block
 *
 * A block is fields between blanks: name=value (literal), +name=value (inserted into the dynamic
 * table), !name=value (never indexed), #62 (indexed), ^0 (table size update), xFF (bytes as they
 * are). %41 is an octet in hexadecimal. @get, @hold, @post, @connect, @ok stand for usual fields.
 * RAW x01 sends bytes without a frame header.
 *
 * A step that begins with ! belongs to the application: !respond 1 200, !end 1, !send 1 100, !reset
 * 1 8, !bulk 1 9000 (a response with a field of that size), !inform 1 103, !tunnel 1, !trailers 1,
 * !push 1 [https://a [METHOD]] (BODY: GET with content), !request /path [body [authority]], !tick
 * 500 (ms), !drain, !eof, !mute (the peer stops reading) and !listen.
 *
 * The transcript has the application's events in lower case and the frames on the wire in upper
 * case. The preface, acknowledgements of SETTINGS and WINDOW_UPDATE are only counted.
 *
 * The application answers requests for /hold and CONNECT by !respond, /none without a body, and
 * others with "ok". It refuses promises of /unwanted.
 *
 * Life: script_begin() .. script_close(), or for many connections of one engine, script_engine(),
 * then script_connect() .. script_disconnect() for each, then script_destroy(). script_pump() and
 * script_receive() are in script_seen.h, script_app_of() is in script_app.h.
 */
#ifndef WEIR_TESTS_SCRIPT_H
#define WEIR_TESTS_SCRIPT_H

#include "tests/support/script_app.h"
#include "tests/support/script_parts.h"
#include "tests/support/script_seen.h"

/* ---- life ------------------------------------------------------------------------------------ */

/* The configuration that scripts are written for: small windows, extended CONNECT, credit for what
 * was consumed. */
struct engine_config script_config(void);

/* Makes a server engine whose handler is the application, or a client engine. `config` NULL:
 * script_config(). */
void script_engine(struct script *script, enum h2_role role, const struct engine_config *config);

/* Opens a connection. Prefaces have been exchanged unless `bare`. */
void script_connect(struct script *script, enum h2_role role, bool bare);

/* Closes the connection. Asserts that no stream is left. */
void script_disconnect(struct script *script);

/* Frees the engine; asserts that no memory is left. */
void script_destroy(struct script *script);

/* script_engine() and script_connect(). */
void script_begin(struct script *script, enum h2_role role, const struct engine_config *config,
                  bool bare);

/* script_disconnect() and script_destroy(). */
void script_close(struct script *script);

/* The peer alone, for a server elsewhere: steps go to `sink`, and the test passes the answers to
 * script_receive(). Ends with script_detach(). */
void script_attach(struct script *script, void (*sink)(struct script *script, struct span bytes));
void script_detach(struct script *script);

/* ---- running --------------------------------------------------------------------------------- */

/* Runs the steps. Takes the answers to each before the next. */
void script_run(struct script *script, const char *text);

/* Empties the transcript. */
void script_clear(struct script *script);

/* ---- looking --------------------------------------------------------------------------------- */

/* Whether the machine is done. */
bool script_done(const struct script *script);

/* Asserts that HPACK is in step, and that the connection's window is exactly what the peer
 * knows: all of it can be used, and not one byte more. Ends the connection. */
void script_check(struct script *script);

#endif
