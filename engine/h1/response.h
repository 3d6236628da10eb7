/*
 * h1/response.h - client role: a complete head is a response, or one of several before the final one; and
 * the end of an exchange.
 * Spec: RFC 9112 sections 4 and 6, RFC 9110 section 15.2.
 */
#ifndef WEIR_H1_RESPONSE_H
#define WEIR_H1_RESPONSE_H

#include "engine/h1/connection.h"

/* Begins a head in the scratch list that all connections share: http->headers. */
void h1_response_fields(struct h1 *h1);

/* Handles the response, whose head and fields are complete. */
void h1_response_handle(struct h1 *h1, const struct h1_head *head);

/* Handles the response at the beginning of `in` if its head is one that was handled before, and its owner needs
 * no fields of it. Returns the head's length; 0: it has to be read. */
size_t h1_response_again(struct h1 *h1, struct span in);

/* The server has ended its direction. */
void h1_response_eof(struct h1 *h1);

#endif
