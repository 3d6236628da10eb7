/*
 * spdy/named.c - see spdy/named.h.
 */
#include "engine/spdy/named.h"

#include "engine/spdy/connection.h"

#include <string.h>

/* ---- text ------------------------------------------------------------------------------------ */

/* Appends all parts, or none when they do not fit. */
__attribute__((warn_unused_result)) static bool append(struct spdy_named_text *text,
                                                       const struct span *parts, size_t count) {
  size_t len = 0;
  for (size_t i = 0; i < count; i++)
    len += parts[i].len;
  if (len > sizeof text->text - text->len) return false;
  for (size_t i = 0; i < count; i++) {
    if (parts[i].len) memcpy(text->text + text->len, parts[i].base, parts[i].len);
    text->len += parts[i].len;
  }
  return true;
}

/* ---- what is pushed -------------------------------------------------------------------------- */

void spdy_named_note(struct spdy_stream *page, const struct spdy_stream *pushed,
                     const struct request *request) {
  if (!page->pushed) page->pushed = memory_alloc(page->spdy->http->memory, sizeof *page->pushed);
  if (!page->pushed) return;
  if (!page->pushed_named) page->pushed->len = 0;
  const uint8_t priority = (uint8_t)('0' + pushed->node.urgency);
  const struct span parts[] = {span_text(page->pushed_named ? "||" : ""),
                               span_of(&priority, 1),
                               span_text("??"),
                               request->scheme,
                               span_text("://"),
                               request->authority,
                               request->path};
  page->pushed_named |= append(page->pushed, parts, sizeof parts / sizeof *parts);
}

void spdy_named_free(struct spdy_stream *stream) {
  memory_free(stream->spdy->http->memory, stream->pushed, sizeof *stream->pushed);
  stream->pushed = NULL;
}

/* ---- what a client should ask for ------------------------------------------------------------ */

/* The type of content for what `as` of a preload says. */
static const struct {
  const char *as, *type;
} types[] = {{"style", "text/css"}, {"script", "text/javascript"}, {"image", "image/*"},
             {"font", "font/*"},    {"document", "text/html"},     {"audio", "audio/*"},
             {"video", "video/*"}};

static const char *type_of(struct span as) {
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (span_is(as, types[i].as)) return types[i].type;
  return "*/*";
}

static struct span trim(struct span text) {
  while (text.len && (text.base[0] == ' ' || text.base[0] == '"'))
    text = span_skip(text, 1);
  while (text.len && (text.base[text.len - 1] == ' ' || text.base[text.len - 1] == '"'))
    text.len--;
  return text;
}

/* The value of a parameter among those behind a link's target; empty without it. */
static struct span parameter(struct span parameters, const char *name) {
  while (parameters.len) {
    const uint8_t *semicolon = memchr(parameters.base, ';', parameters.len);
    size_t len = semicolon ? (size_t)(semicolon - parameters.base) : parameters.len;
    struct span each = trim(span_of(parameters.base, len));
    size_t name_len = strlen(name);
    bool found =
        each.len > name_len && each.base[name_len] == '=' && memcmp(each.base, name, name_len) == 0;
    if (found) return trim(span_skip(each, name_len + 1));
    parameters = span_skip(parameters, semicolon ? len + 1 : len);
  }
  return (struct span){0};
}

/* Appends the target of `<TARGET>; rel=preload; as=style`. */
static void add_link(struct spdy_named_text *text, struct span link) {
  const uint8_t *close = link.len ? memchr(link.base, '>', link.len) : NULL;
  if (!close || link.base[0] != '<') return;
  struct span target = span_of(link.base + 1, (size_t)(close - link.base) - 1);
  struct span parameters = span_skip(link, target.len + 2);
  if (!span_is(parameter(parameters, "rel"), "preload")) return;
  const struct span parts[] = {span_text(text->len ? "!!" : ""),
                               span_text(type_of(parameter(parameters, "as"))), span_text("!!"),
                               target};
  bool fits = append(text, parts, sizeof parts / sizeof *parts);
  (void)fits; /* what does not is left out */
}

static struct header field(const char *name, const uint8_t *base, size_t len) {
  return (struct header){.name = span_text(name), .value = span_of(base, len)};
}

size_t spdy_named_fields(const struct spdy_stream *stream, const struct header *fields,
                         size_t count, struct spdy_named_text *text, struct header *out) {
  size_t made = 0;
  text->len = 0;
  for (size_t i = 0; i < count; i++)
    if (header_token_by_name(&fields[i]) == TOKEN_LINK) add_link(text, fields[i].value);
  if (stream->pushed_named)
    out[made++] = field("x-associated-content", stream->pushed->text, stream->pushed->len);
  if (text->len) out[made++] = field("x-subresource", text->text, text->len);
  return made;
}
