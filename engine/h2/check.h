/*
 * h2/check.h - what always holds between the parts of a connection, asserted.
 *
 * Does nothing without WEIR_INVARIANTS, which every variant but release defines: it walks over all
 * streams.
 */
#ifndef WEIR_H2_CHECK_H
#define WEIR_H2_CHECK_H

struct h2;

/* To be called between two machine calls. */
void h2_check(const struct h2 *h2);

#endif
