/*
 * h1/section_memo.h - field sections of requests that were read before.
 *
 * A client mostly sends the same fields with each request, and another target. A section that a connection has
 * sent twice in a row is noted, with what was read from it and how it was judged; where the same bytes come again, on
 * any connection of the worker, that is used instead of reading them. What follows from a section depends on
 * its bytes alone, so nothing is refused or accepted that would not be without the memo.
 *
 * Noted are sections of requests in HTTP/1.1 without a body, an upgrade or an expectation, up to
 * H1_SECTION_MEMO_BYTES. Those with credentials are not: nothing about them is kept, and no client can find out from
 * response times what others have sent.
 *
 * Memory: H1_SECTION_MEMOS sections a worker, once there is one to note.
 */
#ifndef WEIR_H1_SECTION_MEMO_H
#define WEIR_H1_SECTION_MEMO_H

#include "engine/base/memory.h"
#include "engine/h1/framing.h"
#include "engine/h1/limits.h"

struct h1_section_memo {
  uint32_t mark; /* h1_section_memo_mark() of the section; 0: none is noted */
  uint16_t len;  /* of the section, with the empty line at its end */
  uint16_t used; /* bytes of `text` */
  uint32_t count;
  size_t list_bytes;
  uint64_t tokens;                              /* as headers_tokens() says of these fields */
  struct h1_framing framing;                    /* its spans point into `text` */
  struct header fields[H1_SECTION_MEMO_FIELDS]; /* those that a handler sees; so do theirs */
  uint8_t text[2 * H1_SECTION_MEMO_BYTES];      /* the section, and names in lower case */
};

/* A number for the section, which others hardly have; not 0. */
uint32_t h1_section_memo_mark(struct span section);

/* What is noted of the section at the beginning of `bytes`, which is one with this mark; NULL: nothing. `memos`: as
 * h1_section_memo_note() made them, or NULL. */
const struct h1_section_memo *h1_section_memo_find(const struct h1_section_memo *memos,
                                                   uint32_t mark, struct span bytes);

/* Notes a section with that mark, which was judged and stripped: `fields` from `first` on are what a handler sees.
 * Borrows all. Sections that must not be noted, or are too large, are not; nor is any without memory. */
void h1_section_memo_note(struct h1_section_memo **memos, const struct memory *memory,
                          uint32_t mark, struct span section, const struct headers *fields,
                          uint32_t first, const struct h1_framing *framing);

/* Appends the noted fields to those that are there. They are lent until the next h1_section_memo_note(). */
void h1_section_memo_recall(const struct h1_section_memo *memo, struct headers *fields);

void h1_section_memo_free(struct h1_section_memo *memos, const struct memory *memory);

#endif
