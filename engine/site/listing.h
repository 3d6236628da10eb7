/*
 * site/listing.h - the page that lists a directory without an index.
 *
 * It shows what the site would serve: no hidden names, and none that no path can have. Names are escaped for HTML
 * and percent-encoded in links, which are relative; the page may load nothing (Content-Security-Policy). Which
 * names there are, in which order and how many at most, is the source's (site/source.h).
 */
#ifndef WEIR_SITE_LISTING_H
#define WEIR_SITE_LISTING_H

#include "engine/site/exchange.h"

/* Answers with the directory of the question, and gives the exchange away. False, and nothing was done, when there is
 * no such directory, or the source lists none. */
__attribute__((warn_unused_result)) bool site_listing_answer(struct site_exchange *exchange,
                                                             const struct site_question *question);

#endif
