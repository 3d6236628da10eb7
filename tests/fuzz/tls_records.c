/*
 * fuzz/tls_records.c - any records, sealed with the right keys, to the receiver of TLS 1.3 after the handshake.
 *
 * An input is two bytes of choices (whether the receiver is a client; bytes of a piece, 0: all at once), then items: kind,
 * length, and that many bytes of content. The kind decides whether the content is sealed, as which type, with padding
 * or without, or goes out as it is; and whether the peer's keys change after it.
 *
 * Beyond not crashing: the plaintext is the content of the records of application data, in their order; nothing that
 * was not sealed is let through; and only right records are read to the end.
 */
#include "io/tls/alerts.h"
#include "io/tls/credit.h"
#include "io/tls/limits.h"
#include "io/tls/receiver.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { STREAM_BYTES_MAX = 1 << 17, CHOICES = 2, PADDING_BYTES = 64 };

static struct {
  struct tls_secret secret;
  struct tls_aead keys;
  uint8_t stream[STREAM_BYTES_MAX]; /* what the peer sends */
  size_t stream_len;
  uint8_t data[STREAM_BYTES_MAX]; /* application data in it, until something is wrong for sure */
  size_t data_len;
  bool wrong; /* a record that has no tag */
} peer;

static struct tls_aead_pool pool;
static uint8_t out[TLS_PLAINTEXT_BYTES];

static const struct tls_secret first = {.len = 32, .bytes = {1, 2, 3}};

/* The bits of an item's kind. */
enum { TYPE = 3, CLEAR = 4, PADDED = 8, UPDATED = 16 };

/* RFC 8446 section 5.4: the type is the last byte that is not zero. */
static void note_data(struct span content, uint8_t type) {
  size_t len = content.len;
  while (type == 0 && len > 0)
    type = content.base[--len];
  if (type != TLS_CONTENT_APPLICATION || peer.wrong) return;
  if (len > 0) memcpy(peer.data + peer.data_len, content.base, len);
  peer.data_len += len;
}

static void put_sealed(uint8_t kind, struct span content) {
  static const uint8_t types[] = {TLS_CONTENT_APPLICATION, TLS_CONTENT_HANDSHAKE, TLS_CONTENT_ALERT,
                                  0};
  static const uint8_t zeros[PADDING_BYTES];
  const uint8_t type = types[kind & TYPE];
  const struct span padded[] = {content, span_of(&type, 1), span_of(zeros, sizeof zeros)};
  const bool pads =
      kind & PADDED; /* zeros behind the type, of which the last is the record's own */
  const size_t len = content.len + (pads ? 1 + sizeof zeros : 0);
  uint8_t *at = peer.stream + peer.stream_len;
  if (!tls_aead_seal(&peer.keys, &pool, pads ? 0 : type, padded, len, at)) abort();
  peer.stream_len += tls_aead_bytes(len);
  note_data(content, type);
  if (kind & UPDATED && !tls_secret_update(&peer.secret, &peer.keys, &pool)) abort();
}

static void put(uint8_t kind, struct span content) {
  if (peer.stream_len + content.len + PADDING_BYTES + 100 > sizeof peer.stream) return;
  if (!(kind & CLEAR)) {
    put_sealed(kind, content);
    return;
  }
  memcpy(peer.stream + peer.stream_len, content.base, content.len);
  peer.stream_len += content.len;
  if (content.len > 0) peer.wrong = true;
}

static void build(const uint8_t *bytes, size_t len) {
  peer.stream_len = peer.data_len = 0;
  peer.wrong = false;
  peer.secret = first;
  if (!tls_secret_begin(&first, &peer.keys, &pool, TLS_AEAD_AES_128, 0)) abort();
  for (size_t at = 0; at + 2 <= len;) {
    size_t part = bytes[at + 1];
    const uint8_t kind = bytes[at];
    at += 2;
    if (part > len - at) part = len - at;
    put(kind, span_of(bytes + at, part));
    at += part;
  }
}

/* What was read must be the peer's next data. Returns how much was checked so far. */
static size_t check(size_t checked, size_t len) {
  assert(len <= peer.data_len - checked);
  assert(memcmp(out, peer.data + checked, len) == 0);
  return checked + len;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  if (len < CHOICES) return 0;
  if (!pool.ops[TLS_AEAD_AES_128]) tls_aead_pool_init(&pool);
  build(bytes + CHOICES, len - CHOICES);
  struct tls_receiver receiver;
  struct tls_credit credit;
  tls_credit_init(&credit, 1);
  if (!tls_receiver_begin(&receiver, &pool, TLS_AEAD_AES_128, &first, 0, bytes[0] & 1)) abort();
  enum tls_read result = TLS_READ_MORE;
  const size_t step = bytes[1] ? bytes[1] : peer.stream_len;
  size_t checked = 0;
  for (size_t at = 0; at < peer.stream_len && result <= TLS_READ_FULL;) {
    size_t part = step < peer.stream_len - at ? step : peer.stream_len - at, got = 0;
    struct span in = span_of(peer.stream + at, part);
    result = tls_receiver_read(&receiver, &credit, &in, out, sizeof out, &got);
    assert(result != TLS_READ_MORE || in.len == 0);
    at += part - in.len;
    checked = check(checked, got);
  }
  assert(result != TLS_READ_BLOCKED);
  assert((result == TLS_READ_FAILED) == (*receiver.error != 0));
  if (result <= TLS_READ_FULL && !peer.wrong) assert(checked == peer.data_len);
  tls_receiver_end(&receiver);
  tls_aead_end(&peer.keys);
  return 0;
}
