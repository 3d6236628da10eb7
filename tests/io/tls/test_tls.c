/*
 * tls/test_tls.c - a TLS client machine against a TLS server machine, and raw OpenSSL clients that
 * misbehave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "io/base/error.h"
#include "io/base/limits.h"
#include "io/tls/certificate.h"
#include "io/tls/context.h"
#include "io/tls/tls.h"
#include "tests/support/end.h"
#include "tests/support/pipe.h"
#include "tests/support/shifted_clock.h"

#define SECOND           UINT64_C(1000000000)
#define TICKET_KEY_CLOCK CLOCK_MONOTONIC_COARSE /* what ages ticket keys */

static struct certificate certificate;
static struct io_error error;

/* ---- what OpenSSL has allocated -------------------------------------------------------------- */

static size_t openssl_bytes;

static void *count_malloc(size_t len, const char *file, int line) {
  (void)file, (void)line;
  size_t *object = malloc(len + 16);
  if (!object) return NULL;
  *object = len;
  __atomic_add_fetch(&openssl_bytes, len, __ATOMIC_RELAXED);
  return (char *)object + 16;
}

static void count_free(void *pointer, const char *file, int line) {
  (void)file, (void)line;
  if (!pointer) return;
  size_t *object = (size_t *)((char *)pointer - 16);
  __atomic_sub_fetch(&openssl_bytes, *object, __ATOMIC_RELAXED);
  free(object);
}

static void *count_realloc(void *pointer, size_t len, const char *file, int line) {
  void *made = len ? count_malloc(len, file, line) : NULL;
  if (made && pointer) {
    size_t old = *(size_t *)((char *)pointer - 16);
    memcpy(made, pointer, old < len ? old : len);
  }
  if (made || !len) count_free(pointer, file, line);
  return made;
}

/* ---- a client and a server ------------------------------------------------------------------- */

struct side {
  struct tls_context *context;
  struct tls_factory factory;
  struct machine machine;
  struct machine_host host;
  struct end end;
  uint64_t wakes;
};

struct pair {
  struct side client, server;
  struct pipe up, down; /* client to server, server to client */
  uint64_t now_ns;
};

struct choice {
  const char *client_protocols[4], *server_protocols[4];
  int version; /* 0: any */
  uint64_t up_bytes, down_bytes;
  bool verify, resume;
  const char *ca_path, *name;
};

static void ignore_wake(struct machine_host *host) {
  (void)host;
}

static size_t count_of(const char *const *list) {
  size_t count = 0;
  while (count < 4 && list[count])
    count++;
  return count;
}

static struct tls_context *make_context(const struct choice *choice, bool client) {
  const char *const *protocols = client ? choice->client_protocols : choice->server_protocols;
  struct tls_settings settings = {
      .client = client,
      .certificate = client ? NULL : &certificate,
      .protocols = protocols,
      .protocol_count = count_of(protocols),
      .verify = choice->verify,
      .ca_path = choice->ca_path,
      .resume = choice->resume,
      .version_min = choice->version,
      .version_max = choice->version,
  };
  struct tls_context *context = tls_context_create(&settings, &error);
  if (!context) fail_msg("%s", error.text);
  return context;
}

static void make_machine(struct side *side, uint64_t now_ns) {
  struct machine_factory factory = tls_factory_machines(&side->factory);
  struct machine_peer peer = {.application_protocol = "", .port = 4711};
  side->host.wake = ignore_wake;
  assert_true(factory.create(factory.ctx, &peer, &side->host, now_ns, &side->machine));
}

static void side_init(struct side *side, const struct choice *choice, bool client) {
  struct machine_factory inner = {.ctx = &side->end, .create = end_create};
  memset(side, 0, sizeof *side);
  side->context = make_context(choice, client);
  assert_true(
      tls_factory_init(&side->factory, side->context, &inner, 4, client ? choice->name : NULL));
  end_init(&side->end, client ? choice->up_bytes : choice->down_bytes);
}

static struct pair *pair_create(const struct choice *choice) {
  struct pair *pair = calloc(1, sizeof *pair);
  pair->now_ns = SECOND;
  side_init(&pair->client, choice, true);
  side_init(&pair->server, choice, false);
  make_machine(&pair->client, pair->now_ns);
  make_machine(&pair->server, pair->now_ns);
  return pair;
}

static void side_close(struct side *side) {
  if (side->machine.ops) side->machine.ops->close(side->machine.self);
  side->machine.ops = NULL;
}

/* Closes the connection and makes another one between the same factories. */
static void pair_reconnect(struct pair *pair) {
  side_close(&pair->client);
  side_close(&pair->server);
  pair->up.begin = pair->up.end = pair->down.begin = pair->down.end = 0;
  end_init(&pair->client.end, pair->client.end.send_total);
  end_init(&pair->server.end, pair->server.end.send_total);
  make_machine(&pair->client, pair->now_ns);
  make_machine(&pair->server, pair->now_ns);
}

static void pair_free(struct pair *pair) {
  side_close(&pair->client);
  side_close(&pair->server);
  tls_factory_destroy(&pair->client.factory);
  tls_factory_destroy(&pair->server.factory);
  tls_context_free(pair->client.context);
  tls_context_free(pair->server.context);
  free(pair->up.base);
  free(pair->down.base);
  free(pair);
}

/* Until nothing moves. With `seed`, the bytes are cut at random into pieces of up to `cut`. */
static void pair_run(struct pair *pair, uint64_t seed, size_t cut) {
  struct random random = {seed};
  for (int idle = 0; idle < 3; idle++) {
    size_t a = seed ? 1 + random_below(&random, (uint32_t)cut) : cut;
    size_t b = seed ? 1 + random_below(&random, (uint32_t)cut) : cut;
    size_t budget = seed ? 1 + random_below(&random, 100000) : 65536;
    if (pipe_step(&pair->up, &pair->client.machine, &pair->server.machine, a, budget, pair->now_ns))
      idle = -1;
    if (pipe_step(&pair->down, &pair->server.machine, &pair->client.machine, b, budget,
                  pair->now_ns))
      idle = -1;
  }
}

static unsigned wants(const struct side *side) {
  return side->machine.ops->wants(side->machine.self);
}

static const struct choice plain = {.client_protocols = {"h2"}, .server_protocols = {"h2"}};

/* ---- handshakes ------------------------------------------------------------------------------ */

static void test_alpn(void **state) {
  static const struct {
    const char *name;
    struct choice choice;
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
      struct choice choice = rows[i].choice;
      choice.version = versions[v];
      struct pair *pair = pair_create(&choice);
      pair_run(pair, 0, 65536);
      bool agreed = rows[i].expected != NULL;
      if (pair->server.end.created != agreed || pair->client.end.created != agreed)
        fail_msg("%s: version %x: handshake %s", rows[i].name, versions[v],
                 agreed ? "failed" : "succeeded");
      if (agreed) {
        assert_string_equal(pair->server.end.protocol, rows[i].expected);
        assert_string_equal(pair->client.end.protocol, rows[i].expected);
        assert_true(pair->server.end.peer.secure);
        assert_int_equal(pair->server.end.peer.port, 4711);
      } else {
        assert_int_equal(wants(&pair->server), MACHINE_DONE);
        assert_int_equal(wants(&pair->client), MACHINE_DONE);
        assert_non_null(
            strstr(tls_machine_error(&pair->client.machine), "no application protocol"));
        assert_int_equal(pair->server.factory.counters.failed, 1);
        assert_string_equal(pair->client.factory.error, tls_machine_error(&pair->client.machine));
      }
      pair_free(pair);
    }
}

/* ---- transfers ------------------------------------------------------------------------------- */

static void transfer(int version, uint64_t up, uint64_t down, uint64_t seed, size_t cut) {
  struct choice choice = plain;
  choice.version = version;
  choice.up_bytes = up;
  choice.down_bytes = down;
  struct pair *pair = pair_create(&choice);
  pair_run(pair, seed, cut);
  if (pair->server.end.received != up || pair->client.end.received != down ||
      pair->server.end.wrong || pair->client.end.wrong)
    fail_msg("version %x, seed %llu, cut %zu: up %llu of %llu, down %llu of %llu", version,
             (unsigned long long)seed, cut, (unsigned long long)pair->server.end.received,
             (unsigned long long)up, (unsigned long long)pair->client.end.received,
             (unsigned long long)down);
  assert_int_equal(pair->server.factory.slabs.taken, 0);
  assert_int_equal(pair->server.factory.counters.bytes_encrypted, down);
  assert_int_equal(pair->server.factory.counters.bytes_decrypted, up);
  pair_free(pair);
}

static void test_transfers(void **state) {
  (void)state;
  static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  for (size_t v = 0; v < 2; v++) {
    transfer(versions[v], 3000, 3000, 0, 1); /* byte by byte, handshake included */
    transfer(versions[v], 0, 0, 0, 7);
    transfer(versions[v], 5 << 20, 5 << 20, 0, 1 << 20);
    for (uint64_t seed = 1; seed <= 40; seed++)
      transfer(versions[v], 300000, 300000, seed * 7919, seed % 2 ? 40000 : 900);
  }
}

/* The inner machine stops reading; what is in the air waits, and comes whole afterwards, even when
 * no further input arrives to set it off. */
static void test_inner_stops_reading(void **state) {
  (void)state;
  struct choice choice = plain;
  choice.up_bytes = 1 << 20;
  struct pair *pair = pair_create(&choice);
  pair->server.end.receive_max = 100001;
  pair_run(pair, 0, 1 << 20);
  assert_int_equal(pair->server.end.received, 100001);
  assert_false(wants(&pair->server) & MACHINE_RECV);
  /* What the machine took in and could not hand on is bounded; the rest stays with the host. */
  assert_true(pair->up.end - pair->up.begin > (1 << 20) - 100001 - TLS_PLAINTEXT_BYTES);
  for (uint64_t max = 200000; max < 1100000; max += 3333) {
    pair->server.end.receive_max = max;
    pair_run(pair, max, 50000);
    assert_int_equal(pair->server.end.received, max < 1 << 20 ? max : 1 << 20);
    assert_int_equal(pair->server.end.wrong, 0);
  }
  pair_free(pair);
}

/* The end of input stays behind the plaintext that waits. */
static void test_eof_after_kept(void **state) {
  (void)state;
  struct choice choice = plain;
  choice.up_bytes = 10000;
  struct pair *pair = pair_create(&choice);
  pair->client.end.done = true;
  pair->server.end.receive_max = 5;
  pair_run(pair, 0, 1 << 20);
  struct machine *server = &pair->server.machine;
  assert_int_equal(pair->server.end.received, 5);
  assert_false(pair->server.end.eof);
  pair->server.end.receive_max = UINT64_MAX;
  assert_true(wants(&pair->server) & MACHINE_SEND);
  pair_run(pair, 0, 1 << 20);
  server->ops->recv_eof(server->self, pair->now_ns);
  assert_int_equal(pair->server.end.received, 10000);
  assert_true(pair->server.end.eof);
  assert_int_equal(pair->server.factory.counters.truncated, 0);
  pair_free(pair);
}

/* ---- records on the wire --------------------------------------------------------------------- */

/* Peeks everything, returns how many application records that is and the longest one's length. */
static size_t count_records(struct pair *pair, size_t *longest) {
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
  struct pair *pair = pair_create(&plain);
  size_t longest;
  pair_run(pair, 0, 65536);
  pair->server.end.span_bytes = 9;
  pair->server.end.send_total = 120;
  assert_int_equal(count_records(pair, &longest), 1);
  assert_int_equal(longest, 120 + 5 + 1 + 16);
  pair_free(pair);
}

static void test_record_sizes(void **state) {
  (void)state;
  struct pair *pair = pair_create(&plain);
  size_t longest;
  pair_run(pair, 0, 65536);
  pair->server.end.send_total = TLS_SMALL_RECORDS_BYTES - 1000;
  assert_int_equal(count_records(pair, &longest), 25);
  assert_int_equal(longest, TLS_SMALL_RECORD_BYTES + 22);
  pair->server.end.send_total += 1000000; /* a long answer goes on in whole records */
  assert_in_range(count_records(pair, &longest), 60, 70);
  assert_int_equal(longest, TLS_RECORD_BYTES + 22);
  for (unsigned longer = 0; longer < 2; longer++) { /* and after a pause begins anew */
    pair->now_ns += TLS_IDLE_NS + longer;
    pair->server.end.send_total += 20000;
    count_records(pair, &longest);
    assert_int_equal(longest, (longer ? TLS_SMALL_RECORD_BYTES : TLS_RECORD_BYTES) + 22);
  }
  pair_free(pair);
}

/* A peer that does not read: one slab, no more than the budget is chosen ahead. */
static void test_unread_output_is_bounded(void **state) {
  (void)state;
  struct choice choice = plain;
  choice.down_bytes = 10 << 20;
  struct pair *pair = pair_create(&choice);
  struct machine *server = &pair->server.machine;
  struct span span;
  pair->server.end.send_total = 0;
  pair_run(pair, 0, 65536);
  pair->server.end.send_total = 10 << 20;
  for (int i = 0; i < 100; i++)
    assert_int_equal(server->ops->send_peek(server->self, &span, 1, 20000, pair->now_ns), 1);
  assert_in_range(span.len, 20000, 20000 + TLS_RECORD_BYTES + TLS_RECORD_OVERHEAD_BYTES);
  assert_true(pair->server.end.sent < 20000 + TLS_RECORD_BYTES);
  for (int i = 0; i < 100; i++)
    assert_int_equal(server->ops->send_peek(server->self, &span, 1, 10 << 20, pair->now_ns), 1);
  assert_true(span.len <= TLS_SLAB_BYTES);
  assert_int_equal(pair->server.factory.slabs.taken, 1);
  pair_free(pair);
}

/* Beyond TLS_SLABS_FULL slabs, one record at a time. */
static void test_crowded_slabs(void **state) {
  (void)state;
  static struct tls_slab slabs[TLS_SLABS_FULL + 10];
  struct tls_slab_pool pool;
  const size_t count = sizeof slabs / sizeof *slabs;
  assert_true(tls_slab_pool_init(&pool, (uint32_t)count));
  for (size_t i = 0; i < count; i++) {
    slabs[i] = (struct tls_slab){.pool = &pool};
    size_t room = tls_slab_room(&slabs[i]);
    assert_int_equal(room, i < TLS_SLABS_FULL ? TLS_SLAB_BYTES - TLS_SLAB_RESERVE_BYTES
                                              : TLS_RECORD_BYTES + TLS_RECORD_OVERHEAD_BYTES);
    assert_int_equal(tls_slab_append(&slabs[i], "x", 1), 1);
    assert_int_equal(tls_slab_room(&slabs[i]), room - 1);
  }
  for (size_t i = 0; i < count; i++)
    tls_slab_consume(&slabs[i], 1);
  assert_int_equal(pool.taken, 0);
  unsigned char resident[TLS_SLAB_BYTES / 4096];
  for (int trims = 0; trims < 2; trims++) { /* needed a moment ago; needed no more */
    tls_slab_pool_trim(&pool);
    for (size_t i = 0; i < count; i++) {
      assert_int_equal(mincore(pool.base + i * TLS_SLAB_BYTES, TLS_SLAB_BYTES, resident), 0);
      assert_int_equal(resident[0] & 1, trims == 0);
    }
  }
  tls_slab_pool_destroy(&pool);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void test_orderly_close(void **state) {
  (void)state;
  static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  for (size_t v = 0; v < 2; v++) {
    struct choice choice = plain;
    choice.version = versions[v];
    choice.down_bytes = 50000;
    struct pair *pair = pair_create(&choice);
    pair->server.end.done = true; /* as soon as all is sent */
    pair_run(pair, 0, 10000);
    assert_true(pair->server.end.closed);
    assert_int_equal(wants(&pair->server), MACHINE_DONE);
    assert_int_equal(pair->client.end.received, 50000);
    assert_true(pair->client.end.eof);
    assert_int_equal(pair->client.factory.counters.truncated, 0);
    /* The other half is still open. */
    pair->client.end.done = true;
    pair_run(pair, 0, 10000);
    assert_int_equal(wants(&pair->client), MACHINE_DONE);
    pair_free(pair);
  }
}

static void test_truncation(void **state) {
  (void)state;
  struct pair *pair = pair_create(&plain);
  struct machine *server = &pair->server.machine;
  pair_run(pair, 0, 65536);
  server->ops->recv_eof(server->self, pair->now_ns);
  server->ops->recv_eof(server->self, pair->now_ns);
  assert_true(pair->server.end.eof);
  assert_int_equal(pair->server.factory.counters.truncated, 1);
  pair_free(pair);
}

static void test_damage(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed < 200; seed++) {
    struct choice choice = plain;
    choice.up_bytes = 5000;
    choice.version = seed % 2 ? TLS1_2_VERSION : TLS1_3_VERSION;
    struct pair *pair = pair_create(&choice);
    uint64_t at = random_mix(seed) % 6000;
    while (pipe_step(&pair->up, &pair->client.machine, &(struct machine){0}, 1 << 20, 65536, 1) ||
           pipe_step(&pair->up, &(struct machine){0}, &pair->server.machine, 100, 65536, 1) ||
           pipe_step(&pair->down, &pair->server.machine, &pair->client.machine, 1 << 20, 65536, 1))
      if (pair->up.total > at && pair->up.end - pair->up.begin > 0 && at != UINT64_MAX) {
        pair->up.base[pair->up.begin + at % (pair->up.end - pair->up.begin)] ^=
            (uint8_t)(1 + seed % 255);
        at = UINT64_MAX;
      }
    /* Either it waits for the rest of a record whose length was damaged, or it is over. Never are
     * wrong bytes let through. */
    assert_int_equal(pair->server.end.wrong, 0);
    assert_true(pair->server.end.received <= 5000);
    pair_free(pair);
  }
}

static void test_not_tls(void **state) {
  static const struct {
    const char *name, *input;
    size_t len;
  } rows[] = {
      {"HTTP/1.1", "GET / HTTP/1.1\r\nhost: x\r\n\r\n", 27},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24},
      {"one byte", "\0", 1},
      {"SSL 2 hello", "\x80\x2e\x01\x03\x01", 5},
      {"application data first", "\x17\x03\x03\x00\x01x", 6},
      {"alert first", "\x15\x03\x03\x00\x02\x02\x28", 7},
  };
  static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 10};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct pair *pair = pair_create(&plain);
    struct machine *server = &pair->server.machine;
    struct span in = span_of(rows[i].input, rows[i].len), out;
    assert_int_equal(server->ops->recv(server->self, in, 1), rows[i].len);
    assert_int_equal(server->ops->send_peek(server->self, &out, 1, 1000, 1), 1);
    if (out.len != sizeof alert || memcmp(out.base, alert, sizeof alert) != 0)
      fail_msg("%s: %zu bytes", rows[i].name, out.len);
    server->ops->send_ack(server->self, out.len, 1);
    assert_int_equal(wants(&pair->server), MACHINE_DONE);
    pair_free(pair);
  }
}

/* TLS record header, then nonsense: alert and end, whole or byte by byte. */
static void test_garbage_records(void **state) {
  (void)state;
  struct random random = {42};
  for (int round = 0; round < 300; round++) {
    struct pair *pair = pair_create(&plain);
    struct machine *server = &pair->server.machine;
    uint8_t bytes[600];
    for (size_t i = 0; i < sizeof bytes; i++)
      bytes[i] = (uint8_t)random_next(&random);
    memcpy(bytes, "\x16\x03\x01\x00", 4);
    bytes[5] = 1; /* ClientHello */
    bytes[6] = 0;
    size_t step = round % 3 ? sizeof bytes : 1, at = 0;
    while (at < sizeof bytes && (wants(&pair->server) & MACHINE_RECV)) {
      size_t len = sizeof bytes - at < step ? sizeof bytes - at : step;
      at += server->ops->recv(server->self, span_of(bytes + at, len), 1);
    }
    assert_false(pair->server.end.created);
    pair_free(pair);
  }
}

static void test_handshake_timeout(void **state) {
  (void)state;
  for (int begun = 0; begun < 2; begun++) {
    struct pair *pair = pair_create(&plain);
    struct machine *server = &pair->server.machine;
    if (begun) pipe_step(&pair->up, &pair->client.machine, server, 100, 65536, pair->now_ns);
    uint64_t deadline_ns = server->ops->deadline_ns(server->self);
    assert_int_equal(deadline_ns, pair->now_ns + TLS_HANDSHAKE_NS);
    server->ops->tick(server->self, deadline_ns - 1);
    assert_true(wants(&pair->server) & MACHINE_RECV);
    server->ops->tick(server->self, deadline_ns);
    assert_int_equal(wants(&pair->server), MACHINE_DONE);
    pair_free(pair);
  }
}

/* The inner machine is done but the peer does not read: over after TLS_CLOSE_NS. */
static void test_close_timeout(void **state) {
  (void)state;
  struct pair *pair = pair_create(&plain);
  struct machine *server = &pair->server.machine;
  struct span out;
  pair_run(pair, 0, 65536);
  pair->server.end.deadline_ns = 77;
  assert_int_equal(server->ops->deadline_ns(server->self), 77);
  server->ops->tick(server->self, 77);
  assert_int_equal(pair->server.end.ticks, 1);
  pair->server.end.done = true;
  assert_int_equal(server->ops->send_peek(server->self, &out, 1, 1000, pair->now_ns), 1);
  assert_true(wants(&pair->server) & MACHINE_SEND);
  assert_int_equal(server->ops->deadline_ns(server->self), pair->now_ns + TLS_CLOSE_NS);
  server->ops->tick(server->self, pair->now_ns + TLS_CLOSE_NS);
  assert_int_equal(wants(&pair->server), MACHINE_DONE);
  assert_int_equal(server->ops->deadline_ns(server->self), MACHINE_NO_DEADLINE);
  pair_free(pair);
}

static void test_drain(void **state) {
  (void)state;
  struct pair *pair = pair_create(&plain);
  struct machine *server = &pair->server.machine;
  server->ops->drain(server->self, 1); /* nothing has begun: nothing to complete */
  assert_int_equal(wants(&pair->server), MACHINE_DONE);
  pair_free(pair);

  pair = pair_create(&plain);
  server = &pair->server.machine;
  pipe_step(&pair->up, &pair->client.machine, server, 65536, 65536, pair->now_ns);
  server->ops->drain(server->self, 1);
  pair_run(pair, 0, 65536);
  assert_true(pair->server.end.created);
  assert_true(pair->server.end.drained);
  pair_free(pair);
}

static void test_refusals(void **state) {
  (void)state;
  struct pair *pair = pair_create(&plain);
  struct machine_factory factory = tls_factory_machines(&pair->server.factory);
  struct machine_peer peer = {.application_protocol = ""};
  struct machine machines[4];
  for (int i = 0; i < 3; i++)
    assert_true(factory.create(factory.ctx, &peer, &pair->server.host, 1, &machines[i]));
  assert_false(factory.create(factory.ctx, &peer, &pair->server.host, 1, &machines[3]));
  for (int i = 0; i < 3; i++)
    machines[i].ops->close(machines[i].self);
  pair->server.end.refuse = true; /* the inner factory has no room: close_notify, done */
  pair_run(pair, 0, 65536);
  assert_int_equal(wants(&pair->server), MACHINE_DONE);
  assert_true(pair->client.end.eof);
  pair_free(pair);
}

/* Gives `len` bytes of a handshake that does not end: `first` begins it, zeros follow. */
static void give_handshake(struct machine *machine, size_t len, const uint8_t first[4]) {
  uint8_t record[5 + 16380] = {22, 3, 3, 16380 >> 8, 16380 & 255};
  for (size_t given = 0, part; given < len; given += part) {
    part = len - given < sizeof record ? len - given : sizeof record;
    memset(record + 5, 0, sizeof record - 5);
    if (given == 0) memcpy(record + 5, first, 4);
    assert_int_equal(machine->ops->recv(machine->self, span_of(record, part), SECOND), part);
  }
}

/* A ClientHello of 128,000 bytes to a server, HelloRequests to a client, which has to ignore them
 * (RFC 5246 section 7.4.1.1). */
static void test_long_handshake(void **state) {
  (void)state;
  static const uint8_t hello[4] = {1, 128000 >> 16, 128000 >> 8 & 255, 128000 & 255}, request[4];
  for (size_t client = 0; client < 2; client++) {
    for (size_t extra = 0; extra < 2; extra++) {
      struct pair *pair = pair_create(&plain);
      struct side *side = client ? &pair->client : &pair->server;
      size_t most = client ? TLS_HANDSHAKE_CLIENT_BYTES : TLS_HANDSHAKE_SERVER_BYTES;
      give_handshake(&side->machine, most + extra, client ? request : hello);
      assert_string_equal(tls_machine_error(&side->machine),
                          extra ? "the handshake is too long" : "");
      pair_free(pair);
    }
  }
}

/* In one turn only so many handshakes begin; the others come in the next. */
static void test_handshake_flood(void **state) {
  (void)state;
  enum { CLIENTS = TLS_TURN_HANDSHAKES + 10 };
  static const uint8_t hello[] = {22, 3, 1, 0, 100, 1}; /* the beginning of one */
  static struct machine machines[CLIENTS];
  struct choice choice = plain;
  struct pair *pair = pair_create(&choice);
  struct machine_factory factory = tls_factory_machines(&pair->server.factory);
  pair->server.factory.machines_max = CLIENTS + 1;
  int begun = 0;
  for (int i = 0; i < CLIENTS; i++) {
    const struct machine_ops *ops;
    assert_true(factory.create(factory.ctx, &(struct machine_peer){.application_protocol = ""},
                               &pair->server.host, 1000, &machines[i]));
    ops = machines[i].ops;
    size_t taken = ops->recv(machines[i].self, span_of(hello, sizeof hello), 1000);
    bool waits = taken == 0;
    begun += !waits;
    assert_int_equal(ops->wants(machines[i].self), waits ? 0 : MACHINE_RECV);
    assert_int_equal(ops->deadline_ns(machines[i].self), waits ? 1001 : 1000 + TLS_HANDSHAKE_NS);
  }
  assert_int_equal(begun, TLS_TURN_HANDSHAKES);
  for (int i = TLS_TURN_HANDSHAKES; i < CLIENTS; i++) {
    const struct machine_ops *ops = machines[i].ops;
    ops->tick(machines[i].self, 1001);
    assert_int_equal(ops->wants(machines[i].self), MACHINE_RECV);
    assert_int_equal(ops->recv(machines[i].self, span_of(hello, sizeof hello), 1001), sizeof hello);
  }
  for (int i = 0; i < CLIENTS; i++)
    machines[i].ops->close(machines[i].self);
  pair->server.factory.machines_max = 4;
  pair_free(pair);
}

/* ---- tickets --------------------------------------------------------------------------------- */

/* A ticket begins with the name of the key that encrypted it (RFC 5077 section 4). */
enum { TICKET_KEY_NAME_BYTES = 16 };

static void read_key_name(const struct pair *pair, unsigned char name[TICKET_KEY_NAME_BYTES]) {
  const unsigned char *ticket;
  size_t len;
  assert_non_null(pair->client.factory.session);
  SSL_SESSION_get0_ticket(pair->client.factory.session, &ticket, &len);
  assert_true(len > TICKET_KEY_NAME_BYTES);
  memcpy(name, ticket, TICKET_KEY_NAME_BYTES);
}

/* Stores the new name, too. */
static bool key_has_changed(const struct pair *pair, unsigned char name[TICKET_KEY_NAME_BYTES]) {
  unsigned char old[TICKET_KEY_NAME_BYTES];
  memcpy(old, name, sizeof old);
  read_key_name(pair, name);
  return memcmp(old, name, sizeof old) != 0;
}

/* The client forgets its ticket and gets one. */
static void connect_anew(struct pair *pair) {
  SSL_SESSION_free(pair->client.factory.session);
  pair->client.factory.session = NULL;
  pair_reconnect(pair);
  pair_run(pair, 0, 65536);
}

/* Time alone replaces the key, and it does so for every worker. */
static void test_ticket_keys_rotate(void **state) {
  (void)state;
  struct choice choice = plain;
  choice.resume = true;
  struct pair *pair = pair_create(&choice);
  unsigned char name[TICKET_KEY_NAME_BYTES];
  pair_run(pair, 0, 65536);
  read_key_name(pair, name);
  for (int i = 0; i < 2 * TLS_TICKET_KEYS; i++) {
    shifted_clock_add(TICKET_KEY_CLOCK, TLS_TICKET_KEY_SECONDS / 2);
    connect_anew(pair);
    assert_int_equal(key_has_changed(pair, name), i % 2); /* at the end of each hour */
  }
  pair_free(pair);
}

/* The ticket of one worker's connection is good at another worker, for as long as its key lives. */
static void test_resumption(void **state) {
  (void)state;
  static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
  for (size_t v = 0; v < 2; v++) {
    struct choice choice = plain;
    choice.version = versions[v];
    choice.resume = true;
    struct pair *pair = pair_create(&choice);
    struct tls_factory *server = &pair->server.factory;
    pair_run(pair, 0, 65536);
    assert_int_equal(server->counters.resumed, 0);

    struct tls_factory other;
    assert_true(tls_factory_init(&other, pair->server.context, &server->inner, 4, NULL));
    side_close(&pair->server);
    struct tls_factory first = *server;
    *server = other; /* as if another worker had accepted it; the context is the same */
    pair_reconnect(pair);
    pair_run(pair, 0, 65536);
    assert_int_equal(server->counters.resumed, 1);
    assert_string_equal(pair->server.end.protocol, "h2");

    for (unsigned i = 2; i < 5; i++) { /* and so is what came with each resumption */
      pair_reconnect(pair);
      pair_run(pair, 0, 65536);
      assert_int_equal(server->counters.resumed, i);
    }

    unsigned char name[TICKET_KEY_NAME_BYTES];
    read_key_name(pair, name);
    shifted_clock_add(TICKET_KEY_CLOCK, TLS_TICKET_KEY_SECONDS + TLS_TICKET_LIFE_SECONDS);
    pair_reconnect(pair);
    pair_run(pair, 0, 65536);
    assert_int_equal(server->counters.resumed, 4); /* the key is gone: a full handshake */
    assert_int_equal(server->counters.handshakes, 5);
    assert_true(key_has_changed(pair, name));

    shifted_clock_add(TICKET_KEY_CLOCK, TLS_TICKET_KEY_SECONDS);
    pair_reconnect(pair);
    pair_run(pair, 0, 65536);
    assert_int_equal(server->counters.resumed, 5); /* an old key still decrypts */
    pair_free(pair);
    tls_factory_destroy(&first);
  }
}

/* ---- verification ---------------------------------------------------------------------------- */

static void test_verification(void **state) {
  static const struct {
    const char *name;
    bool trusted, ok;
  } rows[] = {
      {"localhost", true, true},   {"127.0.0.1", true, true},  {"::1", true, true},
      {"other.test", true, false}, {"127.0.0.2", true, false}, {"localhost", false, false},
  };
  (void)state;
  char path[] = "/tmp/weir_test_tls_XXXXXX", wrong[] = "/tmp/weir_test_tls_XXXXXX";
  struct certificate stranger;
  assert_true(certificate_self_signed(&stranger, &error));
  FILE *file = fdopen(mkstemp(path), "w");
  PEM_write_X509(file, certificate.leaf);
  fclose(file);
  file = fdopen(mkstemp(wrong), "w");
  PEM_write_X509(file, stranger.leaf);
  fclose(file);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct choice choice = plain;
    choice.verify = true;
    choice.ca_path = rows[i].trusted ? path : wrong;
    choice.name = rows[i].name;
    struct pair *pair = pair_create(&choice);
    pair_run(pair, 0, 65536);
    if (pair->client.end.created != rows[i].ok)
      fail_msg("%s, trusted %d: %s", rows[i].name, rows[i].trusted,
               tls_machine_error(&pair->client.machine));
    if (!rows[i].ok) assert_true(strlen(tls_machine_error(&pair->client.machine)) > 0);
    pair_free(pair);
  }
  certificate_free(&stranger);
  remove(path);
  remove(wrong);
}

/* ---- raw clients ----------------------------------------------------------------------------- */

/* OpenSSL with memory BIOs, free to do what our own client never does. */
struct raw {
  SSL_CTX *context;
  SSL *ssl;
  struct pair *pair;
};

static void raw_flow(struct raw *raw) {
  struct machine *server = &raw->pair->server.machine;
  uint8_t bytes[16384];
  struct span out;
  int len;
  for (bool moved = true; moved;) {
    moved = false;
    while ((wants(&raw->pair->server) & MACHINE_RECV) &&
           (len = BIO_read(SSL_get_wbio(raw->ssl), bytes, sizeof bytes)) > 0) {
      server->ops->recv(server->self, span_of(bytes, (size_t)len), raw->pair->now_ns);
      moved = true;
    }
    while (server->ops->send_peek(server->self, &out, 1, 65536, raw->pair->now_ns) > 0) {
      BIO_write(SSL_get_rbio(raw->ssl), out.base, (int)out.len);
      server->ops->send_ack(server->self, out.len, raw->pair->now_ns);
      moved = true;
    }
  }
}

static bool raw_open(struct raw *raw, int version, const char *suites) {
  raw->pair = pair_create(&plain);
  raw->context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(raw->context, 0);
  SSL_CTX_set_min_proto_version(raw->context, version);
  SSL_CTX_set_max_proto_version(raw->context, version);
  if (suites) assert_int_equal(SSL_CTX_set_cipher_list(raw->context, suites), 1);
  raw->ssl = SSL_new(raw->context);
  SSL_set_bio(raw->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(raw->ssl);
  for (int i = 0; i < 5 && SSL_do_handshake(raw->ssl) != 1; i++)
    raw_flow(raw);
  raw_flow(raw);
  return SSL_is_init_finished(raw->ssl) && raw->pair->server.end.created;
}

static void raw_close(struct raw *raw) {
  SSL_free(raw->ssl);
  SSL_CTX_free(raw->context);
  pair_free(raw->pair);
  ERR_clear_error();
}

static void test_weak_clients(void **state) {
  static const struct {
    const char *name;
    int version;
    const char *suites;
    bool ok;
  } rows[] = {
      {"TLS 1.0", TLS1_VERSION, "ALL", false},
      {"TLS 1.1", TLS1_1_VERSION, "ALL", false},
      {"CBC (RFC 9113 appendix A)", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", false},
      {"SHA-1", TLS1_2_VERSION, "ECDHE-ECDSA-AES256-SHA", false},
      {"anonymous", TLS1_2_VERSION, "ADH-AES128-GCM-SHA256", false},
      {"no ephemeral key", TLS1_2_VERSION, "AES128-GCM-SHA256", false},
      {"the suite that every HTTP/2 client has", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256",
       true},
      {"ChaCha", TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", true},
      {"TLS 1.3", TLS1_3_VERSION, NULL, true},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct raw raw;
    if (raw_open(&raw, rows[i].version, rows[i].suites) != rows[i].ok)
      fail_msg("%s: %s", rows[i].name, rows[i].ok ? "refused" : "accepted");
    if (!rows[i].ok) assert_int_equal(wants(&raw.pair->server), MACHINE_DONE);
    raw_close(&raw);
  }
}

static void test_key_update_flood(void **state) {
  (void)state;
  struct raw raw;
  assert_true(raw_open(&raw, TLS1_3_VERSION, NULL));
  for (int i = 0; i < 20; i++) { /* some are anybody's right */
    assert_int_equal(SSL_key_update(raw.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    assert_int_equal(SSL_do_handshake(raw.ssl), 1);
    raw_flow(&raw);
  }
  raw.pair->server.end.send_total = 1000; /* encrypts with the new key */
  raw_flow(&raw);
  uint8_t bytes[2000];
  assert_int_equal(SSL_read(raw.ssl, bytes, sizeof bytes), 1000);
  assert_int_equal(raw.pair->server.factory.counters.abused, 0);
  int updates = 20;
  for (; updates < 100 && !raw.pair->server.end.closed; updates++) {
    assert_int_equal(SSL_key_update(raw.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    assert_int_equal(SSL_do_handshake(raw.ssl), 1);
    raw_flow(&raw);
  }
  assert_int_equal(raw.pair->server.factory.counters.abused, 1);
  assert_int_equal(updates - 1,
                   TLS_CREDIT_BYTES / (TLS_HANDSHAKE_COST_BYTES + TLS_RECORD_COST_BYTES));
  assert_int_equal(wants(&raw.pair->server), MACHINE_DONE);
  raw_close(&raw);
}

/* Records of `len` bytes; returns after how many the server has had enough, or `max`. */
static int send_records(struct raw *raw, size_t len, int max, uint64_t pause_ns) {
  uint8_t bytes[64];
  for (int i = 0; i < max; i++) {
    for (size_t at = 0; at < len; at++)
      bytes[at] = end_pattern((uint64_t)i * len + at);
    SSL_write(raw->ssl, bytes, (int)len);
    raw->pair->now_ns += pause_ns;
    raw_flow(raw);
    if (raw->pair->server.end.closed) return i + 1;
  }
  return max;
}

/* After how many records of `len` bytes the credit is spent: each costs more than it earns. */
static int records_until_spent(int len) {
  return (TLS_CREDIT_BYTES - TLS_RECORD_COST_BYTES) / (TLS_RECORD_COST_BYTES - len) + 2;
}

static void test_tiny_record_flood(void **state) {
  static const struct {
    size_t len;
    uint64_t pause_ns;
    bool ok;
  } rows[] = {
      {1, 0, false},
      {TLS_RECORD_COST_BYTES - 1, 0, false},
      {TLS_RECORD_COST_BYTES, 0, true},
      {TLS_RECORD_COST_BYTES + 1, 0, true},
      {1, 2000000, true}, /* 500 a second is somebody typing, or a slow tool */
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct raw raw;
    assert_true(raw_open(&raw, TLS1_3_VERSION, NULL));
    int most = rows[i].ok ? 10000 : records_until_spent((int)rows[i].len);
    int sent = send_records(&raw, rows[i].len, most - 1, rows[i].pause_ns);
    if (raw.pair->server.end.closed)
      fail_msg("records of %zu bytes: over after %d", rows[i].len, sent);
    assert_int_equal(raw.pair->server.end.wrong, 0);
    send_records(&raw, rows[i].len, 1, rows[i].pause_ns);
    assert_int_equal(raw.pair->server.end.closed, !rows[i].ok);
    raw_close(&raw);
  }
}

/* RFC 9113 section 9.2.1: renegotiation is not taken part in. */
static void test_renegotiation(void **state) {
  (void)state;
  struct raw raw;
  assert_true(raw_open(&raw, TLS1_2_VERSION, NULL));
  assert_int_equal(SSL_renegotiate(raw.ssl), 1);
  SSL_do_handshake(raw.ssl);
  raw_flow(&raw);
  assert_int_equal(raw.pair->server.factory.counters.abused, 1);
  assert_int_equal(wants(&raw.pair->server), MACHINE_DONE);
  raw_close(&raw);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void test_idle_memory(void **state) {
  (void)state;
  struct raw raw;
  for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
    assert_true(raw_open(&raw, version, NULL)); /* warms up what OpenSSL makes once */
    raw_close(&raw);
    assert_true(raw_open(&raw, version, NULL));
    send_records(&raw, 40, 10, 0);
    assert_int_equal(raw.pair->server.factory.slabs.taken, 0);
    size_t before = openssl_bytes;
    side_close(&raw.pair->server);
    size_t idle = before - openssl_bytes;
    print_message("TLS 1.%d: an idle connection holds %zu bytes of OpenSSL's\n",
                  version - TLS1_VERSION, idle);
    assert_in_range(idle, 2000, 16000);
    raw.pair->server.machine.ops = NULL;
    raw_close(&raw);
  }
  /* A connection that has sent nothing has nothing of OpenSSL's. */
  struct pair *pair = pair_create(&plain);
  size_t before = openssl_bytes;
  struct machine_factory factory = tls_factory_machines(&pair->server.factory);
  struct machine machine;
  assert_true(factory.create(factory.ctx, &(struct machine_peer){.application_protocol = ""},
                             &pair->server.host, 1, &machine));
  assert_int_equal(openssl_bytes, before);
  machine.ops->close(machine.self);
  pair_free(pair);
}

int main(void) {
  if (CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) != 1) return 1;
  if (!certificate_self_signed(&certificate, &error)) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_alpn),
      cmocka_unit_test(test_transfers),
      cmocka_unit_test(test_inner_stops_reading),
      cmocka_unit_test(test_eof_after_kept),
      cmocka_unit_test(test_small_spans_share_a_record),
      cmocka_unit_test(test_record_sizes),
      cmocka_unit_test(test_unread_output_is_bounded),
      cmocka_unit_test(test_crowded_slabs),
      cmocka_unit_test(test_orderly_close),
      cmocka_unit_test(test_truncation),
      cmocka_unit_test(test_damage),
      cmocka_unit_test(test_not_tls),
      cmocka_unit_test(test_garbage_records),
      cmocka_unit_test(test_handshake_timeout),
      cmocka_unit_test(test_close_timeout),
      cmocka_unit_test(test_drain),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_long_handshake),
      cmocka_unit_test(test_handshake_flood),
      cmocka_unit_test(test_ticket_keys_rotate),
      cmocka_unit_test(test_resumption),
      cmocka_unit_test(test_verification),
      cmocka_unit_test(test_weak_clients),
      cmocka_unit_test(test_key_update_flood),
      cmocka_unit_test(test_tiny_record_flood),
      cmocka_unit_test(test_renegotiation),
      cmocka_unit_test(test_idle_memory),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  certificate_free(&certificate);
  return failed;
}
