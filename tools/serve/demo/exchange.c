/*
 * serve/demo/exchange.c - see serve/demo/exchange.h.
 */
#include "tools/serve/demo/exchange.h"

#include "engine/base/decimal.h"
#include "engine/http/error_text.h"

const char demo_text_type[] = "text/plain; charset=utf-8";

static void free_unless_held(struct demo_exchange *exchange) {
  if (exchange->stream || exchange->body_open) return;
  demo_echo_free(&exchange->echo, exchange->demo->memory);
  pool_give(&exchange->demo->exchanges, exchange);
}

void demo_body_closed(void *ctx) {
  struct demo_exchange *exchange = ctx;
  exchange->body_open = false;
  free_unless_held(exchange);
}

void demo_stream_closed(struct stream *stream, uint32_t error_code) {
  (void)error_code;
  struct demo_exchange *exchange = stream->user;
  exchange->stream = NULL;
  demo_live_forget(&exchange->watcher);
  free_unless_held(exchange);
}

void demo_respond(struct demo_exchange *exchange, unsigned status, const char *type,
                  struct span bytes, const struct header *more) {
  uint8_t length[DECIMAL_BYTES_MAX];
  struct header fields[3] = {
      header_of(TOKEN_CONTENT_TYPE, span_text(type)),
      header_of(TOKEN_CONTENT_LENGTH, span_of(length, decimal_put(length, bytes.len))),
  };
  if (more) fields[2] = *more;
  struct stream *stream = exchange->stream;
  exchange->body_open = true;
  (void)stream_respond(stream, status, fields, more ? 3 : 2,
                       body_bytes(&exchange->bytes, bytes, demo_body_closed, exchange));
}

void demo_respond_error(struct demo_exchange *exchange, unsigned status) {
  demo_respond(exchange, status, ERROR_TEXT_TYPE, error_text(status), NULL);
}

void demo_respond_not_allowed(struct demo_exchange *exchange, const char *allowed) {
  struct header allow = header_of(TOKEN_ALLOW, span_text(allowed));
  demo_respond(exchange, 405, ERROR_TEXT_TYPE, error_text(405), &allow);
}

void demo_respond_options(struct demo_exchange *exchange, const char *allowed) {
  struct header allow = header_of(TOKEN_ALLOW, span_text(allowed));
  (void)stream_respond(exchange->stream, 204, &allow, 1, BODY_NONE);
}
