/*
 * site/exchange.h - one request to the site on its way to its answer, and the site they share.
 * Private to the site's modules.
 *
 * An exchange is taken from the site's pool for each request and lives until its body is closed. It
 * holds what the answer needs; what was asked is the question (site/question.h).
 */
#ifndef WEIR_SITE_EXCHANGE_H
#define WEIR_SITE_EXCHANGE_H

#include "engine/http/body.h"
#include "engine/http/first_scan.h"
#include "engine/http/handler.h"
#include "engine/site/question.h"
#include "engine/site/settings.h"
#include "engine/site/types.h"

struct site_exchange {
  struct site_lookup lookup; /* first */
  struct site *site;
  struct stream *stream;         /* NULL once it is closed */
  struct site_question *waiting; /* while a lookup is pending: the copy of the question */
  struct site_entry *file;       /* what the path leads to */
  struct site_entry *sent;       /* what the answer is made of: the same, or its sibling */

  struct body_bytes bytes; /* a body that is in memory */
  uint8_t *page;           /* that was made for this answer, or NULL: a listing */
  size_t page_bytes;       /* of its allocation */

  /* A body that is read in pieces. */
  bool reading; /* a read is pending, or its bytes are lent */
  bool arrived; /* the current read has finished */
  bool failed;
  bool starved; /* in the site's list until the source may have room for a read */

  /* Set by site_reader_body() and later: a body in memory leaves it alone, and out of the cache. */
  struct site_read read;
  struct site_loan loan;
  uint64_t first;         /* where the body began */
  uint64_t offset, left;  /* of bytes that no read has fetched yet */
  struct span unread;     /* fetched, lent by the source, not yet pulled */
  bool scanning;          /* the file is looked through for its first scan as it is read */
  struct first_scan scan; /* how far */
  struct site_exchange *starved_next, *starved_prev;
  unsigned starved_seconds; /* for how long it has had no buffer */
  bool holding;             /* a part of the bytes was pulled; the rest waits for the client */
  unsigned arrived_second;  /* when the bytes came, as the site counts */
};

/* A request that came before, and its answer: site/again.h. */
struct site_again {
  uint64_t number; /* of the request; 0: none is noted here */
  uint64_t listing;
  uint64_t siblings_until_ns; /* of the facts then */
  struct site_entry *entry;   /* not held: the source knows whether it is still there */
  struct header_set *set;     /* the fields of the answer; part of the entry */
};

struct site {
  struct site_settings settings;
  struct handler handler;
  struct site_types types;
  struct pool exchanges;
  struct site_again again[SITE_AGAIN_COUNT];
  uint32_t reads;                /* reads pending or lent */
  struct site_exchange *starved; /* those that wait for a read's turn, oldest first */
  struct site_exchange *starved_last;
  unsigned seconds; /* that have passed */
  bool pushing;     /* the current request is one that we promised */
};

/* A new exchange, with nothing looked up; NULL when the site has as many as it may. */
__attribute__((warn_unused_result)) struct site_exchange *site_exchange_take(struct site *site,
                                                                             struct stream *stream);

/* Lets go of the entries, of the question that waits, and of the exchange itself. */
void site_exchange_free(struct site_exchange *exchange);

/* Gives an entry back to the source; NULL is allowed. */
void site_exchange_release(const struct site *site, struct site_entry *entry);

#endif
