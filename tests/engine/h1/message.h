/*
 * h1/message.h - reads whole messages as a connection does (head, framing, target, body, trailers),
 * in pieces as they come, and writes the result as one line of text.
 */
#ifndef WEIR_TESTS_H1_MESSAGE_H
#define WEIR_TESTS_H1_MESSAGE_H

#include "engine/h1/chunked.h"
#include "engine/h1/framing.h"
#include "engine/h1/target.h"
#include "tests/engine/h1/reading.h"

enum { MESSAGE_BYTES = 1 << 16, MESSAGE_TEXT = 1 << 17 };

enum message_step { MESSAGE_HEAD, MESSAGE_BODY, MESSAGE_TRAILERS, MESSAGE_DONE, MESSAGE_REFUSED };

struct message {
  enum h1_head_kind kind; /* H1_REQUEST or H1_RESPONSE */
  struct h1_asked asked;  /* of a response */
  enum message_step step;
  struct h1_verdict verdict; /* MESSAGE_REFUSED */
  struct h1_head head, trailing;
  struct headers fields, trailers;
  struct header at[READING_FIELDS], trailers_at[READING_FIELDS];
  uint8_t arena[READING_ARENA], trailers_arena[READING_ARENA];
  uint8_t kept[MESSAGE_BYTES], trailers_kept[MESSAGE_BYTES]; /* the bytes of head and trailers */
  size_t kept_len, trailers_len;
  struct h1_framing framing;
  struct h1_target target; /* of a request */
  struct h1_chunked chunked;
  int64_t left; /* of a body with a length */
  uint8_t body[MESSAGE_BYTES];
  size_t body_len;
};

void message_begin(struct message *message, enum h1_head_kind kind, struct h1_asked asked);

/* Reads from the front of `bytes` up to the end of the message. Returns how many bytes it read. */
size_t message_give(struct message *message, struct span bytes);

/* The connection has ended. */
void message_end(struct message *message);

/* Writes to `text`, which has room for MESSAGE_TEXT bytes: "400" if it is refused, "?" if it is
 * incomplete, else
 *   "GET http a /path 1.1 keep|host=a|x=y| body |trailer=z|"
 *   "200 1.1 close|x=y| body |"
 * The scheme is "-" if the target has none, and likewise the authority. */
void message_text(const struct message *message, char *text);

#endif
