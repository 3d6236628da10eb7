/*
 * h2/pause.h - how a pause of reading ends, which base/pause.h begins.
 * Spec: RFC 9113 section 10.5.
 *
 * While a connection is paused, MACHINE_RECV is not wanted, and what the peer has sent waits in the
 * transport. Output goes on. The clocks for a slow peer stand still, because what would stop them may
 * be among the frames that wait.
 */
#ifndef WEIR_H2_PAUSE_H
#define WEIR_H2_PAUSE_H

struct h2;

/* Reading goes on, and the clocks; to be called at h2->pause.until_ns or later. */
void h2_pause_end(struct h2 *h2);

#endif
