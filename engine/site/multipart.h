/*
 * site/multipart.h - the body of a 206 with several ranges of one file.
 * Spec: RFC 9110 sections 14.6 and 15.3.7.2; RFC 2046 section 5.1.1.
 *
 *     CRLF "--" boundary CRLF "content-type: ..." CRLF "content-range: ..." CRLF CRLF bytes
 *     ... once more for each range ...
 *     CRLF "--" boundary "--" CRLF
 *
 * The boundary is the file's entity tag: the file would have to contain its own size and the
 * nanosecond of its modification. The parts' bytes come from where a single part's come from, memory or
 * site/reader.h.
 */
#ifndef WEIR_SITE_MULTIPART_H
#define WEIR_SITE_MULTIPART_H

#include "engine/site/exchange.h"
#include "engine/site/range.h"

struct site_multipart;

/* For exchange->sent; NULL when memory was refused. */
__attribute__((warn_unused_result)) struct site_multipart *
site_multipart_create(struct site_exchange *exchange, const struct range_set *ranges);

/* The content-type and the content-length of the response; the first lives as long as the object. */
struct span site_multipart_type(const struct site_multipart *multipart);
uint64_t site_multipart_bytes(const struct site_multipart *multipart);

/* A body that frees the object, and the exchange, when it is closed. May set the stream's events. */
struct body site_multipart_body(struct site_multipart *multipart);

#endif
