/*
 * h2/response_memo.h - client role: header blocks of responses that were decoded and found valid, and what
 * they said.
 *
 * Servers repeat themselves: many responses of a connection have the same block. A block that leaves
 * the HPACK table as it is decodes to the same fields for as long as the table does not change, and
 * is then as valid as it was, so that its bytes need only be compared.
 *
 * Memory: H2_RESPONSE_MEMOS of them a connection, from http->memory, once there is one to keep.
 */
#ifndef WEIR_H2_RESPONSE_MEMO_H
#define WEIR_H2_RESPONSE_MEMO_H

#include "engine/base/memory.h"
#include "engine/h2/limits.h"
#include "engine/http/stream.h"

/* What a valid response's header section says to the protocol. */
struct h2_answer {
  int64_t content_length; /* -1: not given */
  struct section_size size;
  uint16_t status;
};

/* The first octets of a block, and its last ones. */
struct h2_response_memo_ends {
  uint64_t first, last;
};
/* Derived from what it is. */
enum { H2_RESPONSE_MEMO_ENDS_BYTES = sizeof(struct h2_response_memo_ends) };

struct h2_response_memo {
  struct h2_response_memo_ends ends;
  uint64_t state; /* hpack_decoder_state() for which it holds; 0: none is kept here */
  struct h2_answer answer;
  uint16_t len;
  uint8_t block[H2_RESPONSE_MEMO_BYTES_MAX];
};

/* `*memos` has H2_RESPONSE_MEMOS places, or is NULL. `state` is hpack_decoder_state(). */

/* What the block says, or NULL: it has to be decoded. Borrows `block`; the answer is lent until the
 * next h2_response_memo_keep(). */
const struct h2_answer *h2_response_memo_find(struct h2_response_memo *const *memos, uint64_t state,
                                              struct span block);

/* Keeps a copy of a block of a valid final response, if it is not too long and there is memory. The block
 * has left `state`, which is not 0, as it was. */
void h2_response_memo_keep(struct h2_response_memo **memos, const struct memory *memory,
                           uint64_t state, struct span block, const struct h2_answer *answer);

void h2_response_memo_free(struct h2_response_memo **memos, const struct memory *memory);

#endif
