/*
 * engine.c - see engine.h.
 */
#include "engine/engine.h"

#include "engine/base/limits.h"
#include "engine/h1/h1.h"
#include "engine/h2/h2.h"
#include "engine/hpack/encode.h"
#include "engine/spdy/spdy.h"

struct engine_config engine_config_default(void) {
  return (struct engine_config){
      .connections_max = ENGINE_CONNECTIONS_DEFAULT,
      .header_list_bytes = PEER_HEADER_LIST_BYTES_DEFAULT,
      .idle_ns = PEER_IDLE_NS,
      .connection_weight = MACHINE_WEIGHT_DEFAULT,
      .h1 = h1_config_default(),
      .h2 = h2_config_default(),
      .spdy = spdy_config_default(),
  };
}

bool engine_init(struct engine *engine, const struct memory *memory,
                 const struct engine_config *config, const struct handler *handler) {
  *engine = (struct engine){.config = *config};
  if (!http_shared_init(&engine->http, memory, handler, config->header_list_bytes, config->idle_ns))
    return false;
  engine->http.clock_ns = config->clock_ns;
  h1_shared_init(&engine->h1, &engine->http, &config->h1, config->connections_max);
  h2_shared_init(&engine->h2, &engine->http, &config->h2, config->connections_max);
  spdy_shared_init(&engine->spdy, &engine->http, &config->spdy, config->connections_max);
  pool_init(&engine->undecided, memory, CONN_BYTES, pool_chunk_count(CONN_BYTES),
            config->connections_max);
  hpack_encode_note(&engine->http.server_field);
  return true;
}

void engine_destroy(struct engine *engine) {
  pool_destroy(&engine->undecided);
  h1_shared_destroy(&engine->h1);
  h2_shared_destroy(&engine->h2);
  spdy_shared_destroy(&engine->spdy);
  http_shared_destroy(&engine->http);
}

void engine_set_date(struct engine *engine, int64_t unix_seconds) {
  http_shared_set_date(&engine->http, unix_seconds);
  hpack_encode_note(&engine->http.date_field);
}

void engine_trim(struct engine *engine) {
  h1_shared_trim(&engine->h1);
  h2_shared_trim(&engine->h2);
  spdy_shared_trim(&engine->spdy);
  pool_trim(&engine->undecided);
}

static void count(uint64_t *to, const uint64_t *from, size_t bytes) {
  for (size_t i = 0; i < bytes / sizeof *to; i++)
    to[i] = counter_get(&from[i]);
}

struct engine_counters engine_counters(const struct engine *engine) {
  struct engine_counters now;
  count((uint64_t *)&now.http, (const uint64_t *)&engine->http.counters, sizeof now.http);
  count((uint64_t *)&now.h1, (const uint64_t *)&engine->h1.counters, sizeof now.h1);
  count((uint64_t *)&now.h2, (const uint64_t *)&engine->h2.counters, sizeof now.h2);
  count((uint64_t *)&now.spdy, (const uint64_t *)&engine->spdy.counters, sizeof now.spdy);
  count((uint64_t *)&now.ws, (const uint64_t *)&engine->ws, sizeof now.ws);
  return now;
}
