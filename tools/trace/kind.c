/*
 * trace/kind.c - see trace/kind.h.
 */
#include "tools/trace/kind.h"

#include <string.h>
#include <strings.h>

static const char *const kind_names[TRACE_KINDS] = {
    [TRACE_DOCUMENT] = "document", [TRACE_STYLE] = "style", [TRACE_SCRIPT] = "script",
    [TRACE_FONT] = "font",         [TRACE_IMAGE] = "image", [TRACE_FETCH] = "fetch",
    [TRACE_OTHER] = "other",
};

const char *trace_kind_name(enum trace_kind kind) {
  return kind_names[kind];
}

enum trace_kind trace_kind_parse(const char *name) {
  for (int kind = 0; kind < TRACE_KINDS; kind++)
    if (strcmp(kind_names[kind], name) == 0) return (enum trace_kind)kind;
  return TRACE_KINDS;
}

enum trace_kind trace_kind_of_type(const char *type, size_t len) {
  static const struct {
    const char *prefix;
    enum trace_kind kind;
  } types[] = {
      {"text/html", TRACE_DOCUMENT},
      {"application/xhtml", TRACE_DOCUMENT},
      {"text/css", TRACE_STYLE},
      {"text/javascript", TRACE_SCRIPT},
      {"application/javascript", TRACE_SCRIPT},
      {"font/", TRACE_FONT},
      {"application/font", TRACE_FONT},
      {"image/", TRACE_IMAGE},
      {"application/json", TRACE_FETCH},
  };
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    size_t prefix = strlen(types[i].prefix);
    if (len >= prefix && strncasecmp(type, types[i].prefix, prefix) == 0) return types[i].kind;
  }
  return TRACE_OTHER;
}

enum trace_kind trace_kind_of_path(const char *path) {
  static const struct {
    const char *extension;
    enum trace_kind kind;
  } extensions[] = {
      {".html", TRACE_DOCUMENT}, {".htm", TRACE_DOCUMENT}, {".css", TRACE_STYLE},
      {".js", TRACE_SCRIPT},     {".mjs", TRACE_SCRIPT},   {".woff2", TRACE_FONT},
      {".woff", TRACE_FONT},     {".ttf", TRACE_FONT},     {".otf", TRACE_FONT},
      {".png", TRACE_IMAGE},     {".jpg", TRACE_IMAGE},    {".jpeg", TRACE_IMAGE},
      {".gif", TRACE_IMAGE},     {".webp", TRACE_IMAGE},   {".avif", TRACE_IMAGE},
      {".svg", TRACE_IMAGE},     {".ico", TRACE_IMAGE},    {".json", TRACE_FETCH},
  };
  size_t len = strcspn(path, "?#");
  if (len > 0 && path[len - 1] == '/') return TRACE_DOCUMENT;
  for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
    size_t extension = strlen(extensions[i].extension);
    if (len > extension &&
        strncasecmp(path + len - extension, extensions[i].extension, extension) == 0)
      return extensions[i].kind;
  }
  return TRACE_OTHER;
}
