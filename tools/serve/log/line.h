/*
 * serve/log/line.h - one line of the access log, made of what is known of one request.
 *
 *     combined   127.0.0.1 - - [27/Nov/2026:21:22:07 +0000] "GET / HTTP/2.0" 200 2326 "REFERER"
 *                "USER-AGENT" HTTP/2 1 184 56 0 93 u=3,i TLSv1.3 0 x25519 "-"
 *     json       {"time":"2026-11-27T21:22:07.015Z","address":"127.0.0.1",...}
 *
 * After the combined format come: protocol, stream, microseconds, bytes of the request's header sections
 * and of its body, bytes of the response's header sections, priority, TLS version, error code, TLS group,
 * subject of the client's certificate. `-` stands for what there is not, also for a request line that could
 * not be read. The keys of JSON are in log/line.c and in the manual page.
 *
 * A client's text cannot end its string or its line, nor send controls to a terminal. In combined,
 * `"`, `\` and every byte that is not printable ASCII become \xHH. JSON is always valid: UTF-8 stays
 * as it is, except for control characters; any other byte becomes the character of its number, \u00HH.
 */
#ifndef WEIR_TOOLS_SERVE_LOG_LINE_H
#define WEIR_TOOLS_SERVE_LOG_LINE_H

#include "engine/http/stream.h"
#include "tools/serve/limits.h"

enum log_format { LOG_COMBINED, LOG_JSON };

/* Texts of the client; what there is not is empty. */
enum log_text {
  LOG_METHOD,
  LOG_SCHEME,
  LOG_AUTHORITY,
  LOG_PATH,
  LOG_REFERER,
  LOG_USER_AGENT,
  LOG_SUBJECT, /* of the client's certificate */
  LOG_TEXTS
};

/* Bytes of each text, and of all; ACCESS_LOG_TEXT_BYTES_MAX at most. */
struct log_request {
  uint16_t len[LOG_TEXTS];
  uint16_t text_bytes;
  char text[]; /* one after the other */
};

struct log_line {
  const struct log_request *request;
  const struct stream_facts *facts;
  const struct machine_peer *peer;
  uint64_t stream_id;
  int64_t wall_ns; /* when the request ended: nanoseconds since 1970 */
};

/* The second of the last line, as text. Begins as zeros. */
struct log_date {
  int64_t seconds;
  char combined[32], json[32];
};

/* How many bytes of the texts are logged, in all; each is cut at its bound. */
size_t log_request_bytes(const struct span texts[LOG_TEXTS]);

/* Copies them to `out`, which has room for sizeof *out and that many bytes. */
void log_request_fill(struct log_request *out, const struct span texts[LOG_TEXTS]);

/* The longest line of a request with that many bytes of text. */
static inline size_t log_line_bytes_max(size_t text_bytes) {
  return LOG_TEXT_GROWTH * text_bytes + ACCESS_LOG_LINE_REST_BYTES_MAX;
}

/* Writes the line, with its newline, to `out`: at most log_line_bytes_max() bytes. Returns its
 * length. */
size_t log_line_write(enum log_format format, const struct log_line *line, struct log_date *date,
                      char *out);

#endif
