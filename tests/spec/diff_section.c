/*
 * spec/diff_section.c - random header sections, most of them valid.
 */
#include "tests/spec/diff_section.h"

#include <string.h>

#include "tests/support/cmocka.h"

#define PICK(random, list) (list)[random_below(random, sizeof(list) / sizeof *(list))]

void diff_section_add(struct diff_section *section, const char *name, const char *value) {
  assert_true(section->count < DIFF_SECTION_FIELDS);
  struct header *field = &section->fields[section->count++];
  size_t name_len = strlen(name), value_len = strlen(value);
  char *at = section->text + section->used;
  section->used += name_len + value_len;
  assert_true(section->used <= sizeof section->text);
  memcpy(at, name, name_len);
  memcpy(at + name_len, value, value_len);
  *field =
      (struct header){.name = span_of(at, name_len), .value = span_of(at + name_len, value_len)};
  field->token = (uint16_t)header_token_of(field->name);
}

static bool has(const struct diff_section *section, const char *name) {
  for (size_t i = 0; i < section->count; i++)
    if (span_is(section->fields[i].name, name)) return true;
  return false;
}

void diff_section_add_regular(struct diff_section *section, struct random *random, bool te) {
  static const char *const names[] = {"accept",        "user-agent", "x-a", "cookie", "etag",
                                      "x-longer-name", "date",       "via", "te",     "range"};
  char value[64];
  const char *name = PICK(random, names);
  if (strcmp(name, "te") == 0) {
    if (te && !has(section, "te")) diff_section_add(section, "te", "trailers");
    return;
  }
  size_t len = random_below(random, sizeof value - 1);
  for (size_t i = 0; i < len; i++)
    value[i] = (char)(0x21 + random_below(random, 0x7e - 0x21));
  value[len] = '\0';
  if (len > 4 && random_one_in(random, 3)) value[len / 2] = ' ';
  diff_section_add(section, name, value);
}

const char *diff_section_request(struct diff_section *section, struct random *random, bool te) {
  static const char *const methods[] = {"GET", "POST", "HEAD", "OPTIONS", "PUT", "X-TOKEN"};
  static const char *const paths[] = {"/", "/a/b?c=d", "/index.html", "/%41~"};
  const char *fields[4][2] = {
      {":method", PICK(random, methods)},
      {":scheme", random_one_in(random, 4) ? "http" : "https"},
      {":authority", "example.com"},
      {":path", PICK(random, paths)},
  };
  unsigned order[4] = {0, 1, 2, 3},
           left_out = random_one_in(random, 60) ? random_below(random, 4) : 4;
  for (unsigned i = 3; i > 0; i--) {
    unsigned k = random_below(random, i + 1), swapped = order[i];
    order[i] = order[k];
    order[k] = swapped;
  }
  for (unsigned i = 0; i < 4; i++)
    if (order[i] != left_out) diff_section_add(section, fields[order[i]][0], fields[order[i]][1]);
  for (unsigned i = random_below(random, 6); i > 0; i--)
    diff_section_add_regular(section, random, te);
  return left_out < 4 ? fields[left_out][0] : NULL;
}

const char *diff_section_spoil(struct diff_section *section, struct random *random) {
  static const char *const fields[][2] = {
      {"connection", "close"},
      {"transfer-encoding", "chunked"},
      {"upgrade", "h2c"},
      {"keep-alive", "1"},
      {"proxy-connection", "x"},
      {"Upper", "x"},
      {"", "x"},
      {"a b", "x"},
      {"x", "a\rb"},
      {"x", "a\nb"},
      {":path", "/late"},
      {":status", "200"},
      {":unknown", "x"},
      {"te", "gzip"},
      {"content-length", "x"},
      {"content-length", ""},
      {"x-\x7f", "x"},
      {"x\xc3\xa9", "x"},
  };
  const char *const *field = PICK(random, fields);
  diff_section_add(section, field[0], field[1]);
  return field[0];
}
