/*
 * engine.h - what the connections of one worker share. Each core has one engine; a connection never
 * leaves its engine.
 *
 * Ownership: embedded by the host; keeps `memory` and `handler` for its whole life.
 */
#ifndef WEIR_ENGINE_H
#define WEIR_ENGINE_H

#include "engine/h1/shared.h"
#include "engine/h2/shared.h"
#include "engine/http/shared.h"
#include "engine/spdy/shared.h"
#include "engine/ws/events.h"

/* The user's choices; engine_config_default() fills them in from base/limits.h. */
struct engine_config {
  uint32_t connections_max;   /* at once */
  uint32_t header_list_bytes; /* largest header section that is accepted; HTTP/2 announces it as
                                 SETTINGS_MAX_HEADER_LIST_SIZE */
  uint64_t idle_ns;           /* how long a connection without streams lives */
  /* Kept: the host's clock, for calls from outside of machine calls; NULL: there are none but
   * within a call of another connection. */
  const uint64_t *clock_ns;
  uint16_t connection_weight; /* of connections whose host gives none: machine_host.weight */
  struct h1_config h1;
  struct h2_config h2;
  struct spdy_config spdy;
};

struct engine_counters {
  struct http_counters http;
  struct h1_counters h1;
  struct h2_counters h2;
  struct spdy_counters spdy;
  struct ws_counters ws;
};

struct engine {
  struct engine_config config;
  struct http_shared http;
  struct h1_shared h1;
  struct h2_shared h2;
  struct spdy_shared spdy;
  struct ws_counters ws; /* lent to handlers, as ws_settings.counters */
  struct pool undecided; /* connections whose protocol is not known yet, CONN_BYTES each */
};

struct engine_config engine_config_default(void);

/* False when memory was refused; nothing is held then. */
__attribute__((warn_unused_result)) bool engine_init(struct engine *engine,
                                                     const struct memory *memory,
                                                     const struct engine_config *config,
                                                     const struct handler *handler);

/* Every connection must have been closed (asserted). */
void engine_destroy(struct engine *engine);

/* Sets the wall clock, for the `date` field: seconds since 1970. To be called about once a second. */
void engine_set_date(struct engine *engine, int64_t unix_seconds);

/* Gives back memory that a flood took. To be called about once a second. */
void engine_trim(struct engine *engine);

/* A copy of all counters; any thread may call it. */
struct engine_counters engine_counters(const struct engine *engine);

#endif
