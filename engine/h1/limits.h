/*
 * h1/limits.h - the bounds of HTTP/1.1: unit, value and reason. The rules are those of base/limits.h, which has what
 * HTTP/1.1 shares with other protocols: fields, and most times.
 */
#ifndef WEIR_H1_LIMITS_H
#define WEIR_H1_LIMITS_H

#include "engine/http/limits.h"

/* ---- what is read of a peer ------------------------------------------------------------------ */

/* Bytes of a request's method. The longest that is registered has 17. A longer one gets 501. */
#define H1_METHOD_BYTES_MAX 64u

/* Bytes of a request's target, as many as the site evaluates. A longer one gets 414. */
#define H1_TARGET_BYTES_MAX HTTP_TARGET_BYTES_MAX

/* Empty lines before a request (RFC 9112 section 2.2 asks for at least one). More get 400. */
#define H1_EMPTY_LINES_MAX 1u

/* Options of a message's Connection fields: each field whose name is not known is compared with them.
 * Clients send two or three. More get 400. */
#define H1_CONNECTION_OPTIONS_MAX 16u

/* Bytes of a protocol's name that a client asks for: it is kept until the answer names the same. Twice
 * "websocket" and a version. */
#define H1_PROTOCOL_BYTES_MAX 32u

/* Hexadecimal digits of a chunk's size, leading zeros included: those of a number of 64 bits. A longer size,
 * or one of 2^63 or more, gets 400. */
#define H1_CHUNK_DIGITS_MAX 16u

/* Bytes of the extensions of all chunks of a body: some at first, and more for each byte of data
 * (CVE-2023-39326: one-byte chunks with extensions of 8 KiB). No client is known to use any.
 * More get 400. */
#define H1_CHUNK_EXTENSION_BYTES          4096u
#define H1_CHUNK_EXTENSION_BYTES_PER_BYTE 16u

/* ---- what a peer may make us hold and do ----------------------------------------------------- */

/* Requests of one connection that are handled before the first of them is answered (pipelining); input
 * waits then. Clients that pipeline send bursts of 16. */
#define H1_AHEAD_MAX 32u

/* Bytes of output up to which answers are made while requests are still being read, so that a burst of
 * requests needs one stream. As many as the transport takes at once when it is slow. */
#define H1_EAGER_BYTES (16u * KIB)

/* Bytes of a head of ours up to which it comes from a pool: enough for the usual response. Memory for
 * larger ones is allocated. */
#define H1_TEXT_BYTES 1024u

/* Messages whose fields repeat, of which the text is kept: responses for a second, the files that are asked for most;
 * and a client's requests. */
#define H1_HEAD_MEMOS 16u

/* The longest such text; longer ones are made each time. The usual response has 250 to 400 bytes. */
#define H1_HEAD_MEMO_BYTES 512u

/* Heads of responses that a client keeps because servers repeat them, for all connections of a worker, and the bytes
 * of the longest. Most servers' heads differ in the date and in what is about the resource, and take 150 to 400. */
#define H1_RESPONSE_MEMOS          4u
#define H1_RESPONSE_MEMO_BYTES_MAX 512u

/* Field sections of requests that are noted, by all connections of a worker: those of its usual clients. The longest,
 * with which what comes from programs is noted, and most of what browsers send; and the most fields in one. */
#define H1_SECTION_MEMOS       16u
#define H1_SECTION_MEMO_BYTES  512u
#define H1_SECTION_MEMO_FIELDS 24u

/* Whole requests that a worker keeps because their heads come again (h1/request_memo.h): some files of each of its
 * usual clients; and bytes of all that is kept of one, most of which are the structs of 5 to 28 fields. */
#define H1_REQUEST_MEMOS          64u
#define H1_REQUEST_MEMO_BYTES_MAX 2048u

/* Memory for a head that arrives in pieces, at first; it doubles up to what the longest target and
 * fields need. Most heads of browsers fit. */
#define H1_GATHER_BYTES (4u * KIB)

/* After a complete response to an incomplete request: the rest is read and dropped for this long, and up
 * to this many bytes, so that the connection can go on; a request that says it is longer gets
 * `connection: close` with its response. Less than PEER_LINGER_*, because the transport goes on reading for
 * a while behind the end, and no other requests wait. */
#define H1_LINGER_NS    (1 * SECOND_NS)
#define H1_LINGER_BYTES (1u * MIB)

/* A server that drains waits for one more request for this long, on a connection that was busy within the same time:
 * it may be on its way, and nothing could tell the client that it came too late. Longer than most round trips; links
 * that have been idle for as long are drained to make room for others, and close at once. */
#define H1_GRACE_NS (1 * SECOND_NS)

/* Chunks of a request with fewer bytes than this cost a token each: one byte costs us a call of the handler, and the
 * client six bytes. A budget: at once, and each second again; beyond it the request gets 400 and the connection ends.
 * Programs that send logs line by line make thousands a second. Responses are not charged. */
#define H1_CHUNK_SMALL_BYTES      64u
#define H1_CHUNK_SMALL_BURST      20000u
#define H1_CHUNK_SMALL_PER_SECOND 20000u

#endif
