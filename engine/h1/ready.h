/*
 * h1/ready.h - the heads of messages that repeat: the text of a set of fields is made once a second, and that of a
 * request once, not each time it is sent.
 *
 * A set that is sent gets a number, which finds its place. Its text is used again while the date and what the
 * engine adds are the same. Two sets may share a place; the later one takes it.
 * Memory: embedded in what connections share; nothing here allocates but the texts that are made.
 */
#ifndef WEIR_H1_READY_H
#define WEIR_H1_READY_H

#include "engine/h1/text.h"

/* As h1_text_make(). The plan is one of a final response without content, with the fields of `set`; `survey` is
 * theirs. */
__attribute__((warn_unused_result)) struct h1_text *h1_ready_text(struct h1 *h1,
                                                                  struct header_set *set,
                                                                  const struct h1_plan *plan,
                                                                  const struct h1_survey *survey);

/* Client: the head of a request with the fields of `set`, with or without a body, and what it says. NULL when none is
 * kept, or memory was refused. */
__attribute__((warn_unused_result)) struct h1_text *
h1_ready_request(struct h1 *h1, struct header_set *set, bool body, struct h1_request_facts *out);

/* Keeps the text that was made for it. */
void h1_ready_keep_request(struct h1 *h1, struct header_set *set, bool body,
                           const struct h1_text *text, const struct h1_request_facts *facts);

#endif
