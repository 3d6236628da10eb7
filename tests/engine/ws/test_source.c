/*
 * ws/test_source.c - messages that are made of a source's bytes when the stream sends.
 */
#include "engine/ws/source.h"

#include <string.h>

#include "engine/base/text.h"
#include "tests/engine/ws/play.h"
#include "tests/support/cmocka.h"

static struct play play;
static struct {
  const char *text; /* what it still has */
  bool looked;      /* and gave() has not followed */
  size_t asked;     /* bytes_max of the last look */
  uint32_t loans;
} box;

static bool waits(struct ws *ws) {
  (void)ws;
  return *box.text;
}

/* Two spans, however short; the second is lent if it may be. */
static void look(struct ws *ws, struct nested_gift *gift, size_t bytes_max, size_t room,
                 size_t lend_max) {
  size_t len = strlen(box.text), first = len < 3 ? len : 3;
  (void)ws;
  assert_false(box.looked);
  assert_true(bytes_max > 0);
  box.asked = bytes_max;
  box.looked = true;
  if (first > room) first = room;
  if (len - first > room - first && !lend_max) len = room;
  *gift = (struct nested_gift){.count = 2, .copied = lend_max ? first : len};
  gift->spans[0] = span_of(box.text, first);
  gift->spans[1] = span_of(box.text + first, gift->copied - first);
  if (gift->copied == len) return;
  gift->lent = span_of(box.text + first, len - first < lend_max ? len - first : lend_max);
  gift->loans = &box.loans;
}

static void gave(struct ws *ws, const struct nested_gift *gift) {
  (void)ws;
  assert_true(box.looked);
  box.looked = false;
  box.text += gift->copied + gift->lent.len;
}

static const struct ws_source source = {.waits = waits, .look = look, .gave = gave};

static void begin(bool client, const char *text) {
  play_settings(&play);
  play_begin(&play, client, NULL);
  (void)play_log(&play);
  box.text = text;
  ws_source_set(play.ws, &source);
}

static void end(void) {
  assert_false(box.looked);
  play_end(&play);
}

/* However much room there is, of which a header may need 14 bytes. */
static void test_messages(void **state) {
  (void)state;
  static const struct {
    size_t max;
    const char *log;
  } rows[] = {
      {1000, ">B:abcdefgh"},
      {WS_HEADER_BYTES_MAX + 8, ">B:abcdefgh"},
      {WS_HEADER_BYTES_MAX + 4, ">B:abcd >B:efgh"},
      {WS_HEADER_BYTES_MAX + 2, ">B:ab >B:cd >B:ef >B:gh"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int client = 0; client < 2; client++) {
      begin(client, "abcdefgh");
      play_pull(&play, rows[i].max);
      assert_string_equal(play_log(&play), rows[i].log);
      end();
    }
}

/* A server lends what it can, behind a frame's header that says so; what a client sends is masked in any case. */
static void test_lends(void **state) {
  (void)state;
  for (int client = 0; client < 2; client++) {
    begin(client, "abcdefgh");
    play.fake.lend_max = 1000;
    assert_int_equal(fake_pull(&play.fake, 1000), BODY_MORE);
    assert_int_equal(play.fake.len, client ? 14 : 10);
    play_pull(&play, 1000);
    assert_string_equal(play_log(&play), ">B:abcdefgh");
    end();
  }
}

/* It is asked for a bit less than what fits, lent or copied: a frame's header that comes on top would leave a rest, which
 * would make a message of its own. */
static void test_asks_for_less(void **state) {
  (void)state;
  for (int lends = 0; lends < 2; lends++) {
    begin(false, "abcdefgh");
    play.fake.lend_max = lends ? 100000 : 0;
    assert_int_equal(fake_pull(&play.fake, 1000), BODY_MORE);
    assert_int_equal(box.asked, (lends ? 100000 : 1000) - WS_HEADER_BYTES_MAX - 64);
    end();
  }
}

/* Behind what was queued before, and behind a pong. */
static void test_behind(void **state) {
  (void)state;
  begin(false, "abc");
  assert_true(ws_send(play.ws, WS_TEXT, span_text("first")));
  play_peer(&play, "P:x");
  play_pull(&play, 1000);
  assert_string_equal(play_log(&play), ">O:x >T:first >B:abc");
  end();
}

/* In too little room for a header it asks for more, if it has anything; without room it only says so. */
static void test_room(void **state) {
  (void)state;
  begin(false, "abc");
  assert_int_equal(fake_pull(&play.fake, 0), BODY_MORE);
  assert_int_equal(fake_pull(&play.fake, 1), BODY_ROOM);
  assert_int_equal(fake_pull(&play.fake, WS_HEADER_BYTES_MAX), BODY_ROOM);
  assert_int_equal(play.fake.len, 0);
  assert_int_equal(fake_pull(&play.fake, WS_HEADER_BYTES_MAX + 1), BODY_MORE);
  assert_string_equal(box.text, "bc");
  box.text = "";
  for (size_t max = 0; max < 1000; max = 2 * max + 1)
    assert_int_equal(fake_pull(&play.fake, max), BODY_WAIT);
  end();
}

/* What was not sent before the close is not sent. */
static void test_closing(void **state) {
  (void)state;
  begin(false, "abc");
  ws_close(play.ws, WS_NORMAL, span_of(NULL, 0));
  play_pull(&play, 1000);
  assert_string_equal(play_log(&play), ">X:1000");
  assert_string_equal(box.text, "abc");
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_messages),      cmocka_unit_test(test_lends),
      cmocka_unit_test(test_asks_for_less), cmocka_unit_test(test_behind),
      cmocka_unit_test(test_room),          cmocka_unit_test(test_closing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
