/*
 * lib/answers.c - see lib/answers.h.
 */
#include "tests/tools/lib/answers.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"

uint8_t answers_big[ANSWERS_BIG_BYTES];

void answers_init(void) {
  for (size_t i = 0; i < sizeof answers_big; i++)
    answers_big[i] = (uint8_t)(i * 2654435761u >> 11);
}

/* A POST's body, which is sent back. */
struct echo {
  struct body_bytes body;
  uint8_t *bytes;
  size_t len;
};

static void echo_free(void *ctx) {
  struct echo *echo = ctx;
  free(echo->bytes);
  free(echo);
}

static void echo_data(struct stream *stream, struct span bytes, bool end) {
  struct echo *echo = stream->user;
  echo->bytes = realloc(echo->bytes, echo->len + bytes.len + 1);
  if (bytes.len) memcpy(echo->bytes + echo->len, bytes.base, bytes.len);
  echo->len += bytes.len;
  if (!end) return;
  stream->user = NULL;
  stream_respond(stream, 200, NULL, 0,
                 body_bytes(&echo->body, span_of(echo->bytes, echo->len), echo_free, echo));
}

static void echo_closed(struct stream *stream, uint32_t error_code) {
  (void)error_code;
  if (stream->user) echo_free(stream->user);
}

static void after_a_while(struct stream *stream, uint64_t now_ns) {
  (void)now_ns;
  stream_respond(stream, 204, NULL, 0, BODY_NONE);
}

static const struct stream_events echo_events = {.data = echo_data, .closed = echo_closed};
static const struct stream_events slow_events = {.timer = after_a_while};
static const struct stream_events no_events;

static void respond(struct stream *stream, unsigned status, struct span bytes) {
  struct body_bytes *body = malloc(sizeof *body);
  struct header type = header_of(TOKEN_CONTENT_TYPE, span_text("text/plain"));
  stream_respond(stream, status, &type, 1, body_bytes(body, bytes, free, body));
}

static void answer(void *ctx, struct stream *stream, const struct request *request,
                   uint64_t now_ns) {
  (void)ctx;
  stream->events = &no_events;
  if (span_is(request->path, "/hello")) {
    respond(stream, 200, span_text("hello\n"));
  } else if (span_is(request->path, "/big")) {
    respond(stream, 200, span_of(answers_big, sizeof answers_big));
  } else if (span_is(request->path, "/slow") || span_is(request->path, "/never")) {
    stream->events = &slow_events;
    bool slow = span_is(request->path, "/slow");
    stream_timer(stream, slow ? now_ns + 300000000 : MACHINE_NO_DEADLINE);
  } else if (span_is(request->path, "/trailers")) {
    const struct header sum = {.name = span_text("sum"), .value = span_text("42")};
    respond(stream, 200, span_text("hello\n"));
    assert_true(stream_trailers(stream, &sum, 1));
  } else if (span_is(request->path, "/reset")) {
    stream_reset(stream, ENHANCE_YOUR_CALM);
  } else if (span_is(request->path, "/refuse")) {
    stream_reset(stream, REFUSED_STREAM);
  } else if (span_is(request->path, "/length")) {
    respond(stream, (unsigned)(200 + request->content_length), span_text("\n"));
  } else if (span_is(request->path, "/echo") && !request->end) {
    stream->user = calloc(1, sizeof(struct echo));
    stream->events = &echo_events;
  } else {
    respond(stream, 404, span_text("no\n"));
  }
}

const struct handler answers_handler = {.request = answer};
