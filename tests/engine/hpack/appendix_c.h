/*
 * hpack/appendix_c.h - the examples of RFC 7541 appendices C.2 to C.6 as rows for test_hpack.c.
 */
#ifndef WEIR_TESTS_APPENDIX_C_H
#define WEIR_TESTS_APPENDIX_C_H

#include <stddef.h>
#include <stdint.h>

/* Fields and table entries are one a line; the dynamic table is listed newest first. */
struct appendix_c {
  const char *section;
  uint32_t table_bytes_max; /* 0: the decoder of the row before goes on */
  const char *block;        /* hexadecimal */
  const char *fields;
  const char *table;
  uint32_t table_bytes;
};

extern const struct appendix_c appendix_c[];
extern const size_t appendix_c_count;

#endif
