/*
 * http/contract.c - see http/contract.h.
 */
#include "engine/http/contract.h"

const char *contract_given(const struct header *fields, size_t count, struct body body) {
  if (count > 0 && !fields) return "fields that are given by their count alone";
  if (body.ops && !body.ops->pull) return "a body without pull()";
  return NULL;
}

const char *contract_fields(const struct header *fields, size_t count, bool promised) {
  for (size_t i = 0; i < count; i++) {
    const struct span name = fields[i].name;
    const bool pseudo = name.len > 0 && name.base[0] == ':';
    if (pseudo && !promised) return "a pseudo-header field, which is the engine's";
    if (!header_token_by_name(&fields[i]) && header_name_flags(name))
      return "a field whose name is no token in lower case";
    if (header_value_flags(fields[i].value))
      return "a field whose value has NUL, CR, LF, or a space at an end";
  }
  return NULL;
}

const char *contract_message(const struct header *fields, size_t count, struct body body) {
  const char *mistake = contract_given(fields, count, body);
  return mistake ? mistake : contract_fields(fields, count, false);
}

const char *contract_pulled(enum body_result result, const struct body_chunk *chunk) {
  const uintptr_t base = (uintptr_t)chunk->bytes.base, room = (uintptr_t)chunk->room;
  if (result > BODY_ERROR) return "a body gave a result that is no body_result";
  if (chunk->bytes.len > 0 && (base == 0 || (base > room && base < room + chunk->max)))
    return "a body gave bytes that are neither its own nor at the beginning of the room";
  if (chunk->bytes.len > chunk->max) return "a body gave more bytes than there was room for";
  if (chunk->lent.len > chunk->lend_max || (chunk->lent.len > 0 && !chunk->loans))
    return "a body lent more bytes than it was asked for, or without a count of loans";
  if (result == BODY_MORE && chunk->bytes.len + chunk->lent.len == 0 && chunk->max > 0)
    return "a body said BODY_MORE and gave no bytes";
  if (result == BODY_ROOM && chunk->bytes.len > 0) return "a body said BODY_ROOM and gave bytes";
  if (result == BODY_ROOM && chunk->max >= BODY_ROOM_BYTES)
    return "a body said BODY_ROOM to BODY_ROOM_BYTES";
  return NULL;
}

void contract_drop(struct body body) {
  if (body.ops && body.ops->close) body.ops->close(body.self);
}
