/*
 * site/facts.h - what all answers about one version of a file have in common.
 */
#ifndef WEIR_SITE_FACTS_H
#define WEIR_SITE_FACTS_H

#include "engine/http/negotiate.h"
#include "engine/site/settings.h"
#include "engine/site/types.h"

/* Works out the facts of a file that was found at `path`, once. */
void site_facts_prepare(const struct site_settings *settings, struct site_types *types,
                        struct site_entry *entry, struct span path);

/* The same for the fields that it has as a sibling, in `coding`, of the file at `path`. */
void site_facts_code(const struct site_settings *settings, struct site_types *types,
                     struct site_entry *entry, enum coding coding, struct span path);

/* The facts of an entry that recode() made, in `coding`, from `origin`, whose facts are ready; of the file at
 * `path`. */
void site_facts_recode(const struct site_settings *settings, struct site_types *types,
                       struct site_entry *entry, const struct site_entry *origin,
                       enum coding coding, struct span path);

/* The value of Cache-Control for the file at `path`; empty: not sent. */
struct span site_facts_cache(const struct site_settings *settings, struct span path);

#endif
