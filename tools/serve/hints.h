/*
 * serve/hints.h - what pages preload, from --preload rules and from a manifest.
 *
 * A manifest is JSON, one object with a member a page:
 *
 *     { "/": { "/style.css": { "type": "style" }, "/app.js": { "type": "script" } },
 *       "/docs/": [ "/docs.css" ] }
 *
 * or, as build tools write it for a single page, that page's object alone, which is then about "/".
 * The type (also spelt "as") is what rel=preload calls `as`; when it is left out the name's
 * extension tells. Other members, such as "weight", are ignored.
 */
#ifndef WEIR_TOOLS_SERVE_HINTS_H
#define WEIR_TOOLS_SERVE_HINTS_H

#include "engine/site/hints.h"

struct serve_hints;

/* `manifest`: a file, or NULL. `rules`: `count` texts PAGE=PATH. NULL with one line in `error`,
 * which names the manifest or the rule, when they cannot be read or make no sense. */
__attribute__((warn_unused_result)) struct serve_hints *
serve_hints_create(const char *manifest, const char *const *rules, unsigned count, char *error,
                   size_t error_size);

/* For the site; NULL when there is nothing to announce. As long-lived as `hints`. */
const struct site_hints *serve_hints_table(const struct serve_hints *hints);

/* NULL is allowed. */
void serve_hints_free(struct serve_hints *hints);

#endif
