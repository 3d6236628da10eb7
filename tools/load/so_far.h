/*
 * load/so_far.h - the report of a run that goes on: SIGHUP asks for it.
 */
#ifndef WEIR_LOAD_SO_FAR_H
#define WEIR_LOAD_SO_FAR_H

#include "tools/load/books.h"

/* What a worker had counted at one moment. */
struct load_so_far {
  bool taken;
  struct load_stats stats;
  struct load_self self;
};

/* Copies. On the worker's thread. */
void load_so_far_take(struct load_so_far *so_far, const struct load_books *books);

/* Prints the text report of `count` workers, those that were taken, to standard error. */
void load_so_far_print(const struct load_so_far *all, unsigned count,
                       const struct load_options *options, const char *command);

#endif
