/*
 * support/fake.h - a stream without a protocol: it records what a handler answers, and pulls bodies in
 * pieces of any size, so that handlers can be tested alone. It aborts when a handler breaks the
 * contract of engine/http/stream.h: a second answer, resume() after closed(), a chunk larger than
 * was asked for.
 *
 * Life: fake_request() begins a stream, fake_free() ends it; before the next request of the same
 * struct, the one before must be freed.
 */
#ifndef WEIR_TESTS_FAKE_H
#define WEIR_TESTS_FAKE_H

#include "engine/http/handler.h"

enum {
  FAKE_FIELDS_MAX = 40, /* pseudo-header fields included */
  FAKE_TEXT_BYTES = 4096,
};

struct fake_stream {
  struct stream stream; /* first, so that the operations find the rest */

  /* Set by the test before fake_request(). */
  bool refuse;      /* responses fail, as when the stream is gone */
  bool accept_push; /* pushes succeed */

  /* What the handler did. */
  unsigned status;                /* 0: no answer yet */
  char fields[FAKE_TEXT_BYTES];   /* "name: value\n" each, of the final response */
  char informed[FAKE_TEXT_BYTES]; /* "103\n" and fields, for each informational response */
  char pushed[FAKE_TEXT_BYTES];   /* fields of the promised requests */
  struct body body;
  uint8_t *bytes; /* of the body, as far as it was pulled */
  size_t len, capacity;
  enum body_result last; /* of the last pull */
  bool body_closed, closed;
  unsigned resumed; /* calls of stream_resume() */
  uint64_t timer_ns;
  size_t consumed;     /* bytes */
  uint64_t head_start; /* what stream_head_start() said last */
};

/* Sends a request to a handler, for https://example.org with that path, with `count` more fields, at
 * most FAKE_FIELDS_MAX - 4. A POST has content that is still to come; anything else has none. */
void fake_request(struct fake_stream *fake, const struct handler *handler, const char *method,
                  const char *path, const struct header *fields, size_t count, uint64_t now_ns);

/* The value of a response field, or NULL. Valid until the next call. */
const char *fake_field(const struct fake_stream *fake, const char *name);

/* Pulls at most `max` bytes once, and appends them to `bytes`. */
enum body_result fake_pull(struct fake_stream *fake, size_t max);

/* Pulls until the body ends, fails or waits. At an end, closes the body and then the stream. */
void fake_pull_all(struct fake_stream *fake, size_t max);

/* Closes the body, as a connection does when it wants no more of it; once. */
void fake_close_body(struct fake_stream *fake);

/* Tells the handler that the stream has closed; once. */
void fake_closed(struct fake_stream *fake, uint32_t error_code);

/* Closes the body and the stream (CANCEL), and frees what was pulled. */
void fake_free(struct fake_stream *fake);

#endif
