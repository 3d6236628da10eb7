/*
 * h1/test_diff_http_parser.c - weir and libhttp-parser, which Node once used and many proxies still do, get
 * the same random messages, nearly all of whose parts are valid or nearly so. Where both read a message,
 * they must have read the same: method, target, version, status, fields, body, trailers, where it ends and
 * whether the connection persists. Where one refuses what the other reads, a table says why: by our reason
 * if it is ours that refuses, else by the other's error.
 *
 * A failure prints the seed; WEIR_SEED=n runs that one message and shows it.
 */
#include "tests/support/cmocka.h"

#include <http_parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/http/field_list.h"
#include "tests/engine/h1/diff_source.h"
#include "tests/engine/h1/message.h"

enum { MESSAGES = 400000, DIFFERENT_MAX = 10, FIELDS = 64 };

/* ---- the other ------------------------------------------------------------------------------- */

struct other_field {
  struct span name, value;
  bool has_value;
};

static struct {
  http_parser parser;
  struct span target;
  struct other_field fields[FIELDS];
  size_t count, trailers_at; /* fields, and the first that is a trailer */
  bool complete, keep;
  char body[DIFF_BYTES];
  size_t body_len;
  size_t used;
} other;

/* The same run of bytes may come in several calls. */
static void extend(struct span *text, const char *at, size_t len) {
  if (!text->base) *text = span_of(at, 0);
  text->len = (size_t)((const uint8_t *)at + len - text->base);
}

static int on_url(http_parser *parser, const char *at, size_t len) {
  (void)parser;
  extend(&other.target, at, len);
  return 0;
}

static int on_field(http_parser *parser, const char *at, size_t len) {
  (void)parser;
  if (other.count == 0 || other.fields[other.count - 1].has_value) {
    assert_true(other.count < FIELDS);
    other.fields[other.count++] = (struct other_field){0};
  }
  extend(&other.fields[other.count - 1].name, at, len);
  return 0;
}

static int on_value(http_parser *parser, const char *at, size_t len) {
  (void)parser;
  extend(&other.fields[other.count - 1].value, at, len);
  other.fields[other.count - 1].has_value = true;
  return 0;
}

/* Of a response without a body, whatever its fields say, only its user knows that (RFC 9112 section 6.3). */
static int on_head(http_parser *parser) {
  const unsigned status = parser->type == HTTP_RESPONSE ? parser->status_code : 200;
  other.trailers_at = other.count;
  return status / 100 == 1 || status == 204 || status == 304;
}

static int on_body(http_parser *parser, const char *at, size_t len) {
  (void)parser;
  memcpy(other.body + other.body_len, at, len);
  other.body_len += len;
  return 0;
}

static int on_complete(http_parser *parser) {
  other.complete = true;
  other.keep = http_should_keep_alive(parser) != 0;
  http_parser_pause(parser, 1); /* the next message does not matter */
  return 0;
}

static void read_other(const struct diff_message *message) {
  static const http_parser_settings settings = {.on_url = on_url,
                                                .on_header_field = on_field,
                                                .on_header_value = on_value,
                                                .on_headers_complete = on_head,
                                                .on_body = on_body,
                                                .on_message_complete = on_complete};
  memset(&other, 0, sizeof other);
  http_parser_init(&other.parser, message->kind == H1_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE);
  other.used =
      http_parser_execute(&other.parser, &settings, (const char *)message->bytes, message->len);
  if (!other.complete && other.parser.http_errno == HPE_OK)
    (void)http_parser_execute(&other.parser, &settings, NULL, 0);
}

static bool other_refuses(void) {
  const enum http_errno error = HTTP_PARSER_ERRNO(&other.parser);
  return !other.complete && error != HPE_OK && error != HPE_INVALID_EOF_STATE;
}

/* ---- both as text ---------------------------------------------------------------------------- */

static struct message ours;
static size_t ours_used;

static void put(char *out, struct span text, const char *after) {
  const size_t len = strlen(out);
  assert_true(len + 4 * text.len + strlen(after) < MESSAGE_TEXT);
  char *at = out + len;
  for (size_t i = 0; i < text.len; i++)
    at += sprintf(at, text.base[i] > ' ' && text.base[i] < 0x7f ? "%c" : "\\%02x", text.base[i]);
  strcpy(at, after);
}

static void put_number(char *out, unsigned long number) {
  sprintf(out + strlen(out), "%lu ", number);
}

static void put_field(char *out, struct span name, struct span value) {
  for (size_t i = 0; i < name.len; i++) {
    const uint8_t lower = text_lower(name.base[i]);
    put(out, span_of(&lower, 1), "");
  }
  put(out, span_text("="), "");
  put(out, field_trim(value), "|");
}

static void ours_text(char *out) {
  *out = '\0';
  if (ours.kind == H1_REQUEST) {
    put(out, ours.head.method, " ");
    put(out, ours.head.target, " ");
  } else {
    put_number(out, ours.head.status);
  }
  put_number(out, ours.head.minor);
  put(out, span_text(ours.framing.keep ? "keep" : "close"), "|");
  for (uint32_t i = 0; i < ours.fields.count; i++)
    put_field(out, ours.at[i].name, ours.at[i].value);
  put(out, span_of(ours.body, ours.body_len), "|");
  for (uint32_t i = 0; i < ours.trailers.count; i++)
    put_field(out, ours.trailers_at[i].name, ours.trailers_at[i].value);
  put_number(out, ours_used);
}

static void other_text(char *out) {
  *out = '\0';
  if (ours.kind == H1_REQUEST) {
    put(out, span_text(http_method_str(other.parser.method)), " ");
    put(out, other.target, " ");
  } else {
    put_number(out, other.parser.status_code);
  }
  put_number(out, other.parser.http_minor);
  put(out, span_text(other.keep ? "keep" : "close"), "|");
  for (size_t i = 0; i < other.count; i++) {
    if (i == other.trailers_at) put(out, span_of(other.body, other.body_len), "|");
    put_field(out, other.fields[i].name, other.fields[i].value);
  }
  if (other.trailers_at == other.count) put(out, span_of(other.body, other.body_len), "|");
  put_number(out, other.used);
}

/* ---- differences that are explained ---------------------------------------------------------- */

struct difference {
  const char *key; /* our reason, or the other's error */
  const char *why;
};

/* We refuse a message that the other reads, or waits to read. Each reason is one of the RFC's
 * MUSTs, or a case in which it lets a recipient choose, and parsers have chosen differently. */
static const struct difference we_refuse[] = {
    {"LF without CR", "it ends lines at LF (RFC 9112 section 2.2: MAY)"},
    {"CR without LF", "it ignores the byte after CR in chunks, and a CR alone before the body"},
    {"control character in a line",
     "it reads all but NUL, CR and LF (RFC 9110 section 5.5: SHOULD)"},
    {"space before a field",
     "it unfolds lines, and removes space before the first (RFC 9112 section 5.2)"},
    {"bad field name, or no colon",
     "it reads spaces in names and before colons (RFC 9112 section 5.1: MUST)"},
    {"empty line before the message", "it skips any number, before responses, too"},
    {"bad version", "it does not look at each byte of HTTP/"},
    {"no version, or a bad one", "the same, at a control character"},
    {"version is not 1.0 or 1.1", "it reads any digits"},
    {"short status line", "it reads a status of less than three digits"},
    {"bad status", "it reads spaces before the status, and one of less than three digits"},
    {"no target", "it skips spaces before the target of CONNECT"},
    {"bad byte in the target", "it reads fragments, and bytes above 0x7f"},
    {"target has no known form", "it reads any scheme"},
    {"target of CONNECT is not host:port", "it leaves that to its user"},
    {"* is for OPTIONS", "it leaves that to its user"},
    {"bad authority in the target", "it leaves that to its user"},
    {"no host", "it does not look at Host"},
    {"bad host", "it does not look at Host"},
    {"host is given twice", "it does not look at Host"},
    {"host differs from the target", "it does not look at Host"},
    {"CONNECT with a body", "it ignores such fields (RFC 9110 section 9.3.6)"},
    {"unknown expectation", "it leaves that to its user"},
    {"content-length is not a number", "it reads numbers up to 2^64 - 1"},
    {"transfer-encoding is given twice", "it counts the last coding"},
    {"transfer-encoding is not chunked",
     "it reads other codings before chunked, and responses to their end"},
    {"transfer-encoding in HTTP/1.0",
     "it does not look at the version (RFC 9112 section 6.1: SHOULD)"},
    {"content without a length in HTTP/1.0",
     "it takes there to be none (RFC 1945 section 8.3: a valid Content-Length is required)"},
    {"no chunk size", "it takes 0xff for the digit 0"},
    {"chunk size is too large", "it reads sizes up to 2^64 - 1"},
    {"bad byte after a chunk's size", "it reads spaces there"},
    {"bad chunk extension", "it reads anything up to CR"},
    {"chunk is longer than its size", "it ignores the two bytes after the data"},
    {"a field that is not allowed in trailers", "it leaves that to its user"},
};

/* The other refuses a message that we read, or wait to read. */
static const struct difference other_refuses_it[] = {
    {"HPE_INVALID_METHOD", "it has a list of methods; for us each token is one"},
    {"HPE_INVALID_TRANSFER_ENCODING",
     "it takes a longer name that begins with Transfer-Encoding for that"},
};

/* Both read it, but not the same. */
static const struct difference both_read_it[] = {
    {"a tab after chunked", "it does not trim tabs (RFC 9112 section 5.1)"},
    {"a tab after close", "it does not trim tabs"},
    {"close beside keep-alive in HTTP/1.0", "close has precedence (RFC 9112 section 9.3)"},
};

enum { ROWS_MAX = 64 };
static unsigned we_counts[ROWS_MAX], other_counts[ROWS_MAX], both_counts[ROWS_MAX];

static bool explained(const struct difference *rows, size_t count, unsigned *counts,
                      const char *key) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(rows[i].key, key) != 0) continue;
    counts[i]++;
    return true;
  }
  return false;
}

#define EXPLAINED(rows, counts, key) explained(rows, sizeof(rows) / sizeof *(rows), counts, key)

/* ---- one message ----------------------------------------------------------------------------- */

static char texts[2][MESSAGE_TEXT];

static bool has(const struct diff_message *message, const char *part) {
  return memmem(message->bytes, message->len, part, strlen(part)) != NULL;
}

/* The key of a difference in what was read. */
static const char *difference_read(const struct diff_message *message) {
  if (has(message, "chunked\t")) return "a tab after chunked";
  if (has(message, "close\t")) return "a tab after close";
  const bool close = ours.head.minor == 0 && !ours.framing.keep && other.keep;
  return close ? "close beside keep-alive in HTTP/1.0" : "both read it, but not the same";
}

/* NULL, or what is different. */
static const char *compare(const struct diff_message *message) {
  const bool refused = ours.step == MESSAGE_REFUSED;
  if (refused && other_refuses()) return NULL;
  if (refused)
    return EXPLAINED(we_refuse, we_counts, ours.verdict.reason) ? NULL : ours.verdict.reason;
  if (other_refuses()) {
    const char *name = http_errno_name(HTTP_PARSER_ERRNO(&other.parser));
    return EXPLAINED(other_refuses_it, other_counts, name) ? NULL : name;
  }
  if (ours.step != MESSAGE_DONE && !other.complete) return NULL;
  if ((ours.step == MESSAGE_DONE) != other.complete) return "one waits for more";
  ours_text(texts[0]);
  other_text(texts[1]);
  if (strcmp(texts[0], texts[1]) == 0) return NULL;
  const char *key = difference_read(message);
  return EXPLAINED(both_read_it, both_counts, key) ? NULL : key;
}

static bool run(uint64_t seed, bool loud) {
  struct random random = {.state = seed};
  static struct diff_message message;
  diff_source_make(&message, &random);
  message_begin(&ours, message.kind, (struct h1_asked){0});
  ours_used = message_give(&ours, span_of(message.bytes, message.len));
  if (ours_used == message.len) message_end(&ours);
  read_other(&message);
  const char *difference = compare(&message);
  if (!difference && !loud) return true;
  static char shown[MESSAGE_TEXT];
  *shown = '\0';
  put(shown, span_of(message.bytes, message.len), "");
  print_error("seed %llu: %s\n%s\n", (unsigned long long)seed, difference ? difference : "the same",
              shown);
  if (ours.step == MESSAGE_DONE && other.complete)
    print_error("weir  %s\nother %s\n", texts[0], texts[1]);
  return !difference;
}

static void check_used(const struct difference *rows, size_t count, const unsigned *counts) {
  for (size_t i = 0; i < count; i++)
    if (counts[i] == 0)
      fail_msg("no message shows this any more: %s (%s)", rows[i].key, rows[i].why);
}

static void test_messages(void **state) {
  (void)state;
  const char *one = getenv("WEIR_SEED");
  unsigned different = 0;
  if (one) {
    assert_true(run(strtoull(one, NULL, 10), true));
    return;
  }
  for (uint64_t seed = 1; seed <= MESSAGES && different < DIFFERENT_MAX; seed++)
    different += !run(seed, false);
  assert_int_equal(different, 0);
  check_used(we_refuse, sizeof we_refuse / sizeof *we_refuse, we_counts);
  check_used(both_read_it, sizeof both_read_it / sizeof *both_read_it, both_counts);
  check_used(other_refuses_it, sizeof other_refuses_it / sizeof *other_refuses_it, other_counts);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_messages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
