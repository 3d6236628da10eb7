/*
 * client/h2c.h - HTTP/2 that begins as HTTP/1.1, by Upgrade: h2c.
 * Spec: RFC 7540 section 3.2.
 *
 *     asking --101--> switched
 *        \--another answer--> refused
 *
 * A machine around that of HTTP/2. It asks by a HEAD request, whose response comes over HTTP/2 as stream 1,
 * and is not looked at. The inner machine sends and receives nothing before the server has switched. A server
 * that answers in HTTP/1.1 is refused: client_blame() is called, and the inner machine ends as one whose
 * server does not speak HTTP/2.
 *
 * Ownership: allocated; close() frees it.
 */
#ifndef WEIR_TOOLS_CLIENT_H2C_H
#define WEIR_TOOLS_CLIENT_H2C_H

#include "tools/client/connection.h"

struct engine;

/* `machine` is that of client_h2_create(), in clear text, and has not been called. `target` is that of the
 * request; its host is the connection's server. Keeps the connection and the engine. False when memory was
 * refused: the machine is as it was. */
__attribute__((warn_unused_result)) bool client_h2c_around(struct client_connection *connection,
                                                           struct engine *engine,
                                                           const char *target,
                                                           struct machine *machine);

#endif
