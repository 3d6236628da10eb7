/*
 * http/request_copy.c - see http/request_copy.h.
 */
#include "engine/http/request_copy.h"

#include <assert.h>
#include <string.h>

static size_t name_bytes(const struct header *field) {
  return field->token == TOKEN_UNKNOWN ? field->name.len : 0;
}

size_t request_copy_bytes(const struct request *request) {
  const struct headers *fields = request->fields;
  size_t bytes = fields->count * sizeof(struct header);
  for (uint32_t i = 0; i < fields->count; i++)
    bytes += name_bytes(&fields->at[i]) + fields->at[i].value.len;
  return bytes;
}

static uint8_t *copy(uint8_t *room, struct span *text) {
  if (text->len > 0) memcpy(room, text->base, text->len);
  text->base = room;
  return room + text->len;
}

static void copy_fields(struct headers *list, const struct headers *fields, struct header *at) {
  uint8_t *room = (uint8_t *)(at + fields->count);
  headers_init(list, at, fields->count, NULL, 0, fields->list_bytes_max);
  list->count = fields->count;
  list->list_bytes = fields->list_bytes;
  list->tokens = fields->tokens;
  for (uint32_t i = 0; i < fields->count; i++) {
    at[i] = fields->at[i];
    if (at[i].token == TOKEN_UNKNOWN) room = copy(room, &at[i].name);
    room = copy(room, &at[i].value);
  }
}

/* Where the copy of a field's value is. */
static void move(struct span *text, const struct headers *from, const struct headers *to) {
  for (uint32_t i = 0; i < from->count; i++) {
    const struct span value = from->at[i].value;
    if (text->base != value.base || text->len != value.len) continue;
    text->base = to->at[i].value.base;
    return;
  }
}

void request_copy(struct request *request, struct headers *list, void *room) {
  const struct headers *from = request->fields;
  assert(request->protocol.len == 0);
  copy_fields(list, from, room);
  move(&request->method, from, list);
  move(&request->scheme, from, list);
  move(&request->authority, from, list);
  move(&request->path, from, list);
  request->fields = list;
}
