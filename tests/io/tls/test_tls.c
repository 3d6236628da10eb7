/*
 * tls/test_tls.c - a TLS client machine against a TLS server machine: what they negotiate, and the
 * records that they exchange.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "io/base/error.h"
#include "io/tls/context.h"
#include "io/tls/facts.h"
#include "io/tls/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/tls_pair.h"

static struct io_error error;

/* ---- handshakes ------------------------------------------------------------------------------ */

static void test_alpn(void **state) {
  static const struct {
    const char *name;
    struct tls_choice choice;
    const char *expected; /* NULL: the handshake fails */
  } rows[] = {
      {"one in common", {.client_protocols = {"h2"}, .server_protocols = {"h2"}}, "h2"},
      {"the server's order decides",
       {.client_protocols = {"http/1.1", "spdy/3.1", "h2"}, .server_protocols = {"h2", "http/1.1"}},
       "h2"},
      {"second choice",
       {.client_protocols = {"x", "http/1.1"}, .server_protocols = {"h2", "http/1.1"}},
       "http/1.1"},
      {"a token's beginning is not the token",
       {.client_protocols = {"h2c", "h"}, .server_protocols = {"h2"}},
       NULL},
      {"RFC 7301 section 3.2: no overlap",
       {.client_protocols = {"http/1.1"}, .server_protocols = {"h2"}},
       NULL},
      {"client offers none", {.client_protocols = {0}, .server_protocols = {"h2"}}, ""},
      {"server has none", {.client_protocols = {"h2"}, .server_protocols = {0}}, ""},
  };
  static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (size_t v = 0; v < 2; v++) {
      struct tls_choice choice = rows[i].choice;
      choice.version = versions[v];
      struct tls_pair *pair = tls_pair_create(&choice);
      tls_pair_run(pair, 0, 65536);
      bool agreed = rows[i].expected != NULL;
      if (pair->server.end.created != agreed || pair->client.end.created != agreed)
        fail_msg("%s: version %x: handshake %s", rows[i].name, versions[v],
                 agreed ? "failed" : "succeeded");
      if (agreed) {
        assert_string_equal(pair->server.end.protocol, rows[i].expected);
        assert_string_equal(pair->client.end.protocol, rows[i].expected);
        assert_true(pair->server.end.peer.secure);
        assert_string_equal(pair->server.end.peer.secure_version, v == 0 ? "TLSv1.2" : "TLSv1.3");
        assert_int_equal(pair->server.end.peer.port, 4711);
      } else {
        assert_int_equal(tls_side_wants(&pair->server), MACHINE_DONE);
        assert_int_equal(tls_side_wants(&pair->client), MACHINE_DONE);
        assert_non_null(
            strstr(tls_machine_error(&pair->client.machine), "no application protocol"));
        assert_int_equal(pair->server.factory.counters.failed, 1);
        assert_string_equal(pair->client.factory.error, tls_machine_error(&pair->client.machine));
      }
      tls_pair_free(pair);
    }
}

/* ---- facts ----------------------------------------------------------------------------------- */

static void test_facts(void **state) {
  static const struct {
    struct tls_choice choice;
    struct tls_facts expected;
  } rows[] = {
      {{.version = 0}, {"TLSv1.3", "TLS_AES_128_GCM_SHA256", "x25519", false}},
      {{.suites_1_3 = "TLS_AES_256_GCM_SHA384"},
       {"TLSv1.3", "TLS_AES_256_GCM_SHA384", "x25519", false}},
      {{.version = TLS1_2_VERSION, .suites_1_2 = "ECDHE-ECDSA-CHACHA20-POLY1305"},
       {"TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305", "x25519", false}},
      {{.groups = "P-384"}, {"TLSv1.3", "TLS_AES_128_GCM_SHA256", "secp384r1", false}},
      {{.version = TLS1_2_VERSION, .groups = "P-256"},
       {"TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", "secp256r1", false}},
      /* A server without lists of its own follows the client's order; with lists it does not. */
      {{.suites_1_3 = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"},
       {"TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256", "x25519", false}},
      {{.suites_1_3 = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
        .server_suites_1_3 = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"},
       {"TLSv1.3", "TLS_AES_128_GCM_SHA256", "x25519", false}},
      {{.version = TLS1_2_VERSION,
        .server_suites_1_2 = "AES128-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-GCM-SHA384"},
       {"TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384", "x25519", false}},
      {{.server_groups = "P-384"}, {"TLSv1.3", "TLS_AES_128_GCM_SHA256", "secp384r1", false}},
      /* One that the client's list does not begin with, nor the server's policy. */
      {{.groups = "P-521"}, {"TLSv1.3", "TLS_AES_128_GCM_SHA256", "secp521r1", false}},
      {{.resume = true}, {"TLSv1.3", "TLS_AES_128_GCM_SHA256", "x25519", true}},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct tls_pair *pair = tls_pair_create(&rows[i].choice);
    tls_pair_run(pair, 0, 65536);
    if (rows[i].choice.resume) {
      tls_pair_reconnect(pair);
      tls_pair_run(pair, 0, 65536);
    }
    const struct tls_facts facts = tls_machine_facts(&pair->client.machine);
    assert_string_equal(facts.version, rows[i].expected.version);
    assert_string_equal(facts.cipher, rows[i].expected.cipher);
    assert_string_equal(facts.group, rows[i].expected.group);
    assert_int_equal(facts.resumed, rows[i].expected.resumed);
    assert_string_equal(pair->server.end.peer.secure_group, rows[i].expected.group);
    const struct tls_counters *counters = &pair->server.factory.counters;
    const uint64_t *counter = strcmp(facts.group, "x25519") == 0      ? &counters->group_x25519
                              : strcmp(facts.group, "secp256r1") == 0 ? &counters->group_secp256r1
                              : strcmp(facts.group, "secp384r1") == 0 ? &counters->group_secp384r1
                                                                      : &counters->group_other;
    assert_int_equal(*counter, counters->handshakes);
    tls_pair_free(pair);
  }
}

/* A server's lists that leave nothing, or that OpenSSL does not know. */
static void test_wrong_suites(void **state) {
  static const struct {
    struct tls_settings settings;
    const char *error;
  } rows[] = {
      {{.suites_1_2 = "AES128-SHA"}, "AES128-SHA: no cipher of TLS 1.2 with ECDHE and AEAD"},
      {{.suites_1_2 = "nonsense"}, "nonsense: OpenSSL has no such cipher"},
      {{.suites_1_3 = "nonsense"}, "nonsense: OpenSSL has no such cipher"},
      {{.groups = "nonsense"}, "nonsense: OpenSSL has no such group"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct tls_settings settings = rows[i].settings;
    settings.certificate = &tls_pair_certificate;
    assert_null(tls_context_create(&settings, &error));
    assert_memory_equal(error.text, rows[i].error, strlen(rows[i].error));
  }
}

/* ---- transfers ------------------------------------------------------------------------------- */

/* Who has OpenSSL go on after the handshake of TLS 1.3. */
enum { NOBODY, CLIENT = 1, SERVER = 2 };

static void transfer(int version, unsigned openssl, uint64_t up, uint64_t down, uint64_t seed,
                     size_t cut) {
  struct tls_choice choice = tls_choice_plain;
  choice.version = version;
  choice.client_openssl = openssl & CLIENT;
  choice.server_openssl = openssl & SERVER;
  choice.up_bytes = up;
  choice.down_bytes = down;
  struct tls_pair *pair = tls_pair_create(&choice);
  tls_pair_run(pair, seed, cut);
  if (pair->server.end.received != up || pair->client.end.received != down ||
      pair->server.end.wrong || pair->client.end.wrong)
    fail_msg("version %x, OpenSSL %u, seed %llu, cut %zu: up %llu of %llu, down %llu of %llu",
             version, openssl, (unsigned long long)seed, cut,
             (unsigned long long)pair->server.end.received, (unsigned long long)up,
             (unsigned long long)pair->client.end.received, (unsigned long long)down);
  assert_int_equal(pair->server.factory.slabs.full.taken, 0);
  assert_int_equal(pair->server.factory.counters.bytes_encrypted, down);
  assert_int_equal(pair->server.factory.counters.bytes_decrypted, up);
  tls_pair_free(pair);
}

static void test_transfers(void **state) {
  (void)state;
  static const struct {
    int version;
    unsigned openssl;
  } rows[] = {{TLS1_2_VERSION, NOBODY},
              {TLS1_3_VERSION, NOBODY},
              {TLS1_3_VERSION, CLIENT},
              {TLS1_3_VERSION, SERVER}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const int version = rows[i].version;
    const unsigned openssl = rows[i].openssl;
    transfer(version, openssl, 3000, 3000, 0, 1); /* byte by byte, handshake included */
    transfer(version, openssl, 0, 0, 0, 7);
    transfer(version, openssl, 5 << 20, 5 << 20, 0, 1 << 20);
    for (uint64_t seed = 1; seed <= 40; seed++)
      transfer(version, openssl, 300000, 300000, seed * 7919, seed % 2 ? 40000 : 900);
  }
}

/* The inner machine stops reading. Bytes under way wait and arrive complete afterwards, even if
 * no further input triggers that. */
static void test_inner_stops_reading(void **state) {
  (void)state;
  struct tls_choice choice = tls_choice_plain;
  choice.up_bytes = 1 << 20;
  struct tls_pair *pair = tls_pair_create(&choice);
  pair->server.end.receive_max = 100001;
  tls_pair_run(pair, 0, 1 << 20);
  assert_int_equal(pair->server.end.received, 100001);
  assert_false(tls_side_wants(&pair->server) & MACHINE_RECV);
  /* The bytes that the machine took in and could not pass on are bounded. The rest stays with
   * the host. */
  assert_true(pair->up.end - pair->up.begin > (1 << 20) - 100001 - TLS_PLAINTEXT_BYTES);
  for (uint64_t max = 200000; max < 1100000; max += 3333) {
    pair->server.end.receive_max = max;
    tls_pair_run(pair, max, 50000);
    assert_int_equal(pair->server.end.received, max < 1 << 20 ? max : 1 << 20);
    assert_int_equal(pair->server.end.wrong, 0);
  }
  tls_pair_free(pair);
}

/* The end of input comes after the waiting plaintext. */
static void test_eof_after_kept(void **state) {
  (void)state;
  struct tls_choice choice = tls_choice_plain;
  choice.up_bytes = 10000;
  struct tls_pair *pair = tls_pair_create(&choice);
  pair->client.end.done = true;
  pair->server.end.receive_max = 5;
  tls_pair_run(pair, 0, 1 << 20);
  struct machine *server = &pair->server.machine;
  assert_int_equal(pair->server.end.received, 5);
  assert_false(pair->server.end.eof);
  pair->server.end.receive_max = UINT64_MAX;
  assert_true(tls_side_wants(&pair->server) & MACHINE_SEND);
  tls_pair_run(pair, 0, 1 << 20);
  server->ops->recv_eof(server->self, pair->now_ns);
  assert_int_equal(pair->server.end.received, 10000);
  assert_true(pair->server.end.eof);
  assert_int_equal(pair->server.factory.counters.truncated, 0);
  tls_pair_free(pair);
}

/* ---- records on the wire --------------------------------------------------------------------- */

/* Peeks everything. Returns the number of application records and the length of the longest. */
static size_t count_records(struct tls_pair *pair, size_t *longest) {
  struct machine *server = &pair->server.machine;
  struct span span;
  size_t records = 0;
  *longest = 0;
  while (server->ops->send_peek(server->self, &span, 1, 1 << 20, pair->now_ns) > 0) {
    for (size_t at = 0; at < span.len; records++) {
      size_t len = 5 + (size_t)span.base[at + 3] * 256 + span.base[at + 4];
      if (len > *longest) *longest = len;
      at += len;
    }
    server->ops->send_ack(server->self, span.len, pair->now_ns);
  }
  return records;
}

static void test_small_spans_share_a_record(void **state) {
  (void)state;
  struct tls_pair *pair = tls_pair_create(&tls_choice_plain);
  size_t longest;
  tls_pair_run(pair, 0, 65536);
  pair->server.end.span_bytes = 9;
  pair->server.end.send_total = 120;
  assert_int_equal(count_records(pair, &longest), 1);
  assert_int_equal(longest, 120 + 5 + 1 + 16);
  tls_pair_free(pair);
}

static void test_record_sizes(void **state) {
  (void)state;
  struct tls_pair *pair = tls_pair_create(&tls_choice_plain);
  size_t longest;
  tls_pair_run(pair, 0, 65536);
  pair->server.end.send_total = TLS_SMALL_RECORDS_BYTES - 1000;
  assert_int_equal(count_records(pair, &longest), 25);
  assert_int_equal(longest, TLS_SMALL_RECORD_BYTES + 22);
  pair->server.end.send_total += 1000000; /* a long answer continues in full records */
  assert_in_range(count_records(pair, &longest), 60, 70);
  assert_int_equal(longest, TLS_RECORD_BYTES + 22);
  for (unsigned longer = 0; longer < 2; longer++) { /* and after a pause begins again */
    pair->now_ns += TLS_IDLE_NS + longer;
    pair->server.end.send_total += 20000;
    count_records(pair, &longest);
    assert_int_equal(longest, (longer ? TLS_SMALL_RECORD_BYTES : TLS_RECORD_BYTES) + 22);
  }
  tls_pair_free(pair);
}

/* A peer that does not read: one slab, and no more than the budget is chosen ahead. */
static void test_unread_output_is_bounded(void **state) {
  (void)state;
  struct tls_choice choice = tls_choice_plain;
  choice.down_bytes = 10 << 20;
  struct tls_pair *pair = tls_pair_create(&choice);
  struct machine *server = &pair->server.machine;
  struct span span;
  pair->server.end.send_total = 0;
  tls_pair_run(pair, 0, 65536);
  pair->server.end.send_total = 10 << 20;
  for (int i = 0; i < 100; i++)
    assert_int_equal(server->ops->send_peek(server->self, &span, 1, 20000, pair->now_ns), 1);
  assert_in_range(span.len, 20000, 20000 + TLS_RECORD_BYTES + TLS_RECORD_OVERHEAD_BYTES);
  assert_true(pair->server.end.sent < 20000 + TLS_RECORD_BYTES);
  for (int i = 0; i < 100; i++)
    assert_int_equal(server->ops->send_peek(server->self, &span, 1, 10 << 20, pair->now_ns), 1);
  assert_true(span.len <= TLS_SLAB_BYTES);
  assert_int_equal(pair->server.factory.slabs.full.taken, 1);
  tls_pair_free(pair);
}

/* Sends what the server has, in slabs; the first is `first` bytes long, and none is longer than `most` after 128 KiB. */
static void send_slabs(struct tls_pair *pair, size_t first, size_t most) {
  struct machine *server = &pair->server.machine;
  struct span span;
  for (size_t total = 0; server->ops->send_peek(server->self, &span, 1, 10 << 20, pair->now_ns);) {
    if (total == 0) assert_in_range(span.len, first, TLS_SLAB_BYTES);
    if (total >= TLS_LONG_BYTES) assert_true(span.len <= most);
    total += span.len;
    server->ops->send_ack(server->self, span.len, pair->now_ns);
  }
}

/* A few small answers go at once; of a long one, less is encrypted ahead. */
static void test_less_is_ahead_of_a_long_answer(void **state) {
  (void)state;
  struct tls_pair *pair = tls_pair_create(&tls_choice_plain);
  pair->server.end.send_total = 0;
  tls_pair_run(pair, 0, 65536);
  for (int answers = 0; answers < 3; answers++) {
    pair->server.end.send_total += 100000;
    send_slabs(pair, 100000, TLS_AHEAD_BYTES);
  }
  pair->server.end.send_total += 10 << 20;
  send_slabs(pair, 2 * TLS_AHEAD_BYTES - TLS_RECORD_BYTES, TLS_AHEAD_BYTES);
  tls_pair_free(pair);
}

static uint32_t slabs_made(const struct tls_slab_pool *pool) {
  return pool->full.made + pool->lean.made;
}

static bool is_mapped(void *page) {
  unsigned char resident;
  return mincore(page, 1, &resident) == 0;
}

/* Gives each of the slabs a byte. */
static void take_slabs(struct tls_slab_pool *pool, struct tls_slab *slabs, size_t count) {
  for (size_t i = 0; i < count; i++) {
    slabs[i] = (struct tls_slab){.pool = pool};
    assert_int_equal(tls_slab_append(&slabs[i], "x", 1), 1);
  }
}

static void give_slabs(struct tls_slab *slabs, size_t count) {
  for (size_t i = 0; i < count; i++)
    tls_slab_consume(&slabs[i], 1);
}

/* Beyond TLS_SLABS_FULL slabs, one record at a time. Slabs are mapped as they are taken. */
static void test_crowded_slabs(void **state) {
  (void)state;
  enum { COUNT = TLS_SLABS_FULL + 10 };
  static struct tls_slab slabs[COUNT];
  struct tls_slab_pool pool;
  tls_slab_pool_init(&pool);
  for (uint32_t i = 0; i < COUNT; i++) {
    uint32_t bytes = i < TLS_SLABS_FULL ? TLS_SLAB_BYTES : TLS_SLAB_LEAN_BYTES;
    slabs[i] = (struct tls_slab){.pool = &pool};
    assert_int_equal(tls_slab_room(&slabs[i]), bytes - TLS_SLAB_RESERVE_BYTES);
    take_slabs(&pool, &slabs[i], 1);
    assert_int_equal(tls_slab_room(&slabs[i]), bytes - TLS_SLAB_RESERVE_BYTES - 1);
    assert_int_equal(slabs_made(&pool), (i / TLS_SLAB_CHUNK + 1) * TLS_SLAB_CHUNK);
  }
  /* One that several records fit into is free again: the next connection gets it. */
  uint8_t *base = slabs[7].base;
  tls_slab_clear(&slabs[7]);
  assert_int_equal(tls_slab_room(&slabs[7]), TLS_SLAB_BYTES - TLS_SLAB_RESERVE_BYTES);
  take_slabs(&pool, &slabs[7], 1);
  assert_ptr_equal(slabs[7].base, base);
  give_slabs(slabs, COUNT);
  assert_int_equal(pool.full.taken + pool.lean.taken, 0);
  tls_slab_pool_destroy(&pool);
}

/* A slab holds what was written until all is sent, and no other slab's bytes. */
static void test_slabs_do_not_overlap(void **state) {
  (void)state;
  enum { COUNT = TLS_SLABS_FULL + TLS_SLAB_CHUNK + 1 };
  static struct tls_slab slabs[COUNT];
  static uint8_t fill[TLS_SLAB_BYTES];
  struct tls_slab_pool pool;
  tls_slab_pool_init(&pool);
  for (size_t i = 0; i < COUNT; i++) {
    size_t bytes = i < TLS_SLABS_FULL ? TLS_SLAB_BYTES : TLS_SLAB_LEAN_BYTES;
    slabs[i] = (struct tls_slab){.pool = &pool};
    memset(fill, (int)i & 0xff, sizeof fill);
    assert_int_equal(tls_slab_append(&slabs[i], fill, sizeof fill), bytes);
    assert_int_equal(tls_slab_append(&slabs[i], fill, 1), 0);
    assert_int_equal(tls_slab_room(&slabs[i]), 0);
    assert_non_null(slabs[i].base);
  }
  for (size_t i = 0; i < COUNT; i++) {
    memset(fill, (int)i & 0xff, sizeof fill);
    assert_memory_equal(slabs[i].base, fill, tls_slab_unsent(&slabs[i]));
    tls_slab_clear(&slabs[i]);
  }
  tls_slab_pool_destroy(&pool);
}

/* A trim unmaps chunks that were not needed since the last one. */
static void test_idle_slabs_are_unmapped(void **state) {
  (void)state;
  enum { COUNT = 3 * TLS_SLAB_CHUNK };
  static struct tls_slab slabs[COUNT];
  uint8_t *pages[3];
  struct tls_slab_pool pool;
  tls_slab_pool_init(&pool);
  take_slabs(&pool, slabs, COUNT);
  for (size_t i = 0; i < 3; i++)
    pages[i] = slabs[i * TLS_SLAB_CHUNK].base;
  struct tls_slab *held = &slabs[TLS_SLAB_CHUNK + 3]; /* of the second chunk */
  give_slabs(slabs, (size_t)(held - slabs));
  give_slabs(held + 1, (size_t)(slabs + COUNT - held - 1));
  tls_slab_pool_trim(&pool); /* all were needed a moment ago */
  assert_int_equal(slabs_made(&pool), COUNT);
  tls_slab_pool_trim(&pool);
  assert_int_equal(slabs_made(&pool), TLS_SLAB_CHUNK);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(is_mapped(pages[i]), i == 1);
  assert_int_equal(held->base[0], 'x');
  give_slabs(held, 1);
  tls_slab_pool_trim(&pool);
  tls_slab_pool_trim(&pool);
  assert_int_equal(slabs_made(&pool), 0);
  assert_false(is_mapped(pages[1]));
  tls_slab_pool_destroy(&pool);
}

/* A crowd's slabs go a part at a time, so that no turn is long; destroying takes the rest. */
static void test_slabs_are_trimmed_in_parts(void **state) {
  (void)state;
  enum { LEAN = (TLS_SLAB_TRIM_CHUNKS + 5) * TLS_SLAB_CHUNK, COUNT = TLS_SLABS_FULL + LEAN };
  static struct tls_slab slabs[COUNT];
  struct tls_slab_pool pool;
  tls_slab_pool_init(&pool);
  take_slabs(&pool, slabs, COUNT);
  give_slabs(slabs, COUNT);
  tls_slab_pool_trim(&pool);
  assert_int_equal(slabs_made(&pool), COUNT);
  tls_slab_pool_trim(&pool);
  assert_int_equal(pool.full.made, 0);
  assert_int_equal(pool.lean.made, 5 * TLS_SLAB_CHUNK);
  take_slabs(&pool, slabs, TLS_SLABS_FULL + 1);
  uint8_t *full = slabs[0].base, *lean = slabs[TLS_SLABS_FULL].base;
  give_slabs(slabs, TLS_SLABS_FULL + 1);
  tls_slab_pool_destroy(&pool);
  assert_false(is_mapped(full));
  assert_false(is_mapped(lean));
}

/* From now on nothing more can be mapped. */
static struct rlimit refuse_mappings(void) {
  struct rlimit before, none;
  assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
  none = (struct rlimit){.rlim_cur = 1, .rlim_max = before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
  return before;
}

/* Without memory for a slab a connection ends, and no other. */
static void test_no_memory_for_a_slab(void **state) {
  (void)state;
  struct tls_pair *pair = tls_pair_create(&tls_choice_plain);
  struct machine *server = &pair->server.machine;
  struct tls_slab_pool *pool = &pair->server.factory.slabs;
  struct span span;
  tls_pair_run(pair, 0, 65536);
  tls_slab_pool_trim(pool);
  tls_slab_pool_trim(pool);
  assert_int_equal(slabs_made(pool), 0);
  pair->server.end.send_total += 1000;
  struct rlimit before = refuse_mappings();
  size_t spans = server->ops->send_peek(server->self, &span, 1, 65536, pair->now_ns);
  assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
  assert_int_equal(spans, 0);
  assert_int_equal(tls_side_wants(&pair->server), MACHINE_DONE);
  assert_true(pair->server.end.closed);
  tls_pair_free(pair);
}

/* Authorities in a text that has none, or a damaged one. */
static void test_bad_authorities(void **state) {
  static const char *const texts[] = {
      "", "hello", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"};
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    const struct tls_settings settings = {.client = true, .verify = true, .ca_pem = texts[i]};
    assert_null(tls_context_create(&settings, &error));
    assert_memory_equal(error.text, "certificate authorities: ", 25);
  }
}

int main(void) {
  tls_pair_begin();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_facts),
      cmocka_unit_test(test_wrong_suites),
      cmocka_unit_test(test_alpn),
      cmocka_unit_test(test_transfers),
      cmocka_unit_test(test_inner_stops_reading),
      cmocka_unit_test(test_eof_after_kept),
      cmocka_unit_test(test_small_spans_share_a_record),
      cmocka_unit_test(test_record_sizes),
      cmocka_unit_test(test_unread_output_is_bounded),
      cmocka_unit_test(test_less_is_ahead_of_a_long_answer),
      cmocka_unit_test(test_crowded_slabs),
      cmocka_unit_test(test_slabs_do_not_overlap),
      cmocka_unit_test(test_idle_slabs_are_unmapped),
      cmocka_unit_test(test_slabs_are_trimmed_in_parts),
      cmocka_unit_test(test_no_memory_for_a_slab),
      cmocka_unit_test(test_bad_authorities),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  tls_pair_end();
  return failed;
}
