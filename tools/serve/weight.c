/*
 * serve/weight.c - parses weights and networks, and sets them on connections; see serve/weight.h.
 */
#include "tools/serve/weight.h"

#include <ctype.h>
#include <string.h>

#include "io/base/address.h"
#include "tools/common/option_values.h"

bool serve_weight_parse(const char *text, uint16_t *weight) {
  uint64_t value;
  if (!option_number(text, 1, MACHINE_WEIGHT_MAX, &value)) return false;
  *weight = (uint16_t)value;
  return true;
}

/* ---- networks -------------------------------------------------------------------------------- */

/* Byte `index` of a mask with `bits` ones. */
static uint8_t mask_byte(unsigned bits, unsigned index) {
  unsigned begin = 8 * index;
  if (bits >= begin + 8) return 0xff;
  return bits <= begin ? 0 : (uint8_t)(0xff << (8 - (bits - begin)));
}

static bool is_in(const struct serve_network *network, const uint8_t address[16]) {
  for (unsigned i = 0; i < 16; i++)
    if ((address[i] & mask_byte(network->prefix_bits, i)) != network->address[i]) return false;
  return true;
}

uint16_t serve_weights_find(const struct serve_weights *weights, const uint8_t address[16]) {
  for (unsigned i = 0; i < weights->count; i++)
    if (is_in(&weights->at[i], address)) return weights->at[i].weight;
  return 0;
}

/* Parses "ADDRESS" or "ADDRESS/BITS", `len` characters. */
static const char *read_network(const char *text, size_t len, struct serve_network *network) {
  static const char expected[] = "expected NETWORK=WEIGHT such as 10.0.0.0/8=64";
  char host[SERVE_HOST_BYTES];
  struct address address;
  uint16_t port;
  if (len == 0 || len >= sizeof host) return expected;
  memcpy(host, text, len);
  host[len] = 0;
  char *slash = strchr(host, '/');
  if (slash) *slash++ = 0;
  if (!isxdigit((unsigned char)host[0]) && host[0] != ':' && host[0] != '[') return expected;
  if (!address_from_host(&address, host, 0)) return expected;
  address_to_peer(&address, network->address, &port);
  uint64_t before = address.any.sa_family == AF_INET ? 96 : 0, bits = 128 - before;
  if (slash && !option_number(slash, 0, 128 - before, &bits)) return expected;
  network->prefix_bits = (uint8_t)(before + bits);
  return is_in(network, network->address) ? NULL : "the address has bits beyond its prefix";
}

const char *serve_weights_add(struct serve_weights *weights, const char *text) {
  const char *equals = strrchr(text, '=');
  struct serve_network *network = &weights->at[weights->count];
  if (weights->count == SERVE_WEIGHTS_MAX) return "too many networks";
  const char *wrong = read_network(text, equals ? (size_t)(equals - text) : 0, network);
  if (wrong) return wrong;
  if (!serve_weight_parse(equals + 1, &network->weight)) return "expected a weight from 1 to 256";
  weights->count++;
  return NULL;
}

/* ---- connections ----------------------------------------------------------------------------- */

static bool create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                   uint64_t now_ns, struct machine *out) {
  const struct serve_weighing *weighing = ctx;
  host->weight = serve_weights_find(weighing->weights, peer->address);
  if (host->weight == 0) host->weight = weighing->listener_weight;
  return weighing->inner.create(weighing->inner.ctx, peer, host, now_ns, out);
}

struct machine_factory serve_weighing_machines(struct serve_weighing *weighing) {
  return (struct machine_factory){.ctx = weighing, .create = create};
}
