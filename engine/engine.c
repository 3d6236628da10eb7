/*
 * engine.c - sizes the pools that the connections of one worker share; see engine.h.
 */
#include "engine/engine.h"

#include "engine/conn.h"
#include "engine/h2/h2.h"
#include "engine/http/date.h"

#include <string.h>

struct engine_config engine_config_default(void) {
  return (struct engine_config){
      .connections_max = ENGINE_CONNECTIONS_DEFAULT,
      .streams_max = ENGINE_STREAMS_DEFAULT,
      .concurrent_streams = H2_CONCURRENT_STREAMS_DEFAULT,
      .stream_window_bytes = H2_STREAM_WINDOW_BYTES_DEFAULT,
      .connection_window_bytes = H2_CONNECTION_WINDOW_BYTES_DEFAULT,
      .connection_window_bytes_max = H2_CONNECTION_WINDOW_BYTES_MAX,
      .window_budget_bytes = H2_WINDOW_BUDGET_BYTES,
      .flow = FLOW_AUTO,
      .frame_bytes_max = H2_FRAME_BYTES_DEFAULT,
      .header_list_bytes = H2_HEADER_LIST_BYTES_DEFAULT,
      .header_table_bytes = HPACK_TABLE_BYTES_MAX,
      .head_start = &head_start_rules_default,
      .idle_ns = H2_IDLE_NS,
      .connection_weight = MACHINE_WEIGHT_DEFAULT,
      .push = true,
  };
}

/* Objects that are taken from memory at once: about 64 KiB, so that the allocator keeps the chunks
 * apart from small objects and pages are used whole. */
static uint32_t chunk_count(size_t object_bytes) {
  uint32_t count = (uint32_t)(64 * KIB / object_bytes);
  return count ? count : 1;
}

static void init_pool(struct engine *engine, struct pool *pool, size_t bytes, uint32_t max) {
  pool_init(pool, engine->memory, bytes, chunk_count(bytes), max);
}

bool engine_init(struct engine *engine, const struct memory *memory,
                 const struct engine_config *config, const struct handler *handler) {
  *engine = (struct engine){.memory = memory, .handler = handler, .config = *config};
  size_t fields_bytes = H2_HEADER_FIELDS_MAX * sizeof(struct header);
  engine->arena_bytes = config->header_list_bytes + H2_COOKIE_ROOM_BYTES;
  engine->fields = memory_alloc(memory, fields_bytes);
  engine->arena = memory_alloc(memory, engine->arena_bytes);
  if (!engine->fields || !engine->arena) {
    memory_free(memory, engine->fields, fields_bytes);
    memory_free(memory, engine->arena, engine->arena_bytes);
    return false;
  }
  headers_init(&engine->headers, engine->fields, H2_HEADER_FIELDS_MAX, engine->arena,
               engine->arena_bytes, config->header_list_bytes);
  sched_memory_init(&engine->sched, memory);
  init_pool(engine, &engine->conns, conn_bytes(), config->connections_max);
  init_pool(engine, &engine->connections, sizeof(struct h2), config->connections_max);
  init_pool(engine, &engine->streams, sizeof(struct h2_stream), config->streams_max);
  init_pool(engine, &engine->sections, H2_SECTION_BYTES, config->streams_max);
  init_pool(engine, &engine->outs, H2_OUT_OBJECT_BYTES, config->connections_max);
  init_pool(engine, &engine->controls, H2_CONTROL_BYTES, config->connections_max);
  init_pool(engine, &engine->frames, H2_FRAME_BYTES_DEFAULT, config->connections_max);
  engine->server_field = header_of(TOKEN_SERVER, span_text("weir"));
  hpack_encode_note(&engine->server_field);
  return true;
}

void engine_destroy(struct engine *engine) {
  sched_memory_destroy(&engine->sched);
  pool_destroy(&engine->conns);
  pool_destroy(&engine->connections);
  pool_destroy(&engine->streams);
  pool_destroy(&engine->sections);
  pool_destroy(&engine->outs);
  pool_destroy(&engine->controls);
  pool_destroy(&engine->frames);
  memory_free(engine->memory, engine->fields, H2_HEADER_FIELDS_MAX * sizeof(struct header));
  memory_free(engine->memory, engine->arena, engine->arena_bytes);
}

void engine_set_date(struct engine *engine, int64_t unix_seconds) {
  engine->date_seconds = unix_seconds;
  http_date_format(unix_seconds, (uint8_t *)engine->date);
  engine->date_field = header_of(TOKEN_DATE, span_of(engine->date, ENGINE_DATE_BYTES));
  hpack_encode_note(&engine->date_field);
}
