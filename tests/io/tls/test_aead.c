/*
 * tls/test_aead.c - records of TLS 1.3 by themselves: known ones, every length, wrong ones, and their numbers; by each
 * library that weir may use, and by both beside each other.
 */
#include <string.h>

#include <openssl/evp.h>

#include "io/tls/aead.h"
#include "io/tls/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/guard.h"
#include "tests/support/hex.h"
#include "tests/support/random.h"

enum { HANDSHAKE = 22, ALERT = 21, DATA = 23 };

/* Of a state of ipsec-mb, as far as there are keys in it. */
enum { MB_KEY_BYTES = 1000 };

static struct tls_aead_pool pool; /* of the library that is tested */
static struct tls_aead_pool openssl;
static struct guard guard, from;

/* Content 0, 1, 2, ... */
static struct span counting(void) {
  static uint8_t bytes[TLS_RECORD_BYTES];
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)i;
  return span_of(bytes, sizeof bytes);
}

static void begin(struct tls_aead *aead, enum tls_aead_cipher cipher, uint64_t sequence) {
  uint8_t key[TLS_AEAD_KEY_BYTES], iv[TLS_AEAD_IV_BYTES];
  for (unsigned i = 0; i < sizeof key; i++)
    key[i] = (uint8_t)i;
  for (unsigned i = 0; i < sizeof iv; i++)
    iv[i] = (uint8_t)(0xa0 + i);
  assert_true(tls_aead_begin(aead, &pool, cipher, key, iv, sequence));
}

/* ---- known records --------------------------------------------------------------------------- */

/* RFC 8448 section 3; the rest, with content 0 to 19, by Go's crypto/cipher and by RFC 8439's formulas. */
#define CLIENT_KEY "17422dda596ed5d9acd890e3c63f5051"
#define CLIENT_IV  "5b78923dee08579033e523d9"
#define SERVER_KEY "9f02283b6c9c07efc26bb9f2ac92e356"
#define SERVER_IV  "cf782b88dd83549aadf1e984"
#define LONG_KEY   "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define LONG_IV    "a0a1a2a3a4a5a6a7a8a9aaab"

static const struct known {
  const char *name;
  enum tls_aead_cipher cipher;
  const char *key, *iv;
  uint64_t sequence;
  uint8_t type;
  size_t len;          /* of content 0, 1, 2, ... */
  const char *content; /* or this, if not NULL */
  const char *record;
} known[] = {
    {"a client's data", TLS_AEAD_AES_128, CLIENT_KEY, CLIENT_IV, 0, DATA, 50, NULL,
     "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441"
     "e2b"
     "62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4"},
    {"a server's data", TLS_AEAD_AES_128, SERVER_KEY, SERVER_IV, 1, DATA, 50, NULL,
     "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a5"
     "9a8"
     "fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d"},
    {"a client's alert", TLS_AEAD_AES_128, CLIENT_KEY, CLIENT_IV, 1, ALERT, 2, "0100",
     "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3"},
    {"a server's alert", TLS_AEAD_AES_128, SERVER_KEY, SERVER_IV, 2, ALERT, 2, "0100",
     "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9"},
    {"AES-128-GCM", TLS_AEAD_AES_128, "000102030405060708090a0b0c0d0e0f", LONG_IV, 258, DATA, 20,
     NULL, "170303002581847ee7fd2b54e681cad157083e39e8107bd7ac7b1fbd66e0a3afa92aa39a8d798d5ee928"},
    {"AES-256-GCM", TLS_AEAD_AES_256, LONG_KEY, LONG_IV, 258, DATA, 20, NULL,
     "1703030025ed2922bbd4daac5bd1610dbd1cd3c341c971f20aeaf475658dedd13f5bb1221bd6e33573c5"},
    {"ChaCha20-Poly1305", TLS_AEAD_CHACHA20, LONG_KEY, LONG_IV, 258, DATA, 20, NULL,
     "1703030025cb8ab0ed805b9fb63c174dbfbe5a75371ef0d094e471fdf32dde4127dd80b0c3c0df4697c7"},
};

static void known_begin(struct tls_aead *aead, const struct known *row) {
  uint8_t key[TLS_AEAD_KEY_BYTES], iv[TLS_AEAD_IV_BYTES];
  hex_decode(row->key, key, sizeof key);
  hex_decode(row->iv, iv, sizeof iv);
  assert_true(tls_aead_begin(aead, &pool, row->cipher, key, iv, row->sequence));
}

static void known_check(const struct known *row) {
  uint8_t content[64], record[128], sealed[128], opened[128];
  struct tls_aead aead = {0};
  struct tls_aead_content got;
  memcpy(content, counting().base, sizeof content);
  if (row->content) hex_decode(row->content, content, sizeof content);
  const size_t record_len = hex_decode(row->record, record, sizeof record);
  const struct span spans[2] = {span_of(content, 1), span_of(content + 1, row->len - 1)};
  assert_int_equal(record_len, tls_aead_bytes(row->len));
  known_begin(&aead, row);
  assert_true(tls_aead_seal(&aead, &pool, row->type, spans, row->len, sealed));
  if (memcmp(sealed, record, record_len)) fail_msg("%s: sealed otherwise", row->name);
  known_begin(&aead, row);
  if (!tls_aead_open(&aead, &pool, span_of(record, record_len), opened, &got))
    fail_msg("%s: not opened", row->name);
  assert_int_equal(got.type, row->type);
  assert_int_equal(got.len, row->len);
  assert_memory_equal(opened, content, got.len);
  tls_aead_end(&aead);
}

static void test_known_records(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    known_check(&known[i]);
}

/* ---- lengths --------------------------------------------------------------------------------- */

/* Cuts content into up to 16 spans, some of them empty. */
static void cut(struct random *random, struct span content, struct span spans[16]) {
  for (unsigned i = 0; i < 15; i++) {
    const size_t part = random_below(random, (uint32_t)content.len + 1) >> random_below(random, 8);
    spans[i] = span_of(content.base, part);
    content = span_of(content.base + part, content.len - part);
  }
  spans[15] = content;
}

/* Sealed from spans and opened in place: all of it lies between guard pages, at one of them. */
static void round_trip(struct tls_aead *seals, struct tls_aead *opens, struct random *random,
                       size_t len) {
  struct span spans[16];
  struct tls_aead_content content;
  const uint64_t number = seals->sequence;
  uint8_t *record = number % 2 ? guard.base : guard_room(&guard, tls_aead_bytes(len));
  uint8_t *text = number % 3 ? guard_room(&from, len) : from.base;
  memcpy(text, counting().base, len);
  cut(random, span_of(text, len), spans);
  assert_true(tls_aead_seal(seals, &pool, DATA, spans, len, record));
  assert_true(
      tls_aead_open(opens, &pool, span_of(record, tls_aead_bytes(len)), record + 5, &content));
  assert_int_equal(content.type, DATA);
  assert_int_equal(content.len, len);
  assert_memory_equal(record + 5, counting().base, len);
  assert_int_equal(seals->sequence, number + 1);
  assert_int_equal(opens->sequence, number + 1);
}

static void test_lengths(void **state) {
  (void)state;
  for (unsigned cipher = TLS_AEAD_AES_128; cipher < TLS_AEAD_CIPHERS; cipher++) {
    struct tls_aead seals = {0}, opens = {0};
    struct random random = {cipher};
    begin(&seals, cipher, 0);
    begin(&opens, cipher, 0);
    for (size_t len = 0; len <= TLS_RECORD_BYTES; len += len < 600 ? 1 : 257)
      round_trip(&seals, &opens, &random, len);
    round_trip(&seals, &opens, &random, TLS_RECORD_BYTES);
    tls_aead_end(&seals);
    tls_aead_end(&opens);
  }
}

/* The same record by both libraries, whatever spans it is of. Each opens the other's. */
static void test_libraries_agree(void **state) {
  (void)state;
  static uint8_t ours[TLS_RECORD_BYTES + 22], theirs[TLS_RECORD_BYTES + 22],
      out[TLS_RECORD_BYTES + 1];
  for (unsigned cipher = TLS_AEAD_AES_128; cipher < TLS_AEAD_CIPHERS; cipher++) {
    struct tls_aead seals = {0}, openssl_seals = {0}, opens = {0}, openssl_opens = {0};
    struct random random = {cipher};
    struct tls_aead_content content;
    struct tls_aead *const all[] = {&seals, &openssl_seals, &opens, &openssl_opens};
    for (unsigned i = 0; i < 4; i++)
      begin(all[i], cipher, 0);
    for (unsigned i = 0; i < 700; i++) {
      struct span spans[16];
      const size_t len = random_below(&random, 4) ? random_size(&random, TLS_RECORD_BYTES) : i;
      const uint8_t type = (uint8_t)(1 + i % 255);
      const struct span record = span_of(ours, tls_aead_bytes(len));
      cut(&random, counting(), spans);
      assert_true(tls_aead_seal(&seals, &pool, type, spans, len, ours));
      assert_true(tls_aead_seal(&openssl_seals, &openssl, type,
                                &(struct span){counting().base, len}, len, theirs));
      assert_memory_equal(ours, theirs, record.len);
      assert_true(tls_aead_open(&openssl_opens, &openssl, record, out, &content));
      assert_memory_equal(out, counting().base, len);
      assert_true(tls_aead_open(&opens, &pool, span_of(theirs, record.len), out, &content));
      assert_memory_equal(out, counting().base, len);
      assert_int_equal(content.type, type);
    }
    for (unsigned i = 0; i < 4; i++)
      tls_aead_end(all[i]);
  }
}

/* Lengths that are copied first, and those that are not, next to each other: all patterns of three. */
static void copied_spans(enum tls_aead_cipher cipher, const size_t lens[3]) {
  static uint8_t record[12100], expected[12100];
  const uint8_t *text = counting().base;
  const size_t len = lens[0] + lens[1] + lens[2];
  const struct span all = span_of(text, len);
  const struct span spans[3] = {span_of(text, lens[0]), span_of(text + lens[0], lens[1]),
                                span_of(text + lens[0] + lens[1], lens[2])};
  struct tls_aead seals = {0}, openssl_seals = {0};
  begin(&seals, cipher, len);
  begin(&openssl_seals, cipher, len);
  assert_true(tls_aead_seal(&seals, &pool, DATA, spans, len, record));
  assert_true(tls_aead_seal(&openssl_seals, &openssl, DATA, &all, len, expected));
  assert_memory_equal(record, expected, tls_aead_bytes(len));
  tls_aead_end(&seals);
  tls_aead_end(&openssl_seals);
}

static void test_copied_spans(void **state) {
  enum { LENGTHS = 6 };
  static const size_t lengths[LENGTHS] = {
      0, 1, TLS_AEAD_COPIED_BYTES - 1, TLS_AEAD_COPIED_BYTES, TLS_AEAD_COPIED_BYTES + 1, 4000};
  (void)state;
  for (unsigned cipher = TLS_AEAD_AES_128; cipher < TLS_AEAD_CIPHERS; cipher++)
    for (unsigned i = 0; i < LENGTHS * LENGTHS * LENGTHS; i++)
      copied_spans(cipher, (size_t[3]){lengths[i % LENGTHS], lengths[i / LENGTHS % LENGTHS],
                                       lengths[i / LENGTHS / LENGTHS]});
}

/* ---- what a peer may send -------------------------------------------------------------------- */

/* A record whose inner plaintext is `inner`, as a peer seals it that pads. Our own sealing adds the last byte. */
static size_t seal_inner(enum tls_aead_cipher cipher, struct span inner, uint8_t *record) {
  struct tls_aead seals = {0};
  begin(&seals, cipher, 0);
  const uint8_t last = inner.base[inner.len - 1];
  assert_true(tls_aead_seal(&seals, &pool, last, &inner, inner.len - 1, record));
  tls_aead_end(&seals);
  return tls_aead_bytes(inner.len - 1);
}

static void test_padding(void **state) {
  static const struct {
    const char *name, *inner;
    size_t len;
    uint8_t type;
  } rows[] = {
      {"no padding", "616217", 2, DATA},
      {"one byte of padding", "61621700", 2, DATA},
      {"much padding", "6162150000000000000000000000000000000000", 2, ALERT},
      {"zeroes that are content", "61000016", 3, HANDSHAKE},
      {"zeroes on both sides", "6100001600", 3, HANDSHAKE},
      {"no content", "17", 0, DATA},
      {"padding without content", "1700", 0, DATA},
      {"no type, RFC 8446 section 5.4", "0000", 0, 0},
      {"a single zero", "00", 0, 0},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint8_t inner[32], record[64], out[64];
    struct tls_aead opens = {0};
    struct tls_aead_content content = {.len = 99, .type = 99};
    const size_t inner_len = hex_decode(rows[i].inner, inner, sizeof inner);
    const size_t len = seal_inner(TLS_AEAD_AES_128, span_of(inner, inner_len), record);
    begin(&opens, TLS_AEAD_AES_128, 0);
    assert_true(tls_aead_open(&opens, &pool, span_of(record, len), out, &content));
    if (content.type != rows[i].type || content.len != rows[i].len)
      fail_msg("%s: type %u, %zu bytes", rows[i].name, content.type, content.len);
    assert_memory_equal(out, inner, content.len);
    tls_aead_end(&opens);
  }
}

/* The plaintext of a refused record is not left behind, and its number is not used up. */
static void refused(enum tls_aead_cipher cipher, struct span record) {
  uint8_t out[128], *in_place = guard_room(&guard, record.len);
  struct tls_aead opens = {0};
  struct tls_aead_content content;
  begin(&opens, cipher, 0);
  memset(out, 0, sizeof out);
  assert_false(tls_aead_open(&opens, &pool, record, out, &content));
  assert_int_equal(opens.sequence, 0);
  for (size_t i = 0; i < sizeof out; i++)
    assert_int_equal(out[i], 0);
  memcpy(in_place, record.base, record.len);
  assert_false(tls_aead_open(&opens, &pool, span_of(in_place, record.len), in_place + 5, &content));
  for (size_t i = 5; i + TLS_AEAD_TAG_BYTES < record.len; i++)
    assert_int_equal(in_place[i], 0);
  tls_aead_end(&opens);
}

/* Each bit of header, content and tag counts; so does the number; and nothing shorter passes. */
static void test_wrong_records(void **state) {
  (void)state;
  for (unsigned cipher = TLS_AEAD_AES_128; cipher < TLS_AEAD_CIPHERS; cipher++) {
    uint8_t record[128];
    const size_t len = seal_inner(cipher, span_of(counting().base + 1, 40), record);
    for (size_t bit = 0; bit < 8 * len; bit++) {
      record[bit / 8] ^= (uint8_t)(1 << bit % 8);
      refused(cipher, span_of(record, len));
      record[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t shorter = 5; shorter < len; shorter++)
      refused(cipher, span_of(record, shorter));
    struct tls_aead opens = {0};
    struct tls_aead_content content;
    uint8_t out[128];
    begin(&opens, cipher, 1);
    assert_false(tls_aead_open(&opens, &pool, span_of(record, len), out, &content));
    opens.sequence = 0;
    assert_true(tls_aead_open(&opens, &pool, span_of(record, len), out, &content));
    assert_false(tls_aead_open(&opens, &pool, span_of(record, len), out, &content)); /* twice */
    tls_aead_end(&opens);
  }
}

/* ---- numbers and keys ------------------------------------------------------------------------ */

/* The last number is not used, so that none comes twice. */
static void test_numbers_do_not_wrap(void **state) {
  (void)state;
  for (unsigned cipher = TLS_AEAD_AES_128; cipher < TLS_AEAD_CIPHERS; cipher++) {
    struct tls_aead seals = {0}, opens = {0};
    struct tls_aead_content content;
    const struct span text = span_of("hello", 5);
    uint8_t record[32], out[32];
    begin(&seals, cipher, UINT64_MAX - 1);
    begin(&opens, cipher, UINT64_MAX - 1);
    assert_true(tls_aead_seal(&seals, &pool, DATA, &text, 5, record));
    assert_true(tls_aead_open(&opens, &pool, span_of(record, 27), out, &content));
    assert_false(tls_aead_seal(&seals, &pool, DATA, &text, 5, record));
    assert_false(tls_aead_open(&opens, &pool, span_of(record, 27), out, &content));
    tls_aead_end(&seals);
    tls_aead_end(&opens);
  }
}

/* Other keys in the same place are used from their first record on, and none are left in the end. */
static void test_keys_are_replaced(void **state) {
  (void)state;
  static const struct tls_aead none;
  const struct span text = span_of("hello", 5);
  for (unsigned cipher = TLS_AEAD_AES_128; cipher < TLS_AEAD_CIPHERS; cipher++) {
    struct tls_aead aead = {0};
    uint8_t key[TLS_AEAD_KEY_BYTES] = {9}, first[27], second[27], third[27];
    begin(&aead, cipher, 0);
    assert_true(tls_aead_seal(&aead, &pool, DATA, &text, 5, first));
    assert_true(tls_aead_begin(&aead, &pool, cipher, key, key, 0));
    assert_true(tls_aead_seal(&aead, &pool, DATA, &text, 5, second));
    begin(&aead, cipher, 0);
    assert_true(tls_aead_seal(&aead, &pool, DATA, &text, 5, third));
    assert_memory_not_equal(first, second, sizeof first);
    assert_memory_equal(first, third, sizeof first);
    tls_aead_end(&aead);
    assert_memory_equal(&aead, &none, sizeof none);
    assert_false(tls_aead_is_on(&aead));
  }
}

/* The context that was lent forgets a key that has ended. */
static void test_keys_are_wiped(void **state) {
  (void)state;
  for (unsigned cipher = TLS_AEAD_AES_128; cipher < TLS_AEAD_CIPHERS; cipher++) {
    struct tls_aead_pool own;
    struct tls_aead aead = {0};
    uint8_t record[27];
    const struct span text = span_of("hello", 5);
    memcpy(&own, &pool, sizeof own);
    memset(own.at, 0, sizeof own.at);
    own.next = 0;
    begin(&aead, cipher, 0);
    assert_true(tls_aead_seal(&aead, &own, DATA, &text, 5, record));
    const struct tls_aead_context *context = &own.at[0];
    assert_ptr_equal(context->owner, &aead);
    tls_aead_end(&aead);
    assert_null(context->owner);
    if (context->ops == tls_aead_evp(cipher))
      assert_null(EVP_CIPHER_CTX_get0_cipher(context->state));
    else
      for (unsigned i = 0; i < MB_KEY_BYTES; i++)
        assert_int_equal(((const uint8_t *)context->state)[i], 0);
    tls_aead_pool_destroy(&own);
  }
}

/* A context that no record needed between two trims is gone, with its key. The next record prepares another. */
static void test_idle_contexts_are_dropped(void **state) {
  (void)state;
  const struct span text = span_of("hello", 5);
  uint8_t record[27];
  struct tls_aead busy = {0}, idle = {0};
  begin(&busy, TLS_AEAD_AES_128, 0);
  begin(&idle, TLS_AEAD_CHACHA20, 0);
  assert_true(tls_aead_seal(&idle, &pool, DATA, &text, 5, record));
  for (unsigned i = 0; i < 3; i++) {
    assert_true(tls_aead_seal(&busy, &pool, DATA, &text, 5, record));
    const struct tls_aead_context *lent = busy.lent;
    tls_aead_pool_trim(&pool);
    assert_ptr_equal(lent->owner, &busy);
    assert_int_equal(idle.lent->owner == &idle, i == 0);
    assert_int_equal(idle.lent->state != NULL, i == 0);
    assert_true(tls_aead_seal(&busy, &pool, DATA, &text, 5, record));
    assert_ptr_equal(busy.lent, lent);
  }
  assert_true(tls_aead_seal(&idle, &pool, DATA, &text, 5, record));
  assert_ptr_equal(idle.lent->owner, &idle);
  assert_int_equal(idle.sequence, 2);
  tls_aead_end(&busy);
  tls_aead_end(&idle);
}

static int setup(void **state) {
  (void)state;
  guard_init(&guard, tls_aead_bytes(TLS_RECORD_BYTES));
  guard_init(&from, TLS_RECORD_BYTES);
  tls_aead_pool_init(&pool);
  tls_aead_pool_init(&openssl);
  for (unsigned i = 1; i < TLS_AEAD_CIPHERS; i++) {
    openssl.ops[i] = tls_aead_evp(i);
    assert_non_null(openssl.ops[i]);
  }
  return 0;
}

static int setup_openssl(void **state) {
  setup(state);
  memcpy(pool.ops, openssl.ops, sizeof pool.ops);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  tls_aead_pool_destroy(&pool);
  tls_aead_pool_destroy(&openssl);
  guard_destroy(&guard);
  guard_destroy(&from);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known_records),
      cmocka_unit_test(test_lengths),
      cmocka_unit_test(test_libraries_agree),
      cmocka_unit_test(test_copied_spans),
      cmocka_unit_test(test_padding),
      cmocka_unit_test(test_wrong_records),
      cmocka_unit_test(test_numbers_do_not_wrap),
      cmocka_unit_test(test_keys_are_replaced),
      cmocka_unit_test(test_keys_are_wiped),
      cmocka_unit_test(test_idle_contexts_are_dropped),
  };
  int failed = cmocka_run_group_tests_name("OpenSSL", tests, setup_openssl, teardown);
  failed += cmocka_run_group_tests_name(tls_aead_library(TLS_AEAD_AES_128), tests, setup, teardown);
  return failed;
}
