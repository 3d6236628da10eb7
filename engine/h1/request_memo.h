/*
 * h1/request_memo.h - server role: what a request's head asks for, and requests that are kept because their heads
 * come again.
 *
 * Clients ask for the same again and again. A head ends at its first empty line, and what it means depends on its
 * bytes alone, and on whether the connection is secure. So bytes that begin with a head that was valid begin with
 * that same head, and need only be compared: nothing is accepted that would not be without this. (h1/response_memo.h
 * does the same for a client, h1/section_memo.h for fields behind other targets.)
 *
 * A head is kept when it comes for the second time behind a section of which there is a memo, whose rules hold here,
 * too: no body, no upgrade, no credentials. It is found by its first line, and by the section that the connection sent
 * last.
 *
 * Memory: at most H1_REQUEST_MEMOS requests a worker, of H1_REQUEST_MEMO_BYTES_MAX each, from http->memory. All
 * connections share them.
 */
#ifndef WEIR_H1_REQUEST_MEMO_H
#define WEIR_H1_REQUEST_MEMO_H

#include "engine/base/memory.h"
#include "engine/h1/limits.h"
#include "engine/http/stream.h"

/* What a valid head says to the protocol and to the handler. */
struct h1_said {
  struct request request;
  uint32_t head_bytes;
  uint8_t minor;   /* of its version */
  uint8_t urgency; /* of its priority, if it has one: */
  bool prioritized, incremental;
  bool safe;    /* the method: GET, HEAD or OPTIONS */
  bool head;    /* it is HEAD */
  bool connect; /* it is CONNECT */
  bool keep;    /* the connection goes on after this exchange */
  bool expects; /* 100 */
  bool hints;   /* the client is known to take 103 */
};

struct h1_request_memo; /* one that is kept */

/* All zero: nothing is kept. */
struct h1_request_memos {
  uint32_t seen[H1_REQUEST_MEMOS]; /* which head came last to this place; 0: none */
  struct h1_request_memo *kept[H1_REQUEST_MEMOS];
};

/* Where a head comes from. */
struct h1_from {
  uint32_t section; /* h1_section_memo_mark() of the connection's last request, not 0 */
  bool secure;      /* the connection */
};

/* What the head at the beginning of `in` says, or NULL: it has to be read. Lent until the next
 * h1_request_memo_note(). */
const struct h1_said *h1_request_memo_find(const struct h1_request_memos *memos, struct span in,
                                           struct h1_from from);

/* `head` was read and judged, and means `said`: keeps a copy if the same head came to its place just before, if it is
 * not too long, and if there is memory. The spans of the request are those of its fields. Returns the copy's request,
 * or NULL. */
struct request *h1_request_memo_note(struct h1_request_memos *memos, const struct memory *memory,
                                     struct span head, struct h1_from from,
                                     const struct h1_said *said);

void h1_request_memo_free(struct h1_request_memos *memos, const struct memory *memory);

#endif
