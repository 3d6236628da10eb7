/*
 * tls/slab.h - where ciphertext waits until it is sent: slabs of several records, one per
 * connection that has something unsent.
 *
 * A slab is filled at its tail and sent from its head, and starts anew when all has been sent;
 * bytes never move, so what was lent to a send stays where it is.
 *
 * The pool reserves address space for one slab a connection at once, so that a connection that was
 * admitted never waits for one; the kernel supplies pages when they are first written. So that many
 * peers that do not read cannot make all of it resident, only the first TLS_SLABS_FULL slabs are
 * filled with several records, the rest hold one at a time.
 */
#ifndef WEIR_TLS_SLAB_H
#define WEIR_TLS_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_slab_pool {
  uint8_t *base;  /* count * TLS_SLAB_BYTES of address space */
  uint32_t *free; /* stack of indices; low ones are on top at first */
  bool *touched;  /* of each: whether it has pages */
  uint32_t count; /* slabs in all */
  uint32_t taken; /* slabs that are out */
  uint32_t peak;  /* most that were out since the last trim */
};

/* One connection's use of a slab. Zeroed: empty, without a slab. */
struct tls_slab {
  struct tls_slab_pool *pool;
  uint8_t *base; /* NULL while empty */
  uint32_t head; /* first unsent byte */
  uint32_t tail; /* end of what was written */
};

/* False when address space or memory is refused. */
__attribute__((warn_unused_result)) bool tls_slab_pool_init(struct tls_slab_pool *pool,
                                                            uint32_t count);

/* All slabs must have been given back (asserted). */
void tls_slab_pool_destroy(struct tls_slab_pool *pool);

/* Gives the pages of slabs that were not needed since the last trim back to the kernel. */
void tls_slab_pool_trim(struct tls_slab_pool *pool);

/* Appends as much of the bytes as there is room for, taking a slab if there is none, and returns
 * how much that was. The pool must not be exhausted (asserted: one slab a connection exists). */
__attribute__((warn_unused_result)) size_t tls_slab_append(struct tls_slab *slab, const void *bytes,
                                                           size_t len);

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
