/*
 * trace/manifest.h - what to fetch: the URLs of the command line, or those of a JSON file with the
 * moment at which a browser would ask for each.
 *
 *     { "resources": [
 *         { "url": "/",          "kind": "document" },
 *         { "url": "/style.css", "after": "/", "event": "first-byte", "delay": 5 },
 *         { "url": "/hero.jpg",  "kind": "image", "start": 120, "priority": "u=2, i" },
 *         { "url": "/app.js",    "critical": true, "after": "/style.css" } ] }
 *
 *   url       absolute, or relative to the base URL; required
 *   kind      document, style, script, font, image, fetch, other; by extension when left out
 *   start     ms after the beginning of the run
 *   after     the `url` or `id` of another resource; then `event` is headers, first-byte,
 * dimensions or complete (complete when left out), and `delay` so many ms later critical  counts
 * for "time to the last critical byte"; document, style, script and font do when left out priority
 * the `priority` header field instead of the profile's; "" for none weight    1 .. 256 in HEADERS
 * instead of the profile's cap       bytes of this body that the server may send before `uncap`: "4
 * KB of this image for now"; `uncap` names a resource whose end takes the cap away id        a name
 * for `after` and `uncap`
 *
 * A list instead of the object is taken as its resources. Resources that wait for one another in a
 * circle are refused.
 */
#ifndef WEIR_TRACE_MANIFEST_H
#define WEIR_TRACE_MANIFEST_H

#include "tools/client/url.h"
#include "tools/trace/kind.h"

enum trace_event { TRACE_ON_HEADERS, TRACE_ON_BYTE, TRACE_ON_DIMENSIONS, TRACE_ON_COMPLETE };

struct trace_resource {
  char *id;        /* or NULL */
  char *reference; /* as written: relative or absolute */
  enum trace_kind kind;
  bool kind_given;
  bool critical;
  double start_ms; /* or the delay behind the trigger */
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

/* Reads a manifest file, or its text. False with one line in `error`; nothing is then held. */
__attribute__((warn_unused_result)) bool trace_manifest_read(struct trace_manifest *manifest,
                                                             const char *file, char *error,
                                                             size_t error_size);
__attribute__((warn_unused_result)) bool trace_manifest_parse(struct trace_manifest *manifest,
                                                              const char *json, char *error,
                                                              size_t error_size);

/* A manifest of URLs that all start at once. */
__attribute__((warn_unused_result)) bool trace_manifest_of_urls(struct trace_manifest *manifest,
                                                                char *const *urls, size_t count,
                                                                char *error, size_t error_size);

void trace_manifest_free(struct trace_manifest *manifest);

#endif
