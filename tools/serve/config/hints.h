/*
 * serve/config/hints.h - the preloads of pages, from --preload rules and from a manifest.
 *
 * A manifest is JSON: one object with one member per page,
 *
 *     { "/": { "/style.css": { "type": "style" }, "/app.js": { "type": "script" } },
 *       "/docs/": [ "/docs.css" ] }
 *
 * or, as build tools write it for a single page, only that page's object; it then describes "/".
 * The type (or "as") becomes `as` in the Link field; by default it follows from the extension.
 * Other members, such as "weight", are ignored.
 */
#ifndef WEIR_TOOLS_SERVE_CONFIG_HINTS_H
#define WEIR_TOOLS_SERVE_CONFIG_HINTS_H

#include "engine/site/hints.h"
#include "tools/common/failure.h"

struct serve_hints;

/* `manifest` is a file or NULL; `rules` are `count` texts of the form PAGE=PATH. Of the site at `prefix`
 * (site/settings.h): pages elsewhere are left out. NULL with one line in `failure`, which names the wrong
 * manifest or rule, and the key in `*refused`. */
__attribute__((warn_unused_result)) struct serve_hints *
serve_hints_create(struct span prefix, const char *manifest, const char *const *rules,
                   unsigned count, const char **refused, const struct failure *failure);

/* The table for the site. NULL when there are no preloads. Lives as long as `hints`. */
const struct site_hints *serve_hints_table(const struct serve_hints *hints);

/* NULL is allowed. */
void serve_hints_free(struct serve_hints *hints);

#endif
