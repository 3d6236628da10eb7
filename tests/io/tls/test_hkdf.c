/*
 * tls/test_hkdf.c - known answers.
 */
#include <string.h>

#include "io/tls/hkdf.h"
#include "tests/support/cmocka.h"
#include "tests/support/hex.h"

enum { OUT_MAX = 256 * TLS_HASH_BYTES_MAX };

struct bytes {
  uint8_t bytes[128];
  size_t len;
};

static struct bytes bytes_of(const char *hex) {
  struct bytes bytes;
  bytes.len = hex_decode(hex, bytes.bytes, sizeof bytes.bytes);
  return bytes;
}

static struct span span_of_bytes(const struct bytes *bytes) {
  return span_of(bytes->bytes, bytes->len);
}

static void expect(const char *name, const uint8_t *out, const char *hex) {
  struct bytes expected = bytes_of(hex);
  if (memcmp(out, expected.bytes, expected.len) != 0) fail_msg("%s: another result", name);
}

static void test_extract(void **state) {
  static const struct {
    const char *name, *salt, *input, *expected;
  } rows[] = {
      {"RFC 5869 A.1", "000102030405060708090a0b0c", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
       "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"},
      {"RFC 5869 A.3", "", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
       "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04"},
      {"RFC 8448, the handshake's secret",
       "6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba",
       "8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d",
       "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bytes salt = bytes_of(rows[i].salt), input = bytes_of(rows[i].input);
    uint8_t out[TLS_HASH_BYTES_MAX];
    assert_true(tls_hkdf_extract(tls_hash_of(TLS_SHA_256), span_of_bytes(&salt),
                                 span_of_bytes(&input), out));
    expect(rows[i].name, out, rows[i].expected);
  }
}

static struct tls_hkdf_label label_of(const char *text, struct span context) {
  return (struct tls_hkdf_label){span_of("tls13 ", 6), span_of(text, strlen(text)), context};
}

/* RFC 8448 section 3. */
static void test_expand(void **state) {
  static const struct {
    const char *secret, *label, *context, *expected;
  } rows[] = {
      {"33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a", "derived",
       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
       "6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba"},
      {"1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac", "c hs traffic",
       "860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8",
       "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21"},
      {"9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5", "key", "",
       "17422dda596ed5d9acd890e3c63f5051"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bytes secret = bytes_of(rows[i].secret), context = bytes_of(rows[i].context);
    struct tls_hkdf_label label = label_of(rows[i].label, span_of_bytes(&context));
    uint8_t out[TLS_HASH_BYTES_MAX];
    assert_true(tls_hkdf_expand(tls_hash_of(TLS_SHA_256), span_of_bytes(&secret), &label, out,
                                strlen(rows[i].expected) / 2));
    expect(rows[i].label, out, rows[i].expected);
  }
}

/* What struct HkdfLabel, or a count of blocks in one octet, cannot hold. */
static void test_bounds(void **state) {
  static const struct {
    size_t prefix, label, context, len;
    bool made;
  } rows[] = {
      {6, 249, 255, 32, true}, {6, 250, 0, 32, false},      {256, 0, 0, 32, false},
      {6, 1, 256, 32, false},  {6, 1, 0, 255 * 32, true},   {6, 1, 0, 255 * 32 + 1, false},
      {6, 0, 0, 0, true},      {6, SIZE_MAX, 0, 32, false},
  };
  static const uint8_t zeros[256];
  static uint8_t out[OUT_MAX];
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct tls_hkdf_label label = {span_of(zeros, rows[i].prefix), span_of(zeros, rows[i].label),
                                   span_of(zeros, rows[i].context)};
    assert_int_equal(
        tls_hkdf_expand(tls_hash_of(TLS_SHA_256), span_of(zeros, 32), &label, out, rows[i].len),
        rows[i].made);
  }
}

/* Blocks depend on the ones before, and on the whole length. */
static void test_blocks(void **state) {
  const struct tls_hkdf_label label = label_of("x", span_of(NULL, 0));
  const struct tls_hash *hash = tls_hash_of(TLS_SHA_256);
  uint8_t zeros[32] = {0}, out[2][80];
  (void)state;
  assert_true(tls_hkdf_expand(hash, span_of(zeros, 32), &label, out[0], 80));
  assert_true(tls_hkdf_expand(hash, span_of(zeros, 32), &label, out[1], 79));
  assert_memory_not_equal(out[0], out[1], 32);
  assert_memory_not_equal(out[0], out[0] + 32, 32);
}

static void test_hashes(void **state) {
  static const struct {
    const char *name;
    enum tls_hash_kind kind;
    size_t bytes;
  } rows[] = {{"SHA256", TLS_SHA_256, 32},
              {"SHA2-256", TLS_SHA_256, 32},
              {"SHA384", TLS_SHA_384, 48},
              {"SHA2-384", TLS_SHA_384, 48}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct tls_hash *hash = tls_hash_named(rows[i].name);
    assert_ptr_equal(hash, tls_hash_of(rows[i].kind));
    assert_int_equal(tls_hash_bytes(hash), rows[i].bytes);
    assert_int_equal(tls_hash_of_nothing(hash).len, rows[i].bytes);
  }
  assert_null(tls_hash_named("SHA2-512"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_extract), cmocka_unit_test(test_expand), cmocka_unit_test(test_bounds),
      cmocka_unit_test(test_blocks),  cmocka_unit_test(test_hashes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
