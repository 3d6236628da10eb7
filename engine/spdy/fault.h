/*
 * spdy/fault.h - what a peer's errors and nuisances cost it: the session, or a part of a budget.
 * Spec: SPDY/3.1 section 2.4; bounds: base/limits.h.
 */
#ifndef WEIR_SPDY_FAULT_H
#define WEIR_SPDY_FAULT_H

#include "engine/base/budget.h"
#include "engine/spdy/stream.h"

/* A session error: sends GOAWAY and ends all streams; nothing more is read. `reason` is a static text. Does
 * nothing after the first error. */
void spdy_fail(struct spdy *spdy, enum spdy_goaway status, const char *reason);

/* The same for a peer that did too much of what is allowed; also counts it in `*calmed`. */
void spdy_calm(struct spdy *spdy, uint64_t *calmed, const char *reason);

/* The peer is gone: ends all streams, and nothing more is sent. */
void spdy_lose(struct spdy *spdy);

/* A frame costs `cost` tokens of what the peer has earned (base/merit.h), or else one of `budget`. Where there is none,
 * the frame in hand is still handled, and then reading pauses (base/pause.h). False when it has paused for too long:
 * then the session has ended. */
__attribute__((warn_unused_result)) bool spdy_charge_frame(struct spdy *spdy, uint32_t cost,
                                                           struct budget *budget, uint64_t *calmed,
                                                           const char *reason);

/* The same for a useless frame; `kind` is the counter for frames of its kind. Where nothing depends on the
 * result, spdy_note_glitch(). */
__attribute__((warn_unused_result)) bool spdy_charge_glitch(struct spdy *spdy, uint64_t *kind);
void spdy_note_glitch(struct spdy *spdy, uint64_t *kind);

/* The same for a stream that ended early because of the peer: by RST_STREAM, or by an error. */
__attribute__((warn_unused_result)) bool spdy_charge_reset(struct spdy *spdy);
void spdy_note_reset(struct spdy *spdy);

/* A frame for a stream that has ended: free of charge while streams have paid for it. */
void spdy_note_late(struct spdy *spdy);

/* A stream error: RST_STREAM, and the end of the stream if it lives. Costs a reset. */
void spdy_fail_stream(struct spdy *spdy, uint32_t id, uint32_t status);

/* A body that is not as long as its content-length says. */
void spdy_fail_body(struct spdy *spdy, struct spdy_stream *stream);

/* Does what a verdict says about the stream `id`, or about the session. */
void spdy_act(struct spdy *spdy, uint32_t id, struct spdy_verdict verdict);

/* The peer's direction is complete: checks its content-length and changes the stream's state. False: it did
 * not add up, and the stream has ended. */
__attribute__((warn_unused_result)) bool spdy_end_received(struct spdy *spdy,
                                                           struct spdy_stream *stream);

#endif
