/*
 * files/test_holders.c - clients with much beside clients with little: descriptors, buffers and places in a
 * queue are shared fairly, and no client loses bytes by it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/files/limits.h"
#include "io/files/private.h"
#include "tests/support/cmocka.h"
#include "tests/support/stage.h"

STAGE_KERNEL

static char clients[FILES_HOLDER_BUCKETS + FILES_QUEUED_MAX]; /* addresses */
static const void *const greedy = &clients[0];

/* ---- who holds most -------------------------------------------------------------------------- */

static void test_ranks(void **state) {
  (void)state;
  struct holders holders;
  static struct holder_item many[2 * FILES_HOLDER_RANKS], few[3];
  memset(many, 0, sizeof many);
  holders_init(&holders);
  assert_null(holders_most(&holders));
  assert_null(holders_giver(&holders, greedy));
  assert_null(holders_next(&holders));
  for (unsigned i = 0; i < 2 * FILES_HOLDER_RANKS; i++) {
    holders_add(&holders, greedy, &many[i]);
    assert_int_equal(holders_count(&holders, greedy), i + 1);
    assert_ptr_equal(holders_most(&holders)->client, greedy);
    /* A newcomer gets one when as many are left as it has then. */
    assert_int_equal(holders_giver(&holders, NULL) != NULL, i >= 1);
  }
  for (unsigned i = 0; i < 3; i++) {
    few[i] = (struct holder_item){0};
    holders_add(&holders, NULL, &few[i]);
  }
  assert_ptr_equal(holders_giver(&holders, NULL)->client, greedy);
  for (unsigned i = 2 * FILES_HOLDER_RANKS; i > 4; i--)
    holders_remove(&holders, &many[i - 1]);
  assert_ptr_equal(holders_most(&holders)->client, greedy); /* 4 and 3: */
  assert_null(holders_giver(&holders, NULL)->client);       /* each gives its own */
  assert_ptr_equal(holders_giver(&holders, greedy)->client, greedy);
  holders_touch(&many[0]);
  assert_ptr_equal(holders_most(&holders)->items.next, &many[1].node);
  holders_remove(&holders, &many[1]);
  holders_remove(&holders, &many[1]); /* nobody's already */
  holders_remove(&holders, &many[2]);
  assert_null(holders_most(&holders)->client); /* 2 and 3 */
  const void *first = holders_next(&holders)->client;
  assert_ptr_not_equal(holders_next(&holders)->client, first);
  assert_ptr_equal(holders_next(&holders)->client, first);
  holders_remove(&holders, &many[0]);
  holders_remove(&holders, &many[3]);
  for (unsigned i = 0; i < 3; i++)
    holders_remove(&holders, &few[i]);
  assert_int_equal(holders.count, 0);
  assert_null(holders_most(&holders)); /* those that have gone are in no list */
  assert_null(holders_next(&holders));
  holders_destroy(&holders);
}

/* Above FILES_HOLDER_RANKS, clients count as equal. */
static void test_last_rank(void **state) {
  (void)state;
  struct holders holders;
  static struct holder_item items[2][FILES_HOLDER_RANKS + 1];
  memset(items, 0, sizeof items);
  holders_init(&holders);
  for (unsigned i = 0; i <= FILES_HOLDER_RANKS; i++)
    holders_add(&holders, &clients[0], &items[0][i]);
  for (unsigned i = 0; i < FILES_HOLDER_RANKS - 1; i++)
    holders_add(&holders, &clients[1], &items[1][i]);
  assert_ptr_equal(holders_most(&holders)->client, &clients[0]);
  holders_add(&holders, &clients[1], &items[1][FILES_HOLDER_RANKS - 1]);
  assert_int_equal(holders.top, FILES_HOLDER_RANKS);
  holders_remove(&holders, &items[0][0]);
  holders_remove(&holders, &items[0][1]); /* one less than a full rank */
  assert_ptr_equal(holders_most(&holders)->client, &clients[1]);
  for (unsigned i = 0; i <= FILES_HOLDER_RANKS; i++) {
    holders_remove(&holders, &items[0][i]);
    holders_remove(&holders, &items[1][i]);
  }
  holders_destroy(&holders);
}

/* More clients than buckets: each is found, and its memory is used again. */
static void test_buckets(void **state) {
  (void)state;
  enum { COUNT = FILES_HOLDER_BUCKETS + 100 };
  struct holders holders;
  static struct holder_item items[COUNT];
  memset(items, 0, sizeof items);
  holders_init(&holders);
  for (unsigned round = 0; round < 2; round++) {
    for (unsigned i = 0; i < COUNT; i++)
      holders_add(&holders, &clients[i], &items[i]);
    for (unsigned i = 0; i < COUNT; i += 2) /* from among others that stay */
      holders_remove(&holders, &items[i]);
    for (unsigned i = 0; i < COUNT; i += 2)
      holders_add(&holders, &clients[i], &items[i]);
    assert_int_equal(holders.count, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
      assert_ptr_equal(holders_find(&holders, &clients[i]), items[i].holder);
      assert_ptr_equal(items[i].holder->client, &clients[i]);
    }
    for (unsigned i = 0; i < COUNT; i++)
      holders_remove(&holders, &items[(i * 7 + 3) % COUNT]);
    assert_null(holders_find(&holders, &clients[5]));
  }
  holders_destroy(&holders);
}

/* ---- descriptors ----------------------------------------------------------------------------- */

static const char *name_of(unsigned number) {
  static char name[16];
  snprintf(name, sizeof name, "f%u", number);
  return name;
}

static void make_files(unsigned count) {
  for (unsigned i = 0; i < count; i++)
    stage_put_pattern(stage_at(name_of(i)), STAGE_LARGE_BYTES);
}

static enum files_result find(struct files *files, unsigned number, const void *client,
                              struct file **file) {
  struct files_lookup lookup = {.client = client};
  const char *name = name_of(number);
  enum files_result result = files_find(files, span_of(name, strlen(name)), IO_SECOND, &lookup);
  *file = lookup.file;
  return result;
}

static enum files_result read_at(struct files *files, struct file *file, uint64_t offset,
                                 const void *client) {
  struct file_piece piece = {.client = client};
  enum files_result result = files_read(files, file, offset, 100, &piece);
  if (result != FILES_FOUND) return result;
  assert_int_equal(piece.bytes.base[99], stage_pattern(offset + 99));
  files_read_end(files, &piece);
  return result;
}

/* A client that reads many files, and clients that come for one: each gets it at once, until the first one has no
 * more than they have. It reads its own to their ends all the same. */
static void test_greedy_client(void **state) {
  enum { MAX = 8, ALL = 2 * MAX };
  (void)state;
  struct files *files = stage_open((struct files_settings){.descriptors_max = MAX});
  struct file *held[ALL];
  make_files(ALL);
  for (unsigned i = 0; i < MAX; i++)
    assert_int_equal(find(files, i, greedy, &held[i]), FILES_FOUND);
  for (unsigned i = MAX; i-- > 0;)
    assert_int_equal(read_at(files, held[i], 0, greedy), FILES_FOUND);
  for (unsigned i = MAX; i < ALL - 1; i++) {
    assert_int_equal(find(files, i, &clients[i], &held[i]), FILES_FOUND);
    assert_int_equal(held[ALL - 1 - i]->fd, -1); /* the one that was read longest ago */
  }
  assert_int_equal(find(files, ALL - 1, &clients[ALL - 1], &held[ALL - 1]), FILES_BUSY);
  for (unsigned offset = 100; offset < 1000; offset += 100)
    for (unsigned i = 0; i < ALL - 1; i++) {
      const void *client = i < MAX ? greedy : &clients[i];
      assert_int_equal(read_at(files, held[i], offset, client), FILES_FOUND);
    }
  for (unsigned i = MAX; i < ALL - 1; i++)
    assert_true(held[i]->fd >= 0); /* it has taken none back */
  for (unsigned i = 0; i < ALL - 1; i++)
    files_release(files, held[i]);
  files_destroy(files);
}

/* A file that could not be opened again keeps its descriptor, and is read to its end. */
static void test_replaced_files_stay_open(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){.descriptors_max = 4});
  struct file *held[4], *file, *others[2];
  make_files(7);
  for (unsigned i = 0; i < 4; i++)
    assert_int_equal(find(files, i, greedy, &held[i]), FILES_FOUND);
  stage_put(stage_at("new"), "new", 3);
  assert_int_equal(rename(stage_at("new"), stage_at("f0")), 0);
  assert_int_equal(unlink(stage_at("f1")), 0);
  for (unsigned i = 0; i < 2; i++)
    assert_int_equal(find(files, 4 + i, &clients[4 + i], &others[i]), FILES_FOUND);
  assert_true(held[2]->fd < 0 && held[3]->fd < 0);
  assert_int_equal(find(files, 6, &clients[6], &file), FILES_BUSY);
  for (unsigned i = 0; i < FILES_HOLD_SECONDS; i++)
    files_trim(files, IO_SECOND);
  assert_int_equal(find(files, 6, &clients[6], &file), FILES_BUSY);
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(read_at(files, held[i], STAGE_LARGE_BYTES - 100, greedy), FILES_FOUND);
    assert_int_equal(read_at(files, others[i], 0, &clients[4 + i]), FILES_FOUND);
  }
  for (unsigned i = 0; i <= FILES_HOLD_SECONDS; i++)
    files_trim(files, IO_SECOND);
  assert_int_equal(find(files, 6, &clients[6], &file), FILES_FOUND); /* a reader that stopped */
  assert_int_equal(read_at(files, held[0], 0, greedy), FILES_FAILED);
  for (unsigned i = 0; i < 4; i++)
    files_release(files, held[i]);
  for (unsigned i = 0; i < 2; i++)
    files_release(files, others[i]);
  files_release(files, file);
  files_destroy(files);
}

/* No more than FILES_GIVE_TRIES files are looked at. */
static void test_tries(void **state) {
  enum { MAX = FILES_GIVE_TRIES + 1 };
  (void)state;
  for (unsigned replaced = MAX - 2; replaced < MAX; replaced++) {
    struct files *files = stage_open((struct files_settings){.descriptors_max = MAX});
    struct file *held[MAX], *file;
    make_files(MAX + 1);
    for (unsigned i = 0; i < MAX; i++)
      assert_int_equal(find(files, i, greedy, &held[i]), FILES_FOUND);
    for (unsigned i = 0; i < replaced; i++)
      assert_int_equal(unlink(stage_at(name_of(i))), 0);
    enum files_result result = find(files, MAX, &clients[1], &file);
    assert_int_equal(result, replaced < FILES_GIVE_TRIES ? FILES_FOUND : FILES_BUSY);
    if (result == FILES_FOUND) files_release(files, file);
    for (unsigned i = 0; i < MAX; i++)
      files_release(files, held[i]);
    files_destroy(files);
  }
}

/* Of several readers of a file, the one with fewest others is charged. */
static void test_shared_file(void **state) {
  (void)state;
  struct files *files = stage_open((struct files_settings){.descriptors_max = 3});
  struct file *held[3], *same, *other;
  make_files(4);
  for (unsigned i = 0; i < 3; i++)
    assert_int_equal(find(files, i, greedy, &held[i]), FILES_FOUND);
  assert_int_equal(find(files, 0, &clients[1], &same), FILES_FOUND);
  assert_int_equal(holders_count(&files->cache.holders, greedy), 2);
  assert_int_equal(holders_count(&files->cache.holders, &clients[1]), 1);
  assert_int_equal(read_at(files, held[0], 0, greedy), FILES_FOUND); /* stays the other's */
  assert_int_equal(holders_count(&files->cache.holders, &clients[1]), 1);
  assert_int_equal(find(files, 3, &clients[2], &other), FILES_FOUND);
  assert_true(same->fd >= 0 && held[1]->fd < 0);
  files_release(files, same);
  files_release(files, other);
  for (unsigned i = 0; i < 3; i++)
    files_release(files, held[i]);
  assert_int_equal(files->cache.holders.count, 0);
  files_destroy(files);
}

/* ---- buffers --------------------------------------------------------------------------------- */

static struct files *giving;

static bool give_up(struct file_piece *piece) {
  files_read_end(giving, piece);
  piece->user = &giving;
  return true;
}

/* A client has no more buffers than are left; then it exchanges its own. */
static void test_buffers_of_one_client(void **state) {
  enum { MAX = 8 };
  (void)state;
  giving = stage_open((struct files_settings){.reads_max = MAX});
  struct file *file;
  struct file_piece pieces[MAX], others[MAX];
  make_files(1);
  assert_int_equal(find(giving, 0, greedy, &file), FILES_FOUND);
  unsigned got = 0;
  for (; got < MAX; got++) {
    pieces[got] = (struct file_piece){.client = greedy};
    if (files_read(giving, file, 0, 100, &pieces[got]) == FILES_BUSY) break;
  }
  assert_int_equal(got, MAX / 2 + 1);
  pieces[1].give_up = pieces[2].give_up = give_up;
  assert_int_equal(files_read(giving, file, 0, 100, &pieces[got]), FILES_FOUND);
  assert_ptr_equal(pieces[1].user, &giving); /* the oldest that it could give up */
  assert_null(pieces[2].user);
  for (unsigned i = 0; i < MAX - got; i++) {
    others[i] = (struct file_piece){.client = &clients[1 + i]};
    assert_int_equal(files_read(giving, file, 0, 100, &others[i]), FILES_FOUND);
  }
  struct file_piece last = {.client = &clients[100]};
  assert_int_equal(files_read(giving, file, 0, 100, &last), FILES_FOUND);
  assert_ptr_equal(pieces[2].user, &giving); /* all are out: the client with most gives one up */
  struct file_piece none = {.client = &clients[101]};
  assert_int_equal(files_read(giving, file, 0, 100, &none), FILES_BUSY);
  for (unsigned i = 0; i <= got; i++)
    if (!pieces[i].user) files_read_end(giving, &pieces[i]);
  for (unsigned i = 0; i < MAX - got; i++)
    files_read_end(giving, &others[i]);
  files_read_end(giving, &last);
  files_release(giving, file);
  files_destroy(giving);
}

/* ---- places in a queue ----------------------------------------------------------------------- */

static struct files_lookup *tried[64];
static unsigned tries, told;
static bool room;

static enum files_result attempt(void *self, struct span path, uint64_t now_ns,
                                 struct files_lookup *lookup) {
  (void)self, (void)now_ns;
  assert_int_equal(path.len, 4);
  if (tries < 64) tried[tries] = lookup;
  tries++;
  return room ? FILES_FOUND : FILES_BUSY;
}

static void done(struct files_lookup *lookup, enum files_result result) {
  (void)lookup;
  told += result == FILES_BUSY;
}

static bool add(struct files_queue *queue, struct files_lookup *lookup, const void *client) {
  *lookup = (struct files_lookup){.done = done, .client = client};
  return files_queue_add(queue, span_of("path", 4), IO_SECOND, lookup);
}

static void start_queue(struct files_queue *queue) {
  tries = told = 0;
  room = false;
  files_queue_init(queue, stage_loop, attempt, NULL);
}

static void test_queue_by_turns(void **state) {
  (void)state;
  struct files_queue queue;
  struct files_lookup many[4], one, other;
  start_queue(&queue);
  for (unsigned i = 0; i < 4; i++)
    assert_true(add(&queue, &many[i], greedy));
  assert_true(add(&queue, &one, &clients[1]));
  assert_true(add(&queue, &other, &clients[2]));
  room = true;
  files_queue_run(&queue, IO_SECOND);
  struct files_lookup *const order[] = {&many[0], &one, &other, &many[1], &many[2], &many[3]};
  assert_int_equal(tries, 6);
  assert_memory_equal(tried, order, sizeof order);
  files_queue_destroy(&queue);
}

/* Clients without room are passed over, but not all of them in one go. */
static void test_queue_misses(void **state) {
  enum { CLIENTS = 2 * FILES_QUEUE_MISSES };
  (void)state;
  struct files_queue queue;
  struct files_lookup lookups[CLIENTS];
  for (unsigned count = 1; count <= CLIENTS; count++) {
    start_queue(&queue);
    for (unsigned i = 0; i < count; i++)
      assert_true(add(&queue, &lookups[i], &clients[i]));
    files_queue_run(&queue, IO_SECOND);
    assert_int_equal(tries, count < FILES_QUEUE_MISSES ? count : FILES_QUEUE_MISSES);
    assert_int_equal(told, 0);
    files_queue_run(&queue, IO_SECOND + FILES_QUEUED_NS);
    assert_int_equal(told, count);
    files_queue_destroy(&queue);
  }
}

/* A full queue: a client with little takes the place of the latest of one that has most. */
static void test_full_queue(void **state) {
  (void)state;
  struct files_queue queue;
  static struct files_lookup lookups[FILES_QUEUED_MAX], more[2], own;
  start_queue(&queue);
  for (unsigned i = 0; i < FILES_QUEUED_MAX; i++)
    assert_true(add(&queue, &lookups[i], i < 2 ? greedy : &clients[i]));
  assert_false(add(&queue, &own, greedy));
  assert_true(add(&queue, &more[0], &clients[1]));
  assert_false(add(&queue, &more[1], &clients[FILES_QUEUED_MAX])); /* one and none */
  assert_int_equal(told, 0);                                       /* not inside of an add */
  assert_int_equal(queue.leaving, 1);
  assert_int_equal(stage.ring_count, 1);
  stage_answer(0);
  assert_int_equal(told, 1);
  assert_null(lookups[1].queued);
  assert_non_null(lookups[0].queued);
  assert_int_equal(queue.count, FILES_QUEUED_MAX);
  for (unsigned i = 0; i < FILES_QUEUED_MAX; i++)
    files_queue_remove(&lookups[i]);
  files_queue_remove(&more[0]);
  files_queue_destroy(&queue);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STAGE_TEST(test_ranks),
      STAGE_TEST(test_last_rank),
      STAGE_TEST(test_buckets),
      STAGE_TEST(test_greedy_client),
      STAGE_TEST(test_replaced_files_stay_open),
      STAGE_TEST(test_tries),
      STAGE_TEST(test_shared_file),
      STAGE_TEST(test_buffers_of_one_client),
      STAGE_TEST(test_queue_by_turns),
      STAGE_TEST(test_queue_misses),
      STAGE_TEST(test_full_queue),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
