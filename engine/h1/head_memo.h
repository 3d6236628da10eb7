/*
 * h1/head_memo.h - the heads of messages that repeat: the text of a set of fields is made once a second, and that of a
 * request once, not each time it is sent.
 *
 * A set that is sent gets a number, which finds its place. Its text is used again while the date and what the
 * engine adds are the same. Two sets may share a place; the later one takes it.
 * Memory: embedded in what connections share; nothing here allocates but the texts that are made.
 */
#ifndef WEIR_H1_HEAD_MEMO_H
#define WEIR_H1_HEAD_MEMO_H

#include "engine/h1/text.h"

/* The head of a final response without content with the fields of `set`, as it was kept; empty: it was not, or for
 * another second. Lent until the next call. */
__attribute__((warn_unused_result)) struct span
h1_head_memo_find(struct h1 *h1, struct header_set *set, const struct h1_adds *adds);

/* Keeps the text that was made for it. */
void h1_head_memo_keep(struct h1 *h1, struct header_set *set, const struct h1_adds *adds,
                       const struct h1_text *text);

/* Client: the head of a request with the fields of `set`, with or without a body, and what it says. NULL when none is
 * kept, or memory was refused. */
__attribute__((warn_unused_result)) struct h1_text *
h1_head_memo_request(struct h1 *h1, struct header_set *set, bool body,
                     struct h1_request_facts *out);

/* Keeps the text that was made for it. */
void h1_head_memo_keep_request(struct h1 *h1, struct header_set *set, bool body,
                               const struct h1_text *text, const struct h1_request_facts *facts);

#endif
