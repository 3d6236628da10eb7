/*
 * spec/diff_nghttp2.c - libnghttp2's side of the differential test.
 */
#include "tests/spec/diff_nghttp2.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/cmocka.h"

/* ---- callbacks ------------------------------------------------------------------------------- */

static void add_crumb(struct diff_nghttp2 *other, const uint8_t *value, size_t value_len) {
  size_t len = strlen(other->cookies);
  snprintf(other->cookies + len, sizeof other->cookies - len, "%s%.*s",
           other->has_cookies ? "; " : "", (int)value_len, (const char *)value);
  if (!other->has_cookies) other->cookies_at = other->fields_len;
  other->has_cookies = true;
}

/* Joins crumbs to one field at the place of the first, as weir does (RFC 9113 section 8.2.3). */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user) {
  (void)session, (void)flags;
  struct diff_nghttp2 *other = user;
  bool request = frame->hd.type == NGHTTP2_PUSH_PROMISE ||
                 (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST);
  if (request && name_len == 6 && memcmp(name, "cookie", 6) == 0) {
    add_crumb(other, value, value_len);
    return 0;
  }
  other->fields_len += (size_t)snprintf(
      other->fields + other->fields_len, sizeof other->fields - other->fields_len, "%.*s=%.*s|",
      (int)name_len, (const char *)name, (int)value_len, (const char *)value);
  assert_true(other->fields_len < sizeof other->fields);
  return 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  (void)session, (void)frame;
  struct diff_nghttp2 *other = user;
  other->fields_len = 0;
  other->fields[0] = other->cookies[0] = '\0';
  other->has_cookies = false;
  return 0;
}

/* The default drops only the field. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags, void *user) {
  (void)session, (void)frame, (void)name, (void)value, (void)flags, (void)user;
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void print_section(struct diff_nghttp2 *other) {
  if (other->has_cookies)
    diff_log_print(&other->log, "%.*scookie=%s|%s\n", (int)other->cookies_at, other->fields,
                   other->cookies, other->fields + other->cookies_at);
  else
    diff_log_print(&other->log, "%s\n", other->fields);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user) {
  (void)session;
  struct diff_nghttp2 *other = user;
  struct diff_log *log = &other->log;
  uint32_t id = (uint32_t)frame->hd.stream_id;
  bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
  if (frame->hd.type == NGHTTP2_DATA && end) {
    log->data_id = id;
    log->data_end = true;
  } else if (frame->hd.type == NGHTTP2_HEADERS) {
    bool trailers = frame->headers.cat == NGHTTP2_HCAT_HEADERS && other->fields[0] != ':';
    diff_log_print(log, "%c %u ", trailers ? 'T' : 'H', id);
    print_section(other);
    if (end) diff_log_print(log, "E %u\n", id);
  } else if (frame->hd.type == NGHTTP2_PUSH_PROMISE) {
    diff_log_print(log, "P %u   %u ", id, (unsigned)frame->push_promise.promised_stream_id);
    print_section(other);
  }
  return 0;
}

static int on_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                    size_t len, void *user) {
  (void)session, (void)flags;
  diff_log_data(&((struct diff_nghttp2 *)user)->log, (uint32_t)id, bytes, len);
  return 0;
}

/* ---- the session ----------------------------------------------------------------------------- */

void diff_nghttp2_pump(struct diff_nghttp2 *other) {
  const uint8_t *bytes;
  ssize_t len;
  diff_log_flush(&other->log);
  while ((len = nghttp2_session_mem_send(other->session, &bytes)) > 0)
    diff_log_sent(&other->log, bytes, (size_t)len);
}

void diff_nghttp2_begin(struct diff_nghttp2 *other, enum h2_role role) {
  nghttp2_session_callbacks *callbacks;
  nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100}};
  diff_log_init(&other->log, role);
  assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
  nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, on_invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_chunk);
  assert_int_equal((role == H2_SERVER ? nghttp2_session_server_new : nghttp2_session_client_new)(
                       &other->session, callbacks, other),
                   0);
  nghttp2_session_callbacks_del(callbacks);
  assert_int_equal(nghttp2_submit_settings(other->session, 0, settings, 1), 0);
  diff_nghttp2_pump(other);
}

void diff_nghttp2_end(struct diff_nghttp2 *other) {
  nghttp2_session_del(other->session);
}

void diff_nghttp2_give(struct diff_nghttp2 *other, const uint8_t *bytes, size_t len) {
  if (other->log.goaway || other->log.ended) return;
  ssize_t took = nghttp2_session_mem_recv(other->session, bytes, len);
  if (took >= 0) return;
  other->log.ended = true; /* without GOAWAY, as for bad magic */
  diff_log_print(&other->log, "closed: %s\n", nghttp2_strerror((int)took));
}

void diff_nghttp2_fields(const struct header *fields, size_t count, nghttp2_nv *out) {
  for (size_t i = 0; i < count; i++)
    out[i] = (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)fields[i].name.base,
        .value = (uint8_t *)(uintptr_t)fields[i].value.base,
        .namelen = fields[i].name.len,
        .valuelen = fields[i].value.len,
    };
}

uint32_t diff_nghttp2_ask(struct diff_nghttp2 *other, const struct header *fields, size_t count) {
  nghttp2_nv nv[DIFF_NGHTTP2_FIELDS];
  assert_true(count <= DIFF_NGHTTP2_FIELDS);
  diff_nghttp2_fields(fields, count, nv);
  return (uint32_t)nghttp2_submit_request(other->session, NULL, nv, count, NULL, NULL);
}

void diff_nghttp2_respond(struct diff_nghttp2 *other, uint32_t id, const char *status) {
  struct header field = header_of(TOKEN_STATUS, span_text(status));
  nghttp2_nv nv;
  diff_nghttp2_fields(&field, 1, &nv);
  assert_int_equal(nghttp2_submit_response(other->session, (int32_t)id, &nv, 1, NULL), 0);
}

void diff_nghttp2_reset(struct diff_nghttp2 *other, uint32_t id, uint32_t code) {
  assert_int_equal(nghttp2_submit_rst_stream(other->session, NGHTTP2_FLAG_NONE, (int32_t)id, code),
                   0);
}
