/*
 * h2/control.h - the connection's own frames: RST_STREAM, GOAWAY, PING, PRIORITY, acknowledgements.
 * Spec: RFC 9113 sections 6.3, 6.4, 6.7 and 6.8; RFC 9218 section 7.1.
 *
 * They wait in one buffer of H2_CONTROL_BYTES (shared->controls), held only while something waits,
 * and leave before anything else. Where it overflows the connection is lost: a peer that takes no
 * replies cannot be told goodbye either. Nothing here can fail in any other way, so nothing returns
 * an error; whoever needs to know looks at `lost`.
 */
#ifndef WEIR_H2_CONTROL_H
#define WEIR_H2_CONTROL_H

#include "engine/h2/frame.h"

struct h2;

/* Room for a frame of `bytes` bytes, header included; h2_control_sent() tells where it ends. NULL:
 * there is none, and the connection is lost. */
__attribute__((warn_unused_result)) uint8_t *h2_control_room(struct h2 *h2, size_t bytes);
void h2_control_sent(struct h2 *h2, uint8_t *end);

/* Gives the buffer back with what is in it. */
void h2_control_free(struct h2 *h2);

/* Tells the host that there is something to send, unless a machine call is going on, after which it
 * asks anyway. */
void h2_wake(struct h2 *h2);

void h2_rst_stream(struct h2 *h2, uint32_t id, uint32_t error_code);

/* `reason` is a text for people, or NULL. */
void h2_goaway(struct h2 *h2, uint32_t last_id, enum h2_error code, const char *reason);

/* PING with these eight bytes. */
void h2_ping(struct h2 *h2, const uint8_t opaque[8]);

/* Client role: PRIORITY for any stream, idle ones included (RFC 7540 section 6.3). It leaves before
 * requests that are waiting. */
void h2_depend(struct h2 *h2, uint32_t stream_id, struct h2_dependency dependency);

/* Client role: changes a stream's priority by PRIORITY_UPDATE. */
void h2_reprioritize(struct h2 *h2, uint32_t stream_id, struct span field);

#endif
