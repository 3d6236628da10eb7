/*
 * serve/log/line.c - see serve/log/line.h.
 */
#include "tools/serve/log/line.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>
#include <time.h>

#include "engine/base/decimal.h"
#include "engine/base/text.h"
#include "engine/http/priority_field.h"
#include "io/tls/limits.h"
#include "tools/serve/log/text.h"

static const uint16_t text_bytes_max[LOG_TEXTS] = {
    [LOG_METHOD] = ACCESS_LOG_METHOD_BYTES_MAX,
    [LOG_SCHEME] = ACCESS_LOG_METHOD_BYTES_MAX,
    [LOG_AUTHORITY] = ACCESS_LOG_AUTHORITY_BYTES_MAX,
    [LOG_PATH] = ACCESS_LOG_PATH_BYTES_MAX,
    [LOG_REFERER] = ACCESS_LOG_PATH_BYTES_MAX,
    [LOG_USER_AGENT] = ACCESS_LOG_AUTHORITY_BYTES_MAX,
    [LOG_SUBJECT] = TLS_SUBJECT_BYTES_MAX,
};
_Static_assert(2 * (ACCESS_LOG_METHOD_BYTES_MAX + ACCESS_LOG_AUTHORITY_BYTES_MAX +
                    ACCESS_LOG_PATH_BYTES_MAX) +
                       TLS_SUBJECT_BYTES_MAX ==
                   ACCESS_LOG_TEXT_BYTES_MAX,
               "the texts together");

/* ---- the request ----------------------------------------------------------------------------- */

static size_t kept(const struct span texts[LOG_TEXTS], unsigned i) {
  return texts[i].len < text_bytes_max[i] ? texts[i].len : text_bytes_max[i];
}

size_t log_request_bytes(const struct span texts[LOG_TEXTS]) {
  size_t bytes = 0;
  for (unsigned i = 0; i < LOG_TEXTS; i++)
    bytes += kept(texts, i);
  return bytes;
}

void log_request_fill(struct log_request *out, const struct span texts[LOG_TEXTS]) {
  char *at = out->text;
  for (unsigned i = 0; i < LOG_TEXTS; i++) {
    out->len[i] = (uint16_t)kept(texts, i);
    if (out->len[i]) memcpy(at, texts[i].base, out->len[i]);
    at += out->len[i];
  }
  out->text_bytes = (uint16_t)(at - out->text);
}

static void unpack(const struct log_request *request, struct span texts[LOG_TEXTS]) {
  const char *at = request->text;
  for (unsigned i = 0; i < LOG_TEXTS; i++) {
    texts[i] = span_of(at, request->len[i]);
    at += request->len[i];
  }
}

/* ---- pieces ---------------------------------------------------------------------------------- */

/* Every put_*() returns the end of what it wrote. PUT() is for literals, whose length is known. */
#define PUT(at, literal) put_bytes(at, literal, sizeof(literal) - 1)

static inline char *put_bytes(char *at, const void *bytes, size_t len) {
  return (char *)memcpy(at, bytes, len) + len;
}

static char *put(char *at, const char *text) {
  return put_bytes(at, text, strlen(text));
}

static char *put_number(char *at, uint64_t number) {
  return at + decimal_put((uint8_t *)at, number);
}

static char *put_address(char *at, const struct machine_peer *peer) {
  static const uint8_t ipv4_prefix[12] = {[10] = 0xff, [11] = 0xff}, unknown[16];
  if (memcmp(peer->address, unknown, sizeof unknown) == 0) return PUT(at, "-");
  if (memcmp(peer->address, ipv4_prefix, sizeof ipv4_prefix) != 0)
    return inet_ntop(AF_INET6, peer->address, at, INET6_ADDRSTRLEN) ? at + strlen(at) : at;
  for (unsigned i = 12; i < 16; i++) {
    at = put_number(at, peer->address[i]);
    *at++ = '.';
  }
  return at - 1;
}

/* "u=3,i", as the client would write it, without the space; "" if nothing was said. */
static char *put_priority(char *at, const struct stream_facts *facts) {
  if (!facts->prioritized) return at;
  at = PUT(at, "u=");
  *at++ = (char)('0' + facts->urgency);
  return facts->incremental ? PUT(at, ",i") : at;
}

static bool has_group(const struct machine_peer *peer) {
  return peer->secure_group && *peer->secure_group;
}

/* Without an answer, the status that nginx made customary for clients that left before. */
static uint64_t status_of(const struct stream_facts *facts) {
  return facts->status ? facts->status : 499;
}

static uint64_t microseconds_of(const struct stream_facts *facts) {
  return (facts->ended_ns - facts->begun_ns) / 1000;
}

static void set_date(struct log_date *date, int64_t seconds) {
  time_t time = (time_t)seconds;
  struct tm parts;
  if (date->seconds == seconds && date->json[0]) return;
  date->seconds = seconds;
  gmtime_r(&time, &parts);
  strftime(date->combined, sizeof date->combined, "%d/%b/%Y:%H:%M:%S +0000", &parts);
  strftime(date->json, sizeof date->json, "%Y-%m-%dT%H:%M:%S", &parts);
}

/* ---- combined -------------------------------------------------------------------------------- */

static char *put_quoted(char *at, struct span text) {
  *at++ = '"';
  at = text.len ? log_text_combined(at, text) : PUT(at, "-");
  return PUT(at, "\" ");
}

/* Parsers of this format expect a protocol with a dot: HTTP/2.0. */
static char *put_request(char *at, const struct span texts[LOG_TEXTS], const char *protocol) {
  const struct span method = texts[LOG_METHOD];
  const struct span target = texts[texts[LOG_PATH].len ? LOG_PATH : LOG_AUTHORITY];
  if (method.len == 0 && target.len == 0) return PUT(at, "\"-\" ");
  *at++ = '"';
  at = log_text_combined(at, method);
  *at++ = ' ';
  at = log_text_combined(at, target);
  *at++ = ' ';
  at = put(at, protocol);
  return strchr(protocol, '.') ? PUT(at, "\" ") : PUT(at, ".0\" ");
}

static char *put_numbers(char *at, const uint64_t *numbers, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    at = put_number(at, numbers[i]);
    *at++ = ' ';
  }
  return at;
}

static char *write_combined(char *at, const struct log_line *line,
                            const struct span texts[LOG_TEXTS], const struct log_date *date) {
  const struct stream_facts *facts = line->facts;
  const char *tls = line->peer->secure_version;
  const uint64_t answer[] = {status_of(facts), facts->body_bytes_sent};
  const uint64_t more[] = {line->stream_id, microseconds_of(facts), facts->header_bytes_received,
                           facts->body_bytes_received, facts->header_bytes_sent};
  at = put_address(at, line->peer);
  at = put(PUT(at, " - - ["), date->combined);
  at = put_request(PUT(at, "] "), texts, facts->protocol);
  at = put_numbers(at, answer, 2);
  at = put_quoted(at, texts[LOG_REFERER]);
  at = put_quoted(at, texts[LOG_USER_AGENT]);
  at = put(at, facts->protocol);
  at = put_numbers(PUT(at, " "), more, 5);
  at = facts->prioritized ? put_priority(at, facts) : PUT(at, "-");
  at = put(PUT(at, " "), tls ? tls : "-");
  at = put_number(PUT(at, " "), facts->error_code);
  at = put(PUT(at, " "), has_group(line->peer) ? line->peer->secure_group : "-");
  return put_quoted(PUT(at, " "), texts[LOG_SUBJECT]) - 1; /* without the space at the end */
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* `,"name":`, and a quote if a text follows. */
struct key {
  char text[32];
  size_t len;
};

/* Copies more than its length, because a fixed length is faster. */
static char *put_key(char *at, const struct key *key) {
  return (char *)memcpy(at, key->text, sizeof key->text) + key->len;
}

#define KEY(name, quote)                                                                           \
  { ",\"" name "\":" quote, sizeof(",\"" name "\":" quote) - 1 }

static char *put_json_texts(char *at, const struct span texts[LOG_TEXTS]) {
  static const struct key keys[LOG_TEXTS] = {
      [LOG_METHOD] = KEY("method", "\""),          [LOG_SCHEME] = KEY("scheme", "\""),
      [LOG_AUTHORITY] = KEY("authority", "\""),    [LOG_PATH] = KEY("path", "\""),
      [LOG_REFERER] = KEY("referer", "\""),        [LOG_USER_AGENT] = KEY("user_agent", "\""),
      [LOG_SUBJECT] = KEY("client_subject", "\""),
  };
  for (unsigned i = 0; i < LOG_TEXTS; i++) {
    at = log_text_json(put_key(at, &keys[i]), texts[i]);
    *at++ = '"';
  }
  return at;
}

static char *put_json_numbers(char *at, const struct log_line *line) {
  const struct stream_facts *facts = line->facts;
  static const struct key keys[] = {
      KEY("port", ""),
      KEY("status", ""),
      KEY("stream", ""),
      KEY("error", ""),
      KEY("microseconds", ""),
      KEY("request_header_bytes", ""),
      KEY("request_body_bytes", ""),
      KEY("response_header_bytes", ""),
      KEY("response_body_bytes", ""),
  };
  const uint64_t numbers[] = {
      line->peer->port,           status_of(facts),         line->stream_id,
      facts->error_code,          microseconds_of(facts),   facts->header_bytes_received,
      facts->body_bytes_received, facts->header_bytes_sent, facts->body_bytes_sent,
  };
  _Static_assert(sizeof keys / sizeof *keys == sizeof numbers / sizeof *numbers, "each has one");
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    at = put_number(put_key(at, &keys[i]), numbers[i]);
  return at;
}

static char *write_json(char *at, const struct log_line *line, const struct span texts[LOG_TEXTS],
                        const struct log_date *date) {
  const char *tls = line->peer->secure_version;
  unsigned milliseconds = (unsigned)(line->wall_ns / 1000000 % 1000);
  at = put(PUT(at, "{\"time\":\""), date->json);
  *at++ = '.';
  *at++ = (char)('0' + milliseconds / 100);
  *at++ = (char)('0' + milliseconds / 10 % 10);
  *at++ = (char)('0' + milliseconds % 10);
  at = put_address(PUT(at, "Z\",\"address\":\""), line->peer);
  at = put_json_texts(PUT(at, "\""), texts);
  at = put(PUT(at, ",\"protocol\":\""), line->facts->protocol);
  at = put(PUT(at, "\",\"tls\":\""), tls ? tls : "");
  at = put(PUT(at, "\",\"tls_group\":\""), has_group(line->peer) ? line->peer->secure_group : "");
  at = put_priority(PUT(at, "\",\"priority\":\""), line->facts);
  at = put_json_numbers(PUT(at, "\""), line);
  return PUT(at, "}");
}

size_t log_line_write(enum log_format format, const struct log_line *line, struct log_date *date,
                      char *out) {
  struct span texts[LOG_TEXTS];
  unpack(line->request, texts);
  set_date(date, line->wall_ns / 1000000000);
  char *end = format == LOG_JSON ? write_json(out, line, texts, date)
                                 : write_combined(out, line, texts, date);
  *end++ = '\n';
  assert((size_t)(end - out) <= log_line_bytes_max(line->request->text_bytes));
  return (size_t)(end - out);
}
