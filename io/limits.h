/*
 * limits.h - every bound of io/, with its unit and the reason for its value.
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

/* --- bufring --- */

/* One receive. A TLS record and an HTTP/2 frame of default size both fit in 16 KiB. */
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
/* send_peek budget while the socket pushes back: small, so that the scheduler decides late. */
#define IO_SEND_BUDGET_MIN 32768u
/* send_peek budget that a link grows to while its sends complete in full at once: the socket is
 * then no queue, and fewer, larger sends cost less. */
#define IO_SEND_BUDGET_MAX 262144u
/* Bytes the kernel may hold unsent before it calls a socket full (TCP_NOTSENT_LOWAT). */
#define IO_NOTSENT_LOWAT_BYTES 16384
/* Spans of one send; UIO_MAXIOV is 1024, but beyond a few dozen the copying dominates. */
#define IO_SEND_SPANS 32u
/* Received bytes that all links of a worker may keep copied while their machines do not want
 * them. Past it a link that would keep more is cut: memory is finite. */
#define IO_KEEP_BYTES_MAX (UINT64_C(64) << 20)
/* A peer that acknowledges not one byte of what was sent for this long is cut. */
#define IO_SEND_STALL_NS (60 * IO_SECOND)
/* After the half-close: how long the peer may stay silent, and how long it may take in all. */
#define IO_LINGER_IDLE_NS  (2 * IO_SECOND)
#define IO_LINGER_TOTAL_NS (10 * IO_SECOND)

/* --- accept --- */

/* Connections that wait in the kernel; it clamps to net.core.somaxconn. */
#define IO_LISTEN_BACKLOG 4096
/* Out of descriptors or memory: next attempt when a link has closed, or after this long, because
 * another process may have held them. */
#define IO_ACCEPT_RETRY_NS (500 * IO_MILLISECOND)

/* --- worker --- */

#define IO_WORKERS_MAX 256u
/* Asynchronous operations (worker_op) that may be under way at once on one worker. */
#define IO_OPS_MAX 65536u
/* Messages on their way from one worker to another; a power of two. The sender sees `full`. */
#define IO_MAILBOX_ENTRIES 256u

#endif
