/*
 * serve/rules/client_links.c - see serve/rules/client_links.h.
 */
#include "tools/serve/rules/client_links.h"

#include <assert.h>
#include <string.h>

#include "tools/serve/limits.h"

/* One cache line holds a set. */
struct client_links_entry {
  uint32_t client; /* a hash of it; of two clients in a set one in 2^32 shares another's */
  uint16_t open;   /* connections; 0: free */
  bool told;
};

_Static_assert(sizeof(struct client_links_entry) * CLIENT_LINKS_WAYS == 64,
               "a set is a cache line");
_Static_assert((CLIENT_LINKS_MAX & (CLIENT_LINKS_MAX - 1)) == 0, "a mask picks the set");
_Static_assert(CLIENT_LINKS_EACH_MAX <= UINT16_MAX, "what `open` holds");

bool client_links_open(struct client_links *links, const struct memory *memory) {
  *links = (struct client_links){.memory = memory};
  if (!client_seed_make(&links->seed)) return false;
  links->entries = memory_alloc(memory, CLIENT_LINKS_MAX * sizeof *links->entries);
  if (links->entries) memset(links->entries, 0, CLIENT_LINKS_MAX * sizeof *links->entries);
  return links->entries;
}

void client_links_close(struct client_links *links) {
  if (links->entries)
    memory_free(links->memory, links->entries, CLIENT_LINKS_MAX * sizeof *links->entries);
  links->entries = NULL;
}

/* The client's entry, perhaps a free one; NULL when others have all. */
static struct client_links_entry *find(struct client_links *links, const uint8_t address[16]) {
  uint64_t hash = client_hash(&links->seed, 0, address);
  size_t sets = CLIENT_LINKS_MAX / CLIENT_LINKS_WAYS;
  struct client_links_entry *set = &links->entries[(hash >> 32) % sets * CLIENT_LINKS_WAYS];
  struct client_links_entry *unused = NULL;
  for (size_t i = 0; i < CLIENT_LINKS_WAYS; i++) {
    if (set[i].open > 0 && set[i].client == (uint32_t)hash) return &set[i];
    if (set[i].open == 0) unused = &set[i];
  }
  if (unused) *unused = (struct client_links_entry){.client = (uint32_t)hash};
  return unused;
}

enum client_links_verdict client_links_begin(struct client_links *links, uint32_t most,
                                             const uint8_t address[16], uint32_t *note) {
  assert(most > 0 && most <= CLIENT_LINKS_EACH_MAX);
  if (client_is_local(address)) return CLIENT_LINKS_LOCAL;
  struct client_links_entry *entry = find(links, address);
  if (!entry) return CLIENT_LINKS_UNCOUNTED;
  if (entry->open >= most) {
    bool told = entry->told;
    entry->told = true;
    return told ? CLIENT_LINKS_REFUSED : CLIENT_LINKS_REFUSED_NOW;
  }
  if (entry->open <= most / 2) entry->told = false;
  entry->open++;
  *note = (uint32_t)(entry - links->entries);
  return CLIENT_LINKS_COUNTED;
}

void client_links_ended(struct client_links *links, uint32_t note) {
  assert(note < CLIENT_LINKS_MAX && links->entries[note].open > 0);
  links->entries[note].open--;
}
