/*
 * support/tls_pair.c - see support/tls_pair.h.
 */
#include "tests/support/tls_pair.h"

#include <stdlib.h>
#include <string.h>

#include "io/base/error.h"
#include "io/base/limits.h"
#include "io/tls/context.h"
#include "tests/support/cmocka.h"

struct certificate tls_pair_certificate;
static struct io_error error;

static void ignore_wake(struct machine_host *host) {
  (void)host;
}

static size_t count_of(const char *const *list) {
  size_t count = 0;
  while (count < 4 && list[count])
    count++;
  return count;
}

static struct tls_context *make_context(const struct tls_choice *choice, bool client) {
  const char *const *protocols = client ? choice->client_protocols : choice->server_protocols;
  struct tls_settings settings = {
      .client = client,
      .certificate = client ? choice->client_certificate : &tls_pair_certificate,
      .protocols = protocols,
      .protocol_count = count_of(protocols),
      .answer_clear_text = choice->answer_clear_text,
      .verify = client ? choice->verify : choice->server_ca_path != NULL,
      .require = !client && choice->server_requires,
      .ca_path = client ? choice->ca_path : choice->server_ca_path,
      .ca_pem = client ? choice->ca_pem : NULL,
      .resume = choice->resume,
      .suites_1_2 = client ? choice->suites_1_2 : choice->server_suites_1_2,
      .suites_1_3 = client ? choice->suites_1_3 : choice->server_suites_1_3,
      .groups = client ? choice->groups : choice->server_groups,
      .key_log_path = choice->key_log_path,
      .version_min = choice->version,
      .version_max = choice->version,
  };
  struct tls_context *context = tls_context_create(&settings, &error);
  if (!context) fail_msg("%s", error.text);
  return context;
}

/* Steps of handshakes take no time, so that none waits. */
static uint64_t stopped_clock_ns(void) {
  return 0;
}

static void make_machine(struct tls_side *side, uint64_t now_ns) {
  struct machine_factory factory = tls_factory_machines(&side->factory);
  struct machine_peer peer = {.application_protocol = "", .port = 4711};
  side->host.wake = ignore_wake;
  side->factory.queue.clock_ns = stopped_clock_ns;
  assert_true(factory.create(factory.ctx, &peer, &side->host, now_ns, &side->machine));
}

static void side_init(struct tls_side *side, const struct tls_choice *choice, bool client) {
  struct machine_factory inner = {.ctx = &side->end, .create = end_create};
  memset(side, 0, sizeof *side);
  side->context = make_context(choice, client);
  assert_true(
      tls_factory_init(&side->factory, side->context, &inner, 4, client ? choice->name : NULL));
  side->factory.openssl_only = client ? choice->client_openssl : choice->server_openssl;
  end_init(&side->end, client ? choice->up_bytes : choice->down_bytes);
}

struct tls_pair *tls_pair_create(const struct tls_choice *choice) {
  struct tls_pair *pair = calloc(1, sizeof *pair);
  pair->now_ns = IO_SECOND;
  side_init(&pair->client, choice, true);
  side_init(&pair->server, choice, false);
  make_machine(&pair->client, pair->now_ns);
  make_machine(&pair->server, pair->now_ns);
  return pair;
}

void tls_side_close(struct tls_side *side) {
  if (side->machine.ops) side->machine.ops->close(side->machine.self);
  side->machine.ops = NULL;
}

void tls_pair_reconnect(struct tls_pair *pair) {
  tls_side_close(&pair->client);
  tls_side_close(&pair->server);
  pair->up.begin = pair->up.end = pair->down.begin = pair->down.end = 0;
  end_init(&pair->client.end, pair->client.end.send_total);
  end_init(&pair->server.end, pair->server.end.send_total);
  make_machine(&pair->client, pair->now_ns);
  make_machine(&pair->server, pair->now_ns);
}

void tls_pair_free(struct tls_pair *pair) {
  tls_side_close(&pair->client);
  tls_side_close(&pair->server);
  tls_factory_destroy(&pair->client.factory);
  tls_factory_destroy(&pair->server.factory);
  tls_context_free(pair->client.context);
  tls_context_free(pair->server.context);
  free(pair->up.base);
  free(pair->down.base);
  free(pair);
}

void tls_pair_run(struct tls_pair *pair, uint64_t seed, size_t cut) {
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

unsigned tls_side_wants(const struct tls_side *side) {
  return side->machine.ops->wants(side->machine.self);
}

const struct tls_choice tls_choice_plain = {.client_protocols = {"h2"}, .server_protocols = {"h2"}};

void tls_pair_begin(void) {
  if (!certificate_self_signed(&tls_pair_certificate, &error)) abort();
}

void tls_pair_end(void) {
  certificate_free(&tls_pair_certificate);
}
