/*
 * helpers/attack_peer.h - one connection of a hostile HTTP/2 client, and what is tallied about all of them.
 *
 * It sends whatever an attack puts into its buffer, valid or not, and reads (or does not) what
 * comes back, noticing only what a test wants to know. Blocking never; tests/helpers/attacker.c polls.
 */
#ifndef WEIR_ATTACK_PEER_H
#define WEIR_ATTACK_PEER_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  DATA,
  HEADERS,
  PRIORITY,
  RST_STREAM,
  SETTINGS,
  PUSH_PROMISE,
  PING,
  GOAWAY,
  WINDOW_UPDATE,
  CONTINUATION,
  PRIORITY_UPDATE = 16,
  TYPES,
};
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8 };
enum { CODES = 16, OUT_BYTES = 128 * 1024, OUT_ENOUGH = 64 * 1024, KEPT_BYTES = 64 };

struct tally {
  uint64_t connections, units, bytes_sent, bytes_received;
  uint64_t frames[TYPES], data_bytes, small_data, ended, acks;
  uint64_t rst[CODES], goaway[CODES], statuses[6]; /* 1xx .. 5xx; [0]: others */
  uint64_t closed, cut, fences;
  uint32_t last_stream_id;
  char reason[KEPT_BYTES];
};

struct peer {
  int fd;            /* -1: over */
  size_t made, sent; /* of `out` */
  uint64_t units;
  uint32_t next_id, phase;
  uint64_t next_ns;  /* for attacks that wait */
  int64_t in_flight; /* requests without an end */
  int64_t credit;    /* bytes of DATA that the connection takes */
  int64_t stream_credit;
  uint32_t granted; /* DATA frames seen and not yet answered by credit */
  uint32_t granted_id;
  bool fence_sent, done, ending;
  /* receiving */
  uint8_t header[9], kept[KEPT_BYTES];
  size_t have, left, got;
  uint64_t received; /* bytes since the last request */
  uint64_t frames[TYPES];
  uint8_t out[OUT_BYTES];
};

/* Blank, but for `out`: ten thousand peers take no more memory than they use. */
static inline void peer_begin(struct peer *peer, int fd) {
  memset(peer, 0, offsetof(struct peer, out));
  peer->fd = fd;
  peer->next_id = 1;
  peer->credit = peer->stream_credit = 65535;
}

struct options {
  uint16_t port;
  uint64_t count, connections;
  double seconds;
  unsigned variant;
  uint32_t source; /* last part of our address; 0: any */
  bool unread, relentless, again;
  const char *path;
};

static struct options options = {
    .count = 100000, .connections = 1, .seconds = 5, .path = "/plaintext"};
static struct tally tally;

/* ---- sending --------------------------------------------------------------------------------- */

static inline void put(struct peer *peer, const void *bytes, size_t len) {
  if (peer->made + len > OUT_BYTES) abort(); /* an attack's unit is larger than it may be */
  memcpy(peer->out + peer->made, bytes, len);
  peer->made += len;
}

static inline void put_zeros(struct peer *peer, uint8_t byte, size_t len) {
  if (peer->made + len > OUT_BYTES) abort();
  memset(peer->out + peer->made, byte, len);
  peer->made += len;
}

static inline void put_u32(struct peer *peer, uint32_t value) {
  const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                            (uint8_t)value};
  put(peer, bytes, 4);
}

static inline void put_head(struct peer *peer, size_t len, unsigned type, unsigned flags,
                            uint32_t id) {
  const uint8_t head[5] = {(uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, (uint8_t)type,
                           (uint8_t)flags};
  put(peer, head, 5);
  put_u32(peer, id);
}

static inline void put_frame(struct peer *peer, unsigned type, unsigned flags, uint32_t id,
                             const void *payload, size_t len) {
  put_head(peer, len, type, flags, id);
  put(peer, payload, len);
}

static inline void put_number(struct peer *peer, unsigned type, uint32_t id, uint32_t value) {
  put_head(peer, 4, type, 0, id);
  put_u32(peer, value);
}

static inline void put_setting(struct peer *peer, unsigned id, uint32_t value) {
  const uint8_t bytes[2] = {(uint8_t)(id >> 8), (uint8_t)id};
  put_head(peer, 6, SETTINGS, 0, 0);
  put(peer, bytes, 2);
  put_u32(peer, value);
}

static inline void put_preface(struct peer *peer) {
  static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  put(peer, preface, sizeof preface - 1);
}

/* A literal without indexing of a name in the static table; lengths below 127. */
static inline size_t literal(uint8_t *at, uint8_t name, const char *value) {
  const size_t len = strlen(value);
  at[0] = name;
  at[1] = (uint8_t)len;
  memcpy(at + 2, value, len);
  return len + 2;
}

/* A valid request on the next stream; its identifier. */
static inline uint32_t put_request(struct peer *peer, bool post, const char *path, bool end) {
  uint8_t block[256] = {post ? 0x83 : 0x82, 0x86};
  size_t len = 2;
  len += literal(block + len, 4, path);
  len += literal(block + len, 1, "localhost");
  const uint32_t id = peer->next_id;
  peer->next_id += 2;
  peer->in_flight++;
  peer->received = 0;
  put_frame(peer, HEADERS, END_HEADERS | (end ? END_STREAM : 0), id, block, len);
  return id;
}

/* Sends what there is; false when the connection is broken. */
static inline bool flush(struct peer *peer) {
  while (peer->sent < peer->made) {
    const ssize_t n = send(peer->fd, peer->out + peer->sent, peer->made - peer->sent, MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    peer->sent += (size_t)n;
    tally.bytes_sent += (uint64_t)n;
  }
  peer->made = peer->sent = 0;
  return true;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static inline uint32_t get_u32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline unsigned code_of(uint32_t code) {
  return code < CODES ? code : CODES - 1;
}

/* The class of a response's status, where it is simple to see. */
static inline unsigned status_class(const struct peer *peer) {
  const uint8_t *at = peer->kept;
  while ((*at & 0xe0) == 0x20) /* table size updates of one octet */
    at++;
  static const unsigned indexed[] = {2, 2, 2, 3, 4, 4, 5};
  if (*at >= 0x88 && *at <= 0x8e) return indexed[*at - 0x88];
  const bool named = *at == 0x08 || *at == 0x48 || *at == 0x18;
  if (!named || at[1] != 3 || at[2] < '1' || at[2] > '5') return 0;
  return (unsigned)(at[2] - '0');
}

static inline void got_goaway(const struct peer *peer, size_t len) {
  tally.last_stream_id = get_u32(peer->kept);
  tally.goaway[code_of(get_u32(peer->kept + 4))]++;
  size_t kept = len < KEPT_BYTES ? len : KEPT_BYTES;
  if (kept <= 8) return;
  memcpy(tally.reason, peer->kept + 8, kept - 8);
  tally.reason[kept - 8] = 0;
}

static inline void got_ping(struct peer *peer, unsigned flags) {
  if (!(flags & ACK)) {
    if (peer->made + 17 <= OUT_BYTES) put_frame(peer, PING, ACK, 0, peer->kept, 8);
    return;
  }
  tally.acks++;
  if (memcmp(peer->kept, "thefence", 8) != 0) return;
  tally.fences++;
  peer->done = true;
}

static inline void got_frame(struct peer *peer) {
  const uint8_t *h = peer->header;
  const size_t len = (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2];
  const unsigned type = h[3], flags = h[4];
  const uint32_t id = get_u32(h + 5);
  if (type < TYPES) tally.frames[type]++, peer->frames[type]++;
  switch (type) {
  case DATA:
    tally.data_bytes += len;
    tally.small_data += len < 256 && !(flags & END_STREAM);
    peer->granted += len;
    peer->granted_id = id;
    break;
  case HEADERS: tally.statuses[status_class(peer)]++; break;
  case RST_STREAM:
    tally.rst[code_of(get_u32(peer->kept))]++;
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
    tally.ended++;
    peer->in_flight -= id % 2; /* and no push */
  }
}

static inline void take(struct peer *peer, const uint8_t *bytes, size_t len) {
  for (;;) {
    while (peer->have < 9 && len > 0) {
      peer->header[peer->have++] = *bytes++;
      len--;
      const uint8_t *h = peer->header;
      if (peer->have == 9) peer->left = (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2];
    }
    if (peer->have < 9) return;
    const size_t part = len < peer->left ? len : peer->left;
    for (size_t i = 0; i < part && peer->got < KEPT_BYTES; i++)
      peer->kept[peer->got++] = bytes[i];
    bytes += part;
    len -= part;
    peer->left -= part;
    if (peer->left > 0) return;
    got_frame(peer);
    peer->have = peer->got = 0;
  }
}

/* Receives what there is; false when the server has closed. */
static inline bool drain(struct peer *peer) {
  static uint8_t buffer[65536];
  for (int turns = 0; turns < 16; turns++) {
    const ssize_t n = recv(peer->fd, buffer, sizeof buffer, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (n <= 0) {
      n == 0 ? tally.closed++ : tally.cut++;
      return false;
    }
    tally.bytes_received += (uint64_t)n;
    peer->received += (uint64_t)n;
    take(peer, buffer, (size_t)n);
  }
  return true;
}

#endif
