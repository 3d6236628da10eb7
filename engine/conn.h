/*
 * conn.h - the machine of a new server connection, and which protocol it will speak.
 *
 * Over TLS the ALPN token decides: "h2", or else HTTP/1.x. In clear text the first bytes do: the
 * HTTP/2 preface (prior knowledge, RFC 9113 section 3.3), or an HTTP/1.x request line, which gets a
 * short 505 and a close; anything else gets GOAWAY(PROTOCOL_ERROR).
 */
#ifndef WEIR_CONN_H
#define WEIR_CONN_H

#include "engine/engine.h"

/* The ALPN tokens that conn_factory's machines speak, in order of preference, NULL-terminated. */
extern const char *const conn_protocols[];

/* Machines for the connections of one engine, which it keeps. Hosts whose weight is 0 get the
 * engine's. */
struct machine_factory conn_factory(struct engine *engine);

#endif
