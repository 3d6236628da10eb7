/*
 * serve/config/weight.h - how `weir serve` divides a worker's time among its connections.
 *
 *     --https :443 --https 10.0.0.1:9443,weight=64 --weight 192.0.2.0/24=4
 *
 * The first --weight whose network contains the client's address counts; else the listener's
 * weight, else the engine's default.
 */
#ifndef WEIR_TOOLS_SERVE_CONFIG_WEIGHT_H
#define WEIR_TOOLS_SERVE_CONFIG_WEIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/machine.h"
#include "tools/serve/limits.h"
#include "tools/serve/rules/network.h"

struct serve_weights {
  unsigned count;
  struct serve_network {
    struct network network;
    uint16_t weight;
  } at[SERVE_WEIGHTS_MAX];
};

/* Parses a number from 1 to MACHINE_WEIGHT_MAX. False for other texts. */
__attribute__((warn_unused_result)) bool serve_weight_parse(const char *text, uint16_t *weight);

/* Parses NETWORK=WEIGHT, as in 10.0.0.0/8=64, [fd00::]/8=64 or 192.0.2.7=4, and appends it. Returns
 * NULL, or what was expected. */
__attribute__((warn_unused_result)) const char *serve_weights_add(struct serve_weights *weights,
                                                                  const char *text);

/* The weight of the first network that contains `address`; 0 if none does. */
uint16_t serve_weights_find(const struct serve_weights *weights, const uint8_t address[16]);

/* For one listener: sets each connection's weight, then calls `inner`. */
struct serve_weighing {
  const struct serve_weights *weights; /* kept */
  uint16_t listener_weight;            /* 0: none of its own */
  struct machine_factory inner;
};

/* `weighing` must outlive the factory. */
struct machine_factory serve_weighing_machines(struct serve_weighing *weighing);

#endif
