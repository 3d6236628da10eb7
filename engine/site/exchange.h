/*
 * site/exchange.h - one request to the site on its way to its answer; private to the site's files.
 *
 *     site/site.c           request -> lookups -> the entries to answer with
 *     site/answer.c    entries and conditions -> status, fields, body
 *     site/facts.c     entry -> ready-made fields
 *     site/reader.c    body of a file that is read in pieces
 *     site/hints.c     what a page announces
 *
 * An exchange is taken from the site's pool for each request and lives until its body is closed. It
 * holds what the answer needs. The *question*, what was asked, lives on the stack of request();
 * when a lookup has to wait, it moves with all its strings into memory of its own (struct waiting).
 */
#ifndef WEIR_SITE_EXCHANGE_H
#define WEIR_SITE_EXCHANGE_H

#include "engine/base/limits.h"
#include "engine/http/first_scan.h"
#include "engine/http/negotiate.h"
#include "engine/site/path.h"
#include "engine/site/site.h"

/* What may follow a path that the request named: "/index.html" and ".br". */
#define SITE_SUFFIX_BYTES_MAX 16u

struct question {
  const struct headers *fields; /* of the request, or those of it that matter */
  uint64_t seen;                /* 1 << token of each field, tokens below 64 */
  uint64_t now_ns;
  struct site_path target;
  uint8_t *room; /* the path; SITE_PATH_BYTES_MAX + SITE_SUFFIX_BYTES_MAX */
  struct negotiation negotiation;
  bool head;
  bool index;         /* index.html was appended to a directory's path */
  bool find_file;     /* the lookup in hand is for the file itself, not for a sibling */
  bool survey;        /* all siblings are looked up, for the facts */
  uint8_t todo;       /* codings of siblings still to be looked up, 1 << enum coding */
  uint8_t found;      /* codings of siblings that exist */
  enum coding coding; /* of the sibling that is looked up now */
  enum coding chosen; /* of exchange->entry */
};

struct waiting;

struct exchange {
  struct site_lookup lookup;
  struct site *site;
  struct stream *stream;   /* NULL once it is closed */
  struct waiting *waiting; /* while a lookup is pending */
  struct site_entry *file; /* what the path leads to */
  struct site_entry *sent; /* what the answer is made of: the same, or its sibling */

  struct body_bytes bytes; /* a body that is in memory */

  /* A body that is read in pieces. */
  bool reading; /* a read is pending, or its bytes are lent */
  bool arrived; /* the read in hand has finished */
  bool failed;
  bool starved; /* in the site's list, until somebody gives a buffer back */

  /* Set by site_reader_body() and later: a body in memory leaves it alone, and out of the cache. */
  struct site_read read;
  uint64_t offset, left;  /* of bytes that no read has fetched yet */
  struct span unread;     /* fetched, lent by the source, not yet pulled */
  bool scanning;          /* the file is looked through for its first scan as it is read */
  struct first_scan scan; /* how far */
  struct exchange *starved_next;
  bool holding; /* in the site's list of those whose bytes wait for a window */
  struct exchange *holding_next, *holding_prev;
};

struct site {
  struct site_settings settings;
  struct handler handler;
  struct pool exchanges;
  uint32_t reads;           /* reads pending or lent */
  struct exchange *starved; /* first of those that wait for another's read to end */
  struct exchange *holding,
      *holding_last; /* those that have bytes which nobody takes, oldest first */
  bool pushing;      /* the request in hand is one that we promised ourselves */
};

static inline bool question_has(const struct question *question, enum header_token token) {
  return question->seen >> token & 1;
}

/* ---- site/site.c ---- */

/* Lets go of the entries and of the exchange itself. */
void site_exchange_free(struct exchange *exchange);

/* ---- site/facts.c ---- */

/* Works out the facts of a file that is found under `path`, once. */
void site_facts_prepare(const struct site *site, struct site_entry *entry, struct span path);

/* The same for what it is as a sibling, in `coding`, of a file of `type` (which is static). */
void site_facts_code(struct site_entry *entry, enum coding coding, struct span type);

/* ---- site/answer.c: each answers the stream and gives the exchange away ---- */

/* With exchange->sent, as far as conditions and range ask for it. */
void site_answer_file(struct exchange *exchange, const struct question *question);

/* 301 to the same path with a slash at the end. */
void site_answer_directory(struct exchange *exchange, const struct question *question);

/* A short text. `field`: one more field, or NULL. */
void site_answer_error(struct exchange *exchange, bool head, unsigned status,
                       const struct header *field);

/* ---- site/reader.c ---- */

/* A body of `count` (at least 1) bytes at `first` of exchange->sent; frees the exchange when it is
 * closed. Sets the stream's events. */
struct body site_reader_body(struct exchange *exchange, uint64_t first, uint64_t count);

/* ---- site/hints.c ---- */

/* Sends what the page at `path` announces: pushes where that is possible, and a 103. Appends the
 * link fields of the final response to `fields`, at most SITE_PRELOADS_MAX; returns how many. */
size_t site_hints_announce(struct exchange *exchange, const struct question *question,
                           struct span path, struct header *fields);

#endif
