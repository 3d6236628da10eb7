/*
 * range.c - reads a Range field and writes Content-Range; see range.h.
 */
#include "range.h"

#include "decimal.h"

static bool is_space(uint8_t byte) {
  return byte == ' ' || byte == '\t';
}

static struct span trim(struct span text) {
  while (text.len > 0 && is_space(text.base[0]))
    text = span_of(text.base + 1, text.len - 1);
  while (text.len > 0 && is_space(text.base[text.len - 1]))
    text.len--;
  return text;
}

/* Takes "bytes=" off the front; range unit names are case-insensitive (section 14.1). */
static bool take_unit(struct span *text) {
  static const char unit[] = "bytes=";
  size_t len = sizeof unit - 1;
  if (text->len < len) return false;
  for (size_t i = 0; i < len - 1; i++)
    if ((text->base[i] | 0x20) != unit[i]) return false;
  if (text->base[len - 1] != '=') return false;
  *text = span_of(text->base + len, text->len - len);
  return true;
}

/* The only element of a list that may have empty elements (section 5.6.1.2). */
static bool only_element(struct span list, struct span *element) {
  *element = (struct span){0};
  while (list.len > 0) {
    const uint8_t *comma = __builtin_memchr(list.base, ',', list.len);
    size_t len = comma ? (size_t)(comma - list.base) : list.len;
    struct span candidate = trim(span_of(list.base, len));
    if (candidate.len > 0 && element->len > 0) return false;
    if (candidate.len > 0) *element = candidate;
    size_t used = comma ? len + 1 : len;
    list = span_of(list.base + used, list.len - used);
  }
  return element->len > 0;
}

/* "-500": the last 500 bytes. */
static enum range_result suffix(struct span digits, uint64_t size_bytes, struct range *out) {
  uint64_t count;
  if (!decimal_get(digits, &count)) return RANGE_WHOLE;
  if (count == 0) return RANGE_UNSATISFIABLE;
  /* A satisfiable range of nothing: Content-Range cannot say that, a 200 without bytes can. */
  if (size_bytes == 0) return RANGE_WHOLE;
  if (count > size_bytes) count = size_bytes;
  *out = (struct range){.first = size_bytes - count, .count = count};
  return RANGE_PART;
}

enum range_result range_parse(struct span value, uint64_t size_bytes, struct range *out) {
  struct span spec;
  if (!take_unit(&value) || !only_element(value, &spec)) return RANGE_WHOLE;
  const uint8_t *dash = __builtin_memchr(spec.base, '-', spec.len);
  if (!dash) return RANGE_WHOLE;
  struct span before = span_of(spec.base, (size_t)(dash - spec.base));
  struct span after = span_of(dash + 1, spec.len - before.len - 1);
  if (before.len == 0) return suffix(after, size_bytes, out);

  uint64_t first, last = UINT64_MAX;
  if (!decimal_get(before, &first)) return RANGE_WHOLE;
  if (after.len > 0 && !decimal_get(after, &last)) return RANGE_WHOLE;
  if (last < first) return RANGE_WHOLE; /* invalid, not unsatisfiable (section 14.1.1) */
  if (first >= size_bytes) return RANGE_UNSATISFIABLE;
  if (last >= size_bytes) last = size_bytes - 1;
  *out = (struct range){.first = first, .count = last - first + 1};
  return RANGE_PART;
}

static size_t put_text(uint8_t *out, const char *text) {
  size_t len = __builtin_strlen(text);
  __builtin_memcpy(out, text, len);
  return len;
}

size_t range_format(uint8_t out[RANGE_TEXT_BYTES_MAX], struct range range, uint64_t size_bytes) {
  size_t len = put_text(out, "bytes ");
  len += decimal_put(out + len, range.first);
  out[len++] = '-';
  len += decimal_put(out + len, range.first + range.count - 1);
  out[len++] = '/';
  return len + decimal_put(out + len, size_bytes);
}

size_t range_format_unsatisfied(uint8_t out[RANGE_TEXT_BYTES_MAX], uint64_t size_bytes) {
  size_t len = put_text(out, "bytes */");
  return len + decimal_put(out + len, size_bytes);
}
