/*
 * serve/config/test_weight.c - the rules of `weir serve --weight`, and the weight that a connection gets
 * by them.
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <string.h>

#include "io/base/address.h"
#include "tools/serve/config/weight.h"

static void peer_of(const char *host, uint8_t bytes[16]) {
  struct address address;
  uint16_t port;
  if (!address_from_host(&address, host, 1)) fail_msg("%s", host);
  address_to_peer(&address, bytes, &port);
}

/* ---- rules ----------------------------------------------------------------------------------- */

static const struct {
  const char *rules; /* separated by spaces */
  const char *client;
  unsigned expected; /* 0: none of them */
} matches[] = {
    {"10.0.0.0/8=64", "10.0.0.0", 64},
    {"10.0.0.0/8=64", "10.255.255.255", 64},
    {"10.0.0.0/8=64", "11.0.0.0", 0},
    {"10.0.0.0/8=64", "::1", 0},
    {"10.0.0.0/8=64", "fd00::a00:1", 0},
    {"192.0.2.7=1", "192.0.2.7", 1},
    {"192.0.2.7=1", "192.0.2.6", 0},
    {"192.0.2.128/25=9", "192.0.2.200", 9},
    {"192.0.2.128/25=9", "192.0.2.127", 0},
    {"192.0.2.4/31=9", "192.0.2.5", 9},
    {"192.0.2.4/31=9", "192.0.2.6", 0},
    {"0.0.0.0/0=2", "203.0.113.9", 2},
    {"0.0.0.0/0=2", "fd00::1", 0},
    {"[fd00::]/8=256", "fd12::1", 256},
    {"fd00::/8=256", "fd12::1", 256},
    {"fd00::/8=256", "fe80::1", 0},
    {"[::1]=3", "::1", 3},
    {"[::]/0=5", "10.1.1.1", 0},
    {"[::]/0=5", "fd00::1", 5},
    /* The first rule that matches counts. */
    {"10.1.0.0/16=8 10.0.0.0/8=4", "10.1.2.3", 8},
    {"10.1.0.0/16=8 10.0.0.0/8=4", "10.2.2.3", 4},
    {"10.0.0.0/8=4 10.1.0.0/16=8", "10.1.2.3", 4},
};

static void networks_match(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof matches / sizeof matches[0]; i++) {
    struct serve_weights weights = {0};
    char rules[200];
    uint8_t client[16];
    snprintf(rules, sizeof rules, "%s", matches[i].rules);
    for (char *rule = strtok(rules, " "); rule; rule = strtok(NULL, " ")) {
      const char *wrong = serve_weights_add(&weights, rule);
      if (wrong) fail_msg("%s: %s", rule, wrong);
    }
    peer_of(matches[i].client, client);
    unsigned got = serve_weights_find(&weights, client);
    if (got != matches[i].expected)
      fail_msg("%s, %s: %u, not %u", matches[i].rules, matches[i].client, got, matches[i].expected);
  }
}

static const struct {
  const char *rule, *named;
} refusals[] = {
    {"", "NETWORK=WEIGHT"},
    {"=", "NETWORK=WEIGHT"},
    {"=4", "NETWORK=WEIGHT"},
    {"4", "NETWORK=WEIGHT"},
    {"10.0.0.0/8", "NETWORK=WEIGHT"},
    {"10.0.0/8=4", "NETWORK=WEIGHT"},
    {"10.0.0.0/=4", "NETWORK=WEIGHT"},
    {"10.0.0.0/33=4", "NETWORK=WEIGHT"},
    {"10.0.0.0/+8=4", "NETWORK=WEIGHT"},
    {"10.0.0.0/8/8=4", "NETWORK=WEIGHT"},
    {"10.0.0.0:80=4", "NETWORK=WEIGHT"},
    {"fd00::/129=4", "NETWORK=WEIGHT"},
    {"localhost=4", "NETWORK=WEIGHT"},
    {"example.org=4", "NETWORK=WEIGHT"},
    {"*=4", "NETWORK=WEIGHT"},
    {"11111111111111111111111111111111111111111111111111111111111111111=4", "NETWORK=WEIGHT"},
    {"10.0.0.1/8=4", "beyond its prefix"},
    {"[fd00::1]/8=4", "beyond its prefix"},
    {"192.0.2.4/29=4", "beyond its prefix"},
    {"10.0.0.0/8=", "1 to 256"},
    {"10.0.0.0/8=0", "1 to 256"},
    {"10.0.0.0/8=257", "1 to 256"},
    {"10.0.0.0/8=-1", "1 to 256"},
    {"10.0.0.0/8=16x", "1 to 256"},
    {"10.0.0.0/8= 16", "1 to 256"},
    {"10.0.0.0/8=99999999999999999999", "1 to 256"},
};

static void wrong_rules_are_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
    struct serve_weights weights = {0};
    const char *wrong = serve_weights_add(&weights, refusals[i].rule);
    if (!wrong) fail_msg("%s is accepted", refusals[i].rule);
    if (!strstr(wrong, refusals[i].named)) fail_msg("%s: %s", refusals[i].rule, wrong);
    assert_int_equal(weights.count, 0);
  }
}

static void too_many_rules(void **state) {
  (void)state;
  struct serve_weights weights = {0};
  for (int i = 0; i < SERVE_WEIGHTS_MAX; i++)
    assert_null(serve_weights_add(&weights, "10.0.0.0/8=4"));
  assert_non_null(serve_weights_add(&weights, "10.0.0.0/8=4"));
  assert_int_equal(weights.count, SERVE_WEIGHTS_MAX);
}

/* ---- connections ----------------------------------------------------------------------------- */

/* The inner factory. It finds the weight already set. */
static bool see(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                uint64_t now_ns, struct machine *out) {
  (void)peer;
  (void)out;
  *(unsigned *)ctx = host->weight;
  return now_ns != 0;
}

static void connections_get_weights(void **state) {
  (void)state;
  static const struct {
    const char *client;
    uint16_t listener, expected;
  } rows[] = {{"10.0.0.1", 0, 64}, {"10.0.0.1", 7, 64}, {"11.0.0.1", 7, 7}, {"11.0.0.1", 0, 0}};
  struct serve_weights weights = {0};
  assert_null(serve_weights_add(&weights, "10.0.0.0/8=64"));
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    unsigned seen = 999;
    struct serve_weighing weighing = {.weights = &weights,
                                      .listener_weight = rows[i].listener,
                                      .inner = {.ctx = &seen, .create = see}};
    struct machine_factory factory = serve_weighing_machines(&weighing);
    struct machine_peer peer = {.application_protocol = ""};
    struct machine_host host = {0};
    struct machine machine;
    peer_of(rows[i].client, peer.address);
    assert_true(factory.create(factory.ctx, &peer, &host, 1, &machine));
    assert_int_equal(seen, rows[i].expected);
    assert_false(factory.create(factory.ctx, &peer, &host, 0, &machine)); /* as `inner` says */
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(networks_match),
      cmocka_unit_test(wrong_rules_are_refused),
      cmocka_unit_test(too_many_rules),
      cmocka_unit_test(connections_get_weights),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
