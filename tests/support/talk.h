/*
 * support/talk.h - a client of HTTP/1.x made of text, and the application behind the server under test. No
 * sockets.
 *
 * A script is bytes of the client; between two '\1' is a command:
 *
 *     tick MS, eof, drain, mute (the client reads nothing), compose (makes output even so), listen,
 *     wants (notes them), respond N STATUS [LENGTH], inform N STATUS, send N BYTES, end N, trailers N,
 *     tunnel N, reset N CODE, later N (it will say what it has consumed), consume N BYTES, cap N BYTES
 *
 * N is the number of a request, 1 for the first. Two transcripts come of it: what the application heard, and
 * what was on the wire, with '|' for CRLF.
 *
 * The application answers these paths at once: / with "ok", /none with 204, /chunked with "aa" and "bbb" in
 * two pieces of unknown length, /short and /long with more or less than content-length says, /error with a
 * body that fails, /bytes/N with N bytes that it lends, /hints with 103 and "ok", /duplex with a body that
 * waits while the request's is read. For /hold and for other requests with a body it waits for commands. It
 * takes tunnels for "chat".
 */
#ifndef WEIR_TESTS_TALK_H
#define WEIR_TESTS_TALK_H

#include "engine/engine.h"
#include "engine/h1/h1.h"
#include "tests/support/counted.h"
#include "tests/support/guard.h"

enum { TALK_APPS = 128, TALK_LOG_BYTES = 1 << 18 };

struct talk;

struct talk_app {
  struct talk *talk;
  struct stream *stream; /* NULL: closed */
  size_t heard_bytes;
  size_t pending;   /* bytes to send */
  const char *text; /* that are these; NULL: 'b' again and again */
  size_t piece;     /* of one pull */
  bool end, fails, lends;
};

struct talk_log {
  char text[TALK_LOG_BYTES];
  size_t len;
};

struct talk {
  struct counted_memory memory;
  struct engine engine;
  struct handler handler;
  struct machine machine;
  struct guard guard;
  uint64_t now_ns;
  bool mute;
  struct talk_app apps[TALK_APPS];
  unsigned app_count;
  unsigned mistakes, ended;
  unsigned data_app; /* whose data is the last entry of `heard`; 0: none */
  size_t data_at;
  struct talk_log heard, wire;
};

/* Makes a server's engine and one connection. `config` NULL: the default. */
void talk_begin(struct talk *talk, const struct engine_config *config);

/* Gives the first `cut` bytes of the script's text at once, the others in pieces of `piece` bytes. */
void talk_run(struct talk *talk, const char *script, size_t cut, size_t piece);

/* The same for bytes, which may have zeros among them. */
void talk_give(struct talk *talk, struct span bytes);

/* Takes what the machine has to send, unless the client is mute. */
void talk_pump(struct talk *talk);

unsigned talk_wants(const struct talk *talk);

/* Closes the connection; asserts that every stream has ended and no memory is left. */
void talk_end(struct talk *talk);

#endif
