/*
 * load/reader.h - reads the file of -i.
 *
 * A regular file that is not large is read once, checked whole before the run begins, and kept as
 * a list: then its requests cost no more than those of the command line. Anything else is read as
 * a stream by a thread of its own, which deals the requests out to one ring for each worker
 * (load/queue.h). A thread and rings, rather than a file position in each worker, because pipes
 * can be read in one place only, because each line is then parsed once and not by every worker,
 * and because a slow disk does not stop a worker's loop. No worker waits for another one: a
 * worker whose ring is full is left out until it has room.
 *
 * A regular file begins again at its end if the run has a number of requests or a duration.
 *
 * Owner: the plan.
 */
#ifndef WEIR_LOAD_READER_H
#define WEIR_LOAD_READER_H

#include "tools/load/list.h"
#include "tools/load/parse.h"
#include "tools/load/queue.h"

struct load_reader;

/* Opens the file, and reads it into list->forms if it is not large: then `*out` is NULL.
 * Otherwise reads the first request, and so rules->base. `rules` is kept, and must not be written
 * while the thread runs. False with one line in `failure`. */
__attribute__((warn_unused_result)) bool load_reader_open(struct load_reader **out,
                                                          struct load_rules *rules,
                                                          struct load_list *list, bool again,
                                                          const struct failure *failure);

/* The first request, before the thread is started. */
const struct load_form *load_reader_first(const struct load_reader *reader);

/* Starts the thread, which inherits the caller's signal mask. False with one line in `failure`. */
__attribute__((warn_unused_result)) bool
load_reader_start(struct load_reader *reader, unsigned workers, const struct failure *failure);

/* Ends the thread. NULL is allowed. */
void load_reader_close(struct load_reader *reader);

/* The mistake at which reading ended, or NULL. After load_reader_stop(). */
const char *load_reader_mistake(const struct load_reader *reader);
void load_reader_stop(struct load_reader *reader);

struct load_queue *load_reader_queue(struct load_reader *reader, unsigned worker);

/* A worker has taken a batch. Any thread. */
void load_reader_wake(struct load_reader *reader);

#endif
