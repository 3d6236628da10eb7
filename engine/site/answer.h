/*
 * site/answer.h - the kinds of answer. Each responds on the exchange's stream and gives the
 * exchange away.
 */
#ifndef WEIR_SITE_ANSWER_H
#define WEIR_SITE_ANSWER_H

#include "engine/site/exchange.h"

/* exchange->sent, as far as conditions and range ask for it. */
void site_answer_file(struct site_exchange *exchange, const struct site_question *question);

/* The fields of exchange->sent as a whole. */
struct header_set *site_answer_set(const struct site_exchange *exchange,
                                   const struct site_question *question);

/* exchange->sent as a whole, with these fields. */
void site_answer_whole(struct site_exchange *exchange, struct header_set *set);

/* 301 to the same path with a slash at the end. */
void site_answer_directory(struct site_exchange *exchange, const struct site_question *question);

/* A method that does not read files: 204 to OPTIONS, 501 to CONNECT, or 405. */
void site_answer_method(struct site_exchange *exchange, const struct site_question *question,
                        struct span method);

/* The status for a lookup that found nothing. */
unsigned site_answer_status(enum site_result result);

/* exchange->page: HTML that was made for this request. */
void site_answer_page(struct site_exchange *exchange, const struct site_question *question);

/* A short text. `field`: one more field, or NULL. */
void site_answer_error(struct site_exchange *exchange, const struct site_question *question,
                       unsigned status, const struct header *field);

#endif
