/*
 * h2/fault.h - what a peer's errors and nuisances earn it: an end, or less of a budget.
 * Spec: RFC 9113 sections 5.4.1, 8.1.1 and 10.5; bounds: base/limits.h.
 */
#ifndef WEIR_H2_FAULT_H
#define WEIR_H2_FAULT_H

#include "engine/h2/budget.h"
#include "engine/h2/stream.h"

/* Connection error: GOAWAY, all streams end, nothing is read any more. `reason` is a static text.
 * Only the first counts. */
void h2_fail(struct h2 *h2, enum h2_error code, const char *reason);

/* Spends of a budget; `calmed` is the counter of its kind. False after it has failed the connection
 * with ENHANCE_YOUR_CALM. */
__attribute__((warn_unused_result)) bool h2_charge(struct h2 *h2, struct h2_budget *budget,
                                                   uint64_t *calmed, const char *reason);

/* The same for a useless frame; `kind` is the counter of its kind. note: when nothing is left to be
 * done whatever comes of it. */
__attribute__((warn_unused_result)) bool h2_charge_glitch(struct h2 *h2, uint64_t *kind);
void h2_note_glitch(struct h2 *h2, uint64_t *kind);

/* The same for a stream that ended early by the peer's doing: RST_STREAM, or an error it provoked. */
__attribute__((warn_unused_result)) bool h2_charge_reset(struct h2 *h2);
void h2_note_reset(struct h2 *h2);

/* HEADERS or DATA for a stream that we have reset: the client may not have known, for a while. What
 * a client receives late it has asked for. */
void h2_note_late(struct h2 *h2);

/* The peer's message is complete: checks content-length, changes state. False: it was malformed and
 * the stream is gone. */
__attribute__((warn_unused_result)) bool h2_stream_end_received(struct h2 *h2,
                                                                struct h2_stream *stream);

#endif
