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
 * then script_connect() .. script_disconnect() for each, then script_destroy().
 */
#ifndef WEIR_TESTS_SCRIPT_H
#define WEIR_TESTS_SCRIPT_H

#include "engine/engine.h"
#include "engine/h2/h2.h"
#include "tests/support/counted.h"

enum { SCRIPT_APPS = 64, SCRIPT_INSERTED = 64, SCRIPT_FIELDS = 128, SCRIPT_LOG_BYTES = 16384 };

struct script;

/* One stream as the application sees it, and the body that it sends. */
struct script_app {
  struct script *script;
  uint32_t id;
  struct stream *stream; /* NULL: closed */
  size_t pending;        /* bytes to send */
  bool end;              /* then end */
};

/* A field that the peer inserted into its dynamic table. */
struct script_inserted {
  char name[32], value[64];
};

struct script {
  /* Kept across connections. */
  struct counted_memory memory; /* of the engine */
  struct engine engine;
  struct handler handler;

  enum h2_role role; /* of the machine under test */
  struct counted_memory own_memory;
  struct machine machine;
  uint64_t now_ns;
  size_t piece_bytes; /* of a recv, at the beginning and the end of a frame; 0: a whole frame */
  void (*sink)(struct script *script, struct span bytes); /* gets them instead of the machine */
  bool mute;                                              /* the peer reads nothing */

  struct script_app apps[SCRIPT_APPS];
  unsigned app_count;
  size_t log_len;
  size_t data_at, data_from, data_bytes; /* the last entry, if it is about data */
  uint64_t data_id;
  const char *data_what;
  char sync_values[512]; /* from the last request or response that had x-sync fields */

  /* Sent by the machine. */
  uint8_t *received; /* not yet a whole frame */
  size_t received_len, received_size;
  struct hpack_decoder decoder;
  struct headers fields;
  uint8_t *block; /* of HEADERS and CONTINUATION frames, while incomplete */
  size_t block_len;
  uint32_t block_id;
  uint8_t block_flags;
  bool settings_seen, goaway;
  uint32_t frame_bytes_max;    /* which we announced */
  int64_t table_bytes_pending; /* likewise, not yet acknowledged; -1: nothing */
  uint32_t settings_acks;
  int64_t connection_credit; /* the DATA that we may still send, as we were told */
  int64_t rst_code;          /* of the last RST_STREAM; -1: none */
  uint32_t rst_id;

  /* The entries that the peer inserted into its dynamic table, in order. */
  struct script_inserted inserted[SCRIPT_INSERTED];
  unsigned inserted_count;
  uint32_t id_max; /* highest identifier that it opened */

  /* Last, so that they need not be cleared. */
  char log[SCRIPT_LOG_BYTES];
  struct header field_room[SCRIPT_FIELDS];
  uint8_t arena[1 << 17];
};

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

/* Takes the machine's output, unless the peer is mute. */
void script_pump(struct script *script);

/* Writes bytes from the machine, however cut, into the transcript. */
void script_receive(struct script *script, struct span bytes);

/* Empties the transcript. */
void script_clear(struct script *script);

/* ---- looking --------------------------------------------------------------------------------- */

/* The stream in the application, or NULL. */
struct script_app *script_app_of(struct script *script, uint64_t id);

/* Whether the machine is done. */
bool script_done(const struct script *script);

/* Asserts that HPACK is in step, and that the connection's window is exactly what the peer
 * knows: all of it can be used, and not one byte more. Ends the connection. */
void script_check(struct script *script);

#endif
