/*
 * tunnel/test_wish.c - what a stream's fields say.
 */
#include "tools/tunnel/wish.h"

#include <string.h>

#include "engine/base/text.h"
#include "tests/support/cmocka.h"

#define TYPE "streamtype: "
#define PORT "port: "
#define ID   "requestid: "

static const struct {
  const char *fields, *wrong; /* NULL: none */
  enum wish_side side;
  unsigned port;
  const char *request;
} wishes[] = {
    {TYPE "error\n" PORT "80\n" ID "0\n", NULL, WISH_ERROR, 80, "0"},
    {TYPE "data\n" PORT "65535\n" ID "a-b\n", NULL, WISH_DATA, 65535, "a-b"},
    {TYPE "error\n" PORT "80\n", NULL, WISH_ERROR, 80, "7"},
    {TYPE "data\n" PORT "80\n", NULL, WISH_DATA, 80, "5"}, /* its error stream is two before */
    {TYPE "data\n" PORT "80\n" ID "\n", NULL, WISH_DATA, 80, "5"},
    {PORT "80\n", "streamtype is missing", 0, 0, NULL},
    {TYPE "stdin\n" PORT "80\n", "streamtype is neither", 0, 0, NULL},
    {TYPE "Error\n" PORT "80\n", "streamtype is neither", 0, 0, NULL},
    {TYPE "data\n", "port is missing", 0, 0, NULL},
    {TYPE "data\n" PORT "0\n", "port is not", 0, 0, NULL},
    {TYPE "data\n" PORT "65536\n", "port is not", 0, 0, NULL},
    {TYPE "data\n" PORT "99999999999\n", "port is not", 0, 0, NULL},
    {TYPE "data\n" PORT "http\n", "port is not", 0, 0, NULL},
    {TYPE "data\n" PORT "-1\n", "port is not", 0, 0, NULL},
};

/* Fields of lines "name: value\n", which point into the text. */
static struct headers fields_of(const char *text, struct header *at) {
  struct headers fields = {.at = at};
  struct span rest = span_text(text), line;
  while (span_cut(rest, '\n', &line, &rest)) {
    struct header *field = &at[fields.count++];
    *field = (struct header){.name = {0}};
    assert_true(span_cut(line, ':', &field->name, &field->value));
    field->value = span_skip(field->value, 1);
  }
  return fields;
}

static void wishes_are_read(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
    struct header at[8];
    struct headers fields = fields_of(wishes[i].fields, at);
    struct wish wish;
    const char *wrong = wish_read(&fields, 7, &wish);
    if (!wrong != !wishes[i].wrong || (wrong && !strstr(wrong, wishes[i].wrong)))
      fail_msg("%s: %s", wishes[i].fields, wrong ? wrong : "taken");
    if (wrong) continue;
    assert_int_equal(wish.side, wishes[i].side);
    assert_int_equal(wish.port, wishes[i].port);
    assert_string_equal(wish.request, wishes[i].request);
  }
}

static void long_requests(void **state) {
  (void)state;
  for (int over = 0; over < 2; over++) {
    char id[TUNNEL_REQUEST_BYTES_MAX + 2];
    memset(id, 'r', sizeof id);
    id[TUNNEL_REQUEST_BYTES_MAX + over] = 0;
    struct header at[] = {{.name = span_text("streamtype"), .value = span_text("data")},
                          {.name = span_text("port"), .value = span_text("1")},
                          {.name = span_text("requestid"), .value = span_text(id)}};
    const struct headers fields = {.at = at, .count = 3};
    struct wish wish;
    assert_true(!wish_read(&fields, 1, &wish) == !over);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(wishes_are_read),
                                     cmocka_unit_test(long_requests)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
