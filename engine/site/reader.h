/*
 * site/reader.h - the body of a file that is not in memory: read in pieces, as the stream sends.
 */
#ifndef WEIR_SITE_READER_H
#define WEIR_SITE_READER_H

#include "engine/site/exchange.h"

/* A body of `count` (at least 1) bytes at `first` of exchange->sent; frees the exchange when it is
 * closed. Sets the stream's events. */
struct body site_reader_body(struct site_exchange *exchange, uint64_t first, uint64_t count);

/* After the last byte of such a body, before it is closed: it goes on with `count` (at least 1) bytes at
 * `first`. */
void site_reader_seek(struct site_exchange *exchange, uint64_t first, uint64_t count);

/* A second has passed: all that wait for a read's turn try again, and those that waited too long fail. */
void site_reader_second(struct site *site);

#endif
