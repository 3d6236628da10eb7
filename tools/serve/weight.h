/*
 * serve/weight.h - which connections of `weir serve` get which part of a worker's time.
 *
 *     --https :443 --https 10.0.0.1:9443,weight=64 --weight 192.0.2.0/24=4
 *
 * The first --weight whose network holds the client's address counts, then the listener's, then the
 * engine's default.
 */
#ifndef WEIR_TOOLS_SERVE_WEIGHT_H
#define WEIR_TOOLS_SERVE_WEIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/machine.h"
#include "tools/serve/limits.h"

struct serve_weights {
  unsigned count;
  struct serve_network {
    uint8_t address[16]; /* IPv6, or IPv4 mapped into it; zero beyond the prefix */
    uint8_t prefix_bits;
    uint16_t weight;
  } at[SERVE_WEIGHTS_MAX];
};

/* Reads "64". False when it is no number from 1 to MACHINE_WEIGHT_MAX. */
__attribute__((warn_unused_result)) bool serve_weight_parse(const char *text, uint16_t *weight);

/* Reads NETWORK=WEIGHT, as in 10.0.0.0/8=64, [fd00::]/8=64 or 192.0.2.7=4, and appends it. Returns
 * NULL, or what was expected instead. */
__attribute__((warn_unused_result)) const char *serve_weights_add(struct serve_weights *weights,
                                                                  const char *text);

/* The weight of the first network that `address` is in; 0: of none. */
uint16_t serve_weights_find(const struct serve_weights *weights, const uint8_t address[16]);

/* One listener's: gives each connection its weight, and leaves the rest to `inner`. */
struct serve_weighing {
  const struct serve_weights *weights; /* kept */
  uint16_t listener_weight;            /* 0: none of its own */
  struct machine_factory inner;
};

/* `weighing` must outlive the factory. */
struct machine_factory serve_weighing_machines(struct serve_weighing *weighing);

#endif
