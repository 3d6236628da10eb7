/*
 * support/script_log.c - a script's transcript.
 */
#include "tests/support/script_log.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/cmocka.h"

void script_log(struct script *script, const char *format, ...) {
  va_list list;
  size_t room = sizeof script->log - script->log_len;
  if (script->log_len && room > 2) {
    memcpy(script->log + script->log_len, ", ", 3);
    script->log_len += 2;
    room -= 2;
  }
  va_start(list, format);
  int n = vsnprintf(script->log + script->log_len, room, format, list);
  va_end(list);
  assert_true(n >= 0 && (size_t)n < room);
  script->log_len += (size_t)n;
}

void script_log_data(struct script *script, const char *what, uint64_t id, size_t bytes, bool end) {
  if (script->data_at != script->log_len || script->data_id != id || script->data_what != what) {
    script->data_from = script->log_len;
    script->data_bytes = 0;
  }
  script->log_len = script->data_from;
  script->data_bytes += bytes;
  script->data_id = id;
  script->data_what = what;
  script_log(script, "%s %u %zu%s", what, (unsigned)id, script->data_bytes, end ? " end" : "");
  script->data_at = script->log_len;
}

const char *script_log_text(struct span text) {
  static char rooms[4][256];
  static unsigned next;
  char *room = rooms[next++ % 4];
  snprintf(room, sizeof rooms[0], "%.*s", (int)text.len, (const char *)text.base);
  return room;
}
