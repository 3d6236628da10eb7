/*
 * serve/rules/network.c - see serve/rules/network.h.
 */
#include "tools/serve/rules/network.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "io/base/address.h"
#include "tools/common/option_values.h"

enum { IPV4_BITS = 96 }; /* fixed by RFC 4291 section 2.5.5.2: before a mapped address */

/* Byte `index` of a mask with `bits` ones. */
static uint8_t mask_byte(unsigned bits, unsigned index) {
  unsigned begin = 8 * index;
  if (bits >= begin + 8) return 0xff;
  return bits <= begin ? 0 : (uint8_t)(0xff << (8 - (bits - begin)));
}

static bool is_mapped(const uint8_t address[16]) {
  static const uint8_t before[12] = {[10] = 0xff, [11] = 0xff};
  return memcmp(address, before, sizeof before) == 0;
}

/* Whether all of it are IPv4 addresses. */
static bool is_ipv4(const struct network *network) {
  return network->prefix_bits >= IPV4_BITS && is_mapped(network->address);
}

bool network_holds(const struct network *network, const uint8_t address[16]) {
  if (is_mapped(address) && !is_ipv4(network)) return false;
  for (unsigned i = 0; i < 16; i++)
    if ((address[i] & mask_byte(network->prefix_bits, i)) != network->address[i]) return false;
  return true;
}

struct network network_of(const uint8_t address[16], unsigned bits) {
  struct network network = {.prefix_bits = (uint8_t)bits};
  for (unsigned i = 0; i < 16; i++)
    network.address[i] = address[i] & mask_byte(bits, i);
  return network;
}

const char *network_parse(const char *text, size_t len, struct network *network) {
  char host[SERVE_HOST_BYTES];
  struct address address;
  uint16_t port;
  if (len == 0 || len >= sizeof host) return "";
  memcpy(host, text, len);
  host[len] = 0;
  char *slash = strchr(host, '/');
  if (slash) *slash++ = 0;
  if (!isxdigit((unsigned char)host[0]) && host[0] != ':' && host[0] != '[') return "";
  if (!address_from_host(&address, host, 0)) return "";
  address_to_peer(&address, network->address, &port);
  uint64_t before = address.any.sa_family == AF_INET ? IPV4_BITS : 0, bits = 128 - before;
  if (slash && !option_number(slash, 0, 128 - before, &bits)) return "";
  network->prefix_bits = (uint8_t)(before + bits);
  return network_holds(network, network->address) ? NULL : "the address has bits beyond its prefix";
}

const char *network_format(const struct network *network, char text[NETWORK_TEXT_BYTES]) {
  bool ipv4 = is_ipv4(network);
  unsigned bits = network->prefix_bits - (ipv4 ? IPV4_BITS : 0), most = ipv4 ? 32 : 128;
  char address[INET6_ADDRSTRLEN] = "?";
  inet_ntop(ipv4 ? AF_INET : AF_INET6, network->address + (ipv4 ? 12 : 0), address, sizeof address);
  if (bits == most)
    snprintf(text, NETWORK_TEXT_BYTES, "%s", address);
  else
    snprintf(text, NETWORK_TEXT_BYTES, "%s/%u", address, bits);
  return text;
}
