/*
 * spdy/flow.h - the receiver's policy: when the peer gets more credit, and what one may make us hold.
 * Spec: SPDY/3.1 section 2.6.8.
 *
 * Windows have fixed sizes, and only what the handler has used (stream_consume()) is granted again: handlers'
 * choices of stream.flow mean nothing here. The budget (spdy_config.window_budget_bytes) bounds what all peers
 * of a worker together can make handlers hold: a session with a body to receive is charged with its session
 * window, one of SPDY/3 with the window of each such stream.
 */
#ifndef WEIR_SPDY_FLOW_H
#define WEIR_SPDY_FLOW_H

#include "engine/spdy/stream.h"

void spdy_flow_init(struct spdy *spdy);

/* Whether the budget has room for one more stream with a body to receive; once it is open, spdy_flow_opened()
 * charges it. A client's own streams are not charged. */
__attribute__((warn_unused_result)) bool spdy_flow_admits(const struct spdy *spdy);
void spdy_flow_opened(struct spdy_stream *stream);

/* Whether `bytes` bytes of DATA may arrive for `stream`, or for a stream that has ended (NULL). */
__attribute__((warn_unused_result)) struct spdy_verdict
spdy_flow_check(const struct spdy *spdy, const struct spdy_stream *stream, uint32_t bytes);

/* Bytes have arrived for the stream, and its handler holds them. NULL: they are dropped. */
void spdy_flow_arrived(struct spdy *spdy, struct spdy_stream *stream, uint32_t bytes);

/* The handler has used `bytes` bytes of those. 0: only the cap has changed. */
void spdy_flow_consumed(struct spdy_stream *stream, uint32_t bytes);

/* The stream ends: everything that it holds counts as used. */
void spdy_flow_forget(struct spdy_stream *stream);

/* Gives back what was charged, if there is nothing left to receive. To be called when a stream has ended. */
void spdy_flow_settle(struct spdy *spdy);

/* Whether there is credit to send; and sends as much as fits into the output. False: some is left. */
__attribute__((warn_unused_result)) bool spdy_flow_wanted(const struct spdy *spdy);
__attribute__((warn_unused_result)) bool spdy_flow_send(struct spdy *spdy);

#endif
