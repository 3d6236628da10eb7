/*
 * client/h2.h - HTTP/2 for client/connection.h: creates the machine, and explains how it ended.
 */
#ifndef WEIR_TOOLS_CLIENT_H2_H
#define WEIR_TOOLS_CLIENT_H2_H

#include "engine/h2/client.h"
#include "tools/client/connection.h"

struct engine;

/* For client_ops.create: creates the machine. Keeps `events` and `ctx`. NULL when TLS did not
 * select h2 (reported by client_blame()), or when the engine is full. */
__attribute__((warn_unused_result)) struct h2 *
client_h2_create(struct client_connection *connection, struct engine *engine,
                 const struct h2_client_events *events, void *ctx, const struct machine_peer *peer,
                 struct machine_host *host, uint64_t now_ns, struct machine *out);

/* For h2_client_events.ended: reports the reason by client_blame(). */
void client_h2_blame(struct client_connection *connection, const struct h2 *h2,
                     const struct h2_end *end);

/* For h2_client_events.goaway: reports it by client_blame(), before the connection ends. `debug` is
 * the server's text, perhaps empty. */
void client_h2_blame_goaway(struct client_connection *connection, uint32_t error_code,
                            struct span debug);

/* Whether a code of ours means that the server broke no rule of the protocol: it exceeded a limit or
 * a deadline of ours, or we lack memory. */
__attribute__((warn_unused_result)) bool client_h2_is_own_limit(uint32_t code);

/* "REFUSED_STREAM", or for unknown codes "code 4711", with at most CLIENT_CODE_BYTES. Returns
 * `text`. */
const char *client_h2_code_text(uint32_t code, char text[CLIENT_CODE_BYTES]);

#endif
