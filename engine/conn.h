/*
 * conn.h - the machine of a new server connection; it finds out which protocol the connection
 * speaks.
 *
 * Over TLS the ALPN token decides: "h2", or else HTTP/1.x. In clear text the first bytes decide:
 * the HTTP/2 preface (prior knowledge, RFC 9113 section 3.3), or an HTTP/1.x request line, which
 * gets a short 505 and a close. Anything else gets GOAWAY(PROTOCOL_ERROR).
 */
#ifndef WEIR_CONN_H
#define WEIR_CONN_H

#include "engine/engine.h"

/* ALPN tokens that the machines of conn_factory() speak, in order of preference; NULL-terminated.
 */
extern const char *const conn_protocols[];

/* Makes machines for the connections of `engine`, which it keeps. A host with weight 0 gets the
 * weight of the engine's configuration. */
struct machine_factory conn_factory(struct engine *engine);

#endif
