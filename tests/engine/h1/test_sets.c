/*
 * h1/test_sets.c - responses whose fields are a set that repeats (stream_respond_set()): the client sees the
 * same bytes as if they had been copied, each time; and what HTTP/2 has noted about the set stays.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/http/body.h"
#include "tests/support/cmocka.h"
#include "tests/support/talk.h"

enum { SETS = 6, TIMES = 3 };

static struct talk talk;
static struct body_bytes body;
static bool copies;

#define TEXT(text)                                                                                 \
  { (const uint8_t *)(text), sizeof(text) - 1 }
#define FIELD(name_, value_)                                                                       \
  { .name = TEXT(name_), .value = TEXT(value_) }

static struct header fields[SETS][2] = {
    {FIELD("content-type", "text/html"), FIELD("content-length", "2")},
    {FIELD("etag", "\"1\""), FIELD("x-mine", "1")}, /* in chunks */
    {FIELD("date", "yesterday"), FIELD("content-length", "2")},
    {FIELD("server", "other"), FIELD("content-length", "2")},
    {FIELD("content-length", "9"), FIELD("x-short", "1")}, /* and the connection ends */
    {FIELD("x-bad", "a\rb"), FIELD("x-mine", "1")},        /* a mistake, each time */
};
static struct header_set sets[SETS];

static void answer(void *ctx, struct stream *stream, const struct request *request,
                   uint64_t now_ns) {
  unsigned number = request->path.base[1] - (unsigned)'0';
  struct header_set *set = &sets[number];
  (void)ctx, (void)now_ns;
  struct body text = body_bytes(&body, span_text("ok"), NULL, NULL);
  bool done = copies ? stream_respond(stream, 200, set->at, set->count, text)
                     : stream_respond_set(stream, 200, set, text);
  assert_int_equal(done, number < SETS - 1);
}

/* All responses on connections of one engine, to GET and HEAD. */
static const char *responses(unsigned number) {
  static char wire[2][4096];
  talk_begin(&talk, NULL);
  talk.handler.request = answer;
  talk.handler.ended = NULL;
  engine_set_date(&talk.engine, 784111777);
  for (unsigned i = 0; i < 2 * TIMES; i++) {
    char head[64];
    if (!(talk_wants(&talk) & MACHINE_RECV)) { /* the next connection */
      static const struct machine_peer peer = {.application_protocol = ""};
      talk.machine.ops->close(talk.machine.self);
      assert_true(h1_server(&talk.engine.h1, &peer, NULL, talk.now_ns, &talk.machine));
    }
    snprintf(head, sizeof head, "%s /%u HTTP/1.1\r\nHost: a\r\n\r\n", i % 2 ? "HEAD" : "GET",
             number);
    talk_give(&talk, span_text(head));
  }
  assert_true(talk.wire.len > 0 && talk.wire.len < sizeof wire[0]);
  memcpy(wire[copies], talk.wire.text, talk.wire.len + 1);
  assert_int_equal(talk.mistakes > 0, number >= 4);
  talk_end(&talk);
  return wire[copies];
}

static void test_repeated(void **state) {
  (void)state;
  for (unsigned i = 0; i < SETS; i++) {
    sets[i] = (struct header_set){.at = fields[i], .count = 2, .memo.h2 = {7, 8}};
    copies = true;
    const char *copied = responses(i);
    copies = false;
    assert_string_equal(responses(i), copied);
    assert_int_equal(sets[i].memo.h2[0] + sets[i].memo.h2[1], 15);
  }
}

/* What a set says is noted when it is first sent, and not looked at again. */
static void test_noted(void **state) {
  (void)state;
  copies = false;
  sets[0] = (struct header_set){.at = fields[0], .count = 2};
  (void)responses(0);
  assert_true(sets[0].memo.h1[0] || sets[0].memo.h1[1]);
  struct header_set before = sets[0];
  (void)responses(0);
  assert_memory_equal(&before.memo, &sets[0].memo, sizeof before.memo);
  sets[SETS - 1] = (struct header_set){.at = fields[SETS - 1], .count = 2};
  (void)responses(SETS - 1);
  (void)responses(SETS - 1); /* it is refused again */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_repeated), cmocka_unit_test(test_noted)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
