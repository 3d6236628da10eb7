/*
 * spdy/test_block_write.c - blocks that we write: zlib itself reads them, and so does our reader; secrets neither
 * change the length of anything nor help to compress anything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "engine/spdy/block.h"
#include "engine/spdy/dictionary.h"
#include "engine/spdy/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/guard.h"
#include "tests/support/random.h"

enum { ROOM = 1 << 18, FIELDS = 64 };

static struct counted_memory memory;
static struct guard guard;
static struct spdy_block_writer writer;
static z_stream peer;
static uint8_t inflated[ROOM];

static void begin(void) {
  spdy_block_writer_init(&writer, counted_init(&memory));
  assert_true(spdy_block_writer_ready(&writer));
  memset(&peer, 0, sizeof peer);
  assert_int_equal(inflateInit(&peer), Z_OK);
}

static void end(void) {
  spdy_block_writer_destroy(&writer);
  assert_int_equal(memory.count, 0);
  (void)inflateEnd(&peer);
}

/* Writes a block before a page without access; the room is what the bound says. */
static struct span write_block(const struct header *fields, size_t count) {
  size_t bound = spdy_block_bound(fields, count);
  uint8_t *room = guard_room(&guard, bound);
  const uint8_t *at = spdy_block_write(&writer, fields, count, room);
  assert_true(at > room && at <= room + bound);
  return span_of(room, (size_t)(at - room));
}

/* What zlib makes of the next block of its stream. */
static struct span inflate_block(struct span block) {
  peer.next_in = (uint8_t *)(uintptr_t)block.base;
  peer.avail_in = (unsigned)block.len;
  peer.next_out = inflated;
  peer.avail_out = sizeof inflated;
  int result = inflate(&peer, Z_SYNC_FLUSH);
  if (result == Z_NEED_DICT) {
    assert_int_equal(
        inflateSetDictionary(&peer, spdy_dictionary.base, (unsigned)spdy_dictionary.len), Z_OK);
    result = inflate(&peer, Z_SYNC_FLUSH);
  }
  assert_true(result == Z_OK || result == Z_BUF_ERROR);
  assert_int_equal(peer.avail_in, 0);
  return span_of(inflated, sizeof inflated - peer.avail_out);
}

static struct header field(const char *name, const char *value) {
  return (struct header){.name = span_text(name), .value = span_text(value)};
}

/* ---- what is on the wire --------------------------------------------------------------------- */

#define BYTES(text) text, sizeof(text) - 1
#define N(number)   "\0\0\0" number
static const struct {
  const char *name;
  const char *fields[5][2]; /* up to one without a name */
  const char *block;
  size_t len;
} rows[] = {
    {"none", {{NULL, NULL}}, BYTES(N("\0"))},
    {"one", {{"a", "bc"}}, BYTES(N("\1") N("\1") "a" N("\2") "bc")},
    {"an empty value", {{"a", ""}}, BYTES(N("\1") N("\1") "a" N("\0"))},
    {"two",
     {{":path", "/"}, {"a", "b"}},
     BYTES(N("\2") N("\5") ":path" N("\1") "/" N("\1") "a" N("\1") "b")},
    {"one name twice", {{"a", "b"}, {"a", "c"}}, BYTES(N("\1") N("\1") "a" N("\3") "b\0c")},
    {"apart",
     {{"a", "b"}, {"c", "d"}, {"a", "e"}},
     BYTES(N("\2") N("\1") "a" N("\3") "b\0e" N("\1") "c" N("\1") "d")},
    {"an empty one first", {{"a", ""}, {"a", "c"}}, BYTES(N("\1") N("\1") "a" N("\1") "c")},
    {"an empty one last", {{"a", "b"}, {"a", ""}}, BYTES(N("\1") N("\1") "a" N("\1") "b")},
    {"an empty one within",
     {{"a", "b"}, {"a", ""}, {"a", "c"}},
     BYTES(N("\1") N("\1") "a" N("\3") "b\0c")},
    {"all empty", {{"a", ""}, {"a", ""}}, BYTES(N("\1") N("\1") "a" N("\0"))},
    {"a secret comes last",
     {{"cookie", "s"}, {"a", "b"}},
     BYTES(N("\2") N("\1") "a" N("\1") "b" N("\6") "cookie" N("\1") "s")},
    {"a secret alone", {{"cookie", "s"}}, BYTES(N("\1") N("\6") "cookie" N("\1") "s")},
    {"two secrets",
     {{"set-cookie", "s"}, {"set-cookie", "t"}},
     BYTES(N("\1") N("\12") "set-cookie" N("\3") "s\0t")},
};

/* Twice, so that the second refers to the first where it may. */
static void test_rows(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct header fields[5];
    size_t count = 0;
    for (; rows[i].fields[count][0]; count++)
      fields[count] = field(rows[i].fields[count][0], rows[i].fields[count][1]);
    begin();
    for (int again = 0; again < 2; again++) {
      struct span block = inflate_block(write_block(fields, count));
      if (block.len != rows[i].len || memcmp(block.base, rows[i].block, block.len) != 0)
        fail_msg("%s: %zu bytes", rows[i].name, block.len);
    }
    end();
  }
}

/* Blocks of one stream refer to each other and to the dictionary. */
static void test_compression(void **state) {
  (void)state;
  struct header fields[] = {
      field(":method", "GET"),
      field(":path", "/index.html"),
      field(":version", "HTTP/1.1"),
      field("accept-encoding", "gzip,deflate,sdch"),
      field("user-agent", "a program with a name that is long enough to be worth something"),
  };
  begin();
  size_t first = write_block(fields, 5).len, second = write_block(fields, 5).len;
  assert_true(first < 120);
  assert_true(second < 30);
  end();
}

/* Values beyond what one stored block can have, secret or not; letters that do not compress. */
static void test_long_values(void **state) {
  (void)state;
  static uint8_t value[150000];
  struct random random = {.state = 7};
  for (size_t i = 0; i < sizeof value; i++)
    value[i] = (uint8_t)(1 + random_next(&random) % 255);
  static const char *const names[] = {"x-long", "cookie"};
  static const size_t lengths[] = {65521, 65522, 65523, 65535, 65536, 131056, 131057, 150000};
  for (size_t n = 0; n < 2; n++)
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
      struct header long_field = field(names[n], "");
      long_field.value = span_of(value, lengths[l]);
      begin();
      for (int again = 0; again < 2; again++) {
        struct span block = inflate_block(write_block(&long_field, 1));
        assert_int_equal(block.len, 4 + 4 + 6 + 4 + lengths[l]);
        assert_memory_equal(block.base + 18, value, lengths[l]);
      }
      end();
    }
}

/* ---- secrets --------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  uint8_t flags;
} secrets[] = {{"cookie", 0},
               {"set-cookie", 0},
               {"authorization", 0},
               {"proxy-authorization", 0},
               {"x-token", HEADER_NEVER_INDEX}};

/* The lengths of a block with a secret and a guess, and of a block behind it with the same guess. */
static void measure(size_t kind, const char *secret, const char *guess, size_t lengths[2]) {
  struct header fields[] = {field(":path", guess), field(secrets[kind].name, secret)};
  fields[1].flags = secrets[kind].flags;
  begin();
  lengths[0] = write_block(fields, 2).len;
  lengths[1] = write_block(fields, 1).len;
  end();
}

/* CRIME: a guess that is right is as long as one that is wrong, in the same block and in the next one; and so
 * is the secret itself, whatever it repeats. */
static void test_guesses(void **state) {
  (void)state;
  for (size_t kind = 0; kind < sizeof secrets / sizeof *secrets; kind++) {
    size_t right[2], wrong[2], dull[2];
    measure(kind, "session=hunter2hunter2hunter2", "/?session=hunter2hunter2hunter2", right);
    measure(kind, "session=qwertzqwertzqwertzqwe", "/?session=hunter2hunter2hunter2", wrong);
    measure(kind, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "/?session=hunter2hunter2hunter2", dull);
    assert_int_equal(right[0], wrong[0]);
    assert_int_equal(right[1], wrong[1]);
    assert_int_equal(right[0], dull[0]);
  }
}

/* The canary of the test above: as an ordinary field, the right guess is shorter. */
static void test_guesses_show(void **state) {
  (void)state;
  struct header right[] = {field(":path", "/?session=hunter2hunter2hunter2"),
                           field("x-open", "session=hunter2hunter2hunter2")};
  struct header wrong[] = {field(":path", "/?session=hunter2hunter2hunter2"),
                           field("x-open", "session=qwertzqwertzqwertzqwe")};
  begin();
  size_t shorter = write_block(right, 2).len;
  end();
  begin();
  assert_true(write_block(wrong, 2).len > shorter + 5);
  end();
}

/* What follows a block with a secret can be inflated by someone who knows nothing of what came before: it refers to
 * nothing in it. */
static void test_nothing_refers_back(void **state) {
  (void)state;
  struct header fields[] = {field(":path", "/some/path"), field("cookie", "session=hunter2")};
  begin();
  (void)write_block(fields, 2);
  struct span block = write_block(fields, 1);
  z_stream fresh = {0};
  assert_int_equal(inflateInit2(&fresh, -15), Z_OK);
  fresh.next_in = (uint8_t *)(uintptr_t)block.base;
  fresh.avail_in = (unsigned)block.len;
  fresh.next_out = inflated;
  fresh.avail_out = sizeof inflated;
  assert_int_equal(inflate(&fresh, Z_SYNC_FLUSH), Z_OK);
  assert_int_equal(fresh.avail_in, 0);
  assert_int_equal(sizeof inflated - fresh.avail_out, 4 + 4 + 5 + 4 + 10);
  (void)inflateEnd(&fresh);
  end();
}

/* ---- round trips ----------------------------------------------------------------------------- */

/* Random lists of a few names and values, some secret, through the writer and the reader; the order of the values of
 * a name stays. */
static void test_round_trips(void **state) {
  (void)state;
  static const char *const names[] = {":path", "accept", "cookie", "x-a", "x-b", "set-cookie"};
  static const char *const values[] = {"a", "/index.html", "text/html", "gzip", "0123456789"};
  struct random random = {.state = 1};
  uint8_t scratch_bytes[SPDY_SCRATCH_BYTES(16384)], arena[1];
  struct spdy_scratch scratch = {scratch_bytes, sizeof scratch_bytes};
  struct spdy_block_reader reader;
  begin();
  spdy_block_reader_init(&reader, &memory.memory, &scratch, 16384);
  for (int round = 0; round < 2000; round++) {
    struct header sent[FIELDS], received[FIELDS];
    size_t count = random_next(&random) % FIELDS;
    for (size_t i = 0; i < count; i++)
      sent[i] = field(names[random_next(&random) % 6], values[random_next(&random) % 5]);
    struct headers list;
    headers_init(&list, received, FIELDS, arena, sizeof arena, 16384);
    const char *reason;
    assert_int_equal(spdy_block_read(&reader, write_block(sent, count), true, &list, &reason),
                     SPDY_BLOCK_DONE);
    assert_int_equal(list.count, count);
    for (size_t n = 0; n < 6; n++)
      for (size_t i = 0, j = 0;; i++, j++) {
        while (i < count && !span_is(sent[i].name, names[n]))
          i++;
        while (j < count && !span_is(received[j].name, names[n]))
          j++;
        assert_true((i < count) == (j < count));
        if (i >= count) break;
        assert_true(span_equal(sent[i].value, received[j].value));
      }
  }
  spdy_block_reader_destroy(&reader);
  end();
}

static void test_without_memory(void **state) {
  (void)state;
  for (uint64_t at = 1;; at++) {
    spdy_block_writer_init(&writer, counted_init(&memory));
    memory.refuse_at = at;
    bool ready = spdy_block_writer_ready(&writer);
    assert_int_equal(ready, memory.calls < at);
    if (!ready) assert_int_equal(memory.count, 0);
    memory.refuse_at = 0;
    assert_true(spdy_block_writer_ready(&writer));
    assert_in_range(memory.bytes, 1, 30 * KIB);
    spdy_block_writer_destroy(&writer);
    assert_int_equal(memory.count, 0);
    if (ready) break;
  }
}

static int set_up(void **state) {
  (void)state;
  guard_init(&guard, ROOM);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  guard_destroy(&guard);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows),         cmocka_unit_test(test_compression),
      cmocka_unit_test(test_long_values),  cmocka_unit_test(test_guesses),
      cmocka_unit_test(test_guesses_show), cmocka_unit_test(test_nothing_refers_back),
      cmocka_unit_test(test_round_trips),  cmocka_unit_test(test_without_memory),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
