/*
 * base/wire.h - big-endian integers, as every protocol here puts them on the wire.
 * Callers have checked that the bytes are there.
 */
#ifndef WEIR_WIRE_H
#define WEIR_WIRE_H

#include <stdint.h>

static inline uint16_t wire_get16(const uint8_t *p) {
  return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t wire_get24(const uint8_t *p) {
  return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

/* One load: compilers do not always see it in four. */
static inline uint32_t wire_get32(const uint8_t *p) {
  uint32_t v;
  __builtin_memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  v = __builtin_bswap32(v);
#endif
  return v;
}

static inline uint64_t wire_get64(const uint8_t *p) {
  uint64_t v;
  __builtin_memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  v = __builtin_bswap64(v);
#endif
  return v;
}

/* 31 bits behind a reserved bit, which is ignored on receipt (RFC 9113 section 4.1). */
static inline uint32_t wire_get31(const uint8_t *p) {
  return wire_get32(p) & 0x7fffffffu;
}

static inline uint8_t *wire_put8(uint8_t *p, uint8_t v) {
  p[0] = v;
  return p + 1;
}

static inline uint8_t *wire_put16(uint8_t *p, uint16_t v) {
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
  return p + 2;
}

/* One store: frames are made of this, and compilers do not always see it in four. */
static inline uint8_t *wire_put32(uint8_t *p, uint32_t v) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  v = __builtin_bswap32(v);
#endif
  __builtin_memcpy(p, &v, sizeof v);
  return p + sizeof v;
}

static inline uint8_t *wire_put64(uint8_t *p, uint64_t v) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  v = __builtin_bswap64(v);
#endif
  __builtin_memcpy(p, &v, sizeof v);
  return p + sizeof v;
}

#endif
