/*
 * ws/ws.h - one end of a WebSocket, on a tunnel of HTTP/1.1 or HTTP/2: the handler sees no difference.
 * Spec: RFC 6455; RFC 8441 (over HTTP/2); RFC 7692 (permessage-deflate, off unless asked for).
 *
 * A server's handler names the protocol, and accepts:
 *
 *     static const char *const protocols[] = {"websocket", NULL};
 *     static const struct ws_events events = {.message = on_message, .closed = on_closed};
 *     static const struct ws_settings settings = {.memory = ..., .events = &events};
 *
 *     static void request(void *ctx, struct stream *stream, const struct request *request, uint64_t now_ns) {
 *       if (span_is(request->protocol, "websocket"))
 *         struct ws *ws = ws_accept(stream, request, &settings, my_state);
 *     }
 *     static const struct handler handler = {.request = request, .protocols = protocols};
 *
 * Life of an end:
 *
 *     ws_accept()                    the server's; ws/client.h has the client's, which begins with events.open()
 *       events.message() ...         the peer's messages
 *       ws_send() ...                ours
 *     ws_close(), or the peer's close frame, or a fault
 *     events.closed()                exactly once, last; after it the end is gone
 *
 * Done without the handler: masking, fragments, UTF-8 of text, answers to pings, pings of our own while the
 * peer is silent, the close handshake and its timeout, and a close with the right code when the peer breaks
 * a rule: 1002, 1007, 1008 (floods), 1009 (too long), 1011 (memory was refused).
 *
 * Back-pressure: while more than settings.send_bytes_max wait to be sent, ws_send() takes nothing and no
 * message of the peer is handed over (but see settings.duplex); the peer's window or socket fills up, so
 * that it has to wait too. A handler that answers each message with one of about its size needs to do
 * nothing. ws_hold() stops the peer's messages for reasons of the handler's own.
 *
 * Ownership: an end belongs to its stream. It takes the stream's `events` and `user`, its timer and its
 * body. All calls are allowed from within events, and from outside until closed(), on the stream's thread.
 */
#ifndef WEIR_WS_H
#define WEIR_WS_H

#include "engine/ws/events.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- opening --------------------------------------------------------------------------------- */

/* Server: accepts the request, whose `protocol` is "websocket". NULL when that failed; the request has then
 * been answered (400, or 426 with the version that is spoken) or reset. `user`: see ws_user(). Browsers send
 * WebSockets from any page, with cookies: whether this page may is the handler's to decide, by the field
 * `origin` (RFC 6455 section 10.2), before it accepts. */
struct ws *ws_accept(struct stream *stream, const struct request *request,
                     const struct ws_settings *settings, void *user);

/* ---- in between ------------------------------------------------------------------------------ */

/* What was given when the end was made. */
void *ws_user(const struct ws *ws);

/* NULL within closed(). */
struct stream *ws_stream(const struct ws *ws);

/* The subprotocol agreed on, of settings.protocols; NULL: none. */
const char *ws_protocol(const struct ws *ws);

/* The time of the call under way, on the clock of machine_ops. Not within closed(). */
uint64_t ws_now_ns(const struct ws *ws);

/* Sends a message; copies it. Text must be UTF-8, which is not looked at. False, and nothing is sent, while
 * more than settings.send_bytes_max wait, within a message of ws_send_part(), before open() and once
 * closing has begun. */
__attribute__((warn_unused_result)) bool ws_send(struct ws *ws, enum ws_kind kind,
                                                 struct span bytes);

/* Whether ws_send() takes a message now. */
__attribute__((warn_unused_result)) bool ws_may_send(const struct ws *ws);

/* Sends a part of a message, in a frame of its own; `end` with the last one. Later parts have the same kind.
 * Parts are not compressed. False as ws_send(). */
__attribute__((warn_unused_result)) bool ws_send_part(struct ws *ws, enum ws_kind kind,
                                                      struct span bytes, bool end);

/* Bytes that wait to be sent, headers of frames included. */
size_t ws_waiting_bytes(const struct ws *ws);

/* Sends a ping, of at most 125 bytes (asserted); a ping that has not left yet is replaced. */
void ws_ping(struct ws *ws, struct span payload);

/* Hands over no more messages of the peer, and reads no more from it, until ws_release(). What one piece of
 * 4 KiB inflates to still comes, in fragments. */
void ws_hold(struct ws *ws);
void ws_release(struct ws *ws);

/* Asks for events.timer() at `deadline_ns`; MACHINE_NO_DEADLINE cancels. */
void ws_timer(struct ws *ws, uint64_t deadline_ns);

/* ---- closing --------------------------------------------------------------------------------- */

/* Closes, once what waits has been sent. `code` is one that may be sent (asserted), `reason` UTF-8 of which at
 * most 123 bytes are sent. No message is handed over any more; closed() comes when the peer has answered,
 * or after 5 seconds. A second call does nothing. */
void ws_close(struct ws *ws, unsigned code, struct span reason);

#ifdef __cplusplus
}
#endif

#endif
