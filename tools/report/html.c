/*
 * report/html.c - see report/html.h.
 */
#include "tools/report/html.h"

#include <string.h>

#include "tools/load/html.h"
#include "tools/report/limits.h"

static json_t *difference_of(const struct report_difference *difference) {
  return json_pack("{s:f, s:f, s:f, s:f}", "from_ns", difference->from_ns, "to_ns",
                   difference->to_ns, "low_ns", difference->low_ns, "high_ns", difference->high_ns);
}

static json_t *change_of(const struct report_change *change) {
  if (!change->measured) return json_null();
  return json_pack("{s:o, s:o}", "p50", difference_of(&change->tested[0]), "p99",
                   difference_of(&change->tested[1]));
}

static bool add_changes(json_t *page, const struct report_change *changes, unsigned count,
                        uint64_t seed) {
  json_t *list = json_array();
  bool good = list != NULL;
  for (unsigned i = 0; i < count && good; i++)
    good = json_array_append_new(list, change_of(&changes[i])) == 0;
  if (json_object_set_new(page, "changes", list) != 0 || !good) return false;
  json_t *method = json_sprintf(
      "Bootstrap intervals of %.0f%%: %d resamples of each result's histogram, seed %llu. They "
      "compare the requests of these runs; only repeated runs show how runs vary.",
      REPORT_LEVEL * 100, REPORT_RESAMPLES, (unsigned long long)seed);
  return json_object_set_new(page, "method", method) == 0;
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

json_t *report_html_page(const struct report_result *results, const struct report_change *changes,
                         unsigned count, uint64_t seed) {
  json_t *page = load_html_page();
  bool good = page != NULL;
  for (unsigned i = 0; i < count && good; i++)
    good = load_html_add(page, base_name(results[i].path), results[i].json);
  if (good && count > 1) good = add_changes(page, changes, count, seed);
  if (good) return page;
  json_decref(page);
  return NULL;
}
