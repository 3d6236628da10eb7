/*
 * load/tls_facts.c - see load/tls_facts.h.
 */
#include "tools/load/tls_facts.h"

#include <string.h>

static bool are_same(const struct load_tls_kind *a, const struct load_tls_kind *b) {
  return strcmp(a->version, b->version) == 0 && strcmp(a->cipher, b->cipher) == 0 &&
         strcmp(a->group, b->group) == 0 && strcmp(a->alpn, b->alpn) == 0;
}

/* A kind without a place counts as other than the first, which it is. */
static void add_kind(struct load_tls_facts *facts, const struct load_tls_kind *kind) {
  for (unsigned i = 0; i < LOAD_TLS_KINDS_MAX; i++) {
    struct load_tls_kind *place = &facts->kinds[i];
    if (!*place->alpn) {
      *place = *kind;
      return;
    }
    if (are_same(place, kind)) {
      place->connections += kind->connections;
      return;
    }
  }
}

void load_tls_facts_note(struct load_tls_facts *facts, const struct load_tls_kind *kind,
                         uint64_t resumed) {
  facts->connections += kind->connections;
  facts->resumed += resumed;
  add_kind(facts, kind);
}

void load_tls_facts_add(struct load_tls_facts *facts, const struct load_tls_facts *from) {
  facts->connections += from->connections;
  facts->resumed += from->resumed;
  for (unsigned i = 0; i < LOAD_TLS_KINDS_MAX && *from->kinds[i].alpn; i++)
    add_kind(facts, &from->kinds[i]);
}
