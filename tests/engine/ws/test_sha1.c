/*
 * ws/test_sha1.c - SHA-1: the RFC's own texts, and texts of every length around the blocks beside OpenSSL.
 */
#include <openssl/sha.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/ws/sha1.h"
#include "tests/support/cmocka.h"

/* RFC 3174 section 7.3, the first two, and FIPS 180-1's empty text. */
static void texts_of_the_rfc(void **state) {
  static const struct {
    const char *text;
    uint8_t digest[SHA1_BYTES + 1];
  } rows[] = {
      {"abc", "\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "\x84\x98\x3e\x44\x1c\x3b\xd2\x6e\xba\xae\x4a\xa1\xf9\x51\x29\xe5\xe5\x46\x70\xf1"},
      {"", "\xda\x39\xa3\xee\x5e\x6b\x4b\x0d\x32\x55\xbf\xef\x95\x60\x18\x90\xaf\xd8\x07\x09"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint8_t digest[SHA1_BYTES];
    ws_sha1(span_text(rows[i].text), digest);
    assert_memory_equal(digest, rows[i].digest, SHA1_BYTES);
  }
}

static void every_length(void **state) {
  uint8_t text[300], ours[SHA1_BYTES], theirs[SHA_DIGEST_LENGTH];
  (void)state;
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (uint8_t)(i * 151 + (i >> 3));
  for (size_t len = 0; len <= sizeof text; len++) {
    ws_sha1(span_of(text, len), ours);
    SHA1(text, len, theirs);
    assert_memory_equal(ours, theirs, SHA1_BYTES);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(texts_of_the_rfc),
                                     cmocka_unit_test(every_length)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
