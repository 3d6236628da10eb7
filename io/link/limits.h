/*
 * link/limits.h - the bounds of links: unit, value and reason. The rules are those of base/limits.h.
 */
#ifndef WEIR_IO_LINK_LIMITS_H
#define WEIR_IO_LINK_LIMITS_H

#include "io/base/limits.h"

/* ---- one turn -------------------------------------------------------------------------------- */

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

/* Receives in a row that a machine took whole, after which one request receives many times (multishot). What arrives
 * then, up to half a MiB at once, would have to be kept for a machine that does not keep up; a few single receives show
 * whether it does. */
#define IO_WHOLES 4u

/* The same for a link that was told to receive one buffer at a time, because it had more than its part of the
 * buffers, or its machine did not keep up. Not for ever: in a turn that lasts long, ordinary links have more than
 * their part, too. Arbitrary: a request to the ring every 64 receives. */
#define IO_WHOLES_AGAIN 64u

/* Bytes after which a link is in the midst of a long send: most responses are over by then. */
#define IO_BURST_BYTES 65536u

/* Bytes that links in the midst of a long send send in one turn: a millisecond at 1 GB/s, for which
 * others wait; and enough that a turn's own cost does not show. */
#define IO_TURN_BUSY_BYTES (UINT64_C(1) << 20)

/* ---- sending and keeping --------------------------------------------------------------------- */

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

/* A send goes by reference if this many of its bytes can; the two or three system calls more cost as much as
 * the copy of some 16 KiB. */
#define SPLICER_LEAST_BYTES 32768u

/* Bytes of a span that is copied to go with others by reference: the header of a frame, or of a response. */
#define SPLICER_SHORT_BYTES 4096u

/* Size of the pipe: in pages, which it counts, a budget of 256 KiB in frames of 16 KiB, each with a page for its header
 * and one because its ends are not page-aligned. Untested: a shorter pipe only makes for shorter sends. */
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

/* And how much it may send. Many clients read an answer only when they have sent everything, and lose it if the socket is
 * closed before; few uploads are larger. Without a bound, a request of some bytes could make a worker discard what a fast
 * line brings for all of IO_LINGER_TOTAL_NS. */
#define IO_LINGER_BYTES_MAX (UINT64_C(256) << 20)

/* ---- shares ---------------------------------------------------------------------------------- */

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

/* ---- accepting ------------------------------------------------------------------------------- */

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

#endif
