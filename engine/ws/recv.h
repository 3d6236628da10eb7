/*
 * ws/recv.h - reads the peer's frames, in whatever pieces they come (RFC 6455 sections 5.2 to 5.5).
 *
 * Messages go to ws/message.h; pings are answered, pongs told, close frames followed. Floods of control
 * frames and of small fragments run into budgets (ws/limits.h) and end with 1008.
 */
#ifndef WEIR_WS_RECV_H
#define WEIR_WS_RECV_H

#include "engine/ws/endpoint.h"

/* Reads the next bytes; returns how many were used: all of them, unless messages have to wait
 * (ws_is_blocked()). */
size_t ws_recv(struct ws *ws, struct span bytes);

#endif
