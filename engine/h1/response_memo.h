/*
 * h1/response_memo.h - client role: heads of responses that were read and found valid, and what they said.
 *
 * Servers repeat themselves: many responses have the same head, at least for a second. What a final
 * response's head says depends on its bytes alone, unless the request was HEAD, CONNECT, or for a
 * tunnel. It ends at its first empty line. So bytes that begin with a head that was valid begin with that
 * same head, and need only be compared.
 *
 * Memory: H1_RESPONSE_MEMOS heads a worker, from http->memory, once there is one to keep. All connections share
 * them.
 */
#ifndef WEIR_H1_RESPONSE_MEMO_H
#define WEIR_H1_RESPONSE_MEMO_H

#include "engine/base/memory.h"
#include "engine/h1/limits.h"
#include "engine/http/stream.h"

/* What a valid final response's head says to the protocol. */
struct h1_answer {
  int64_t content_length; /* -1: not given */
  struct section_size size;
  uint16_t status;
  uint8_t body; /* enum h1_body */
  bool keep;    /* the connection goes on after it */
};

struct h1_response_memo {
  struct h1_answer answer;
  uint16_t len; /* 0: none is kept here */
  uint8_t head[H1_RESPONSE_MEMO_BYTES_MAX];
};

struct h1_response_memos {
  struct h1_response_memo *at; /* H1_RESPONSE_MEMOS; NULL until one is kept */
  uint32_t last;               /* was found last: the first one to look at */
  uint32_t next;               /* the place of the next one to keep */
};

/* What the head at the beginning of `in` says, or NULL: it has to be read. The answer is lent until the
 * next h1_response_memo_keep(); it tells the head's length: size.wire_bytes. */
const struct h1_answer *h1_response_memo_find(struct h1_response_memos *list, struct span in);

/* Keeps a copy of a head that was not found, if it is not too long and there is memory. */
void h1_response_memo_keep(struct h1_response_memos *list, const struct memory *memory,
                           struct span head, const struct h1_answer *answer);

void h1_response_memo_free(struct h1_response_memos *list, const struct memory *memory);

#endif
