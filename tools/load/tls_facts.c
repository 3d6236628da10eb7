/*
 * load/tls_facts.c - see load/tls_facts.h.
 */
#include "tools/load/tls_facts.h"

#include <string.h>

static bool are_same(const struct load_tls_facts *a, const struct load_tls_facts *b) {
  return strcmp(a->version, b->version) == 0 && strcmp(a->cipher, b->cipher) == 0 &&
         strcmp(a->group, b->group) == 0 && strcmp(a->alpn, b->alpn) == 0;
}

void load_tls_facts_add(struct load_tls_facts *facts, const struct load_tls_facts *from) {
  if (from->connections == 0) return;
  if (facts->connections == 0) {
    *facts = *from;
    return;
  }
  facts->connections += from->connections;
  facts->resumed += from->resumed;
  facts->others += are_same(facts, from) ? from->others : from->connections;
}
