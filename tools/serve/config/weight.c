/*
 * serve/config/weight.c - parses weights and networks, and sets them on connections; see serve/config/weight.h.
 */
#include "tools/serve/config/weight.h"

#include <string.h>

#include "tools/common/option_values.h"

bool serve_weight_parse(const char *text, uint16_t *weight) {
  uint64_t value;
  if (!option_number(text, 1, MACHINE_WEIGHT_MAX, &value)) return false;
  *weight = (uint16_t)value;
  return true;
}

/* ---- networks -------------------------------------------------------------------------------- */

uint16_t serve_weights_find(const struct serve_weights *weights, const uint8_t address[16]) {
  for (unsigned i = 0; i < weights->count; i++)
    if (network_holds(&weights->at[i].network, address)) return weights->at[i].weight;
  return 0;
}

const char *serve_weights_add(struct serve_weights *weights, const char *text) {
  const char *equals = strrchr(text, '=');
  struct serve_network *network = &weights->at[weights->count];
  if (weights->count == SERVE_WEIGHTS_MAX) return "too many networks";
  const char *wrong = network_parse(text, equals ? (size_t)(equals - text) : 0, &network->network);
  if (wrong) return wrong[0] ? wrong : "expected NETWORK=WEIGHT such as 10.0.0.0/8=64";
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
