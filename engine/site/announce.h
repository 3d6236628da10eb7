/*
 * site/announce.h - tells a client early what the page that it asked for will need.
 * Spec: RFC 8288 (link), RFC 8297 (103 Early Hints), RFC 9113 section 8.4 (push).
 */
#ifndef WEIR_SITE_ANNOUNCE_H
#define WEIR_SITE_ANNOUNCE_H

#include "engine/site/exchange.h"

/* Sends what the page at `path` announces: pushes where that is possible, and a 103. Writes the
 * link fields of the final response to `fields`, at most SITE_PRELOADS_MAX; returns how many. */
size_t site_announce(struct site_exchange *exchange, const struct site_question *question,
                     struct span path, struct header *fields);

#endif
