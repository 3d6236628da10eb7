/*
 * spec/test_diff_nghttp2.c - weir and libnghttp2 get the same random, mostly valid bytes, both as
 * servers and both as clients. After every frame, both must have delivered the same messages to
 * their applications and sent the same errors. Where they differ, the first difference must be one
 * of those in diff_allowed.c, with the section that justifies weir.
 *
 * A failure prints the seed; WEIR_SEED=n runs that one connection and shows it.
 */
#include "tests/spec/diff_allowed.h"
#include "tests/spec/diff_frames.h"
#include "tests/support/cmocka.h"
#include "tests/support/long.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  CONNECTIONS = 15000,
  CONNECTIONS_LONG = 60000,
  FRAMES_MAX = 24,
  ALLOWED_MAX = 64,
  DIFFERENT_MAX = 10
};

static struct diff_source source;
static bool loud;

static bool one_in(uint32_t n) {
  return random_one_in(&source.random, n);
}

/* ---- the applications ------------------------------------------------------------------------ */

/* Both answer a complete request, or reset a stream. */
static void act(void) {
  uint32_t id = diff_frames_live_id(&source);
  struct stream *stream = id < DIFF_IDS ? source.weir.streams[id] : NULL;
  if (!stream) return;
  if (source.role == H2_SERVER && source.weir.complete[id]) {
    diff_source_describe(&source, "application answers %u", id);
    assert_true(stream_respond(stream, 204, NULL, 0, BODY_NONE));
    diff_nghttp2_respond(&source.other, id, "204");
  } else {
    diff_source_describe(&source, "application resets %u", id);
    stream_reset(stream, H2_CANCEL);
    diff_nghttp2_reset(&source.other, id, H2_CANCEL);
  }
  diff_source_pump(&source);
}

/* Clients: both make the same request. */
static void ask(void) {
  bool head = one_in(8);
  struct header fields[] = {header_of(TOKEN_METHOD, span_text(head ? "HEAD" : "GET")),
                            header_of(TOKEN_SCHEME, span_text("https")),
                            header_of(TOKEN_AUTHORITY, span_text("a")),
                            header_of(TOKEN_PATH, span_text("/"))};
  if (source.requests * 2 + 1 >= DIFF_IDS) return;
  diff_source_describe(&source, "application asks%s", head ? " for the head" : "");
  assert_int_equal(diff_nghttp2_ask(&source.other, fields, 4),
                   diff_weir_ask(&source.weir, fields, 4));
  source.requests++;
  diff_source_pump(&source);
}

/* ---- one connection -------------------------------------------------------------------------- */

enum verdict { SAME, ALLOWED, DIFFERENT };

static unsigned allowed_counts[ALLOWED_MAX];

/* Compares the reactions to the last frame. */
static enum verdict compare(uint64_t seed, size_t weir_before, size_t other_before) {
  const char *weir = source.weir.log.text + weir_before;
  const char *other = source.other.log.text + other_before;
  if (loud) printf("%s\n  weir  %s  other %s", source.what, weir, other);
  if (strcmp(weir, other) == 0) return SAME;
  const struct diff_allowed *row = diff_allowed_find(source.what, weir, other);
  if (row) {
    allowed_counts[row - diff_allowed]++;
    return ALLOWED;
  }
  print_error("seed %llu, %s\nweir:\n%s\nnghttp2:\n%s\n", (unsigned long long)seed, source.what,
              weir, other);
  return DIFFERENT;
}

static void step(void) {
  bool client = source.role == H2_CLIENT;
  source.what[0] = '\0';
  if (one_in(40))
    diff_frames_nonsense(&source);
  else if (one_in(12))
    act();
  else if (client && (!diff_frames_any_open(&source) || one_in(5)))
    ask();
  else if (client && one_in(12))
    diff_frames_promise(&source);
  else if (one_in(3))
    diff_frames_message(&source);
  else if (one_in(8))
    diff_frames_trailers(&source);
  else
    diff_frames_control(&source);
}

static enum verdict run(uint64_t seed, enum h2_role role) {
  enum verdict verdict = SAME;
  diff_source_begin(&source, role, seed);
  for (unsigned i = 0; i < FRAMES_MAX && verdict == SAME; i++) {
    size_t weir = source.weir.log.len, other = source.other.log.len;
    step();
    verdict = compare(seed, weir, other);
    if (source.weir.log.goaway) break;
  }
  diff_source_end(&source);
  return verdict;
}

static void run_all(enum h2_role role) {
  unsigned counts[3] = {0};
  const char *one = getenv("WEIR_SEED");
  diff_weir_open(&source.weir, role);
  if (one) {
    loud = true;
    assert_int_not_equal(run(strtoull(one, NULL, 10), role), DIFFERENT);
    diff_weir_close(&source.weir);
    return;
  }
  assert_true(diff_allowed_count <= ALLOWED_MAX);
  memset(allowed_counts, 0, sizeof allowed_counts);
  const unsigned connections = test_is_long() ? CONNECTIONS_LONG : CONNECTIONS;
  for (uint64_t seed = 1; seed <= connections && counts[DIFFERENT] < DIFFERENT_MAX; seed++)
    counts[run(seed, role)]++;
  diff_weir_close(&source.weir);
  for (size_t i = 0; i < diff_allowed_count; i++)
    if (allowed_counts[i]) print_message("%6u %s\n", allowed_counts[i], diff_allowed[i].why);
  print_message("%u alike to the end, %u differ as allowed\n", counts[SAME], counts[ALLOWED]);
  assert_int_equal(counts[DIFFERENT], 0);
  assert_true(counts[SAME] > connections / 2); /* or else this test compares nothing */
}

static void test_servers(void **state) {
  (void)state;
  run_all(H2_SERVER);
}

static void test_clients(void **state) {
  (void)state;
  run_all(H2_CLIENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_servers),
      cmocka_unit_test(test_clients),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
