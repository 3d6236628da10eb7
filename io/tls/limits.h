/*
 * tls/limits.h - the bounds of TLS: unit, value and reason. The rules are those of base/limits.h.
 */
#ifndef WEIR_IO_TLS_LIMITS_H
#define WEIR_IO_TLS_LIMITS_H

#include "io/base/limits.h"

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

/* Spans below this are copied to where their ciphertext goes, and encrypted together, by ipsec-mb: a call for each
 * takes longer, and a record of several calls 50 ns more than one of a single call. */
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

#endif
