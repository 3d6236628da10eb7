/*
 * http/shared.c - see http/shared.h.
 */
#include "engine/http/shared.h"

#include "engine/http/date.h"
#include "engine/http/limits.h"

bool http_shared_init(struct http_shared *shared, const struct memory *memory,
                      const struct handler *handler, uint32_t header_list_bytes, uint64_t idle_ns) {
  *shared = (struct http_shared){.memory = memory, .handler = handler, .idle_ns = idle_ns};
  shared->arena_bytes = header_list_bytes + COOKIE_ROOM_BYTES;
  shared->fields_max = header_list_bytes / HEADER_OVERHEAD_BYTES;
  shared->fields = memory_alloc(memory, shared->fields_max * sizeof(struct header));
  shared->arena = memory_alloc(memory, shared->arena_bytes);
  if (!shared->fields || !shared->arena) {
    http_shared_destroy(shared);
    return false;
  }
  headers_init(&shared->headers, shared->fields, shared->fields_max, shared->arena,
               shared->arena_bytes, header_list_bytes);
  shared->server_field = header_of(TOKEN_SERVER, span_text("weir"));
  return true;
}

void http_shared_destroy(struct http_shared *shared) {
  memory_free(shared->memory, shared->fields, shared->fields_max * sizeof(struct header));
  memory_free(shared->memory, shared->arena, shared->arena_bytes);
}

void http_shared_set_date(struct http_shared *shared, int64_t unix_seconds) {
  shared->date_seconds = unix_seconds;
  http_date_format(unix_seconds, (uint8_t *)shared->date);
  shared->date_field = header_of(TOKEN_DATE, span_of(shared->date, HTTP_DATE_BYTES));
}
