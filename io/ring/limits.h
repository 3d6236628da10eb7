/*
 * ring/limits.h - the bounds of rings: unit, value and reason. The rules are those of base/limits.h.
 */
#ifndef WEIR_IO_RING_LIMITS_H
#define WEIR_IO_RING_LIMITS_H

#include "io/base/limits.h"

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

/* For a NOP to come back at the start. It takes microseconds; a ring that does not answer is none.
 * Untested: no kernel here keeps one waiting. */
#define IO_URING_TRIAL_NS (IO_SECOND / 2)

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

/* Spans of one send. UIO_MAXIOV is 1024, but beyond a few dozen the copying dominates. */
#define IO_SEND_SPANS 32u

/* Completions that are acted on before their links may send. With a whole turn's completions first,
 * 50 busy connections touch some MB of streams and header sections before any is freed, and a
 * request takes a sixth more time. */
#define IO_SETTLE_BATCH 4u

#endif
