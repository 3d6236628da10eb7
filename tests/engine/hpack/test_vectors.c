/*
 * hpack/test_vectors.c - header blocks of other implementations, from real sites. Each is decoded
 * and compared, then encoded by us and decoded again.
 *
 * A few stories are in tests/vectors/hpack. The whole collection, with the same layout, is read
 * from $WEIR_VECTORS/hpack, by default ../shared/vectors/hpack, if that exists.
 */
#include "engine/hpack/decode.h"
#include "engine/hpack/encode.h"
#include "tests/support/cmocka.h"
#include "tests/support/counted.h"
#include "tests/support/fields.h"
#include "tests/support/guard.h"
#include "tests/support/hex.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_MAX = 64 * 1024 };

static struct counted_memory memory;
static struct fields list;
/* Two, since literals of a list point into its block. */
static struct guard guard_theirs, guard_ours;
static size_t stories, blocks, plain_bytes, their_bytes, our_bytes;

static json_t *load(const char *path) {
  json_error_t error;
  json_t *story = json_load_file(path, 0, &error);
  if (!story) fail_msg("%s: %s", path, error.text);
  return story;
}

static struct span json_span(const json_t *value) {
  return span_of(json_string_value(value), json_string_length(value));
}

/* The list of one case against what `out` holds. */
static void assert_fields(const char *path, size_t seqno, json_t *expected,
                          const struct headers *out) {
  size_t i;
  json_t *pair, *value;
  const char *name;
  assert_int_equal(json_array_size(expected), out->count);
  json_array_foreach (expected, i, pair) {
    json_object_foreach (pair, name, value) {
      const struct header *field = &out->at[i];
      if (!span_is(field->name, name) || !span_equal(field->value, json_span(value)))
        fail_msg("%s, block %zu: field %zu differs", path, seqno, i);
      assert_int_equal(field->token, header_token_of(field->name));
      plain_bytes += field->name.len + field->value.len;
    }
  }
}

/* Sends the decoded list through our own encoder and decoder. */
static void send_again(struct hpack_encoder *encoder, struct hpack_decoder *decoder) {
  static struct fields again;
  static uint8_t out[BLOCK_MAX];
  const char *reason = "";
  const struct headers *given = &list.headers;
  assert_true(hpack_encode_bound(given->at, given->count) <= sizeof out);
  const size_t len = hpack_encode(encoder, given->at, given->count, out);
  fields_init(&again);
  const enum hpack_result result =
      hpack_decode(decoder, guard_put(&guard_ours, span_of(out, len)), &again.headers, &reason);
  if (result != HPACK_OK) fail_msg("our own block: %s", reason);
  assert_int_equal(again.headers.count, given->count);
  for (uint32_t i = 0; i < given->count; i++) {
    assert_true(span_equal(again.at[i].name, given->at[i].name));
    assert_true(span_equal(again.at[i].value, given->at[i].value));
  }
  our_bytes += len;
}

static void set_limits(json_t *size, struct hpack_decoder *theirs, struct hpack_encoder *ours,
                       struct hpack_decoder *back) {
  const uint32_t bytes = (uint32_t)json_integer_value(size);
  hpack_decoder_set_limit(theirs, bytes);
  hpack_encoder_set_limit(ours, bytes);
  hpack_decoder_set_limit(back, bytes);
}

static void run_story(const char *path) {
  struct hpack_decoder theirs, back;
  struct hpack_encoder ours;
  hpack_decoder_init(&theirs, &memory.memory);
  hpack_encoder_init(&ours, &memory.memory);
  hpack_decoder_init(&back, &memory.memory);
  json_t *story = load(path), *item;
  size_t i;
  json_array_foreach (json_object_get(story, "cases"), i, item) {
    static uint8_t bytes[BLOCK_MAX];
    const char *reason = "";
    json_t *size = json_object_get(item, "header_table_size");
    if (size) set_limits(size, &theirs, &ours, &back);
    const size_t len =
        hex_decode(json_string_value(json_object_get(item, "wire")), bytes, sizeof bytes);
    fields_init(&list);
    if (hpack_decode(&theirs, guard_put(&guard_theirs, span_of(bytes, len)), &list.headers,
                     &reason) != HPACK_OK)
      fail_msg("%s, block %zu: %s", path, i, reason);
    assert_fields(path, i, json_object_get(item, "headers"), &list.headers);
    send_again(&ours, &back);
    their_bytes += len;
    blocks++;
  }
  json_decref(story);
  hpack_decoder_destroy(&theirs);
  hpack_encoder_destroy(&ours);
  hpack_decoder_destroy(&back);
  stories++;
}

/* Runs every *.json of a folder. Returns their number. */
static size_t run_folder(const char *folder) {
  struct dirent **names;
  const int count = scandir(folder, &names, NULL, alphasort);
  size_t found = 0;
  for (int i = 0; i < count; i++) {
    const size_t len = strlen(names[i]->d_name);
    if (len > 5 && strcmp(names[i]->d_name + len - 5, ".json") == 0) {
      char path[1024];
      snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
      run_story(path);
      found++;
    }
    free(names[i]);
  }
  if (count >= 0) free(names);
  return found;
}

static const char *const folders[] = {"nghttp2", "nghttp2-change-table-size", "go-hpack",
                                      "haskell-http2-linear-huffman"};

static size_t run_collection(const char *root) {
  size_t found = 0;
  stories = blocks = plain_bytes = their_bytes = our_bytes = 0;
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    char folder[512];
    snprintf(folder, sizeof folder, "%s/%s", root, folders[i]);
    found += run_folder(folder);
  }
  print_message("%s: %zu stories, %zu blocks; %zu bytes plain, %zu theirs, %zu ours\n", root,
                stories, blocks, plain_bytes, their_bytes, our_bytes);
  return found;
}

static void own_stories(void **state) {
  (void)state;
  assert_int_equal(run_collection("tests/vectors/hpack"), 16);
}

static void whole_collection(void **state) {
  (void)state;
  char root[400];
  const char *given = getenv("WEIR_VECTORS");
  snprintf(root, sizeof root, "%s/hpack", given ? given : "../shared/vectors");
  if (access(root, R_OK) != 0) {
    print_message("no vectors at %s\n", root);
    skip();
  }
  assert_true(run_collection(root) > 0);
  /* Huffman coding and both tables together halve it, at the very least. */
  assert_true(our_bytes * 2 < plain_bytes);
}

static int setup(void **state) {
  (void)state;
  counted_init(&memory);
  guard_init(&guard_theirs, BLOCK_MAX);
  guard_init(&guard_ours, BLOCK_MAX);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  guard_destroy(&guard_theirs);
  guard_destroy(&guard_ours);
  return memory.bytes == 0 ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(own_stories),
      cmocka_unit_test(whole_collection),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
