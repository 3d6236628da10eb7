/*
 * http/negotiate.c - quality values in, one coding out; see http/negotiate.h.
 */
#include "engine/http/negotiate.h"

#include <assert.h>

#include "engine/http/field_list.h"
#include "engine/http/limits.h"

static const struct {
  const char *name, *alias, *suffix;
} codings[CODING_COUNT] = {
    [CODING_IDENTITY] = {"identity", "identity", ""},
    [CODING_GZIP] = {"gzip", "x-gzip", ".gz"}, /* x-gzip: section 8.4.1.3 */
    [CODING_ZSTD] = {"zstd", "zstd", ".zst"},
    [CODING_BR] = {"br", "br", ".br"},
};

/* Ranks: a quality of 0.001 .. 1.000 becomes 2 .. 1001. Identity that no field mentions is
 * acceptable, after all of these: 1. */
enum { RANK_REFUSED = 0, RANK_UNSAID = 1, RANK_FULL = 1001 };

bool negotiate_quality(struct span text, unsigned *thousandths) {
  if (text.len < 1 || text.len > 5 || (text.base[0] != '0' && text.base[0] != '1')) return false;
  if (text.len > 1 && text.base[1] != '.') return false;
  unsigned value = (unsigned)(text.base[0] - '0') * 1000, unit = 100;
  for (size_t i = 2; i < text.len; i++, unit /= 10) {
    if (text.base[i] < '0' || text.base[i] > '9') return false;
    value += (unsigned)(text.base[i] - '0') * unit;
  }
  *thousandths = value;
  return value <= 1000;
}

/* "gzip;q=0.5": its name and its rank. */
static bool read_element(struct span element, struct span *name, uint16_t *rank) {
  *name = field_split(&element, ';');
  *rank = RANK_FULL;
  if (element.len == 0) return true;
  struct span weight = field_trim(element), key = field_split(&weight, '=');
  unsigned thousandths;
  if (!span_is_ignoring_case(key, "q") || !negotiate_quality(weight, &thousandths)) return false;
  *rank = (uint16_t)(thousandths == 0 ? RANK_REFUSED : thousandths + 1);
  return true;
}

static int coding_of(struct span name) {
  for (int coding = 0; coding < CODING_COUNT; coding++)
    if (span_is_ignoring_case(name, codings[coding].name) ||
        span_is_ignoring_case(name, codings[coding].alias))
      return coding;
  return -1;
}

/* The ranks read so far; -1: none. */
struct said {
  int rank[CODING_COUNT];
  int others; /* "*" */
};

static void read_field(struct said *said, struct span value) {
  struct span element, name;
  uint16_t rank;
  while (field_next(&value, &element)) {
    if (!read_element(element, &name, &rank)) continue;
    int coding = coding_of(name);
    if (coding >= 0) said->rank[coding] = rank;
    if (span_is_ignoring_case(name, "*")) said->others = rank;
  }
}

void negotiate_read(struct negotiation *negotiation, const struct headers *fields) {
  struct said said = {.rank = {-1, -1, -1, -1}, .others = -1};
  size_t left = FIELD_LIST_BYTES_MAX;
  _Static_assert(CODING_COUNT == 4, "one -1 for each coding above");
  for (uint32_t i = 0; i < fields->count; i++)
    if (fields->at[i].token == TOKEN_ACCEPT_ENCODING)
      read_field(&said, field_front(fields->at[i].value, &left));
  for (int coding = 0; coding < CODING_COUNT; coding++) {
    int unsaid = coding == CODING_IDENTITY ? RANK_UNSAID : RANK_REFUSED;
    int rank = said.rank[coding] >= 0 ? said.rank[coding] : said.others;
    negotiation->rank[coding] = (uint16_t)(rank >= 0 ? rank : unsaid);
  }
}

enum coding negotiate_best(const struct negotiation *negotiation, unsigned available) {
  int best = CODING_IDENTITY;
  for (int coding = CODING_IDENTITY + 1; coding < CODING_COUNT; coding++)
    if (available >> coding & 1 && negotiation->rank[coding] != RANK_REFUSED &&
        negotiation->rank[coding] >= negotiation->rank[best])
      best = coding;
  return (enum coding)best;
}

struct span coding_name(enum coding coding) {
  assert(coding < CODING_COUNT);
  return coding == CODING_IDENTITY ? (struct span){0} : span_text(codings[coding].name);
}

struct span coding_suffix(enum coding coding) {
  assert(coding < CODING_COUNT);
  return span_text(codings[coding].suffix);
}
