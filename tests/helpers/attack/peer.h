/*
 * attack/peer.h - one connection of a hostile client, and the counters of all of them.
 *
 * It sends whatever an attack puts into its buffer, valid or not. It reads what comes back, or does
 * not, and counts only what a test needs. It never blocks: the program polls.
 */
#ifndef WEIR_TESTS_ATTACK_PEER_H
#define WEIR_TESTS_ATTACK_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
  PEER_TYPES,
};
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8 };
enum {
  PEER_CODES = 16,             /* error codes, each counted; the last stands for all above */
  PEER_OUT_BYTES = 128 * 1024, /* space for what an attack makes ahead */
  PEER_OUT_ENOUGH = 64 * 1024, /* beyond this it makes no more; a unit is smaller than the rest */
  PEER_KEPT_BYTES = 64,        /* of a frame's payload */
};

/* Of all connections. */
struct peer_tally {
  uint64_t connections, units, bytes_sent, bytes_received;
  uint64_t frames[PEER_TYPES], data_bytes, small_data, ended, acks;
  uint64_t rst[PEER_CODES], goaway[PEER_CODES], statuses[6]; /* 1xx .. 5xx; [0]: others */
  uint64_t closed, cut, fences;
  uint32_t last_stream_id;
  char reason[PEER_KEPT_BYTES];
};

/* The command line. */
struct peer_options {
  uint16_t port;
  uint64_t count, connections;
  double seconds;
  unsigned variant;
  uint32_t source; /* last part of our address; 0: any */
  bool unread, relentless, again;
  const char *path;
};

struct peer {
  int fd; /* -1: over */
  const struct peer_options *options;
  struct peer_tally *tally;
  uint64_t now_ns;   /* of the current turn */
  size_t made, sent; /* bytes of `out` */
  uint64_t units;
  uint32_t next_id, phase;
  uint64_t next_ns;  /* for attacks that wait */
  int64_t in_flight; /* requests without an end */
  int64_t credit;    /* bytes of DATA that the connection takes */
  int64_t stream_credit;
  uint32_t granted; /* bytes of DATA seen and not yet answered by credit */
  uint32_t granted_id;
  bool fence_sent, done, ending;
  bool h1;
  size_t matched; /* HTTP/1.1: bytes of a status line that have come in a row */
  /* receiving */
  uint8_t header[9], kept[PEER_KEPT_BYTES];
  size_t have, left, got;
  uint64_t received; /* bytes since the last request */
  uint64_t frames[PEER_TYPES];
  uint8_t out[PEER_OUT_BYTES];
};

/* A new connection on `fd`, which the caller keeps. Clears everything except `out`, so that ten
 * thousand peers take no more memory than they use. */
void peer_begin(struct peer *peer, int fd, const struct peer_options *options,
                struct peer_tally *tally);

/* ---- sending ----------------------------------------------------------------------------------
 * These append to `out`, and abort when it is full. */

void peer_put(struct peer *peer, const void *bytes, size_t len);
void peer_put_zeros(struct peer *peer, uint8_t byte, size_t len); /* this byte `len` times */
void peer_put_u32(struct peer *peer, uint32_t value);

/* A frame's header, a whole frame, and frames whose payload is one number or one setting. */
void peer_put_head(struct peer *peer, size_t len, unsigned type, unsigned flags, uint32_t id);
void peer_put_frame(struct peer *peer, unsigned type, unsigned flags, uint32_t id,
                    const void *payload, size_t len);
void peer_put_number(struct peer *peer, unsigned type, uint32_t id, uint32_t value);
void peer_put_setting(struct peer *peer, unsigned id, uint32_t value);

/* The client's magic. */
void peer_put_preface(struct peer *peer);

/* A valid request on the next stream. Returns its identifier. */
uint32_t peer_put_request(struct peer *peer, bool post, const char *path, bool end);

/* Sends what it can. Returns false when the connection is broken. */
bool peer_flush(struct peer *peer);

/* ---- receiving ------------------------------------------------------------------------------- */

/* Receives what has arrived. Returns false when the server has closed. */
bool peer_drain(struct peer *peer);

#endif
