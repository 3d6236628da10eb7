/*
 * http/expectation.h - what the `expect` fields of a request ask for.
 * Spec: RFC 9110 section 10.1.1.
 */
#ifndef WEIR_HTTP_EXPECTATION_H
#define WEIR_HTTP_EXPECTATION_H

#include "engine/http/headers.h"

enum expectation { EXPECT_NOTHING, EXPECT_CONTINUE, EXPECT_UNKNOWN };

enum expectation expectation_of(const struct headers *fields);

#endif
