/*
 * http/test_syntax.c - tokens, schemes, paths and authorities: every byte, and texts that are easy
 * to get wrong.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include "engine/http/syntax.h"

/* ---- comparing ------------------------------------------------------------------------------- */

static const struct {
  const char *scheme, *a, *b;
  bool same;
} authorities[] = {
    {"https", "a", "a", true},
    {"https", "Example.ORG", "example.org", true}, /* RFC 9110 section 4.2.3 */
    {"https", "a:443", "a", true},
    {"https", "a:", "a:443", true},
    {"https", "a:80", "a", false},
    {"http", "a:80", "a", true},
    {"http", "a:443", "a", false},
    {"HTTPS", "a:443", "a", true},
    {"ws", "a:443", "a", false}, /* its default port is unknown to us */
    {"ws", "a:", "a", true},
    {"https", "a", "b", false},
    {"https", "a", "aa", false},
    {"https", "a:8443", "a:8443", true},
    {"https", "a:8443", "a:443", false},
    {"https", "[::1]:443", "[::1]", true},
    {"https", "[::443]", "[::]", false},
    {"https", "a@", "a`", false}, /* differ by 0x20 and are not letters */
    {"https", "", "", true},
    {"https", "a", "", false},
};

static void test_authorities(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof authorities / sizeof *authorities; i++) {
    struct span a = span_text(authorities[i].a), b = span_text(authorities[i].b);
    struct span scheme = span_text(authorities[i].scheme);
    bool same = authorities[i].same;
    if (syntax_same_authority(a, b, scheme) != same || syntax_same_authority(b, a, scheme) != same)
      fail_msg("%s: %s and %s", authorities[i].scheme, authorities[i].a, authorities[i].b);
  }
}

/* ---- the grammar ----------------------------------------------------------------------------- */

static bool is_authority(struct span text) {
  return syntax_is_authority(text, false);
}

static bool is_authority_with_port(struct span text) {
  return syntax_is_authority(text, true);
}

static const struct {
  bool (*is)(struct span);
  const char *text;
  bool ok;
} texts[] = {
    {syntax_is_token, "", false},
    {syntax_is_token, "GET", true},
    {syntax_is_token, "!#$%&'*+-.^_`|~", true},
    {syntax_is_token, "a b", false},
    {syntax_is_protocol, "", false},
    {syntax_is_protocol, "websocket", true},
    {syntax_is_protocol, "spdy/3.1", true},
    {syntax_is_protocol, "spdy/", false},
    {syntax_is_protocol, "/3.1", false},
    {syntax_is_protocol, "a/b/c", false},
    {syntax_is_scheme, "", false},
    {syntax_is_scheme, "https", true},
    {syntax_is_scheme, "a+b-c.9", true},
    {syntax_is_scheme, "9a", false},
    {syntax_is_scheme, "-a", false},
    {syntax_is_path, "", false},
    {syntax_is_path, "/", true},
    {syntax_is_path, "a/", false},
    {syntax_is_path, "*", false},
    {syntax_is_path, "/a?b=/c%20", true},
    {syntax_is_path, "/a#b", false},
    {syntax_is_path, "/a b", false},
    {syntax_is_path, "/\x7f", false},
    {syntax_is_path, "/\xc3\xa4", false},
    {syntax_is_path, "/a?\xc3\xa4", false},
    {is_authority, "", false},
    {is_authority, "a", true},
    {is_authority, "a:", true},
    {is_authority, "a:65535", true},
    {is_authority, "a:65536", false},
    {is_authority, "a:x", false},
    {is_authority, "a:-1", false},
    {is_authority, ":80", false},
    {is_authority, "user@a", false},
    {is_authority, "a/b", false},
    {is_authority, "a b", false},
    {is_authority, "[::1]", true},
    {is_authority, "[::1]:80", true},
    {is_authority, "[::1]80", false},
    {is_authority, "[::1", false},
    {is_authority, "a[::1]", false},
    {is_authority, "a:80:80", false},
    {is_authority_with_port, "a", false},
    {is_authority_with_port, "a:", false},
    {is_authority_with_port, "a:1", true},
    {is_authority_with_port, "[::1]", false},
    {is_authority_with_port, "[::1]:1", true},
};

static void test_texts(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (texts[i].is(span_text(texts[i].text)) != texts[i].ok)
      fail_msg("row %zu: \"%s\"", i, texts[i].text);
}

/* Every byte, at every place but the last, where an empty port may be. */
static void check_bytes(bool (*is)(struct span), const char *base, size_t from,
                        const char *allowed) {
  for (size_t at = from; at + 1 < strlen(base); at++) {
    for (unsigned byte = 1; byte < 256; byte++) {
      uint8_t text[64];
      memcpy(text, base, strlen(base));
      text[at] = (uint8_t)byte;
      bool letter_or_digit = (byte | 32) - 'a' < 26u || byte - '0' < 10u;
      bool ok = letter_or_digit || (byte < 128 && strchr(allowed, (int)byte));
      if (is(span_of(text, strlen(base))) != ok) fail_msg("byte %u at %zu of %s", byte, at, base);
    }
  }
}

static void test_bytes(void **state) {
  (void)state;
  check_bytes(syntax_is_token, "aaaaa", 0, "!#$%&'*+-.^_`|~");
  check_bytes(syntax_is_scheme, "aaaaa", 1, "+-.");
  check_bytes(syntax_is_path, "/aaaa", 1, "!\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~");
  /* Longer ones are looked at 16 bytes a step. */
  for (size_t len = 15; len <= 50; len++) {
    char path[64] = "/";
    memset(path + 1, 'a', len - 1);
    check_bytes(syntax_is_path, path, 1, "!\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~");
    path[len - 1] = ' ';
    assert_false(syntax_is_path(span_of(path, len)));
  }
  check_bytes(is_authority, "aaaaa", 1, "!$%&'()*+,-.;=_~");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_authorities),
      cmocka_unit_test(test_texts),
      cmocka_unit_test(test_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
