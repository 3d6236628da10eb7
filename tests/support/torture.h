/*
 * support/torture.h - a server and a client that do a bit of everything, for tests that refuse
 * resources which both need. Asserts check that, whatever is refused, every exchange ends exactly
 * once, and an exchange that is reported complete is complete. torture_init() comes first.
 */
#ifndef WEIR_TESTS_TORTURE_H
#define WEIR_TESTS_TORTURE_H

#include "engine/h2/h2.h"

enum {
  TORTURE_ITEMS = 70,         /* exchanges of a connection, including pushed ones */
  TORTURE_BIG_BYTES = 120000, /* of a body: more than the first window */
  TORTURE_HUGE_BYTES = 20000, /* of a field: more than one frame */
};

struct torture_client;

/* One exchange. */
struct torture_item {
  struct torture_client *client;
  struct stream *stream; /* NULL before and after */
  bool made, closed, end;
  bool given_up; /* by the client: set it before resetting the stream */
  unsigned status;
  uint32_t code;             /* passed to closed() */
  size_t received, expected; /* bytes of the response's body */
};

/* Exchanges of one connection, as its client sees them. The test sets `h2`, and `closed` or not. */
struct torture_client {
  struct h2 *h2;
  struct torture_item items[TORTURE_ITEMS];
  uint32_t item_count;
  uint32_t open;                                 /* made but not closed */
  void (*closed)(struct torture_client *client); /* an exchange has ended; may be NULL */
};

/* Fills the content of bodies and huge fields. */
void torture_init(void);

/* The server: "/echo" and CONNECT send back what they get, "/push" promises three times "/pushed",
 * "/hints" sends two 103 first, "/huge" a field of TORTURE_HUGE_BYTES and 10 bytes, "/trailers" 10
 * bytes and trailers, "/late" nothing, a millisecond later, "/big" TORTURE_BIG_BYTES, and anything
 * else 100 bytes. */
extern const struct handler torture_handler;

/* A request body of `bytes` bytes, at most TORTURE_BIG_BYTES. */
struct body torture_lend(size_t bytes);

/* Sends a request whose response must have `expected` bytes. Takes the body. Returns the
 * exchange, whose `made` is false if the request was refused. The client owns it. */
struct torture_item *torture_ask(struct torture_client *client, const char *method,
                                 const char *path, struct body body, size_t expected);

/* Likewise, with exactly these fields. */
struct torture_item *torture_ask_with(struct torture_client *client, const struct header *fields,
                                      size_t count, struct body body, size_t expected);

/* A request with a field of `bytes` bytes, at most TORTURE_HUGE_BYTES. */
void torture_ask_huge(struct torture_client *client, size_t bytes);

/* An upload of 1000 bytes that ends with trailers. */
void torture_ask_with_trailers(struct torture_client *client);

/* A CONNECT, and 3000 bytes through it. */
void torture_ask_for_tunnel(struct torture_client *client);

/* Asserts that every exchange has succeeded. Call it when the connection is gone. With
 * `refused`, exchanges may have failed with a code for lack of resources. */
void torture_check(const struct torture_client *client, bool refused);

#endif
