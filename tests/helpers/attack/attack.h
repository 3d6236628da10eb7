/*
 * attack/attack.h - one attack, and the lists of them.
 */
#ifndef WEIR_TESTS_ATTACK_H
#define WEIR_TESTS_ATTACK_H

#include "tests/helpers/attack/peer.h"

struct attack {
  const char *name;
  const char *what; /* with CVE, for --list */

  /* Puts one unit into the peer's buffer, or returns false while it has to wait. Called until
   * there are `count` units. */
  bool (*step)(struct peer *peer);

  void (*begin)(struct peer *peer); /* after the preface, instead of an empty SETTINGS; or NULL */
  bool quiet;                       /* it acknowledges no SETTINGS, and sends no PING at its end */
};

struct attack_list {
  const struct attack *at;
  size_t count;
};

extern const struct attack_list attack_requests, attack_control, attack_data, attack_blocks,
    attack_slow, attack_h1, attack_ws, attack_spdy;

#define ATTACK_LIST(list)                                                                          \
  { list, sizeof(list) / sizeof *(list) }

#endif
