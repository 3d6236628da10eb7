/*
 * site/source.h - what the site asks its host for: entries found by path, and their bytes.
 *
 * The site opens no file. A source, which the host provides, turns a path into an entry: at once
 * when the entry is cached, or later. What the site works out about an entry (the ready-made header
 * fields) is kept in the entry itself, so that a request for a cached file costs one lookup.
 *
 * Ownership: every entry that a lookup hands out has been retained for the site, which calls
 * release() once for it.
 */
#ifndef WEIR_SITE_SOURCE_H
#define WEIR_SITE_SOURCE_H

#include "engine/base/decimal.h"
#include "engine/http/date.h"
#include "engine/http/headers.h"
#include "engine/http/negotiate.h"

enum site_result {
  SITE_FOUND,
  SITE_PENDING,   /* done() will be called, never before the call that says so has returned */
  SITE_MISSING,   /* 404 */
  SITE_FORBIDDEN, /* 403: unreadable, outside the root, or not a regular file */
  SITE_BUSY,      /* 503: no descriptor, buffer or slot left at present */
  SITE_FAILED,    /* 500: the file system failed, or the file is no longer what it was */
};

/* Derived from what the site writes. */
enum {
  SITE_ETAG_BYTES_MAX = 2 + 2 + 2 * 16 + 1 + 4 + 4, /* W/"size-mtime-zst-zst", numbers in hex */
  SITE_READY_FIELDS_MAX = 11,                       /* fields of a whole 200, plain or coded */
};

/* What the site worked out about a file at its first request; zeroed by the source. */
struct site_facts {
  bool ready;
  uint8_t siblings;           /* codings in which the file exists beside itself: 1 << enum coding */
  uint64_t siblings_until_ns; /* for how long that is believed */
  int64_t modified_seconds;   /* Last-Modified */
  struct span type;           /* Content-Type */
  bool first_known;           /* false: the file has not been looked through so far */
  uint32_t first_bytes; /* what a viewer needs first (http/first_scan.h); 0: nothing special */
  uint8_t etag_len, length_len;
  uint8_t etag[SITE_ETAG_BYTES_MAX], length[DECIMAL_BYTES_MAX], modified[HTTP_DATE_BYTES];
  /* The fields of a whole 200: cache-control, content-type, content-length, ..., vary, content-encoding, and the
   * content-type and cache-control of the file that this one is a sibling of. Each set is a run of them. */
  uint8_t shared;  /* fields before those that a sibling has, too */
  bool compressed; /* the file itself, as a .svgz is: it has no siblings */
  bool encodable;  /* worth compressing for clients that take that */
  struct header fields[SITE_READY_FIELDS_MAX];
  struct header_set plain;  /* the first up to what comes before `vary` */
  struct header_set varied; /* the first up to `vary`: for a file that has siblings */
  /* Content-length up to the last: for a sibling; empty until it was one. */
  struct header_set coded;
};

/* One version of one file. When the file changes, its path leads to a new entry; exchanges that
 * hold the old one go on with the old bytes, or get SITE_FAILED. The source fills in what it knows,
 * and keeps the entry where it is. */
struct site_entry {
  struct span bytes; /* the whole content; base NULL: to be read in pieces (never when size is 0) */
  uint64_t size_bytes;
  int64_t mtime_ns;        /* since 1970 */
  bool directory;          /* all else is then meaningless */
  bool recoded;            /* made by recode(): its bytes may be others on another server */
  struct site_facts facts; /* the site's */
};

/* A lookup under way. The site fills in done() and keeps the object until done() or cancel(). */
struct site_lookup {
  void (*done)(struct site_lookup *lookup, enum site_result result);
  const void *client;       /* whose it is: one address for all of a connection, only compared */
  struct site_entry *entry; /* set with SITE_FOUND, retained for the site */
  uint64_t listing;         /* set with that: see again(); 0: the entry may be gone at any time */
  void *room[6];            /* the source's, so that a lookup needs no allocation */
};

/* A read under way, or bytes that were read. */
struct site_read {
  void (*done)(struct site_read *read, enum site_result result);
  /* The source needs the buffer of a finished read for another: true if the site has ended the read, because
   * its bytes wait for the client. They are read again later. */
  bool (*give_up)(struct site_read *read);
  const void *client; /* as of a lookup */
  uint64_t offset;    /* from the start of the entry */
  size_t max;         /* at least 1, within the entry */
  struct span bytes;  /* set with SITE_FOUND: 1 .. max bytes, lent until read_end() */
  void *room[8];      /* the source's */
};

/* Bytes that the source has in memory, while they are being sent. */
struct site_loan {
  const void *client; /* as of a lookup */
  uint64_t offset;    /* from the start of the entry, within it */
  bool ahead;         /* the client has taken so much that reading ahead for it is worth while */
  uint32_t *count;    /* of the pieces that are out: see lend() */
  void *room[3];      /* the source's; all zero at first */
};

/* A name in a directory. */
struct site_name {
  struct span name;
  uint64_t size_bytes;
  int64_t modified_seconds; /* since 1970 */
  bool directory;
};

/* The names of a directory, lent by the source. */
struct site_names {
  const struct site_name *at; /* directories first, then in bytewise order */
  uint32_t count;
  bool more; /* there are others, which are not told */
};

struct site_source_ops {
  /* `path` is borrowed: decoded, normalised, relative to the root, without a slash at either end;
   * empty for the root itself. Any result. */
  enum site_result (*lookup)(void *self, struct span path, uint64_t now_ns,
                             struct site_lookup *lookup);

  /* Finds an entry again that a lookup has found, as that would, if nothing has left the source's list since:
   * `listing` is of that lookup, and not 0. False: look it up. */
  bool (*again)(void *self, struct site_entry *entry, uint64_t listing, uint64_t now_ns,
                struct site_lookup *lookup);

  /* Forget a pending lookup; its done() must not be called any more. */
  void (*lookup_cancel)(void *self, struct site_lookup *lookup);

  void (*release)(void *self, struct site_entry *entry);

  /* Bytes of an entry whose `bytes.base` is NULL. FOUND, PENDING, BUSY or FAILED; fewer bytes than
   * the entry's size promised are SITE_FAILED. After SITE_BUSY, which done() may say, too, the site asks
   * again when it has ended another read, and each second. */
  enum site_result (*read)(void *self, struct site_entry *entry, struct site_read *read);

  /* Gives back the bytes of a finished read, or forgets a pending one. */
  void (*read_end)(void *self, struct site_read *read);

  /* Bytes at `offset` of an entry whose `bytes.base` is NULL, from where they lie; empty if the site has to
   * read(). They stay until the next call, and while the count is above what it was: see struct body_chunk.
   * May be NULL: none are ever lent. */
  struct span (*lend)(void *self, struct site_entry *entry, struct site_loan *loan);

  /* No more of this entry is asked for. Pieces that are out stay so. */
  void (*lend_end)(void *self, struct site_loan *loan);

  /* The same content in another coding, made from the bytes of `entry`, which are in coding `from`; as a
   * lookup, whose entry it sets. The site holds `entry` until it has released the other. SITE_MISSING: that would be
   * no smaller. May be NULL: nothing is made. */
  enum site_result (*recode)(void *self, struct site_entry *entry, enum coding from, enum coding to,
                             struct site_lookup *lookup);
  void (*recode_cancel)(void *self, struct site_lookup *lookup);

  /* The names in a directory, whose path is as for lookup(), lent until the next call. Any result but PENDING. May be
   * NULL, of a source that lists nothing. */
  enum site_result (*list)(void *self, struct span path, uint64_t now_ns, struct site_names *names);
};

struct site_source {
  const struct site_source_ops *ops;
  void *self;
};

#endif
