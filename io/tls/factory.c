/*
 * tls/factory.c - making, trimming and freeing what is shared.
 */
#include "io/tls/factory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/ssl.h>

#include "io/tls/group.h"
#include "io/tls/limits.h"

bool tls_factory_init(struct tls_factory *factory, struct tls_context *context,
                      const struct machine_factory *inner, uint32_t machines_max,
                      const char *server_name) {
  assert(machines_max > 0);
  *factory = (struct tls_factory){
      .context = context, .inner = *inner, .machines_max = machines_max, .error = ""};
  factory->key_records_max = TLS_KEY_RECORDS;
  tls_queue_init(&factory->queue);
  if (server_name && strlen(server_name) >= sizeof factory->server_name) return false;
  if (server_name) strcpy(factory->server_name, server_name);
  factory->plaintext = malloc(TLS_PLAINTEXT_BYTES);
  factory->gather = malloc(TLS_RECORD_BYTES);
  tls_slab_pool_init(&factory->slabs);
  tls_aead_pool_init(&factory->aeads);
  if (factory->plaintext && factory->gather) return true;
  tls_aead_pool_destroy(&factory->aeads);
  free(factory->plaintext);
  free(factory->gather);
  return false;
}

void tls_factory_destroy(struct tls_factory *factory) {
  assert(factory->machines == 0);
  tls_slab_pool_destroy(&factory->slabs);
  tls_aead_pool_destroy(&factory->aeads);
  SSL_SESSION_free(factory->session);
  free(factory->plaintext);
  free(factory->gather);
}

void tls_factory_trim(struct tls_factory *factory) {
  tls_slab_pool_trim(&factory->slabs);
  tls_aead_pool_trim(&factory->aeads);
}

struct span tls_factory_gather(struct tls_factory *factory, const struct span *spans, size_t len) {
  if (spans[0].len >= len) return span_of(spans[0].base, len);
  for (size_t at = 0; at < len; spans++) {
    size_t part = spans->len < len - at ? spans->len : len - at;
    memcpy(factory->gather + at, spans->base, part);
    at += part;
  }
  return span_of(factory->gather, len);
}

static uint64_t *group_counter(struct tls_counters *counters, const char *group) {
  const struct {
    const char *name;
    uint64_t *counter;
  } rows[] = {
      {"x25519", &counters->group_x25519},
      {"secp256r1", &counters->group_secp256r1},
      {"secp384r1", &counters->group_secp384r1},
      {"X25519MLKEM768", &counters->group_x25519mlkem768},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcasecmp(rows[i].name, group) == 0) return rows[i].counter;
  return &counters->group_other;
}

void tls_factory_count(struct tls_factory *factory, SSL *ssl) {
  struct tls_counters *counters = &factory->counters;
  bool newest = SSL_version(ssl) == TLS1_3_VERSION;
  counter_add(&counters->handshakes, 1);
  counter_add(newest ? &counters->version_1_3 : &counters->version_1_2, 1);
  counter_add(group_counter(counters, tls_group_of(ssl)), 1);
  if (SSL_session_reused(ssl)) counter_add(&counters->resumed, 1);
}
