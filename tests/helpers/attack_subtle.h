/*
 * helpers/attack_subtle.h - what tests/helpers/attacks.h does not flood: requests that are valid and dear, resets at any
 * moment, and everything that stays just below a limit.
 */
#ifndef WEIR_ATTACK_SUBTLE_H
#define WEIR_ATTACK_SUBTLE_H

#include "tests/helpers/attack_peer.h"

/* ---- resets ---------------------------------------------------------------------------------- */

/* Where the response is cut off: no two alike for long, and all values of up to `variant` bytes
 * come up (the multiplier is odd, so that it goes through all residues of a power of two). */
static uint64_t reset_point(const struct peer *peer) {
  return peer->units * UINT64_C(7919) % (options.variant + 1);
}

/* A request, and RST_STREAM when that many bytes of its response have come. */
static bool step_reset_at(struct peer *peer) {
  if (peer->phase == 0) {
    put_request(peer, false, options.path, true);
    peer->phase = 1;
  }
  if (peer->received < reset_point(peer)) return false;
  put_number(peer, RST_STREAM, peer->next_id - 2, 8);
  peer->phase = 0;
  return true;
}

/* A cheap request that ends well, then one that does not: the first earns back what the second
 * costs. */
static bool step_reset_half(struct peer *peer) {
  if (peer->in_flight >= 50) return false;
  put_request(peer, false, "/plaintext", true);
  const uint32_t id = put_request(peer, false, options.path, true);
  put_number(peer, RST_STREAM, id, 8);
  peer->in_flight--;
  return true;
}

/* ---- requests that are dearer than they look ------------------------------------------------- */

static void put_indexed(struct peer *peer, const uint8_t *start, size_t start_len,
                        size_t references) {
  put_head(peer, start_len + references, HEADERS, END_HEADERS | END_STREAM, peer->next_id);
  put(peer, start, start_len);
  put_zeros(peer, 0xbe, references);
  peer->next_id += 2;
  peer->in_flight++;
}

/* The first request: `head` and `value_len` octets as its literal's value. */
static void put_entry(struct peer *peer, const uint8_t *head, size_t head_len, size_t value_len) {
  static const uint8_t start[] = {0x82, 0x86, 0x04, 1, '/', 0x01, 1, 'a'};
  const size_t rest = value_len - 127;
  const uint8_t length[] = {0x7f, (uint8_t)(0x80 | (rest & 0x7f)), (uint8_t)(rest >> 7)};
  put_head(peer, sizeof start + head_len + sizeof length + value_len, HEADERS,
           END_HEADERS | END_STREAM, peer->next_id);
  put(peer, start, sizeof start);
  put(peer, head, head_len);
  put(peer, length, sizeof length);
  put_zeros(peer, 'v', value_len);
  peer->next_id += 2;
  peer->in_flight++;
}

/* Valid requests of 64 KB, out of 150 octets: references to one entry of the header table.
 * variant 0: a field of 470 octets, 120 times; 1: the same as cookie crumbs, to be joined; 2: more
 * fields than are allowed, of next to nothing, for 431. */
static bool step_amplify(struct peer *peer) {
  static const uint8_t start[] = {0x82, 0x86, 0x04, 1, '/', 0x01, 1, 'a'};
  static const uint8_t field[] = {0x40, 1, 'a'}, crumb[] = {0x60}, empty[] = {0x40, 1, 'a'};
  if (peer->in_flight >= 100) return false;
  if (peer->next_id > 1) {
    put_indexed(peer, start, sizeof start, options.variant == 2 ? 720 : 120);
    return true;
  }
  switch (options.variant) {
  case 0: put_entry(peer, field, sizeof field, 470); break;
  case 1: put_entry(peer, crumb, sizeof crumb, 470); break;
  default: put_entry(peer, empty, sizeof empty, 127);
  }
  return true;
}

/* Requests of `variant` cookie crumbs each. */
static bool step_crumbs(struct peer *peer) {
  static const uint8_t start[] = {0x82, 0x86, 0x04, 1, '/', 0x01, 1, 'a', 0x60, 1, 'c'};
  if (peer->in_flight >= 100) return false;
  put_indexed(peer, start, peer->next_id == 1 ? sizeof start : sizeof start - 3, options.variant);
  return true;
}

/* A target of 3,900 octets for one octet. variant 1: of directories. */
static bool step_long_path(struct peer *peer) {
  static const uint8_t start[] = {0x82, 0x86, 0x01, 1, 'a'},
                       head[] = {0x82, 0x86, 0x01, 1, 'a', 0x44};
  if (peer->in_flight >= 100) return false;
  if (peer->next_id > 1) {
    put_indexed(peer, start, sizeof start, 1);
    return true;
  }
  const size_t len = 3900, rest = len - 127;
  const uint8_t length[] = {0x7f, (uint8_t)(0x80 | (rest & 0x7f)), (uint8_t)(rest >> 7)};
  put_head(peer, sizeof head + sizeof length + len, HEADERS, END_HEADERS | END_STREAM, 1);
  put(peer, head, sizeof head);
  put(peer, length, sizeof length);
  for (size_t i = 0; i < len / 2; i++)
    put(peer, options.variant ? "/a" : i ? "%a" : "/a", 2);
  peer->next_id += 2;
  peer->in_flight++;
  return true;
}

/* A path that nobody has asked for before, in each request. */
static bool step_new_paths(struct peer *peer) {
  char path[32] = "/no-000000000000";
  uint64_t number = peer->units * options.connections + (uint64_t)peer->fd;
  if (peer->in_flight >= 100) return false;
  for (char *at = path + 15; number > 0; number /= 10)
    *at-- = (char)('0' + number % 10);
  put_request(peer, false, path, true);
  return true;
}

/* ---- below the limits ------------------------------------------------------------------------ */

/* Credit in the smallest steps that count as useful, for 100 responses at once. variant: bytes. */
static bool step_small_credit(struct peer *peer) {
  if (peer->next_id == 1)
    for (int i = 0; i < 100; i++)
      put_request(peer, false, "/bytes/1000000000", true);
  const uint32_t id = 1 + 2 * (uint32_t)(peer->units % 100);
  if (peer->frames[DATA] + 200 < peer->units) return false; /* not ahead of the server */
  put_number(peer, WINDOW_UPDATE, 0, options.variant);
  put_number(peer, WINDOW_UPDATE, id, options.variant);
  return true;
}

/* SETTINGS of as many entries as are allowed, each of which moves every stream's window. */
static bool step_seesaw_large(struct peer *peer) {
  enum { ENTRIES = 32 };
  put_head(peer, 6 * ENTRIES, SETTINGS, 0, 0);
  for (int i = 0; i < ENTRIES; i++) {
    put(peer, "\0\4", 2);
    put_u32(peer, i % 2 ? 0 : 0x7fffffffu);
  }
  return true;
}

/* A little of everything, each less often than its budget is refilled; and a request now and then,
 * so as not to be idle. */
static bool step_temperate(struct peer *peer) {
  if (now_ns < peer->next_ns) return false;
  peer->next_ns = now_ns + 26000000; /* below 40 a second */
  put_frame(peer, PING, 0, 0, "temperat", 8);
  put_head(peer, 0, 0xbb, 0, 0);
  if (peer->units % 4 == 0) put_head(peer, 0, SETTINGS, 0, 0);
  if (peer->units % 2 == 0) {
    const uint32_t id = put_request(peer, false, options.path, true);
    put_number(peer, RST_STREAM, id, 8);
  }
  return true;
}

/* Streams opened and closed for what they earn: each pays for ten PRIORITY frames, every one of
 * which moves a hundred idle streams below another. */
static bool step_regroup(struct peer *peer) {
  if (peer->in_flight >= 100) return false;
  if (peer->units == 0)
    for (uint32_t id = 100001; id < 100201; id += 2) {
      put_head(peer, 5, PRIORITY, 0, id);
      put_u32(peer, 0);
      put(peer, "\x10", 1);
    }
  put_request(peer, false, "/plaintext", true);
  for (uint32_t i = 0; i < 10; i++) {
    put_head(peer, 5, PRIORITY, 0, 100001 + 2 * (uint32_t)((peer->units * 10 + i) % 100));
    put_u32(peer, 0x80000000u);
    put(peer, "\x10", 1);
  }
  return true;
}

/* Pages that push what they need, into windows that are shut, from a client that allows any number
 * of pushes: who counts them? A page that is reset makes room for the next, while its budget lasts.
 */
static bool step_hoard_pushes(struct peer *peer) {
  if (peer->units >= 100) return false;
  const uint32_t id = put_request(peer, false, options.path, true);
  if (peer->units < 50) put_number(peer, RST_STREAM, id, 8);
  return true;
}

static void begin_hoard_pushes(struct peer *peer) {
  put_head(peer, 18, SETTINGS, 0, 0);
  put(peer,
      "\0\2\0\0\0\1"
      "\0\3\x7f\xff\xff\xff"
      "\0\4\0\0\0\0",
      18);
}

/* 100 downloads of which one byte is taken, each. */
static void begin_hold_files(struct peer *peer) {
  put_head(peer, 6, SETTINGS, 0, 0);
  put(peer, "\0\4\0\0\0\1", 6);
  for (int i = 0; i < 100; i++)
    put_request(peer, false, options.path, true);
}

/* ---- never quite there ----------------------------------------------------------------------- */

/* Ten bytes of the preface, and then one a second. */
static void begin_preface(struct peer *peer) {
  peer->made = 10;
}

static bool step_preface(struct peer *peer) {
  static const char rest[] = "/2.0\r\n\r\nSM";
  if (now_ns < peer->next_ns) return false;
  peer->next_ns = now_ns + UINT64_C(1000000000);
  put(peer, &rest[peer->units % (sizeof rest - 1)], 1);
  return true;
}

#endif
