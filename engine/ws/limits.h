/*
 * ws/limits.h - the bounds of one WebSocket: unit, value and reason. Settings replace the defaults
 * (ws/ws.h). The rules are those of base/limits.h.
 */
#ifndef WEIR_WS_LIMITS_H
#define WEIR_WS_LIMITS_H

#include "engine/base/limits.h"

/* ---- messages -------------------------------------------------------------------------------- */

/* Bytes of payload that are unmasked, inflated or handed over at once where nothing needs more: a page.
 * A message that arrives whole and is not longer costs no memory. */
#define WS_PIECE_BYTES 4096u

/* ---- permessage-deflate ---------------------------------------------------------------------- */

/* Base-2 logarithm of the window in bytes that we compress with, and that we ask peers to compress with.
 * A message of a few KiB gains nothing from more. Compressing takes 32 KiB with it, inflating 11 KiB
 * (from a peer that does not take the hint 43 KiB), while a message is under way; with context takeover as
 * long as the connection lives. */
#define WS_DEFLATE_WINDOW_BITS_DEFAULT 12

/* zlib's memory level and level: of the few points on the curve one near its knee, by its manual. Untested:
 * any value is right. */
#define WS_DEFLATE_MEM_LEVEL 5
#define WS_DEFLATE_LEVEL     3

/* Elements of Sec-WebSocket-Extensions that are looked at for an acceptable offer. Browsers send one or
 * two. */
#define WS_OFFERS_MAX 16u

#endif
