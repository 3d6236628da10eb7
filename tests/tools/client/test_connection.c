/*
 * client/test_connection.c - outgoing connections: dialling, TLS, the protocol's machine, and how each of
 * them ends. One worker runs the connection and the server.
 */
#include "io/base/error.h"
#include "io/tls/context.h"
#include "io/tls/tls.h"
#include "io/worker/group.h"
#include "tests/support/cmocka.h"
#include "tests/support/echo_server.h"
#include "tests/support/tls_pair.h"
#include "tools/client/connection.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TALK_BYTES = 100000, FILLERS = 4 };

/* The worker's thread writes it, and then counts `gone`. Its callbacks use assert(), since cmocka's ends only
 * the test's own thread. */
static struct {
  struct worker_group group;
  struct listener listener;
  struct echo_world server_world, client_world;
  struct tls_context *server_context, *client_context;
  struct tls_factory server_tls;
  bool server_secure;

  struct client_server server;
  struct client_connection connection;
  struct address addresses[2];
  char log[1000];
  unsigned openings;   /* from `gone`, still to be made */
  bool create_refuses; /* ops.create fails, with a reason */
  bool eof;            /* as it was at the end */
  uint64_t received;   /* by the machine around the connection */
  uint64_t up, gone;
} it;

/* ---- the owner ------------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...) {
  va_list arguments;
  size_t len = strlen(it.log);
  va_start(arguments, format);
  vsnprintf(it.log + len, sizeof it.log - len, format, arguments);
  va_end(arguments);
}

static void prepare(struct client_connection *connection, int fd) {
  assert(connection->state == CLIENT_DIALING && fd >= 0);
  note("prepare ");
}

static void connected(struct client_connection *connection) {
  (void)connection;
  note("connected ");
}

static bool create(struct client_connection *connection, const struct machine_peer *peer,
                   struct machine_host *host, uint64_t now_ns, struct machine *out) {
  note("create%s ", strcmp(peer->application_protocol, "h2") == 0 ? "(h2)" : "");
  if (it.create_refuses) {
    client_blame(connection, "no room for \x01%s", it.server.authority);
    return false;
  }
  counter_add(&it.up, 1);
  return echo_create(&it.client_world, peer, host, now_ns, out);
}

static size_t count_recv(void *self, struct span in, uint64_t now_ns) {
  it.received += in.len;
  return wrap_recv(self, in, now_ns);
}

static void around(struct client_connection *connection, struct machine *machine) {
  static struct machine_ops counting;
  assert(machine->self == connection);
  counting = *machine->ops;
  counting.recv = count_recv;
  machine->ops = &counting;
  note("around ");
}

static void blamed(struct client_connection *connection, const char *reason) {
  (void)connection;
  note("blamed: %s; ", reason);
}

static void gone(struct client_connection *connection) {
  assert(connection->state == CLIENT_AWAY);
  it.eof = connection->eof;
  note("gone. ");
  if (it.openings > 0) {
    it.openings--;
    client_connection_open(connection);
  }
  __atomic_store_n(&it.gone, it.gone + 1, __ATOMIC_RELEASE);
}

static const struct client_ops all_ops = {prepare, connected, create, around, blamed, gone};
static const struct client_ops few_ops = {.create = create, .blamed = blamed, .gone = gone};

/* ---- both ends ------------------------------------------------------------------------------- */

static bool serve(struct worker *worker, void *ctx, struct io_error *error) {
  const struct machine_factory plain = {.ctx = &it.server_world, .create = echo_create};
  (void)ctx;
  (void)error;
  if (!it.server_secure) return worker_listen(worker, &it.listener, plain);
  return tls_factory_init(&it.server_tls, it.server_context, &plain, 4, NULL) &&
         worker_listen(worker, &it.listener, tls_factory_machines(&it.server_tls));
}

static struct tls_context *make_context(bool client, bool verify) {
  static const char *const protocols[] = {"h2"};
  struct io_error error;
  const struct tls_settings settings = {
      .client = client,
      .certificate = client ? NULL : &tls_pair_certificate,
      .protocols = protocols,
      .protocol_count = 1,
      .verify = verify,
  };
  struct tls_context *context = tls_context_create(&settings, &error);
  if (!context) fail_msg("%s", error.text);
  return context;
}

struct choice {
  bool server_secure, client_secure, verify;
};

static void begin_with(struct choice choice) {
  struct io_error error;
  memset(&it, 0, sizeof it);
  assert_true(address_parse(&it.addresses[0], "127.0.0.1:0"));
  if (!listener_open(&it.listener, &it.addresses[0], 1, &error)) fail_msg("%s", error.text);
  it.addresses[0] = it.listener.address;
  it.server_secure = choice.server_secure;
  if (choice.server_secure) it.server_context = make_context(false, false);
  if (choice.client_secure) it.client_context = make_context(true, choice.verify);
  it.server = (struct client_server){.authority = "a.test:1",
                                     .addresses = it.addresses,
                                     .address_count = 1,
                                     .connect_ns = 10 * IO_SECOND};
  assert_true(client_server_init(&it.server, it.client_context, "localhost", 2));
  const struct worker_config config = {.count = 1, .hooks = {.setup = serve}};
  if (!worker_group_start(&it.group, &config, &error)) fail_msg("%s", error.text);
  client_connection_init(&it.connection, &it.server, &it.group.workers[0], &all_ops);
}

static int begin(void **state) {
  (void)state;
  begin_with((struct choice){0});
  return 0;
}

static int end(void **state) {
  (void)state;
  worker_group_stop(&it.group);
  worker_group_join(&it.group);
  assert_int_equal(it.client_world.made, it.client_world.closed);
  assert_int_equal(it.server_world.made, it.server_world.closed);
  client_server_free(&it.server);
  assert_false(it.server.secure);
  client_server_free(&it.server); /* allowed */
  if (it.server_secure) tls_factory_destroy(&it.server_tls);
  tls_context_free(it.server_context);
  tls_context_free(it.client_context);
  listener_close(&it.listener);
  return 0;
}

static void on_worker(void (*deliver)(struct worker *to, void *object)) {
  assert_true(worker_group_post(&it.group, 0, deliver, NULL));
}

static void open_it(struct worker *worker, void *object) {
  (void)worker;
  (void)object;
  client_connection_open(&it.connection);
  assert(it.connection.state == CLIENT_DIALING);
  assert(strcmp(it.log, it.connection.ops->prepare ? "prepare " : "") ==
         0); /* the rest comes later */
}

static void drain_it(struct worker *worker, void *object) {
  (void)object;
  client_connection_drain(&it.connection, worker->loop.now_ns);
}

static void cancel_it(struct worker *worker, void *object) {
  (void)worker;
  (void)object;
  client_connection_cancel(&it.connection);
}

/* Opens the connection, waits for `times` ends, and compares the log. */
static void run(uint64_t times, const char *log) {
  on_worker(open_it);
  wait_until(&it.gone, times);
  assert_string_equal(it.log, log);
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* The machine sends all that it has, and is done. */
static void a_whole_life(void **state) {
  (void)state;
  it.client_world.talk_bytes = TALK_BYTES;
  run(1, "prepare connected create around gone. ");
  assert_int_equal(it.client_world.closed, 1);
  assert_false(it.connection.blamed);
}

/* The callbacks that may be missing are. */
static void few_callbacks(void **state) {
  (void)state;
  it.connection.ops = &few_ops;
  it.client_world.talk_bytes = TALK_BYTES;
  run(1, "create gone. ");
}

/* The server's FIN ends it; the machine around it sees every byte. */
static void a_server_that_ends(void **state) {
  (void)state;
  it.server_world.talk_bytes = TALK_BYTES;
  run(1, "prepare connected create around gone. ");
  assert_true(it.eof);
  assert_true(it.received >= TALK_BYTES);
  assert_int_equal(it.client_world.eofs, 1);
}

/* Opened again by `gone`: everything begins anew. */
static void opened_again(void **state) {
  (void)state;
  it.openings = 2;
  it.server_world.talk_bytes = 10;
  run(3, "prepare connected create around gone. prepare connected create around gone. "
         "prepare connected create around gone. ");
  assert_int_equal(it.client_world.made, 3);
}

static void the_second_address(void **state) {
  (void)state;
  it.addresses[1] = it.addresses[0];
  assert_true(address_parse(&it.addresses[0], "127.0.0.1:1"));
  it.server.address_count = 2;
  it.client_world.talk_bytes = 10;
  run(1, "prepare prepare connected create around gone. ");
}

static void no_address_accepts(void **state) {
  (void)state;
  assert_true(address_parse(&it.addresses[0], "127.0.0.1:1"));
  assert_true(address_parse(&it.addresses[1], "127.0.0.1:2"));
  it.server.address_count = 2;
  run(1, "prepare prepare blamed: cannot connect to 127.0.0.1:2: Connection refused; gone. ");
}

/* The owner's own reason counts, and not that of the link, which got no machine. */
static void no_machine(void **state) {
  (void)state;
  it.create_refuses = true;
  run(1, "prepare connected create blamed: no room for ?a.test:1; gone. ");
  assert_true(it.connection.blamed);
  assert_false(it.connection.created);
}

/* A port with a full queue, where nothing accepts: connecting hangs. */
static int hanging_port(struct address *address, int fillers[FILLERS]) {
  socklen_t len = sizeof address->ipv4;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(address_parse(address, "127.0.0.1:0"));
  assert_int_equal(bind(fd, &address->any, address->len), 0);
  assert_int_equal(listen(fd, 0), 0);
  assert_int_equal(getsockname(fd, &address->any, &len), 0);
  for (int i = 0; i < FILLERS; i++) {
    fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)connect(fillers[i], &address->any, address->len);
  }
  return fd;
}

/* Cancelled while it dials; and cancelled again, and drained, when there is nothing to end. */
static void dialling_ends(void **state) {
  char expected[200], text[ADDRESS_TEXT_BYTES];
  int fillers[FILLERS], fd = hanging_port(&it.addresses[0], fillers);
  bool cancels = *state != NULL;
  if (!cancels) it.server.connect_ns = 100 * IO_MILLISECOND;
  on_worker(open_it);
  if (cancels) on_worker(cancel_it);
  wait_until(&it.gone, 1);
  snprintf(expected, sizeof expected, "prepare blamed: cannot connect to %s: %s; gone. ",
           address_format(&it.addresses[0], text), strerror(cancels ? ECANCELED : ETIMEDOUT));
  assert_string_equal(it.log, expected);
  on_worker(cancel_it);
  on_worker(drain_it);
  close(fd);
  for (int i = 0; i < FILLERS; i++)
    close(fillers[i]);
}

/* Both ends only answer, so nothing happens until the connection is told to end. */
static void drained(void **state) {
  (void)state;
  on_worker(open_it);
  wait_until(&it.up, 1);
  on_worker(cancel_it); /* does nothing: it is up */
  on_worker(drain_it);
  wait_until(&it.gone, 1);
  assert_string_equal(it.log, "prepare connected create around gone. ");
  assert_int_equal(it.client_world.drained, 1);
}

/* ---- TLS ------------------------------------------------------------------------------------- */

static int begin_tls(void **state) {
  begin_with(*(const struct choice *)*state);
  return 0;
}

static const struct choice both = {.server_secure = true, .client_secure = true},
                           distrust = {true, true, .verify = true},
                           clear_server = {.client_secure = true};

static void over_tls(void **state) {
  (void)state;
  it.openings = 1;
  it.client_world.talk_bytes = TALK_BYTES;
  run(2, "prepare connected around create(h2) gone. prepare connected around create(h2) gone. ");
  assert_int_equal(it.server_world.made, 2);
}

/* The certificate is self-signed. TLS ends before there is a machine for the protocol. */
static void a_certificate_that_is_not_trusted(void **state) {
  static const char before[] = "prepare connected around blamed: TLS with a.test:1 failed: ";
  (void)state;
  on_worker(open_it);
  wait_until(&it.gone, 1);
  assert_memory_equal(it.log, before, sizeof before - 1);
  assert_non_null(strstr(it.log, "certificate"));
  assert_int_equal(it.client_world.made, 0);
}

/* The server closes without a word of TLS. */
static void a_server_without_tls(void **state) {
  (void)state;
  it.server_world.talk_bytes = 1;
  on_worker(open_it);
  wait_until(&it.gone, 1);
  assert_non_null(strstr(it.log, "around blamed: TLS with a.test:1 failed: "));
  assert_int_equal(it.client_world.made, 0);
}

/* ---- reasons --------------------------------------------------------------------------------- */

/* The first reason counts, cut to fit and in printable ASCII. */
static void reasons(void **state) {
  (void)state;
  char longest[2 * CLIENT_REASON_BYTES], expected[sizeof it.log];
  memset(longest, 'x', sizeof longest);
  longest[sizeof longest - 1] = '\0';
  memset(&it, 0, sizeof it);
  client_connection_init(&it.connection, &it.server, NULL, &all_ops);
  client_blame(&it.connection, "a\x1b[1m \xc3\xa9\x7f\n%s", "peer");
  client_blame(&it.connection, "another");
  assert_string_equal(it.log, "blamed: a?[1m ????peer; ");

  memset(&it, 0, sizeof it);
  client_connection_init(&it.connection, &it.server, NULL, &all_ops);
  client_blame(&it.connection, "%s", longest);
  snprintf(expected, sizeof expected, "blamed: %.*s; ", CLIENT_REASON_BYTES - 1, longest);
  assert_string_equal(it.log, expected);
}

int main(void) {
#define CONNECTION_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)
#define TLS_TEST(test, choice)                                                                     \
  cmocka_unit_test_prestate_setup_teardown(test, begin_tls, end, (void *)(uintptr_t) & (choice))
  const struct CMUnitTest tests[] = {
      CONNECTION_TEST(a_whole_life),
      CONNECTION_TEST(few_callbacks),
      CONNECTION_TEST(a_server_that_ends),
      CONNECTION_TEST(opened_again),
      CONNECTION_TEST(the_second_address),
      CONNECTION_TEST(no_address_accepts),
      CONNECTION_TEST(no_machine),
      {"dialling is cancelled", dialling_ends, begin, end, (void *)1},
      {"dialling takes too long", dialling_ends, begin, end, NULL},
      CONNECTION_TEST(drained),
      TLS_TEST(over_tls, both),
      TLS_TEST(a_certificate_that_is_not_trusted, distrust),
      TLS_TEST(a_server_without_tls, clear_server),
      cmocka_unit_test(reasons),
  };
  tls_pair_begin();
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  tls_pair_end();
  return failed;
}
