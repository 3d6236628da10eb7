/*
 * ws/suite.h - what a peer sends, and the result: rows about framing, pings, reserved bits,
 * opcodes, fragments, UTF-8, close codes, limits and compression, written from RFC 6455 and RFC
 * 7692. Syntax: ws/play.h.
 */
#ifndef WEIR_TESTS_WS_SUITE_H
#define WEIR_TESTS_WS_SUITE_H

#include <stddef.h>

struct suite_row {
  const char *name;
  const char *frames; /* of the peer */
  const char *log;    /* events and frames until the peer ends its direction */
  const char *closed; /* the arguments of closed(); NULL: "1006" */
};

struct suite {
  const char *name;
  const struct suite_row *rows;
  size_t count;
  const char *deflate; /* parameters of permessage-deflate; NULL: it is off */
};

extern const struct suite suite_frames, suite_fragments, suite_utf8, suite_close, suite_deflate,
    suite_takeover;

#define SUITE(name, rows, deflate)                                                                 \
  { name, rows, sizeof(rows) / sizeof *(rows), deflate }

#endif
