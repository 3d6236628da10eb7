/*
 * h1/head.h - the head of a message: start line and fields; and trailer sections, which are fields alone.
 * Spec: RFC 9112 sections 2 to 5.
 *
 * Strict: lines end in CRLF, one space is between the parts of a start line, nothing is before a colon,
 * no line is folded, and no control character is anywhere. Nothing is repaired: what two parsers could
 * read in two ways is refused.
 *
 * Incremental: the caller keeps the bytes from the start of the head until it is complete, and calls
 * again with all of them when there are more. They may lie elsewhere then. Bytes of a line are looked
 * at as they come, and each line is parsed when it is complete; a head that moved between calls is parsed
 * once more at its end. So a peer that sends single bytes costs linear time.
 *
 * Ownership: spans point into the bytes of the last call, which the caller lends for as long as it uses
 * them; names into static tables or the arena of `fields`.
 */
#ifndef WEIR_H1_HEAD_H
#define WEIR_H1_HEAD_H

#include "engine/h1/verdict.h"
#include "engine/http/headers.h"

enum h1_head_kind { H1_REQUEST, H1_RESPONSE, H1_TRAILERS };

struct h1_head {
  /* What was read, valid once complete. */
  struct span method, target; /* of a request */
  uint16_t status;            /* of a response: 100 .. 999 */
  uint8_t minor;              /* of HTTP/1.minor: 0 or 1 */
  size_t bytes; /* of the whole head; what follows it is the body or the next message */

  /* Private. */
  enum h1_head_kind kind;
  struct headers *fields;
  uint32_t count; /* of `fields` at the beginning; so the next two */
  size_t list_bytes, arena_used;
  const uint8_t *base;  /* where the last call had the bytes */
  size_t message, line; /* offsets of the start line, and of the line that is not yet complete */
  size_t looked;        /* offset up to which the line's end was looked for */
  uint8_t empty_lines;  /* before the start line */
  bool started;         /* the start line has been read */
  bool moved;           /* spans that were made point to where the bytes no longer are */
};

/* Begins a head. The fields are appended to those that `fields` may already have (room for pseudo-header
 * fields, say). Its list_bytes_max bounds the bytes of the field lines, too. Keeps `fields`. */
void h1_head_begin(struct h1_head *head, enum h1_head_kind kind, struct headers *fields);

/* Reads `bytes`, which begin with the head's first byte and hold at least those of the last call.
 * H1_COMPLETE: the head is head->bytes long. H1_REFUSED: 400 for bad syntax; 414, 431 and 501 for a
 * target, fields and a method beyond their bounds; 505 for another version; 502 for all these in a
 * response. The fields are then undefined. */
__attribute__((warn_unused_result)) struct h1_verdict h1_head_read(struct h1_head *head,
                                                                   struct span bytes);

/* The same for the start line alone. H1_COMPLETE: the fields begin at head->line. */
__attribute__((warn_unused_result)) struct h1_verdict h1_head_read_start(struct h1_head *head,
                                                                         struct span bytes);

/* After that: the rest of the head are `len` bytes whose fields are known. The head is complete. */
void h1_head_skip(struct h1_head *head, size_t len);

/* The field lines of a complete head, with the empty line, as the last call had them. */
static inline struct span h1_head_section(const struct h1_head *head) {
  return span_of(head->base + head->message, head->bytes - head->message);
}

/* The bytes of a complete head, as the last call had them. */
static inline struct span h1_head_text(const struct h1_head *head) {
  return span_of(head->base, head->bytes);
}

/* Whether bytes of a head have been received, an empty line before it not counted. */
static inline bool h1_head_has_begun(const struct h1_head *head) {
  return head->started || head->looked > head->message;
}

#endif
