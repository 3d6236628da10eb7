/*
 * common/process.h - memory and descriptors of the process.
 */
#ifndef WEIR_TOOLS_PROCESS_H
#define WEIR_TOOLS_PROCESS_H

#include "engine/base/pool.h"

/* malloc() behind the engine's interface. */
extern const struct memory process_memory;

/* Raises the limit on descriptors as far as allowed, since each connection uses one. Returns the
 * limit. */
uint64_t process_raise_descriptors(void);

/* Whether `count` more descriptors can be opened. */
__attribute__((warn_unused_result)) bool process_has_descriptors(unsigned count);

#endif
