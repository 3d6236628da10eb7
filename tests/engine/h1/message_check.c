/*
 * h1/message_check.c - see h1/message_check.h.
 */
#include "tests/engine/h1/message_check.h"

#include "tests/support/cmocka.h"
#include "tests/support/guard.h"

#include <string.h>

/* Gives the first `from` bytes, then `step` at a time, each piece before the guard page. */
static void read_in_steps(struct message *message, struct span bytes, size_t from, size_t step,
                          struct guard *guard, char *text) {
  size_t used = 0;
  for (size_t end = from; message->step < MESSAGE_DONE;) {
    const struct span piece = guard_put(guard, span_of(bytes.base + used, end - used));
    used += message_give(message, piece);
    if (end == bytes.len) break;
    end = bytes.len - end < step ? bytes.len : end + step;
  }
  if (used == bytes.len) message_end(message);
  message_text(message, text);
  const size_t len = strlen(text), rest = bytes.len - used;
  if (message->step != MESSAGE_DONE) return;
  assert_true(len + rest < MESSAGE_TEXT);
  memcpy(text + len, bytes.base + used, rest);
  text[len + rest] = '\0';
}

void message_check(const char *name, enum h1_head_kind kind, struct h1_asked asked,
                   struct span bytes, const char *expected) {
  static struct message message;
  static char text[MESSAGE_TEXT];
  struct guard guard;
  guard_init(&guard, bytes.len + 1);
  /* Cut at 0: byte by byte. Cut at the end: whole. */
  for (size_t cut = 0; cut <= bytes.len; cut++) {
    message_begin(&message, kind, asked);
    read_in_steps(&message, bytes, cut, cut ? bytes.len : 1, &guard, text);
    if (strcmp(text, expected) != 0)
      fail_msg("%s, cut at %zu: %s instead of %s (%s)", name, cut, text, expected,
               message.step == MESSAGE_REFUSED ? message.verdict.reason : "");
  }
  guard_destroy(&guard);
}
