/*
 * base/likely.h - what the compiler cannot know of a condition on the hot path, where a benchmark showed it.
 */
#ifndef WEIR_LIKELY_H
#define WEIR_LIKELY_H

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#endif
