/*
 * h2/test_section.c - header sections on the wire: copies of what the handler gave, in as few frames as they take.
 */
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdlib.h>
#include <string.h>

static struct script script;

static void begin(void) {
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/SH 1 [@hold]; !mute");
}

/* The handler may reuse its memory once it has answered, whether the names are known or not, in every
 * kind of section. */
static void test_copies(void **state) {
  (void)state;
  char name[] = "x-name", value[] = "one", type[] = "text/x";
  const struct header fields[] = {
      {.name = span_text(name), .value = span_text(value)},
      header_of(TOKEN_CONTENT_TYPE, span_text(type)),
  };
  begin();
  struct stream *stream = script_app_of(&script, 1)->stream;
  assert_true(stream_respond(stream, 200, fields, 2, BODY_NONE));
  memset(name, 'z', sizeof name - 1);
  memset(value, 'z', sizeof value - 1);
  memset(type, 'z', sizeof type - 1);
  script.mute = false;
  script_pump(&script);
  const struct headers *got = &script.fields;
  assert_int_equal(got->count, 4); /* :status and server, too */
  assert_true(span_is(got->at[1].name, "x-name"));
  assert_true(span_is(got->at[1].value, "one"));
  assert_int_equal(got->at[2].token, TOKEN_CONTENT_TYPE);
  assert_true(span_is(got->at[2].value, "text/x"));
  script_close(&script);
}

/* A response with a field of so many bytes, in `out`. Returns how many bytes it takes. */
static size_t respond(size_t bytes, uint8_t *out) {
  static uint8_t value[2 * H2_FRAME_BYTES_MIN];
  struct span spans[8];
  size_t total = 0;
  memset(value, '~', sizeof value); /* the Huffman code of which is longer */
  begin();
  struct header field = {.name = span_text("x"), .value = span_of(value, bytes)};
  assert_true(stream_respond(script_app_of(&script, 1)->stream, 200, &field, 1, BODY_NONE));
  size_t count =
      script.machine.ops->send_peek(script.machine.self, spans, 8, SIZE_MAX, script.now_ns);
  for (size_t i = 0; i < count; i++) {
    memcpy(out + total, spans[i].base, spans[i].len);
    total += spans[i].len;
  }
  script_close(&script);
  return total;
}

/* A block of exactly one frame takes one. With a byte more it takes another one, which says nothing but that
 * it is the last. */
static void test_frames(void **state) {
  (void)state;
  uint8_t *out = malloc(4 * H2_FRAME_BYTES_MIN);
  const size_t probe =
      H2_FRAME_BYTES_MIN - 100; /* its length takes as many bytes as that of the next */
  size_t rest = respond(probe, out) - H2_FRAME_HEADER_BYTES - probe;
  assert_int_equal(respond(H2_FRAME_BYTES_MIN - rest, out),
                   H2_FRAME_HEADER_BYTES + H2_FRAME_BYTES_MIN);
  assert_int_equal(out[3], H2_HEADERS);
  assert_int_equal(out[4], H2_FLAG_END_STREAM | H2_FLAG_END_HEADERS);
  assert_int_equal(respond(H2_FRAME_BYTES_MIN - rest + 1, out),
                   2 * H2_FRAME_HEADER_BYTES + H2_FRAME_BYTES_MIN + 1);
  assert_int_equal(out[4], H2_FLAG_END_STREAM);
  const uint8_t *second = out + H2_FRAME_HEADER_BYTES + H2_FRAME_BYTES_MIN;
  static const uint8_t header[] = {0, 0, 1, H2_CONTINUATION, H2_FLAG_END_HEADERS, 0, 0, 0, 1};
  assert_memory_equal(second, header, sizeof header);
  free(out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_copies),
      cmocka_unit_test(test_frames),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
