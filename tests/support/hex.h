/*
 * support/hex.h - bytes written as hexadecimal text, for rows of tests.
 */
#ifndef WEIR_TESTS_HEX_H
#define WEIR_TESTS_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Decodes "82 86 8441" into `out`, and skips spaces between octets. Returns the number of bytes.
 * Fails the test if the text is not lower-case hexadecimal or has more than `max` octets. */
size_t hex_decode(const char *hex, uint8_t *out, size_t max);

#endif
