/*
 * spec/diff_nghttp2.h - libnghttp2's side of the differential test: a session whose application
 * only logs its events, in weir's words.
 */
#ifndef WEIR_TESTS_DIFF_NGHTTP2_H
#define WEIR_TESTS_DIFF_NGHTTP2_H

#include <nghttp2/nghttp2.h>

#include "engine/http/headers.h"
#include "tests/spec/diff_log.h"

struct diff_nghttp2 {
  struct diff_log log;
  nghttp2_session *session;
  char fields[16384], cookies[4096]; /* of the current section */
  size_t fields_len, cookies_at;
  bool has_cookies;
};

/* Opens a session, and logs its first output. */
void diff_nghttp2_begin(struct diff_nghttp2 *other, enum h2_role role);

void diff_nghttp2_end(struct diff_nghttp2 *other);

/* Gives it bytes, unless it has sent GOAWAY or takes no more. */
void diff_nghttp2_give(struct diff_nghttp2 *other, const uint8_t *bytes, size_t len);

/* Takes and logs its output. */
void diff_nghttp2_pump(struct diff_nghttp2 *other);

/* Makes a request without content, in the client's role. Returns its identifier. `count` is at most
 * DIFF_NGHTTP2_FIELDS. */
uint32_t diff_nghttp2_ask(struct diff_nghttp2 *other, const struct header *fields, size_t count);

/* Sends a server's response without content. */
void diff_nghttp2_respond(struct diff_nghttp2 *other, uint32_t id, const char *status);

void diff_nghttp2_reset(struct diff_nghttp2 *other, uint32_t id, uint32_t code);

enum { DIFF_NGHTTP2_FIELDS = 32 };

/* Fields in the library's form, pointing to the same bytes. */
void diff_nghttp2_fields(const struct header *fields, size_t count, nghttp2_nv *out);

#endif
