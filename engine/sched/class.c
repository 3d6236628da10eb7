/*
 * sched/class.c - media types in order of how much a page waits for them; see sched/class.h.
 */
#include "engine/sched/class.h"

#include "engine/base/text.h"

const struct sched_class_rule sched_class_rules[SCHED_CLASS_COUNT] = {
    [SCHED_CLASS_OTHER] = {.urgency = 3, .incremental = true},
    [SCHED_CLASS_DOCUMENT] = {.urgency = 1,
                              .incremental = true,
                              .critical = true}, /* parsed as it comes */
    [SCHED_CLASS_STYLE] = {.urgency = 1, .incremental = false, .critical = true},
    [SCHED_CLASS_SCRIPT] = {.urgency = 2, .incremental = false, .critical = true},
    [SCHED_CLASS_FONT] = {.urgency = 2, .incremental = false, .critical = true},
    [SCHED_CLASS_IMAGE] = {.urgency = 5, .incremental = true},
    [SCHED_CLASS_MEDIA] = {.urgency = 6, .incremental = true},
    [SCHED_CLASS_TUNNEL] = {.urgency = 3, .incremental = true},
};

#define TYPE(text) .type = {.base = (const uint8_t *)(text), .len = sizeof(text) - 1}

/* Whole types before the prefixes that they begin with. */
static const struct {
  struct span type;
  enum sched_class class;
} types[] = {
    {TYPE("text/html"), SCHED_CLASS_DOCUMENT},
    {TYPE("application/xhtml+xml"), SCHED_CLASS_DOCUMENT},
    {TYPE("text/css"), SCHED_CLASS_STYLE},
    {TYPE("text/javascript"), SCHED_CLASS_SCRIPT},
    {TYPE("application/javascript"), SCHED_CLASS_SCRIPT},
    {TYPE("application/x-javascript"), SCHED_CLASS_SCRIPT},
    {TYPE("application/ecmascript"), SCHED_CLASS_SCRIPT},
    {TYPE("application/wasm"), SCHED_CLASS_SCRIPT},
    {TYPE("font/"), SCHED_CLASS_FONT},
    {TYPE("application/font-"), SCHED_CLASS_FONT},
    {TYPE("application/x-font-"), SCHED_CLASS_FONT},
    {TYPE("application/vnd.ms-fontobject"), SCHED_CLASS_FONT},
    {TYPE("image/"), SCHED_CLASS_IMAGE},
    {TYPE("audio/"), SCHED_CLASS_MEDIA},
    {TYPE("video/"), SCHED_CLASS_MEDIA},
};

static bool begins_with(struct span value, struct span prefix) {
  if (value.len < prefix.len) return false;
  for (size_t i = prefix.len; i-- > 0;) /* from the end: many types begin alike */
    if (text_lower(value.base[i]) != prefix.base[i]) return false;
  return true;
}

/* Whether the media type ends before that byte. */
static bool ends_at(struct span content_type, size_t at) {
  return at == content_type.len || content_type.base[at] == ';' || content_type.base[at] == ' ';
}

struct span sched_class_essence(struct span content_type) {
  size_t len = 0;
  while (!ends_at(content_type, len))
    len++;
  return span_of(content_type.base, len);
}

enum sched_class sched_class_of(struct span content_type) {
  const uint8_t first = content_type.len > 0 ? text_lower(content_type.base[0]) : 0;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    if (types[i].type.base[0] != first || !begins_with(content_type, types[i].type)) continue;
    const size_t len = types[i].type.len;
    const uint8_t last = types[i].type.base[len - 1];
    const bool prefix = last == '/' || last == '-';
    if (prefix || ends_at(content_type, len)) return types[i].class;
  }
  return SCHED_CLASS_OTHER;
}
