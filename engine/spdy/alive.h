/*
 * spdy/alive.h - our PINGs, and whether the peer is still there.
 * Spec: SPDY/3.1 section 2.6.5.
 *
 * A peer that has been silent for session.ping_ns gets a PING, and more PINGs until it answers: Go's spdystream has
 * five workers that answer in turn, and one of them may be waiting for the reader of a stream. Any byte counts as an
 * answer. If none comes for as long again, the session is lost: the network or the peer is dead. That time runs from
 * when the PING left, or when the transport last took something ahead of it. While we do not read, we cannot tell.
 *
 * A live peer that has stopped reading answers nothing either. Both it and a dead network leave our output waiting for
 * the transport, so they cannot be told apart here. With session.patient a session is not lost while output waits, and
 * the transport has to notice a dead network. When everything sent fits into the buffers on the way, no output waits,
 * and such a peer is lost even so.
 */
#ifndef WEIR_SPDY_ALIVE_H
#define WEIR_SPDY_ALIVE_H

#include "engine/spdy/stream.h"

void spdy_alive_init(struct spdy *spdy);

/* Bytes of the peer have arrived. */
void spdy_alive_heard(struct spdy *spdy);

/* The transport has taken bytes; spdy.sent_bytes counts them. */
void spdy_alive_sent(struct spdy *spdy);

/* To be told at the end of each machine call whether we read. */
void spdy_alive_reads(struct spdy *spdy, bool reads);

uint64_t spdy_alive_deadline_ns(const struct spdy *spdy);

/* `output_waits`: there is output that the transport has not taken. */
void spdy_alive_run(struct spdy *spdy, bool output_waits);

#endif
