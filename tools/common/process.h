/*
 * common/process.h - what the commands take from their process: memory, and as many descriptors as it may.
 */
#ifndef WEIR_TOOLS_PROCESS_H
#define WEIR_TOOLS_PROCESS_H

#include "engine/base/pool.h"

/* malloc(), as engines take it. */
extern const struct memory process_memory;

/* As many descriptors as we are allowed: each connection is one. Returns how many. */
uint64_t process_raise_descriptors(void);

/* Whether so many descriptors can still be opened. */
__attribute__((warn_unused_result)) bool process_has_descriptors(unsigned count);

#endif
