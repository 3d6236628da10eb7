/*
 * h2/limits.h - the bounds of HTTP/2 alone: unit, value and reason. The rules are those of base/limits.h, which has
 * what other protocols share with it: streams, windows, header sections, budgets, and most times.
 */
#ifndef WEIR_H2_LIMITS_H
#define WEIR_H2_LIMITS_H

#include "engine/base/limits.h"

/* ---- what we announce ------------------------------------------------------------------------ */

/* FLOW_AUTO: windows are widened within this part of PEER_WINDOW_BUDGET_BYTES, in percent, so that a few
 * busy connections do not shut out all others. */
#define H2_WINDOW_GROWTH_PERCENT 75u

/* FLOW_AUTO: the widest window of a connection, in bytes: 1 Gbit/s over 128 ms. */
#define H2_CONNECTION_WINDOW_BYTES_MAX (16u * MIB)

/* The smallest window of a connection, in bytes: SETTINGS cannot make it smaller (RFC 9113 section
 * 6.9.2). */
#define H2_WINDOW_BYTES_MIN 65535u

/* FLOW_AUTO: from the answer to one probe of the path to the next probe. A few probes are enough to
 * meet the path without a queue, and some peers count PINGs. */
#define H2_FLOW_PROBE_NS (500 * MILLISECOND_NS)

/* FLOW_AUTO: windows halve after this long without DATA: longer than the pauses within an upload,
 * shorter than most waits for the next one. */
#define H2_FLOW_IDLE_NS (5 * SECOND_NS)

/* FLOW_AUTO: the longest round trip that is believed, three times that of a geostationary
 * satellite. A peer that answers PING late, or never, does not get a wider window for it. */
#define H2_FLOW_ROUND_TRIP_NS_MAX (2 * SECOND_NS)

/* The largest frame payload that is accepted, in bytes. Larger frames only delay urgent ones. */
#define H2_FRAME_BYTES_DEFAULT 16384u

/* ---- what a peer may make us hold ------------------------------------------------------------ */

/* CONTINUATION frames of one block; nghttp2 allows 8. Only the last may be empty (CVE-2026-33871).
 * More get ENHANCE_YOUR_CALM. */
#define H2_CONTINUATION_FRAMES_MAX 8u

/* Entries of one SETTINGS frame (CVE-2020-11080), as in nghttp2. More get ENHANCE_YOUR_CALM. */
#define H2_SETTINGS_ENTRIES_MAX 32u

/* Bytes of control frames that wait to be sent: replies to PING and SETTINGS, RST_STREAM. About 240
 * replies to PING. When three quarters are used, reading stops (CVE-2019-9512, -9514, -9515). */
#define H2_CONTROL_BYTES (4u * KIB)

/* Bytes of a queued header section (fields and strings) up to which it comes from a pool: enough
 * for the usual response. Memory for larger ones is allocated. */
#define H2_SECTION_BYTES (1536u)

/* Streams that we reset and remember: what the peer sent before it knew is not its fault (RFC 9113
 * section 5.1). As many as may be open by default. */
#define H2_RESETS_REMEMBERED 128u

/* HEADERS and DATA frames that come for a stream that a server has reset cost nothing for as long as
 * a round trip may take, and while they are no more than a client sends in one: each reset gives so
 * many, a window of 1 MiB in pieces of 1 KiB, saved up to a maximum. Others cost a glitch each. */
#define H2_LATE_NS         (2 * SECOND_NS)
#define H2_LATE_FREE_RESET 1024u
#define H2_LATE_FREE_MAX   8192u

/* Header blocks of responses that a client keeps because servers repeat them, and the bytes of the
 * longest. The headers of a static file take about 100 bytes where the server indexes nothing. */
#define H2_RESPONSE_MEMOS          8u
#define H2_RESPONSE_MEMO_BYTES_MAX 160u

/* Requests that a server keeps of a connection because their header blocks come again (engine/h2/request_memo.h);
 * bytes of the longest block, and of all that is kept of one. Clients that repeat themselves mostly ask for a few
 * things. Their blocks take 10 to 60 bytes, and their requests 600 to 1,800, most of which are the structs of 5 to 20
 * fields. */
#define H2_REQUEST_MEMOS                4u
#define H2_REQUEST_MEMO_BLOCK_BYTES_MAX 160u
#define H2_REQUEST_MEMO_BYTES_MAX       2048u

/* Streams that ended otherwise and that we remember, so that later frames on them get the exact
 * error. Frames on older ones get a milder one. Arbitrary. */
#define H2_CLOSED_REMEMBERED 32u

/* Bytes of content, and of encoded fields, up to which an answer may go as a whole (h2/brief.h): those that are
 * copied. */
#define H2_BRIEF_BYTES_MAX OUT_COPY_BYTES_MAX

/* ---- what a peer may make us do -------------------------------------------------------------- */

/* PRIORITY and PRIORITY_UPDATE frames that are free: some at first, and more for each stream, saved
 * up to a maximum. Others cost a glitch each (CVE-2019-9513); Envoy allows 100 a stream. */
#define H2_PRIORITIES_FREE        100u
#define H2_PRIORITIES_FREE_STREAM 10u
#define H2_PRIORITIES_FREE_MAX    2000u

/* ---- time ------------------------------------------------------------------------------------ */

/* From our SETTINGS to their acknowledgement, as in nghttpx; then SETTINGS_TIMEOUT
 * (CVE-2025-53506). */
#define H2_SETTINGS_ACK_NS (10 * SECOND_NS)

/* Between the two GOAWAYs of a graceful shutdown, unless the PING between them is answered earlier
 * (RFC 9113 section 6.8: at least one round trip). */
#define H2_DRAIN_NS (1 * SECOND_NS)

/* How long a connection is idle before it rests (engine/h2/rest.h) and gives back what the next request can make
 * again, some 5 KiB. Making it costs less than a microsecond, so that nobody notices once a second. */
#define H2_REST_NS (1 * SECOND_NS)

#endif
