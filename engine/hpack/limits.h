/*
 * hpack/limits.h - the bounds of HPACK: unit, value and reason. The rules are those of base/limits.h.
 */
#ifndef WEIR_HPACK_LIMITS_H
#define WEIR_HPACK_LIMITS_H

#include "engine/base/limits.h"

/* ---- tables ---------------------------------------------------------------------------------- */

/* Bytes of one dynamic table, decoding or encoding, as RFC 7541 section 4.1 counts them. The protocol's initial
 * value: larger tables save little and cost memory for each connection. */
#define HPACK_TABLE_BYTES_MAX 4096u

/* Bytes of a table's first memory, counted in the same way; it doubles as entries come. Enough for what a simple
 * client repeats, three fields of 80 bytes. A power of two, of at least one entry. */
#define HPACK_STORE_BYTES_FIRST 256u

/* ---- what the encoder keeps ------------------------------------------------------------------ */

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

/* ---- what is decoded ------------------------------------------------------------------------- */

/* An encoded integer: its octets, prefix included, and its value (CVE-2023-33953, CVE-2023-36478). No block that we
 * accept holds a longer string. Others are COMPRESSION_ERROR. */
#define HPACK_INTEGER_OCTETS_MAX 5u
#define HPACK_INTEGER_MAX        ((1u << 21) - 1)

/* Table size updates at the start of a block; RFC 7541 section 4.2 never needs more. More are COMPRESSION_ERROR. */
#define HPACK_SIZE_UPDATES_MAX 2u

/* A header list that exceeds its limit is decoded and not kept, so that HPACK stays in step and the request gets
 * 431. Beyond this many times the limit the connection ends with ENHANCE_YOUR_CALM (CVE-2016-6581, CVE-2016-1544). */
#define HPACK_LIST_STOP_FACTOR 2u

#endif
