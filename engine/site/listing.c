/*
 * site/listing.c - see site/listing.h.
 *
 * The page is written twice: first only to learn its length.
 */
#include "engine/site/listing.h"

#include <string.h>

#include "engine/http/date.h"
#include "engine/site/answer.h"

/* Where the page has come to. Without memory its length alone is counted. */
struct writing {
  uint8_t *at;
  size_t len;
};

static void put(struct writing *out, struct span text) {
  if (out->at && text.len) memcpy(out->at + out->len, text.base, text.len);
  out->len += text.len;
}

static void put_text(struct writing *out, const char *text) {
  put(out, span_text(text));
}

/* What stands for the byte in HTML; NULL: itself. */
static const char *entity_of(uint8_t byte) {
  switch (byte) {
  case '&': return "&amp;";
  case '<': return "&lt;";
  case '>': return "&gt;";
  case '"': return "&quot;";
  case '\'': return "&#39;";
  default: return NULL;
  }
}

/* Text of HTML, also within a quoted attribute. */
static void put_escaped(struct writing *out, struct span text) {
  size_t begin = 0; /* of the bytes that are not written yet */
  for (size_t i = 0; i < text.len; i++) {
    const char *entity = entity_of(text.base[i]);
    if (!entity) continue;
    put(out, span_of(text.base + begin, i - begin));
    put_text(out, entity);
    begin = i + 1;
  }
  put(out, span_of(text.base + begin, text.len - begin));
}

static void put_number(struct writing *out, uint64_t number) {
  uint8_t text[DECIMAL_BYTES_MAX];
  put(out, span_of(text, decimal_put(text, number)));
}

/* The dot keeps a name with a colon from being read as a scheme. */
static void put_link(struct writing *out, struct span name, bool directory) {
  uint8_t encoded[3 * SITE_INDEX_BYTES_MAX];
  put_text(out, "<a href=\"./");
  put_escaped(out, span_of(encoded, site_path_encode(name, encoded)));
  put_text(out, directory ? "/\">" : "\">");
  put_escaped(out, name);
  put_text(out, directory ? "/</a>" : "</a>");
}

static void put_row(struct writing *out, const struct site_name *name) {
  uint8_t date[HTTP_DATE_BYTES];
  put_text(out, "<tr><td>");
  put_link(out, name->name, name->directory);
  put_text(out, "<td>");
  if (!name->directory) put_number(out, name->size_bytes);
  put_text(out, "<td>");
  if (out->at) http_date_format(name->modified_seconds, date);
  put(out, span_of(date, sizeof date));
  put_text(out, "\n");
}

static bool is_shown(const struct site_name *name) {
  return name->name.len <= SITE_INDEX_BYTES_MAX && site_path_shows(name->name);
}

/* The site's root lies at `prefix`. */
static void put_title(struct writing *out, struct span prefix, struct span path) {
  put_text(out, "/");
  put_escaped(out, prefix);
  if (prefix.len > 0) put_text(out, "/");
  put_escaped(out, path);
  if (path.len > 0) put_text(out, "/");
}

static void write_page(struct writing *out, struct span prefix, struct span path,
                       const struct site_names *names) {
  put_text(out, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Index of ");
  put_title(out, prefix, path);
  put_text(out, "</title>\n<h1>Index of ");
  put_title(out, prefix, path);
  put_text(out, "</h1>\n<table>\n<tr><th>Name<th>Bytes<th>Modified\n");
  if (path.len > 0) put_text(out, "<tr><td><a href=\"../\">../</a><td><td>\n");
  for (uint32_t i = 0; i < names->count; i++)
    if (is_shown(&names->at[i])) put_row(out, &names->at[i]);
  put_text(out, "</table>\n");
  if (names->more) put_text(out, "<p>There are more, which are not shown.\n");
}

/* False when memory was refused. */
static bool make_page(struct site_exchange *exchange, struct span path,
                      const struct site_names *names) {
  struct writing out = {0};
  struct span prefix = exchange->site->settings.prefix;
  write_page(&out, prefix, path, names);
  exchange->page_bytes = out.len;
  exchange->page = memory_alloc(exchange->site->settings.memory, out.len);
  if (!exchange->page) return false;
  out = (struct writing){.at = exchange->page};
  write_page(&out, prefix, path, names);
  return true;
}

bool site_listing_answer(struct site_exchange *exchange, const struct site_question *question) {
  const struct site_source *source = &exchange->site->settings.source;
  struct span path = span_of(question->room, question->base_len);
  struct site_names names = {0};
  if (!source->ops->list) return false;
  enum site_result result = source->ops->list(source->self, path, question->now_ns, &names);
  if (result == SITE_MISSING) return false;
  if (result != SITE_FOUND) {
    site_answer_error(exchange, question, site_answer_status(result), NULL);
    return true;
  }
  if (make_page(exchange, path, &names))
    site_answer_page(exchange, question);
  else
    site_answer_error(exchange, question, 503, NULL);
  return true;
}
