/*
 * trace/manifest.h - what to fetch: the URLs of the command line, or of a JSON file that also says
 * when a browser would request each.
 *
 *     { "resources": [
 *         { "url": "/",          "kind": "document" },
 *         { "url": "/style.css", "after": "/", "event": "first-byte", "delay": 5 },
 *         { "url": "/hero.jpg",  "kind": "image", "start": 120, "priority": "u=2, i" },
 *         { "url": "/app.js",    "critical": true, "after": "/style.css" } ] }
 *
 *   url       absolute, or relative to the base URL; required
 *   kind      document, style, script, font, image, fetch, other; default: by extension
 *   start     ms after the start of the run
 *   after     the `url` or `id` of another resource: start when its `event` happens
 *   event     headers, first-byte, dimensions or complete (default)
 *   delay     ms between the event and the start
 *   critical  counts for "time to the last critical byte"; default: document, style, script, font
 *   priority  the `priority` header field, instead of the profile's; "": none
 *   weight    1 .. 256 in HEADERS, instead of the profile's
 *   cap       bytes of the body that the server may send before `uncap`: "4 KB of this image for now"
 *   uncap     the `url` or `id` of a resource whose end removes the cap
 *   id        a name for `after` and `uncap`
 *
 * The file may also be just the list of resources. Resources that wait for each other in a cycle
 * are refused.
 */
#ifndef WEIR_TRACE_MANIFEST_H
#define WEIR_TRACE_MANIFEST_H

#include "tools/client/url.h"
#include "tools/common/failure.h"
#include "tools/trace/kind.h"

enum trace_event { TRACE_ON_HEADERS, TRACE_ON_BYTE, TRACE_ON_DIMENSIONS, TRACE_ON_COMPLETE };

struct trace_resource {
  char *id;        /* or NULL */
  char *reference; /* as written: relative or absolute */
  enum trace_kind kind;
  bool kind_given;
  bool critical;
  double start_ms; /* or the delay after the trigger */
  int after;       /* index of another resource, -1: none */
  enum trace_event event;
  char *priority;     /* NULL: the profile's; "": none */
  unsigned weight;    /* 0: the profile's */
  uint64_t cap_bytes; /* UINT64_MAX: none */
  int uncap;          /* index; -1: never */
};

struct trace_manifest {
  struct trace_resource *at;
  size_t count;
};

/* Reads a manifest file, or its text. False with one line in `failure`; nothing is held then. */
__attribute__((warn_unused_result)) bool trace_manifest_read(struct trace_manifest *manifest,
                                                             const char *file,
                                                             const struct failure *failure);
__attribute__((warn_unused_result)) bool trace_manifest_parse(struct trace_manifest *manifest,
                                                              const char *json,
                                                              const struct failure *failure);

/* Makes a manifest of URLs that all start at once. */
__attribute__((warn_unused_result)) bool trace_manifest_of_urls(struct trace_manifest *manifest,
                                                                char *const *urls, size_t count,
                                                                const struct failure *failure);

void trace_manifest_free(struct trace_manifest *manifest);

#endif
