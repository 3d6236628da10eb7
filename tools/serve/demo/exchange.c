/*
 * serve/demo/exchange.c - see serve/demo/exchange.h.
 */
#include "tools/serve/demo/exchange.h"

#include "engine/base/decimal.h"

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
  static const struct {
    unsigned status;
    const char *text;
  } errors[] = {
      {400, "400 Bad Request\nThe number is out of range.\n"},
      {404, "404 Not Found\nSee / for the addresses that exist.\n"},
      {501, "501 Not Implemented\nThere are no tunnels here.\n"},
  };
  for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
    if (errors[i].status == status)
      demo_respond(exchange, status, demo_text_type, span_text(errors[i].text), NULL);
}

void demo_respond_not_allowed(struct demo_exchange *exchange, const char *allowed) {
  struct header allow = header_of(TOKEN_ALLOW, span_text(allowed));
  demo_respond(exchange, 405, demo_text_type, span_text("405 Method Not Allowed\n"), &allow);
}

void demo_respond_options(struct demo_exchange *exchange, const char *allowed) {
  struct header allow = header_of(TOKEN_ALLOW, span_text(allowed));
  (void)stream_respond(exchange->stream, 204, &allow, 1, BODY_NONE);
}
