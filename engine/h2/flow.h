/*
 * h2/flow.h - the receiver's policy: when the peer gets more credit, and how much.
 * Spec: RFC 9113 section 5.2, which leaves the algorithm to the receiver.
 *
 *   echo       each DATA frame is answered at once by the same amount of credit: the simplest
 *   threshold  the window is refilled whenever half of it has arrived
 *   consume    only what the handler has used (stream_consume()) is returned: true back-pressure
 *   auto       like consume; besides, a stream's window grows to four times what arrives in a round
 *              trip, which a PING measures, and the connection's window to twice that, within the
 *              limits of the connection and the engine; both shrink when nothing arrives
 *
 * `echo` and `threshold` trust the handler to keep up: they return credit whether or not it has
 * used the bytes. With `consume` and `auto` the windows bound what can be in flight or unused.
 *
 * The window budget (h2_config.window_budget_bytes) bounds what all peers of a server together can
 * make handlers hold under `consume` and `auto`; h2/flow.c describes how it is counted. A client's
 * own requests are never refused for it: there it only bounds how far windows grow.
 */
#ifndef WEIR_H2_FLOW_H
#define WEIR_H2_FLOW_H

#include "engine/http/stream.h"

struct h2;
struct h2_stream;

void h2_flow_init(struct h2 *h2);

/* Every stream must have ended, so that nothing is charged any more (asserted). */
void h2_flow_close(struct h2 *h2);

/* The initial window of a new stream, in bytes. */
uint32_t h2_flow_first_bytes(const struct h2 *h2);

/* Server: whether the budget has room for one more request with a body. After that, once its stream
 * is open, h2_flow_opened() counts it. A client's streams are counted when their requests leave. */
__attribute__((warn_unused_result)) bool h2_flow_admits(const struct h2 *h2);
void h2_flow_opened(struct h2 *h2, struct h2_stream *stream);

/* A DATA frame of `bytes` bytes has arrived, and was charged to both windows. */
void h2_flow_arrived(struct h2 *h2, struct h2_stream *stream, uint32_t bytes);

/* The handler has used `bytes` bytes of `stream`. 0: only the target or the cap has changed, and
 * there may be credit to return. */
void h2_flow_consumed(struct h2 *h2, struct h2_stream *stream, uint32_t bytes);

/* The peer has heard of a stream of ours: it counts from now on, and a cap may have been set. */
void h2_flow_announced(struct h2 *h2, struct h2_stream *stream);

/* In place of h2_flow_consumed() for the last bytes of a stream that is about to be forgotten. */
void h2_flow_ended(struct h2 *h2, struct h2_stream *stream, uint32_t bytes);

/* Whether the policy that the handler (or the configuration) chose for the stream returns credit when
 * bytes arrive. */
__attribute__((warn_unused_result)) bool h2_flow_on_arrival(const struct h2 *h2,
                                                            const struct h2_stream *stream);

/* The stream ends: everything that it holds counts as used. */
void h2_flow_forget(struct h2 *h2, struct h2_stream *stream);

/* Our PING was acknowledged. True: it was one that measures the round trip. */
__attribute__((warn_unused_result)) bool h2_flow_ping_acked(struct h2 *h2, const uint8_t opaque[8]);

/* The smallest increment worth a WINDOW_UPDATE. `stream` is NULL for the connection. */
uint32_t h2_flow_least(const struct h2 *h2, const struct h2_stream *stream);

/* Shrinks windows that nothing uses; and when that is due next. */
void h2_flow_tick(struct h2 *h2);
uint64_t h2_flow_deadline_ns(const struct h2 *h2);

/* The policy called "echo", "threshold", "consume" or "auto"; false for any other name. */
__attribute__((warn_unused_result)) bool h2_flow_parse(const char *name, enum stream_flow *out);

#endif
