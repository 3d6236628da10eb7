/*
 * files/holders.h - of something that can run short: who holds how much of it, and who holds most.
 *
 * A holder is a client of the files: the user's name for it is an address, which is only compared. All of
 * a connection's requests give the same one, so that connections share fairly whatever number of streams
 * each of them has. NULL names a holder as well.
 *
 * Owner: embedded in what hands things out. A struct holder exists while it holds something; its memory is
 * kept for the next one. Items are embedded in the things. Every operation takes a fixed number of steps.
 */
#ifndef WEIR_FILES_HOLDERS_H
#define WEIR_FILES_HOLDERS_H

#include <stdbool.h>
#include <stdint.h>

#include "io/base/list.h"
#include "io/files/limits.h"

struct holder {
  const void *client;
  uint32_t count;          /* items; at least 1 */
  struct list_node items;  /* the one that was added or touched last is last */
  struct list_node ranked; /* among those that hold as many */
  struct list_node turn;
  struct holder *chain; /* in its bucket, or among the spare ones */
};

struct holder_item {
  struct list_node node;
  struct holder *holder; /* NULL: nobody's */
};

struct holders {
  struct holder *buckets[FILES_HOLDER_BUCKETS];
  struct list_node ranks[FILES_HOLDER_RANKS + 1]; /* by count; the last: that many or more */
  uint32_t top;                                   /* no holder has a higher rank */
  uint32_t count;                                 /* holders */
  struct list_node turns;                         /* all holders; the next is first */
  struct holder *spare;
};

void holders_init(struct holders *holders);

/* Every item must have been removed (asserted). */
void holders_destroy(struct holders *holders);

/* The item, nobody's so far, is the client's. Without memory it stays nobody's. */
void holders_add(struct holders *holders, const void *client, struct holder_item *item);

/* The item is nobody's. One that was nobody's before stays as it is. */
void holders_remove(struct holders *holders, struct holder_item *item);

/* The item is the last of its holder's. */
void holders_touch(struct holder_item *item);

/* NULL when it holds nothing. */
struct holder *holders_find(const struct holders *holders, const void *client);

/* How many items it holds. */
uint32_t holders_count(const struct holders *holders, const void *client);

/* One that holds most; of those with FILES_HOLDER_RANKS or more, any. NULL when nobody holds anything. */
struct holder *holders_most(struct holders *holders);

/* Each holder in turn; NULL when there is none. */
struct holder *holders_next(struct holders *holders);

/* The holder that gives one up when `client` needs another and none is left: the one that holds most, if it then
 * still has as many as the client; else the client itself. NULL if the client has none and no holder has two
 * more. */
struct holder *holders_giver(struct holders *holders, const void *client);

#endif
