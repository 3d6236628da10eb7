/*
 * base/limits.h - every bound of the engine: its unit, its default and why it has that value.
 * Bounds of io/ are in io/base/limits.h. Where a bound answers a known attack, its CVE is named. What
 * hostile peers ran into is counted: struct engine_counters names the bound beside each counter,
 * and `weir serve` prints them on SIGUSR1.
 */
#ifndef WEIR_LIMITS_H
#define WEIR_LIMITS_H

#define KIB            1024u
#define MIB            (1024u * KIB)
#define SECOND_NS      1000000000ull
#define MILLISECOND_NS 1000000ull

/* ---- one engine, that is one core ------------------------------------------------------------ */

/* Connections at once. A process may open 20,000 files on common systems; the host's own limit on
 * descriptors usually bites first. */
#define ENGINE_CONNECTIONS_DEFAULT 65536u

/* Streams of all connections at once: 64 busy connections at their limit take 8,192; this allows
 * for a thousand of them. About 0.5 KiB each, and taken only when used. */
#define ENGINE_STREAMS_DEFAULT 131072u

/* Bytes that a clear-text connection may send before its protocol is clear: the longest HTTP/1.x
 * request line that we look to the end of. */
#define CONN_SNIFF_BYTES 256u

/* Joined cookies, and what else is copied beside the decoded fields themselves. */
#define H2_COOKIE_ROOM_BYTES H2_HEADER_LIST_BYTES_DEFAULT

/* ---- HTTP/2: what we announce -------------------------------------------------------------- */

/* Streams a peer may have open. 100 is the least that RFC 9113 section 6.5.2 recommends; 128 is
 * nginx's default. Enforced from the first frame, acknowledged or not (CVE-2025-53506). */
#define H2_CONCURRENT_STREAMS_DEFAULT 128u

/* Receive windows in bytes. A stream gets the protocol's initial value; a connection sixteen times
 * that, so that one stalled upload does not starve the others. */
#define H2_STREAM_WINDOW_BYTES_DEFAULT     65535u
#define H2_CONNECTION_WINDOW_BYTES_DEFAULT (1u * MIB)

/* FLOW_AUTO: how far a connection's window may grow: 1 Gbit/s over 128 ms. */
#define H2_CONNECTION_WINDOW_BYTES_MAX (16u * MIB)

/* All windows of an engine together, as h2/flow.h counts them: what slow handlers could be made to
 * hold. Room for 8,192 uploads at once that are not widened. Beyond it requests with a body are
 * refused; windows are widened only within a part of it, so that a few busy connections do not shut
 * out all others. */
#define H2_WINDOW_BUDGET_BYTES   (512u * MIB)
#define H2_WINDOW_GROWTH_PERCENT 75u

/* A connection's window cannot be made smaller than this (RFC 9113 section 6.9.2). */
#define H2_WINDOW_BYTES_MIN 65535u

/* FLOW_AUTO: between two probes of the path; a few are enough to meet it without a queue, and some
 * peers count PINGs. After so long without DATA windows halve. */
#define H2_FLOW_PROBE_NS (500 * MILLISECOND_NS)
#define H2_FLOW_IDLE_NS  (5 * SECOND_NS)

/* FLOW_AUTO: no round trip counts as longer, so that a peer that answers PING late, or never, does
 * not get a wider window for it. Three times that of a geostationary satellite. */
#define H2_FLOW_ROUND_TRIP_NS_MAX (2 * SECOND_NS)

/* Largest frame payload in bytes that we accept. Larger frames only delay what is urgent. */
#define H2_FRAME_BYTES_DEFAULT 16384u

/* Decoded size of a header section (name + value + 32 a field, RFC 9113 section 6.5.2). nghttpx
 * and Envoy use 60-64 KiB. Beyond it a request gets 431; see HPACK for the hard stop. */
#define H2_HEADER_LIST_BYTES_DEFAULT (64u * KIB)

/* Fields of one header section, cookie crumbs included (CVE-2026-49975: tens of thousands of empty
 * fields cost bookkeeping that a byte limit does not see). Envoy allows 100. */
#define H2_HEADER_FIELDS_MAX 128u

/* ---- HTTP/2: what a peer may make us hold --------------------------------------------------- */

/* Encoded bytes of one header block, CONTINUATION included (CVE-2024-27316 and its siblings). */
#define H2_HEADER_BLOCK_BYTES_MAX (64u * KIB)

/* CONTINUATION frames of one block; nghttp2 allows 8. Only the last may be empty (CVE-2026-33871).
 */
#define H2_CONTINUATION_FRAMES_MAX 8u

/* Entries of one SETTINGS frame (CVE-2020-11080); nghttp2's bound. */
#define H2_SETTINGS_ENTRIES_MAX 32u

/* Control frames waiting to be sent: replies to PING and SETTINGS, RST_STREAM. About 240 PING
 * replies; when it is three quarters full we stop reading (CVE-2019-9512, -9514, -9515). */
#define H2_CONTROL_BYTES (4u * KIB)

/* Bytes of frames made but not yet taken by the transport. One buffer a busy connection; an idle
 * one has none. Holds the largest header block that we send. */
#define H2_OUT_BYTES (36u * KIB)

/* Pieces of output (own frames, lent bodies) between a peek and its ack: 256 KiB of 16 KiB frames
 * are 16 headers and 16 bodies; twice that leaves room for replies. */
#define H2_OUT_SEGMENTS 64u

/* A lent body shorter than this is copied behind its frame header: about what one more iovec
 * costs the kernel. */
#define H2_COPY_BYTES_MAX (2u * KIB)

/* Fields we send in one section, encoded; leaves room for control frames in H2_OUT_BYTES. */
#define H2_SEND_BLOCK_BYTES_MAX (24u * KIB)

/* Header sections up to this size (fields and strings) come from a pool, larger ones from memory.
 */
#define H2_SECTION_BYTES (1536u)

/* Streams that we reset and remember, since what the peer sent before it knew is no fault of its
 * own (RFC 9113 section 5.1). As many as may be open by default. */
#define H2_RESETS_REMEMBERED 128u

/* Streams that ended otherwise and that we remember, so that frames on them get the error that says
 * so; on older ones they get a milder one. Arbitrary. */
#define H2_CLOSED_REMEMBERED 32u

/* Origins that the requests of one connection may have at once to be pushed for: what clients
 * coalesce on one connection is a few subdomains. Streams of others are pushed nothing, and
 * promises on them are refused. */
#define H2_ORIGINS_MAX 8u

/* Scheme and authority of such an origin: a DNS name has 253 bytes at most, "https" and a port take
 * 11; the rest is for names that are none. */
#define H2_ORIGIN_BYTES_MAX 320u

/* ---- HTTP/2: what a peer may make us do ------------------------------------------------------ */

/* Glitches: frames that are legal but useless (empty DATA, unknown types, WINDOW_UPDATE by the
 * byte, PRIORITY, resets in reply to nonsense; CVE-2019-9513, -9517, -9518). nghttp2 allows 10,000
 * in a burst and 330 a second, HAProxy 100 and up. More earn ENHANCE_YOUR_CALM. */
#define H2_GLITCH_BURST      1000u
#define H2_GLITCH_PER_SECOND 50u

/* Streams that the peer reset, or made us reset, before they were complete (CVE-2023-44487,
 * CVE-2025-8671). */
#define H2_RESET_BURST      200u
#define H2_RESET_PER_SECOND 20u

/* PING and SETTINGS that want a reply (CVE-2019-9512, CVE-2019-9515). Latency probes send a few a
 * second; nobody needs hundreds. */
#define H2_PING_BURST          500u
#define H2_PING_PER_SECOND     50u
#define H2_SETTINGS_BURST      100u
#define H2_SETTINGS_PER_SECOND 10u

/* Streams that a server pushes: open at once, and as a bucket of its own. A client may announce any
 * number for the first; and a request of 14 bytes for a page that needs 16 resources would be worth
 * 17 of them, again and again, where a browser needs each once a connection. Beyond it a page's
 * link fields say the same. Fewer than H2_RESET_*, so that a client may refuse all of them. */
#define H2_PUSHES_MAX      128u
#define H2_PUSH_BURST      128u
#define H2_PUSH_PER_SECOND 10u

/* WINDOW_UPDATE frames that are free: a hundred to begin with, some for each stream and each DATA
 * frame that we send (Envoy's rule: 1 + 2 x (streams + 10 x DATA)). More cost a glitch each
 * (CVE-2019-9511, CVE-2019-9517). */
#define H2_UPDATES_FREE        100u
#define H2_UPDATES_FREE_STREAM 4u
#define H2_UPDATES_FREE_DATA   10u
#define H2_UPDATES_FREE_MAX    10000u

/* Bytes below which a DATA frame earns the peer no free WINDOW_UPDATE: credit granted by the byte
 * makes us send by the byte, and must not pay for itself. */
#define H2_DATA_BYTES_SMALL 256u

/* PRIORITY and PRIORITY_UPDATE frames that are free (CVE-2019-9513); Envoy allows 100 a stream. */
#define H2_PRIORITIES_FREE        100u
#define H2_PRIORITIES_FREE_STREAM 10u
#define H2_PRIORITIES_FREE_MAX    2000u

/* DATA frames without payload and without END_STREAM in a row that cost nothing (CVE-2019-9518). */
#define H2_EMPTY_DATA_FREE 8u

/* ---- HPACK ----------------------------------------------------------------------------------- */

/* Bytes of one dynamic table, decoding or encoding, as RFC 7541 section 4.1 counts them. The
 * protocol's initial value: what larger tables save is small, and they cost memory a connection. */
#define HPACK_TABLE_BYTES_MAX 4096u

/* What a table's memory begins with, in the same unit; it doubles as entries come. Enough for what
 * a simple client repeats: at four fields of 100. A power of two, of at least one entry. */
#define HPACK_STORE_BYTES_FIRST 512u

/* An encoded integer: octets in all, prefix included, and its value (CVE-2023-33953,
 * CVE-2023-36478). No block that we accept holds a longer string than this. */
#define HPACK_INTEGER_OCTETS_MAX 5u
#define HPACK_INTEGER_MAX        ((1u << 21) - 1)

/* Table size updates at the start of a block; RFC 7541 section 4.2 never needs more. */
#define HPACK_SIZE_UPDATES_MAX 2u

/* A header list that exceeds its limit is decoded, not kept, in order to stay in step with the peer
 * and answer 431; beyond this many times the limit the connection ends (CVE-2016-6581,
 * CVE-2016-1544). */
#define HPACK_LIST_STOP_FACTOR 2u

/* ---- time ------------------------------------------------------------------------------------ */

/* The client's preface and first SETTINGS after the connection is up; Go allows 10 s. Slowness as a
 * weapon is CVE-2007-6750 here and below. */
#define H2_PREFACE_NS (5 * SECOND_NS)

/* Our SETTINGS must be acknowledged (SETTINGS_TIMEOUT; CVE-2025-53506); nghttpx waits as long. */
#define H2_SETTINGS_ACK_NS (10 * SECOND_NS)

/* A header block or any other frame, from its first byte to its last; not renewed by progress. */
#define H2_HEADER_BLOCK_NS (10 * SECOND_NS)

/* A request body that has begun: silence, and the least rate after a grace period. httpd's least
 * rate is the same; a telephone line is ten times faster. What comes at once counts for no more
 * than the longest silence, or a fast start would buy an hour of a byte every ten seconds. Both
 * hold until the handler has answered, and where content-length says how much is to come also after
 * that: such a request is an upload. */
#define H2_BODY_IDLE_NS              (10 * SECOND_NS)
#define H2_BODY_GRACE_NS             (5 * SECOND_NS)
#define H2_BODY_BYTES_PER_SECOND_MIN 500u

/* A stream on which both sides have begun and neither sends; Envoy's default. It is for tunnels and
 * conversations (CONNECT, gRPC, whose requests have no content-length): no least rate can tell one
 * that has nothing to say just now from one that holds a stream for nothing. What it can hold is a
 * stream of H2_CONCURRENT_STREAMS_DEFAULT, some KiB with its handler's state. */
#define H2_STREAM_IDLE_NS (300 * SECOND_NS)

/* Output that the peer does not take (CVE-2019-9511, -9517, CVE-2023-43622): looked at over spans
 * of this length; one below the minimum rate ends the connection. Neither PING nor WINDOW_UPDATE
 * renews it. nginx waits 60 s, h2o 10 s. */
#define H2_SEND_STALL_NS             (20 * SECOND_NS)
#define H2_SEND_BYTES_PER_SECOND_MIN 1024u

/* Replies queued because the peer does not read (CVE-2019-9512, -9515). Anybody who is alive reads
 * within seconds. */
#define H2_CONTROL_STALL_NS (10 * SECOND_NS)

/* No stream open; only requests renew it. nginx waits 75 s, h2o 10 s. */
#define H2_IDLE_NS (60 * SECOND_NS)

/* Between the two GOAWAYs of a graceful shutdown, unless the PING between them is answered earlier
 * (RFC 9113 section 6.8: at least one round trip). */
#define H2_DRAIN_NS (1 * SECOND_NS)

/* How often streams whose request body is incomplete are looked at. */
#define H2_TICK_NS (500 * MILLISECOND_NS)

/* After a complete response to an incomplete request: what still comes is looked at and dropped for
 * so long, or so many bytes, before RST_STREAM(NO_ERROR) tells the client to stop (RFC 9113 section
 * 8.1). Most clients are done by then, and hear of their errors; a round trip, and the initial
 * window. */
#define H2_LINGER_NS    (1 * SECOND_NS)
#define H2_LINGER_BYTES (64u * KIB)

/* After a connection error: so long for GOAWAY to leave. */
#define H2_FAREWELL_NS (1 * SECOND_NS)

/* ---- site ------------------------------------------------------------------------------------ */

/* Bytes of a request target, path and query; RFC 9110 section 4.1 recommends at least 8000, and
 * nginx takes 8 KiB. Beyond it 414. */
#define SITE_TARGET_BYTES_MAX (8u * KIB)

/* Bytes of a decoded path: Linux' PATH_MAX, so that no file is out of reach. Beyond it 414. */
#define SITE_PATH_BYTES_MAX (4u * KIB)

/* Fields of one request that the site evaluates (conditions, ranges, codings) and has to copy while
 * it waits for a file; browsers send three or four. Beyond it 431, whether it waits or not. */
#define SITE_CONDITION_FIELDS_MAX 16u

/* Resources that one page may announce. Browsers open with about as many requests. */
#define SITE_PRELOADS_MAX 16u

/* Bytes of all their link fields together: with the largest other fields of a response they stay
 * far below H2_SEND_BLOCK_BYTES_MAX, beyond which a response could not be sent at all. */
#define SITE_PRELOAD_BYTES_MAX (8u * KIB)

/* For so long the site believes that a file has, or has not, compressed siblings: what a source
 * needs to notice changed files, about. */
#define SITE_SIBLINGS_NS SECOND_NS

/* The least that is read at once from a file that is not in memory, however small the client keeps
 * its window (CVE-2019-9511): one page. */
#define SITE_READ_BYTES_MIN (4u * KIB)

/* How far the head start of an image reaches that is read in pieces, beyond those in which the end
 * of its first scan was not found: one frame, so that at most one too many goes early. */
#define SITE_SCAN_STEP_BYTES (16u * KIB)

/* ---- scheduler ------------------------------------------------------------------------------- */

/* Nodes of the dependency tree that stand for streams that are not open: idle ones that clients use
 * for grouping (Firefox made six), and closed ones whose dependants keep their place. RFC 7540
 * section 5.3.4 wants state for about as many as may be open. */
#define SCHED_PLACEHOLDERS_MAX 128u

/* Streams of one connection that have dependants, the root included. It bounds the depth of the
 * tree, and with it the cost of a decision (CVE-2019-9513); what would exceed it becomes a sibling
 * instead. Old Chromium made chains as long as it had streams open, about 100. */
#define SCHED_SHARES_MAX 128u

/* PRIORITY_UPDATE frames remembered for streams that are not yet open. */
#define SCHED_UPDATES_MAX 128u

/* PRIORITY and PRIORITY_UPDATE frames that a connection may spend at once, and what each new stream
 * adds. Browsers send a handful a stream. Beyond it the signals are refused at no cost. */
#define SCHED_CHURN_BURST      1000u
#define SCHED_CHURN_PER_STREAM 16u

/* A closed node with more dependants than this is not dropped to make room: moving them all would
 * cost too much at once. So many of the oldest are looked at. */
#define SCHED_DROP_DEPENDANTS_MAX 64u
#define SCHED_DROP_LOOKS_MAX      16u

/* The same over all connections of a worker: about 1, 10 and 8 MB when attackers fill them. Beyond
 * it streams have no place in a tree, and share as if nothing had been said about them. */
#define SCHED_SHARES_PER_WORKER_MAX       16384u
#define SCHED_PLACEHOLDERS_PER_WORKER_MAX 65536u
#define SCHED_UPDATES_PER_WORKER_MAX      8192u

/* The first bytes of an image that are favoured when no rule says otherwise: room for the
 * dimensions of a photograph with its metadata. */
#define HEAD_START_BYTES_DEFAULT 4096u

/* The most that a response itself may say is needed first (stream_head_start()), and how far into
 * an image its first scan is looked for: more than that of a photograph of 1 MB, since first scans
 * take less than a tenth of a file as a rule. Nobody has asked for it in numbers, so it is not
 * more. */
#define HEAD_START_SCAN_BYTES_MAX (128u * KIB)

/* Rules of one server. Arbitrary; a response is compared with each. */
#define HEAD_START_RULES_MAX 16u

#endif
