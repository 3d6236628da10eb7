/*
 * attack/peer.c - one connection of a hostile client.
 */
#include "tests/helpers/attack/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { RECEIVE_BYTES = 65536, RECEIVE_TURNS = 16 };

void peer_begin(struct peer *peer, int fd, const struct peer_options *options,
                struct peer_tally *tally) {
  memset(peer, 0, offsetof(struct peer, out));
  peer->fd = fd;
  peer->options = options;
  peer->tally = tally;
  peer->next_id = 1;
  peer->credit = peer->stream_credit = 65535;
}

/* ---- sending --------------------------------------------------------------------------------- */

void peer_put(struct peer *peer, const void *bytes, size_t len) {
  if (peer->made + len > PEER_OUT_BYTES) abort(); /* an attack's unit is too large */
  memcpy(peer->out + peer->made, bytes, len);
  peer->made += len;
}

void peer_put_zeros(struct peer *peer, uint8_t byte, size_t len) {
  if (peer->made + len > PEER_OUT_BYTES) abort();
  memset(peer->out + peer->made, byte, len);
  peer->made += len;
}

void peer_put_u32(struct peer *peer, uint32_t value) {
  const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                            (uint8_t)value};
  peer_put(peer, bytes, 4);
}

void peer_put_head(struct peer *peer, size_t len, unsigned type, unsigned flags, uint32_t id) {
  const uint8_t head[5] = {(uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, (uint8_t)type,
                           (uint8_t)flags};
  peer_put(peer, head, 5);
  peer_put_u32(peer, id);
}

void peer_put_frame(struct peer *peer, unsigned type, unsigned flags, uint32_t id,
                    const void *payload, size_t len) {
  peer_put_head(peer, len, type, flags, id);
  peer_put(peer, payload, len);
}

void peer_put_number(struct peer *peer, unsigned type, uint32_t id, uint32_t value) {
  peer_put_head(peer, 4, type, 0, id);
  peer_put_u32(peer, value);
}

void peer_put_setting(struct peer *peer, unsigned id, uint32_t value) {
  const uint8_t bytes[2] = {(uint8_t)(id >> 8), (uint8_t)id};
  peer_put_head(peer, 6, SETTINGS, 0, 0);
  peer_put(peer, bytes, 2);
  peer_put_u32(peer, value);
}

void peer_put_preface(struct peer *peer) {
  static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  peer_put(peer, preface, sizeof preface - 1);
}

/* A literal without indexing of a name in the static table; lengths below 127. */
static size_t literal(uint8_t *at, uint8_t name, const char *value) {
  const size_t len = strlen(value);
  at[0] = name;
  at[1] = (uint8_t)len;
  memcpy(at + 2, value, len);
  return len + 2;
}

uint32_t peer_put_request(struct peer *peer, bool post, const char *path, bool end) {
  uint8_t block[256] = {post ? 0x83 : 0x82, 0x86};
  size_t len = 2;
  len += literal(block + len, 4, path);
  len += literal(block + len, 1, "localhost");
  const uint32_t id = peer->next_id;
  peer->next_id += 2;
  peer->in_flight++;
  peer->received = 0;
  peer_put_frame(peer, HEADERS, END_HEADERS | (end ? END_STREAM : 0), id, block, len);
  return id;
}

bool peer_flush(struct peer *peer) {
  while (peer->sent < peer->made) {
    const ssize_t n = send(peer->fd, peer->out + peer->sent, peer->made - peer->sent, MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    peer->sent += (size_t)n;
    peer->tally->bytes_sent += (uint64_t)n;
  }
  peer->made = peer->sent = 0;
  return true;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static uint32_t get_u32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static unsigned code_of(uint32_t code) {
  return code < PEER_CODES ? code : PEER_CODES - 1;
}

/* The class of a response's status, where it is easy to see. */
static unsigned status_class(const struct peer *peer) {
  const uint8_t *at = peer->kept;
  while ((*at & 0xe0) == 0x20) /* table size updates of one octet */
    at++;
  static const unsigned indexed[] = {2, 2, 2, 3, 4, 4, 5};
  if (*at >= 0x88 && *at <= 0x8e) return indexed[*at - 0x88];
  const bool named = *at == 0x08 || *at == 0x48 || *at == 0x18;
  if (!named || at[1] != 3 || at[2] < '1' || at[2] > '5') return 0;
  return (unsigned)(at[2] - '0');
}

static void got_goaway(struct peer *peer, size_t len) {
  peer->tally->last_stream_id = get_u32(peer->kept);
  peer->tally->goaway[code_of(get_u32(peer->kept + 4))]++;
  size_t kept = len < PEER_KEPT_BYTES ? len : PEER_KEPT_BYTES;
  if (kept <= 8) return;
  memcpy(peer->tally->reason, peer->kept + 8, kept - 8);
  peer->tally->reason[kept - 8] = 0;
}

/* The reason in a WebSocket's close frame, which comes last. */
static void got_close(struct peer *peer) {
  const uint8_t *kept = peer->kept;
  const size_t len = peer->got;
  for (size_t at = 0; at + 4 <= len; at++) {
    if (kept[at] != 0x88 || at + 2 + kept[at + 1] != len) continue;
    const unsigned reason_len = kept[at + 1] - 2u;
    memcpy(peer->tally->reason, kept + at + 4, reason_len);
    peer->tally->reason[reason_len] = 0;
    return;
  }
}

static void got_ping(struct peer *peer, unsigned flags) {
  if (!(flags & ACK)) {
    if (peer->made + 17 <= PEER_OUT_BYTES) peer_put_frame(peer, PING, ACK, 0, peer->kept, 8);
    return;
  }
  peer->tally->acks++;
  if (memcmp(peer->kept, "thefence", 8) != 0) return;
  peer->tally->fences++;
  peer->done = true;
}

static void got_frame(struct peer *peer) {
  const uint8_t *h = peer->header;
  const size_t len = (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2];
  const unsigned type = h[3], flags = h[4];
  const uint32_t id = get_u32(h + 5);
  if (type < PEER_TYPES) peer->tally->frames[type]++, peer->frames[type]++;
  switch (type) {
  case DATA:
    peer->tally->data_bytes += len;
    peer->tally->small_data += len < 256 && !(flags & END_STREAM);
    peer->granted += len;
    peer->granted_id = id;
    if (flags & END_STREAM) got_close(peer);
    break;
  case HEADERS: peer->tally->statuses[status_class(peer)]++; break;
  case RST_STREAM:
    peer->tally->rst[code_of(get_u32(peer->kept))]++;
    peer->in_flight -= id % 2;
    break;
  case PING: got_ping(peer, flags); break;
  case GOAWAY:
    got_goaway(peer, len);
    peer->ending = true;
    break;
  case WINDOW_UPDATE: *(id ? &peer->stream_credit : &peer->credit) += get_u32(peer->kept); break;
  default: break;
  }
  if (type <= HEADERS && flags & END_STREAM) {
    peer->tally->ended++;
    peer->in_flight -= id % 2; /* and no push */
  }
}

/* Keeps the last bytes: a WebSocket's close frame is among them. */
static void keep_last(struct peer *peer, const uint8_t *bytes, size_t len) {
  const size_t fresh = len < PEER_KEPT_BYTES ? len : PEER_KEPT_BYTES;
  size_t old = peer->got < PEER_KEPT_BYTES - fresh ? peer->got : PEER_KEPT_BYTES - fresh;
  memmove(peer->kept, peer->kept + peer->got - old, old);
  memcpy(peer->kept + old, bytes + len - fresh, fresh);
  peer->got = old + fresh;
}

static void keep_first(struct peer *peer, const uint8_t *bytes, size_t len) {
  const size_t room = PEER_KEPT_BYTES - peer->got;
  if (len > room) len = room;
  memcpy(peer->kept + peer->got, bytes, len);
  peer->got += len;
}

static void take(struct peer *peer, const uint8_t *bytes, size_t len) {
  for (;;) {
    while (peer->have < 9 && len > 0) {
      peer->header[peer->have++] = *bytes++;
      len--;
      const uint8_t *h = peer->header;
      if (peer->have == 9) peer->left = (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2];
    }
    if (peer->have < 9) return;
    const size_t part = len < peer->left ? len : peer->left;
    (peer->header[3] == DATA ? keep_last : keep_first)(peer, bytes, part);
    bytes += part;
    len -= part;
    peer->left -= part;
    if (peer->left > 0) return;
    got_frame(peer);
    peer->have = peer->got = 0;
  }
}

/* Counts status lines. After an error the server reads no further. */
static void take_h1(struct peer *peer, const uint8_t *bytes, size_t len) {
  static const char line[] = "HTTP/1.1 ";
  if (peer->phase) {
    keep_last(peer, bytes, len);
    peer->tally->data_bytes += len;
  }
  for (size_t i = 0; i < len; i++) {
    if (line[peer->matched] == 0) {
      const unsigned class = bytes[i] - (unsigned)'0';
      peer->tally->statuses[class < 6 ? class : 0]++;
      peer->ending |= class >= 4;
      peer->matched = 0;
    } else {
      peer->matched =
          bytes[i] == (uint8_t)line[peer->matched] ? peer->matched + 1 : bytes[i] == 'H';
    }
  }
}

bool peer_drain(struct peer *peer) {
  static uint8_t buffer[RECEIVE_BYTES];
  for (int turns = 0; turns < RECEIVE_TURNS; turns++) {
    const ssize_t n = recv(peer->fd, buffer, sizeof buffer, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (n <= 0) {
      n == 0 ? peer->tally->closed++ : peer->tally->cut++;
      if (peer->h1 && peer->phase) got_close(peer);
      return false;
    }
    peer->tally->bytes_received += (uint64_t)n;
    peer->received += (uint64_t)n;
    (peer->h1 ? take_h1 : take)(peer, buffer, (size_t)n);
  }
  return true;
}
