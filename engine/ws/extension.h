/*
 * ws/extension.h - negotiates permessage-deflate in Sec-WebSocket-Extensions.
 * Spec: RFC 7692 sections 5 and 7.1; RFC 6455 section 9.1. Other extensions are declined by leaving them
 * out. No allocation.
 */
#ifndef WEIR_WS_EXTENSION_H
#define WEIR_WS_EXTENSION_H

#include "engine/http/headers.h"

/* Text of the longest offer or answer that is written here. Derived from its parameters. */
enum { WS_EXTENSION_TEXT_BYTES = 160 };

/* Fixed by RFC 7692 section 7.1.2. */
enum { WS_WINDOW_BITS_MIN = 8, WS_WINDOW_BITS_MAX = 15 };

/* What a side wants. */
struct ws_deflate_wish {
  bool on;
  bool takeover;       /* one message may refer to those before it */
  uint8_t window_bits; /* 9 .. 15 */
};

/* What both agreed on. */
struct ws_deflate_terms {
  bool on;
  bool server_no_takeover, client_no_takeover;
  uint8_t server_bits, client_bits; /* of what each compresses with: WS_WINDOW_BITS_MIN .. _MAX */
};

/* Server: takes the first offer of the request that it can fulfil; terms.on is false when there is none.
 * Writes the answer's value to `out` (WS_EXTENSION_TEXT_BYTES), and returns its length. */
size_t ws_extension_answer(const struct headers *fields, const struct ws_deflate_wish *wish,
                           struct ws_deflate_terms *terms, uint8_t *out);

/* Client: writes the value of its offer, and returns its length; 0 when it wishes none. */
size_t ws_extension_offer(const struct ws_deflate_wish *wish, uint8_t *out);

/* Client: NULL when the response's fields agree with the offer, else what is wrong, in static text: the
 * connection must not be used then. */
const char *ws_extension_read(const struct headers *fields, const struct ws_deflate_wish *wish,
                              struct ws_deflate_terms *terms);

#endif
