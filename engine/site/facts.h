/*
 * site/facts.h - what all answers about one version of a file have in common.
 */
#ifndef WEIR_SITE_FACTS_H
#define WEIR_SITE_FACTS_H

#include "engine/http/negotiate.h"
#include "engine/site/settings.h"

/* Works out the facts of a file that was found at `path`, once. */
void site_facts_prepare(const struct site_settings *settings, struct site_entry *entry,
                        struct span path);

/* The same for the fields that it has as a sibling, in `coding`, of a file of `type` (static). */
void site_facts_code(struct site_entry *entry, enum coding coding, struct span type);

#endif
