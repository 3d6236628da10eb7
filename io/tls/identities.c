/*
 * tls/identities.c - see tls/identities.h.
 *
 * `owned` has a row for each name of each certificate, sorted by name and then by the certificates'
 * order: it answers whether a certificate lists a name. `identities` has one element for each
 * different name, in the same order: it answers which certificates a name gets.
 */
#include "io/tls/identities.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "io/base/error.h"
#include "io/tls/certificate.h"
#include "io/tls/names.h"

/* More than OpenSSL has kinds of keys: RSA, RSA-PSS, EC, Ed25519, Ed448, and three sizes of ML-DSA. */
enum { KINDS = 8 };

struct owned {
  char *name;
  uint32_t certificate;
};

struct tls_identity {
  struct tls_identities *set;
  const char *name; /* "" for the default's */
  uint32_t count;
  uint32_t certificates[KINDS]; /* each of another kind */
};

struct tls_identities {
  unsigned references;              /* atomic */
  struct certificate *certificates; /* in the order in which they were given */
  uint32_t certificate_count;
  struct owned *owned;
  size_t owned_count, owned_room;
  struct tls_identity *identities;
  size_t count;
  struct tls_identity fallback; /* for any other name */
};

/* ---- looking up ------------------------------------------------------------------------------ */

static int compare_identity(const void *key, const void *element) {
  return strcmp(key, ((const struct tls_identity *)element)->name);
}

static struct tls_identity *find(const struct tls_identities *set, const char *name) {
  return bsearch(name, set->identities, set->count, sizeof *set->identities, compare_identity);
}

/* The identity of that name, else that of the wildcard which covers it, else NULL. */
static const struct tls_identity *find_covering(const struct tls_identities *set,
                                                const struct tls_name *name) {
  const struct tls_identity *found = find(set, name->text);
  struct span parent = tls_name_parent(name);
  return found || parent.len == 0 ? found : find(set, (const char *)parent.base);
}

const struct tls_identity *tls_identities_find(const struct tls_identities *set, const char *name) {
  struct tls_name normal;
  if (!name || !tls_name_of_host(span_of(name, strlen(name)), &normal)) return &set->fallback;
  const struct tls_identity *found = find_covering(set, &normal);
  return found ? found : &set->fallback;
}

struct tls_identities *tls_identity_set(const struct tls_identity *identity) {
  return identity->set;
}

static int compare_owned(const void *a, const void *b) {
  const struct owned *one = a, *other = b;
  int order = strcmp(one->name, other->name);
  if (order) return order;
  return (one->certificate > other->certificate) - (one->certificate < other->certificate);
}

static bool lists(const struct tls_identities *set, uint32_t certificate, const char *name) {
  const struct owned key = {.name = (char *)name, .certificate = certificate};
  return bsearch(&key, set->owned, set->owned_count, sizeof key, compare_owned) != NULL;
}

enum tls_cover tls_identity_cover(const struct tls_identity *identity, struct span host) {
  const struct tls_identities *set = identity->set;
  struct tls_name name;
  if (!tls_name_of_host(host, &name)) return TLS_NOT_COVERED;
  struct span parent = tls_name_parent(&name);
  for (uint32_t i = 0; i < identity->count; i++)
    if (lists(set, identity->certificates[i], name.text) ||
        (parent.len && lists(set, identity->certificates[i], (const char *)parent.base)))
      return TLS_COVERED;
  return find_covering(set, &name) ? TLS_COVERED_ELSEWHERE : TLS_NOT_COVERED;
}

/* ---- in a handshake -------------------------------------------------------------------------- */

bool tls_identity_use(const struct tls_identity *identity, struct ssl_st *ssl) {
  SSL_certs_clear(ssl);
  for (uint32_t i = 0; i < identity->count; i++) {
    const struct certificate *certificate = &identity->set->certificates[identity->certificates[i]];
    if (SSL_use_cert_and_key(ssl, certificate->leaf, certificate->key, certificate->chain, 1) != 1)
      return false;
  }
  return true;
}

/* ---- making one ------------------------------------------------------------------------------ */

struct taking {
  struct tls_identities *set;
  uint32_t certificate;
};

static bool take_name(void *ctx, const struct tls_name *name) {
  const struct taking *taking = ctx;
  struct tls_identities *set = taking->set;
  if (set->owned_count == set->owned_room) {
    size_t room = set->owned_room ? 2 * set->owned_room : 16;
    struct owned *more = realloc(set->owned, room * sizeof *more);
    if (!more) return false;
    set->owned = more;
    set->owned_room = room;
  }
  struct owned *owned = &set->owned[set->owned_count];
  owned->certificate = taking->certificate;
  owned->name = strdup(name->text);
  if (!owned->name) return false;
  set->owned_count++;
  return true;
}

static bool take_certificates(struct tls_identities *set,
                              const struct certificate *const *certificates, size_t count) {
  set->certificates = calloc(count, sizeof *set->certificates);
  if (!set->certificates) return false;
  for (size_t i = 0; i < count; i++) {
    struct taking taking = {set, (uint32_t)i};
    if (!certificate_share(certificates[i], &set->certificates[i])) return false;
    set->certificate_count++;
    if (!tls_names_of(set->certificates[i].leaf, take_name, &taking)) return false;
  }
  return true;
}

static const char *kind_of(const struct tls_identities *set, uint32_t certificate) {
  return EVP_PKEY_get0_type_name(set->certificates[certificate].key);
}

/* Adds a certificate, unless there is one of its kind. */
static void add(struct tls_identity *identity, uint32_t certificate) {
  const char *kind = kind_of(identity->set, certificate);
  for (uint32_t i = 0; i < identity->count; i++)
    if (strcmp(kind_of(identity->set, identity->certificates[i]), kind) == 0) return;
  if (identity->count < KINDS) identity->certificates[identity->count++] = certificate;
}

/* One for each different name. */
static bool make_identities(struct tls_identities *set) {
  set->identities = calloc(set->owned_count + 1, sizeof *set->identities);
  if (!set->identities) return false;
  struct tls_identity *last = NULL;
  for (size_t i = 0; i < set->owned_count; i++) {
    const struct owned *owned = &set->owned[i];
    if (!last || strcmp(last->name, owned->name) != 0) {
      last = &set->identities[set->count++];
      *last = (struct tls_identity){.set = set, .name = owned->name};
    }
    add(last, owned->certificate);
  }
  return true;
}

/* A wildcard's certificates are for the exact names below it, too: of the kinds that these lack. */
static void inherit(struct tls_identities *set) {
  for (size_t i = 0; i < set->count; i++) {
    struct tls_name name;
    const char *text = set->identities[i].name;
    if (*text == '.' || !tls_name_of_host(span_of(text, strlen(text)), &name)) continue;
    struct span parent = tls_name_parent(&name);
    const struct tls_identity *wild = parent.len ? find(set, (const char *)parent.base) : NULL;
    for (uint32_t k = 0; wild && k < wild->count; k++)
      add(&set->identities[i], wild->certificates[k]);
  }
}

/* `name` is the first certificate's first; NULL if it has none. */
static void set_fallback(struct tls_identities *set, const char *name) {
  const struct tls_identity *first = name ? find(set, name) : NULL;
  if (first)
    set->fallback = *first;
  else
    set->fallback = (struct tls_identity){.set = set, .count = 1};
  set->fallback.name = "";
}

/* Reads the first name before it sorts. */
static bool fill(struct tls_identities *set, const struct certificate *const *certificates,
                 size_t count) {
  if (!take_certificates(set, certificates, count)) return false;
  bool named = set->owned_count > 0 && set->owned[0].certificate == 0;
  const char *first = named ? set->owned[0].name : NULL;
  if (set->owned_count > 0) qsort(set->owned, set->owned_count, sizeof *set->owned, compare_owned);
  if (!make_identities(set)) return false;
  inherit(set);
  set_fallback(set, first);
  return true;
}

struct tls_identities *tls_identities_create(const struct certificate *const *certificates,
                                             size_t count, struct io_error *error) {
  assert(count > 0);
  struct tls_identities *set = calloc(1, sizeof *set);
  if (set) set->references = 1;
  if (set && fill(set, certificates, count)) return set;
  io_error_set(error, 0, "no memory for certificates");
  tls_identities_release(set);
  return NULL;
}

void tls_identities_hold(struct tls_identities *set) {
  __atomic_add_fetch(&set->references, 1, __ATOMIC_RELAXED);
}

void tls_identities_release(struct tls_identities *set) {
  if (!set || __atomic_sub_fetch(&set->references, 1, __ATOMIC_ACQ_REL) > 0) return;
  for (uint32_t i = 0; i < set->certificate_count; i++)
    certificate_free(&set->certificates[i]);
  for (size_t i = 0; i < set->owned_count; i++)
    free(set->owned[i].name);
  free(set->certificates);
  free(set->identities);
  free(set->owned);
  free(set);
}
