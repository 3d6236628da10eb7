/*
 * support/talk_rows.h - rows of { section, what is required, script, transcripts }; see support/talk.h. Each
 * runs whole, byte by byte, and perhaps in two pieces at every place.
 */
#ifndef WEIR_TESTS_TALK_ROWS_H
#define WEIR_TESTS_TALK_ROWS_H

#include <stddef.h>

struct talk_row {
  const char *section, *name, *script, *heard, *wire;
};

/* Prints every row that fails, and then fails the test. */
void talk_rows_run(const struct talk_row *rows, size_t count, int every_cut);

#define TALK_ROWS(rows) rows, sizeof rows / sizeof *rows

/* ---- pieces of rows -------------------------------------------------------------------------- */

#define DO(command)        "\1" command "\1"
#define GET(path)          "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(path, fields) "POST " path " HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
#define OLD(path, fields)  "GET " path " HTTP/1.0\r\n" fields "\r\n"
#define OK                 "HTTP/1.1 200 OK|content-length: 2|server: weir||ok"
#define NONE               "HTTP/1.1 204 No Content|server: weir||"
#define CLOSE              "connection: close|"
#define OK_CLOSE           "HTTP/1.1 200 OK|content-length: 2|server: weir|" CLOSE "|ok"
#define CHUNKED            "HTTP/1.1 200 OK|transfer-encoding: chunked|server: weir||"
#define SERVED(n, path)    "GET " path ", closed " n " 0"
#define ERROR(status, length, text)                                                                \
  "HTTP/1.1 " status "|content-type: text/plain; charset=utf-8|content-length: " length            \
  "|server: weir|" CLOSE "|" text "\n"

#endif
