/*
 * http/negotiate.h - which content coding a client prefers.
 * Spec: RFC 9110 section 12.5.3 (Accept-Encoding), section 12.4.2 (quality values); RFC 8878 (zstd).
 */
#ifndef WEIR_NEGOTIATE_H
#define WEIR_NEGOTIATE_H

#include "engine/http/headers.h"

/* Codings of a representation; of two that are equally welcome the greater is preferred. */
enum coding { CODING_IDENTITY, CODING_GZIP, CODING_ZSTD, CODING_BR, CODING_COUNT };

struct negotiation {
  uint16_t rank[CODING_COUNT]; /* 0: not acceptable; more is better */
};

/* Reads all Accept-Encoding fields of a request. Without one, only identity is acceptable: the RFC
 * allows any coding then, but a client that can decode says so. Malformed elements are skipped, and those beyond
 * FIELD_LIST_BYTES_MAX. */
void negotiate_read(struct negotiation *negotiation, const struct headers *fields);

/* The best of the codings in `available` (bit 1 << coding). Identity is the answer of last resort,
 * even when the client refused it: better than no answer (section 12.5.3 allows both). */
enum coding negotiate_best(const struct negotiation *negotiation, unsigned available);

/* Reads a quality value such as "0.5", in thousandths. False when it is malformed. */
__attribute__((warn_unused_result)) bool negotiate_quality(struct span text, unsigned *thousandths);

/* Name of a coding as Content-Encoding has it, and the suffix of a file that holds it: "gzip" and
 * ".gz". Empty for identity. */
struct span coding_name(enum coding coding);
struct span coding_suffix(enum coding coding);

#endif
