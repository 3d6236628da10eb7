/*
 * h2/check.h - asserts what always holds between the parts of a connection.
 *
 * It walks over all streams, so it does nothing without WEIR_INVARIANTS, which every variant but
 * release defines.
 */
#ifndef WEIR_H2_CHECK_H
#define WEIR_H2_CHECK_H

struct h2;

/* To be called between two machine calls. */
void h2_check(const struct h2 *h2);

#endif
