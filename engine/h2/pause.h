/*
 * h2/pause.h - a connection that has used up a budget is read more slowly, before it is ended.
 * Spec: RFC 9113 section 10.5; bounds: base/limits.h.
 *
 * While it is paused, MACHINE_RECV is not wanted, and what the peer has sent waits in the transport.
 * Output goes on. The clocks for a slow peer stand still, because what would stop them may be among
 * the frames that wait.
 */
#ifndef WEIR_H2_PAUSE_H
#define WEIR_H2_PAUSE_H

#include <stdbool.h>

struct h2;

/* Stops reading for H2_PAUSE_NS, unless it is stopped. False, and it goes on: the pauses have come to
 * H2_SLOWED_NS, which is enough. */
__attribute__((warn_unused_result)) bool h2_pause_begin(struct h2 *h2);

/* Reading goes on; to be called at h2->pause_until_ns or later. */
void h2_pause_end(struct h2 *h2);

#endif
