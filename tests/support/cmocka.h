/*
 * support/cmocka.h - cmocka's header, after the ones that it needs and does not include.
 */
#ifndef WEIR_TESTS_CMOCKA_H
#define WEIR_TESTS_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
