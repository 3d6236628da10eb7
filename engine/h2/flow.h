/*
 * h2/flow.h - the receiver's policy: when the peer gets new credit, and how much of it.
 * Spec: RFC 9113 section 5.2: flow control is the receiver's, and the algorithm is left to it.
 *
 *   echo       each DATA frame is answered at once by as much credit: the simplest
 *   threshold  the window is refilled whenever half of it has arrived
 *   consume    credit only for what the handler has used (stream_consume()): true back-pressure
 *   auto       like consume; and a stream's window grows to four times what arrives in a round
 *              trip, which a PING measures, and the connection's to twice that, within a budget of
 *              the connection and of the engine; they shrink when nothing arrives
 *
 * `echo` and `threshold` trust the handler to keep up: credit is returned whether or not it has
 * used the bytes. `consume` and `auto` bound what can be in flight or unused by the windows.
 *
 * The engine's budget (h2_config.window_budget_bytes) bounds what all peers of a server
 * together can make handlers hold with `consume` and `auto`; h2/flow.c tells how it is counted. A
 * client is never refused a request of its own: there the budget only bounds how windows grow.
 */
#ifndef WEIR_H2_FLOW_H
#define WEIR_H2_FLOW_H

#include "engine/http/stream.h"

struct h2;
struct h2_stream;

void h2_flow_init(struct h2 *h2);

/* Every stream has ended, so that nothing is charged any more (asserted). */
void h2_flow_close(struct h2 *h2);

/* The window, in bytes, that a new stream begins with. */
uint32_t h2_flow_first_bytes(const struct h2 *h2);

/* Server: whether the budget has room for one more request with a body. If so, and once its stream
 * is there, h2_flow_opened() counts it. A client's streams are counted when their requests leave.
 */
__attribute__((warn_unused_result)) bool h2_flow_admits(const struct h2 *h2);
void h2_flow_opened(struct h2 *h2, struct h2_stream *stream);

/* A DATA frame of `bytes` bytes has been charged to both windows. */
void h2_flow_arrived(struct h2 *h2, struct h2_stream *stream, uint32_t bytes);

/* `bytes` of what arrived on `stream` have been used. With 0: its target or cap has changed, so
 * that there may be credit to return. */
void h2_flow_consumed(struct h2 *h2, struct h2_stream *stream, uint32_t bytes);

/* The stream ends: all that it holds counts as used. */
void h2_flow_forget(struct h2 *h2, struct h2_stream *stream);

/* PING of ours was acked; true when it was a probe. */
__attribute__((warn_unused_result)) bool h2_flow_ping_acked(struct h2 *h2, const uint8_t opaque[8]);

/* The least increment worth a WINDOW_UPDATE. `stream` is NULL for the connection. */
uint32_t h2_flow_least(const struct h2 *h2, const struct h2_stream *stream);

/* Time has passed: shrink what is idle. And when that is due next. */
void h2_flow_tick(struct h2 *h2);
uint64_t h2_flow_deadline_ns(const struct h2 *h2);

/* "auto", ...; false for anything else. */
__attribute__((warn_unused_result)) bool h2_flow_parse(const char *name, enum stream_flow *out);

#endif
