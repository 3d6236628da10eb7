/*
 * site/test_reading.c - the site while a response is under way: streams that end early, files that
 * change or wait, buffers that run out, and what a page announces before its body.
 */
#include "engine/site/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/jpeg.h"
#include "tests/support/made.h"

#include <stdio.h>
#include <string.h>

enum { SCAN_COLOUR = 249, SCAN_RESTARTS = 256 }; /* see tests/engine/http/test_first_scan.c */

/* ---- streams that end early ------------------------------------------------------------------ */

static void closed_while_a_lookup_is_pending(void **state) {
  (void)state;
  made.lookups_wait = true;
  for (int delivered = 0; delivered < 3; delivered++) {
    struct fake_stream fake = {0};
    made.now_ns += 2 * SITE_SIBLINGS_NS;
    made_ask(&fake,
             &(struct made_question){"GET", "/app.js", {{TOKEN_ACCEPT_ENCODING, "gzip, br"}}});
    for (int i = 0; i < delivered; i++)
      made_lookup_done();
    assert_int_equal(fake.status, 0);
    assert_int_equal(made.waiting_count, 1);
    fake_free(&fake); /* the teardown finds what was not given back */
    assert_int_equal(made.waiting_count, 0);
  }
}

static void closed_while_a_read_is_pending(void **state) {
  (void)state;
  for (int order = 0; order < 2; order++) {
    struct fake_stream fake = {0};
    made.reads_wait = true;
    made_get(&fake, "/large.bin");
    assert_int_equal(fake_pull(&fake, 5), BODY_WAIT);
    assert_int_equal(fake_pull(&fake, 5), BODY_WAIT); /* pulled early: still waiting */
    if (order == 0) fake_close_body(&fake);
    fake_closed(&fake, 8);
    if (order == 1 && made.read_count > 0) made_read_done(); /* there is no stream to resume */
    assert_int_equal(fake.resumed, 0);
    fake_free(&fake);
    assert_int_equal(made.read_count, 0);
  }
}

static void the_response_is_refused(void **state) {
  (void)state;
  static const char *const paths[] = {"/digits.txt", "/large.bin", "/nothing", "/sub",
                                      "/empty.txt"};
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
    for (int wait = 0; wait < 2; wait++) {
      struct fake_stream fake = {.refuse = true};
      made.lookups_wait = wait;
      made_get(&fake, paths[i]);
      while (made.waiting_count > 0)
        made_lookup_done();
      assert_true(fake.closed);
      fake_free(&fake);
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

static void a_file_truncated_while_it_is_sent(void **state) {
  (void)state;
  for (int wait = 0; wait < 2; wait++) {
    struct fake_stream fake = {0};
    made.truncated = false;
    made.reads_wait = wait;
    made_get(&fake, "/large.bin");
    if (fake_pull(&fake, 100) == BODY_WAIT) {
      made_read_done();
      assert_int_equal(fake.resumed, 1);
      assert_int_equal(fake_pull(&fake, 100), BODY_MORE);
    }
    assert_int_equal(fake.len, 7);
    made.truncated = true;
    if (fake_pull(&fake, 100) == BODY_WAIT) made_read_done();
    assert_int_equal(fake_pull(&fake, 100), BODY_ERROR);
    fake_free(&fake);
  }
}

/* Four buffers, ten readers: all get their bytes. */
static void readers_share_the_buffers(void **state) {
  (void)state;
  enum { READERS = 10 };
  struct fake_stream fakes[READERS] = {0};
  made.reads_wait = true;
  for (int i = 0; i < READERS; i++)
    made_get(&fakes[i], "/large.bin");
  for (int i = 0; i < READERS; i++)
    assert_int_equal(fake_pull(&fakes[i], 100), BODY_WAIT);
  assert_int_equal(made.read_count, 4);
  fake_free(&fakes[9]); /* one that waits for a buffer goes away */
  fake_free(&fakes[0]); /* and one that has one */
  unsigned left = READERS - 2;
  for (int turn = 0; turn < 1000 && left > 0; turn++) {
    if (made.read_count > 0) made_read_done();
    for (int i = 1; i < READERS - 1; i++) {
      if (fakes[i].resumed == 0 || fakes[i].closed) continue;
      fakes[i].resumed = 0;
      fake_pull_all(&fakes[i], 100); /* only ever pulled after a resume */
      if (fakes[i].closed) left--;
    }
  }
  assert_int_equal(left, 0);
  for (int i = 1; i < READERS - 1; i++) {
    made_assert_body(&fakes[i], "abcdefghijklmnopqrstuvwxyz");
    fake_free(&fakes[i]);
  }
}

/* A client that takes a byte now and then, or none, does not keep a buffer from others, and still
 * gets its file. */
static void a_buffer_is_not_held_for_ever(void **state) {
  (void)state;
  struct fake_stream slow[3] = {0}, other = {0};
  made.buffers_max = 2;
  for (int i = 0; i < 3; i++) {
    made_get(&slow[i], "/large.bin");
    assert_int_equal(fake_pull(&slow[i], 0), BODY_MORE);
    assert_int_equal(made.buffers_out, i < 2 ? i : 2); /* asking for no bytes takes none */
    assert_int_equal(fake_pull(&slow[i], 1), BODY_MORE);
  }
  made_get(&other, "/large.bin");
  fake_pull_all(&other, 100);
  made_assert_body(&other, "abcdefghijklmnopqrstuvwxyz");
  for (int i = 0; i < 3; i++) {
    assert_int_equal(fake_pull(&slow[i], 3), BODY_MORE);
    fake_pull_all(&slow[i], 4);
    made_assert_body(&slow[i], "abcdefghijklmnopqrstuvwxyz");
    fake_free(&slow[i]);
  }
  fake_free(&other);
}

/* No buffer, although no other response has one: tried again each second. */
static void a_read_waits_for_its_turn(void **state) {
  (void)state;
  struct fake_stream fake = {0}, gone = {0};
  made.buffers_max = 0;
  made_get(&fake, "/large.bin");
  made_get(&gone, "/large.bin");
  assert_int_equal(fake_pull(&fake, 100), BODY_WAIT);
  assert_int_equal(fake_pull(&gone, 100), BODY_WAIT);
  for (int second = 1; second <= (int)SITE_STARVED_SECONDS; second++) {
    site_trim(made.site);
    assert_int_equal(fake.resumed, second);
    assert_int_equal(fake_pull(&fake, 100), BODY_WAIT);
    if (second == 1) fake_free(&gone);
  }
  made.buffers_max = 1;
  site_trim(made.site);
  assert_int_equal(fake_pull(&fake, 100), BODY_ERROR); /* too late */
  fake_free(&fake);

  made_get(&fake, "/large.bin");
  made.buffers_max = 0;
  for (int piece = 0; piece < 3; piece++) { /* each read may wait as long */
    for (unsigned second = 0; second < SITE_STARVED_SECONDS; second++) {
      assert_int_equal(fake_pull(&fake, 7), BODY_WAIT);
      site_trim(made.site);
    }
    made.buffers_max = 1;
    assert_int_equal(fake_pull(&fake, 7), BODY_MORE);
    made.buffers_max = 0;
  }
  made.buffers_max = 1;
  fake_pull_all(&fake, 100);
  made_assert_body(&fake, "abcdefghijklmnopqrstuvwxyz");
  fake_free(&fake);
}

/* The source could not go on with a read that it had begun. */
static void a_read_that_is_put_off(void **state) {
  (void)state;
  struct fake_stream fake = {0};
  made.reads_wait = made.no_turn = true;
  made_get(&fake, "/large.bin");
  assert_int_equal(fake_pull(&fake, 100), BODY_WAIT);
  made_read_done();
  assert_int_equal(made.buffers_out, 0);
  assert_int_equal(fake_pull(&fake, 100), BODY_WAIT); /* pulled early */
  assert_int_equal(made.read_count, 0);
  made.reads_wait = made.no_turn = false;
  site_trim(made.site);
  assert_int_equal(fake.resumed, 1);
  fake_pull_all(&fake, 100);
  made_assert_body(&fake, "abcdefghijklmnopqrstuvwxyz");
  fake_free(&fake);
}

/* ---- what a page announces ------------------------------------------------------------------- */

#define LINKS                                                                                      \
  "103\nlink: </style.css>; rel=preload\nlink: </app.js>; rel=preload\nlink: <//cdn/x>; "          \
  "rel=preload\n"

/* Of a file in memory it is known before the response. A response that does not begin with the
 * image's first byte, or has no body, has no head start. */
static void the_first_scan_is_told(void **state) {
  (void)state;
  static const struct {
    const char *method, *path, *range;
    uint64_t head_start;
  } cases[] = {{"GET", "/p.jpg", NULL, SCAN_COLOUR}, {"GET", "/p.jpg", "bytes=0-99", SCAN_COLOUR},
               {"GET", "/p.jpg", "bytes=1-", 0},     {"HEAD", "/p.jpg", NULL, 0},
               {"GET", "/digits.txt", NULL, 0},      {"GET", "/nothing.jpg", NULL, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct fake_stream fake = {0};
    struct header range = header_of(TOKEN_RANGE, span_text(cases[i].range ? cases[i].range : ""));
    fake_request(&fake, site_handler(made.site), cases[i].method, cases[i].path, &range,
                 cases[i].range != NULL, made.now_ns);
    assert_int_equal(fake.head_start, cases[i].head_start);
    fake_pull_all(&fake, 1000);
    assert_int_equal(fake.head_start, cases[i].head_start);
    fake_free(&fake);
  }
}

/* Of a file that is read in pieces, while it is read; later requests know it at once. */
static void the_first_scan_is_found_while_reading(void **state) {
  (void)state;
  struct fake_stream fake = {0}, other = {0};
  made_get(&other, "/big.jpg");
  fake_pull(&other, 7);
  assert_int_equal(other.head_start, 7 + SITE_SCAN_STEP_BYTES);
  made_get(&fake, "/big.jpg");
  assert_int_equal(fake.head_start, 0);
  for (size_t seen = 7; seen < SCAN_RESTARTS; seen += 7) {
    fake_pull(&fake, 100);
    assert_int_equal(fake.head_start, seen + SITE_SCAN_STEP_BYTES);
  }
  fake_pull(&fake, 100);
  assert_int_equal(fake.head_start, SCAN_RESTARTS);
  fake_pull(&other, 7);
  assert_int_equal(other.head_start, SCAN_RESTARTS);
  fake_pull_all(&fake, 100);
  assert_int_equal(fake.head_start, SCAN_RESTARTS);
  assert_int_equal(fake.len, sizeof jpeg_restarts);
  fake_free(&other);
  fake_free(&fake);
  made_get(&fake, "/big.jpg");
  assert_int_equal(fake.head_start, SCAN_RESTARTS);
  fake_free(&fake);
}

/* Bytes that are read again, because their buffer was taken back, count once. A part of the file
 * says nothing about it, and other kinds of file are known after the first byte. */
static void the_first_scan_of_pieces_read_again(void **state) {
  (void)state;
  struct fake_stream one = {0}, two = {0};
  struct header range = header_of(TOKEN_RANGE, span_text("bytes=0-99"));
  fake_request(&one, site_handler(made.site), "GET", "/big.jpg", &range, 1, made.now_ns);
  fake_pull_all(&one, 30);
  assert_int_equal(one.head_start, 100 + SITE_SCAN_STEP_BYTES);
  fake_free(&one);
  made.buffers_max = 1;
  made_get(&one, "/big.jpg");
  made_get(&two, "/big.jpg");
  while (one.last != BODY_END || two.last != BODY_END) { /* each takes the other's buffer */
    if (one.last != BODY_END) fake_pull(&one, 3);
    if (two.last != BODY_END) fake_pull(&two, 2);
  }
  assert_int_equal(one.head_start, SCAN_RESTARTS);
  assert_int_equal(two.head_start, SCAN_RESTARTS);
  assert_memory_equal(one.bytes, jpeg_restarts, sizeof jpeg_restarts);
  assert_memory_equal(two.bytes, jpeg_restarts, sizeof jpeg_restarts);
  fake_free(&one);
  fake_free(&two);
  made_get(&one, "/large.bin");
  fake_pull(&one, 3);
  assert_int_equal(one.head_start, 0);
  fake_free(&one);
}

static void early_hints(void **state) {
  (void)state;
  made_reopen((struct site_settings){.hints = &made_hints});
  for (int wait = 0; wait < 2; wait++) {
    struct fake_stream fake = {0};
    made.lookups_wait = wait;
    made_get(&fake, "/");
    while (made.waiting_count > 0)
      made_lookup_done();
    assert_int_equal(fake.status, 200);
    assert_string_equal(fake.informed, LINKS);
    made_assert_field(&fake, "link", "</style.css>; rel=preload"); /* the first of them */
    fake_free(&fake);
  }
  static const struct made_question silent[] = {
      {"HEAD", "/", {{0}}},
      {"GET", "/sub/", {{0}}},
      {"GET", "/", {{TOKEN_IF_NONE_MATCH, "*"}}},
      {"GET", "/nothing", {{0}}},
  };
  made.lookups_wait = false;
  for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++) {
    struct fake_stream fake = {0};
    made_ask(&fake, &silent[i]);
    assert_string_equal(fake.informed, "");
    fake_free(&fake);
  }
}

static void pushes(void **state) {
  (void)state;
  made_reopen((struct site_settings){.hints = &made_hints, .push = true});
  struct fake_stream fake = {.accept_push = true};
  made.lookups_wait = true;
  made_ask(&fake, &(struct made_question){"GET", "/", {{TOKEN_ACCEPT_ENCODING, "br"}}});
  while (made.waiting_count > 0)
    made_lookup_done();
  assert_string_equal(fake.pushed, ":method: GET\n:scheme: https\n:authority: example.org\n"
                                   ":path: /style.css\naccept-encoding: br\n"
                                   ":method: GET\n:scheme: https\n:authority: example.org\n"
                                   ":path: /app.js\naccept-encoding: br\n");
  /* Resources that cannot be pushed are still announced. */
  assert_string_equal(fake.informed, "103\nlink: <//cdn/x>; rel=preload\n");
  fake_free(&fake);
  made.lookups_wait = false;
  made_ask(&fake, &(struct made_question){"GET", "/", {{TOKEN_IF_NONE_MATCH, "\"old\""}}});
  assert_int_equal(fake.status, 200);
  assert_string_equal(fake.pushed, ""); /* been here before */
  assert_string_equal(fake.informed, LINKS);
  fake_free(&fake);
}

static void every_page_is_found(void **state) {
  (void)state;
  assert_ptr_equal(site_hints_find(&made_hints, span_text("index.html")), &made_pages[0]);
  assert_ptr_equal(site_hints_find(&made_hints, span_text("style.css")), &made_pages[1]);
  assert_null(site_hints_find(&made_hints, span_text("")));
  assert_null(site_hints_find(&made_hints, span_text("index.htm")));
  assert_null(site_hints_find(&made_hints, span_text("index.html2")));
  assert_null(site_hints_find(&made_hints, span_text("zzz")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      MADE_TEST(closed_while_a_lookup_is_pending),
      MADE_TEST(closed_while_a_read_is_pending),
      MADE_TEST(the_response_is_refused),
      MADE_TEST(a_file_truncated_while_it_is_sent),
      MADE_TEST(readers_share_the_buffers),
      MADE_TEST(a_buffer_is_not_held_for_ever),
      MADE_TEST(a_read_waits_for_its_turn),
      MADE_TEST(a_read_that_is_put_off),
      MADE_TEST(the_first_scan_is_told),
      MADE_TEST(the_first_scan_is_found_while_reading),
      MADE_TEST(the_first_scan_of_pieces_read_again),
      MADE_TEST(early_hints),
      MADE_TEST(pushes),
      MADE_TEST(every_page_is_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
