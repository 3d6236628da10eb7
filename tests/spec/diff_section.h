/*
 * spec/diff_section.h - random header sections, most of them valid.
 */
#ifndef WEIR_TESTS_DIFF_SECTION_H
#define WEIR_TESTS_DIFF_SECTION_H

#include "engine/http/headers.h"
#include "tests/support/random.h"

enum { DIFF_SECTION_FIELDS = 32, DIFF_SECTION_BYTES = 2048 };

/* All zero: empty. `fields` points into `text`, so it must not move. */
struct diff_section {
  struct header fields[DIFF_SECTION_FIELDS];
  char text[DIFF_SECTION_BYTES];
  size_t count, used;
};

/* Appends a copy. Fails the test when the section is full. */
void diff_section_add(struct diff_section *section, const char *name, const char *value);

/* Appends a regular field. With `te`, this may be a te field, but only once. */
void diff_section_add_regular(struct diff_section *section, struct random *random, bool te);

/* Makes it a request: pseudo-header fields in any order, then regular ones. Rarely omits a
 * pseudo-header field, and then returns its name, else NULL. */
const char *diff_section_request(struct diff_section *section, struct random *random, bool te);

/* Appends something that makes it malformed: RFC 9113 section 8. Returns the field's name. */
const char *diff_section_spoil(struct diff_section *section, struct random *random);

#endif
