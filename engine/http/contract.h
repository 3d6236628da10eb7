/*
 * http/contract.h - what handlers and their bodies may give to a protocol (http/stream.h), checked in one place
 * for all protocols.
 */
#ifndef WEIR_HTTP_CONTRACT_H
#define WEIR_HTTP_CONTRACT_H

#include "engine/http/stream.h"

/* What is wrong with fields, or with a body, that a handler gives: a static line; NULL: nothing. */
const char *contract_given(const struct header *fields, size_t count, struct body body);

/* What is wrong with a field as such: its name is no token in lower case, or its value has NUL, CR, LF, or a space at
 * an end. Peers refuse a message with such a field as malformed (RFC 9113 section 8.2.1), and one that passes it on
 * over HTTP/1.1 could make two of it. Pseudo-header fields are for a `promised` request only. HTTP/1.1 has its own
 * rules in h1/text.c, which reads the fields anyway. */
const char *contract_fields(const struct header *fields, size_t count, bool promised);

/* contract_given() and contract_fields() of a response or its trailers. */
const char *contract_message(const struct header *fields, size_t count, struct body body);

/* What is wrong with the result of a pull: it would be pulled forever, or has written where it must not. */
const char *contract_pulled(enum body_result result, const struct body_chunk *chunk);

/* Closes a body that will not be sent. */
void contract_drop(struct body body);

#endif
