/*
 * files/lookup.h - a lookup under way.
 * Owner: the caller of files_find(), which keeps it until done() or files_find_cancel().
 */
#ifndef WEIR_FILES_LOOKUP_H
#define WEIR_FILES_LOOKUP_H

#include "io/files/result.h"

struct file;
struct files_load;
struct files_queued;

struct files_lookup {
  /* The caller fills it in. */
  void (*done)(struct files_lookup *lookup, enum files_result result);
  const void *client;      /* whose it is: see io/files/holders.h */
  struct file *file;       /* set with FILES_FOUND; a reference of the caller's */
  struct files_load *load; /* private from here on */
  struct files_lookup *next;
  struct files_queued *queued;
};

#endif
