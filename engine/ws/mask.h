/*
 * ws/mask.h - masks and unmasks payload: each byte XOR a byte of the key (RFC 6455 section 5.3). The
 * same call does both.
 *
 * The work is done with vectors of 32 bytes where the compiler has them; ws_mask_portable() gives the
 * same bytes without, and a test compares the two. No allocation, no failure.
 */
#ifndef WEIR_WS_MASK_H
#define WEIR_WS_MASK_H

#include <stddef.h>
#include <stdint.h>

/* The four octets of the key as they stand on the wire. */
struct ws_key {
  uint8_t octets[4];
};

/* Writes `len` masked bytes to `out`. `offset` is how many bytes of the same payload came before. `out`
 * is `in` itself, or does not overlap it. */
void ws_mask(uint8_t *out, const uint8_t *in, size_t len, struct ws_key key, uint64_t offset);

void ws_mask_portable(uint8_t *out, const uint8_t *in, size_t len, struct ws_key key,
                      uint64_t offset);

#endif
