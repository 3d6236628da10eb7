/*
 * h1/chunked.h - decoder of the chunked transfer coding.
 * Spec: RFC 9112 section 7.1.
 *
 *     size [extensions] CRLF data CRLF ... 0 [extensions] CRLF trailer-section CRLF
 *
 * Strict: sizes are 1 to 16 hexadecimal digits and nothing else, lines end in CRLF, extensions keep to
 * their grammar (without the white space that RFC 9112 calls bad), and are dropped.
 * Incremental: it needs no byte again, and lends the data where it was received.
 */
#ifndef WEIR_H1_CHUNKED_H
#define WEIR_H1_CHUNKED_H

#include "engine/h1/verdict.h"

enum h1_chunked_result {
  H1_CHUNKED_MORE,     /* all bytes were read: give more */
  H1_CHUNKED_DATA,     /* *data has bytes of the body, at least one; call again */
  H1_CHUNKED_TRAILERS, /* fields follow: read them with h1/head.h, from the first byte that is left; the
                          body ends with them */
  H1_CHUNKED_END,      /* the body has ended; the bytes that are left are the next message's */
  H1_CHUNKED_REFUSED, /* 400; `reason` says why */
};

struct h1_chunked {
  uint8_t step, digits; /* private: what comes next; digits of the size */
  uint64_t left;        /* bytes of the chunk's data that are to come, once its size is known */
  uint64_t data_bytes;  /* of the body so far */
  uint64_t extra_bytes; /* received that are not data: sizes, extensions, line ends */
  uint64_t chunks;      /* that have begun, the last one (of size 0) not counted */
  uint64_t extension_bytes;
  const char *reason;
};

/* Begins a body. */
void h1_chunked_begin(struct h1_chunked *chunked);

/* Reads from the front of *bytes, and takes off what it has read. *data is lent from these bytes. */
__attribute__((warn_unused_result)) enum h1_chunked_result
h1_chunked_read(struct h1_chunked *chunked, struct span *bytes, struct span *data);

/* Whether the next byte is within a chunk's data. */
bool h1_chunked_in_data(const struct h1_chunked *chunked);

#endif
