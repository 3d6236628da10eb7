/*
 * serve/rules/client.c - see serve/rules/client.h.
 */
#include "tools/serve/rules/client.h"

#include <string.h>
#include <sys/random.h>

#include "tools/serve/limits.h"

static bool is_ipv4(const uint8_t address[16]) {
  static const uint8_t before[12] = {[10] = 0xff, [11] = 0xff};
  return memcmp(address, before, sizeof before) == 0;
}

bool client_seed_make(struct client_seed *seed) {
  if (getrandom(seed->at, sizeof seed->at, 0) != (ssize_t)sizeof seed->at) return false;
  seed->at[1] |= 1; /* a multiplier */
  return true;
}

bool client_is_local(const uint8_t address[16]) {
  static const uint8_t none[16];
  return memcmp(address, none, sizeof none) == 0;
}

/* The two halves of the product. */
static uint64_t mix(uint64_t a, uint64_t b) {
  unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Of an IPv4 address all of it, of an IPv6 address the first 8 bytes. */
uint64_t client_hash(const struct client_seed *seed, uint32_t number, const uint8_t address[16]) {
  uint64_t group;
  _Static_assert(CLIENT_IPV6_BITS == 8 * sizeof group, "what is copied");
  memcpy(&group, address + (is_ipv4(address) ? 8 : 0), sizeof group);
  uint64_t kind = (uint64_t)number << 1 | is_ipv4(address);
  return mix(mix(seed->at[0] ^ group, seed->at[1]) ^ kind, seed->at[1]);
}

const char *client_format(const uint8_t address[16], char out[NETWORK_TEXT_BYTES]) {
  struct network network = network_of(address, is_ipv4(address) ? 128 : CLIENT_IPV6_BITS);
  return network_format(&network, out);
}
