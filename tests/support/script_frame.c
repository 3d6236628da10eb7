/*
 * support/script_frame.c - frames from a script's text.
 */
#include "tests/support/script_frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/wire.h"
#include "tests/support/cmocka.h"

struct buffer {
  uint8_t bytes[1 << 17]; /* the longest frame of any script, and more */
  size_t len;
};

static void put(struct buffer *to, const void *bytes, size_t len) {
  assert_true(to->len + len <= sizeof to->bytes);
  if (len) memcpy(to->bytes + to->len, bytes, len);
  to->len += len;
}

static void put_zeros(struct buffer *to, size_t len) {
  assert_true(to->len + len <= sizeof to->bytes);
  memset(to->bytes + to->len, 0, len);
  to->len += len;
}

static void put8(struct buffer *to, unsigned byte) {
  uint8_t octet = (uint8_t)byte;
  put(to, &octet, 1);
}

static void put32(struct buffer *to, uint32_t value) {
  uint8_t octets[4];
  wire_put32(octets, value);
  put(to, octets, 4);
}

static void put_hex(struct buffer *to, const char *hex, const char *end) {
  for (; hex + 1 < end; hex += 2) {
    char pair[3] = {hex[0], hex[1], 0};
    put8(to, (unsigned)strtoul(pair, NULL, 16));
  }
}

/* RFC 7541 section 5.1 */
static void put_integer(struct buffer *to, unsigned first, unsigned prefix, uint32_t value) {
  uint32_t most = (1u << prefix) - 1;
  if (value < most) {
    put8(to, first | value);
    return;
  }
  put8(to, first | most);
  for (value -= most; value >= 128; value >>= 7)
    put8(to, (value & 127) | 128);
  put8(to, value);
}

static size_t unescape(const char *text, const char *end, char *out, size_t size) {
  size_t len = 0;
  for (; text < end; text++) {
    assert_true(len < size);
    char pair[3] = {0};
    if (*text == '%') {
      memcpy(pair, text + 1, 2);
      text += 2;
    }
    out[len++] = pair[0] ? (char)strtoul(pair, NULL, 16) : *text;
  }
  return len;
}

static void put_string(struct buffer *to, const char *text, size_t len) {
  put_integer(to, 0, 7, (uint32_t)len);
  put(to, text, len);
}

static void put_field(struct script *script, struct buffer *to, const char *text, const char *end) {
  char name[256], value[1024];
  unsigned first = *text == '+' ? 0x40 : *text == '!' ? 0x10 : 0;
  if (first) text++;
  const char *equals = memchr(text, '=', (size_t)(end - text));
  assert_non_null(equals);
  size_t name_len = unescape(text, equals, name, sizeof name);
  size_t value_len = unescape(equals + 1, end, value, sizeof value);
  put8(to, first);
  put_string(to, name, name_len);
  put_string(to, value, value_len);
  if (first == 0x40 && script->inserted_count < SCRIPT_INSERTED) {
    struct script_inserted *inserted = &script->inserted[script->inserted_count++];
    snprintf(inserted->name, sizeof inserted->name, "%.*s", (int)name_len, name);
    snprintf(inserted->value, sizeof inserted->value, "%.*s", (int)value_len, value);
  }
}

static const char *usual_fields(const char *name, size_t len) {
  static const struct {
    const char *name, *fields;
  } usual[] = {
      {"@get", ":method=GET :scheme=https :authority=a :path=/"},
      {"@hold", ":method=GET :scheme=https :authority=a :path=/hold"},
      {"@post", ":method=POST :scheme=https :authority=a :path=/hold"},
      {"@connect", ":method=CONNECT :authority=a:443"},
      {"@ok", ":status=200"},
  };
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
    if (strlen(usual[i].name) == len && memcmp(usual[i].name, name, len) == 0)
      return usual[i].fields;
  fail_msg("no such fields: %.*s", (int)len, name);
  return "";
}

static void put_block(struct script *script, struct buffer *to, const char *text, const char *end);

/* One part of a block, `text` .. `end`. */
static void put_representation(struct script *script, struct buffer *to, const char *text,
                               const char *end) {
  size_t len = (size_t)(end - text);
  if (*text == '@') {
    const char *fields = usual_fields(text, len);
    put_block(script, to, fields, fields + strlen(fields));
  } else if (*text == '#') {
    put_integer(to, 0x80, 7, (uint32_t)strtoul(text + 1, NULL, 10));
  } else if (*text == '^') {
    put_integer(to, 0x20, 5, (uint32_t)strtoul(text + 1, NULL, 10));
  } else if (*text == 'x' && !memchr(text, '=', len)) {
    put_hex(to, text + 1, end);
  } else {
    put_field(script, to, text, end);
  }
}

static void put_block(struct script *script, struct buffer *to, const char *text, const char *end) {
  while (text < end) {
    const char *stop = text;
    while (stop < end && *stop != ' ')
      stop++;
    size_t len = (size_t)(stop - text);
    if (len > 0) put_representation(script, to, text, stop);
    text = stop < end ? stop + 1 : end;
  }
}

static uint8_t type_of(const char *name, size_t len) {
  static const struct {
    const char *name;
    uint8_t type;
  } types[] = {{"DATA", H2_DATA},         {"HEADERS", H2_HEADERS},   {"PRIORITY", H2_PRIORITY},
               {"RST", H2_RST_STREAM},    {"SETTINGS", H2_SETTINGS}, {"PUSH", H2_PUSH_PROMISE},
               {"PING", H2_PING},         {"GOAWAY", H2_GOAWAY},     {"WU", H2_WINDOW_UPDATE},
               {"CONT", H2_CONTINUATION}, {"PU", H2_PRIORITY_UPDATE}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strlen(types[i].name) == len && memcmp(types[i].name, name, len) == 0) return types[i].type;
  assert_int_equal(*name, 'T');
  return (uint8_t)strtoul(name + 1, NULL, 10);
}

static uint8_t flags_of(const char **text) {
  static const struct {
    char letter;
    uint8_t flags;
  } letters[] = {{'S', 0x1}, {'A', 0x1}, {'H', 0x4}, {'P', 0x8}, {'R', 0x20}, {'U', 0xd2}};
  uint8_t flags = 0;
  for (++*text; **text && **text != ' '; ++*text)
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
      if (letters[i].letter == **text) flags |= letters[i].flags;
  return flags;
}

/* Records the settings that bind the machine: the frame size at once, since a larger limit does
 * no harm and a smaller one is tested with the frames after the acknowledgement; the peer's
 * table from the acknowledgement on. */
static void announce(struct script *script, unsigned long id, unsigned long value) {
  if (id == H2_MAX_FRAME_SIZE && value >= H2_FRAME_BYTES_MIN && value <= H2_FRAME_BYTES_MAX)
    script->frame_bytes_max = (uint32_t)value;
  if (id == H2_HEADER_TABLE_SIZE)
    script->table_bytes_pending =
        value < HPACK_TABLE_BYTES_MAX ? (int64_t)value : HPACK_TABLE_BYTES_MAX;
}

/* One atom of a payload; returns its end. */
static const char *atom(struct script *script, struct buffer *to, const char *text, const char *end,
                        uint8_t *padding) {
  const char *stop = *text == '[' ? memchr(text, ']', (size_t)(end - text)) : text;
  assert_non_null(stop);
  while (stop < end && *stop != ' ')
    stop++;
  unsigned long value = strtoul(text + 1, NULL, 10);
  switch (*text) {
  case '[': put_block(script, to, text + 1, stop - 1); break;
  case 'x': put_hex(to, text + 1, stop); break;
  case '*': put_zeros(to, value); break;
  case '=': put32(to, (uint32_t)value); break;
  case '~': put(to, H2_PREFACE, H2_PREFACE_BYTES); break;
  case 'p':
    *padding = (uint8_t)value;
    put8(to, *padding);
    break;
  case 's':
    put8(to, (unsigned)value >> 8);
    put8(to, (unsigned)value);
    put32(to, (uint32_t)strtoul(strchr(text, '=') + 1, NULL, 10));
    announce(script, value, strtoul(strchr(text, '=') + 1, NULL, 10));
    break;
  case 'd':
    put32(to, (uint32_t)value | (stop[-1] == '!' ? 0x80000000u : 0));
    put8(to, (unsigned)strtoul(strchr(text, '/') + 1, NULL, 10) - 1);
    break;
  default: fail_msg("bad payload: %s", text);
  }
  return stop;
}

static void note_sent(struct script *script, const struct h2_frame_header *header) {
  if (header->type == H2_DATA) script->connection_credit -= header->length;
  if (header->type == H2_HEADERS && header->stream_id > script->id_max)
    script->id_max = header->stream_id;
}

/* Writes the payload's atoms, `text` .. `end`, and its padding. Returns the length for the header. */
static uint32_t put_payload(struct script *script, struct buffer *to, const char *text,
                            const char *end) {
  long length = -1;
  uint8_t padding = 0;
  while (text < end) {
    if (*text == ' ') {
      text++;
    } else if (*text == 'L') {
      length = strtol(text + 1, NULL, 10);
      text += strcspn(text, " ;");
    } else {
      text = atom(script, to, text, end, &padding);
    }
  }
  put_zeros(to, padding);
  return length >= 0 ? (uint32_t)length : (uint32_t)to->len;
}

struct span script_frame(struct script *script, const char *text, const char *end) {
  static struct buffer payload, whole;
  payload.len = whole.len = 0;
  if (strncmp(text, "RAW ", 4) == 0) {
    (void)put_payload(script, &payload, text + 4, end);
    return span_of(payload.bytes, payload.len);
  }
  const char *stop = text + strcspn(text, "/ ");
  struct h2_frame_header header = {.type = type_of(text, (size_t)(stop - text))};
  if (*stop == '/') header.flags = flags_of(&stop);
  char *after;
  unsigned long id = strtoul(stop, &after, 10);
  header.stream_id = (uint32_t)id & 0x7fffffffu;
  header.length = put_payload(script, &payload, after, end);
  h2_frame_header_encode(whole.bytes, header);
  if (id & 0x80000000u) whole.bytes[5] |= 0x80; /* the reserved bit */
  whole.len = H2_FRAME_HEADER_BYTES;
  note_sent(script, &header);
  put(&whole, payload.bytes, payload.len);
  return span_of(whole.bytes, whole.len);
}
