/*
 * load/mapping.h - files that stay as they are for the whole run, mapped into memory.
 */
#ifndef WEIR_LOAD_MAPPING_H
#define WEIR_LOAD_MAPPING_H

#include "engine/base/text.h"
#include "tools/common/failure.h"

/* Maps a regular file. An empty one has a base that is not NULL. False with one line in
 * `failure`. */
__attribute__((warn_unused_result)) bool load_mapping_open(const char *path, struct span *out,
                                                           const struct failure *failure);

/* Does nothing for a base of NULL. */
void load_mapping_close(struct span file);

#endif
