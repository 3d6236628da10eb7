/*
 * pipe/limits.h - the bounds of a pipe, with their reasons.
 */
#ifndef WEIR_TOOLS_PIPE_LIMITS_H
#define WEIR_TOOLS_PIPE_LIMITS_H

#include "engine/base/limits.h"

/* Bytes that were read from the socket and that the stream has not taken. Four of its frames: the
 * socket is read while the stream's connection sends. */
#define PIPE_READ_BYTES_MAX (64u * KIB)

/* A piece of a queue: a receive buffer, and a DATA frame of SPDY. An idle pipe holds none. */
#define PIPE_PIECE_BYTES (16u * KIB)

/* Receive buffers of a worker, of 16 KiB each. They are used in turn, and all that is received is copied on at once: half a
 * megabyte stays in the cache of a core, the usual four do not. Untested: more cost time, and where fewer are left a link
 * reads without one. */
#define PIPE_BUFFERS 32u

/* Output of a session's connection that waits for its socket (h1_config.out_bytes): what is read from a socket in one turn
 * (PIPE_READ_BYTES_MAX), with the headers of its frames, leaves in one send. Untested: smaller ones cost time. */
#define PIPE_OUT_BYTES (68u * KIB)

/* What is received at once for a session's connection (h1_config.window_bytes), and what its session may leave unread
 * for now: as much as a transport passes on without a copy. Untested: smaller ones cost time. */
#define PIPE_CARRIER_WINDOW_BYTES (256u * KIB)

/* Receive windows of SPDY where pipes are its streams. A stream's fills a line of 80 Mbit/s over 100 ms, and is no more
 * than SPDY_STREAM_HELD_BYTES_MAX. All that sockets have not taken counts against the session's: it lets a thousand
 * of them take nothing without holding up the others. */
#define PIPE_STREAM_WINDOW_BYTES  (1u * MIB)
#define PIPE_SESSION_WINDOW_BYTES (1024u * MIB)

/* How long a program at either end may read nothing, as one in a debugger does. Its connection waits, and if the
 * client knows no windows, so does its whole session. PING tells whether the client is alive. Untested: test_tunnel.py
 * waits for a bit more than PEER_SEND_STALL_NS. */
#define PIPE_STALL_NS (24 * 3600 * SECOND_NS)

#endif
