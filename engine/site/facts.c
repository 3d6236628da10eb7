/*
 * site/facts.c - what all answers about one version of a file have in common.
 *
 * The entity tag is strong: it is made of size and modification time in nanoseconds, so that a file
 * that was replaced or rewritten gets another one, and the same file on another server the same. A
 * compressed sibling has its suffix in it besides: it may have been made in the same instant. What was compressed
 * on the fly has a weak one, with the coding: another server, or another release of a library, makes other bytes.
 */
#include "engine/site/facts.h"

#include <assert.h>
#include <string.h>

#include "engine/http/field_list.h"
#include "engine/http/first_scan.h"
#include "engine/site/limits.h"
#include "engine/site/mime.h"

static size_t put_hex(uint8_t *out, uint64_t value) {
  size_t digits = 1;
  while (digits < 16 && value >> (4 * digits))
    digits++;
  for (size_t i = digits; i-- > 0; value >>= 4)
    out[i] = (uint8_t) "0123456789abcdef"[value & 15];
  return digits;
}

/* "br", "zst" or "gz", of a compressed sibling; of other files nothing. */
static struct span suffix_of(struct span path) {
  for (int coding = CODING_IDENTITY + 1; coding < CODING_COUNT; coding++) {
    struct span suffix = coding_suffix((enum coding)coding);
    if (path.len <= suffix.len) continue;
    struct span end = span_skip(path, path.len - suffix.len);
    if (span_equal(end, suffix)) return span_skip(end, 1);
  }
  return (struct span){0};
}

static size_t put_etag(uint8_t out[SITE_ETAG_BYTES_MAX], const struct site_entry *entry,
                       struct span path) {
  struct span suffix = suffix_of(path);
  size_t len = 0;
  out[len++] = '"';
  len += put_hex(out + len, entry->size_bytes);
  out[len++] = '-';
  len += put_hex(out + len, (uint64_t)entry->mtime_ns);
  if (suffix.len > 0) {
    out[len++] = '-';
    memcpy(out + len, suffix.base, suffix.len);
    len += suffix.len;
  }
  out[len++] = '"';
  return len;
}

/* Whole seconds, rounded down, and not later than now: a Last-Modified in the future is not allowed
 * (RFC 9110 section 8.8.2.1). */
static int64_t modified_seconds(const struct site_settings *settings, int64_t mtime_ns) {
  int64_t second = (int64_t)SECOND_NS, seconds = mtime_ns / second - (mtime_ns % second < 0);
  const int64_t *now = settings->wall_seconds;
  return now && seconds > *now ? *now : seconds;
}

struct span site_facts_cache(const struct site_settings *settings, struct span path) {
  return site_rules_cache(settings->rules, path, settings->cache_control);
}

/* Appends a field to those that are ready. */
static void put(struct site_facts *facts, uint32_t *count, enum header_token token,
                struct span value) {
  assert(*count < SITE_READY_FIELDS_MAX);
  facts->fields[(*count)++] = header_of(token, value);
}

/* Whether a list of directives has that one (RFC 9111 section 5.2). */
static bool forbids_transforms(struct span cache_control) {
  struct span directive;
  while (field_next(&cache_control, &directive))
    if (span_is_ignoring_case(directive, "no-transform")) return true;
  return false;
}

/* Small files fit a packet as they are; of large ones the memory would be too much. */
static bool is_encodable(const struct site_settings *settings, const struct site_entry *entry,
                         struct span path) {
  const struct site_facts *facts = &entry->facts;
  return settings->encodings && entry->size_bytes >= SITE_ENCODE_BYTES_MIN &&
         entry->size_bytes <= SITE_ENCODE_BYTES_MAX && !facts->compressed &&
         mime_is_compressible(facts->type) && !forbids_transforms(site_facts_cache(settings, path));
}

static void make_sets(struct site_facts *facts, struct span cache_control) {
  uint32_t count = 0;
  if (cache_control.len > 0) put(facts, &count, TOKEN_CACHE_CONTROL, cache_control);
  put(facts, &count, TOKEN_CONTENT_TYPE, facts->type);
  facts->shared = (uint8_t)count;
  put(facts, &count, TOKEN_CONTENT_LENGTH, span_of(facts->length, facts->length_len));
  put(facts, &count, TOKEN_ETAG, span_of(facts->etag, facts->etag_len));
  put(facts, &count, TOKEN_LAST_MODIFIED, span_of(facts->modified, HTTP_DATE_BYTES));
  put(facts, &count, TOKEN_ACCEPT_RANGES, span_text("bytes"));
  if (facts->compressed) put(facts, &count, TOKEN_CONTENT_ENCODING, coding_name(CODING_GZIP));
  facts->plain = (struct header_set){.at = facts->fields, .count = count};
  put(facts, &count, TOKEN_VARY, span_text("accept-encoding"));
  facts->varied = (struct header_set){.at = facts->fields, .count = count};
}

void site_facts_prepare(const struct site_settings *settings, struct site_types *types,
                        struct site_entry *entry, struct span path) {
  struct site_facts *facts = &entry->facts;
  if (facts->ready) return;
  facts->ready = true;
  facts->type = site_types_find(types, path);
  facts->modified_seconds = modified_seconds(settings, entry->mtime_ns);
  facts->etag_len = (uint8_t)put_etag(facts->etag, entry, path);
  facts->length_len = (uint8_t)decimal_put(facts->length, entry->size_bytes);
  http_date_format(facts->modified_seconds, facts->modified);
  facts->first_known = entry->bytes.base != NULL; /* else site/reader.c finds it out */
  facts->first_bytes = facts->first_known ? first_scan_bytes(entry->bytes) : 0;
  facts->compressed = mime_is_gzipped(path);
  facts->encodable = is_encodable(settings, entry, path);
  make_sets(facts, site_facts_cache(settings, path));
}

void site_facts_code(const struct site_settings *settings, struct site_types *types,
                     struct site_entry *entry, enum coding coding, struct span path) {
  struct site_facts *facts = &entry->facts;
  assert(facts->ready);
  if (facts->coded.count > 0) return;
  struct span cache_control = site_facts_cache(settings, path);
  uint32_t count = facts->varied.count;
  put(facts, &count, TOKEN_CONTENT_ENCODING, coding_name(coding));
  put(facts, &count, TOKEN_CONTENT_TYPE, site_types_find(types, path));
  if (cache_control.len > 0) put(facts, &count, TOKEN_CACHE_CONTROL, cache_control);
  facts->coded =
      (struct header_set){.at = facts->fields + facts->shared, .count = count - facts->shared};
}

/* The origin's, weak, and with the coding's suffix or "id": distinct from all others. */
static size_t put_weak_etag(uint8_t out[SITE_ETAG_BYTES_MAX], const struct site_facts *origin,
                            enum coding coding) {
  struct span suffix =
      coding == CODING_IDENTITY ? span_text(".id") : coding_suffix(coding); /* with a dot */
  size_t len = 0;
  out[len++] = 'W';
  out[len++] = '/';
  memcpy(out + len, origin->etag, origin->etag_len - 1u);
  len += origin->etag_len - 1u;
  out[len++] = '-';
  memcpy(out + len, suffix.base + 1, suffix.len - 1);
  len += suffix.len - 1;
  out[len++] = '"';
  return len;
}

void site_facts_recode(const struct site_settings *settings, struct site_types *types,
                       struct site_entry *entry, const struct site_entry *origin,
                       enum coding coding, struct span path) {
  struct site_facts *facts = &entry->facts;
  const struct site_facts *from = &origin->facts;
  struct span cache_control = site_facts_cache(settings, path);
  uint32_t count = 0;
  if (facts->ready) return;
  facts->ready = facts->first_known = true;
  facts->type = site_types_find(types, path);
  facts->modified_seconds = from->modified_seconds;
  memcpy(facts->modified, from->modified, sizeof facts->modified);
  facts->etag_len = (uint8_t)put_weak_etag(facts->etag, from, coding);
  facts->length_len = (uint8_t)decimal_put(facts->length, entry->size_bytes);
  if (cache_control.len > 0) put(facts, &count, TOKEN_CACHE_CONTROL, cache_control);
  put(facts, &count, TOKEN_CONTENT_TYPE, facts->type);
  put(facts, &count, TOKEN_CONTENT_LENGTH, span_of(facts->length, facts->length_len));
  put(facts, &count, TOKEN_ETAG, span_of(facts->etag, facts->etag_len));
  put(facts, &count, TOKEN_LAST_MODIFIED, span_of(facts->modified, HTTP_DATE_BYTES));
  put(facts, &count, TOKEN_VARY, span_text("accept-encoding"));
  if (coding != CODING_IDENTITY) put(facts, &count, TOKEN_CONTENT_ENCODING, coding_name(coding));
  facts->varied = facts->coded = (struct header_set){.at = facts->fields, .count = count};
}
