/*
 * h1/text.h - heads as text, of responses and of requests, and the trailers of their bodies.
 * Spec: RFC 9112 sections 4, 5 and 7.1.2.
 *
 * What a handler gives is looked at first: a control character in a field would let its value end the
 * head, so such fields are refused. Fields about the connection are left out; the plan says what takes
 * their place.
 * Memory: shared->texts for most texts, http->memory for large ones.
 */
#ifndef WEIR_H1_TEXT_H
#define WEIR_H1_TEXT_H

#include "engine/h1/connection.h"

/* What a handler's fields say. */
struct h1_survey {
  const struct header *fields; /* these */
  size_t count;
  const char *mistake; /* of the handler; NULL: the fields can be sent */
  size_t bytes;        /* of them all as text */
  int64_t length;      /* content-length; -1: not given */
  bool date, server;
};

struct h1_survey h1_text_survey(const struct header *fields, size_t count);

/* The same for fields that are sent again and again: they are looked at once. */
struct h1_survey h1_text_survey_set(struct header_set *set);

enum h1_connection { H1_SAY_NOTHING, H1_SAY_CLOSE, H1_SAY_KEEP_ALIVE, H1_SAY_UPGRADE };

/* What decides about the head of a response, besides its fields and the date. */
struct h1_adds {
  uint16_t status;
  uint8_t connection;   /* enum h1_connection */
  bool leave_length;    /* out */
  bool add_zero_length; /* content-length: 0 */
  bool add_chunked;     /* transfer-encoding: chunked */
  bool add_date, add_server;
};

struct h1_plan {
  struct h1_adds adds;
  const struct header *fields;
  size_t count;
  struct span upgrade; /* with H1_SAY_UPGRADE: to what */
  struct span content; /* appended as the whole body */
};

/* NULL when the text might exceed PEER_SEND_BLOCK_BYTES_MAX, or memory was refused. */
__attribute__((warn_unused_result)) struct h1_text *
h1_text_make(struct h1 *h1, const struct h1_plan *plan, const struct h1_survey *survey);

/* A text of these bytes; NULL when memory was refused. */
__attribute__((warn_unused_result)) struct h1_text *h1_text_copy(struct h1 *h1, struct span bytes);

/* What a request line and Host say. */
struct h1_line {
  struct span method, target, host;
  struct span protocol; /* to upgrade to; else empty */
};

/* Whether they can be written as they are: no byte in them would end a part, or the line. */
__attribute__((warn_unused_result)) bool h1_text_line_ok(const struct h1_line *line);

struct h1_request_plan {
  struct h1_line line;
  const struct header *fields; /* pseudo-header fields and host are left out */
  size_t count;
  bool leave_length;    /* out */
  bool add_zero_length; /* content-length: 0 */
  bool add_chunked;     /* transfer-encoding: chunked */
};

/* As h1_text_make(). */
__attribute__((warn_unused_result)) struct h1_text *
h1_text_request(struct h1 *h1, const struct h1_request_plan *plan, const struct h1_survey *survey);

/* The lines of a trailer section, without the empty one at its end. */
__attribute__((warn_unused_result)) struct h1_text *
h1_text_trailers(struct h1 *h1, const struct header *fields, size_t count,
                 const struct h1_survey *survey);

void h1_text_free(struct h1 *h1, struct h1_text *text);

#endif
