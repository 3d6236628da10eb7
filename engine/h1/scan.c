/*
 * h1/scan.c - see h1/scan.h. SSE2, which every x86-64 has, looks at 16 bytes at a time; runs of less than
 * 8 bytes, and other processors, use the plain twins. Wider vectors do not pay: most runs are shorter than 32
 * bytes.
 */
#include "engine/h1/scan.h"

#include "engine/base/text.h"

#include <string.h>

/* ---- plain ----------------------------------------------------------------------------------- */

static bool ends_text(uint8_t byte) {
  return (byte < ' ' && byte != '\t') || byte == 0x7f;
}

static bool ends_target(uint8_t byte) {
  return byte <= ' ' || byte >= 0x7f || byte == '#';
}

const uint8_t *h1_scan_text_plain(const uint8_t *at, const uint8_t *end) {
  while (at < end && !ends_text(*at))
    at++;
  return at;
}

const uint8_t *h1_scan_target_plain(const uint8_t *at, const uint8_t *end) {
  while (at < end && !ends_target(*at))
    at++;
  return at;
}

size_t h1_scan_name_plain(const uint8_t *at, const uint8_t *end, uint8_t *lower) {
  size_t max = (size_t)(end - at), len = 0;
  if (max > H1_SCAN_NAME_BYTES) max = H1_SCAN_NAME_BYTES;
  for (; len < max && at[len] != ':'; len++)
    lower[len] = text_lower(at[len]);
  return len;
}

/* ---- SSE2 ------------------------------------------------------------------------------------ */

#ifdef __SSE2__

typedef uint8_t vector __attribute__((vector_size(16)));
typedef char mask_vector __attribute__((vector_size(16)));

enum { VECTOR_BYTES = sizeof(vector) }; /* derived from the vector's type */

static vector load(const uint8_t *at) {
  vector bytes;
  memcpy(&bytes, at, sizeof bytes);
  return bytes;
}

/* A bit for each byte that is not 0, all of whose bits are set. */
static unsigned bits(vector mask) {
  return (unsigned)__builtin_ia32_pmovmskb128((mask_vector)mask);
}

typedef const uint8_t *plain_fn(const uint8_t *at, const uint8_t *end);

/* A bit for each byte that ends a run. */
typedef unsigned ends_fn(vector bytes);

static unsigned text_ends(vector bytes) {
  return bits((vector)(((bytes < ' ') & (bytes != '\t')) | (bytes == 0x7f)));
}

static unsigned target_ends(vector bytes) {
  return bits((vector)((bytes <= ' ') | (bytes >= 0x7f) | (bytes == '#')));
}

/* 8 to 15 bytes, as two halves that overlap. */
static inline const uint8_t *scan_halves(const uint8_t *at, const uint8_t *end, ends_fn *ends) {
  uint8_t halves[VECTOR_BYTES];
  memcpy(halves, at, VECTOR_BYTES / 2);
  memcpy(halves + VECTOR_BYTES / 2, end - VECTOR_BYTES / 2, VECTOR_BYTES / 2);
  unsigned found = ends(load(halves));
  if (!found) return end;
  int first = __builtin_ctz(found);
  return first < VECTOR_BYTES / 2 ? at + first : end - VECTOR_BYTES + first;
}

/* What is left at the end is looked at together with bytes before it, which are known to end nothing. */
static inline const uint8_t *scan(const uint8_t *at, const uint8_t *end, ends_fn *ends,
                                  plain_fn *plain) {
  if (end - at < VECTOR_BYTES / 2) return plain(at, end);
  if (end - at < VECTOR_BYTES) return scan_halves(at, end, ends);
  for (; end - at >= VECTOR_BYTES; at += VECTOR_BYTES) {
    unsigned found = ends(load(at));
    if (found) return at + __builtin_ctz(found);
  }
  if (at == end) return end;
  unsigned found = ends(load(end - VECTOR_BYTES));
  return found ? end - VECTOR_BYTES + __builtin_ctz(found) : end;
}

const uint8_t *h1_scan_text(const uint8_t *at, const uint8_t *end) {
  return scan(at, end, text_ends, h1_scan_text_plain);
}

const uint8_t *h1_scan_target(const uint8_t *at, const uint8_t *end) {
  return scan(at, end, target_ends, h1_scan_target_plain);
}

size_t h1_scan_name(const uint8_t *at, const uint8_t *end, uint8_t *lower) {
  size_t len = 0;
  for (; len < H1_SCAN_NAME_BYTES && end - at >= VECTOR_BYTES; len += VECTOR_BYTES) {
    vector bytes = load(at);
    vector upper = (vector)((bytes >= 'A') & (bytes <= 'Z'));
    vector lowered = bytes | (upper & 0x20);
    memcpy(lower + len, &lowered, sizeof lowered);
    unsigned found = bits((vector)(bytes == ':'));
    if (found) return len + (unsigned)__builtin_ctz(found);
    at += VECTOR_BYTES;
  }
  if (len == H1_SCAN_NAME_BYTES) return len;
  size_t max = (size_t)(end - at) < VECTOR_BYTES ? (size_t)(end - at) : VECTOR_BYTES;
  return len + h1_scan_name_plain(at, at + max, lower + len);
}

#else

const uint8_t *h1_scan_text(const uint8_t *at, const uint8_t *end) {
  return h1_scan_text_plain(at, end);
}

const uint8_t *h1_scan_target(const uint8_t *at, const uint8_t *end) {
  return h1_scan_target_plain(at, end);
}

size_t h1_scan_name(const uint8_t *at, const uint8_t *end, uint8_t *lower) {
  return h1_scan_name_plain(at, end, lower);
}

#endif
