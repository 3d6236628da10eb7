/*
 * support/no_io_uring.h - a kernel that refuses io_uring, as container engines have it by default.
 */
#ifndef WEIR_TESTS_NO_IO_URING_H
#define WEIR_TESTS_NO_IO_URING_H

#include <stdbool.h>

/* Makes io_uring_setup() fail with `code`, for the rest of this process and its children. */
__attribute__((warn_unused_result)) bool no_io_uring(int code);

#endif
