/*
 * spec/spec_suite.h - cases of conformance suites for servers, and which answers RFC 7540, RFC 9113
 * and RFC 7541 allow, as scripts of tests/support/script.h. tests/spec/test_suite.c runs them
 * against the engine, tests/helpers/suite_peer.c against a server on a socket.
 */
#ifndef WEIR_TESTS_SPEC_SUITE_H
#define WEIR_TESTS_SPEC_SUITE_H

#include <stdbool.h>
#include <stddef.h>

/* Wanted: "C PE" GOAWAY with that code; "S PE" RST_STREAM or GOAWAY with it (a stream's error
 * may end the connection: 5.4.1); "ping" that a PING sent afterwards is answered; "end" a
 * complete response and a live connection; "" no error; anything else must be in the transcript. */
struct spec_suite_case {
  const char *section, *name, *text, *wanted;
};

struct spec_suite {
  const char *name;
  const struct spec_suite_case *cases;
  size_t count;
};

enum { SPEC_SUITES = 3 };

extern const struct spec_suite spec_suites[SPEC_SUITES];

/* Whether `name`, such as "FRAME_SIZE_ERROR" with more text after a space or comma, is among the
 * codes in "PE FSE". */
bool spec_suite_wants(const char *codes, const char *name);

#endif
