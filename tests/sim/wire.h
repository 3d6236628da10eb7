/*
 * base/wire.h - what one end of a connection has said and heard, read off the bytes alone.
 * Spec: RFC 9113 sections 4 to 6. Knows nothing of the engine: it has its own frame reader, its own
 * windows and its own idea of each stream's state, so that the engine's can be compared with them.
 *
 * wire_sent() gets bytes when the engine composes them, wire_received() when the engine consumes
 * them; what the end may say at that moment is thereby exact. Violations end the run (fail.h).
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
  uint32_t peer_initial_window, peer_frame_bytes_max; /* as this end has heard */
  uint32_t settings_sent, acks_received;
  uint32_t settings_received, acks_sent;
  uint32_t pings_received, pings_answered;
  uint32_t goaway_last_sent, goaway_code; /* of the last GOAWAY sent */
  uint32_t goaways_sent;
  uint32_t resets_sent, promises_sent;
  /* SETTINGS that somebody on the way has slipped in: their ACKs must not reach the other end. */
  uint32_t injected[WIRE_DROPS]; /* ordinals of settings_received */
  uint32_t injected_count;
  uint64_t drops[WIRE_DROPS]; /* offsets of 9-byte ACK frames in what is sent */
  uint32_t drop_count;
};

void wire_init(struct wire *wire, bool client);
void wire_free(struct wire *wire);

void wire_sent(struct wire *wire, const uint8_t *bytes, size_t len);
void wire_received(struct wire *wire, const uint8_t *bytes, size_t len);

/* The SETTINGS frame that will be received next comes from nobody. */
void wire_inject_settings(struct wire *wire);

/* Between two frames, and not within a header block. */
bool wire_in_boundary(const struct wire *wire);

/* The books of a stream; 0 for the connection. Valid until the next call that may add one. */
struct wire_stream *wire_stream(struct wire *wire, uint32_t id);

/* What this end may still send on a stream (0: the connection), as the bytes say. */
int64_t wire_send_window(struct wire *wire, uint32_t id);

/* What this end has granted and not yet received, once all its SETTINGS are acknowledged. */
int64_t wire_receive_window(struct wire *wire, uint32_t id);

static inline bool wire_preface_sent(const struct wire *wire) {
  return wire->settings_sent > 0;
}

#endif
