/*
 * load/test_source.c - the order in which workers get the requests of lists, files and pipes.
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/load/due.h"

static struct load_options options;
static struct load_plan plan;
static char error[512];
static const struct failure failure = {.text = error, .size = sizeof error};
static char path[] = "/tmp/weir-test-source-XXXXXX";

static void write_file(const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  assert_int_equal(fclose(file), 0);
}

static void open_plan(unsigned threads) {
  options.threads = threads;
  if (options.connections < threads) options.connections = threads;
  if (!load_plan_init(&plan, &options, &failure) || !load_plan_targets(&plan, &failure) ||
      !load_plan_read(&plan, &failure))
    fail_msg("%s", error);
}

static void close_plan(void) {
  load_plan_free(&plan);
  options = (struct load_options){0};
}

/* Appends the path of the next request, without its slash. */
static void take(struct load_source *source, struct load_turn *turn, char *out) {
  const struct load_target *target = load_source_next(source, turn);
  struct span value = target->fields[3].value;
  sprintf(out + strlen(out), "%.*s ", (int)value.len - 1, (const char *)value.base + 1);
  load_source_release(source, target);
}

static enum load_source_state wait_for(struct load_source *source) {
  enum load_source_state state;
  while ((state = load_source_state(source, NULL)) == LOAD_SOURCE_WAITS)
    usleep(100);
  return state;
}

/* The first `count` requests of a worker. */
static const char *paths(unsigned worker, unsigned count) {
  static char text[4096];
  struct load_source source;
  struct load_turn turn = {0};
  text[0] = 0;
  load_source_init(&source, &plan, worker);
  while (count-- > 0 && wait_for(&source) == LOAD_SOURCE_READY)
    take(&source, &turn, text);
  load_source_free(&source);
  return text;
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* Each connection begins with the first URL. */
static void test_command_line(void **state) {
  (void)state;
  char *urls[] = {"http://h/a", "http://h/b", "http://h/c{seq}"};
  struct load_source source;
  struct load_turn turns[2] = {0};
  char text[64] = "";
  options.urls = urls;
  options.url_count = 3;
  open_plan(2);
  load_source_init(&source, &plan, 1);
  for (unsigned i = 0; i < 4; i++) {
    take(&source, &turns[0], text);
    take(&source, &turns[1], text);
  }
  assert_string_equal(text, "a a b b c2 c4 a a ");
  load_source_free(&source);
  close_plan();
}

/* Without variables, the same target is lent each time; with them, one for each request. */
static void test_prepared(void **state) {
  (void)state;
  char *urls[] = {"http://h/a", "http://h/{seq}"};
  struct load_source source;
  struct load_turn turn = {0};
  options.urls = urls;
  options.url_count = 2;
  open_plan(1);
  load_source_init(&source, &plan, 0);
  const struct load_target *at[4];
  for (unsigned i = 0; i < 4; i++)
    at[i] = load_source_next(&source, &turn);
  assert_ptr_equal(at[0], at[2]);
  assert_true(at[0]->prepared && !at[1]->prepared);
  assert_true(at[0]->fields[0].memo != 0);
  assert_ptr_not_equal(at[1], at[3]);
  load_source_release(&source, at[1]);
  (void)load_source_next(&source, &turn);
  assert_ptr_equal(load_source_next(&source, &turn), at[1]);
  load_source_free(&source); /* those in flight, too */
  close_plan();
}

/* Workers share a file's requests, again and again or once. */
static void test_shared(void **state) {
  (void)state;
  write_file("http://h/a\n/b\n/c\n/d\n/e\n");
  options.input_path = path;
  options.requests = 100;
  open_plan(2);
  assert_null(plan.reader);
  assert_string_equal(paths(0, 6), "a c e b d a ");
  assert_string_equal(paths(1, 6), "b d a c e b ");
  plan.one_pass = true;
  assert_string_equal(paths(0, 6), "a c e ");
  assert_string_equal(paths(1, 6), "b d ");
  close_plan();
}

/* The requests of a worker whose connections are all to one of the servers, until there are no more. */
static const char *paths_to(unsigned worker, unsigned server) {
  static char text[4096];
  struct load_source source;
  struct load_turn turn = {.origin = &plan.origins.at[server]};
  text[0] = 0;
  load_source_init(&source, &plan, worker);
  while (load_source_state(&source, &turn) == LOAD_SOURCE_READY)
    take(&source, &turn, text);
  load_source_free(&source);
  return text;
}

static const char two_servers[] =
    "{\"url\":\"http://h/a\",\"weight\":3}\n{\"url\":\"http://i/k\"}\n"
    "{\"url\":\"/b\"}\n{\"url\":\"http://i/l\",\"weight\":2}\n"
    "{\"url\":\"http://h/c\"}\n{\"url\":\"http://i/m\"}\n";

/* Each server has the order of its own requests, which the workers share that have a connection to it:
 * connections 0 and 1 are worker 0's, 2 worker 1's, 3 worker 2's. */
static void test_servers(void **state) {
  (void)state;
  write_file(two_servers);
  options.input_path = path;
  options.connections = 4;
  open_plan(3);
  assert_int_equal(plan.origins.count, 2);
  assert_string_equal(paths_to(0, 0), "a b a ");
  assert_string_equal(paths_to(1, 0), "a c ");
  assert_string_equal(paths_to(2, 0), "");
  assert_string_equal(paths_to(0, 1), "l m ");
  assert_string_equal(paths_to(1, 1), "");
  assert_string_equal(paths_to(2, 1), "k l ");
  close_plan();
}

/* Once a server's last connection has gone, what is left of its requests is given up. */
static void test_a_server_is_lost(void **state) {
  (void)state;
  struct load_source source;
  char text[64] = "";
  write_file(two_servers);
  options.input_path = path;
  options.connections = 3;
  open_plan(1);
  struct load_turn turns[2] = {{.origin = &plan.origins.at[0]}, {.origin = &plan.origins.at[1]}};
  load_source_init(&source, &plan, 0);
  take(&source, &turns[0], text);
  assert_int_equal(load_source_leave(&source, &turns[0]), 0);
  take(&source, &turns[0], text);
  assert_int_equal(load_source_leave(&source, &turns[0]), 3);
  assert_int_equal(load_source_state(&source, &turns[0]), LOAD_SOURCE_ENDED);
  assert_int_equal(load_source_state(&source, NULL), LOAD_SOURCE_READY);
  while (load_source_state(&source, NULL) == LOAD_SOURCE_READY)
    take(&source, &turns[1], text);
  assert_string_equal(text, "a a l k m l ");
  assert_int_equal(load_source_leave(&source, &turns[1]), 0);
  load_source_free(&source);
  close_plan();
}

/* A file that cannot be divided between its servers. */
static void refuse_servers(bool replay, unsigned connections, const char *expected) {
  options.input_path = path;
  options.replay = replay;
  options.threads = 1;
  options.connections = connections;
  assert_true(load_plan_init(&plan, &options, &failure));
  assert_true(load_plan_targets(&plan, &failure));
  assert_false(load_plan_read(&plan, &failure));
  assert_non_null(strstr(error, expected));
  close_plan();
}

static void test_servers_are_refused(void **state) {
  (void)state;
  write_file("{\"time_ns\":5,\"url\":\"http://h/\"}\n{\"time_ns\":6,\"url\":\"http://i/\"}\n");
  refuse_servers(true, 2, " has several servers; name one by a URL");
  refuse_servers(false, 1, "-c 1: fewer connections than servers (2); try -c 2");
}

static void test_weights(void **state) {
  (void)state;
  write_file("{\"url\":\"http://h/a\",\"weight\":4}\n{\"url\":\"/b\"}\n"
             "{\"url\":\"/c\",\"weight\":2}\n{\"url\":\"/d\"}\n");
  options.input_path = path;
  open_plan(1);
  assert_string_equal(paths(0, 100), "a c a b d a c a ");
  close_plan();
}

static void test_csv_once(void **state) {
  (void)state;
  write_file("n\n1\n2\n3\n");
  char *urls[] = {"http://h/{n}"};
  options.urls = urls;
  options.url_count = 1;
  options.csv_path = path;
  open_plan(2);
  assert_string_equal(paths(0, 3), "1 3 2 ");
  close_plan();
  options.urls = urls;
  options.url_count = 1;
  options.csv_path = path;
  options.csv_once = true;
  open_plan(2);
  assert_string_equal(paths(0, 100), "1 3 ");
  assert_string_equal(paths(1, 100), "2 ");
  close_plan();
}

/* ---- replaying ------------------------------------------------------------------------------- */

/* "PATH@TIME " for each request of a worker in turn: when it is due, if the run begins at 1000. Times
 * alone are those that are seen ahead from the beginning. */
static const char *times(unsigned worker, bool alone) {
  static char text[4096];
  struct load_source source;
  struct load_due due;
  struct load_turn turn = {0};
  text[0] = 0;
  load_source_init(&source, &plan, worker);
  (void)wait_for(&source);
  load_due_begin(&due, &plan, &source, 1000);
  for (uint64_t at; (at = load_due_ns(&due)) != UINT64_MAX;) {
    load_due_next(&due);
    if (!alone) {
      assert_int_equal(wait_for(&source), LOAD_SOURCE_READY);
      take(&source, &turn, text);
      text[strlen(text) - 1] = '@';
    }
    sprintf(text + strlen(text), "%llu ", (unsigned long long)at);
  }
  load_source_free(&source);
  return text;
}

static void open_replay(const char *input, unsigned threads, double speed) {
  options.input_path = input;
  options.replay = true;
  options.speed = speed;
  options.requests = 100; /* a recording is made once all the same */
  open_plan(threads);
}

static const char recording[] = "{\"time_ns\":      5000100,\"url\":\"http://h/b\"}\n"
                                "{\"time_ns\":      5000000,\"url\":\"/a\"}\n"
                                "{\"time_ns\":      5000300,\"url\":\"/c\",\"weight\":2}\n"
                                "{\"time_ns\":      5001001,\"url\":\"/d\"}\n";

/* A list is brought into the order of time. */
static void test_replay(void **state) {
  (void)state;
  write_file(recording);
  open_replay(path, 1, 1);
  assert_string_equal(times(0, false), "a@1000 b@1100 c@1300 c@1300 d@2001 ");
  assert_string_equal(times(0, true), "1000 1100 1300 1300 2001 ");
  close_plan();
  open_replay(path, 2, 2);
  assert_string_equal(times(0, false), "a@1000 c@1150 d@1501 ");
  assert_string_equal(times(1, false), "b@1050 c@1150 ");
  assert_string_equal(times(1, true), "1050 1150 ");
  close_plan();
}

/* A pipe stays as it is. A request that is older than the first is due at the beginning. */
static void test_replay_stream(void **state) {
  (void)state;
  int pipes[2], old = dup(STDIN_FILENO);
  assert_int_equal(pipe(pipes), 0);
  assert_int_equal(dup2(pipes[0], STDIN_FILENO), 0);
  assert_int_equal(write(pipes[1], recording, sizeof recording - 1), sizeof recording - 1);
  close(pipes[1]);
  open_replay("-", 1, 0.5);
  assert_string_equal(times(0, true), "1000 1000 1400 1400 2802 ");
  assert_string_equal(times(0, false), "b@1000 a@1000 c@1400 c@1400 d@2802 ");
  close_plan();
  assert_int_equal(dup2(old, STDIN_FILENO), 0);
  close(old);
  close(pipes[0]);
}

static void test_no_times(void **state) {
  (void)state;
  write_file("http://h/a\n");
  options.input_path = path;
  options.replay = true;
  options.threads = 1;
  assert_true(load_plan_init(&plan, &options, &failure));
  assert_true(load_plan_targets(&plan, &failure));
  assert_false(load_plan_read(&plan, &failure));
  assert_non_null(strstr(error, ": no times to replay: the first request has no time_ns"));
  close_plan();
}

/* ---- mistakes -------------------------------------------------------------------------------- */

static void test_mistakes(void **state) {
  (void)state;
  static const struct {
    const char *text, *expected;
  } rows[] = {
      {"http://h/a\n/b{nothing}\n",
       ":2: {nothing}: no such variable or CSV column; for a plain brace write {{"},
      {"/a\n", ":1: /a: expected http://HOST/PATH or https://HOST/PATH"},
      {"GET http://h/\n\nG@T /\n", ":3: expected METHOD URL"},
      {"POST http://h/\n\nGET /\na: b\n@/nowhere/x\n",
       ":3: cannot read /nowhere/x: No such file or directory"},
      {"# nothing\n", ": no requests"},
      {"{\"log\":{\"entries\":[]}}", ": no requests"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    write_file(rows[i].text);
    options.input_path = path;
    options.threads = options.connections = 1;
    assert_true(load_plan_init(&plan, &options, &failure));
    assert_true(load_plan_targets(&plan, &failure));
    assert_false(load_plan_read(&plan, &failure));
    assert_memory_equal(error, path, strlen(path));
    assert_string_equal(error + strlen(path), rows[i].expected);
    close_plan();
  }
}

/* ---- streams --------------------------------------------------------------------------------- */

static unsigned numbers_of(unsigned worker, unsigned count, unsigned *sum) {
  struct load_source source;
  struct load_turn turn = {0};
  unsigned taken = 0;
  load_source_init(&source, &plan, worker);
  for (; taken < count && wait_for(&source) == LOAD_SOURCE_READY; taken++) {
    char text[2048] = "";
    take(&source, &turn, text);
    *sum += (unsigned)strtoul(text, NULL, 10);
  }
  load_source_free(&source);
  return taken;
}

/* A file that is too large to be kept, of `lines` numbered requests. */
static void write_large(unsigned *lines) {
  FILE *file = fopen(path, "w");
  size_t kept = 0;
  fprintf(file, "http://h/0\n");
  for (*lines = 1; kept <= LOAD_KEPT_BYTES_MAX; ++*lines)
    kept += (size_t)fprintf(file, "/%u?%01000u\n", *lines, 0);
  assert_int_equal(fclose(file), 0);
}

/* Both workers together get each request once. A worker that takes none stops no other. */
static void test_large(void **state) {
  (void)state;
  unsigned lines, sum = 0, taken;
  write_large(&lines);
  options.input_path = path;
  open_plan(2);
  assert_non_null(plan.reader);
  taken = numbers_of(0, UINT32_MAX, &sum); /* all but what worker 1's ring holds */
  assert_in_range(taken, lines - LOAD_BATCHES_MAX * LOAD_BATCH_BYTES / 500, lines - 1);
  taken += numbers_of(1, UINT32_MAX, &sum);
  assert_int_equal(taken, lines);
  assert_int_equal(sum, (uint64_t)lines * (lines - 1) / 2 & UINT32_MAX);
  load_reader_stop(plan.reader);
  assert_null(load_reader_mistake(plan.reader));
  close_plan();
}

/* With a number of requests, the file begins again; closing ends a reader that waits for room. */
static void test_large_again(void **state) {
  (void)state;
  unsigned lines, sum = 0;
  write_large(&lines);
  options.input_path = path;
  options.requests = UINT32_MAX;
  open_plan(1);
  assert_int_equal(numbers_of(0, 2 * lines, &sum), 2 * lines);
  assert_int_equal(sum, (uint64_t)lines * (lines - 1) & UINT32_MAX);
  close_plan();
}

/* A mistake after the first requests ends the reading, and is told. */
static void test_late_mistake(void **state) {
  (void)state;
  unsigned sum = 0;
  int pipes[2], old = dup(STDIN_FILENO);
  assert_int_equal(pipe(pipes), 0);
  assert_int_equal(dup2(pipes[0], STDIN_FILENO), 0);
  FILE *end = fdopen(pipes[1], "w");
  fprintf(end, "http://h/0\n/5\n/{x}\n/y\n");
  fclose(end);
  options.input_path = "-";
  open_plan(1);
  assert_int_equal(numbers_of(0, UINT32_MAX, &sum), 2);
  assert_int_equal(sum, 5);
  load_reader_stop(plan.reader);
  assert_string_equal(load_reader_mistake(plan.reader),
                      "standard input:3: {x}: no such variable or CSV column; for a plain brace "
                      "write {{");
  close_plan();
  assert_int_equal(dup2(old, STDIN_FILENO), 0);
  close(old);
  close(pipes[0]);
}

/* What a pipe has given is not held back until more comes; weights repeat. */
static void test_pipe(void **state) {
  (void)state;
  int pipes[2], old = dup(STDIN_FILENO);
  static const char first[] = "{\"url\":\"http://h/a\",\"weight\":2}\n{\"url\":\"/b\"}\n";
  assert_int_equal(pipe(pipes), 0);
  assert_int_equal(dup2(pipes[0], STDIN_FILENO), 0);
  assert_int_equal(write(pipes[1], first, sizeof first - 1), sizeof first - 1);
  options.input_path = "-";
  options.requests = 10; /* a pipe does not begin again */
  open_plan(1);
  assert_string_equal(paths(0, 3), "a a b ");
  close(pipes[1]);
  assert_string_equal(paths(0, 3), "");
  close_plan();
  assert_int_equal(dup2(old, STDIN_FILENO), 0);
  close(old);
  close(pipes[0]);
}

static int begin(void **state) {
  (void)state;
  return mkstemp(path) < 0;
}

static int end(void **state) {
  (void)state;
  return unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_command_line),
      cmocka_unit_test(test_prepared),
      cmocka_unit_test(test_shared),
      cmocka_unit_test(test_servers),
      cmocka_unit_test(test_a_server_is_lost),
      cmocka_unit_test(test_servers_are_refused),
      cmocka_unit_test(test_weights),
      cmocka_unit_test(test_csv_once),
      cmocka_unit_test(test_mistakes),
      cmocka_unit_test(test_large),
      cmocka_unit_test(test_large_again),
      cmocka_unit_test(test_late_mistake),
      cmocka_unit_test(test_pipe),
      cmocka_unit_test(test_replay),
      cmocka_unit_test(test_replay_stream),
      cmocka_unit_test(test_no_times),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
