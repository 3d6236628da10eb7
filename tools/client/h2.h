/*
 * client/h2.h - HTTP/2 on a connection of client/connection.h: its machine, and in words why it
 * ended.
 */
#ifndef WEIR_TOOLS_CLIENT_H2_H
#define WEIR_TOOLS_CLIENT_H2_H

#include "engine/h2/client.h"
#include "tools/client/connection.h"

struct engine;

/* For client_ops.create: makes the machine, whose events `events` and `ctx` (both kept) get. NULL
 * when TLS did not select h2, which is then blamed, or the engine is full. */
__attribute__((warn_unused_result)) struct h2 *
client_h2_create(struct client_connection *connection, struct engine *engine,
                 const struct h2_client_events *events, void *ctx, const struct machine_peer *peer,
                 struct machine_host *host, uint64_t now_ns, struct machine *out);

/* For h2_client_events.ended: blames the end. */
void client_h2_blame(struct client_connection *connection, const struct h2 *h2,
                     const struct h2_end *end);

/* For h2_client_events.goaway: blames a GOAWAY whose consequences are still to come. */
void client_h2_blame_goaway(struct client_connection *connection, uint32_t error_code);

#endif
