/*
 * h2/fault.h - what a peer's errors and nuisances cost it: the connection, or a part of a budget.
 * Spec: RFC 9113 sections 5.4.1, 8.1.1 and 10.5; bounds: base/limits.h.
 */
#ifndef WEIR_H2_FAULT_H
#define WEIR_H2_FAULT_H

#include "engine/base/budget.h"
#include "engine/h2/stream.h"

/* A connection error: sends GOAWAY and ends all streams; nothing more is read. `reason` is a static
 * text. Does nothing after the first error. */
void h2_fail(struct h2 *h2, enum h2_error code, const char *reason);

/* Spends one token of `budget`. Where there is none, the frame in hand is still handled, and then
 * reading pauses (base/pause.h). False when it has paused for too long: then `calmed` is counted, and
 * the connection has failed with ENHANCE_YOUR_CALM. */
__attribute__((warn_unused_result)) bool h2_charge(struct h2 *h2, struct budget *budget,
                                                   uint64_t *calmed, const char *reason);

/* The same for a frame that costs `cost` tokens of what the peer has earned (base/merit.h), or else one of `budget`. */
__attribute__((warn_unused_result)) bool h2_charge_frame(struct h2 *h2, uint32_t cost,
                                                         struct budget *budget, uint64_t *calmed,
                                                         const char *reason);

/* The same for a useless frame; `kind` is the counter for frames of its kind. Where nothing depends
 * on the result, h2_note_glitch(). */
__attribute__((warn_unused_result)) bool h2_charge_glitch(struct h2 *h2, uint64_t *kind);
void h2_note_glitch(struct h2 *h2, uint64_t *kind);

/* The same for a stream that ended early because of the peer: by RST_STREAM, or by an error. */
__attribute__((warn_unused_result)) bool h2_charge_reset(struct h2 *h2);
void h2_note_reset(struct h2 *h2);

/* Counts HEADERS or DATA for a stream that we have reset: free of charge for a while, since the peer
 * may not have known. A client has asked for what arrives late. */
void h2_note_late(struct h2 *h2);

/* Does what a verdict on a frame of stream `id` calls for: an error of the stream or the connection; else
 * nothing. */
void h2_act(struct h2 *h2, uint32_t id, struct h2_verdict verdict);

/* The peer's message is complete: checks its content-length and changes the stream's state. False:
 * the message was malformed, and the stream has ended. */
__attribute__((warn_unused_result)) bool h2_stream_end_received(struct h2 *h2,
                                                                struct h2_stream *stream);

#endif
