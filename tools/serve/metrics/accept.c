/*
 * serve/metrics/accept.c - see serve/metrics/accept.h.
 */
#include "tools/serve/metrics/accept.h"

#include "engine/http/field_list.h"
#include "engine/http/negotiate.h"

enum { QUALITY_FULL = 1000 }; /* thousandths */

/* The most that the client said of each, in thousandths. */
struct said {
  unsigned open, text, others;
};

static bool is(struct span text, const char *word) {
  return span_is_ignoring_case(text, word);
}

/* Reads the parameters of a media range. False when one is malformed, or it is another version. */
static bool read_parameters(struct span parameters, bool open, unsigned *quality) {
  *quality = QUALITY_FULL;
  while (parameters.len > 0) {
    struct span value = field_split(&parameters, ';'), key = field_split(&value, '=');
    if (is(key, "q") && !negotiate_quality(value, quality)) return false;
    if (!is(key, "version")) continue;
    if (open ? !is(value, "1.0.0") && !is(value, "0.0.1") : !is(value, "0.0.4")) return false;
  }
  return true;
}

static void read_element(struct said *said, struct span element) {
  struct span type = field_split(&element, ';');
  bool open = is(type, "application/openmetrics-text"), text = is(type, "text/plain");
  bool other = is(type, "text/*") || is(type, "*/*");
  unsigned quality;
  if (!(open || text || other) || !read_parameters(element, open, &quality)) return;
  unsigned *most = open ? &said->open : text ? &said->text : &said->others;
  if (quality > *most) *most = quality;
}

enum metrics_form metrics_accept(const struct headers *fields) {
  struct said said = {0};
  for (uint32_t i = 0; i < fields->count; i++) {
    struct span list = fields->at[i].value, element;
    if (fields->at[i].token != TOKEN_ACCEPT) continue;
    while (field_next(&list, &element))
      read_element(&said, element);
  }
  unsigned text = said.text ? said.text : said.others;
  return said.open > 0 && said.open >= text ? METRICS_OPEN : METRICS_PROMETHEUS;
}
