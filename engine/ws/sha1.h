/*
 * ws/sha1.h - SHA-1 of a short text that is there as a whole: all that the opening handshake needs.
 * Spec: RFC 3174. Not for security: it proves that the server speaks WebSocket (RFC 6455 section 1.3), and
 * nothing is secret.
 */
#ifndef WEIR_WS_SHA1_H
#define WEIR_WS_SHA1_H

#include "engine/base/machine.h"

enum { SHA1_BYTES = 20 }; /* fixed by RFC 3174 */

/* Writes the digest. The text has less than 512 MiB (asserted). */
void ws_sha1(struct span text, uint8_t digest[SHA1_BYTES]);

#endif
