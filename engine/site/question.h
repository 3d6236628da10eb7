/*
 * site/question.h - what one request asks of the site, and where the search for the answer stands.
 *
 * A question lives on the stack of the handler's request(). When a lookup has to wait, it moves,
 * with every string it refers to, into memory of its own.
 */
#ifndef WEIR_SITE_QUESTION_H
#define WEIR_SITE_QUESTION_H

#include "engine/base/pool.h"
#include "engine/http/headers.h"
#include "engine/http/negotiate.h"
#include "engine/site/limits.h"
#include "engine/site/path.h"

/* Derived from what may follow a path in its room: a slash and the name of an index, and the suffix of a sibling. */
#define SITE_SUFFIX_BYTES_MAX (1 + SITE_INDEX_BYTES_MAX + sizeof ".zst" - 1)
#define SITE_ROOM_BYTES       (SITE_PATH_BYTES_MAX + SITE_SUFFIX_BYTES_MAX)

struct site_question {
  const struct headers *fields; /* of the request, or those of it that matter */
  uint64_t seen;                /* headers_tokens() */
  uint64_t now_ns;
  uint64_t number;  /* of the request */
  uint64_t listing; /* of the lookup that found the file */
  struct site_path target;
  uint8_t *room; /* the path; SITE_ROOM_BYTES */
  struct negotiation negotiation;
  bool head;     /* HEAD, not GET */
  bool fallback; /* the path is that of site_rules.fallback */
  bool varied; /* a path that was tried before could have led to another answer for other codings */
  size_t base_len;    /* of a directory's path, before the name of an index */
  uint8_t index;      /* number of that name, from 1; 0: none */
  bool find_file;     /* the current lookup is for the file itself, not for a sibling */
  bool recoding;      /* the current lookup makes another coding of exchange->sent */
  bool survey;        /* all siblings are looked up, for the facts */
  bool varies;        /* another accept-encoding field could lead to another answer */
  uint8_t todo;       /* codings of siblings still to be looked up, 1 << enum coding */
  uint8_t found;      /* codings of siblings that exist */
  enum coding coding; /* of the sibling that is looked up, or made, now */
  enum coding chosen; /* of exchange->sent */
};

/* Whether the request has a field with this token, one that an answer depends on. */
static inline bool site_question_has(const struct site_question *question,
                                     enum header_token token) {
  return question->seen >> token & 1;
}

/* Whether an answer depends on what the client has of the file. */
static inline bool site_question_has_conditions(const struct site_question *question) {
  return site_question_has(question, TOKEN_IF_MATCH) ||
         site_question_has(question, TOKEN_IF_NONE_MATCH) ||
         site_question_has(question, TOKEN_IF_MODIFIED_SINCE) ||
         site_question_has(question, TOKEN_IF_UNMODIFIED_SINCE);
}

/* Notes the request's fields. Borrows them. False when more of them matter than a question that
 * waits may keep (SITE_CONDITION_FIELDS_MAX). */
__attribute__((warn_unused_result)) bool site_question_note(struct site_question *question,
                                                            const struct headers *fields);

/* A copy that outlives the request, with copies of the strings; NULL when memory was refused. */
__attribute__((warn_unused_result)) struct site_question *
site_question_keep(const struct memory *memory, const struct site_question *question);

/* Frees such a copy; NULL is allowed. */
void site_question_drop(const struct memory *memory, struct site_question *question);

#endif
