/*
 * wire.c - a frame reader, and the rules for which frames may be sent when; see wire.h.
 */
#include "tests/sim/wire.h"

#include "tests/sim/fail.h"

#include <stdlib.h>
#include <string.h>

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
  CONTINUATION
};
enum { FLAG_END_STREAM = 1, FLAG_ACK = 1, FLAG_END_HEADERS = 4, FLAG_PADDED = 8 };

enum { NO_ERROR = 0, INTERNAL_ERROR = 2, REFUSED_STREAM = 7, CANCEL = 8, ENHANCE_YOUR_CALM = 11 };

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static uint32_t get32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t get31(const uint8_t *at) {
  return get32(at) & 0x7fffffff;
}

void wire_init(struct wire *wire, bool client) {
  *wire = (struct wire){.client = client,
                        .own_initial_window = 65535,
                        .peer_initial_window = 65535,
                        .own_frame_bytes_max = 16384,
                        .peer_frame_bytes_max = 16384,
                        .goaway_last_sent = 0x7fffffff};
  (client ? &wire->out : &wire->in)->preface_left = sizeof preface - 1;
}

void wire_free(struct wire *wire) {
  free(wire->streams);
  wire->streams = NULL;
}

struct wire_stream *wire_stream(struct wire *wire, uint32_t id) {
  if (id == 0) return &wire->connection;
  if (id >= wire->streams_size) {
    uint32_t size = wire->streams_size ? wire->streams_size : 64;
    while (size <= id)
      size *= 2;
    wire->streams = realloc(wire->streams, size * sizeof *wire->streams);
    sim_check(wire->streams, "out of memory");
    memset(wire->streams + wire->streams_size, 0,
           (size - wire->streams_size) * sizeof *wire->streams);
    wire->streams_size = size;
  }
  return &wire->streams[id];
}

int64_t wire_send_window(struct wire *wire, uint32_t id) {
  const struct wire_stream *stream = wire_stream(wire, id);
  int64_t initial = id ? wire->peer_initial_window : 65535;
  return initial + stream->updates_received - stream->data_sent;
}

int64_t wire_receive_window(struct wire *wire, uint32_t id) {
  const struct wire_stream *stream = wire_stream(wire, id);
  int64_t initial = id ? wire->own_initial_window : 65535;
  return initial + stream->updates_sent - stream->data_received;
}

bool wire_in_boundary(const struct wire *wire) {
  const struct wire_reader *in = &wire->in;
  return in->preface_left == 0 && in->have == 0 && in->left == 0 && in->block_id == 0;
}

void wire_inject_settings(struct wire *wire) {
  sim_check(wire->injected_count < WIRE_DROPS, "too many injected SETTINGS");
  wire->injected[wire->injected_count++] = wire->settings_received + 1;
}

/* ---- what is sent ------------------------------------------------------------------------------
 */

static bool own_id(const struct wire *wire, uint32_t id) {
  return (id % 2 == 1) == wire->client;
}

static bool is_idle(const struct wire_stream *stream) {
  return !stream->sent_headers && !stream->received_headers && !stream->sent_promise &&
         !stream->received_promise;
}

/* Whether the stream is closed for good, as far as this end knows. Then only PRIORITY may be sent. */
static bool is_closed(const struct wire_stream *stream) {
  return stream->sent_reset || stream->received_reset || (stream->sent_end && stream->received_end);
}

static void sent_data(struct wire *wire, const struct wire_reader *frame) {
  struct wire_stream *stream = wire_stream(wire, frame->stream_id);
  uint32_t id = frame->stream_id;
  sim_check(id != 0, "DATA sent on stream 0");
  sim_check(stream->sent_headers, "DATA sent before HEADERS on %u", id);
  sim_check(!is_closed(stream) && !stream->sent_end, "DATA sent on closed stream %u", id);
  sim_check(!(frame->flags & FLAG_PADDED), "DATA sent with padding");
  if (frame->length) {
    int64_t most = wire_send_window(wire, id), most_all = wire_send_window(wire, 0);
    sim_check(frame->length <= most, "DATA of %u exceeds the window %lld of stream %u",
              frame->length, (long long)most, id);
    sim_check(frame->length <= most_all, "DATA exceeds the connection's window");
  }
  stream->data_sent += frame->length;
  wire->connection.data_sent += frame->length;
  if (frame->flags & FLAG_END_STREAM) stream->sent_end = true;
}

static void sent_headers(struct wire *wire, const struct wire_reader *frame) {
  uint32_t id = frame->stream_id;
  struct wire_stream *stream = wire_stream(wire, id);
  sim_check(!is_closed(stream) && !stream->sent_end, "HEADERS sent on closed stream %u", id);
  if (is_idle(stream)) {
    sim_check(wire->client && own_id(wire, id), "HEADERS sent on idle stream %u", id);
    sim_check(id > wire->own_id_max, "stream %u opened after %u", id, wire->own_id_max);
    wire->own_id_max = id;
  }
  sim_check(!stream->received_promise, "HEADERS sent on a stream the peer promised");
  stream->sent_headers = true;
  if (frame->flags & FLAG_END_STREAM) stream->sent_end = true;
}

static void sent_promise(struct wire *wire, const struct wire_reader *frame) {
  const struct wire_stream *parent = wire_stream(wire, frame->stream_id);
  sim_check(!wire->client, "PUSH_PROMISE sent by a client");
  sim_check(parent->received_headers && !is_closed(parent) && !parent->sent_end,
            "PUSH_PROMISE sent on closed stream %u", frame->stream_id);
  uint32_t promised = get31(frame->payload);
  sim_check(promised % 2 == 0 && promised > wire->promised_id_max, "promised %u after %u", promised,
            wire->promised_id_max);
  wire->promised_id_max = promised;
  wire->promises_sent++;
  wire_stream(wire, promised)->sent_promise = true;
}

/* It may have been queued before the peer's END_STREAM or RST_STREAM came, and be sent after it. */
static void sent_reset(struct wire *wire, const struct wire_reader *frame) {
  struct wire_stream *stream = wire_stream(wire, frame->stream_id);
  sim_check(!is_idle(stream), "RST_STREAM sent on idle stream %u", frame->stream_id);
  sim_check(!stream->sent_reset, "RST_STREAM sent twice on stream %u", frame->stream_id);
  stream->sent_reset = true;
  uint32_t code = stream->reset_code = get32(frame->payload);
  wire->resets_sent++;
  sim_note("%s resets stream %u, code %u", wire->client ? "client" : "server", frame->stream_id,
           code);
  sim_check(code == NO_ERROR || code == INTERNAL_ERROR || code == REFUSED_STREAM ||
                code == CANCEL || code == ENHANCE_YOUR_CALM,
            "stream %u is reset with code %u", frame->stream_id, code);
}

static void sent_update(struct wire *wire, const struct wire_reader *frame) {
  uint32_t id = frame->stream_id, bytes = get31(frame->payload);
  struct wire_stream *stream = wire_stream(wire, id);
  sim_check(bytes > 0, "WINDOW_UPDATE of 0 sent");
  sim_check(id == 0 || !is_idle(stream), "WINDOW_UPDATE sent on idle stream %u", id);
  sim_check(!is_closed(stream) && !stream->received_end, "WINDOW_UPDATE sent on ended stream %u",
            id);
  stream->updates_sent += bytes;
}

static void settings_values(const struct wire_reader *frame, uint32_t *window, uint32_t *bytes) {
  for (uint32_t at = 0; at + 6 <= frame->length; at += 6) {
    uint16_t id = (uint16_t)(frame->payload[at] << 8 | frame->payload[at + 1]);
    uint32_t value = get32(frame->payload + at + 2);
    if (id == 4) *window = value;
    if (id == 5) *bytes = value;
  }
}

static void drop_injected_ack(struct wire *wire) {
  for (uint32_t i = 0; i < wire->injected_count; i++) {
    if (wire->injected[i] != wire->acks_sent) continue;
    wire->injected[i] = wire->injected[--wire->injected_count];
    sim_check(wire->drop_count < WIRE_DROPS, "too many frames to drop");
    wire->drops[wire->drop_count++] = wire->out.offset - 9;
    return;
  }
}

static void sent_settings(struct wire *wire, const struct wire_reader *frame) {
  if (frame->flags & FLAG_ACK) {
    wire->acks_sent++;
    sim_check(wire->acks_sent <= wire->settings_received, "SETTINGS ACK without SETTINGS");
    drop_injected_ack(wire);
    return;
  }
  sim_check(frame->length <= sizeof frame->payload, "long SETTINGS");
  settings_values(frame, &wire->own_initial_window, &wire->own_frame_bytes_max);
  wire->settings_sent++;
}

static void sent_goaway(struct wire *wire, const struct wire_reader *frame) {
  uint32_t last = get31(frame->payload);
  sim_check(last <= wire->goaway_last_sent, "GOAWAY's last stream rises from %u to %u",
            wire->goaway_last_sent, last);
  wire->goaway_last_sent = last;
  wire->goaway_code = get32(frame->payload + 4);
  wire->goaways_sent++;
  uint32_t said = frame->payload_have > 8 ? frame->payload_have - 8 : 0;
  sim_note("%s says GOAWAY, code %u: %.*s", wire->client ? "client" : "server", wire->goaway_code,
           (int)said, (const char *)frame->payload + 8);
}

static void sent_ping(struct wire *wire, const struct wire_reader *frame) {
  if (!(frame->flags & FLAG_ACK)) return;
  wire->pings_answered++;
  sim_check(wire->pings_answered <= wire->pings_received, "PING ACK without PING");
}

static void sent_frame(struct wire *wire, const struct wire_reader *frame) {
  sim_check(wire->settings_sent || frame->type == SETTINGS, "first frame is not SETTINGS");
  sim_check(!wire->goaway_code, "frame of type %u sent after a connection error", frame->type);
  switch (frame->type) {
  case DATA: sent_data(wire, frame); break;
  case HEADERS: sent_headers(wire, frame); break;
  case RST_STREAM: sent_reset(wire, frame); break;
  case SETTINGS: sent_settings(wire, frame); break;
  case PUSH_PROMISE: sent_promise(wire, frame); break;
  case PING: sent_ping(wire, frame); break;
  case GOAWAY: sent_goaway(wire, frame); break;
  case WINDOW_UPDATE: sent_update(wire, frame); break;
  default: break;
  }
}

/* ---- what is received --------------------------------------------------------------------------
 */

/* A header block takes effect when it is complete. */
static void received_block(struct wire *wire, const struct wire_reader *in) {
  struct wire_stream *stream = wire_stream(wire, in->block_id);
  if (in->promised_id) {
    wire_stream(wire, in->promised_id)->received_promise = true;
    return;
  }
  stream->received_headers = true;
  if (in->block_ends) stream->received_end = true;
}

static void received_frame(struct wire *wire, const struct wire_reader *frame) {
  uint32_t id = frame->stream_id;
  switch (frame->type) {
  case RST_STREAM: {
    struct wire_stream *stream = wire_stream(wire, id);
    stream->received_reset = true;
    stream->reset_code = get32(frame->payload);
    break;
  }
  case SETTINGS:
    if (frame->flags & FLAG_ACK) {
      wire->acks_received++;
      break;
    }
    wire->settings_received++;
    settings_values(frame, &wire->peer_initial_window, &wire->peer_frame_bytes_max);
    break;
  case PING: wire->pings_received += !(frame->flags & FLAG_ACK); break;
  case WINDOW_UPDATE: wire_stream(wire, id)->updates_received += get31(frame->payload); break;
  default: break;
  }
}

/* ---- bytes to frames ----------------------------------------------------------------------------
 */

static void block_step(const struct wire_reader *frame, struct wire_reader *reader) {
  bool begins = frame->type == HEADERS || frame->type == PUSH_PROMISE;
  if (begins) {
    reader->block_id = frame->stream_id;
    reader->block_ends = frame->type == HEADERS && frame->flags & FLAG_END_STREAM;
    reader->promised_id = frame->type == PUSH_PROMISE ? get31(frame->payload) : 0;
  }
}

static void frame_complete(struct wire *wire, struct wire_reader *reader, bool sent) {
  bool continues = reader->type == CONTINUATION;
  sim_check(continues == (reader->block_id != 0), "header block is interrupted by type %u",
            reader->type);
  sim_check(!continues || reader->block_id == reader->stream_id, "CONTINUATION of another stream");
  block_step(reader, reader);
  if (sent) sent_frame(wire, reader);
  if (!sent) received_frame(wire, reader);
  if (reader->block_id && reader->flags & FLAG_END_HEADERS) {
    if (!sent) received_block(wire, reader);
    reader->block_id = reader->promised_id = 0;
  }
  reader->have = 0;
}

static void data_arrives(struct wire *wire, const struct wire_reader *in) {
  wire_stream(wire, in->stream_id)->data_received += in->length;
  wire->connection.data_received += in->length;
}

static void data_complete(struct wire *wire, const struct wire_reader *in) {
  if (in->flags & FLAG_END_STREAM) wire_stream(wire, in->stream_id)->received_end = true;
}

static void frame_begin(struct wire *wire, struct wire_reader *reader, bool sent) {
  const uint8_t *at = reader->header;
  reader->length = reader->left = (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
  reader->type = at[3];
  reader->flags = at[4];
  reader->stream_id = get31(at + 5);
  reader->payload_have = 0;
  uint32_t most = sent ? wire->peer_frame_bytes_max : wire->own_frame_bytes_max;
  sim_check(reader->length <= most || !sent, "frame of %u bytes sent", reader->length);
  if (!sent && reader->type == DATA) data_arrives(wire, reader);
}

static void frame_end(struct wire *wire, struct wire_reader *reader, bool sent) {
  if (!sent && reader->type == DATA) data_complete(wire, reader);
  frame_complete(wire, reader, sent);
}

static size_t take_preface(struct wire_reader *reader, const uint8_t *bytes, size_t len) {
  size_t take = len < reader->preface_left ? len : reader->preface_left;
  const char *expected = preface + (sizeof preface - 1 - reader->preface_left);
  sim_check(memcmp(bytes, expected, take) == 0, "wrong preface");
  reader->preface_left -= (uint32_t)take;
  return take;
}

static size_t take_payload(struct wire *wire, struct wire_reader *reader, const uint8_t *bytes,
                           size_t len, bool sent) {
  size_t take = len < reader->left ? len : reader->left;
  size_t room = sizeof reader->payload - reader->payload_have;
  size_t keep = take < room ? take : room;
  memcpy(reader->payload + reader->payload_have, bytes, keep);
  reader->payload_have += (uint32_t)keep;
  reader->left -= (uint32_t)take;
  if (!sent && reader->type == DATA)
    wire_stream(wire, reader->stream_id)->payload_received += (int64_t)take;
  return take;
}

static void take_bytes(struct wire *wire, struct wire_reader *reader, const uint8_t *bytes,
                       size_t len, bool sent) {
  size_t at = 0;
  while (at < len) {
    size_t take;
    if (reader->preface_left) {
      take = take_preface(reader, bytes + at, len - at);
      reader->offset += take;
    } else if (reader->have < 9) {
      take = 1;
      reader->header[reader->have++] = bytes[at];
      reader->offset++;
      if (reader->have == 9) frame_begin(wire, reader, sent);
    } else {
      take = take_payload(wire, reader, bytes + at, len - at, sent);
      reader->offset += take;
    }
    if (reader->have == 9 && reader->left == 0) frame_end(wire, reader, sent);
    at += take;
  }
}

void wire_sent(struct wire *wire, const uint8_t *bytes, size_t len) {
  take_bytes(wire, &wire->out, bytes, len, true);
}

void wire_received(struct wire *wire, const uint8_t *bytes, size_t len) {
  take_bytes(wire, &wire->in, bytes, len, false);
}
