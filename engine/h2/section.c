/*
 * h2/section.c - see h2/section.h.
 */
#include "engine/h2/section.h"

#include "engine/base/decimal.h"
#include "engine/base/wire.h"
#include "engine/h2/connection.h"
#include "engine/h2/message.h"
#include "engine/h2/priority.h"

#include <string.h>

/* ---- kept ------------------------------------------------------------------------------------ */

static uint8_t *copy(uint8_t *at, struct span *text) {
  if (text->len) memcpy(at, text->base, text->len);
  text->base = at;
  return at + text->len;
}

static struct h2_section *alloc(struct h2 *h2, size_t size) {
  bool pooled = size <= H2_SECTION_BYTES;
  struct h2_section *section =
      pooled ? pool_take(&h2->shared->sections) : memory_alloc(h2->http->memory, size);
  if (section) *section = (struct h2_section){.size = (uint32_t)size};
  return section;
}

void h2_section_free(struct h2 *h2, struct h2_section *section) {
  if (!section || section->size == 0) return;
  if (section->size <= H2_SECTION_BYTES)
    pool_give(&h2->shared->sections, section);
  else
    memory_free(h2->http->memory, section, section->size);
}

struct h2_section *h2_section_make(struct h2 *h2, const struct header *fields, size_t count) {
  size_t strings = 0, bound = HPACK_ENCODE_BLOCK_BYTES_MAX;
  for (size_t i = 0; i < count; i++) {
    strings += fields[i].value.len + (header_token_by_name(&fields[i]) ? 0 : fields[i].name.len);
    bound += hpack_encode_field_bound(&fields[i]);
  }
  if (bound > PEER_SEND_BLOCK_BYTES_MAX) return NULL;
  struct h2_section *section = alloc(h2, sizeof *section + count * sizeof *fields + strings);
  if (!section) return NULL;
  struct header *copies = (struct header *)(section + 1);
  section->fields = copies;
  section->count = (uint32_t)count;
  section->bound = (uint32_t)bound;
  section->add_date = section->add_server = true;
  uint8_t *at = (uint8_t *)(copies + count);
  for (size_t i = 0; i < count; i++) {
    struct header *field = &copies[i];
    *field = fields[i];
    field->token = (uint16_t)header_token_by_name(field);
    if (field->token)
      field->name = header_token_name((enum header_token)field->token);
    else
      at = copy(at, &field->name);
    at = copy(at, &field->value);
    if (field->token == TOKEN_DATE) section->add_date = false;
    if (field->token == TOKEN_SERVER) section->add_server = false;
  }
  return section;
}

static bool is_short(struct span content_length) {
  uint64_t bytes;
  return decimal_within(content_length, 1, H2_BRIEF_BYTES_MAX, &bytes);
}

/* Notes what would be the same each time the set is sent. */
static void note(struct h2 *h2, struct header_set *set) {
  size_t bound = hpack_encode_bound(set->at, set->count);
  struct h2_set_note note = {.number = ++h2->shared->sets_numbered,
                             .bound_bytes = bound < UINT32_MAX ? (uint32_t)bound : UINT32_MAX};
  for (uint32_t i = 0; i < set->count; i++) {
    struct header *field = &set->at[i];
    field->token = (uint16_t)header_token_by_name(field);
    if (field->flags & HEADER_VARIES) {
      note.varies = true;
      note.bound_bytes -= (uint32_t)field->value.len;
    } else {
      hpack_encode_note(field);
    }
    note.says_date |= field->token == TOKEN_DATE;
    note.says_server |= field->token == TOKEN_SERVER;
    note.says_priority |= field->token == TOKEN_PRIORITY;
    note.asks_head |= field->token == TOKEN_METHOD && span_is(field->value, "HEAD");
    note.asks_connect |= field->token == TOKEN_METHOD && span_is(field->value, "CONNECT");
    note.asks_protocol |= field->token == TOKEN_PROTOCOL;
    if (field->token == TOKEN_CONTENT_TYPE) h2_priority_note(h2, &note, field->value);
    if (field->token == TOKEN_CONTENT_LENGTH) note.is_brief = is_short(field->value);
  }
  note.is_brief &=
      !note.varies && note.bound_bytes + h2->http->server_field.value.len <= H2_BRIEF_BYTES_MAX;
  h2_set_note_put(set, note);
}

struct h2_set_note h2_section_note(struct h2 *h2, struct header_set *set) {
  if (h2_set_note_get(set).number == 0) note(h2, set);
  return h2_set_note_get(set);
}

size_t h2_section_varied_bytes(const struct header_set *set) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < set->count; i++)
    if (set->at[i].flags & HEADER_VARIES) bytes += set->at[i].value.len;
  return bytes;
}

bool h2_section_lend(struct h2 *h2, struct header_set *set, struct h2_section *section) {
  struct h2_set_note noted = h2_section_note(h2, set);
  size_t bound = noted.bound_bytes + (noted.varies ? h2_section_varied_bytes(set) : 0);
  *section = (struct h2_section){.fields = set->at,
                                 .set = set,
                                 .count = set->count,
                                 .bound = bound < UINT32_MAX ? (uint32_t)bound : UINT32_MAX,
                                 .add_date = !noted.says_date,
                                 .add_server = !noted.says_server,
                                 .varies = noted.varies};
  return bound <= PEER_SEND_BLOCK_BYTES_MAX;
}

/* ---- sent ------------------------------------------------------------------------------------ */

static uint8_t *encode_status(struct h2 *h2, unsigned status, uint8_t *at) {
  uint8_t text[3] = {(uint8_t)('0' + status / 100), (uint8_t)('0' + status / 10 % 10),
                     (uint8_t)('0' + status % 10)};
  struct header field = header_of(TOKEN_STATUS, span_of(text, sizeof text));
  return hpack_encode_field(&h2->encoder, &field, at);
}

/* Leaves out a handler's fields about an HTTP/1.1 connection, which HTTP/2 must not carry. */
static uint8_t *encode_some(struct h2 *h2, const struct header *fields, uint32_t count,
                            uint8_t *at) {
  for (uint32_t i = 0; i < count; i++) {
    if (header_token_is_of_connection(fields[i].token)) continue;
    at = hpack_encode_field(&h2->encoder, &fields[i], at);
  }
  return at;
}

static_assert(HPACK_BLOCK_KEPT_BYTES_MAX <= HPACK_ENCODE_SLACK,
              "a kept run is written as one of constant length, wherever in the block it goes");

/* Fields of a set from `first` on that do not vary, up to one that does: kept for themselves. */
static uint8_t *encode_run(struct h2 *h2, const struct h2_section *section, uint32_t first,
                           uint32_t count, uint8_t *at) {
  uint64_t number = h2_set_note_get(section->set).number;
  struct hpack_block_key key = {.list = number << 16 | (first + 1)}; /* 0: a whole block's */
  uint8_t *end = hpack_encode_again(&h2->encoder, key, at);
  if (end) return end;
  hpack_encode_part(&h2->encoder);
  end = encode_some(h2, section->fields + first, count, at);
  hpack_encode_keep(&h2->encoder, key, at, end);
  return end;
}

static uint8_t *encode_varied(struct h2 *h2, const struct h2_section *section, uint8_t *at) {
  const struct header *fields = section->fields;
  for (uint32_t first = 0, end; first < section->count; first = end) {
    end = first;
    while (end < section->count && !(fields[end].flags & HEADER_VARIES))
      end++;
    if (end > first)
      at = encode_run(h2, section, first, end - first, at);
    else
      at = encode_some(h2, fields + end++, 1, at);
  }
  return at;
}

static uint8_t *encode_fields(struct h2 *h2, const struct h2_section *section, uint8_t *at) {
  const struct http_shared *http = h2->http;
  if (section->status) at = encode_status(h2, section->status, at);
  at = section->varies ? encode_varied(h2, section, at)
                       : encode_some(h2, section->fields, section->count, at);
  if (section->add_server) at = hpack_encode_field(&h2->encoder, &http->server_field, at);
  if (section->add_date && http->date[0])
    at = hpack_encode_field(&h2->encoder, &http->date_field, at);
  return at;
}

static uint64_t whole_key(const struct header_set *set, uint16_t status) {
  return h2_set_note_get(set).number << 16 | status;
}

/* The set, the status and, for a section with our `date`, the second determine the block, unless fields
 * vary. */
static uint8_t *encode_block(struct h2 *h2, const struct h2_section *section, uint8_t *at) {
  if (!section->set || section->varies)
    return encode_fields(h2, section, hpack_encode_begin(&h2->encoder, at));
  struct hpack_block_key key = {.list = whole_key(section->set, section->status),
                                .time = section->add_date ? (uint64_t)h2->http->date_seconds : 0};
  uint8_t *end = hpack_encode_again(&h2->encoder, key, at);
  if (end) return end;
  uint8_t *begin = hpack_encode_begin(&h2->encoder, at);
  end = encode_fields(h2, section, begin);
  hpack_encode_keep(&h2->encoder, key, begin, end);
  return end;
}

/* The section, what the engine adds, and a frame header for every 16 KiB or more. */
size_t h2_section_room(const struct h2 *h2, const struct h2_section *section) {
  size_t added =
      3 * HPACK_ENCODE_FIELD_BYTES_MAX + 64 + h2->http->server_field.value.len + HTTP_DATE_BYTES;
  size_t block =
      section->bound + added + 5; /* the identifier of a promised stream, or a dependency */
  return block + H2_FRAME_HEADER_BYTES * (2 + block / H2_FRAME_BYTES_MIN);
}

/* Cuts the payload at `payload` into HEADERS (or PUSH_PROMISE) and CONTINUATION frames, with room
 * for their headers. Returns the end. */
static uint8_t *frame_block(struct h2 *h2, uint8_t *payload, uint8_t *end,
                            struct h2_frame_header header) {
  size_t most = h2->theirs.max_frame_size;
  while ((size_t)(end - payload) > most) {
    header.length = (uint32_t)most;
    h2_frame_header_encode(payload - H2_FRAME_HEADER_BYTES, header);
    uint8_t *rest = payload + most;
    memmove(rest + H2_FRAME_HEADER_BYTES, rest, (size_t)(end - rest));
    end += H2_FRAME_HEADER_BYTES;
    payload = rest + H2_FRAME_HEADER_BYTES;
    header.type = H2_CONTINUATION;
    header.flags = 0;
  }
  header.length = (uint32_t)(end - payload);
  header.flags |= H2_FLAG_END_HEADERS;
  h2_frame_header_encode(payload - H2_FRAME_HEADER_BYTES, header);
  return end;
}

uint8_t *h2_section_write(struct h2 *h2, const struct h2_section *section, uint32_t stream_id,
                          uint8_t *out) {
  uint8_t *payload = out + H2_FRAME_HEADER_BYTES, *at = payload;
  struct h2_frame_header header = {.type = section->type,
                                   .flags = section->end_stream ? H2_FLAG_END_STREAM : 0,
                                   .stream_id = stream_id};
  if (section->type == H2_PUSH_PROMISE) at = wire_put32(at, section->promised_id);
  if (section->has_dependency) {
    header.flags |= H2_FLAG_PRIORITY;
    at = h2_frame_dependency_encode(at, section->dependency);
  }
  return frame_block(h2, payload, encode_block(h2, section, at), header);
}

uint8_t *h2_section_again(struct h2 *h2, const struct header_set *set, unsigned status,
                          uint32_t stream_id, bool end_stream, uint8_t *out) {
  const bool adds_date = status >= 200 && !h2_set_note_get(set).says_date;
  const struct hpack_block_key key = {.list = whole_key(set, (uint16_t)status),
                                      .time = adds_date ? (uint64_t)h2->http->date_seconds : 0};
  uint8_t *payload = out + H2_FRAME_HEADER_BYTES;
  uint8_t *end = hpack_encode_again(&h2->encoder, key, payload);
  if (!end) return NULL;
  h2_frame_header_encode(
      out,
      (struct h2_frame_header){.length = (uint32_t)(end - payload),
                               .type = H2_HEADERS,
                               .flags = H2_FLAG_END_HEADERS | (end_stream ? H2_FLAG_END_STREAM : 0),
                               .stream_id = stream_id});
  return end;
}
