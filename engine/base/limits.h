/*
 * base/limits.h - the bounds that several protocols share: unit, value and reason.
 *
 * A bound stands in the limits.h of the folder that enforces it: http/ h1/ h2/ hpack/ sched/ site/ spdy/ ws/ have one
 * each. Here are those of an engine, and those that several of these folders enforce. PEER_* bounds what one peer may
 * hold, do and take. HTTP/2 enforces all of them; HTTP/1.1 and SPDY those for which they have the same thing.
 *
 * A bound that answers a known attack names its CVE. Bounds that hostile peers run into are counted:
 * struct engine_counters names them beside its counters, and `weir serve` prints those on SIGUSR1.
 * Each bound is run into by a test, or its comment says why not ("Untested: ..."); tests/style checks that.
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

/* ---- what we announce ------------------------------------------------------------------------ */

/* Streams that a peer may have open. RFC 9113 section 6.5.2 recommends at least 100; nginx allows
 * 128. Enforced from the first frame, acknowledged or not (CVE-2025-53506). */
#define PEER_CONCURRENT_STREAMS_DEFAULT 128u

/* Receive windows in bytes: of a stream, the protocol's initial value; of a connection, sixteen
 * times that, so that one stalled upload does not starve the others. */
#define PEER_STREAM_WINDOW_BYTES_DEFAULT     65535u
#define PEER_CONNECTION_WINDOW_BYTES_DEFAULT (1u * MIB)

/* Bytes of all windows of an engine together, as h2/flow.h counts them: what peers can make slow
 * handlers hold. Room for 8,192 uploads with windows of the initial size. Beyond it requests with a
 * body are refused. */
#define PEER_WINDOW_BUDGET_BYTES (512u * MIB)

/* Bytes of a decoded header section: name + value + 32 for each field (RFC 9113 section 6.5.2).
 * nghttpx and Envoy allow 60 to 64 KiB. A larger request gets 431; one that is larger than
 * HPACK_LIST_STOP_FACTOR times this ends the connection. */
#define PEER_HEADER_LIST_BYTES_DEFAULT (64u * KIB)

/* Fields of one request's header section, or of its trailers (CVE-2026-49975: tens of thousands of
 * empty fields cost bookkeeping that a limit in bytes does not see). Envoy allows 100. More get 431.
 * The crumbs of a cookie (RFC 9113 section 8.2.3) are one field: browsers send more than a hundred
 * of them. Responses are bounded by their bytes alone, as in other clients. */
#define PEER_HEADER_FIELDS_MAX 128u

/* ---- what a peer may make us hold ------------------------------------------------------------ */

/* Encoded bytes of one header block, CONTINUATION included (CVE-2024-27316 and its siblings). A
 * longer one gets ENHANCE_YOUR_CALM. */
#define PEER_HEADER_BLOCK_BYTES_MAX (64u * KIB)

/* Encoded bytes of the fields that we send in one section. Control frames still fit into
 * OUT_BYTES beside it. A larger response is refused: INTERNAL_ERROR. */
#define PEER_SEND_BLOCK_BYTES_MAX (24u * KIB)

/* ---- what a peer may make us do -------------------------------------------------------------- */

/* Each budget: at once, and each second again. After one frame more than that, reading pauses: what
 * the peer has sent waits, and is read at the rate of the budget. */

/* One pause: long enough for a few tokens of each budget, so that a flood costs ten wake-ups a second,
 * and too short to be seen by a user. */
#define PEER_PAUSE_NS (100 * MILLISECOND_NS)

/* Pauses that add up to so much, less the time in between, end a connection with ENHANCE_YOUR_CALM: it
 * does not let up. A page that starts and cancels 600 requests within a second needs four seconds. */
#define PEER_SLOWED_NS (10 * SECOND_NS)

/* Glitches: frames that are legal but useless (empty DATA, unknown types, WINDOW_UPDATE by the
 * byte, PRIORITY, resets in reply to nonsense; CVE-2019-9513, -9517, -9518). nghttp2 allows 10,000
 * in a burst and 330 a second, HAProxy 100 and up. */
#define PEER_GLITCH_BURST      1000u
#define PEER_GLITCH_PER_SECOND 50u

/* Streams that the peer reset, or made us reset, before we had answered them completely
 * (CVE-2023-44487, CVE-2025-8671). A browser that leaves a page resets what is open. A page that fetches
 * as the user types may cancel as many again and again; at this rate a connection costs no more than
 * one with as many requests. nghttp2 allows 1,000 in a burst and 33 a second. */
#define PEER_RESET_BURST      200u
#define PEER_RESET_PER_SECOND 100u

/* What pays for a PING, a SETTINGS or a useless frame before a budget does: so many of them for each stream that ended
 * well, and for each DATA frame of ours (gRPC's clients send a PING while DATA comes), saved up to a maximum. SETTINGS
 * may move the windows of all streams, and cost one more for so many of them. Resets are not paid for. */
#define PEER_EARNED_ANSWER    2u
#define PEER_EARNED_DATA      1u
#define PEER_EARNED_MAX       1000u
#define PEER_SETTINGS_STREAMS 4u

/* PING and SETTINGS frames that want a reply (CVE-2019-9512, CVE-2019-9515), beyond those. Probes of the round trip
 * take a few a second; no client needs hundreds. */
#define PEER_PING_BURST          500u
#define PEER_PING_PER_SECOND     50u
#define PEER_SETTINGS_BURST      100u
#define PEER_SETTINGS_PER_SECOND 10u

/* Streams that a server pushes: open at once, and as a budget. A client may announce any number for
 * the first. A request of 14 bytes for a page with 16 resources would be worth 17 requests, again
 * and again, though a browser needs each resource once a connection. Beyond it the page's link
 * fields have to do. Below PEER_RESET_*, so that a client may refuse all of them. */
#define PEER_PUSHES_MAX      128u
#define PEER_PUSH_BURST      128u
#define PEER_PUSH_PER_SECOND 10u

/* WINDOW_UPDATE frames that are free: some at first, and more for each stream and each DATA frame
 * that we send, saved up to a maximum (Envoy allows 1 + 2 x (streams + 10 x DATA)). Others cost a
 * glitch each (CVE-2019-9511, CVE-2019-9517). */
#define PEER_UPDATES_FREE        100u
#define PEER_UPDATES_FREE_STREAM 4u
#define PEER_UPDATES_FREE_DATA   10u
#define PEER_UPDATES_FREE_MAX    10000u

/* Bytes below which a DATA frame of ours earns no free WINDOW_UPDATE if it used up a window: a peer that grants
 * credit by the byte makes us send by the byte, and must not be paid for it. */
#define PEER_DATA_BYTES_SMALL 256u

/* Such a frame pays for an update of both windows, so that a client with little memory is not cut; but these are read
 * at a pace, with pauses that do not count for PEER_SLOWED_NS. A window of 100 bytes over 10 ms takes 200 a second. */
#define PEER_UPDATES_SMALL_DATA       2u
#define PEER_UPDATES_SMALL_BURST      1000u
#define PEER_UPDATES_SMALL_PER_SECOND 250u

/* DATA frames in a row without payload and without END_STREAM that cost nothing (CVE-2019-9518).
 * Others cost a glitch each. */
#define PEER_EMPTY_DATA_FREE 8u

/* ---- time ------------------------------------------------------------------------------------ */

/* From the connection's first moment to the client's preface and first SETTINGS; Go allows 10 s.
 * Slowness as a weapon is CVE-2007-6750, here and below. */
#define PEER_PREFACE_NS (5 * SECOND_NS)

/* From the first byte of a header block, or of any other frame, to its last. Progress does not
 * renew it. */
#define PEER_HEADER_BLOCK_NS (10 * SECOND_NS)

/* A request body that has begun: the longest silence, and the lowest rate after a grace period. httpd has the same
 * rate; a telephone line is ten times faster. A burst counts for no more than the longest silence, or a fast start
 * would buy an hour of a byte every ten seconds. Both hold until the handler has answered, and for a request with
 * content-length, which is an upload, also after that. Then the stream is reset: CANCEL. */
#define PEER_BODY_IDLE_NS              (10 * SECOND_NS)
#define PEER_BODY_GRACE_NS             (5 * SECOND_NS)
#define PEER_BODY_BYTES_PER_SECOND_MIN 500u

/* A stream on which both sides have begun and neither sends; Envoy's default. It is for tunnels and
 * conversations (CONNECT, and gRPC, whose requests have no content-length): no rate tells one that
 * has nothing to say just now from one that wastes a stream. It costs us one of
 * PEER_CONCURRENT_STREAMS_DEFAULT streams, some KiB with its handler's state. */
#define PEER_STREAM_IDLE_NS (300 * SECOND_NS)

/* Output that the peer does not take (CVE-2019-9511, -9517, CVE-2023-43622). It is looked at over
 * spans of this length; one below the lowest rate ends the connection. Neither PING nor
 * WINDOW_UPDATE renews it. nginx waits 60 s, h2o 10 s. */
#define PEER_SEND_STALL_NS             (20 * SECOND_NS)
#define PEER_SEND_BYTES_PER_SECOND_MIN 1024u

/* A response that its own window holds back, on a connection on which others are taken: a page that has
 * paused a download. It costs no more than the stream, so it is reset only after this time at less than
 * the lowest rate, and only when the worker has given out this part (a half) of its streams. nginx waits
 * 60 s. */
#define PEER_HELD_NS     (60 * SECOND_NS)
#define PEER_SCARCE_PART 2u

/* Replies that wait because the peer does not read (CVE-2019-9512, -9515). A peer that is alive
 * reads within seconds. */
#define PEER_CONTROL_STALL_NS (10 * SECOND_NS)

/* A connection without streams; only requests renew it. nginx waits 75 s, h2o 10 s. */
#define PEER_IDLE_NS (60 * SECOND_NS)

/* How often streams with an incomplete request body are looked at: their deadlines are twenty times
 * as long. */
#define PEER_TICK_NS (500 * MILLISECOND_NS)

/* After a complete response to an incomplete request, the rest is read and dropped until none of
 * it has come for the first time, at most for the second time and for this many bytes. Then
 * RST_STREAM(NO_ERROR) tells the client to stop (RFC 9113 section 8.1). Most clients have
 * stopped or sent all by then. Java's sends all before it reads the response, takes no notice of
 * that reset, and waits for credit until it times out. The first is a round trip; nginx goes on
 * for 30 s or 5 s of silence, and most files that people upload are smaller than the last. */
#define PEER_LINGER_IDLE_NS (1 * SECOND_NS)
#define PEER_LINGER_NS      (10 * SECOND_NS)
#define PEER_LINGER_BYTES   (16u * MIB)

/* After a connection error: how long GOAWAY may take to leave. */
#define PEER_FAREWELL_NS (1 * SECOND_NS)

#endif
