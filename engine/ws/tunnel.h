/*
 * ws/tunnel.h - one end on its stream: its life, what the stream's events tell it, and the body that it sends.
 *
 * An end is held by its stream, until closed(), and by its body, until that is closed. Calls nest: an event
 * within a call may close the stream. So each call that can lead to an event is an *entry*, and the last
 * one to leave frees an end that nothing holds.
 */
#ifndef WEIR_WS_TUNNEL_H
#define WEIR_WS_TUNNEL_H

#include "engine/ws/endpoint.h"

/* A new end, without a stream; NULL when memory was refused. */
__attribute__((warn_unused_result)) struct ws *ws_tunnel_new(const struct ws_settings *settings,
                                                             void *user, bool client);

void ws_tunnel_enter(struct ws *ws);
void ws_tunnel_leave(struct ws *ws);

/* The handshake is done: it has a stream, and its clocks run. */
void ws_tunnel_open(struct ws *ws);

/* Once the end is open and the connection is to end, the owner hears of it, or the end closes. */
void ws_tunnel_go_away(struct ws *ws);

/* Messages may be handed over again: goes on with what was kept. */
void ws_tunnel_go_on(struct ws *ws);

/* The settings, defaults filled in. */
struct ws_deflate_wish ws_tunnel_wish(const struct ws_settings *settings);
size_t ws_tunnel_send_max(const struct ws *ws);

/* The program's own copy of a subprotocol's name; NULL: it has none of that name. */
const char *ws_tunnel_protocol(const struct ws_settings *settings, struct span name);

/* The stream's body and events, with the end as their self and user. */
extern const struct body_ops ws_tunnel_body;
void ws_tunnel_data(struct stream *stream, struct span bytes, bool end);
size_t ws_tunnel_takes_vaulted(const struct stream *stream);
void ws_tunnel_trailers(struct stream *stream, const struct headers *fields);
void ws_tunnel_timer(struct stream *stream, uint64_t now_ns);
void ws_tunnel_drain(struct stream *stream);
void ws_tunnel_closed(struct stream *stream, uint32_t error_code);

#endif
