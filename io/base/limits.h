/*
 * base/limits.h - every bound of io/, with its unit and the reason for its value.
 */
#ifndef WEIR_IO_LIMITS_H
#define WEIR_IO_LIMITS_H

#include <stdint.h>

#define IO_MILLISECOND UINT64_C(1000000)    /* ns */
#define IO_SECOND      UINT64_C(1000000000) /* ns */

/* --- uring --- */

/* Submission entries. A full queue is submitted at once, so this only sizes the batch. */
#define IO_SQ_ENTRIES 1024u
/* Completion entries. An overflow ends multishot requests; 8192 holds a receive, a send and an
 * accept for thousands of links between two turns. */
#define IO_CQ_ENTRIES 8192u
/* Where the locked-memory limit allows no more: 24 KiB in all. */
#define IO_SQ_ENTRIES_SHORT 128u
#define IO_CQ_ENTRIES_SHORT 1024u

/* --- bufring --- */

/* One receive. A TLS record is 16 KiB, and so is what common protocols send as one frame. */
#define IO_BUFFER_BYTES 16384u
/* Buffers lent to the kernel by one worker; a power of two (the kernel's rule). 4 MiB in all: the
 * most that can arrive between two turns, as every buffer is returned within its turn. */
#define IO_BUFFER_COUNT     256u
#define IO_BUFFER_COUNT_MAX 32768u /* the kernel's bound on one buffer ring */

/* --- link --- */

/* Links of one worker when its config says 0. Descriptors run out before in most set-ups. */
#define IO_LINKS_MAX 65536u
/* Received bytes that a machine gets in one turn before other links have theirs. */
#define IO_TURN_RECV_BYTES 65536u
/* send_peek budget of a new link: about the initial congestion window of ten segments. */
#define IO_SEND_BUDGET_FIRST 16384u
/* How much is chosen ahead for a peer that is slower than we are, in its own time: a twentieth of
 * what people notice. On slow links three full segments, for less costs more than it decides. */
#define IO_SEND_AHEAD_NS   (5 * IO_MILLISECOND)
#define IO_SEND_BUDGET_MIN 4096u
/* send_peek budget that a link grows to while its socket always has room: it is then no queue, and
 * fewer, larger sends cost less. */
#define IO_SEND_BUDGET_MAX 262144u
/* A socket that has room so soon was not full: a turn of a busy worker. */
#define IO_SEND_PROMPT_NS IO_MILLISECOND
/* Bytes the kernel may hold unsent before it calls a socket full (TCP_NOTSENT_LOWAT). */
#define IO_NOTSENT_LOWAT_BYTES 16384
/* Sent by all links in one pass of a turn (there are two), and links settled in the second: a turn
 * stays below some 10 ms. To end a link, with a last word and a close, takes 10 microseconds, and
 * thousands that came together end together. */
#define IO_TURN_SEND_BYTES (UINT64_C(4) << 20)
#define IO_TURN_LINKS      256u
/* Where ending them takes longer than that, both passes together end after so long a turn, by the
 * clock, which is read after each few links; the rest have the next one. A pass settles so few in
 * any case. */
#define IO_TURN_FLUSH_NS   (7 * IO_MILLISECOND)
#define IO_TURN_LOOK_LINKS 8u
/* A link is in the midst of a long send after so many bytes: most responses are over by then. */
#define IO_BURST_BYTES 65536u
/* Sent by links in the midst of a long send in one turn: a millisecond at 1 GB/s, for which
 * others wait; and large enough that a turn's own cost does not show. */
#define IO_TURN_BUSY_BYTES (UINT64_C(1) << 20)
/* Completions acted on before their links may send. With a whole turn's completions first, 50 busy
 * connections touch some MB of streams and header sections before any is freed: about a sixth more
 * time a request. */
#define IO_SETTLE_BATCH 4u
/* Spans of one send; UIO_MAXIOV is 1024, but beyond a few dozen the copying dominates. */
#define IO_SEND_SPANS 32u
/* Received bytes that all links of a worker may keep copied while their machines do not want
 * them. Past it a link that would keep more is cut: memory is finite. */
#define IO_KEEP_BYTES_MAX (UINT64_C(64) << 20)
/* A peer that acknowledges not one byte of what was sent for this long is cut. */
#define IO_SEND_STALL_NS (60 * IO_SECOND)
/* How often the acknowledged bytes are looked at in that time. */
#define IO_SEND_STALL_CHECKS 4u
/* After the half-close: how long the peer may stay silent, and how long it may take in all. */
#define IO_LINGER_IDLE_NS  (2 * IO_SECOND)
#define IO_LINGER_TOTAL_NS (10 * IO_SECOND)

/* --- share --- */

/* What a send or a receive costs besides its bytes, as if it were so many: a system call's way in
 * and out and a look at the link, against copying at some GB/s. */
#define SHARE_CALL_BYTES 1024u
/* How much more than its part a link may have had before it is held: one record or frame. It is
 * also the least that a light link sends at once, for less costs more than it decides. */
#define SHARE_SLACK_BYTES 16384u
/* How much less than its part a link may have had and still get afterwards. One that is queued
 * among many gets it in pieces, each up to a round late; what was left while idle is lost. */
#define SHARE_LAG_BYTES IO_SEND_BUDGET_MAX
/* Periods in which links are counted as busy, once they were charged so much: 128 KiB a second, or
 * some 60 small requests. Who asks for less is no competitor, and so much is free for anyone.
 * Shorter periods would miss links that wait for their turn among hundreds. */
#define SHARE_PERIOD_NS  (250 * IO_MILLISECOND)
#define SHARE_BUSY_BYTES 32768u
/* Virtual time that passes in a period at least: 16 KiB a second for each unit of weight. */
#define SHARE_PERIOD_FLOOR (UINT64_C(4096) * 256)
/* The calendar reaches so far that a link of weight 1 may be 64 KiB ahead: its slack, a piece of as
 * much, and twice that for good measure. A day is 256 bytes at that weight. */
#define SHARE_DAYS 256u
#define SHARE_DAY  UINT64_C(65536)

/* --- accept --- */

/* Connections that wait in the kernel; it clamps to net.core.somaxconn. */
#define IO_LISTEN_BACKLOG 4096
/* Out of descriptors or memory: next attempt when a link has closed, or after this long, because
 * another process may have held them. */
#define IO_ACCEPT_RETRY_NS (500 * IO_MILLISECOND)

/* At the cap on links, or out of descriptors: links on which nothing has been under way for so long
 * are drained, one part of all and one more at a time. A crowd of idle connections so does not keep
 * others out until each has idled long enough. A second is longer than a client that has just
 * connected needs for its first request. Looking at a link costs some 10 ns. */
#define IO_SHED_IDLE_NS IO_SECOND
#define IO_SHED_PART    8u
#define IO_SHED_LOOKS   16384u

/* --- worker --- */

#define IO_WORKERS_MAX 256u
/* A turn in which others wait too long, in CPU time: about what a video call notices as jitter. No
 * peer can make one; they are counted to see that. Turns are measured once one has been slow. */
#define IO_TURN_LONG_NS (10 * IO_MILLISECOND)
#define IO_TURN_SLOW_NS IO_MILLISECOND
/* So long a turn acts on completions, by the clock. Hundreds of connections that all send what is
 * dearest to understand could make it a hundred times as long otherwise, and nobody would be sent
 * anything meanwhile. */
#define IO_TURN_REAP_NS (4 * IO_MILLISECOND)
/* Asynchronous operations (worker_op) that may be under way at once on one worker. */
#define IO_OPS_MAX 65536u
/* Messages on their way to one worker; a power of two. The sender is told when it is full. */
#define IO_MAILBOX_ENTRIES 256u

/* --- tls --- */

/* Application data of one record. RFC 8446 section 5.1. */
#define TLS_RECORD_BYTES 16384
/* What a record adds: header 5, content type 1, tag 16 (TLS 1.3); header 5, nonce 8, tag 16 (1.2).
 */
#define TLS_RECORD_OVERHEAD_BYTES 29
/* Room that application data leaves in a slab for alerts, KeyUpdate and close_notify. Arbitrary:
 * some ten of them. */
#define TLS_SLAB_RESERVE_BYTES 1024
/* Ciphertext of one connection that waits to be sent: four full records and the reserve, in whole
 * pages. More would be chosen too early (law 4), less would mean a send per record. */
#define TLS_SLAB_BYTES (17 * 4096)
/* Slabs a worker fills with several records; further ones hold one record at a time, so that n
 * connections that do not read cost n * 17 KiB and not n * 67 KiB. 256 of them are 17 MiB. */
#define TLS_SLABS_FULL 256
/* Plaintext decrypted before the inner machine is called: two records. One buffer a worker. */
#define TLS_PLAINTEXT_BYTES (2 * TLS_RECORD_BYTES)
/* A record of this size and its overhead fit one TCP segment on any usual path: Ethernet leaves
 * 1448, tunnels some 1380. The first TLS_SMALL_RECORDS_BYTES after a pause of TLS_IDLE_NS are sent
 * in such records: the peer can use the first segment before the last has arrived, while the
 * congestion window is small. After that the window holds whole records and 16 KiB cost less. */
#define TLS_SMALL_RECORD_BYTES  1300
#define TLS_SMALL_RECORDS_BYTES (32 * 1024)
#define TLS_IDLE_NS             IO_SECOND
/* From the connection's first moment to the end of the handshake. A phone on a bad line needs two
 * seconds. */
#define TLS_HANDSHAKE_NS (5 * IO_SECOND)
/* For the last bytes to leave after the inner machine is done, to a peer that does not read. */
#define TLS_CLOSE_NS (5 * IO_SECOND)
/* Handshakes that a worker begins in one turn: 5 ms of it at most. */
#define TLS_TURN_HANDSHAKES 32
/* Ciphertext a handshake may take. A ClientHello with post-quantum keys is about 2 KiB; a server's
 * certificate chain about 4 KiB, rarely 20. */
#define TLS_HANDSHAKE_SERVER_BYTES (32 * 1024)
#define TLS_HANDSHAKE_CLIENT_BYTES (128 * 1024)
/* Floods of records that carry next to nothing. A connection starts with this many bytes of credit
 * and never has more; a record costs TLS_RECORD_COST_BYTES and earns its plaintext, so 1024 empty
 * records in a row, or 31 KeyUpdates or unwanted handshake messages, end the connection, while
 * records of 8 bytes and more (less than any frame of the protocols above) may go on forever. */
#define TLS_CREDIT_BYTES         8192
#define TLS_RECORD_COST_BYTES    8
#define TLS_HANDSHAKE_COST_BYTES 256
/* Ticket keys: each encrypts for an hour, and two hours more it still decrypts, which is as long as
 * a ticket lives. A stolen key so opens at most three hours of TLS 1.2 sessions. */
#define TLS_TICKET_KEY_SECONDS  3600
#define TLS_TICKET_KEYS         3
#define TLS_TICKET_LIFE_SECONDS (2 * TLS_TICKET_KEY_SECONDS)

/* --- certificate --- */

/* A self-signed certificate is made anew at each start; browsers refuse more than 398 days. */
#define CERTIFICATE_DAYS 90

/* --- files --- */

/* How long an entry is believed before it is compared with the file system again. */
#define FILES_FRESH_NS IO_SECOND
/* A file whose ctime is this near to its loading may be written again under the same time stamp:
 * some file systems count in seconds, FAT in two. */
#define FILES_SETTLE_NS (2 * IO_SECOND)
/* Largest file that is held in memory: most pages, scripts and pictures. Larger ones gain little
 * from it, since they are few and their transfers are long. */
#define FILES_SMALL_BYTES (256 * 1024)
/* Defaults of struct files_settings, per worker. */
#define FILES_CACHE_BYTES     (64 * 1024 * 1024)
#define FILES_ENTRIES_MAX     16384
#define FILES_DESCRIPTORS_MAX 1024
#define FILES_READS_MAX       1024
/* Files whose content the disk is being waited for; lookups of more get FILES_BUSY. They hold at
 * most FILES_SMALL_BYTES each. */
#define FILES_LOADS_MAX 256
/* One read of a large file; as much as four TLS records hold. */
#define FILES_READ_BYTES (64 * 1024)
/* Longest path: what open() accepts, PATH_MAX less the final zero. */
#define FILES_PATH_BYTES 4095
/* Attempts when a file changes while it is loaded, or a rename races with RESOLVE_BENEATH. */
#define FILES_ATTEMPTS 4

#endif
