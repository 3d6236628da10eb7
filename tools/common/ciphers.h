/*
 * common/ciphers.h - a list of ciphers in OpenSSL's names, with colons between, as a person gives it. OpenSSL takes those
 * of TLS 1.2 and those of TLS 1.3 apart.
 */
#ifndef WEIR_TOOLS_CIPHERS_H
#define WEIR_TOOLS_CIPHERS_H

#include <stdbool.h>

#include "tools/common/limits.h"

/* Begins as zeros. */
struct ciphers {
  char of_1_2[CIPHERS_BYTES], of_1_3[CIPHERS_BYTES];
};

/* False when the list is too long: CIPHERS_BYTES or more. */
__attribute__((warn_unused_result)) bool ciphers_sort_out(struct ciphers *ciphers,
                                                          const char *list);

#endif
