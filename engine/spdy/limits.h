/*
 * spdy/limits.h - the bounds of one SPDY session: unit, value and reason. The rules are those of
 * base/limits.h, which has the bounds that SPDY shares with HTTP/2 (header lists, streams, budgets).
 */
#ifndef WEIR_SPDY_LIMITS_H
#define WEIR_SPDY_LIMITS_H

#include "engine/base/limits.h"

/* ---- frames ---------------------------------------------------------------------------------- */

/* Entries of one SETTINGS frame. The protocol defines eight. A number of entries that was believed made
 * another implementation allocate gigabytes (CVE-2026-35469); here entries need no memory, but each costs
 * time. */
#define SPDY_SETTINGS_ENTRIES_MAX 64u

/* ---- header blocks --------------------------------------------------------------------------- */

/* Compressed bytes of one header block, as H2_HEADER_BLOCK_BYTES_MAX: what is longer ends the session.
 * Compression that makes bytes out of nothing (empty blocks) is bounded by this. */
#define SPDY_BLOCK_BYTES_MAX H2_HEADER_BLOCK_BYTES_MAX

/* A block whose header list exceeds its limit is inflated to its end and thrown away, so that the context
 * stays true and the peer gets an answer. Beyond this many times the limit the session ends: a byte can
 * become 1,032. */
#define SPDY_BLOCK_STOP_FACTOR 4u

/* Names of one header block: as H2_HEADER_FIELDS_MAX. Each is compared with all others, for none may be given
 * twice. */
#define SPDY_BLOCK_NAMES_MAX H2_HEADER_FIELDS_MAX

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

#endif
