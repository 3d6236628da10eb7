/*
 * common/test_clear_text.c - which answer clear text gets on a TLS port.
 */
#include "tools/common/clear_text.h"

#include "engine/base/text.h"
#include "tests/support/cmocka.h"

#include <string.h>

enum answer { ALERT, HTTP1, HTTP1_HEAD, GOAWAY };

static enum answer answer_to(const char *first) {
  struct span answer = clear_text_answer(span_text(first));
  if (answer.len == 0) return ALERT;
  if (answer.base[0] == 0) return GOAWAY;
  assert_memory_equal(answer.base, "HTTP/1.1 400 Bad Request\r\n", 26);
  return memcmp(answer.base + answer.len - 4, "\r\n\r\n", 4) == 0 ? HTTP1_HEAD : HTTP1;
}

static void test_answers(void **state) {
  (void)state;
  static const struct {
    const char *first;
    enum answer expected;
  } rows[] = {
      {"GET / HTTP/1.1\r\n", HTTP1},
      {"HEAD / HTTP/1.1\r\n", HTTP1_HEAD},
      {"HEADS", HTTP1},
      {"HEAD", HTTP1},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", GOAWAY},
      {"PRI", HTTP1},
      {"A", HTTP1},
      {"Z", HTTP1},
      {"@", ALERT},
      {"[", ALERT},
      {"get / HTTP/1.1\r\n", ALERT},
      {"220 mail.example.org\r\n", ALERT},
      {"\x80\x2e\x01", ALERT},
      {"\x15\x03\x03", ALERT},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (answer_to(rows[i].first) != rows[i].expected) fail_msg("%s", rows[i].first);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_answers),
  };
  return cmocka_run_group_tests_name("clear text", tests, NULL, NULL);
}
