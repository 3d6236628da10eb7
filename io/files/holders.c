/*
 * files/holders.c - a hash table by client, lists by count, and a list for turns.
 */
#include "io/files/holders.h"

#include <assert.h>
#include <stdlib.h>

#ifdef WEIR_INVARIANTS
static void invariants(const struct holders *holders) {
  assert((holders->count == 0) == list_is_empty(&holders->turns));
  assert(list_is_empty(&holders->ranks[0]));
  assert(holders->top <= FILES_HOLDER_RANKS);
}
#else
static void invariants(const struct holders *holders) {
  (void)holders;
}
#endif

static uint32_t bucket_of(const void *client) {
  return (uint32_t)((uintptr_t)client * UINT64_C(0x9e3779b97f4a7c15) >> 32) % FILES_HOLDER_BUCKETS;
}

struct holder *holders_find(const struct holders *holders, const void *client) {
  struct holder *holder = holders->buckets[bucket_of(client)];
  while (holder && holder->client != client)
    holder = holder->chain;
  return holder;
}

uint32_t holders_count(const struct holders *holders, const void *client) {
  const struct holder *holder = holders_find(holders, client);
  return holder ? holder->count : 0;
}

/* ---- one holder ------------------------------------------------------------------------------ */

static void rank(struct holders *holders, struct holder *holder) {
  uint32_t at = holder->count < FILES_HOLDER_RANKS ? holder->count : FILES_HOLDER_RANKS;
  list_remove(&holder->ranked);
  list_append(&holders->ranks[at], &holder->ranked);
  if (at > holders->top) holders->top = at;
}

static struct holder *make(struct holders *holders, const void *client) {
  struct holder *holder = holders->spare;
  if (holder)
    holders->spare = holder->chain;
  else if (!(holder = malloc(sizeof *holder)))
    return NULL;
  *holder = (struct holder){.client = client, .chain = holders->buckets[bucket_of(client)]};
  list_init(&holder->items);
  list_append(&holders->turns, &holder->turn);
  holders->buckets[bucket_of(client)] = holder;
  holders->count++;
  return holder;
}

static void drop(struct holders *holders, struct holder *holder) {
  struct holder **at = &holders->buckets[bucket_of(holder->client)];
  while (*at != holder)
    at = &(*at)->chain;
  *at = holder->chain;
  list_remove(&holder->ranked);
  list_remove(&holder->turn);
  holder->chain = holders->spare;
  holders->spare = holder;
  holders->count--;
}

/* ---- items ----------------------------------------------------------------------------------- */

void holders_add(struct holders *holders, const void *client, struct holder_item *item) {
  assert(!item->holder);
  struct holder *holder = holders_find(holders, client);
  if (!holder && !(holder = make(holders, client))) return;
  item->holder = holder;
  list_append(&holder->items, &item->node);
  holder->count++;
  rank(holders, holder);
  invariants(holders);
}

void holders_remove(struct holders *holders, struct holder_item *item) {
  struct holder *holder = item->holder;
  if (!holder) return;
  item->holder = NULL;
  list_remove(&item->node);
  if (--holder->count > 0)
    rank(holders, holder);
  else
    drop(holders, holder);
  invariants(holders);
}

void holders_touch(struct holder_item *item) {
  if (!item->holder) return;
  list_remove(&item->node);
  list_append(&item->holder->items, &item->node);
}

/* ---- choosing -------------------------------------------------------------------------------- */

struct holder *holders_most(struct holders *holders) {
  while (holders->top > 0 && list_is_empty(&holders->ranks[holders->top]))
    holders->top--; /* no more steps than items were added */
  struct list_node *list = &holders->ranks[holders->top];
  return list_is_empty(list) ? NULL : LIST_OWNER(list->next, struct holder, ranked);
}

struct holder *holders_next(struct holders *holders) {
  struct list_node *first = list_take_first(&holders->turns);
  if (!first) return NULL;
  list_append(&holders->turns, first);
  return LIST_OWNER(first, struct holder, turn);
}

struct holder *holders_giver(struct holders *holders, const void *client) {
  struct holder *own = holders_find(holders, client), *most = holders_most(holders);
  uint32_t count = own ? own->count : 0;
  return most && most->count >= count + 2 ? most : own;
}

/* ---- life ------------------------------------------------------------------------------------ */

void holders_init(struct holders *holders) {
  *holders = (struct holders){0};
  list_init(&holders->turns);
  for (uint32_t i = 0; i <= FILES_HOLDER_RANKS; i++)
    list_init(&holders->ranks[i]);
}

void holders_destroy(struct holders *holders) {
  assert(holders->count == 0);
  while (holders->spare) {
    struct holder *holder = holders->spare;
    holders->spare = holder->chain;
    free(holder);
  }
}
