/*
 * base/limits.h - every bound of the engine: its unit, its value and the reason for it.
 *
 * A bound that answers a known attack names its CVE. Bounds that hostile peers run into are counted:
 * struct engine_counters names them beside its counters, and `weir serve` prints those on SIGUSR1.
 * Each bound is run into by a test, or its comment says why not ("Untested: ..."); tests/style
 * checks that. Bounds of io/ are in io/base/limits.h.
 */
#ifndef WEIR_LIMITS_H
#define WEIR_LIMITS_H

#define KIB            1024u
#define MIB            (1024u * KIB)
#define SECOND_NS      1000000000ull
#define MILLISECOND_NS 1000000ull

/* ---- one engine, that is one core ------------------------------------------------------------ */

/* Connections at once. Many systems allow a process 20,000 open files, so the limit on descriptors
 * usually comes first. */
#define ENGINE_CONNECTIONS_DEFAULT 65536u

/* Streams of all connections at once: a thousand connections with as many as each may open. About
 * 0.5 KiB each, allocated only when used. */
#define ENGINE_STREAMS_DEFAULT 131072u

/* Slots of a map of streams when it takes its first memory; a power of two. It doubles when it is half
 * full, so this is enough for the streams of a small page. */
#define IDMAP_SLOTS_MIN 16u

/* Chunks of a pool that are looked at each second to see whether they can be given back: what 50,000
 * streams took has gone after half a minute, and a second costs a millisecond of that at most. */
#define POOL_TRIM_CHUNKS 32u

/* Bytes that are sent after a 101 for h2c before the client has said something in HTTP/2: curl 7.88 fails
 * when more than 32 KiB come with it. One frame beyond this may be sent. */
#define CONN_EARLY_BYTES (8u * KIB)

/* Memory of a connection that has no protocol yet: its first bytes, and what is known of its peer. conn.c
 * asserts that it is enough. Untested: the compiler checks it. */
#define CONN_BYTES 240u

/* Bytes of our own output (frames, heads, copied bodies) that the transport has not taken. A busy
 * connection has one buffer, an idle one none. The largest header block that we send fits. */
#define OUT_BYTES (36u * KIB)

/* Pieces of output (our own, and lent bodies) between a peek and its ack: 256 KiB of 16 KiB frames
 * are 16 headers and 16 bodies; twice that leaves room for replies. */
#define OUT_SEGMENTS 64u

/* Bytes of a lent body up to which it is copied behind its frame header: copying that many costs
 * the kernel about as much as one more iovec. */
#define OUT_COPY_BYTES_MAX (2u * KIB)

/* Bytes of content, and of encoded fields, up to which an answer may go as a whole (h2/brief.h): those that are
 * copied. */
#define H2_BRIEF_BYTES_MAX OUT_COPY_BYTES_MAX

/* Bytes for joined cookies, and for other copies beside the decoded fields: cookies that fill a
 * header list of the default size can be joined. */
#define H2_COOKIE_ROOM_BYTES H2_HEADER_LIST_BYTES_DEFAULT

/* ---- HTTP/2: what we announce -------------------------------------------------------------- */

/* Streams that a peer may have open. RFC 9113 section 6.5.2 recommends at least 100; nginx allows
 * 128. Enforced from the first frame, acknowledged or not (CVE-2025-53506). */
#define H2_CONCURRENT_STREAMS_DEFAULT 128u

/* Receive windows in bytes: of a stream, the protocol's initial value; of a connection, sixteen
 * times that, so that one stalled upload does not starve the others. */
#define H2_STREAM_WINDOW_BYTES_DEFAULT     65535u
#define H2_CONNECTION_WINDOW_BYTES_DEFAULT (1u * MIB)

/* FLOW_AUTO: the widest window of a connection, in bytes: 1 Gbit/s over 128 ms. */
#define H2_CONNECTION_WINDOW_BYTES_MAX (16u * MIB)

/* Bytes of all windows of an engine together, as h2/flow.h counts them: what peers can make slow
 * handlers hold. Room for 8,192 uploads with windows of the initial size. Beyond it requests with a
 * body are refused. Windows are widened within a part of it, in percent, so that a few busy
 * connections do not shut out all others. */
#define H2_WINDOW_BUDGET_BYTES   (512u * MIB)
#define H2_WINDOW_GROWTH_PERCENT 75u

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

/* Bytes of a decoded header section: name + value + 32 for each field (RFC 9113 section 6.5.2).
 * nghttpx and Envoy allow 60 to 64 KiB. A larger request gets 431; one that is larger than
 * HPACK_LIST_STOP_FACTOR times this ends the connection. */
#define H2_HEADER_LIST_BYTES_DEFAULT (64u * KIB)

/* Fields of one request's header section, or of its trailers (CVE-2026-49975: tens of thousands of
 * empty fields cost bookkeeping that a limit in bytes does not see). Envoy allows 100. More get 431.
 * The crumbs of a cookie (RFC 9113 section 8.2.3) are one field: browsers send more than a hundred
 * of them. Responses are bounded by their bytes alone, as in other clients. */
#define H2_HEADER_FIELDS_MAX 128u

/* ---- HTTP/2: what a peer may make us hold --------------------------------------------------- */

/* Encoded bytes of one header block, CONTINUATION included (CVE-2024-27316 and its siblings). A
 * longer one gets ENHANCE_YOUR_CALM. */
#define H2_HEADER_BLOCK_BYTES_MAX (64u * KIB)

/* CONTINUATION frames of one block; nghttp2 allows 8. Only the last may be empty (CVE-2026-33871).
 * More get ENHANCE_YOUR_CALM. */
#define H2_CONTINUATION_FRAMES_MAX 8u

/* Entries of one SETTINGS frame (CVE-2020-11080), as in nghttp2. More get ENHANCE_YOUR_CALM. */
#define H2_SETTINGS_ENTRIES_MAX 32u

/* Bytes of control frames that wait to be sent: replies to PING and SETTINGS, RST_STREAM. About 240
 * replies to PING. When three quarters are used, reading stops (CVE-2019-9512, -9514, -9515). */
#define H2_CONTROL_BYTES (4u * KIB)

/* Encoded bytes of the fields that we send in one section. Control frames still fit into
 * OUT_BYTES beside it. A larger response is refused: INTERNAL_ERROR. */
#define H2_SEND_BLOCK_BYTES_MAX (24u * KIB)

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
#define H2_JUDGED_COUNT     8u
#define H2_JUDGED_BYTES_MAX 160u

/* Requests that a server keeps of a connection because their header blocks come again (engine/h2/asked.h); bytes of
 * the longest block, and of all that is kept of one. Clients that repeat themselves mostly ask for a few
 * things. Their blocks take 10 to 60 bytes, and their requests 600 to 1,800, most of which are the structs
 * of 5 to 20 fields. */
#define H2_ASKED_COUNT           4u
#define H2_ASKED_BLOCK_BYTES_MAX 160u
#define H2_ASKED_BYTES_MAX       2048u

/* The same over HTTP/1.1, for all connections of a worker. Most servers' heads differ in the date and in
 * what is about the resource, and take 150 to 400 bytes. */
#define H1_JUDGED_COUNT     4u
#define H1_JUDGED_BYTES_MAX 512u

/* Bytes that are kept at first for a tunnel that is asked for and not made yet; they double up to the
 * stream's window. A client that does not wait sends its first message, a few hundred bytes. */
#define H2_KEPT_BYTES_FIRST 512u

/* Streams that ended otherwise and that we remember, so that later frames on them get the exact
 * error. Frames on older ones get a milder one. Arbitrary. */
#define H2_CLOSED_REMEMBERED 32u

/* Origins, on one connection at once, for whose requests we push: clients coalesce a few subdomains
 * on one connection. Requests of other origins get no pushes, and promises on them are refused. */
#define H2_ORIGINS_MAX 8u

/* Bytes of the scheme and authority of such an origin: a DNS name has at most 253, "https" and a
 * port take 11; the rest is for other names. */
#define H2_ORIGIN_BYTES_MAX 320u

/* ---- HTTP/2: what a peer may make us do ------------------------------------------------------ */

/* Each budget: at once, and each second again. After one frame more than that, reading pauses: what
 * the peer has sent waits, and is read at the rate of the budget. */

/* One pause: long enough for a few tokens of each budget, so that a flood costs ten wake-ups a second,
 * and too short to be seen by a user. */
#define H2_PAUSE_NS (100 * MILLISECOND_NS)

/* Pauses that add up to so much, less the time in between, end a connection with ENHANCE_YOUR_CALM: it
 * does not let up. A page that starts and cancels 600 requests within a second needs four seconds. */
#define H2_SLOWED_NS (10 * SECOND_NS)

/* Glitches: frames that are legal but useless (empty DATA, unknown types, WINDOW_UPDATE by the
 * byte, PRIORITY, resets in reply to nonsense; CVE-2019-9513, -9517, -9518). nghttp2 allows 10,000
 * in a burst and 330 a second, HAProxy 100 and up. */
#define H2_GLITCH_BURST      1000u
#define H2_GLITCH_PER_SECOND 50u

/* Streams that the peer reset, or made us reset, before we had answered them completely
 * (CVE-2023-44487, CVE-2025-8671). A browser that leaves a page resets what is open. A page that fetches
 * as the user types may cancel as many again and again; at this rate a connection costs no more than
 * one with as many requests. nghttp2 allows 1,000 in a burst and 33 a second. */
#define H2_RESET_BURST      200u
#define H2_RESET_PER_SECOND 100u

/* What pays for a PING, a SETTINGS or a useless frame before a budget does: so many of them for each stream that ended
 * well, and for each DATA frame of ours (gRPC's clients send a PING while DATA comes), saved up to a maximum. SETTINGS
 * may move the windows of all streams, and cost one more for so many of them. Resets are not paid for. */
#define H2_EARNED_ANSWER    2u
#define H2_EARNED_DATA      1u
#define H2_EARNED_MAX       1000u
#define H2_SETTINGS_STREAMS 4u

/* PING and SETTINGS frames that want a reply (CVE-2019-9512, CVE-2019-9515), beyond those. Probes of the round trip take a
 * few a second; no client needs hundreds. */
#define H2_PING_BURST          500u
#define H2_PING_PER_SECOND     50u
#define H2_SETTINGS_BURST      100u
#define H2_SETTINGS_PER_SECOND 10u

/* Streams that a server pushes: open at once, and as a budget. A client may announce any number for
 * the first. A request of 14 bytes for a page with 16 resources would be worth 17 requests, again
 * and again, though a browser needs each resource once a connection. Beyond it the page's link
 * fields have to do. Below H2_RESET_*, so that a client may refuse all of them. */
#define H2_PUSHES_MAX      128u
#define H2_PUSH_BURST      128u
#define H2_PUSH_PER_SECOND 10u

/* WINDOW_UPDATE frames that are free: some at first, and more for each stream and each DATA frame
 * that we send, saved up to a maximum (Envoy allows 1 + 2 x (streams + 10 x DATA)). Others cost a
 * glitch each (CVE-2019-9511, CVE-2019-9517). */
#define H2_UPDATES_FREE        100u
#define H2_UPDATES_FREE_STREAM 4u
#define H2_UPDATES_FREE_DATA   10u
#define H2_UPDATES_FREE_MAX    10000u

/* Bytes below which a DATA frame of ours earns no free WINDOW_UPDATE if it used up a window: a peer that grants
 * credit by the byte makes us send by the byte, and must not be paid for it. */
#define H2_DATA_BYTES_SMALL 256u

/* Such a frame pays for an update of both windows, so that a client with little memory is not cut; but these are read
 * at a pace, with pauses that do not count for H2_SLOWED_NS. A window of 100 bytes over 10 ms takes 200 a second. */
#define H2_UPDATES_SMALL_DATA       2u
#define H2_UPDATES_SMALL_BURST      1000u
#define H2_UPDATES_SMALL_PER_SECOND 250u

/* PRIORITY and PRIORITY_UPDATE frames that are free: some at first, and more for each stream, saved
 * up to a maximum. Others cost a glitch each (CVE-2019-9513); Envoy allows 100 a stream. */
#define H2_PRIORITIES_FREE        100u
#define H2_PRIORITIES_FREE_STREAM 10u
#define H2_PRIORITIES_FREE_MAX    2000u

/* DATA frames in a row without payload and without END_STREAM that cost nothing (CVE-2019-9518).
 * Others cost a glitch each. */
#define H2_EMPTY_DATA_FREE 8u

/* ---- fields, over each protocol ---------------------------------------------------------------- */

/* Bytes of a list that are looked at, all fields of its name together, where nothing else bounds them:
 * Accept-Encoding, If-Match, If-None-Match, Expect. With HPACK a request of 30 bytes can repeat a field of
 * 4 KiB a dozen times, and an element costs more than its bytes. Browsers send 30 bytes, and one entity tag.
 * Elements beyond it do not count. */
#define FIELD_LIST_BYTES_MAX 1024u

/* ---- HTTP/1.1: what is read of a peer ---------------------------------------------------------- */

/* Bytes of a request's method. The longest that is registered has 17. A longer one gets 501. */
#define H1_METHOD_BYTES_MAX 64u

/* Bytes of a request's target, as many as the site evaluates. A longer one gets 414. */
#define H1_TARGET_BYTES_MAX SITE_TARGET_BYTES_MAX

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

/* ---- HTTP/1.1: what a peer may make us hold and do ---------------------------------------------- */

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
#define H1_READY_TEXTS 16u

/* The longest such text; longer ones are made each time. The usual response has 250 to 400 bytes. */
#define H1_READY_TEXT_BYTES 512u

/* Field sections of requests that are noted, by all connections of a worker: those of its usual clients. The longest,
 * with which what comes from programs is noted, and most of what browsers send; and the most fields in one. */
#define H1_MEMOS       16u
#define H1_MEMO_BYTES  512u
#define H1_MEMO_FIELDS 24u

/* Whole requests that a worker keeps because their heads come again (engine/h1/known.h): some files of each of its usual
 * clients; and bytes of all that is kept of one, most of which are the structs of 5 to 28 fields. */
#define H1_KNOWN_COUNT     64u
#define H1_KNOWN_BYTES_MAX 2048u

/* Memory for a head that arrives in pieces, at first; it doubles up to what the longest target and
 * fields need. Most heads of browsers fit. */
#define H1_GATHER_BYTES (4u * KIB)

/* After a complete response to an incomplete request: the rest is read and dropped for this long, and up
 * to this many bytes, so that the connection can go on; a request that says it is longer gets
 * `connection: close` with its response. Less than H2_LINGER_*, because the transport goes on reading for
 * a while behind the end, and no other requests wait. */
#define H1_LINGER_NS    (1 * SECOND_NS)
#define H1_LINGER_BYTES (1u * MIB)

/* A server that drains waits for one more request for this long, on a connection that was busy within the same time:
 * it may be on its way, and nothing could tell the client that it came too late. Longer than most round trips; links
 * that have been idle for as long are drained to make room for others, and close at once. */
#define H1_GRACE_NS (1 * SECOND_NS)

/* Chunks of a request with fewer bytes than this cost a token each: one byte costs us a call of the handler, and the client
 * six bytes. A budget: at once, and each second again; beyond it the request gets 400 and the connection ends. Programs that
 * send logs line by line make thousands a second. Responses are not charged. */
#define H1_CHUNK_SMALL_BYTES      64u
#define H1_CHUNK_SMALL_BURST      20000u
#define H1_CHUNK_SMALL_PER_SECOND 20000u

/* ---- HPACK ----------------------------------------------------------------------------------- */

/* Bytes of one dynamic table, decoding or encoding, as RFC 7541 section 4.1 counts them. The protocol's initial
 * value: larger tables save little and cost memory for each connection. */
#define HPACK_TABLE_BYTES_MAX 4096u

/* Bytes of a table's first memory, counted in the same way; it doubles as entries come. Enough for what a simple
 * client repeats, three fields of 80 bytes. A power of two, of at least one entry. */
#define HPACK_STORE_BYTES_FIRST 256u

/* Bytes from which on a cookie's value is put into the table. A shorter one is guessed too easily from what it costs
 * on the wire. */
#define HPACK_COOKIE_BYTES_MIN 20u

/* Bytes of the longest block that is kept to be sent again: a dozen fields, some of which have indices of two bytes. */
#define HPACK_BLOCK_KEPT_BYTES_MAX 15u

/* Such blocks of one connection: the responses that a peer repeats most. A power of two. */
#define HPACK_BLOCKS_KEPT_COUNT 8u

/* Fields that were sent as literals and are remembered on probation, so that they are indexed when they come again
 * soon: those of some messages. A power of two. */
#define HPACK_PROBATION_COUNT 64u

/* Places among these for one field. With one place each, two fields of every response that share it would take turns
 * and never be indexed. A power of two. */
#define HPACK_PROBATION_WAYS 4u

/* An encoded integer: its octets, prefix included, and its value (CVE-2023-33953, CVE-2023-36478). No block that we
 * accept holds a longer string. Others are COMPRESSION_ERROR. */
#define HPACK_INTEGER_OCTETS_MAX 5u
#define HPACK_INTEGER_MAX        ((1u << 21) - 1)

/* Table size updates at the start of a block; RFC 7541 section 4.2 never needs more. More are COMPRESSION_ERROR. */
#define HPACK_SIZE_UPDATES_MAX 2u

/* A header list that exceeds its limit is decoded and not kept, so that HPACK stays in step and the request gets
 * 431. Beyond this many times the limit the connection ends with ENHANCE_YOUR_CALM (CVE-2016-6581, CVE-2016-1544). */
#define HPACK_LIST_STOP_FACTOR 2u

/* ---- time ------------------------------------------------------------------------------------ */

/* From the connection's first moment to the client's preface and first SETTINGS; Go allows 10 s.
 * Slowness as a weapon is CVE-2007-6750, here and below. */
#define H2_PREFACE_NS (5 * SECOND_NS)

/* From our SETTINGS to their acknowledgement, as in nghttpx; then SETTINGS_TIMEOUT
 * (CVE-2025-53506). */
#define H2_SETTINGS_ACK_NS (10 * SECOND_NS)

/* From the first byte of a header block, or of any other frame, to its last. Progress does not
 * renew it. */
#define H2_HEADER_BLOCK_NS (10 * SECOND_NS)

/* A request body that has begun: the longest silence, and the lowest rate after a grace period. httpd has the same
 * rate; a telephone line is ten times faster. A burst counts for no more than the longest silence, or a fast start
 * would buy an hour of a byte every ten seconds. Both hold until the handler has answered, and for a request with
 * content-length, which is an upload, also after that. Then the stream is reset: CANCEL. */
#define H2_BODY_IDLE_NS              (10 * SECOND_NS)
#define H2_BODY_GRACE_NS             (5 * SECOND_NS)
#define H2_BODY_BYTES_PER_SECOND_MIN 500u

/* A stream on which both sides have begun and neither sends; Envoy's default. It is for tunnels and
 * conversations (CONNECT, and gRPC, whose requests have no content-length): no rate tells one that
 * has nothing to say just now from one that wastes a stream. It costs us one of
 * H2_CONCURRENT_STREAMS_DEFAULT streams, some KiB with its handler's state. */
#define H2_STREAM_IDLE_NS (300 * SECOND_NS)

/* From the end of a mounted machine (http/mount.h) until its peer has ended the tunnel too, in a round trip if
 * it is alive. Then the stream is reset. As WS_CLOSE_NS. */
#define MOUNT_CLOSE_NS (5 * SECOND_NS)

/* Output that the peer does not take (CVE-2019-9511, -9517, CVE-2023-43622). It is looked at over
 * spans of this length; one below the lowest rate ends the connection. Neither PING nor
 * WINDOW_UPDATE renews it. nginx waits 60 s, h2o 10 s. */
#define H2_SEND_STALL_NS             (20 * SECOND_NS)
#define H2_SEND_BYTES_PER_SECOND_MIN 1024u

/* A response that its own window holds back, on a connection on which others are taken: a page that has
 * paused a download. It costs no more than the stream, so it is reset only after this time at less than
 * the lowest rate, and only when the worker has given out this part (a half) of its streams. nginx waits
 * 60 s. */
#define H2_HELD_NS     (60 * SECOND_NS)
#define H2_SCARCE_PART 2u

/* Replies that wait because the peer does not read (CVE-2019-9512, -9515). A peer that is alive
 * reads within seconds. */
#define H2_CONTROL_STALL_NS (10 * SECOND_NS)

/* A connection without streams; only requests renew it. nginx waits 75 s, h2o 10 s. */
#define H2_IDLE_NS (60 * SECOND_NS)

/* Between the two GOAWAYs of a graceful shutdown, unless the PING between them is answered earlier
 * (RFC 9113 section 6.8: at least one round trip). */
#define H2_DRAIN_NS (1 * SECOND_NS)

/* How often streams with an incomplete request body are looked at: their deadlines are twenty times
 * as long. */
#define H2_TICK_NS (500 * MILLISECOND_NS)

/* After a complete response to an incomplete request, the rest is read and dropped until none of
 * it has come for the first time, at most for the second time and for this many bytes. Then
 * RST_STREAM(NO_ERROR) tells the client to stop (RFC 9113 section 8.1). Most clients have
 * stopped or sent all by then. Java's sends all before it reads the response, takes no notice of
 * that reset, and waits for credit until it times out. The first is a round trip; nginx goes on
 * for 30 s or 5 s of silence, and most files that people upload are smaller than the last. */
#define H2_LINGER_IDLE_NS (1 * SECOND_NS)
#define H2_LINGER_NS      (10 * SECOND_NS)
#define H2_LINGER_BYTES   (16u * MIB)

/* How long a connection is idle before it rests (engine/h2/rest.h) and gives back what the next request can make
 * again, some 5 KiB. Making it costs less than a microsecond, so that nobody notices once a second. */
#define H2_REST_NS (1 * SECOND_NS)

/* After a connection error: how long GOAWAY may take to leave. */
#define H2_FAREWELL_NS (1 * SECOND_NS)

/* ---- site ------------------------------------------------------------------------------------ */

/* Bytes of a request target, path and query; RFC 9110 section 4.1 recommends at least 8000, and nginx takes 8 KiB. A
 * longer one gets 414. */
#define SITE_TARGET_BYTES_MAX (8u * KIB)

/* Bytes of a decoded path: Linux' PATH_MAX, so that every file can be reached. A longer one gets 414. */
#define SITE_PATH_BYTES_MAX (4u * KIB)

/* Rules about the fields of responses that one route may have; arbitrary. And fields of a response that passes them:
 * more than any handler of this engine gives, and fewer than SPDY's clients refuse. Arrays of as many are on the
 * stack. */
#define FIELD_RULES_MAX        64u
#define FIELD_RULES_FIELDS_MAX 100u

/* The charset of a site's texts; the longest registered name is shorter. Names that stand for a directory, each of
 * which may cost three lookups, and bytes of each: Linux' NAME_MAX. */
#define SITE_CHARSET_BYTES_MAX 64u
#define SITE_INDEXES_MAX       8u
#define SITE_INDEX_BYTES_MAX   255u

/* Fields of one request that the site evaluates (conditions, ranges, codings) and copies while it waits for a file;
 * browsers send three or four. More get 431, whether it waits or not. */
#define SITE_CONDITION_FIELDS_MAX 16u

/* Resources that one page may announce. Browsers open with about as many requests. */
#define SITE_PRELOADS_MAX 16u

/* Bytes of all their link fields together. With the largest other fields of a response they stay far below
 * H2_SEND_BLOCK_BYTES_MAX, beyond which a response could not be sent at all. */
#define SITE_PRELOAD_BYTES_MAX (8u * KIB)

/* Byte ranges of one request that are answered one by one; a request for more gets the whole file (RFC 9110 section
 * 17.15). Readers of documents and archives ask for fewer. */
#define SITE_RANGES_MAX 16u

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

/* ---- scheduler ------------------------------------------------------------------------------- */

/* Bytes that a stream sends before another has its turn: one DATA frame of the default size when streams compete,
 * and sixteen of them in one send when one is alone. */
#define SCHED_QUANTUM_BYTES       16384
#define SCHED_QUANTUM_ALONE_BYTES 262144

/* Nodes of the dependency tree that stand for streams that are not open: idle ones that clients use for grouping
 * (Firefox made six), and closed ones whose dependants keep their place. RFC 7540 section 5.3.4 wants state for
 * about as many as may be open. */
#define SCHED_PLACEHOLDERS_MAX 128u

/* Streams of one connection that have dependants, the root included. It bounds the depth of the tree, and so the
 * cost of a decision (CVE-2019-9513); a dependant too many becomes a sibling. Old Chromium made chains as long as it
 * had streams open, about 100. */
#define SCHED_SHARES_MAX 128u

/* PRIORITY_UPDATE frames that are remembered for streams that are not yet open: as many as may open by default. */
#define SCHED_UPDATES_MAX 128u

/* Bytes of a priority field's value. A longer value is ignored as a whole, so that a flood of 16 KiB PRIORITY_UPDATE
 * frames costs little. Browsers send less than 10 bytes; extensions have room. */
#define PRIORITY_FIELD_BYTES_MAX 256u

/* PRIORITY and PRIORITY_UPDATE frames that a connection may spend at once, and that each new stream adds. Browsers
 * send a handful a stream. Others are ignored at no cost. */
#define SCHED_CHURN_BURST      1000u
#define SCHED_CHURN_PER_STREAM 16u

/* Making room in a full tree: dependants up to which a closed node may be dropped, since all of them have to move;
 * and how many of the oldest closed nodes are looked at for one. */
#define SCHED_DROP_DEPENDANTS_MAX 64u
#define SCHED_DROP_LOOKS_MAX      16u

/* The same for all connections of a worker together: nodes with dependants, placeholders, and connections with
 * remembered updates. About 1, 10 and 8 MB when attackers fill them. Beyond it a stream has no place in a tree, and
 * shares as if nothing had been said about it. */
#define SCHED_SHARES_PER_WORKER_MAX       16384u
#define SCHED_PLACEHOLDERS_PER_WORKER_MAX 65536u
#define SCHED_UPDATES_PER_WORKER_MAX      8192u

/* Objects by which these pools grow: as many as one busy connection needs. Untested: they only decide how often
 * memory is taken. */
#define SCHED_SHARES_PER_CHUNK       8u
#define SCHED_PLACEHOLDERS_PER_CHUNK 32u
#define SCHED_UPDATES_PER_CHUNK      4u

/* Hash buckets for a connection's placeholders: at most eight in each, on average. A power of two. Untested: it only
 * decides how long a search takes. */
#define SCHED_BUCKET_COUNT 16u

/* Bytes at the beginning of an image that are favoured when no rule says otherwise: enough for the dimensions of a
 * photograph with its metadata. And the most that a rule may say. */
#define HEAD_START_BYTES_DEFAULT 4096u
#define HEAD_START_BYTES_MAX     (16u * MIB)

/* Bytes that a response itself may say are needed first (stream_head_start()), and into which an image's first scan
 * is looked for. A first scan takes less than a tenth of a file as a rule; this is more than that of a photograph of
 * 1 MB. No user has needed a larger value. */
#define HEAD_START_SCAN_BYTES_MAX (128u * KIB)

/* Rules of one server. Arbitrary; each response is compared with all of them. */
#define HEAD_START_RULES_MAX 16u

#endif
