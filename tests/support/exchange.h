/*
 * support/exchange.h - one request and its response over HTTP/1.1, HTTP/2 or SPDY/3.1: a client's and a server's
 * engine, connected, for tests of what handlers send.
 *
 * Life: exchange_begin(), any number of exchange_ask(), exchange_end(). Owner: the test.
 */
#ifndef WEIR_TESTS_EXCHANGE_H
#define WEIR_TESTS_EXCHANGE_H

#include "engine/engine.h"
#include "tests/support/counted.h"
#include "tests/support/pipe.h"

enum exchange_protocol { EXCHANGE_H1, EXCHANGE_H2, EXCHANGE_SPDY, EXCHANGE_PROTOCOLS };

enum { EXCHANGE_TEXT_BYTES = 4096 };

struct exchange {
  enum exchange_protocol protocol;
  struct counted_memory memory; /* of both */
  struct engine engines[2];     /* client, server */
  struct machine machines[2];
  struct pipe sent[2];
  uint64_t now_ns;

  /* The last response. */
  unsigned status;                  /* 0: none came */
  char fields[EXCHANGE_TEXT_BYTES]; /* "name: value\n" each, without date and server */
  char body[EXCHANGE_TEXT_BYTES];
  size_t body_len;
  bool closed;
  uint32_t error_code;
};

/* Connects two engines. Keeps the handler, which is the server's. */
void exchange_begin(struct exchange *exchange, enum exchange_protocol protocol,
                    const struct handler *handler);

/* Asks for a path of https://a, with `count` more fields (at most 8), and runs until nothing moves. */
void exchange_ask(struct exchange *exchange, const char *method, const char *path,
                  const struct header *fields, size_t count);

/* Runs until nothing moves: after the test has done something to a stream of the server's. */
void exchange_run(struct exchange *exchange);

/* The value of a field of the last response, or NULL. Valid until the next call. */
const char *exchange_field(const struct exchange *exchange, const char *name);

/* Closes the connection. Asserts that no memory is left. */
void exchange_end(struct exchange *exchange);

#endif
