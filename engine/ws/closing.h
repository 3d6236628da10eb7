/*
 * ws/closing.h - how an end ends, and the clocks that see to it (RFC 6455 sections 5.5.1 and 7).
 *
 * Our close frame leaves behind what waits (ws_close(), or the peer's close frame), or at once (a fault). Our
 * direction of the stream ends behind it, when the peer's close frame has come or none is awaited; a client
 * waits for the server to end its direction first (section 7.1.1). A peer that does not go along is cut
 * after WS_CLOSE_NS in which it took nothing of what waits.
 */
#ifndef WEIR_WS_CLOSING_H
#define WEIR_WS_CLOSING_H

#include "engine/ws/endpoint.h"

/* The end has opened: begins to look whether the peer is alive. */
void ws_clocks_begin(struct ws *ws);

/* Asks for the stream's timer at the first deadline. To be called when one has changed. */
void ws_timer_arm(struct ws *ws);

/* The peer's messages wait for a moment. */
void ws_pause(struct ws *ws);

/* We close: `code` WS_NO_CODE for a frame without one. */
void ws_begin_close(struct ws *ws, unsigned code, struct span reason);

/* The peer broke a rule, or memory was refused: closes with `code`. `reason` is static text. Nothing of the
 * peer is looked at any more. */
void ws_fail(struct ws *ws, unsigned code, const char *reason);

/* The peer's close frame has come; its payload is in ws->in.control. */
void ws_peer_closes(struct ws *ws, struct span payload);

/* The peer's direction of the stream has ended. */
void ws_peer_ends(struct ws *ws);

/* Whether our direction ends here: BODY_END. */
bool ws_is_over(const struct ws *ws);

/* The stream's timer has come due: pings, and cuts peers that are silent. The owner's timer is not looked
 * at. */
void ws_clocks(struct ws *ws, uint64_t now_ns);

#endif
