/*
 * conn.h - the machine of a new server connection; it finds out which protocol the connection
 * speaks.
 *
 * The ALPN token of TLS decides: "h2", "http/1.1" or "spdy/3.1". Without one the first bytes do: the HTTP/2
 * preface (prior knowledge, RFC 9113 section 3.3), a control frame of SPDY, a TLS handshake, which gets an
 * alert, or anything else, which is HTTP/1.x or gets its 400. A client of HTTP/1.1 can go on in HTTP/2 or SPDY
 * by `upgrade: h2c` or `upgrade: SPDY/3.1`. SPDY is spoken only where engine_config.spdy.server says so.
 */
#ifndef WEIR_CONN_H
#define WEIR_CONN_H

#include "engine/engine.h"

/* ALPN tokens that the machines of conn_factory() speak, in order of preference; NULL-terminated. */
extern const char *const conn_protocols[];
extern const char *const conn_protocols_spdy[]; /* the same with spdy_config.server */

/* Makes machines for the connections of `engine`, which it keeps. A host with weight 0 gets the
 * weight of the engine's configuration. */
struct machine_factory conn_factory(struct engine *engine);

#endif
