/*
 * serve/rules/network.h - networks of clients' addresses: 10.0.0.0/8, [fd00::]/8, 192.0.2.7.
 *
 * IPv4 and IPv6 addresses have the 16 bytes of struct machine_peer: IPv4 is mapped into IPv6, so a client that
 * comes from ::ffff:10.0.0.1 is in 10.0.0.0/8. IPv4 addresses are in no network of IPv6: ::/0 holds all IPv6 alone, as
 * in nginx.
 */
#ifndef WEIR_TOOLS_SERVE_RULES_NETWORK_H
#define WEIR_TOOLS_SERVE_RULES_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/serve/limits.h"

struct network {
  uint8_t address[16]; /* zero beyond the prefix */
  uint8_t prefix_bits;
};

/* Bytes of network_format()'s text, with NUL: an IPv6 address of 45 characters, and its prefix. */
enum { NETWORK_TEXT_BYTES = 64 }; /* derived from INET6_ADDRSTRLEN */

/* Parses ADDRESS or ADDRESS/BITS, the first `len` characters of `text`. NULL; or what is wrong, where "" means
 * that it is not of that form. */
const char *network_parse(const char *text, size_t len, struct network *network);

__attribute__((warn_unused_result)) bool network_holds(const struct network *network,
                                                       const uint8_t address[16]);

/* The network of the first `bits` of an address. */
struct network network_of(const uint8_t address[16], unsigned bits);

/* Writes 192.0.2.7, or 2001:db8::/64. Returns `text`. */
const char *network_format(const struct network *network, char text[NETWORK_TEXT_BYTES]);

#endif
