/*
 * load/html.c - see load/html.h.
 */
#include "tools/load/html.h"

#include <assert.h>
#include <string.h>

#include "tools/common/version.h"
#include "tools/load/histogram_json.h"
#include "tools/load/html_parts.h"
#include "tools/load/json.h"

/* ---- the object ------------------------------------------------------------------------------ */

json_t *load_html_page(void) {
  return json_pack("{s:s, s:[]}", "version", weir_version(), "results");
}

/* A histogram of a second or a stage is a hundred times as long as the percentiles that are plotted. */
static bool slim_row(json_t *row) {
  static const struct {
    const char *name;
    double percent;
  } plotted[] = {{"p50_ns", 50}, {"p90_ns", 90}, {"p99_ns", 99}, {"p99_9_ns", 99.9}};
  struct load_histogram histogram; /* 36 KiB */
  if (!load_histogram_from_json(json_object_get(row, "histogram"), &histogram)) return true;
  json_object_del(row, "histogram");
  for (unsigned i = 0; i < sizeof plotted / sizeof plotted[0]; i++) {
    uint64_t value = load_histogram_percentile(&histogram, plotted[i].percent);
    if (json_object_set_new(row, plotted[i].name, json_integer((json_int_t)value)) != 0)
      return false;
  }
  return true;
}

bool load_html_add(json_t *page, const char *name, const json_t *result) {
  json_t *copy = json_deep_copy(result), *row;
  size_t i;
  bool good = true;
  json_array_foreach (json_object_get(copy, "series"), i, row)
    good = slim_row(row) && good;
  json_array_foreach (json_object_get(copy, "stages"), i, row)
    good = slim_row(row) && good;
  json_t *entry = json_pack("{s:s, s:o}", "name", name, "result", copy);
  return good && json_array_append_new(json_object_get(page, "results"), entry) == 0;
}

/* ---- the text -------------------------------------------------------------------------------- */

/* In JSON, "<" is only in texts. Without it, no text can end the element that holds the object. */
static int write_escaped(const char *text, size_t len, void *to) {
  while (len > 0) {
    const char *found = memchr(text, '<', len);
    size_t before = found ? (size_t)(found - text) : len;
    if (fwrite(text, 1, before, to) != before) return -1;
    if (found && fputs("\\u003c", to) == EOF) return -1;
    text += before + (found != NULL);
    len -= before + (found != NULL);
  }
  return 0;
}

static bool write_data(const json_t *page, FILE *to) {
  return json_dump_callback(page, write_escaped, to, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0;
}

/* Writes the template up to `mark`. Returns what follows the mark. */
static const char *write_until(const char *text, const char *mark, FILE *to) {
  const char *found = strstr(text, mark);
  assert(found);
  fwrite(text, 1, (size_t)(found - text), to);
  return found + strlen(mark);
}

bool load_html_write(const json_t *page, FILE *to) {
  const char *rest = write_until(load_html_template, "@page.css@\n", to);
  fputs(load_html_style, to);
  rest = write_until(rest, "@data@", to);
  if (!write_data(page, to)) return false;
  rest = write_until(rest, "@page.js@\n", to);
  fputs(load_html_script, to);
  fputs(rest, to);
  return fflush(to) == 0 && !ferror(to);
}

bool load_html_report(const struct load_report *report, FILE *to) {
  json_t *page = load_html_page(), *result = load_json_of(report);
  bool good =
      page && result && load_html_add(page, report->origin, result) && load_html_write(page, to);
  json_decref(result);
  json_decref(page);
  return good;
}
