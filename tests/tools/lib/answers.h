/*
 * lib/answers.h - a handler for tests of lib/weir.h: each of its paths answers in another way.
 */
#ifndef WEIR_TESTS_LIB_ANSWERS_H
#define WEIR_TESTS_LIB_ANSWERS_H

#include "tools/lib/weir.h"

enum { ANSWERS_BIG_BYTES = 3000000 };

/* RFC 9113 section 7. */
enum { REFUSED_STREAM = 7, ENHANCE_YOUR_CALM = 11 };

/* "/hello" and "/big" answer at once, "/slow" after 0.3 s, "/never" never, "/trailers" with some, "/reset"
 * and "/refuse" with those codes, "/length" with a status of 200 and the request's length, and "/echo"
 * with the request's body. Anything else is 404. */
extern const struct handler answers_handler;

/* The content of "/big". */
extern uint8_t answers_big[ANSWERS_BIG_BYTES];

/* Fills answers_big. Call it first. */
void answers_init(void);

#endif
