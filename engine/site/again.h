/*
 * site/again.h - answers that are known, because the same request came before.
 *
 * Protocols number requests that come again and again with the same fields (struct request). Where the answer was a
 * whole file that was found at once, the number leads to it without another look at path and fields: for as long as
 * the source says that the path still leads there, and nothing new was found out about the file's siblings.
 */
#ifndef WEIR_SITE_AGAIN_H
#define WEIR_SITE_AGAIN_H

#include "engine/site/exchange.h"

/* The fields of the answer to the request with that number, whose file is exchange->sent then; NULL: it must be
 * looked up. `number` is not 0. */
__attribute__((warn_unused_result)) struct header_set *
site_again_find(struct site_exchange *exchange, uint64_t number, uint64_t now_ns);

/* exchange->sent is about to answer the question, as a whole. Notes it, if it would do so again. */
void site_again_note(const struct site_exchange *exchange, const struct site_question *question);

#endif
