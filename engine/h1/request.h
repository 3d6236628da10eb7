/*
 * h1/request.h - a complete head becomes a request that a handler gets.
 * Spec: RFC 9112 sections 3, 6 and 9; RFC 9110 sections 7.8 and 10.1.1; RFC 7540 section 3.2.
 */
#ifndef WEIR_H1_REQUEST_H
#define WEIR_H1_REQUEST_H

#include "engine/h1/connection.h"

/* Begins a head in the scratch list that all connections share: http->headers. */
void h1_request_fields(struct h1 *h1);

/* Whether the request may be handled now: requests are handled at the same time only if all of them are
 * safe (RFC 9112 section 9.3.2). */
__attribute__((warn_unused_result)) bool h1_request_may(const struct h1 *h1,
                                                        const struct h1_head *head);

/* The request at the beginning of `in`, if its head came before (h1/request_memo.h): hands it to the handler. Returns
 * the head's bytes; 0: it has to be read, or must wait, and nothing has changed. */
__attribute__((warn_unused_result)) size_t h1_request_again(struct h1 *h1, struct span in);

/* Refuses a head that did not become a request, of which the first bytes are these. */
void h1_request_refuse(struct h1 *h1, struct h1_verdict verdict, struct span begin);

/* Handles the request, whose head and fields are complete: asks the handler, or answers by itself. `memo`: where
 * its fields are from; NULL: they were read. */
void h1_request_handle(struct h1 *h1, const struct h1_head *head,
                       const struct h1_section_memo *memo);

#endif
