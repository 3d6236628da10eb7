/*
 * wire.h - what one end of a connection has sent and received, as its bytes say. Spec: RFC 9113
 * sections 4 to 6. It is independent of the engine: it has its own frame reader, windows and stream
 * states, to compare the engine's with.
 *
 * wire_sent() gets bytes when the engine composes them, wire_received() when the engine consumes
 * them. So it knows exactly what the end may send at that moment. Violations end the run (fail.h).
 */
#ifndef WEIR_SIM_WIRE_H
#define WEIR_SIM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_stream {
  bool sent_headers, sent_end, sent_reset, sent_promise;
  bool received_headers, received_end, received_reset, received_promise;
  int64_t data_sent, data_received;       /* bytes charged to the windows */
  int64_t updates_sent, updates_received; /* bytes granted by WINDOW_UPDATE */
  int64_t payload_received;               /* bytes of DATA consumed so far */
  uint32_t reset_code;                    /* of either RST_STREAM */
};

struct wire_reader {
  uint8_t header[9], payload[64]; /* the beginning of the payload */
  uint32_t have, payload_have;
  uint32_t length, left, stream_id;
  uint8_t type, flags;
  uint32_t preface_left;
  uint32_t block_id;    /* stream of the open header block, 0: none */
  uint32_t promised_id; /* of the open block */
  bool block_ends;      /* END_STREAM of the open block */
  uint64_t offset;      /* bytes read so far */
};

enum { WIRE_DROPS = 64 };

struct wire {
  bool client; /* this end's role */
  struct wire_reader out, in;
  struct wire_stream connection; /* stream 0 */
  struct wire_stream *streams;   /* by identifier */
  uint32_t streams_size;
  uint32_t own_id_max, promised_id_max;
  uint32_t own_initial_window, own_frame_bytes_max;   /* announced */
  uint32_t peer_initial_window, peer_frame_bytes_max; /* as this end has received them */
  uint32_t settings_sent, acks_received;
  uint32_t settings_received, acks_sent;
  uint32_t pings_received, pings_answered;
  uint32_t goaway_last_sent, goaway_code; /* of the last GOAWAY sent */
  uint32_t goaways_sent;
  uint32_t resets_sent, promises_sent;
  /* SETTINGS that were inserted on the path. Their ACKs must not reach the other end. */
  uint32_t injected[WIRE_DROPS]; /* ordinals of settings_received */
  uint32_t injected_count;
  uint64_t drops[WIRE_DROPS]; /* offsets of 9-byte ACK frames in what is sent */
  uint32_t drop_count;
};

void wire_init(struct wire *wire, bool client);
void wire_free(struct wire *wire);

void wire_sent(struct wire *wire, const uint8_t *bytes, size_t len);
void wire_received(struct wire *wire, const uint8_t *bytes, size_t len);

/* The next SETTINGS frame to be received was inserted on the path. */
void wire_inject_settings(struct wire *wire);

/* Whether the bytes stand between two frames, and not within a header block. */
bool wire_in_boundary(const struct wire *wire);

/* The books of a stream, or of the connection for 0. Valid until the next call that may add one. */
struct wire_stream *wire_stream(struct wire *wire, uint32_t id);

/* The bytes that this end may still send on a stream (0: the connection), as the wire says. */
int64_t wire_send_window(struct wire *wire, uint32_t id);

/* The bytes that this end has granted and not yet received, once all its SETTINGS are acknowledged. */
int64_t wire_receive_window(struct wire *wire, uint32_t id);

static inline bool wire_preface_sent(const struct wire *wire) {
  return wire->settings_sent > 0;
}

#endif
