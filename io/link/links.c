/*
 * link/links.c - slots, and the mark that ends a link.
 */
#include "io/link/links.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
  CHUNK_LINKS = 64,
  CACHE_LINE_BYTES = 64, /* fixed by the processors that weir runs on */
};

#ifdef WEIR_INVARIANTS
static void invariants(const struct links *links) {
  assert(links->open <= links->max && links->open <= links->made);
  assert(list_is_empty(&links->free) == (links->open == links->made));
  assert(links->shedding <= links->open);
  assert(links->shed_hand < links->made || links->made == 0);
  assert(links->kept_bytes <= links->keep_bytes_max);
}
#else
static void invariants(const struct links *links) {
  (void)links;
}
#endif

bool links_open(struct links *links, struct loop *loop, const struct links_settings *settings) {
  uint32_t max = settings->links_max;
  assert(max && max <= OP_SLOT_MAX);
  *links = (struct links){.loop = loop,
                          .max = max,
                          .keep_bytes_max = settings->keep_bytes_max,
                          .send_stall_ns = settings->send_stall_ns,
                          .yield_ns = settings->yield_ns};
  list_init(&links->free);
  list_init(&links->dirty);
  list_init(&links->busy);
  list_init(&links->woken);
  list_init(&links->waiting);
  list_init(&links->starved);
  shares_init(&links->shares);
  vault_open(&links->vault);
  /* Chunks are whole, so slots may be larger than `max`. */
  uint32_t chunks = (max + CHUNK_LINKS - 1) / CHUNK_LINKS;
  links->chunks = calloc(chunks, sizeof(struct link *));
  links->scratch = malloc(IO_TURN_RECV_BYTES);
  if (links->yield_ns > 0)
    links->born_ns = calloc((size_t)chunks * CHUNK_LINKS, sizeof *links->born_ns);
  return links->chunks && links->scratch && (links->yield_ns == 0 || links->born_ns);
}

void links_close(struct links *links) {
  assert(links->open == 0 && links->kept_bytes == 0);
  for (uint32_t i = 0; i < links->made / CHUNK_LINKS; i++)
    free(links->chunks[i]);
  free(links->chunks);
  free(links->scratch);
  free(links->born_ns);
  vault_close(&links->vault);
  if (links->loop) splicer_close(&links->splicer, &links->loop->pages);
  *links = (struct links){.max = 0};
}

struct link *links_at(const struct links *links, uint32_t slot) {
  assert(slot < links->made);
  return &links->chunks[slot / CHUNK_LINKS][slot % CHUNK_LINKS];
}

static bool make_chunk(struct links *links) {
  struct link *chunk = aligned_alloc(CACHE_LINE_BYTES, CHUNK_LINKS * sizeof *chunk);
  if (!chunk) return false;
  memset(chunk, 0, CHUNK_LINKS * sizeof *chunk);
  links->chunks[links->made / CHUNK_LINKS] = chunk;
  for (uint32_t i = 0; i < CHUNK_LINKS; i++) {
    chunk[i].slot = links->made + i;
    list_append(&links->free, &chunk[i].dirty);
  }
  links->made += CHUNK_LINKS;
  return true;
}

struct link *links_take(struct links *links) {
  if (!links_have_room(links)) return NULL;
  if (list_is_empty(&links->free) && !make_chunk(links)) return NULL;
  struct link *link = LIST_OWNER(list_take_first(&links->free), struct link, dirty);
  *link = (struct link){
      .loop = links->loop, .links = links, .slot = link->slot, .generation = link->generation};
  links->open++;
  if (links->born_ns) links->born_ns[link->slot] = links->loop->now_ns;
  invariants(links);
  return link;
}

void links_give(struct links *links, struct link *link) {
  link->generation++;
  link->state = LINK_FREE;
  list_append(&links->free, &link->dirty);
  links->open--;
  invariants(links);
}

struct link *links_find(const struct links *links, uint32_t slot, uint32_t generation) {
  if (slot >= links->made) return NULL;
  struct link *link = links_at(links, slot);
  return link->state != LINK_FREE && link->generation == generation ? link : NULL;
}

/* A machine's first lines hold most of what it reads for each call. */
void links_prefetch(const struct links *links, uint32_t slot, enum links_part part) {
  enum { LINK_LINES = 4, MACHINE_LINES = 8 };
  if (slot >= links->made) return;
  const struct link *link = links_at(links, slot);
  const char *at = part == LINKS_LINK ? (const char *)link : link->machine.self;
  const size_t lines = part == LINKS_LINK ? LINK_LINES : MACHINE_LINES;
  for (size_t i = 0; i < lines; i++)
    __builtin_prefetch(at + i * CACHE_LINE_BYTES, 1);
}

/* Wherever it waited for its part of the turn: its end waits for nothing. */
void link_cut(struct link *link) {
  if (!link_is_alive(link)) return;
  link->state = LINK_CUT;
  link->reset = true;
  counter_add(&link->loop->counters.links_cut, 1);
  if (share_is_held(&link->share))
    shares_leave(&link->links->shares, &link->share, &link->dirty);
  else
    list_remove(&link->dirty);
  link_mark_dirty(link);
}
