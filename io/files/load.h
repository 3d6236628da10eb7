/*
 * files/load.h - making an entry of what a path leads to: it is opened, looked at, and read if it is small.
 *
 *     open with O_PATH --> look --> open for reading --> fill --> whole? --> list
 *           \--> missing, forbidden or a directory         ^  \-- changed meanwhile: again
 *                                                          \----- the ring reads what is not in the page cache
 *
 * A load is on the stack until it has to wait for the ring. Then it moves to the heap, and lookups of the
 * same path join it instead of loading again. It goes on when all of them have left: the path will be asked for
 * again.
 */
#ifndef WEIR_FILES_LOAD_H
#define WEIR_FILES_LOAD_H

#include "io/files/lookup.h"
#include "io/files/private.h"

/* Makes the entry and lists it. `path` is not listed, and no load of it is under way (files_load_join()); `hash` is
 * its own, and `text` the same path for the kernel. All are borrowed. FILES_FOUND with lookup->file,
 * FILES_PENDING with lookup->load, or why not. */
__attribute__((warn_unused_result)) enum files_result
files_load_path(struct files *files, struct span path, uint64_t hash, const char *text,
                uint64_t now_ns, struct files_lookup *lookup);

/* Has the lookup wait for a load of its path that is under way. False: there is none. */
__attribute__((warn_unused_result)) bool
files_load_join(struct files *files, struct span path, uint64_t hash, struct files_lookup *lookup);

/* Forgets a lookup that waits for its load. */
void files_load_leave(struct files_lookup *lookup);

#endif
