/*
 * fuzz/site.c - everything that the site parses: a request's path, dates, ranges, codings and
 * entity tags, and a file's first scan.
 *
 * Every parser gets the same bytes. Beyond not crashing: an accepted path stays below the root and
 * is the same after a redirect to it; a date is the same when it is written and read again; a range
 * lies within its representation; a first scan ends with a marker, and at the same place however
 * the file is cut.
 */
#include "engine/http/date.h"
#include "engine/http/first_scan.h"
#include "engine/http/limits.h"
#include "engine/http/negotiate.h"
#include "engine/site/conditional.h"
#include "engine/site/limits.h"
#include "engine/site/mime.h"
#include "engine/site/path.h"
#include "engine/site/range.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { ROOM = 256 };

static void check_safe(struct span path) {
  if (path.len == 0) return;
  assert(path.base[0] != '/' && path.base[path.len - 1] != '/');
  for (size_t i = 0; i < path.len; i++) {
    assert(path.base[i] >= 0x20 && path.base[i] != 0x7f && path.base[i] != '\\');
    if (i > 0 && path.base[i - 1] != '/') continue;
    assert(path.base[i] != '/');
    bool well_known = i == 0 && path.len >= 11 && memcmp(path.base, ".well-known", 11) == 0;
    assert(path.base[i] != '.' || well_known);
  }
}

static void check_path(struct span text) {
  uint8_t room[ROOM], again_room[3 * ROOM], target[8 * ROOM];
  struct site_path path, again;
  if (site_path_parse(text, room, sizeof room, &path) != SITE_PATH_OK) return;
  check_safe(path.path);
  (void)mime_type(path.path);
  size_t written = site_path_directory((struct span){0}, &path, target, sizeof target);
  if (written == 0) return; /* a long query */
  assert(target[0] == '/' && (written == 1 || target[1] != '/'));
  assert(site_path_parse(span_of(target, written), again_room, sizeof again_room, &again) ==
         SITE_PATH_OK);
  assert(span_equal(path.path, again.path) && span_equal(path.query, again.query));
  assert(again.directory);
}

static void check_date(struct span text) {
  int64_t seconds, again;
  uint8_t out[HTTP_DATE_BYTES];
  if (!http_date_parse(text, 1750000000, &seconds)) return;
  http_date_format(seconds, out);
  assert(http_date_parse(span_of(out, sizeof out), 1750000000, &again));
  /* The leap second at the end of the year 9999 would need a fifth digit. */
  assert(seconds == again || seconds == 253402300800);
}

static void check_range(struct span text) {
  static const uint64_t sizes[] = {0, 1, 1000, UINT64_MAX};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    struct range_set set;
    uint64_t all = 0;
    if (range_parse(text, sizes[i], &set) != RANGE_PART) continue;
    assert(set.count >= 1 && set.count <= SITE_RANGES_MAX);
    for (unsigned k = 0; k < set.count; k++) {
      struct range range = set.at[k];
      assert(range.count >= 1 && range.first < sizes[i] && range.count <= sizes[i] - range.first);
      uint8_t out[RANGE_TEXT_BYTES_MAX];
      assert(range_format(out, range, sizes[i]) <= sizeof out);
      assert(range.count <= sizes[i] - all); /* none overlaps another */
      all += range.count;
    }
  }
}

static void check_fields(struct span text) {
  static const enum header_token tokens[] = {TOKEN_ACCEPT_ENCODING,   TOKEN_IF_MATCH,
                                             TOKEN_IF_NONE_MATCH,     TOKEN_IF_RANGE,
                                             TOKEN_IF_MODIFIED_SINCE, TOKEN_IF_UNMODIFIED_SINCE};
  const struct validators validators = {.etag = span_text("\"a\""), .modified_seconds = 784111777};
  for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
    struct header at[1] = {header_of(tokens[i], text)};
    struct headers fields = {.at = at, .count = 1, .max = 1};
    struct negotiation negotiation;
    negotiate_read(&negotiation, &fields);
    enum coding best = negotiate_best(&negotiation, 7);
    assert(best < CODING_COUNT);
    assert(best == CODING_IDENTITY || negotiation.rank[best] > 0);
    (void)!conditional_evaluate(&fields, &validators);
    (void)!conditional_range_counts(&fields, &validators);
  }
}

static void check_first_scan(struct span file) {
  uint32_t bytes = first_scan_bytes(file);
  assert(bytes <= file.len && bytes <= HEAD_START_SCAN_BYTES_MAX);
  if (bytes) assert(bytes > 4 && file.base[bytes - 2] == 0xff && file.base[bytes - 1] > 0);
  if (bytes) assert(first_scan_bytes(span_of(file.base, bytes)) == bytes);
  if (bytes) assert(first_scan_bytes(span_of(file.base, bytes - 1)) == 0);
  struct first_scan scan = {0};
  size_t piece = file.len ? 1 + file.base[file.len - 1] % 32u : 1;
  for (size_t at = 0; at < file.len; at += piece) {
    size_t count = file.len - at < piece ? file.len - at : piece;
    (void)first_scan_read(&scan, span_of(file.base + at, count));
  }
  assert((scan.result == FIRST_SCAN_FOUND ? scan.bytes : 0) == bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  /* An exact-size copy, so that the sanitizer sees one byte too many. */
  uint8_t *copy = malloc(len ? len : 1);
  assert(copy);
  if (len) memcpy(copy, bytes, len);
  struct span text = span_of(copy, len);
  check_path(text);
  check_date(text);
  check_range(text);
  check_fields(text);
  check_first_scan(text);
  free(copy);
  return 0;
}
