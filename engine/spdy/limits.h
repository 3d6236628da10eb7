/*
 * spdy/limits.h - the bounds of one SPDY session: unit, value and reason. The rules are those of
 * base/limits.h, which has the bounds that SPDY shares with HTTP/2 (header lists, streams, budgets).
 */
#ifndef WEIR_SPDY_LIMITS_H
#define WEIR_SPDY_LIMITS_H

#include "engine/base/limits.h"

/* ---- frames ---------------------------------------------------------------------------------- */

/* Entries of one SETTINGS frame: what fits into the 8,192 octets that each control frame may have (section 2.2.1). The
 * protocol defines eight. A number of entries that was believed made another implementation allocate gigabytes
 * (CVE-2026-35469); here entries need no memory, and those that are not known cost less than their bytes. */
#define SPDY_SETTINGS_ENTRIES_MAX 1023u

/* ---- header blocks --------------------------------------------------------------------------- */

/* Compressed bytes of one header block, as PEER_HEADER_BLOCK_BYTES_MAX: what is longer ends the session.
 * Compression that makes bytes out of nothing (empty blocks) is bounded by this. */
#define SPDY_BLOCK_BYTES_MAX PEER_HEADER_BLOCK_BYTES_MAX

/* A block whose header list exceeds its limit is inflated to its end and thrown away, so that the context
 * stays true and the peer gets an answer. Beyond this many times the limit the session ends: a byte can
 * become 1,032. */
#define SPDY_BLOCK_STOP_FACTOR 4u

/* Names of one header block: as PEER_HEADER_FIELDS_MAX. Each is compared with all others, because none may
 * be given twice. */
#define SPDY_BLOCK_NAMES_MAX PEER_HEADER_FIELDS_MAX

/* Bytes of the first memory of a block that arrives in parts; it doubles. Most requests inflate to less. */
#define SPDY_BLOCK_BYTES_FIRST 1024u

/* Bytes that are inflated at once where the result is thrown away. Untested: any value is right. */
#define SPDY_BLOCK_PIECE_BYTES 1024u

/* Base-2 logarithm of the window in bytes that we compress with, and zlib's memory level and level. The
 * dictionary (1,423 bytes) and a few blocks fit. Such a context takes 26 KiB; Chrome's servers and clients
 * used 9 KiB, Go's use 800. Untested: any value is right. */
#define SPDY_DEFLATE_WINDOW_BITS 12
#define SPDY_DEFLATE_MEM_LEVEL   3
#define SPDY_DEFLATE_LEVEL       3

/* ---- what we announce ------------------------------------------------------------------------ */

/* Receive windows in bytes: of a stream, the protocol's initial value; of a session, sixteen times that, as
 * PEER_CONNECTION_WINDOW_BYTES_DEFAULT. Untested: tests of windows see what they do, and not these numbers. */
#define SPDY_STREAM_WINDOW_BYTES_DEFAULT  (64u * KIB)
#define SPDY_SESSION_WINDOW_BYTES_DEFAULT (1u * MIB)

/* Bytes that arrived for one stream of a peer that may know no windows, and that its handler has not used.
 * Beyond it nothing is read from that peer, so that TCP holds it back. That stops all its streams, but
 * there is no other way. As much as a session's window. */
#define SPDY_STREAM_HELD_BYTES_MAX (1u * MIB)

/* ---- what waits to be sent ------------------------------------------------------------------- */

/* Bytes of control frames and header blocks that wait for the transport; beyond it reading stops (CVE-2019-9512,
 * -9514, -9515), as with H2_CONTROL_BYTES. The rest of what was read, and handlers, may still add to it: header
 * blocks of up to SPDY_SEND_BLOCK_BYTES_MAX for each open stream. */
#define SPDY_QUEUE_BYTES_MAX (16u * KIB)

/* Bytes of a piece of that, with its bookkeeping, which comes from a pool. Memory for a header block that
 * needs more is allocated. Untested: any value is right. */
#define SPDY_CHUNK_BYTES 2048u

/* Bytes of one header block that we send, at most; a larger response is refused: INTERNAL_ERROR. As
 * PEER_SEND_BLOCK_BYTES_MAX. */
#define SPDY_SEND_BLOCK_BYTES_MAX (24u * KIB)

/* Bytes of what the response to a page names: the URLs that are pushed, and those that it preloads, each as
 * many. Longer lists are cut short. The largest other fields still fit into SPDY_SEND_BLOCK_BYTES_MAX. */
#define SPDY_NAMED_BYTES_MAX (4u * KIB)

/* Fields of one block that we send, at most: they are rewritten on the stack. Our own handlers send a dozen, and
 * relayed responses come from PEER_HEADER_FIELDS_MAX. More are refused as a block that is too large. */
#define SPDY_SEND_FIELDS_MAX 256u

/* Bytes of one DATA frame of ours. A larger one would only delay what is more urgent. Untested: any value
 * is right. */
#define SPDY_DATA_BYTES_MAX (16u * KIB)

/* The same for a frame of bytes that are lent: what is more urgent waits for a whole send in any case, and a receiver
 * passes on long frames without a copy. As much as the transport asks for at once. */
#define SPDY_LENT_BYTES_MAX (256u * KIB)

/* ---- what is remembered ---------------------------------------------------------------------- */

/* Streams that we reset, and that ended otherwise: as H2_RESETS_REMEMBERED. */
#define SPDY_CLOSED_REMEMBERED 128u

/* Frames for streams that have ended cost nothing where each stream that is opened pays for a few: a tool that
 * cancels downloads (kubectl) resets streams that have ended, and what it had sent before it knew of
 * our reset. Saved up to a maximum. Others cost a glitch each, but for DATA of at least
 * PEER_DATA_BYTES_SMALL, which costs the peer more than us. */
#define SPDY_LATE_FREE_STREAM 4u
#define SPDY_LATE_FREE_MAX    10000u

/* PINGs that a peer gets before it is given up: one more than the workers of Go's spdystream, each of which may
 * wait for the reader of a stream. */
#define SPDY_PINGS_UNANSWERED 6u

#endif
