/*
 * h2/check.h - what always holds between the parts of a connection, asserted.
 *
 * Only with WEIR_INVARIANTS, which every variant but release defines: it walks over all streams.
 */
#ifndef WEIR_H2_CHECK_H
#define WEIR_H2_CHECK_H

struct h2;

/* To be called between two machine calls. */
#ifdef WEIR_INVARIANTS
void h2_check(const struct h2 *h2);
#else
static inline void h2_check(const struct h2 *h2) {
  (void)h2;
}
#endif

#endif
