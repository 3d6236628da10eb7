/*
 * tls/slab.h - where ciphertext waits until it is sent: slabs of several records, one per
 * connection that has something unsent.
 *
 * A slab is filled at its tail and sent from its head, and starts anew when all has been sent;
 * bytes never move, so what was lent to a send stays where it is.
 *
 * Slabs are mapped in chunks when they are needed, and unmapped after a crowd has gone. The first
 * TLS_SLABS_FULL that are out hold several records. The others are smaller and hold one, so that many
 * peers that do not read cost little each.
 */
#ifndef WEIR_TLS_SLAB_H
#define WEIR_TLS_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/base/list.h"

struct tls_slab_chunk;

/* The slabs of one size. */
struct tls_slab_size {
  struct list_node open; /* chunks with free slabs; the next slab is of the first */
  uint32_t bytes;        /* of each slab */
  uint32_t made;         /* slabs in all chunks */
  uint32_t taken;        /* of them, those that are out */
  uint32_t peak;         /* most that were out since the last trim */
};

/* Stays where it was initialized: its lists point to it. */
struct tls_slab_pool {
  struct tls_slab_size full; /* TLS_SLAB_BYTES each, at most TLS_SLABS_FULL out */
  struct tls_slab_size lean; /* TLS_SLAB_LEAN_BYTES each */
};

/* One connection's use of a slab. Zeroed but for its pool: empty, without a slab. */
struct tls_slab {
  struct tls_slab_pool *pool;
  struct tls_slab_chunk *chunk; /* that it belongs to; NULL while empty */
  uint8_t *base;                /* NULL while empty */
  uint32_t head;                /* first unsent byte */
  uint32_t tail;                /* end of what was written */
};

/* Allocates nothing yet. */
void tls_slab_pool_init(struct tls_slab_pool *pool);

/* All slabs must have been given back (asserted). */
void tls_slab_pool_destroy(struct tls_slab_pool *pool);

/* Unmaps chunks of which nothing is out, while as many slabs remain as were out at most since the
 * last trim. Looks at TLS_SLAB_TRIM_CHUNKS of each size. */
void tls_slab_pool_trim(struct tls_slab_pool *pool);

/* Appends as much of the bytes as there is room for, taking a slab if there is none, and returns
 * how much that was. `slab->base` is then NULL only if there was no slab and memory was refused. */
__attribute__((warn_unused_result)) size_t tls_slab_append(struct tls_slab *slab, const void *bytes,
                                                           size_t len);

/* Where `len` bytes may be written that tls_slab_wrote() then appends; NULL if there is no room for all of
 * them. Takes a slab if there is none; `slab->base` is then NULL only if memory was refused. */
__attribute__((warn_unused_result)) uint8_t *tls_slab_reserve(struct tls_slab *slab, size_t len);
void tls_slab_wrote(struct tls_slab *slab, size_t len);

/* Gives back a slab that was taken and not used. */
void tls_slab_settle(struct tls_slab *slab);

/* `bytes` from the head have been sent. Gives the slab back when it is empty. */
void tls_slab_consume(struct tls_slab *slab, size_t bytes);

/* Drops everything and gives the slab back. */
void tls_slab_clear(struct tls_slab *slab);

/* Room for application data, in bytes of ciphertext; control records may use TLS_SLAB_RESERVE_BYTES
 * beyond it. */
size_t tls_slab_room(const struct tls_slab *slab);

static inline size_t tls_slab_unsent(const struct tls_slab *slab) {
  return slab->tail - slab->head;
}

#endif
