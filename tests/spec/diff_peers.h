/*
 * spec/diff_peers.h - two engines that get the same bytes: weir's and libnghttp2's, either role. What
 * each makes of a frame is written into a log, in the same words.
 *
 *     H 1 :method=GET|:path=/|          a header section handed to the application
 *     T 1 x-sum=1|   D 1 5 3735928559   trailers; bytes of data and a hash of them
 *     E 1                               the end of the peer's message
 *     P 1 2 :method=GET|...             a promise
 *     R 1 8   G 1   ping 0102...        what it sent: RST_STREAM, GOAWAY, an acknowledged PING
 */
#ifndef WEIR_TESTS_DIFF_PEERS_H
#define WEIR_TESTS_DIFF_PEERS_H

#include "tests/support/loopback.h"

#include "engine/base/wire.h"

#include <nghttp2/nghttp2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { DIFF_STREAMS = 32, DIFF_LOG = 1 << 16 };

struct diff_log {
  char text[DIFF_LOG];
  size_t len;
  /* DATA of the frame in hand. */
  uint32_t data_id, data_hash;
  size_t data_bytes;
  bool data_end;
  /* What was sent. */
  uint8_t sent[1 << 16];
  size_t sent_len;
  bool magic_seen, goaway, ended;
  int64_t connection_credit, stream_credit[DIFF_STREAMS * 2];
};

__attribute__((format(printf, 2, 3))) static inline void diff_print(struct diff_log *log,
                                                                    const char *format, ...) {
  va_list list;
  va_start(list, format);
  int n = vsnprintf(log->text + log->len, sizeof log->text - log->len, format, list);
  va_end(list);
  assert_true(n >= 0 && (size_t)n < sizeof log->text - log->len);
  log->len += (size_t)n;
}

static inline void diff_data(struct diff_log *log, uint32_t id, const uint8_t *bytes, size_t len) {
  log->data_id = id;
  log->data_bytes += len;
  for (size_t i = 0; i < len; i++)
    log->data_hash = (log->data_hash ^ bytes[i]) * 16777619u;
}

static inline void diff_flush(struct diff_log *log) {
  if (log->data_bytes)
    diff_print(log, "D %u %zu %u\n", log->data_id, log->data_bytes, log->data_hash);
  if (log->data_end) diff_print(log, "E %u\n", log->data_id);
  log->data_bytes = log->data_hash = 0;
  log->data_end = false;
}

/* What an engine sent, both alike. */
static inline void diff_sent_frame(struct diff_log *log, const struct h2_frame_header *header,
                                   const uint8_t *payload) {
  switch (header->type) {
  case H2_RST_STREAM: diff_print(log, "R %u %u\n", header->stream_id, wire_get32(payload)); break;
  case H2_GOAWAY:
    if (wire_get32(payload + 4) == 0) break;
    log->goaway = true;
    diff_print(log, "G %u\n", wire_get32(payload + 4));
    break;
  case H2_PING:
    if (header->flags & H2_FLAG_ACK)
      diff_print(log, "ping %08x%08x\n", wire_get32(payload), wire_get32(payload + 4));
    break;
  case H2_WINDOW_UPDATE:
    if (header->stream_id == 0) log->connection_credit += wire_get31(payload);
    if (header->stream_id && header->stream_id < DIFF_STREAMS * 2)
      log->stream_credit[header->stream_id] += wire_get31(payload);
    break;
  default: break;
  }
}

static inline void diff_sent(struct diff_log *log, const uint8_t *bytes, size_t len) {
  assert_true(log->sent_len + len <= sizeof log->sent);
  memcpy(log->sent + log->sent_len, bytes, len);
  log->sent_len += len;
  size_t at = log->magic_seen ? 0 : H2_PREFACE_BYTES;
  if (log->sent_len < at) return;
  log->magic_seen = true;
  while (log->sent_len - at >= H2_FRAME_HEADER_BYTES) {
    struct h2_frame_header header = h2_frame_header_decode(log->sent + at);
    if (log->sent_len - at - H2_FRAME_HEADER_BYTES < header.length) break;
    diff_sent_frame(log, &header, log->sent + at + H2_FRAME_HEADER_BYTES);
    at += H2_FRAME_HEADER_BYTES + header.length;
  }
  memmove(log->sent, log->sent + at, log->sent_len - at);
  log->sent_len -= at;
}

static inline void diff_log_init(struct diff_log *log, enum h2_role role) {
  log->len = log->sent_len = 0;
  log->text[0] = '\0';
  log->magic_seen = role == H2_SERVER;
  log->goaway = log->ended = false;
  log->connection_credit = 65535;
  for (unsigned i = 0; i < DIFF_STREAMS * 2; i++)
    log->stream_credit[i] = 65535;
  diff_flush(log);
  log->len = 0;
}

/* ---- weir ------------------------------------------------------------------------------------ */

struct diff_weir {
  struct diff_log log;
  struct counted_memory memory;
  struct engine engine;
  struct machine machine;
  struct stream *streams[DIFF_STREAMS * 2]; /* by identifier */
  bool complete[DIFF_STREAMS * 2];          /* the peer's message is */
};

static struct diff_weir diff_weir;

static inline void diff_weir_fields(char what, uint64_t id, const struct headers *fields) {
  diff_print(&diff_weir.log, "%c %u ", what, (unsigned)id);
  for (uint32_t i = 0; i < fields->count; i++) {
    const struct header *field = &fields->at[i];
    diff_print(&diff_weir.log, "%.*s=%.*s|", (int)field->name.len, (const char *)field->name.base,
               (int)field->value.len, (const char *)field->value.base);
  }
  diff_print(&diff_weir.log, "\n");
}

static inline void diff_weir_end(uint64_t id) {
  diff_flush(&diff_weir.log);
  diff_print(&diff_weir.log, "E %u\n", (unsigned)id);
  diff_weir.complete[id] = true;
}

static inline void diff_weir_data(struct stream *stream, struct span bytes, bool end) {
  diff_data(&diff_weir.log, (uint32_t)stream->id, bytes.base, bytes.len);
  if (end) diff_weir_end(stream->id);
}

static inline void diff_weir_trailers(struct stream *stream, const struct headers *fields) {
  diff_weir_fields('T', stream->id, fields);
  diff_weir_end(stream->id);
}

static inline void diff_weir_response(struct stream *stream, unsigned status,
                                      const struct headers *fields, bool end) {
  (void)status;
  diff_weir_fields('H', stream->id, fields);
  if (end) diff_weir_end(stream->id);
}

static inline void diff_weir_closed(struct stream *stream, uint32_t error_code) {
  (void)error_code;
  diff_weir.streams[stream->id] = NULL;
}

static inline void diff_weir_promise(struct stream *stream, struct stream *promised,
                                     const struct request *request);

static const struct stream_events diff_weir_events = {.data = diff_weir_data,
                                                      .trailers = diff_weir_trailers,
                                                      .response = diff_weir_response,
                                                      .promise = diff_weir_promise,
                                                      .closed = diff_weir_closed};

static inline void diff_weir_promise(struct stream *stream, struct stream *promised,
                                     const struct request *request) {
  promised->events = &diff_weir_events;
  diff_weir.streams[promised->id] = promised;
  diff_print(&diff_weir.log, "P %u ", (unsigned)stream->id);
  diff_weir_fields(' ', promised->id, request->fields);
}

static inline void diff_weir_request(void *ctx, struct stream *stream,
                                     const struct request *request, uint64_t now_ns) {
  (void)ctx;
  (void)now_ns;
  stream->events = &diff_weir_events;
  assert_true(stream->id < DIFF_STREAMS * 2);
  diff_weir.streams[stream->id] = stream;
  diff_weir_fields('H', stream->id, request->fields);
  if (request->end) diff_weir_end(stream->id);
}

static inline void diff_weir_pump(void) {
  const struct machine_ops *ops = diff_weir.machine.ops;
  diff_flush(&diff_weir.log);
  while (ops->wants(diff_weir.machine.self) & MACHINE_SEND) {
    struct span spans[8];
    size_t count = ops->send_peek(diff_weir.machine.self, spans, 8, 64 * KIB, SECOND_NS), bytes = 0;
    for (size_t i = 0; i < count; i++) {
      diff_sent(&diff_weir.log, spans[i].base, spans[i].len);
      bytes += spans[i].len;
    }
    if (bytes == 0) break;
    ops->send_ack(diff_weir.machine.self, bytes, SECOND_NS);
  }
}

static inline void diff_weir_begin(enum h2_role role) {
  static const struct handler handler = {.request = diff_weir_request};
  struct engine_config config = engine_config_default();
  config.connection_window_bytes = 65535;
  config.flow = FLOW_CONSUME;
  config.concurrent_streams = 100;
  diff_log_init(&diff_weir.log, role);
  memset(diff_weir.streams, 0, sizeof diff_weir.streams);
  memset(diff_weir.complete, 0, sizeof diff_weir.complete);
  counted_init(&diff_weir.memory);
  assert_true(engine_init(&diff_weir.engine, &diff_weir.memory.memory, &config,
                          role == H2_SERVER ? &handler : NULL));
  assert_true((role == H2_SERVER ? h2_server : h2_client)(&diff_weir.engine, &loopback_peer, NULL,
                                                          SECOND_NS, &diff_weir.machine));
  diff_weir_pump();
}

static inline void diff_weir_give(const uint8_t *bytes, size_t len) {
  if (diff_weir.log.goaway) return;
  (void)diff_weir.machine.ops->recv(diff_weir.machine.self, span_of(bytes, len), SECOND_NS);
}

static inline void diff_weir_end_of(void) {
  diff_weir.machine.ops->close(diff_weir.machine.self);
  engine_destroy(&diff_weir.engine);
  assert_int_equal(diff_weir.memory.count, 0);
}

/* ---- nghttp2 --------------------------------------------------------------------------------- */

struct diff_peer {
  struct diff_log log;
  nghttp2_session *session;
  char fields[16384], cookies[4096]; /* of the section in hand */
  size_t fields_len, cookies_at;
  bool has_cookies;
};

static struct diff_peer diff_peer;

/* Crumbs become one field at the place of the first, as weir's application gets them (RFC 9113
 * section 8.2.3). */
static inline int diff_peer_header(nghttp2_session *session, const nghttp2_frame *frame,
                                   const uint8_t *name, size_t name_len, const uint8_t *value,
                                   size_t value_len, uint8_t flags, void *user) {
  (void)session, (void)flags, (void)user;
  struct diff_peer *peer = &diff_peer;
  bool request = frame->hd.type == NGHTTP2_PUSH_PROMISE ||
                 (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST);
  if (request && name_len == 6 && memcmp(name, "cookie", 6) == 0) {
    size_t len = strlen(peer->cookies);
    snprintf(peer->cookies + len, sizeof peer->cookies - len, "%s%.*s",
             peer->has_cookies ? "; " : "", (int)value_len, (const char *)value);
    if (!peer->has_cookies) peer->cookies_at = peer->fields_len;
    peer->has_cookies = true;
    return 0;
  }
  peer->fields_len += (size_t)snprintf(
      peer->fields + peer->fields_len, sizeof peer->fields - peer->fields_len, "%.*s=%.*s|",
      (int)name_len, (const char *)name, (int)value_len, (const char *)value);
  assert_true(peer->fields_len < sizeof peer->fields);
  return 0;
}

static inline int diff_peer_begin_headers(nghttp2_session *session, const nghttp2_frame *frame,
                                          void *user) {
  (void)session, (void)frame, (void)user;
  diff_peer.fields_len = 0;
  diff_peer.fields[0] = diff_peer.cookies[0] = '\0';
  diff_peer.has_cookies = false;
  return 0;
}

static inline int diff_peer_bad_header(nghttp2_session *session, const nghttp2_frame *frame,
                                       nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags,
                                       void *user) {
  (void)session, (void)frame, (void)name, (void)value, (void)flags, (void)user;
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* the default drops the field alone */
}

static inline void diff_peer_section(char what, uint32_t id) {
  if (what) diff_print(&diff_peer.log, "%c %u ", what, id);
  if (diff_peer.has_cookies)
    diff_print(&diff_peer.log, "%.*scookie=%s|%s\n", (int)diff_peer.cookies_at, diff_peer.fields,
               diff_peer.cookies, diff_peer.fields + diff_peer.cookies_at);
  else
    diff_print(&diff_peer.log, "%s\n", diff_peer.fields);
}

static inline int diff_peer_frame(nghttp2_session *session, const nghttp2_frame *frame,
                                  void *user) {
  (void)session, (void)user;
  struct diff_log *log = &diff_peer.log;
  uint32_t id = (uint32_t)frame->hd.stream_id;
  bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
  if (frame->hd.type == NGHTTP2_DATA && end) {
    log->data_id = id;
    log->data_end = true;
  } else if (frame->hd.type == NGHTTP2_HEADERS) {
    bool trailers = frame->headers.cat == NGHTTP2_HCAT_HEADERS && diff_peer.fields[0] != ':';
    diff_peer_section(trailers ? 'T' : 'H', id);
    if (end) diff_print(log, "E %u\n", id);
  } else if (frame->hd.type == NGHTTP2_PUSH_PROMISE) {
    diff_print(log, "P %u ", id);
    diff_print(log, "  %u ", (unsigned)frame->push_promise.promised_stream_id);
    diff_peer_section(0, 0);
  }
  return 0;
}

static inline int diff_peer_chunk(nghttp2_session *session, uint8_t flags, int32_t id,
                                  const uint8_t *bytes, size_t len, void *user) {
  (void)session, (void)flags, (void)user;
  diff_data(&diff_peer.log, (uint32_t)id, bytes, len);
  return 0;
}

static inline void diff_peer_pump(void) {
  const uint8_t *bytes;
  ssize_t len;
  diff_flush(&diff_peer.log);
  while ((len = nghttp2_session_mem_send(diff_peer.session, &bytes)) > 0)
    diff_sent(&diff_peer.log, bytes, (size_t)len);
}

static inline void diff_peer_begin(enum h2_role role) {
  nghttp2_session_callbacks *callbacks;
  nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100}};
  diff_log_init(&diff_peer.log, role);
  assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, diff_peer_header);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, diff_peer_begin_headers);
  nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, diff_peer_bad_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, diff_peer_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, diff_peer_chunk);
  assert_int_equal((role == H2_SERVER ? nghttp2_session_server_new : nghttp2_session_client_new)(
                       &diff_peer.session, callbacks, NULL),
                   0);
  nghttp2_session_callbacks_del(callbacks);
  assert_int_equal(nghttp2_submit_settings(diff_peer.session, 0, settings, 1), 0);
  diff_peer_pump();
}

static inline void diff_peer_give(const uint8_t *bytes, size_t len) {
  if (diff_peer.log.goaway || diff_peer.log.ended) return;
  ssize_t took = nghttp2_session_mem_recv(diff_peer.session, bytes, len);
  if (took < 0) {
    diff_peer.log.ended = true; /* without a word, as for bad magic */
    diff_print(&diff_peer.log, "closed\n");
  }
}

#endif
