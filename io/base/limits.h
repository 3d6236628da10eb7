/*
 * base/limits.h - every bound of io/: its unit, its value and the reason for it.
 *
 * Each bound is run into by a test, or its comment says why not ("Untested: ..."); tests/style checks
 * that. Bounds of the engine are in the limits.h of its folders, beginning with engine/base/limits.h.
 */
#ifndef WEIR_IO_LIMITS_H
#define WEIR_IO_LIMITS_H

#include <stdint.h>

#define IO_MILLISECOND UINT64_C(1000000)    /* ns */
#define IO_SECOND      UINT64_C(1000000000) /* ns */

/* ---- base ------------------------------------------------------------------------------------ */

/* Bytes of an address as text: "[", IPv6 with its scope, "]:65535" and the final zero. */
#define ADDRESS_TEXT_BYTES 96

/* Messages on their way to one worker; a power of two. The sender is told when it is full. */
#define IO_MAILBOX_ENTRIES 256u

/* Pieces of memory that can be sent by reference, and bytes of one: a window of a large file (FILES_WINDOW_BYTES).
 * 128 MiB of addresses for each worker: the windows of four directories. More are sent as usual. */
#define PAGES_COUNT 1024
#define PAGES_BYTES (128 * 1024)

/* Lists of watched files, and events that are read at once: 4 KiB of them. Arbitrary: a worker watches some hundred files,
 * and few are written to. */
#define WRITES_BUCKETS 256u
#define WRITES_EVENTS  256

/* Reads of events at a time: as many as empty the kernel's queue (fs.inotify.max_queued_events is 16,384). */
#define WRITES_READS_MAX 64

/* ---- ring ------------------------------------------------------------------------------------ */

/* Submission entries. A full queue is submitted at once, so this only sizes the batch. */
#define IO_SQ_ENTRIES 1024u

/* Completion entries: a receive, a send and an accept for thousands of links between two turns. An
 * overflow ends multishot requests. */
#define IO_CQ_ENTRIES 8192u

/* The same where the limit on locked memory allows no more: 24 KiB in all. */
#define IO_SQ_ENTRIES_SHORT 128u
#define IO_CQ_ENTRIES_SHORT 1024u

/* Bytes of one receive. A TLS record is 16 KiB, and so is a frame of common protocols. */
#define IO_BUFFER_BYTES 16384u

/* Receive buffers that one worker lends to the kernel; a power of two, as the kernel demands. 4 MiB
 * in all: the most that can arrive between two turns, since every buffer is returned within its
 * turn. And the kernel's own bound on one buffer ring. */
#define IO_BUFFER_COUNT     256u
#define IO_BUFFER_COUNT_MAX 32768u

/* The highest slot that a completion's user_data has room for, in links or operations: 24 bits. */
#define OP_SLOT_MAX UINT32_C(0xffffff)

/* Asynchronous operations (struct loop_op) under way at once on one worker: as many as links. */
#define IO_OPS_MAX 65536u

/* Slots for them when the first one begins; they double. Untested: it only decides how often memory is taken. */
#define IO_OPS_FIRST 64u

/* Without io_uring: events that are taken at once; the kernel keeps the rest for the next turn. Untested: it only
 * sizes the batch. */
#define IO_POLL_EVENTS 512

/* Buffers that one socket fills in a turn, as many as IO_TURN_RECV_BYTES are, and connections that one listening
 * socket gives, which is what a turn makes links of in a millisecond. */
#define IO_POLL_RECEIVES 4u
#define IO_POLL_ACCEPTS  64u

/* How long a send waits that was refused although its socket has room: the kernel is short of memory.
 * Untested: it only decides how soon the next attempt comes. */
#define IO_POLL_RETRY_NS IO_MILLISECOND

/* Threads of one worker that wait for a disk: enough to keep a device's queue filled, and most of what is read
 * is in the page cache and needs none. */
#define IO_READERS 4u

/* ---- link: one turn -------------------------------------------------------------------------- */

/* Links of one worker when its config says 0. Descriptors usually run out before. */
#define IO_LINKS_MAX 65536u

/* Received bytes that a machine gets in one turn before other links have theirs. The buffer that
 * reaches it is still taken whole. */
#define IO_TURN_RECV_BYTES 65536u

/* Bytes that all links send in one pass of a turn, and links that are settled in one pass; a turn
 * has two. It then stays below some 10 ms: to end a link, with a last word and a close, takes 10
 * microseconds, and thousands that came together end together. */
#define IO_TURN_SEND_BYTES (UINT64_C(4) << 20)
#define IO_TURN_LINKS      256u

/* A turn is long after IO_TURN_LONG_NS. So each of its parts ends once the turn has lasted this long: input in
 * whole shares, completions, and the passes. What is left of each has the next turn. Frames of a few bytes take a
 * hundred times as long as large ones: the buffer ring full of them takes 300 ms. */
#define IO_TURN_INPUT_NS (3 * IO_MILLISECOND)
#define IO_TURN_REAP_NS  (5 * IO_MILLISECOND)
#define IO_TURN_FLUSH_NS (7 * IO_MILLISECOND)

/* When the clock is read: after so many bytes were received or sent (as link/share.h counts them), and in the
 * passes also after so many links, since ending links passes no bytes. A buffer of the most expensive frames takes a
 * millisecond; reading the clock takes 30 ns. */
#define IO_TURN_LOOK_BYTES 16384u
#define IO_TURN_LOOK_LINKS 8u

/* After IO_TURN_INPUT_NS, received bytes that a machine still gets in that turn: most requests. So a client that has
 * little to say does not wait for many that have much. */
#define IO_TURN_LITTLE_BYTES 4096u

/* Receives in a row that a machine took whole, after which one request receives many times: what arrives then, up to half
 * a MiB at once, would have to be kept for a machine that does not keep up. A few more requests to the ring show that. */
#define IO_WHOLES 4u

/* The same for a link that was told to receive one buffer at a time, because it had more than its part of the buffers, or
 * its machine did not keep up. Arbitrary: its requests to the ring are then few among its receives. A turn that lasts long
 * makes ordinary links have more than their part, too. */
#define IO_WHOLES_AGAIN 64u

/* Bytes after which a link is in the midst of a long send: most responses are over by then. */
#define IO_BURST_BYTES 65536u

/* Bytes that links in the midst of a long send send in one turn: a millisecond at 1 GB/s, for which
 * others wait; and enough that a turn's own cost does not show. */
#define IO_TURN_BUSY_BYTES (UINT64_C(1) << 20)

/* Completions that are acted on before their links may send. With a whole turn's completions first,
 * 50 busy connections touch some MB of streams and header sections before any is freed, and a
 * request takes a sixth more time. */
#define IO_SETTLE_BATCH 4u

/* Average time of a batch's completions beyond which the next ones come one by one: four requests of 4 KB each by a
 * reference of an octet, a hundred at once, would take longer than a turn may. */
#define IO_COMPLETION_DEAR_NS (IO_MILLISECOND / 2)

/* ---- link: sending and keeping --------------------------------------------------------------- */

/* send_peek budget of a new link, in bytes: about the initial congestion window of ten segments. */
#define IO_SEND_BUDGET_FIRST 16384u

/* How much is chosen ahead for a peer that is slower than we are, in its own time: a twentieth of
 * what people notice. And the least in bytes, three full segments: a smaller choice costs more than
 * it gains. */
#define IO_SEND_AHEAD_NS   (5 * IO_MILLISECOND)
#define IO_SEND_BUDGET_MIN 4096u

/* send_peek budget in bytes that a link grows to while its socket always has room: nothing queues
 * then, and fewer, larger sends cost less. */
#define IO_SEND_BUDGET_MAX 262144u

/* A socket that has room again within this time was not full: a turn of a busy worker. */
#define IO_SEND_PROMPT_NS IO_MILLISECOND

/* Bytes that the kernel may hold unsent before it calls a socket full (TCP_NOTSENT_LOWAT). */
#define IO_NOTSENT_LOWAT_BYTES 16384

/* Spans of one send. UIO_MAXIOV is 1024, but beyond a few dozen the copying dominates. */
#define IO_SEND_SPANS 32u

/* A send goes by reference if this many of its bytes can; the two or three system calls more cost as much as
 * the copy of some 16 KiB. */
#define SPLICER_LEAST_BYTES 32768u

/* Bytes of a span that is copied to go with others by reference: the header of a frame, or of a response. */
#define SPLICER_SHORT_BYTES 4096u

/* Size of the pipe: in pages, which it counts, a budget of 256 KiB in frames of 16 KiB, each with a page for its header
 * and one for its crooked ends. Untested: a shorter pipe only makes for shorter sends. */
#define SPLICER_PIPE_BYTES (512 * 1024)

/* Vaulted bytes (link/vault.h): how many are received at once, as many as are sent at once; and how often that may be
 * under way in a worker: 8 MiB, and twice as many descriptors. Beyond it links receive as usual. */
#define VAULT_CELL_BYTES IO_SEND_BUDGET_MAX
#define VAULT_CELLS      32u

/* Size of a cell's pipe: in pages, which it counts. What TCP received begins and ends within pages.
 * Untested: test_vault.c has more of them than a cell has pages; a shorter pipe only makes for shorter receives. */
#define VAULT_PIPE_BYTES (2 * VAULT_CELL_BYTES)

/* A receive is vaulted if its machine takes as many bytes so, and one of the two before was as long: the system calls
 * more and the pipe cost as much as the copies of some 16 KiB. */
#define VAULT_LEAST_BYTES 16384u

/* Bytes that are read where a vaulted run ended: the headers of a frame in a frame. */
#define IO_BETWEEN_BYTES 18u

/* How often in a row, until a run follows that is long enough. Untested: any value is right. */
#define IO_BETWEEN_READS 4u

/* Received bytes that all links of a worker may keep in copies while their machines do not want
 * them. A link that would keep more is cut: memory is finite. */
#define IO_KEEP_BYTES_MAX (UINT64_C(64) << 20)

/* Size of a copy of no more than that; larger ones have the size of whole buffers. A ClientHello fits, so that 32,768
 * of them may wait for their handshakes. */
#define IO_KEPT_SMALL_BYTES 2048u

/* A peer that acknowledges no byte of what was sent for this long is cut; and how often the
 * acknowledged bytes are looked at in that time. */
#define IO_SEND_STALL_NS     (60 * IO_SECOND)
#define IO_SEND_STALL_CHECKS 4u

/* After the half-close: how long the peer may stay silent, and how long it may take in all. */
#define IO_LINGER_IDLE_NS  (2 * IO_SECOND)
#define IO_LINGER_TOTAL_NS (10 * IO_SECOND)

/* ---- link: shares ---------------------------------------------------------------------------- */

/* What a send or a receive costs besides its bytes, in bytes: a system call's way in and out and a
 * look at the link, against copying at some GB/s. */
#define SHARE_CALL_BYTES 1024u

/* Bytes that a link may have had beyond its part before it is held: one record or frame. A light
 * link also sends at least this much at once, since a smaller piece costs more than it gains. */
#define SHARE_SLACK_BYTES 16384u

/* Bytes that a link may be behind its part and still get afterwards. A link that is queued among
 * many gets it in pieces, each up to a round late. What a link did not use while idle is lost. */
#define SHARE_LAG_BYTES IO_SEND_BUDGET_MAX

/* Periods in which links count as busy, once they were charged this many bytes: 128 KiB a second, or
 * some 60 small requests. A link that asks for less is no competitor, and is never held. Shorter
 * periods would miss links that wait for their turn among hundreds. */
#define SHARE_PERIOD_NS  (250 * IO_MILLISECOND)
#define SHARE_BUSY_BYTES 32768u

/* Virtual time that passes at least in a period: 16 KiB a second for each unit of weight. */
#define SHARE_PERIOD_FLOOR (UINT64_C(4096) * 256)

/* The calendar of held links, in days of virtual time: a link of weight 1 may be 64 KiB ahead (its
 * slack, a piece of as much, and twice that for good measure). A day is 256 bytes at that weight. */
#define SHARE_DAYS 256u
#define SHARE_DAY  UINT64_C(65536)

/* For a NOP to come back at the start. It takes microseconds; a ring that does not answer is none.
 * Untested: no kernel here keeps one waiting. */
#define IO_URING_TRIAL_NS (IO_SECOND / 2)

/* ---- link: accepting ------------------------------------------------------------------------- */

/* Connections that wait in the kernel. It clamps to net.core.somaxconn. */
#define IO_LISTEN_BACKLOG 4096

/* How long listening waits for a port that is taken, and how long between two tries. The kernel needs
 * some milliseconds for each thousand connections of a server that was killed; a second is what a
 * person hardly notices. */
#define IO_BIND_WAIT_NS  IO_SECOND
#define IO_BIND_PAUSE_NS (IO_SECOND / 50)

/* Out of descriptors or memory, accepting goes on when a link has closed, or after this long:
 * another process may have held them. */
#define IO_ACCEPT_RETRY_NS (500 * IO_MILLISECOND)

/* At the cap on links, or out of descriptors, links that have been idle for this long are drained:
 * one of IO_SHED_PART links and one more at a time, after a look at IO_SHED_LOOKS slots at most. So a
 * crowd of idle connections does not keep others out until each has idled long enough. A client that
 * has just connected needs less than a second for its first request. A look costs some 10 ns. */
#define IO_SHED_IDLE_NS IO_SECOND
#define IO_SHED_PART    8u
#define IO_SHED_LOOKS   16384u

/* ---- worker ---------------------------------------------------------------------------------- */

/* Workers of one process: more than the cores of today's machines. */
#define IO_WORKERS_MAX 256u

/* CPU time after which a turn is long, about the jitter that a video call notices. No peer can make
 * one; they are counted to see that. Turns are measured once one has been slow by the clock. */
#define IO_TURN_LONG_NS (10 * IO_MILLISECOND)
#define IO_TURN_SLOW_NS IO_MILLISECOND

/* How long the end of a worker waits for operations that do not obey their cancellation.
 * Untested: a test has no such operation; those of the disk would need a disk that hangs. */
#define IO_END_WAIT_NS (5 * IO_SECOND)

/* ---- tls ------------------------------------------------------------------------------------- */

/* Bytes of application data in one record (RFC 8446 section 5.1). */
#define TLS_RECORD_BYTES 16384

/* Bytes that a record adds: header 5, content type 1, tag 16 (TLS 1.3); header 5, nonce 8, tag 16
 * (TLS 1.2). */
#define TLS_RECORD_OVERHEAD_BYTES 29

/* Bytes of a slab that application data leaves to alerts, KeyUpdate and close_notify. Arbitrary:
 * some ten of them. */
#define TLS_SLAB_RESERVE_BYTES 1024

/* Bytes of ciphertext that wait to be sent on one connection: eight full records and the reserve, in
 * whole pages, so that a few small files go in one send. */
#define TLS_SLAB_BYTES (33 * 4096)

/* The same in the midst of a long answer: four full records. More would be chosen too early, less would mean a send for
 * each record. And bytes after which an answer is long. */
#define TLS_AHEAD_BYTES (4 * (TLS_RECORD_BYTES + TLS_RECORD_OVERHEAD_BYTES))
#define TLS_LONG_BYTES  (8 * TLS_RECORD_BYTES)

/* Slabs of that size that a worker hands out at once: 17 MiB. Further ones hold one record and the
 * reserve, in whole pages, so that n connections that do not read cost n * 20 KiB and not n * 132 KiB. */
#define TLS_SLABS_FULL      128
#define TLS_SLAB_LEAN_BYTES (5 * 4096)

/* Slabs of one size that are mapped together: a chunk of those above takes a megabyte of address
 * space. And chunks that are looked at each second to see whether they can be unmapped, which costs
 * some milliseconds at most: what 50,000 connections took has gone after a minute. */
#define TLS_SLAB_CHUNK       16u
#define TLS_SLAB_TRIM_CHUNKS 64u

/* Cipher contexts that a worker lends to its connections, about a kilobyte each, one for each direction: enough for 256
 * busy connections. With more of them busy at once, each record costs setting up a key, 150 to 500 ns. */
#define TLS_AEAD_CONTEXTS 512u

/* Spans below this are copied to where their ciphertext goes, and encrypted together, by ipsec-mb: a call for each takes
 * longer, and a record of several calls 50 ns more than one of a single call. */
#define TLS_AEAD_COPIED_BYTES 2048u

/* Records that one key of ours encrypts before a KeyUpdate brings the next: RFC 8446 section 5.5 allows AES-GCM 2^24.5
 * full ones. It is 256 GiB. */
#define TLS_KEY_RECORDS (1u << 24)

/* Bytes of plaintext that are decrypted before the inner machine is called: two records. One buffer
 * a worker. */
#define TLS_PLAINTEXT_BYTES (2 * TLS_RECORD_BYTES)

/* A record with this much data fits one TCP segment on any usual path: Ethernet leaves 1448 bytes,
 * tunnels some 1380. The first bytes after a pause are sent in such records: the peer can use the
 * first segment before the last has arrived, while the congestion window is small. After that the
 * window holds whole records, and 16 KiB cost less. */
#define TLS_SMALL_RECORD_BYTES  1300
#define TLS_SMALL_RECORDS_BYTES (32 * 1024)
#define TLS_IDLE_NS             IO_SECOND

/* From the connection's first moment to the end of the handshake. A phone on a bad line needs two
 * seconds. */
#define TLS_HANDSHAKE_NS (5 * IO_SECOND)

/* What a handshake may wait for its turns besides, in all: that is our time, not the peer's (tls/queue.h). When ten
 * thousand clients connect at once, as after a restart, the last one waits for ten seconds or more, at a millisecond
 * each. Clients that give up earlier cost nothing: their steps are not taken. */
#define TLS_WAIT_NS (30 * IO_SECOND)

/* For the last bytes to leave after the inner machine is done, to a peer that does not read. */
#define TLS_CLOSE_NS (5 * IO_SECOND)

/* In a turn, steps of handshakes begin for this long: see tls/queue.h. A step takes 150 microseconds to 1 ms, by
 * machine and key. All of them and the last one take less than IO_TURN_REAP_NS: else a flood of them would keep what
 * other connections received from being seen. */
#define TLS_TURN_HANDSHAKES_NS (2 * IO_MILLISECOND)

/* Handshakes that try their next step in each turn, of all that wait: twice as many as have time. */
#define TLS_HANDSHAKES_DUE 32

/* Bytes of ciphertext that a handshake may take. A ClientHello with post-quantum keys is about
 * 2 KiB; a server's certificate chain about 4 KiB, rarely 20. */
#define TLS_HANDSHAKE_SERVER_BYTES (32 * 1024)
#define TLS_HANDSHAKE_CLIENT_BYTES (128 * 1024)

/* Floods of records that carry next to nothing, in bytes. A connection starts with this credit and
 * never has more. A record costs TLS_RECORD_COST_BYTES and earns its plaintext, so 1024 empty
 * records in a row, or 31 KeyUpdates or unwanted handshake messages, end the connection. Records of
 * 8 bytes and more (less than any frame of the protocols above) may go on for ever. */
#define TLS_CREDIT_BYTES         8192
#define TLS_RECORD_COST_BYTES    8
#define TLS_HANDSHAKE_COST_BYTES 256

/* Ticket keys that are made here: each encrypts for three hours, and decrypts for two hours more, which is as
 * long as a ticket lives. The first is longer, so that two keys are enough. A stolen key opens at most
 * five hours of TLS 1.2 sessions. */
#define TLS_TICKET_KEY_SECONDS  (3 * 3600)
#define TLS_TICKET_KEYS         2
#define TLS_TICKET_LIFE_SECONDS (2 * 3600)

/* Ticket keys that are given: bytes of each, as in nginx's files, and how many. Arbitrary: the last keys
 * of half a day, replaced every hour. */
#define TLS_TICKET_KEY_BYTES 80
#define TLS_TICKET_GIVEN_MAX 12

/* Bytes of a host name: the most that DNS allows (RFC 1035 section 2.3.4). */
#define TLS_NAME_BYTES_MAX 255

/* Bytes of a client certificate's subject as text; a longer one is cut. Arbitrary: several names of a person,
 * a department and a firm. */
#define TLS_SUBJECT_BYTES_MAX 512

/* A self-signed certificate is made anew at each start; browsers refuse more than 398 days. */
#define CERTIFICATE_DAYS 90

/* ---- files ----------------------------------------------------------------------------------- */

/* How long an entry is believed before it is compared with the file system again. */
#define FILES_FRESH_NS IO_SECOND

/* A file whose ctime is this near to its loading may be written again under the same time stamp:
 * some file systems count in seconds, FAT in two. */
#define FILES_SETTLE_NS (2 * IO_SECOND)

/* Bytes of the largest file that is held in memory: most pages, scripts and pictures. Larger files
 * gain little from it: they are few, and their transfers are long. */
#define FILES_SMALL_BYTES (256 * 1024)

/* Defaults of struct files_settings, for each worker: bytes of content and entries, entries, and buffers
 * of FILES_READ_BYTES. io/files/files.h says what happens beyond them. */
#define FILES_CACHE_BYTES (64 * 1024 * 1024)
#define FILES_ENTRIES_MAX 16384
#define FILES_READS_MAX   1024

/* Open large files of a worker: of the descriptors that the process may have, all workers together use
 * one in FILES_DESCRIPTORS_PART, since a connection needs one, too, and may ask for many files. At least
 * so few that a site still works where 64 are allowed; at most as many as there are entries. */
#define FILES_DESCRIPTORS_PART 4
#define FILES_DESCRIPTORS_MIN  16
#define FILES_DESCRIPTORS_MAX  FILES_ENTRIES_MAX

/* For how long a reader keeps its descriptor without reading, once descriptors run out, if its client has no
 * other: as long as a client may pause a response before nginx ends it. */
#define FILES_HOLD_SECONDS 60

/* Things of clients that have the most that are looked at to find one that can be given to another. */
#define FILES_GIVE_TRIES 16

/* Clients that hold descriptors, buffers or places in a queue are found in that many chains, and told apart by
 * what they hold up to that number: about as many streams as a connection has. */
#define FILES_HOLDER_BUCKETS 1024
#define FILES_HOLDER_RANKS   128

/* Files whose content is being waited for from the disk; lookups of more wait for their turn. They hold
 * at most FILES_SMALL_BYTES each. */
#define FILES_LOADS_MAX 256

/* Lookups that wait for their turn, of each worker, and for how long: a page's burst of requests on a
 * slow disk is over by then, and users do not wait longer for an error. Each holds a copy of its path;
 * more of them get FILES_BUSY. */
#define FILES_QUEUED_MAX 4096
#define FILES_QUEUED_NS  (10 * IO_SECOND)

/* Waiting lookups that are tried in one go: each may open and read a file. And clients without room, one after
 * the other, after which there is none for the next ones either. */
#define FILES_QUEUE_RUN    32
#define FILES_QUEUE_MISSES 4

/* Bytes of one read of a large file: as much as four TLS records hold. */
#define FILES_READ_BYTES (64 * 1024)

/* Bytes of a piece of a large file that is read once for all that read the file, and sent from where it lies.
 * Larger ones save little: copying them takes a hundred times as long as the system call. */
#define FILES_WINDOW_BYTES PAGES_BYTES

/* Such pieces of one worker, or fewer: 32 MiB, half of what it may hold of small files. Enough for as many large files
 * as are sent at once; readers of more read for themselves. */
#define FILES_WINDOWS_MAX 256

/* A piece that nobody used for this long is freed. A client that paused for this long does not keep one. */
#define FILES_WINDOW_SECONDS 2

/* Bytes of the longest path: what open() accepts, PATH_MAX without the final zero. */
#define FILES_PATH_BYTES 4095

/* Names that a directory's list has at most. Each costs a system call; all of them together about 2 ms, which is
 * as long as a loop may stand still for one client. */
#define FILES_LIST_NAMES_MAX 1000

/* Bytes of a large file's beginning, and of the last that were read of it, that are kept to see whether
 * it was rewritten in place. Another file, compressed or not, hardly has the same 64 bytes at the same
 * place. */
#define FILES_PROOF_BYTES 64

/* Attempts after the first when a file changes while it is loaded, or a read is interrupted; and
 * attempts in all when a rename races with RESOLVE_BENEATH. */
#define FILES_ATTEMPTS 4

/* Niceness of threads that do work beside the loops (files/jobs.h): when cores are short, the loops get ten times as
 * much of them. Untested: another value only shifts that. */
#define JOBS_NICE 10

#endif
