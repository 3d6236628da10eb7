/*
 * site/recode.h - when a file is sent in a coding that it does not have on disk.
 *
 * A file that has no compressed sibling which the client takes is compressed by the source, if it is worth it
 * (site_facts.encodable); and where only compressed siblings exist and the client takes none of them, one is
 * decoded. The source keeps what it made with the file.
 *
 * What was made has a weak entity tag, and no ranges: its bytes depend on the library that made them. So a request
 * with a Range is answered from the file as it is, and its ranges are those of the file, unless the client refuses
 * that (identity;q=0): then it gets the whole, compressed.
 */
#ifndef WEIR_SITE_RECODE_H
#define WEIR_SITE_RECODE_H

#include "engine/site/exchange.h"

/* Whether exchange->sent should be made anew for this client. */
__attribute__((warn_unused_result)) bool site_recode_is_due(const struct site_exchange *exchange,
                                                            const struct site_question *question);

/* The same; notes in which coding. */
__attribute__((warn_unused_result)) bool site_recode_begin(const struct site_exchange *exchange,
                                                           struct site_question *question);

/* Has the source make it. Any result of a lookup. */
__attribute__((warn_unused_result)) enum site_result
site_recode_make(struct site_exchange *exchange, const struct site_question *question);

/* What the source has made becomes exchange->sent; otherwise that stays. False when it can't be sent as it
 * stays: the client does not take its coding. */
__attribute__((warn_unused_result)) bool site_recode_end(struct site_exchange *exchange,
                                                         struct site_question *question,
                                                         enum site_result result);

#endif
