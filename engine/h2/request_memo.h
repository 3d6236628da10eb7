/*
 * h2/request_memo.h - server role: what a request's header section asks for, and requests that are kept because
 * their header blocks come again.
 *
 * Many clients ask for the same again and again: those that poll, call a procedure, or pass on what others ask
 * for. A block that leaves the HPACK table as it is decodes to the same fields for as long as the table does not
 * change, and is then as valid as it was, so that its bytes need only be compared. (h2/response_memo.h does the
 * same for a client.) A block is kept when it comes for the second time.
 *
 * Memory: at most H2_REQUEST_MEMOS of them a connection, of H2_REQUEST_MEMO_BYTES_MAX each, from http->memory; none
 * once the connection rests (h2/rest.h).
 */
#ifndef WEIR_H2_REQUEST_MEMO_H
#define WEIR_H2_REQUEST_MEMO_H

#include "engine/base/memory.h"
#include "engine/h2/limits.h"
#include "engine/h2/priority_said.h"
#include "engine/http/expectation.h"
#include "engine/http/stream.h"

/* What a valid section says to the protocol and to the handler. */
struct h2_asked {
  struct request request; /* `end` is set for each stream */
  struct h2_priority_said priority;
  enum expectation expectation;
  bool head, connect; /* the method is HEAD, or CONNECT */
};

struct h2_request_memo; /* one that is kept */

/* All zero: nothing is kept. */
struct h2_request_memos {
  uint32_t seen[H2_REQUEST_MEMOS]; /* which block came last to this place; 0: none */
  struct h2_request_memo *kept[H2_REQUEST_MEMOS];
  struct h2_request_memo *last; /* the one of these that was found last; NULL: none was */
};

/* A block as it came, and hpack_decoder_state() before it was decoded. */
struct h2_coded {
  struct span bytes;
  uint64_t state;
};

/* What the block asks for, or NULL: it has to be decoded. Lent until the next h2_request_memo_note(). */
struct h2_asked *h2_request_memo_find(struct h2_request_memos *memos, const struct h2_coded *coded);

/* A block was decoded to what `asked` says, and has left `state`, which is not 0, as it was: keeps a copy if the same
 * block came to its place just before, if it is not too long, and if there is memory. The spans of the request are
 * those of its fields, and it is for no tunnel (or nothing is kept). Returns the copy, or NULL. */
struct h2_asked *h2_request_memo_note(struct h2_request_memos *memos, const struct memory *memory,
                                      const struct h2_coded *coded, const struct h2_asked *asked);

void h2_request_memo_free(struct h2_request_memos *memos, const struct memory *memory);

#endif
