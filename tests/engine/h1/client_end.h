/*
 * h1/client_end.h - an HTTP/1.1 client whose server is a text, for tests: what its owner heard, and the
 * bytes on the wire.
 */
#ifndef WEIR_TESTS_H1_CLIENT_END_H
#define WEIR_TESTS_H1_CLIENT_END_H

#include "engine/engine.h"
#include "engine/h1/h1.h"
#include "engine/http/body.h"
#include "tests/support/counted.h"
#include "tests/support/guard.h"

enum { LOG_BYTES = 4096, REQUESTS_MAX = 5 };

/* A request; its body is sent in chunks unless `length` is set. */
struct ask {
  const char *method, *path, *body;
  const char *length;   /* content-length */
  const char *protocol; /* to upgrade to */
  bool waits;           /* the body never ends */
  bool resets;          /* the stream is reset at the response */
};

#define ASK(method_, path_, ...)                                                                   \
  { .method = method_, .path = path_, __VA_ARGS__ }

struct row {
  const char *section, *name;
  struct ask asks[REQUESTS_MAX]; /* each is made when the one before has ended */
  const char *server; /* '\1' is the end of its direction; at '\2' it waits for the next request */
  const char *heard, *wire;
};

struct client {
  struct counted_memory memory;
  struct engine engine;
  struct machine machine;
  struct guard guard;
  uint64_t now_ns;
  const struct ask *asks;
  unsigned made;
  bool in_data;
  struct body_bytes bodies[REQUESTS_MAX];
  char heard[LOG_BYTES], wire[LOG_BYTES];
};

extern struct client client;

/* Makes the client and the first of `asks`. */
void client_begin(const struct ask *asks);

/* Makes requests until `depth` have been made, all at once. */
void client_make(unsigned depth);

/* Sends what there is to send. CRLF becomes '|'. */
void client_pump(void);

unsigned client_wants(void);

/* Gives the client bytes of the server's text. */
void client_give(const char *text, size_t len);

void client_end(void);

/* Runs a row whole, byte by byte, and in two pieces at every place. `depth` requests are made at once; 0:
 * one. Where `heard` is NULL the connection ends as broken, whatever is wrong in detail. */
bool client_run(const struct row *row, unsigned depth);

#define HEAD(method, path) method " " path " HTTP/1.1|host: a|user-agent: t|"
#define CLOSED             ", ended closed"
#define OK(length)         "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n"
#define CHUNKED            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define BROKEN(what, n)    "ended broken: " what ", " n " closed 1"

#endif
