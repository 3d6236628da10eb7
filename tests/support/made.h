/*
 * support/made.h - a site of made-up files, and requests to it. Lookups and reads answer at once,
 * later, or never. Read bytes lie in memory of their own, so that a use after their end is
 * detected. Owner: the test. One site at a time; not safe between threads.
 */
#ifndef WEIR_TESTS_MADE_H
#define WEIR_TESTS_MADE_H

#include "engine/base/limits.h"
#include "engine/site/site.h"
#include "tests/support/counted.h"
#include "tests/support/fake.h"

/* When most files were last modified: Sun, 06 Nov 1994 08:49:37 GMT. */
#define MADE_NOV_1994_NS (784111777 * (int64_t)SECOND_NS + 5)

enum { MADE_FILES = 35, MADE_WAITING_MAX = 32 };

struct made_file {
  const char *path;
  const char *text; /* NULL: a directory */
  size_t len;       /* 0: as long as a string is */
  int64_t mtime_ns;
  bool large;               /* must be read */
  enum site_result instead; /* SITE_FOUND, or a lookup's other result */
  struct site_entry entry;
  int held;
};

/* The site, its source, and the time. */
extern struct made {
  struct counted_memory memory;
  struct site *site;
  uint64_t now_ns;
  int64_t wall_seconds;
  struct made_file files[MADE_FILES];
  bool lookups_wait, reads_wait; /* until made_lookup_done() and made_read_done() */
  bool truncated;                /* reads fail */
  bool no_turn;                  /* reads that wait come back with SITE_BUSY */
  struct {
    struct site_lookup *lookup;
    char path[300];
  } waiting[MADE_WAITING_MAX];
  unsigned waiting_count, lookups;
  uint64_t listing; /* of the source: see struct site_lookup; 0: entries are not found again */
  unsigned agains;  /* how many were */
  struct site_read *reads[MADE_WAITING_MAX];
  struct made_file *reading[MADE_WAITING_MAX];
  unsigned read_count, buffers_out, buffers_max;
  struct site_read *lent[MADE_WAITING_MAX]; /* reads with a buffer, the oldest first */
  struct site_names names;                  /* of each directory that is listed */
  /* The source can recode(), if this is so when the site is opened: each time with this result, which waits as
   * lookups do. */
  bool recodes;
  enum site_result recode_result;
  struct made_file recoded; /* what it makes, of any file */
  struct {
    enum coding from, to;
  } recode_asked;
  unsigned recode_count;
} made;

/* The resources that pages announce: index.html three, style.css the second and the third of them. */
extern const struct site_page made_pages[2];
extern const struct site_hints made_hints;

/* For cmocka. Asserts after each test that nothing is still held, pending, lent or allocated. */
int made_set_up(void **state);
int made_tear_down(void **state);
#define MADE_TEST(function) cmocka_unit_test_setup_teardown(function, made_set_up, made_tear_down)

/* Starts a new site, with these settings instead of none. */
void made_reopen(struct site_settings settings);

/* Answers the first waiting lookup or read. */
void made_lookup_done(void);
void made_read_done(void);

struct made_question {
  const char *method, *path;
  struct {
    enum header_token token;
    const char *value;
  } fields[4];
};

/* Sends a request, on a stream that the test frees by fake_free(). */
void made_ask(struct fake_stream *fake, const struct made_question *asked);
void made_get(struct fake_stream *fake, const char *path);

/* Asserts that the response has this field, or none of this name if `expected` is NULL; or that
 * its body so far is this. */
void made_assert_field(const struct fake_stream *fake, const char *name, const char *expected);
void made_assert_body(const struct fake_stream *fake, const char *expected);

#endif
