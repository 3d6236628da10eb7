/*
 * site/range.c - reads a Range field and writes Content-Range; see site/range.h.
 */
#include "engine/site/range.h"

#include "engine/base/decimal.h"
#include "engine/base/text.h"
#include "engine/http/field_list.h"

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

/* "500-999" or "500-". */
static enum range_result bounds(struct span before, struct span after, uint64_t size_bytes,
                                struct range *out) {
  uint64_t first, last = UINT64_MAX;
  if (!decimal_get(before, &first)) return RANGE_WHOLE;
  if (after.len > 0 && !decimal_get(after, &last)) return RANGE_WHOLE;
  if (last < first) return RANGE_WHOLE; /* invalid, not unsatisfiable (section 14.1.1) */
  if (first >= size_bytes) return RANGE_UNSATISFIABLE;
  if (last >= size_bytes) last = size_bytes - 1;
  *out = (struct range){.first = first, .count = last - first + 1};
  return RANGE_PART;
}

static enum range_result one(struct span spec, uint64_t size_bytes, struct range *out) {
  struct span before, after;
  if (!span_cut(spec, '-', &before, &after)) return RANGE_WHOLE;
  return before.len == 0 ? suffix(after, size_bytes, out) : bounds(before, after, size_bytes, out);
}

static bool overlaps(const struct range_set *set, struct range range) {
  for (unsigned i = 0; i < set->count; i++)
    if (range.first < set->at[i].first + set->at[i].count &&
        set->at[i].first < range.first + range.count)
      return true;
  return false;
}

enum range_result range_parse(struct span value, uint64_t size_bytes, struct range_set *out) {
  struct span spec, unit = field_split(&value, '=');
  bool any = false;
  out->count = 0;
  /* Range unit names are case-insensitive (section 14.1). */
  if (!span_is_ignoring_case(unit, "bytes")) return RANGE_WHOLE;
  while (field_next(&value, &spec)) {
    struct range range;
    enum range_result result = one(spec, size_bytes, &range);
    any = true;
    if (result == RANGE_WHOLE) return RANGE_WHOLE; /* one that is invalid makes all invalid */
    if (result == RANGE_UNSATISFIABLE) continue;
    if (out->count == SITE_RANGES_MAX || overlaps(out, range)) return RANGE_WHOLE;
    out->at[out->count++] = range;
  }
  if (!any) return RANGE_WHOLE;
  return out->count > 0 ? RANGE_PART : RANGE_UNSATISFIABLE;
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
