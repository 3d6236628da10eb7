/*
 * http/origin.c - keeps the origins of a connection's requests.
 */
#include "engine/http/origin.h"

#include "engine/http/limits.h"
#include "engine/http/syntax.h"

#include <assert.h>
#include <string.h>

static size_t text_bytes(const struct origin *origin) {
  return (size_t)origin->scheme_len + origin->authority_len;
}

static bool is(const struct origin *origin, struct span scheme, struct span authority) {
  struct span kept = span_of(origin->text + origin->scheme_len, origin->authority_len);
  if (span_equal(span_of(origin->text, origin->scheme_len), scheme) && span_equal(kept, authority))
    return true; /* as most requests say it */
  return span_equal_ignoring_case(span_of(origin->text, origin->scheme_len), scheme) &&
         syntax_same_authority(kept, authority, scheme);
}

bool origin_is(const struct origin *origins, uint8_t number, struct span scheme,
               struct span authority) {
  return number && is(&origins[number - 1], scheme, authority);
}

static bool make_table(struct origin **origins, const struct memory *memory) {
  if (*origins) return true;
  *origins = memory_alloc(memory, ORIGINS_MAX * sizeof **origins);
  if (*origins) memset(*origins, 0, ORIGINS_MAX * sizeof **origins);
  return *origins;
}

/* The entry with this origin, and `*kept`; else one that is free; else NULL. */
static struct origin *find(struct origin *origins, struct span scheme, struct span authority,
                           bool *kept) {
  struct origin *room = NULL;
  *kept = false;
  for (struct origin *at = origins; at < origins + ORIGINS_MAX; at++) {
    if (!at->text) return room ? room : at; /* entries are used from the first on */
    *kept = is(at, scheme, authority);
    if (*kept) return at;
    if (!at->users && !room) room = at;
  }
  return room;
}

static bool replace(struct origin *origin, const struct memory *memory, struct span scheme,
                    struct span authority) {
  authority = syntax_normal_authority(authority, scheme);
  uint8_t *text = memory_alloc(memory, scheme.len + authority.len);
  if (!text) return false;
  memory_free(memory, origin->text, text_bytes(origin));
  memcpy(text, scheme.base, scheme.len);
  memcpy(text + scheme.len, authority.base, authority.len);
  *origin = (struct origin){
      .text = text, .scheme_len = (uint16_t)scheme.len, .authority_len = (uint16_t)authority.len};
  return true;
}

uint8_t origin_take(struct origin **origins, const struct memory *memory, struct span scheme,
                    struct span authority) {
  if (!scheme.len || !authority.len || scheme.len + authority.len > ORIGIN_BYTES_MAX) return 0;
  if (!make_table(origins, memory)) return 0;
  bool kept;
  struct origin *origin = find(*origins, scheme, authority, &kept);
  if (!origin) return 0;
  if (!kept && !replace(origin, memory, scheme, authority)) return 0;
  origin->users++;
  return (uint8_t)(origin - *origins + 1);
}

void origin_give(struct origin *origins, uint8_t number) {
  if (!number) return;
  assert(origins[number - 1].users > 0);
  origins[number - 1].users--;
}

void origins_close(struct origin **origins, const struct memory *memory) {
  if (!*origins) return;
  for (struct origin *at = *origins; at < *origins + ORIGINS_MAX; at++) {
    assert(at->users == 0);
    memory_free(memory, at->text, text_bytes(at));
  }
  memory_free(memory, *origins, ORIGINS_MAX * sizeof **origins);
  *origins = NULL;
}
