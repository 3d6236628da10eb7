/*
 * ws/test_suite.c - plays the rows of ws/suite.h: in both roles, whole, octet by octet, in two pieces at every
 * place, each piece against a page that may not be read, with messages handed over whole and in fragments;
 * and families of rows that a table would be too long for.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/engine/ws/play.h"
#include "tests/engine/ws/suite.h"
#include "tests/support/cmocka.h"

enum { ROW_BYTES = 1 << 19 };

static struct play play;
static uint8_t octets[ROW_BYTES];

/* Sends octets[0 .. len), cut behind every `piece` octets, or only at `cut`. */
static void send(size_t len, size_t piece, size_t cut) {
  for (size_t at = 0; at < len;) {
    size_t next = at < cut && cut < len ? cut : len;
    if (next - at > piece) next = at + piece;
    play_bytes(&play, span_of(octets + at, next - at));
    at = next;
  }
}

static const char *ending(void) {
  play_pull(&play, 4096);
  play_eof(&play);
  play_pull(&play, 4096);
  fake_closed(&play.fake, 0);
  return play_log(&play);
}

static void begin(const struct suite *suite, bool client) {
  play_settings(&play);
  play.settings.deflate = suite->deflate != NULL;
  play.settings.deflate_takeover = suite->deflate && !*suite->deflate;
  play_begin(&play, client, suite->deflate ? suite->deflate : "");
  (void)play_log(&play);
}

static void check(const struct suite *suite, const struct suite_row *row, bool client, size_t piece,
                  size_t cut, size_t len) {
  char expected[PLAY_LOG_BYTES];
  begin(suite, client);
  send(len, piece, cut);
  snprintf(expected, sizeof expected, "%s%sEND closed %s", row->log, *row->log ? " " : "",
           row->closed ? row->closed : "1006");
  const char *log = ending();
  if (strcmp(log, expected) != 0)
    fail_msg("%s, %s, as %s, pieces of %zu, cut at %zu:\nexpected %s\nnot      %s", suite->name,
             row->name, client ? "client" : "server", piece, cut, expected, log);
  play_end(&play);
}

static void play_row(const struct suite *suite, const struct suite_row *row) {
  for (int client = 0; client < 2; client++) {
    play.client = client;
    size_t len = play_frames(&play, row->frames, octets);
    check(suite, row, client, len + 1, 0, len);
    check(suite, row, client, 1, 0, len);
    size_t step = len > 600 ? len / 100 : 1; /* of long rows every hundredth place */
    for (size_t cut = 1; cut < len; cut += step)
      check(suite, row, client, len, cut, len);
  }
}

static void play_suite(const struct suite *suite) {
  for (size_t i = 0; i < suite->count; i++)
    play_row(suite, &suite->rows[i]);
}

static void frames(void **state) {
  (void)state;
  play_suite(&suite_frames);
}

static void fragments(void **state) {
  (void)state;
  play_suite(&suite_fragments);
}

static void utf8(void **state) {
  (void)state;
  play_suite(&suite_utf8);
}

static void closes(void **state) {
  (void)state;
  play_suite(&suite_close);
}

static void deflated(void **state) {
  (void)state;
  play_suite(&suite_deflate);
}

static void takeover(void **state) {
  (void)state;
  play_suite(&suite_takeover);
}

/* ---- families -------------------------------------------------------------------------------- */

static const struct suite plain = {.name = "family"};

/* Each text of the UTF-8 rows that is one frame, as two frames cut at every octet. */
static void utf8_in_fragments(void **state) {
  (void)state;
  unsigned played = 0;
  for (size_t i = 0; i < suite_utf8.count; i++) {
    struct suite_row row = suite_utf8.rows[i];
    size_t hex = strlen(row.frames);
    if (strncmp(row.frames, "T:=", 3) != 0 || strchr(row.frames, ' ')) continue;
    for (size_t cut = 3; cut <= hex; cut += 2) {
      char two[1024];
      snprintf(two, sizeof two, "t:=%.*s C:=%s", (int)(cut - 3), row.frames + 3, row.frames + cut);
      row.frames = two;
      play.client = played % 2;
      size_t len = play_frames(&play, two, octets);
      check(&plain, &row, played % 2, len, 0, len);
      check(&plain, &row, played % 2, 1, 0, len);
      played++;
      row.frames = suite_utf8.rows[i].frames;
    }
  }
  assert_in_range(played, 300, 2000);
}

/* Text and octets of many lengths, in one frame and in fragments of several sizes, which come in pieces of
 * several sizes. */
static void lengths(void **state) {
  (void)state;
  static const size_t sizes[] = {0,    1,    125,  126,   127,   4095,  4096,
                                 4097, 8192, 8193, 65535, 65536, 65537, 262144};
  static const size_t parts[] = {SIZE_MAX, 64, 1000, 4096, 65536};
  static const size_t pieces[] = {SIZE_MAX, 997, 16384};
  for (unsigned row = 0; row < 14 * 5 * 3 * 4; row++) {
    size_t size = sizes[row % 14], part = parts[row / 14 % 5], piece = pieces[row / 70 % 3];
    bool client = row / 210 % 2, text = row / 420;
    char frame[64];
    begin(&plain, client);
    for (size_t at = 0; at < size || at == 0;) {
      size_t take = size - at < part ? size - at : part;
      char letter = at ? 'c' : text ? 't' : 'b';
      if (at + take == size) letter = (char)toupper(letter);
      snprintf(frame, sizeof frame, "%c:*%zu", letter, take);
      send(play_frames(&play, frame, octets), piece, 0);
      at += take;
      if (take == 0) break;
    }
    play_pull(&play, 4096);
    assert_int_equal(play.counters.messages_received, 1);
    if (play.log[0] != (text ? 'T' : 'B'))
      fail_msg("%zu in parts of %zu: %s", size, part, play.log);
    (void)ending();
    play_end(&play);
  }
}

/* What an end sends is what another end receives: every length around the steps of the header, in every size
 * of frame, in both directions, compressed and not. */
static void sent_and_received(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 63, 64, 125, 126, 127, 1000, 65535, 65536, 200000};
  static const size_t most[] = {0, 1, 100, 65535};
  static uint8_t message[200000];
  for (unsigned row = 0; row < 11 * 4 * 2 * 3; row++) {
    size_t size = sizes[row % 11], frame = most[row / 11 % 4];
    bool client = row / 44 % 2;
    unsigned deflate = row / 88;
    if (frame == 1 && size > 1000) continue;
    for (size_t i = 0; i < size; i++)
      message[i] = (uint8_t)('a' + i % 26);
    static struct play other;
    struct play *ends[] = {&play, &other};
    for (int i = 0; i < 2; i++) {
      play_settings(ends[i]);
      ends[i]->settings.frame_bytes_max = frame;
      ends[i]->settings.deflate = deflate > 0;
      ends[i]->settings.deflate_takeover = deflate == 2;
      play_begin(ends[i], client ^ (i == 1),
                 deflate == 1 ? "server_no_context_takeover; client_no_context_takeover" : "");
    }
    (void)play_log(&other);
    for (int i = 0; i < 2; i++) {
      assert_true(ws_send(play.ws, WS_TEXT, span_of(message, size)));
      size_t from = play.fake.len;
      while (fake_pull(&play.fake, 5000) == BODY_MORE) {
      }
      if (deflate && size >= 1000) assert_true(play.fake.len - from < size);
      play_bytes(&other, span_of(play.fake.bytes + from, play.fake.len - from));
    }
    char expected[64];
    if (size <= 40)
      snprintf(expected, sizeof expected, "T:%.*s T:%.*s", (int)size, message, (int)size, message);
    else
      snprintf(expected, sizeof expected, "T:*%zu T:*%zu", size, size);
    assert_string_equal(other.log, expected);
    play_end(&other);
    play_end(&play);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames),
      cmocka_unit_test(fragments),
      cmocka_unit_test(utf8),
      cmocka_unit_test(closes),
      cmocka_unit_test(deflated),
      cmocka_unit_test(takeover),
      cmocka_unit_test(lengths),
      cmocka_unit_test(utf8_in_fragments),
      cmocka_unit_test(sent_and_received),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
