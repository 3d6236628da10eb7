/*
 * h2/control.h - control frames: RST_STREAM, GOAWAY, PING, PRIORITY, acknowledgements.
 * Spec: RFC 9113 sections 6.3, 6.4, 6.7 and 6.8; RFC 9218 section 7.1.
 *
 * They wait in a buffer of H2_CONTROL_BYTES (shared->controls), which exists only while it holds
 * something, and leave before anything else. If it overflows, the connection is lost: a peer that
 * takes no replies would not take a GOAWAY either. That is the only error; `lost` tells.
 */
#ifndef WEIR_H2_CONTROL_H
#define WEIR_H2_CONTROL_H

#include "engine/h2/frame.h"

struct h2;

/* Room for a frame of `bytes` bytes with its header; h2_control_sent() says where the frame ends.
 * NULL: there is no room, and the connection is lost. */
__attribute__((warn_unused_result)) uint8_t *h2_control_room(struct h2 *h2, size_t bytes);
void h2_control_sent(struct h2 *h2, uint8_t *end);

/* Drops the frames and frees the buffer. */
void h2_control_free(struct h2 *h2);

/* Tells the host that there is something to send. Does nothing within a machine call, because the
 * host asks after it. */
void h2_wake(struct h2 *h2);

void h2_rst_stream(struct h2 *h2, uint32_t id, uint32_t error_code);

/* `reason` is a text for people, or NULL. */
void h2_goaway(struct h2 *h2, uint32_t last_id, enum h2_error code, const char *reason);

/* Sends PING with these bytes. */
void h2_ping(struct h2 *h2, const uint8_t opaque[8]);

/* Client role: sends PRIORITY for any stream, even an idle one (RFC 7540 section 6.3). It leaves
 * before requests that are waiting. */
void h2_depend(struct h2 *h2, uint32_t stream_id, struct h2_dependency dependency);

/* Client role: sends PRIORITY_UPDATE for a stream. */
void h2_reprioritize(struct h2 *h2, uint32_t stream_id, struct span field);

#endif
