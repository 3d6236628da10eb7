/*
 * spdy/control.h - what the peer's control frames without header blocks do.
 * Spec: SPDY/3.1 sections 2.6.3 to 2.6.6 and 2.6.8.
 */
#ifndef WEIR_SPDY_CONTROL_H
#define WEIR_SPDY_CONTROL_H

#include "engine/spdy/stream.h"

/* RST_STREAM, PING, GOAWAY or WINDOW_UPDATE. `verdict` is that of its decoding, no session error. */
void spdy_control_frame(struct spdy *spdy, const struct spdy_frame *frame,
                        struct spdy_verdict verdict);

/* A SETTINGS frame begins. False: it was one too many, and the session has ended. */
__attribute__((warn_unused_result)) bool spdy_control_settings(struct spdy *spdy);

/* One of its entries. */
void spdy_control_setting(struct spdy *spdy, struct spdy_setting setting);

#endif
