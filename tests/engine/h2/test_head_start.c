/*
 * h2/test_head_start.c - how many bytes of an image arrive before a response that goes ahead of it,
 * by rules and by its handler's head start.
 */
#include "engine/http/body.h"
#include "engine/http/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/loopback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGE_BYTES = 300000, OTHER_BYTES = 200000, IMAGES_MAX = 4 };

enum when { NEVER, BEFORE, BEFORE_TWICE, AFTER, FIRST_PULL, WHILE_THE_OTHER_SENDS };

static const struct row {
  const char *name;
  const char *rule; /* NULL: the default */
  const char *type; /* of the image */
  enum when when;
  uint64_t said;
  uint64_t expected; /* bytes of the image before the other response is complete */
} rows[] = {
    {"nothing is said", NULL, "image/jpeg", NEVER, 0, HEAD_START_BYTES_DEFAULT},
    {"said before the response", NULL, "image/jpeg", BEFORE, 30000, 30000},
    {"the last call counts", NULL, "image/jpeg", BEFORE_TWICE, 20000, 20000},
    {"said after it", NULL, "image/jpeg", AFTER, 30000, 30000},
    {"said by the body", NULL, "image/jpeg", FIRST_PULL, 30000, 30000},
    {"said when the first bytes have left", NULL, "image/jpeg", WHILE_THE_OTHER_SENDS, 30000,
     30000},
    {"said too late", NULL, "image/jpeg", WHILE_THE_OTHER_SENDS, 4000, HEAD_START_BYTES_DEFAULT},
    {"a frame's end", NULL, "image/png", BEFORE, 4096 + 16384, 4096 + 16384},
    {"a byte more", NULL, "image/png", BEFORE, 4096 + 16384 + 1, 4096 + 16384 + 1},
    {"less than all images get", NULL, "image/jpeg", BEFORE, 100, HEAD_START_BYTES_DEFAULT},
    {"too much", NULL, "image/jpeg", BEFORE, UINT64_MAX, HEAD_START_SCAN_BYTES_MAX},
    {"no image", NULL, "text/x-unheard-of", BEFORE, 30000, 0},
    {"numbers win", "image/*=8k", "image/jpeg", BEFORE, 30000, 8192},
    {"an exception", "image/*=0", "image/jpeg", BEFORE, 30000, 0},
    {"a rule for another path", "image/*@/b*=8k", "image/jpeg", BEFORE, 30000, 0},
    {"a rule for anything", "*=scan", "text/x-unheard-of", BEFORE, 30000, 30000},
    {"no more urgent than it is", "image/*=scan:7", "image/jpeg", BEFORE, 30000, 0},
};

static const struct {
  const char *of_route; /* a rule in place of the server's */
  struct row row;
} routed[] = {
    {"image/*@/a*=16k", {"a route's rule", "image/*=8k", "image/jpeg", NEVER, 0, 16384}},
    {"text/*=8k", {"one more type", NULL, "text/x-unheard-of", NEVER, 0, 8192}},
    {"image/*=scan", {"with what is said", "image/*=0", "image/jpeg", BEFORE, 30000, 30000}},
    {"image/*@/b*=16k", {"for another path", "image/*=8k", "image/jpeg", BEFORE, 30000, 0}},
};

static struct loopback loop;
static const char *of_route; /* NULL: the server's rules count */
static const struct row *row;
static bool as_set;

/* Of the server. */
static struct head_start_rules route_rules;
static struct stream *image_stream;
static uint8_t content[IMAGE_BYTES];
static bool image_pulled, other_pulled;

/* What the client got. */
struct got {
  uint64_t bytes;
  bool complete;
};
static struct got image_got[IMAGES_MAX], other_got;
static uint64_t image_before[IMAGES_MAX]; /* bytes when the other was complete */
static char order[64];                    /* the senders in order, without repetitions */

/* ---- the server ------------------------------------------------------------------------------ */

struct sender {
  size_t left;
  bool image;
  struct header type;
  struct header_set set;
};

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct sender *sender = self;
  bool first = sender->image && !image_pulled;
  bool meanwhile = !sender->image && !other_pulled && chunk->max > 0;
  if (first && row->when == FIRST_PULL) stream_head_start(image_stream, row->said);
  if (meanwhile && row->when == WHILE_THE_OTHER_SENDS) stream_head_start(image_stream, row->said);
  image_pulled |= sender->image;
  other_pulled |= meanwhile;
  size_t count = sender->left < chunk->max ? sender->left : chunk->max;
  chunk->bytes = span_of(content, count);
  sender->left -= count;
  return sender->left ? BODY_MORE : BODY_END;
}

static const struct body_ops body_ops = {.pull = pull, .close = free};

static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  (void)ctx, (void)now_ns;
  struct sender *sender = calloc(1, sizeof *sender);
  struct body body = {.ops = &body_ops, .self = sender};
  sender->image = request->path.base[1] == 'a';
  sender->left = sender->image ? IMAGE_BYTES : OTHER_BYTES;
  sender->type = header_of(TOKEN_CONTENT_TYPE,
                           span_text(sender->image ? row->type : "application/octet-stream"));
  sender->set = (struct header_set){.at = &sender->type, .count = 1};
  if (of_route) stream_head_start_rules(stream, &route_rules, request->path);
  bool early = row->when == BEFORE || row->when == BEFORE_TWICE;
  if (sender->image) image_stream = stream;
  if (sender->image && row->when == BEFORE_TWICE) stream_head_start(stream, 50000);
  if (sender->image && early) stream_head_start(stream, row->said);
  if (as_set)
    assert_true(stream_respond_set(stream, 200, &sender->set, body));
  else
    assert_true(stream_respond(stream, 200, &sender->type, 1, body));
  if (sender->image && row->when == AFTER) stream_head_start(stream, row->said);
}

static const struct handler handler = {.request = serve};

/* ---- the client ------------------------------------------------------------------------------ */

static void on_data(struct stream *stream, struct span bytes, bool end) {
  struct got *got = stream->user;
  char name = got == &other_got ? 'o' : (char)('1' + (got - image_got));
  size_t len = strlen(order);
  if ((len == 0 || order[len - 1] != name) && len + 1 < sizeof order) order[len] = name;
  got->bytes += bytes.len;
  got->complete |= end;
  if (got != &other_got || !end) return;
  for (size_t i = 0; i < IMAGES_MAX; i++)
    image_before[i] = image_got[i].bytes;
}

static void ask(const char *path, const char *priority, struct got *got) {
  static const struct stream_events events = {.data = on_data};
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")),      header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("x")),     header_of(TOKEN_PATH, span_text(path)),
      header_of(TOKEN_PRIORITY, span_text(priority)),
  };
  assert_non_null(h2_request(loop.client.self, fields, 5, BODY_NONE, &events, got));
}

static void exchange(unsigned images) {
  struct head_start_rules rules = {.count = 0};
  struct engine_config config = engine_config_default();
  if (row->rule) {
    assert_true(head_start_add(&rules, span_text(row->rule)));
    config.h2.head_start = &rules;
  }
  route_rules.count = 0;
  if (of_route) assert_true(head_start_add(&route_rules, span_text(of_route)));
  /* Windows that hold nothing back: this tests only the order of sending. */
  config.h2.stream_window_bytes = 1 << 20;
  config.h2.connection_window_bytes = 8 << 20;
  memset(image_got, 0, sizeof image_got);
  memset(image_before, 0, sizeof image_before);
  memset(order, 0, sizeof order);
  other_got = (struct got){0};
  image_pulled = other_pulled = false;
  loopback_open(&loop, &handler, &config);
  loopback_run(&loop); /* SETTINGS */
  for (unsigned i = 0; i < images; i++)
    ask("/a.jpg", "u=5, i", &image_got[i]);
  ask("/other", "u=4", &other_got);
  loopback_run(&loop);
  assert_int_equal(other_got.bytes, OTHER_BYTES);
  assert_true(other_got.complete);
  for (unsigned i = 0; i < images; i++) {
    assert_int_equal(image_got[i].bytes, IMAGE_BYTES);
    assert_true(image_got[i].complete);
  }
  loopback_close(&loop);
}

static void as_many_bytes_as_needed(void **state) {
  (void)state;
  for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
    row = &rows[i / 2];
    as_set = i % 2;
    exchange(1);
    if (image_before[0] != row->expected)
      fail_msg("%s: %llu bytes", row->name, (unsigned long long)image_before[0]);
  }
}

static void a_route_has_its_own_rules(void **state) {
  (void)state;
  for (size_t i = 0; i < 2 * sizeof routed / sizeof routed[0]; i++) {
    of_route = routed[i / 2].of_route;
    row = &routed[i / 2].row;
    as_set = i % 2;
    exchange(1);
    if (image_before[0] != row->expected)
      fail_msg("%s: %llu bytes", row->name, (unsigned long long)image_before[0]);
  }
  of_route = NULL;
}

/* The dimensions of all images, then the first scans one by one, then the response that is more
 * urgent than images. */
static void dimensions_of_all_come_first(void **state) {
  (void)state;
  static const struct row photos = {.type = "image/jpeg", .when = BEFORE, .said = 40000};
  row = &photos;
  exchange(3);
  for (unsigned i = 0; i < 3; i++)
    assert_int_equal(image_before[i], 40000);
  assert_memory_equal(order, "123123o", 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(as_many_bytes_as_needed),
      cmocka_unit_test(a_route_has_its_own_rules),
      cmocka_unit_test(dimensions_of_all_come_first),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
