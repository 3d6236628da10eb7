/*
 * serve/rules/test_rate.c - limits on rates: what is read, who shares an account, bursts, waits, and full tables.
 */
#include "tests/support/cmocka.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "tests/support/counted.h"
#include "tools/serve/rules/rates.h"

static struct counted_memory memory;
static struct rates rates;

static int set_up(void **state) {
  (void)state;
  memset(&rates, 0, sizeof rates);
  assert_true(rates_open(&rates, RATES_ACCOUNTS, counted_init(&memory)));
  assert_true(rates_open(&rates, RATES_LINKS, &memory.memory));
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  rates_close(&rates);
  assert_int_equal(memory.bytes, 0);
  return 0;
}

/* The 16 bytes of an address, IPv4 mapped. */
static const uint8_t *at(const char *text) {
  static uint8_t address[16];
  memset(address, 0, sizeof address);
  if (strchr(text, ':')) {
    assert_int_equal(inet_pton(AF_INET6, text, address), 1);
  } else {
    memset(address + 10, 0xff, 2);
    assert_int_equal(inet_pton(AF_INET, text, address + 12), 1);
  }
  return address;
}

static struct rate_limit limit_of(const char *text) {
  struct rate_limit limit = {0};
  const char *wrong = rate_limit_parse(&limit, text);
  if (wrong) fail_msg("%s: %s", text, wrong);
  return limit;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static void test_texts(void **state) {
  static const struct {
    const char *text;
    uint64_t interval_ns, burst; /* 0: refused */
  } rows[] = {
      {"10/s", 100000000, 10},
      {"10", 100000000, 10},
      {"2.5/s", 400000000, 3},
      {"30/m", 2 * SECOND_NS, 1},
      {"1/h", 3600 * SECOND_NS, 1}, /* RATE_PER_SECOND_MIN */
      {"1000000/s", 1000, 1000000}, /* RATE_PER_SECOND_MAX */
      {"10/s,burst=1", 100000000, 1},
      {"10/s,burst=1000000", 100000000, RATE_BURST_MAX},
      {"", 0, 0},
      {"0/s", 0, 0},
      {"-1/s", 0, 0},
      {"fast", 0, 0},
      {"10/s,", 0, 0},
      {"10/s,burst=0", 0, 0},
      {"10/s,burst=1000001", 0, 0},
      {"10/s,brust=3", 0, 0},
      {"10/s burst=3", 0, 0},
      {"1000001/s", 0, 0},
      {"0.5/h", 0, 0},
      {"0000000000000000000000000000001/s", 0, 0}, /* RATE_TEXT_BYTES */
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct rate_limit limit = {0};
    const char *wrong = rate_limit_parse(&limit, rows[i].text);
    if (!wrong != (rows[i].burst > 0)) fail_msg("'%s': %s", rows[i].text, wrong ? wrong : "taken");
    assert_int_equal(limit.interval_ns, rows[i].interval_ns);
    assert_int_equal(limit.burst, rows[i].burst);
  }
}

/* The bounds of limits.h, and one beyond each. */
static void test_bounds(void **state) {
  struct rate_limit limit;
  (void)state;
  for (int extra = 0; extra < 2; extra++) {
    char text[RATE_TEXT_BYTES + 20];
    snprintf(text, sizeof text, "%.0f/s", RATE_PER_SECOND_MAX + extra);
    assert_int_equal(rate_limit_parse(&limit, text) == NULL, !extra);
    snprintf(text, sizeof text, "%.2f/h", RATE_PER_SECOND_MIN * 3600 - 0.01 * extra);
    assert_int_equal(rate_limit_parse(&limit, text) == NULL, !extra);
    snprintf(text, sizeof text, "1/s,burst=%d", RATE_BURST_MAX + extra);
    assert_int_equal(rate_limit_parse(&limit, text) == NULL, !extra);
    snprintf(text, sizeof text, "%0*d", RATE_TEXT_BYTES - 1 + extra, 1);
    assert_int_equal(rate_limit_parse(&limit, text) == NULL, !extra);
  }
}

/* ---- accounts -------------------------------------------------------------------------------- */

static void test_bursts_and_waits(void **state) {
  struct rate_limit limit = limit_of("10/s,burst=3");
  uint64_t now_ns = 5 * SECOND_NS;
  const uint8_t *client = at("192.0.2.7");
  (void)state;
  for (int i = 0; i < 3; i++)
    assert_true(rate_take(&rates.table, &limit, client, now_ns).allowed);
  struct rate_verdict verdict = rate_take(&rates.table, &limit, client, now_ns);
  assert_false(verdict.allowed);
  assert_true(verdict.first);
  assert_int_equal(verdict.wait_ns, 100000000);
  verdict = rate_take(&rates.table, &limit, client, now_ns + 1000000);
  assert_false(verdict.first); /* told already; and what is refused costs nothing */
  assert_int_equal(verdict.wait_ns, 99000000);
  /* One interval later there is room for one, of the same burst. */
  now_ns += 100000000;
  assert_true(rate_take(&rates.table, &limit, client, now_ns).allowed);
  verdict = rate_take(&rates.table, &limit, client, now_ns);
  assert_false(verdict.allowed);
  assert_false(verdict.first);
  /* When all is paid off, a new burst begins. */
  now_ns += 300000000;
  for (int i = 0; i < 3; i++)
    assert_true(rate_take(&rates.table, &limit, client, now_ns).allowed);
  verdict = rate_take(&rates.table, &limit, client, now_ns);
  assert_true(verdict.first);
  assert_int_equal(rates.table.counters.refused, 4);
  assert_int_equal(rates.table.counters.bursts, 2);
}

/* For an hour, twice as fast as allowed: what passes is the rate, and the burst once. */
static void test_the_rate_holds(void **state) {
  struct rate_limit limit = limit_of("100/s,burst=50");
  unsigned passed = 0;
  (void)state;
  for (unsigned i = 0; i < 200 * 3600; i++)
    passed += rate_take(&rates.table, &limit, at("2001:db8::1"), SECOND_NS + i * UINT64_C(5000000))
                  .allowed;
  assert_in_range(passed, 100 * 3600 + 48, 100 * 3600 + 51);
}

/* Of IPv6 addresses CLIENT_IPV6_BITS count. */
static void test_who_shares_an_account(void **state) {
  static const struct {
    const char *one, *other;
    bool shared;
  } rows[] = {
      {"192.0.2.7", "192.0.2.7", true},
      {"192.0.2.7", "192.0.2.8", false},
      {"192.0.2.7", "::ffff:192.0.2.7", true},
      {"192.0.2.7", "::192.0.2.7", false},
      {"2001:db8::1", "2001:db8::ffff:1:2:3", true},
      {"2001:db8:0:1::1", "2001:db8:0:2::1", false},
      {"::ffff:0:1", "::1", false},
  };
  struct rate_limit limit = limit_of("1/s,burst=1");
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint64_t now_ns = (i + 1) * 100 * SECOND_NS;
    assert_true(rate_take(&rates.table, &limit, at(rows[i].one), now_ns).allowed);
    bool allowed = rate_take(&rates.table, &limit, at(rows[i].other), now_ns).allowed;
    if (allowed == rows[i].shared) fail_msg("%s and %s", rows[i].one, rows[i].other);
  }
}

/* The last bit of a customer's network tells clients apart, the next one does not. */
static void test_the_network_of_a_client(void **state) {
  struct rate_limit limit = limit_of("1/s,burst=1");
  uint8_t client[16] = {0x20, 1, 0xd, 0xb8};
  (void)state;
  assert_true(rate_take(&rates.table, &limit, client, SECOND_NS).allowed);
  for (unsigned bit = CLIENT_IPV6_BITS - 1; bit <= CLIENT_IPV6_BITS; bit++) {
    uint8_t other[16];
    memcpy(other, client, sizeof other);
    other[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
    assert_int_equal(rate_take(&rates.table, &limit, other, SECOND_NS).allowed,
                     bit < CLIENT_IPV6_BITS);
  }
}

static void test_limits_are_apart(void **state) {
  struct rate_limit one = limit_of("1/s,burst=1"), other = one, none = {0};
  const uint8_t *client = at("192.0.2.7"), local[16] = {0};
  (void)state;
  other.number = 1;
  assert_true(rate_take(&rates.table, &one, client, SECOND_NS).allowed);
  assert_true(rate_take(&rates.table, &other, client, SECOND_NS).allowed);
  assert_false(rate_take(&rates.table, &other, client, SECOND_NS).allowed);
  for (int i = 0; i < 3; i++) {
    assert_true(rate_take(&rates.table, &none, client, SECOND_NS).allowed);
    assert_true(rate_take(&rates.table, &one, local, SECOND_NS).allowed); /* UNIX socket */
  }
}

/* A crowd of new addresses, each of which owes one request, does not drive out the client that owes fifty. */
static void test_a_full_table(void **state) {
  struct rate_limit limit = limit_of("1/s,burst=50");
  uint8_t crowd[16] = {0x20, 1};
  (void)state;
  for (int i = 0; i < 50; i++)
    assert_true(rate_take(&rates.table, &limit, at("192.0.2.7"), SECOND_NS).allowed);
  for (uint32_t i = 0; i < 8 * RATE_ACCOUNTS_MAX; i++) {
    memcpy(crowd + 4, &i, sizeof i);
    assert_true(rate_take(&rates.table, &limit, crowd, SECOND_NS).allowed);
  }
  assert_true(rates.table.counters.evicted > 6 * RATE_ACCOUNTS_MAX);
  assert_false(rate_take(&rates.table, &limit, at("192.0.2.7"), SECOND_NS).allowed);
  /* What is paid off gives way first. */
  uint64_t evicted = rates.table.counters.evicted;
  assert_true(rate_take(&rates.table, &limit, at("198.51.100.1"), 1000 * SECOND_NS).allowed);
  assert_int_equal(rates.table.counters.evicted, evicted);
}

static void test_no_memory(void **state) {
  struct rates other = {0};
  (void)state;
  memory.refuse_at = memory.calls + 1;
  assert_false(rates_open(&other, RATES_ACCOUNTS, &memory.memory));
  memory.refuse_at = memory.calls + 1;
  assert_false(rates_open(&other, RATES_LINKS, &memory.memory));
  rates_close(&other);
  assert_true(rates_open(&rates, RATES_ACCOUNTS, &memory.memory)); /* it is open */
  assert_true(rates_open(&rates, RATES_LINKS, &memory.memory));
}

/* ---- requests and connections ---------------------------------------------------------------- */

static int saved;

/* Standard error goes to a file. */
static void catch_lines(FILE *file) {
  saved = dup(STDERR_FILENO);
  assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
}

static const char *lines(FILE *file) {
  static char text[4096];
  assert_true(dup2(saved, STDERR_FILENO) >= 0);
  close(saved);
  rewind(file);
  text[fread(text, 1, sizeof text - 1, file)] = 0;
  fclose(file);
  return text;
}

static void test_a_request_waits(void **state) {
  struct rate_limit limit = limit_of("30/m");
  FILE *file = tmpfile();
  (void)state;
  catch_lines(file);
  unsigned first = rates_request(&rates, &limit, at("192.0.2.7"), SECOND_NS);
  unsigned second = rates_request(&rates, &limit, at("192.0.2.7"), SECOND_NS);
  unsigned third = rates_request(&rates, &limit, at("192.0.2.7"), SECOND_NS + SECOND_NS / 2);
  (void)rates_request(&rates, &limit, at("2001:db8::9"), SECOND_NS);
  (void)rates_request(&rates, &limit, at("2001:db8::9"), SECOND_NS);
  const char *text = lines(file);
  assert_int_equal(first, 0);
  assert_int_equal(second, 2);
  assert_int_equal(third, 2); /* rounded up */
  assert_string_equal(
      text, "weir serve: requests from 192.0.2.7 come faster than 30/m; some are refused\n"
            "weir serve: requests from 2001:db8::/64 come faster than 30/m; some are "
            "refused\n");
}

static unsigned created;

static bool create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                   uint64_t now_ns, struct machine *out) {
  (void)ctx, (void)peer, (void)host, (void)now_ns, (void)out;
  created++;
  return true;
}

static void test_connections_and_many_lines(void **state) {
  struct rate_gate gate = {.rates = &rates, .inner = {NULL, create}};
  struct machine_factory machines = rate_gate_machines(&gate);
  struct rate_limit limit = limit_of("1/s");
  struct machine_peer peer = {.address = {0x20, 1, 0xd, 0xb8}};
  struct machine_host host = {0};
  struct machine out;
  unsigned clients = RATE_LINES_PER_SECOND_MAX + 3, refused = 0;
  FILE *file = tmpfile();
  (void)state;
  assert_true(machines.create(machines.ctx, &peer, &host, SECOND_NS, &out)); /* there is no limit */
  rates.connections = &limit;
  created = 0;
  catch_lines(file);
  for (unsigned i = 0; i <= clients; i++) {
    uint64_t now_ns = i < clients ? SECOND_NS : 2 * SECOND_NS;
    peer.address[7] = (uint8_t)i;
    for (int k = 0; k < 2; k++)
      refused += !machines.create(machines.ctx, &peer, &host, now_ns, &out);
  }
  const char *text = lines(file);
  assert_int_equal(created, clients + 1);
  assert_int_equal(refused, clients + 1);
  assert_non_null(
      strstr(text, "weir serve: connections from 2001:db8:0:9::/64 come faster than 1/s"));
  assert_null(strstr(text, "2001:db8:0:a::/64"));
  assert_non_null(strstr(text, "weir serve: 3 more clients were refused something\n"
                               "weir serve: connections from 2001:db8:0:d::/64 come"));
}

static bool has_room;

static bool create_with_room(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                             uint64_t now_ns, struct machine *out) {
  return has_room && create(ctx, peer, host, now_ns, out);
}

/* What a host does when the connection is over. */
static void close_one(struct machine_host *host) {
  assert_non_null(host->end);
  host->end->ended(host->end, host->note);
}

/* Connections count from their creation to their end; not those that something else refuses. */
static void test_open_connections(void **state) {
  struct rate_gate gate = {.rates = &rates, .inner = {NULL, create_with_room}};
  struct machine_factory machines = rate_gate_machines(&gate);
  struct rate_limit limit = limit_of("1000/s");
  struct machine_peer peer = {.address = {0x20, 1, 0xd, 0xb8}};
  struct machine_host hosts[3] = {{0}}, host = {0};
  struct machine out;
  FILE *file = tmpfile();
  (void)state;
  catch_lines(file);
  rates.links_max = 2;
  rates.connections = &limit;
  has_room = false;
  for (int i = 0; i < 3; i++)
    assert_false(machines.create(machines.ctx, &peer, &host, SECOND_NS, &out));
  has_room = true;
  for (int i = 0; i < 2; i++)
    assert_true(machines.create(machines.ctx, &peer, &hosts[i], SECOND_NS, &out));
  for (int i = 0; i < 3; i++)
    assert_false(machines.create(machines.ctx, &peer, &host, SECOND_NS, &out));
  assert_null(host.end);
  close_one(&hosts[0]);
  assert_true(machines.create(machines.ctx, &peer, &hosts[0], SECOND_NS, &out));
  rates.links_max = 0; /* a reload: there is no limit */
  assert_true(machines.create(machines.ctx, &peer, &hosts[2], SECOND_NS, &out));
  assert_null(hosts[2].end);
  close_one(&hosts[0]);
  close_one(&hosts[1]);
  assert_string_equal(lines(file),
                      "weir serve: 2001:db8::/64 has 2 connections open; others are refused\n");
  assert_int_equal(rates.table.counters.refused, 3);
  assert_int_equal(rates.table.counters.bursts, 1);
}

/* A connection that comes too fast does not count as open. */
static void test_too_fast_is_not_open(void **state) {
  struct rate_gate gate = {.rates = &rates, .inner = {NULL, create}};
  struct machine_factory machines = rate_gate_machines(&gate);
  struct rate_limit limit = limit_of("1/s");
  struct machine_peer peer = {.address = {0x20, 1, 0xd, 0xb8}};
  struct machine_host host = {0};
  struct machine out;
  FILE *file = tmpfile();
  (void)state;
  catch_lines(file);
  rates.links_max = 1;
  rates.connections = &limit;
  assert_true(machines.create(machines.ctx, &peer, &host, SECOND_NS, &out));
  close_one(&host);
  host.end = NULL;
  for (int i = 0; i < 2; i++)
    assert_false(machines.create(machines.ctx, &peer, &host, SECOND_NS, &out));
  assert_true(machines.create(machines.ctx, &peer, &host, 3 * SECOND_NS, &out));
  lines(file);
}

/* Addresses that find no room are let in, and counted as that. */
static void test_uncounted(void **state) {
  struct rate_gate gate = {.rates = &rates, .inner = {NULL, create}};
  struct machine_factory machines = rate_gate_machines(&gate);
  struct machine_peer peer = {.address = {0x20, 1}};
  struct machine out;
  (void)state;
  rates.links_max = 1;
  for (uint32_t i = 0; i < 2 * CLIENT_LINKS_MAX; i++) {
    struct machine_host host = {0};
    memcpy(peer.address + 4, &i, sizeof i);
    assert_true(machines.create(machines.ctx, &peer, &host, SECOND_NS, &out));
  }
  assert_true(rates.table.counters.uncounted >= CLIENT_LINKS_MAX);
}

#define RATE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_texts),
      cmocka_unit_test(test_bounds),
      RATE_TEST(test_bursts_and_waits),
      RATE_TEST(test_the_rate_holds),
      RATE_TEST(test_who_shares_an_account),
      RATE_TEST(test_the_network_of_a_client),
      RATE_TEST(test_limits_are_apart),
      RATE_TEST(test_a_full_table),
      RATE_TEST(test_no_memory),
      RATE_TEST(test_a_request_waits),
      RATE_TEST(test_connections_and_many_lines),
      RATE_TEST(test_open_connections),
      RATE_TEST(test_too_fast_is_not_open),
      RATE_TEST(test_uncounted),
  };
  return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
