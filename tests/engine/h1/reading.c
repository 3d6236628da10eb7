/*
 * h1/reading.c - see h1/reading.h.
 */
#include "tests/engine/h1/reading.h"

#include "tests/support/cmocka.h"
#include "tests/support/guard.h"

#include <stdio.h>
#include <string.h>

void reading_begin(struct reading *reading, enum h1_head_kind kind) {
  headers_init(&reading->fields, reading->at, READING_FIELDS, reading->arena, READING_ARENA,
               READING_LIST);
  h1_head_begin(&reading->head, kind, &reading->fields);
}

/* ---- as text --------------------------------------------------------------------------------- */

static void put(char *out, struct span text, const char *after) {
  const size_t len = strlen(out);
  assert_true(len + text.len + strlen(after) < READING_TEXT);
  if (text.len) memcpy(out + len, text.base, text.len);
  strcpy(out + len + text.len, after);
}

static void describe(const struct reading *reading, struct span bytes, char *out) {
  const struct h1_head *head = &reading->head;
  char number[32];
  *out = '\0';
  if (head->kind == H1_REQUEST) {
    put(out, head->method, "|");
    put(out, head->target, "|");
  } else if (head->kind == H1_RESPONSE) {
    snprintf(number, sizeof number, "%u|", head->status);
    put(out, span_text(number), "");
  }
  snprintf(number, sizeof number, "1.%u|", head->minor);
  if (head->kind != H1_TRAILERS) put(out, span_text(number), "");
  for (uint32_t i = 0; i < reading->fields.count; i++) {
    const struct header *field = &reading->at[i];
    assert_int_equal(field->token, header_token_of(field->name));
    assert_int_equal(field->flags, 0);
    put(out, field->name, "=");
    put(out, field->value, "|");
  }
  put(out, span_of(bytes.base + head->bytes, bytes.len - head->bytes), "");
}

static void outcome(const struct reading *reading, struct h1_verdict verdict, struct span bytes,
                    char *out) {
  if (verdict.outcome == H1_COMPLETE) {
    describe(reading, bytes, out);
    return;
  }
  if (verdict.outcome == H1_REFUSED) assert_non_null(verdict.reason);
  snprintf(out, READING_TEXT, verdict.outcome == H1_REFUSED ? "%u" : "?", verdict.status);
}

void reading_text(struct reading *reading, enum h1_head_kind kind, struct span bytes, char *text) {
  reading_begin(reading, kind);
  outcome(reading, h1_head_read(&reading->head, bytes), bytes, text);
}

/* ---- in every way ---------------------------------------------------------------------------- */

/* Reads the first `from` bytes, then `step` more at a time. */
static void read_in_steps(struct reading *reading, enum h1_head_kind kind, struct span bytes,
                          size_t from, size_t step, struct guard *guard, char *text) {
  struct h1_verdict verdict;
  struct span piece;
  reading_begin(reading, kind);
  for (size_t len = from;; len = bytes.len - len < step ? bytes.len : len + step) {
    piece = span_of(bytes.base, len);
    if (guard) piece = guard_put(guard, piece);
    verdict = h1_head_read(&reading->head, piece);
    if (verdict.outcome != H1_INCOMPLETE || len == bytes.len) break;
  }
  outcome(reading, verdict, piece, text);
  /* The rest may have come in no piece. */
  if (verdict.outcome == H1_COMPLETE)
    put(text, span_of(bytes.base + piece.len, bytes.len - piece.len), "");
}

static void expect(const char *name, const char *how, size_t place, const char *text,
                   const char *expected) {
  if (strcmp(text, expected) != 0)
    fail_msg("%s, %s %zu: %s instead of %s", name, how, place, text, expected);
}

void reading_check(const char *name, enum h1_head_kind kind, struct span bytes,
                   const char *expected) {
  static struct reading reading;
  static char text[READING_TEXT];
  struct guard guard;
  guard_init(&guard, bytes.len + 1);
  reading_text(&reading, kind, guard_put(&guard, bytes), text);
  expect(name, "whole", 0, text, expected);
  read_in_steps(&reading, kind, bytes, 0, 1, NULL, text);
  expect(name, "byte by byte", 0, text, expected);
  read_in_steps(&reading, kind, bytes, 0, 1, &guard, text);
  expect(name, "byte by byte, moving", 0, text, expected);
  for (size_t cut = 1; cut < bytes.len; cut++) {
    read_in_steps(&reading, kind, bytes, cut, bytes.len, NULL, text);
    expect(name, "cut at", cut, text, expected);
    read_in_steps(&reading, kind, bytes, cut, bytes.len, &guard, text);
    expect(name, "cut and moved at", cut, text, expected);
  }
  guard_destroy(&guard);
}
