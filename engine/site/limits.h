/*
 * site/limits.h - the bounds of a site of files: unit, value and reason. The rules are those of base/limits.h.
 */
#ifndef WEIR_SITE_LIMITS_H
#define WEIR_SITE_LIMITS_H

#include "engine/base/limits.h"

/* ---- requests -------------------------------------------------------------------------------- */

/* Bytes of a decoded path: Linux' PATH_MAX, so that every file can be reached. A longer one gets 414. */
#define SITE_PATH_BYTES_MAX (4u * KIB)

/* The charset of a site's texts; the longest registered name is shorter. Names that stand for a directory, each of
 * which may cost three lookups, and bytes of each: Linux' NAME_MAX. */
#define SITE_CHARSET_BYTES_MAX 64u
#define SITE_INDEXES_MAX       8u
#define SITE_INDEX_BYTES_MAX   255u

/* Fields of one request that the site evaluates (conditions, ranges, codings) and copies while it waits for a file;
 * browsers send three or four. More get 431, whether it waits or not. */
#define SITE_CONDITION_FIELDS_MAX 16u

/* Byte ranges of one request that are answered one by one; a request for more gets the whole file (RFC 9110 section
 * 17.15). Readers of documents and archives ask for fewer. */
#define SITE_RANGES_MAX 16u

/* ---- responses ------------------------------------------------------------------------------- */

/* Resources that one page may announce. Browsers open with about as many requests. */
#define SITE_PRELOADS_MAX 16u

/* Bytes of all their link fields together. With the largest other fields of a response they stay far below
 * PEER_SEND_BLOCK_BYTES_MAX, beyond which a response could not be sent at all. */
#define SITE_PRELOAD_BYTES_MAX (8u * KIB)

/* Sizes of files that are compressed on the fly. A smaller one fits a packet anyway. A larger one would hold a
 * thread for more than 100 ms, and that much memory of the cache. */
#define SITE_ENCODE_BYTES_MIN (1u * KIB)
#define SITE_ENCODE_BYTES_MAX (8u * MIB)

/* Numbers of requests whose answers a site remembers (engine/site/again.h), 40 bytes each: some for each of the
 * connections that are busy at a time. */
#define SITE_AGAIN_COUNT 256u

/* How long the site believes that a file has, or has not, compressed siblings: about as long as a source takes to
 * notice changed files. */
#define SITE_SIBLINGS_NS SECOND_NS

/* ---- reading --------------------------------------------------------------------------------- */

/* Bytes that are read at least from a file that is not in memory, however small the client keeps its window
 * (CVE-2019-9511): one page. */
#define SITE_READ_BYTES_MIN (4u * KIB)

/* Bytes that a client has taken of a file, and that are still to come, before the source is asked to read ahead for
 * it. A source may then read some four times as much at once, for a client that may go away. */
#define SITE_AHEAD_BYTES (32u * KIB)

/* For how long a response under way waits for a read's turn, while others have all of the source's buffers or
 * descriptors: as long as a lookup waits for its own. */
#define SITE_STARVED_SECONDS 10u

/* An image that is read in pieces: bytes of its head start beyond the pieces in which the end of its first scan was
 * not found. One frame, so that at most one frame too many goes early. */
#define SITE_SCAN_STEP_BYTES (16u * KIB)

#endif
