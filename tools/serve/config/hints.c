/*
 * serve/config/hints.c - builds the table of engine/site/hints.h; see serve/config/hints.h.
 *
 * Collects the preloads page by page, and sorts the pages at the end.
 */
#include "tools/serve/config/hints.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/http/limits.h"
#include "engine/site/limits.h"
#include "engine/site/path.h"
#include "tools/serve/limits.h"

struct page {
  char *path; /* normalised */
  struct site_preload preloads[SITE_PRELOADS_MAX];
  unsigned count;
  size_t link_bytes; /* of all preloads */
};

struct serve_hints {
  struct page *pages[SERVE_PAGES_MAX];
  unsigned count;
  struct site_page *table; /* the same pages, sorted, for the site */
  struct site_hints hints;
  const char *source; /* being read: the name of the manifest, or NULL: a rule */
  struct span prefix; /* of the site */
  const struct failure *failure;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct serve_hints *hints,
                                                       const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  failure_set_in(hints->failure, hints->source, format, arguments);
  va_end(arguments);
  return false;
}

/* ---- pages ----------------------------------------------------------------------------------- */

/* What follows the prefix in the path; the same with a slash before it, which no path has, when the page lies
 * elsewhere. */
static char *below(struct span path, struct span prefix, const char *index) {
  char *text = NULL;
  size_t skipped = prefix.len > 0 ? prefix.len + 1 : 0;
  bool inside = prefix.len == 0 ||
                (path.len >= prefix.len && memcmp(path.base, prefix.base, prefix.len) == 0 &&
                 (path.len == prefix.len || path.base[prefix.len] == '/'));
  if (path.len < skipped) skipped = path.len;
  struct span rest = inside ? span_skip(path, skipped) : path;
  const char *slash = index[0] && rest.len > 0 ? "/" : "";
  int len = asprintf(&text, "%s%.*s%s%s", inside ? "" : "/", (int)rest.len, (const char *)rest.base,
                     slash, index);
  return len < 0 ? NULL : text;
}

/* The page's path as the site knows it: decoded, with index.html appended. */
static char *normalise(const char *target, struct span prefix) {
  uint8_t room[SITE_PATH_BYTES_MAX];
  struct site_path path;
  if (site_path_parse(span_text(target), room, sizeof room, &path) != SITE_PATH_OK) return NULL;
  return below(path.path, prefix, path.directory ? "index.html" : "");
}

static struct page *page_of(struct serve_hints *hints, const char *target) {
  char *path = normalise(target, hints->prefix);
  if (!path) {
    fail(hints, "%s: not the path of a page", target);
    return NULL;
  }
  for (unsigned i = 0; i < hints->count; i++)
    if (strcmp(hints->pages[i]->path, path) == 0) {
      free(path);
      return hints->pages[i];
    }
  struct page *page = hints->count < SERVE_PAGES_MAX ? calloc(1, sizeof *page) : NULL;
  if (!page) {
    fail(hints, "%s: too many pages", target);
    free(path);
    return NULL;
  }
  page->path = path;
  hints->pages[hints->count++] = page;
  return page;
}

/* ---- preloads -------------------------------------------------------------------------------- */

/* The value of `as` for a resource, by its extension. NULL: unknown. */
static const char *kind_of(const char *path) {
  static const struct {
    const char *extension, *kind;
  } kinds[] = {
      {".css", "style"},  {".js", "script"},  {".mjs", "script"}, {".woff2", "font"},
      {".woff", "font"},  {".ttf", "font"},   {".otf", "font"},   {".png", "image"},
      {".jpg", "image"},  {".jpeg", "image"}, {".gif", "image"},  {".svg", "image"},
      {".webp", "image"}, {".avif", "image"}, {".json", "fetch"}, {".wasm", "fetch"},
      {".vtt", "track"},
  };
  size_t len = strcspn(path, "?");
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    size_t extension = strlen(kinds[i].extension);
    if (len > extension && strncmp(path + len - extension, kinds[i].extension, extension) == 0)
      return kinds[i].kind;
  }
  return NULL;
}

/* Whether a Link field's target may contain these characters as they are. */
static bool is_reference(const char *text) {
  for (; *text; text++)
    if (*text <= ' ' || *text >= 0x7f || strchr("<>\"\\^`{|}#", *text)) return false;
  return true;
}

static bool is_token(const char *text) {
  return *text && strspn(text, "abcdefghijklmnopqrstuvwxyz-") == strlen(text);
}

/* Browsers load fonts, and what scripts fetch, in CORS mode. They would not use a preload in
 * another mode. */
static char *link_of(const char *path, const char *kind) {
  char *link = NULL;
  bool cors = kind && (strcmp(kind, "font") == 0 || strcmp(kind, "fetch") == 0);
  int len = asprintf(&link, "<%s>; rel=preload%s%s%s", path, kind ? "; as=" : "", kind ? kind : "",
                     cors ? "; crossorigin" : "");
  return len < 0 ? NULL : link;
}

static bool add(struct serve_hints *hints, const char *target, const char *path, const char *kind) {
  struct page *page = page_of(hints, target);
  if (!page) return false;
  if (page->count == SITE_PRELOADS_MAX)
    return fail(hints, "%s preloads more than %u resources", target, SITE_PRELOADS_MAX);
  if (!kind) kind = kind_of(path);
  if (!*path || !is_reference(path)) return fail(hints, "%s: %s: not a path", target, path);
  if (kind && !is_token(kind)) return fail(hints, "%s: %s: not a type", target, kind);
  char *copy = strdup(path), *link = link_of(path, kind);
  size_t link_bytes = link ? strlen(link) : 0;
  if (!copy || !link || page->link_bytes + link_bytes > SITE_PRELOAD_BYTES_MAX) {
    bool refused = !copy || !link;
    free(copy);
    free(link);
    if (refused) return fail(hints, "out of memory");
    return fail(hints, "%s: more than %u bytes of links", target, SITE_PRELOAD_BYTES_MAX);
  }
  page->link_bytes += link_bytes;
  page->preloads[page->count++] = (struct site_preload){
      .path = span_text(copy),
      .link = span_text(link),
      .push = path[0] == '/' && path[1] != '/', /* on this host */
  };
  return true;
}

/* ---- rules and manifest ---------------------------------------------------------------------- */

static bool add_rule(struct serve_hints *hints, const char *rule) {
  char page[HTTP_TARGET_BYTES_MAX];
  const char *equals = strchr(rule, '=');
  size_t len = equals ? (size_t)(equals - rule) : sizeof page;
  if (len >= sizeof page) return fail(hints, "%s: expected PAGE=PATH", rule);
  memcpy(page, rule, len);
  page[len] = 0;
  return add(hints, page, equals + 1, NULL);
}

static const char *kind_in(const json_t *resource) {
  const char *kind = json_string_value(json_object_get(resource, "as"));
  return kind ? kind : json_string_value(json_object_get(resource, "type"));
}

static bool add_page(struct serve_hints *hints, const char *target, json_t *resources) {
  const char *path;
  json_t *value;
  size_t index;
  if (json_is_array(resources)) {
    json_array_foreach (resources, index, value) {
      if (!json_is_string(value)) return fail(hints, "%s: expected a list of paths", target);
      if (!add(hints, target, json_string_value(value), NULL)) return false;
    }
    return true;
  }
  if (!json_is_object(resources)) return fail(hints, "%s: expected an object or a list", target);
  json_object_foreach (resources, path, value)
    if (!add(hints, target, path, kind_in(value))) return false;
  return true;
}

/* Whether the manifest describes a single page: then its members are resources with a type. */
static bool is_single_page(json_t *manifest) {
  const char *path;
  json_t *value;
  json_object_foreach (manifest, path, value)
    if (kind_in(value)) return true;
  return false;
}

static bool add_manifest(struct serve_hints *hints, const char *file) {
  hints->source = file;
  FILE *stream = fopen(file, "re");
  if (!stream) return fail(hints, "%s", strerror(errno));
  if (getc(stream) == EOF && ferror(stream)) { /* a directory can be opened, but not read */
    fail(hints, "%s", strerror(errno));
    fclose(stream);
    return false;
  }
  rewind(stream);
  json_error_t why;
  json_t *manifest = json_loadf(stream, JSON_REJECT_DUPLICATES, &why);
  fclose(stream);
  if (!manifest) return fail(hints, "line %d: %s", why.line, why.text);
  const char *target;
  json_t *value;
  bool good = json_is_object(manifest);
  if (!good) {
    fail(hints, "expected an object");
  } else if (is_single_page(manifest)) {
    good = add_page(hints, "/", manifest);
  } else {
    json_object_foreach (manifest, target, value)
      if (good) good = add_page(hints, target, value);
  }
  json_decref(manifest);
  return good;
}

/* ---- the table ------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b) {
  const struct page *const *left = a, *const *right = b;
  return strcmp((*left)->path, (*right)->path); /* bytewise: paths have no NUL */
}

static bool build_table(struct serve_hints *hints) {
  if (hints->count == 0) return true;
  hints->table = calloc(hints->count, sizeof *hints->table);
  if (!hints->table) return fail(hints, "out of memory");
  qsort(hints->pages, hints->count, sizeof(struct page *), compare);
  for (unsigned i = 0; i < hints->count; i++) {
    const struct page *page = hints->pages[i];
    hints->table[i] = (struct site_page){
        .path = span_text(page->path), .preloads = page->preloads, .preload_count = page->count};
  }
  hints->hints = (struct site_hints){.pages = hints->table, .page_count = hints->count};
  return true;
}

struct serve_hints *serve_hints_create(struct span prefix, const char *manifest,
                                       const char *const *rules, unsigned count,
                                       const char **refused, const struct failure *failure) {
  struct serve_hints *hints = calloc(1, sizeof *hints);
  *refused = "preload";
  if (!hints) {
    failure_set(failure, "out of memory");
    return NULL;
  }
  hints->failure = failure;
  hints->prefix = prefix;
  bool good = !manifest || add_manifest(hints, manifest);
  *refused = good ? "preload" : "push-manifest";
  hints->source = NULL;
  for (unsigned i = 0; good && i < count; i++)
    good = add_rule(hints, rules[i]);
  good = good && build_table(hints);
  hints->failure = NULL;
  if (good) return hints;
  serve_hints_free(hints);
  return NULL;
}

const struct site_hints *serve_hints_table(const struct serve_hints *hints) {
  return hints->count > 0 ? &hints->hints : NULL;
}

void serve_hints_free(struct serve_hints *hints) {
  if (!hints) return;
  for (unsigned i = 0; i < hints->count; i++) {
    struct page *page = hints->pages[i];
    for (unsigned k = 0; k < page->count; k++) {
      free((void *)page->preloads[k].path.base);
      free((void *)page->preloads[k].link.base);
    }
    free(page->path);
    free(page);
  }
  free(hints->table);
  free(hints);
}
