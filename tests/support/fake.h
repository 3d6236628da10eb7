/*
 * support/fake.h - a stream without a protocol: it records a handler's answers, and pulls bodies in
 * pieces of any size, so that handlers can be tested alone. It aborts when a handler breaks the
 * contract of engine/http/stream.h: with a second answer, resume() after closed() and the body's close(), or a chunk
 * larger than the pull.
 *
 * Life: fake_request() begins a stream, fake_free() ends it. A struct must be freed before its next
 * request.
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
  size_t lend_max;  /* of each pull: see body_chunk */
  uint64_t number;  /* of the request: see struct request */

  /* Recorded of the handler. */
  unsigned status;                /* 0: no answer yet */
  char fields[FAKE_TEXT_BYTES];   /* "name: value\n" each, of the final response */
  char informed[FAKE_TEXT_BYTES]; /* "103\n" and fields, for each informational response */
  char pushed[FAKE_TEXT_BYTES];   /* fields of the promised requests */
  struct body body;
  uint8_t *bytes; /* of the body, the part that was pulled */
  size_t len, capacity;
  enum body_result last; /* of the last pull */
  bool body_closed, closed;
  unsigned resumed; /* calls of stream_resume() */
  uint64_t timer_ns;
  uint64_t now_ns;     /* what stream_now_ns() says: the test moves it on */
  size_t consumed;     /* bytes */
  uint64_t head_start; /* the argument of the last stream_head_start() */
};

/* Sends a request for this path of https://example.org to a handler, with `count` more fields,
 * at most FAKE_FIELDS_MAX - 4. A POST has content that is still to come; other requests have
 * none. */
void fake_request(struct fake_stream *fake, const struct handler *handler, const char *method,
                  const char *path, const struct header *fields, size_t count, uint64_t now_ns);

/* A stream whose request the test makes itself: a client's, say. */
void fake_begin(struct fake_stream *fake, uint64_t now_ns);

/* The value of a response field, or NULL. Valid until the next call. */
const char *fake_field(const struct fake_stream *fake, const char *name);

/* Pulls once, at most `max` bytes, and appends them to `bytes`. */
enum body_result fake_pull(struct fake_stream *fake, size_t max);

/* Pulls until the body ends, fails or waits. At an end, closes the body and then the stream. */
void fake_pull_all(struct fake_stream *fake, size_t max);

/* Closes the body, as a connection does when it wants no more of it. Only once. */
void fake_close_body(struct fake_stream *fake);

/* Tells the handler that the stream has closed. Only once. */
void fake_closed(struct fake_stream *fake, uint32_t error_code);

/* Closes the body and the stream (CANCEL), and frees the pulled bytes. */
void fake_free(struct fake_stream *fake);

#endif
