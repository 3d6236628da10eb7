/*
 * ws/limits.h - the bounds of one WebSocket: unit, value and reason. Settings replace the defaults
 * (ws/ws.h). The rules are those of base/limits.h.
 */
#ifndef WEIR_WS_LIMITS_H
#define WEIR_WS_LIMITS_H

#include "engine/base/limits.h"

/* ---- messages -------------------------------------------------------------------------------- */

/* Bytes of a received message, after decompression; a longer one ends with 1009. It is looked at before
 * memory is taken: a length of 2^62 costs nothing. Node's ws allows 100 MiB, Tomcat 8 KiB; a chat sends
 * less than 4 KiB. */
#define WS_MESSAGE_BYTES_DEFAULT (1u * MIB)

/* The same for what permessage-deflate may make of a message that is handed over in fragments without
 * any bound: a byte can become 1,032 of them. */
#define WS_INFLATED_BYTES_MAX (16u * MIB)

/* Bytes of payload that are unmasked, inflated or handed over at once where nothing needs more: a page.
 * A message that arrives whole and is not longer costs no memory. */
#define WS_PIECE_BYTES 4096u

/* Bytes of a message's first memory; it doubles as payload comes, so that a peer that announces much and
 * sends little costs little. */
#define WS_MESSAGE_BYTES_FIRST (2 * WS_PIECE_BYTES)

/* ---- sending --------------------------------------------------------------------------------- */

/* Bytes that wait to be sent, beyond which ws_send() takes no more, and the peer's messages wait too: what a
 * peer that does not read can make a handler hold, besides one message. Four times TCP's unsent queue. */
#define WS_SEND_BYTES_DEFAULT (64u * KIB)

/* Payload of a frame that we send: a longer message goes in several, so that a ping or close need not
 * wait for all of it. */
#define WS_FRAME_BYTES_DEFAULT (64u * KIB)

/* Bytes of the smallest piece of a send queue: a dozen chat messages. */
#define WS_QUEUE_BYTES_MIN 1000u

/* ---- what a peer may make us do -------------------------------------------------------------- */

/* Pings and pongs at once, and each second again; a message pays for one more. A ping is answered with a pong, so a
 * flood would double itself: beyond this the connection ends with 1008. As PEER_PING_*. */
#define WS_CONTROL_BURST      500u
#define WS_CONTROL_PER_SECOND 50u

/* Bytes of payloads, with a length before each, of pings whose pongs wait for the socket. When they are full
 * only the latest of the pings that follow is answered (section 5.5.3). A peer that probes sends one ping at
 * a time, and the well-known public suite ten in a row. */
#define WS_PONGS_BYTES 1024u

/* Fragments that are not the last of their message and have fewer bytes than WS_FRAGMENT_BYTES_SMALL, at
 * once and each second again; a message pays for one more. Each costs us as much as a frame that is full, or as a
 * small message. Streams of tokens send less than 100 a second, and many of them may share a WebSocket; the well-known
 * public suite sends fragments of 64 bytes by the ten thousand. Beyond it 1008. */
#define WS_FRAGMENT_BYTES_SMALL 64u
#define WS_FRAGMENT_BURST       8192u
#define WS_FRAGMENT_PER_SECOND  8192u

/* ---- time ------------------------------------------------------------------------------------ */

/* Between two pings to a peer that is silent, which keep proxies and PEER_STREAM_IDLE_NS from cutting the
 * connection; nginx cuts after 60 s. A peer from which nothing has come until the next one is gone. */
#define WS_PING_NS_DEFAULT (30 * SECOND_NS)

/* From our close frame, or when the peer last took something of what goes before it, until the stream has ended, from both
 * sides. Then it is reset. Node's ws waits 30 s; a peer that is alive answers in a round trip. */
#define WS_CLOSE_NS (5 * SECOND_NS)

/* ---- permessage-deflate ---------------------------------------------------------------------- */

/* Bytes that a server inflates for one client at once, and each second again. A byte of a bomb becomes 1,032,
 * and what is made of it costs as much as a message of that size, so that a client with 1 Mbit/s would take a
 * core. Beyond it the client's messages wait for a few milliseconds, in which others get theirs. At once: a
 * message of the default size; a second: about the text that half a core inflates and compresses again. */
#define WS_INFLATE_BURST_BYTES      (1u * MIB)
#define WS_INFLATE_BYTES_PER_SECOND (32u * MIB)
#define WS_INFLATE_PAUSE_NS         (16 * MILLISECOND_NS)

/* Base-2 logarithm of the window in bytes that we compress with, and that we ask peers to compress with.
 * A message of a few KiB gains nothing from more. Compressing takes 32 KiB with it, inflating 11 KiB
 * (from a peer that does not take the hint 43 KiB), while a message is under way; with context takeover as
 * long as the connection lives. */
#define WS_DEFLATE_WINDOW_BITS_DEFAULT 12

/* zlib's memory level and level: near the knee of what its manual says they cost and gain. Untested: any
 * value is right. */
#define WS_DEFLATE_MEM_LEVEL 5
#define WS_DEFLATE_LEVEL     3

/* Bytes of a message below which it is sent as it is: the extension would save nothing. */
#define WS_DEFLATE_BYTES_MIN 64u

/* Elements of Sec-WebSocket-Extensions that are looked at for an acceptable offer. Browsers send one or
 * two. */
#define WS_OFFERS_MAX 16u

#endif
