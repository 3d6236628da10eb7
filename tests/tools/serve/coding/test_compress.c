/*
 * serve/coding/test_compress.c - what handlers answer, compressed as it is sent: which responses, their
 * fields, and bodies that come in pieces, wait, fail, or are closed while a thread works on them.
 */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "engine/http/body.h"
#include "io/base/error.h"
#include "io/ring/op.h"
#include "tests/support/fake.h"
#include "tools/serve/coding/codec.h"
#include "tools/serve/coding/compress_handler.h"
#include "tools/serve/limits.h"

enum { TEXT_BYTES = 100000 };

static uint8_t text[TEXT_BYTES];
static struct loop loop;
static struct jobs *jobs;
static struct jobs_desk desk;
static struct compressor compressor;

/* ---- the loop -------------------------------------------------------------------------------- */

static void turn(void) {
  struct ring_completion completions[IO_SETTLE_BATCH];
  ring_enter(&loop.ring, 50000);
  unsigned count = ring_reap(&loop.ring, completions, IO_SETTLE_BATCH);
  for (unsigned i = 0; i < count; i++)
    if (op_kind(completions[i].user_data) == OP_LOOP) loop_op_completed(&loop, &completions[i]);
}

static int set_up(void **state) {
  struct io_error error = {0};
  struct ring_chosen chosen;
  (void)state;
  for (size_t i = 0; i < TEXT_BYTES; i++)
    text[i] = (uint8_t) "some words that come again "[i % 27 ^ (i / 500 & 1)];
  loop = (struct loop){0};
  if (!ring_choose(RING_AUTO, 0, &chosen, &error) ||
      !loop_open(&loop, chosen.engine, 0, 8, 4096, &error))
    fail_msg("%s", error.text);
  jobs = jobs_create(2, RECODE_WAITING_MAX, &error);
  assert_non_null(jobs);
  jobs_open(&desk, jobs, &loop);
  compressor = (struct compressor){.desk = &desk};
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  loop.ending = true;
  while (loop.ops.under_way) {
    loop_cancel_all(&loop);
    turn();
  }
  jobs_close(&desk);
  assert_int_equal(compressor.streams, 0);
  jobs_free(jobs);
  loop_close(&loop);
  return 0;
}

/* ---- a handler ------------------------------------------------------------------------------- */

/* What it answers. */
static struct answer {
  unsigned status;
  struct header fields[4];
  size_t count, bytes;
  size_t piece;    /* the body comes in pieces of so many bytes; 0: at once */
  unsigned waits;  /* before each piece it waits so often */
  size_t fails_at; /* it fails once it has given so much; 0: it does not */
} answer;

static struct pieces {
  struct stream *stream;
  size_t at;
  unsigned waited;
  bool closed;
} pieces;

static enum body_result pull_piece(void *self, struct body_chunk *chunk) {
  (void)self;
  assert_false(pieces.closed);
  if (pieces.waited < answer.waits) {
    pieces.waited++;
    return BODY_WAIT;
  }
  pieces.waited = 0;
  if (answer.fails_at && pieces.at >= answer.fails_at) return BODY_ERROR;
  size_t count = answer.bytes - pieces.at;
  if (count > answer.piece) count = answer.piece;
  if (count > chunk->max) count = chunk->max;
  memcpy(chunk->room, text + pieces.at, count);
  chunk->bytes = span_of(chunk->room, count);
  pieces.at += count;
  return pieces.at == answer.bytes ? BODY_END : BODY_MORE;
}

static void close_pieces(void *self) {
  (void)self;
  pieces.closed = true;
}

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  static struct body_bytes bytes;
  static const struct body_ops ops = {.pull = pull_piece, .close = close_pieces};
  (void)ctx, (void)now_ns;
  pieces = (struct pieces){.stream = stream};
  compress_begin(&compressor, stream, request->fields);
  stream->filter = &compress_filter;
  struct body body = body_bytes(&bytes, span_of(text, answer.bytes), NULL, NULL);
  if (answer.piece) body = (struct body){.ops = &ops, .self = &pieces};
  assert_true(stream_respond(stream, answer.status, answer.fields, answer.count, body));
}

static const struct handler handler = {.request = on_request};

static void ask(struct fake_stream *fake, const char *accept) {
  struct header field = header_of(TOKEN_ACCEPT_ENCODING, span_text(accept ? accept : ""));
  *fake = (struct fake_stream){0};
  fake_request(fake, &handler, "GET", "/", &field, accept ? 1 : 0, 0);
}

/* As a server does: pulls, and when the body waits, the loop and the handler go on. */
static void receive(struct fake_stream *fake, size_t max) {
  while (fake->body.ops && !fake->body_closed) {
    unsigned resumed = fake->resumed;
    enum body_result result = fake_pull(fake, max);
    if (result == BODY_END || result == BODY_ERROR) fake_close_body(fake);
    if (result != BODY_WAIT) continue;
    do
      turn();
    while (fake->resumed == resumed &&
           pieces.waited == 0); /* else the handler's wait may be over */
  }
}

static void assert_body(const struct fake_stream *fake, enum coding coding) {
  uint8_t *back;
  size_t len;
  if (coding == CODING_IDENTITY) {
    assert_int_equal(fake->len, answer.bytes);
    assert_memory_equal(fake->bytes, text, answer.bytes);
    return;
  }
  assert_int_equal(codec_run(coding, CODING_IDENTITY, span_of(fake->bytes, fake->len),
                             TEXT_BYTES + 1, &back, &len),
                   CODEC_DONE);
  assert_int_equal(len, answer.bytes);
  assert_memory_equal(back, text, len);
  free(back);
}

#define HTML header_of(TOKEN_CONTENT_TYPE, span_text("text/html; charset=utf-8"))

/* ---- a handler around another ------------------------------------------------------------------ */

static bool made; /* compress_begin_made() is called, not compress_begin() */

static void answer_alone(void *ctx, struct stream *stream, const struct request *request,
                         uint64_t now_ns) {
  static struct body_bytes bytes;
  (void)ctx, (void)now_ns;
  if (made) compress_begin_made(&compressor, stream, request->fields);
  if (made) stream->filter = &compress_filter;
  assert_true(stream_respond(stream, answer.status, answer.fields, answer.count,
                             body_bytes(&bytes, span_of(text, answer.bytes), NULL, NULL)));
}

static unsigned endings;

static void count_ended(void *ctx, struct stream *stream, const struct stream_facts *facts) {
  assert_ptr_equal(ctx, &answer);
  (void)stream, (void)facts;
  endings++;
}

static void test_around_a_handler(void **state) {
  static const char *const protocols[] = {"websocket", NULL};
  static const struct handler inner = {
      .ctx = &answer, .request = answer_alone, .protocols = protocols, .ended = count_ended};
  static const struct stream_facts facts;
  struct compress_handler around;
  struct fake_stream fake = {0};
  struct header field = header_of(TOKEN_ACCEPT_ENCODING, span_text("gzip"));
  (void)state;
  made = false;
  answer = (struct answer){.status = 200, .fields = {HTML}, .count = 1, .bytes = 5000};
  const struct handler *outer = compress_handler_init(&around, &compressor, &inner);
  assert_ptr_equal(outer->protocols, protocols);
  fake_request(&fake, outer, "GET", "/", &field, 1, 0);
  receive(&fake, 3000);
  assert_string_equal(fake_field(&fake, "content-encoding"), "gzip");
  assert_body(&fake, CODING_GZIP);
  outer->mistake(outer->ctx, &fake.stream, "nobody listens");
  outer->ended(outer->ctx, &fake.stream, &facts);
  assert_int_equal(endings, 1);
  fake_free(&fake);
}

/* Of a directory: its list is compressed, a file is not. */
static void test_what_is_made(void **state) {
  static const struct handler inner = {.request = answer_alone};
  struct header field = header_of(TOKEN_ACCEPT_ENCODING, span_text("gzip"));
  (void)state;
  made = true;
  for (int tagged = 0; tagged < 2; tagged++) {
    struct fake_stream fake = {0};
    answer = (struct answer){.status = 200, .fields = {HTML}, .count = 1, .bytes = 5000};
    if (tagged) answer.fields[answer.count++] = header_of(TOKEN_ETAG, span_text("\"a\""));
    fake_request(&fake, &inner, "GET", "/", &field, 1, 0);
    receive(&fake, 3000);
    const char *encoding = fake_field(&fake, "content-encoding");
    assert_true(tagged ? !encoding : encoding && strcmp(encoding, "gzip") == 0);
    if (tagged) assert_string_equal(fake_field(&fake, "etag"), "\"a\"");
    fake_free(&fake);
  }
}

/* ---- which responses ------------------------------------------------------------------------- */

static void test_which_are_compressed(void **state) {
  static const struct {
    const char *accept, *type, *name, *value;
    size_t bytes;
    const char *encoding; /* NULL: as it is */
    bool varies;
  } rows[] = {
      {"gzip", "text/html", NULL, NULL, 5000, "gzip", true},
      {"gzip, br, zstd", "application/json", NULL, NULL, 5000, "br", true},
      {"zstd", "image/svg+xml", NULL, NULL, 5000, "zstd", true},
      {NULL, "text/html", NULL, NULL, 5000, NULL, true},
      {"identity, gzip;q=0.5", "text/html", NULL, NULL, 5000, NULL, true},
      {"gzip", "image/png", NULL, NULL, 5000, NULL, false},
      {"gzip", "text/event-stream", NULL, NULL, 5000, NULL, false},
      {"gzip", "text/html", "content-length", "1023", 1023, NULL, false},
      {"gzip", "text/html", "content-length", "1024", 1024, "gzip", true},
      {"gzip", "text/html", "content-encoding", "br", 5000, "br", false},
      {"gzip", "text/html", "content-range", "bytes 0-4999/6000", 5000, NULL, false},
      {"gzip", "text/html", "cache-control", "max-age=1, No-Transform", 5000, NULL, false},
      {"gzip", "text/html", "cache-control", "max-age=1", 5000, "gzip", true},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct fake_stream fake;
    answer = (struct answer){.status = 200, .bytes = rows[i].bytes, .count = rows[i].name ? 2 : 1};
    answer.fields[0] = header_of(TOKEN_CONTENT_TYPE, span_text(rows[i].type));
    if (rows[i].name)
      answer.fields[1] =
          (struct header){.name = span_text(rows[i].name), .value = span_text(rows[i].value)};
    ask(&fake, rows[i].accept);
    receive(&fake, 3000);
    const char *encoding = fake_field(&fake, "content-encoding");
    bool same = encoding && rows[i].encoding ? strcmp(encoding, rows[i].encoding) == 0
                                             : encoding == rows[i].encoding;
    if (!same) fail_msg("row %zu: %s", i, encoding ? encoding : "(none)");
    if ((fake_field(&fake, "vary") != NULL) != rows[i].varies) fail_msg("row %zu: vary", i);
    fake_free(&fake);
  }
}

static void test_fields(void **state) {
  (void)state;
  struct fake_stream fake;
  static const struct {
    const char *given, *sent;
  } tags[] = {{"\"abc\"", "W/\"abc\""}, {"W/\"abc\"", "W/\"abc\""}};
  for (size_t i = 0; i < 2; i++) {
    answer = (struct answer){.status = 404, .bytes = 5000, .count = 4};
    answer.fields[0] = HTML;
    answer.fields[1] = header_of(TOKEN_CONTENT_LENGTH, span_text("5000"));
    answer.fields[2] = header_of(TOKEN_ETAG, span_text(tags[i].given));
    answer.fields[3] = header_of(TOKEN_ACCEPT_RANGES, span_text("bytes"));
    ask(&fake, "gzip");
    receive(&fake, 5000);
    assert_int_equal(fake.status, 404);
    assert_string_equal(fake_field(&fake, "etag"), tags[i].sent);
    assert_null(fake_field(&fake, "content-length"));
    assert_null(fake_field(&fake, "accept-ranges"));
    assert_string_equal(fake_field(&fake, "content-type"), "text/html; charset=utf-8");
    assert_body(&fake, CODING_GZIP);
    fake_free(&fake);
  }
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static void test_bodies_in_pieces(void **state) {
  static const char *const names[] = {"gzip", "zstd", "br"};
  static const enum coding codings[] = {CODING_GZIP, CODING_ZSTD, CODING_BR};
  static const size_t sizes[] = {0, 1, 16384, TEXT_BYTES}, parts[] = {0, 700, 16384},
                      maxima[] = {1, 1000, 65536};
  uint64_t in = 0, out = 0, bodies = 0;
  (void)state;
  for (int coding = 0; coding < 3; coding++)
    for (int size = 0; size < 4; size++)
      for (int part = 0; part < 3; part++)
        for (int max = 0; max < 3; max++)
          for (unsigned waits = 0; waits < 2; waits++) {
            struct fake_stream fake;
            answer = (struct answer){.status = 200,
                                     .fields = {HTML},
                                     .count = 1,
                                     .bytes = sizes[size],
                                     .piece = parts[part],
                                     .waits = waits};
            ask(&fake, names[coding]);
            receive(&fake, maxima[max]);
            assert_int_equal(fake.last, BODY_END);
            assert_body(&fake, codings[coding]);
            in += answer.bytes, out += fake.len, bodies++;
            fake_free(&fake);
          }
  assert_int_equal(compressor.counters.begun, bodies);
  assert_int_equal(compressor.counters.bytes_in, in);
  assert_int_equal(compressor.counters.bytes_out, out);
  assert_int_equal(compressor.counters.failed, 0);
}

/* What the handler gave before it waits arrives, and can be read, before there is more. */
static void test_it_is_flushed(void **state) {
  (void)state;
  struct fake_stream fake;
  uint8_t back[3000];
  answer = (struct answer){
      .status = 200, .fields = {HTML}, .count = 1, .bytes = 3000, .piece = 1500, .waits = 100000};
  ask(&fake, "gzip");
  pieces.waited = answer.waits; /* the first piece is there at once */
  z_stream inflater = {.next_out = back, .avail_out = sizeof back};
  assert_int_equal(inflateInit2(&inflater, MAX_WBITS + 16), Z_OK);
  while (inflater.total_out < 1500) {
    size_t before = fake.len;
    (void)fake_pull(&fake, 5000);
    turn();
    inflater.next_in = fake.bytes + before;
    inflater.avail_in = (unsigned)(fake.len - before);
    assert_int_not_equal(inflate(&inflater, Z_SYNC_FLUSH), Z_DATA_ERROR);
  }
  assert_int_equal(pieces.at, 1500);
  assert_memory_equal(back, text, 1500);
  inflateEnd(&inflater);
  fake_free(&fake);
}

static void test_it_fails_with_the_handler(void **state) {
  (void)state;
  struct fake_stream fake;
  answer = (struct answer){
      .status = 200, .fields = {HTML}, .count = 1, .bytes = 9000, .piece = 1000, .fails_at = 3000};
  ask(&fake, "br");
  receive(&fake, 5000);
  assert_int_equal(fake.last, BODY_ERROR);
  assert_true(pieces.closed);
  assert_int_equal(compressor.counters.failed, 0); /* the handler did */
  fake_free(&fake);
}

/* The handler's body is closed at once; the thread's work is waited for. */
static void test_it_may_be_closed_any_time(void **state) {
  (void)state;
  for (int pulls = 0; pulls < 4; pulls++) {
    struct fake_stream fake;
    answer = (struct answer){
        .status = 200, .fields = {HTML}, .count = 1, .bytes = TEXT_BYTES, .piece = 16384};
    ask(&fake, "br");
    for (int i = 0; i < pulls; i++)
      (void)fake_pull(&fake, 5000);
    fake_free(&fake);
    assert_true(pieces.closed);
    while (compressor.streams > 0)
      turn();
  }
}

static void test_bodies_are_bounded(void **state) {
  (void)state;
  static struct fake_stream fakes[COMPRESS_STREAMS_MAX + 1];
  answer = (struct answer){.status = 200, .fields = {HTML}, .count = 1, .bytes = 5000};
  for (unsigned i = 0; i <= COMPRESS_STREAMS_MAX; i++) {
    ask(&fakes[i], "gzip");
    assert_int_equal(fake_field(&fakes[i], "content-encoding") != NULL, i < COMPRESS_STREAMS_MAX);
    assert_non_null(fake_field(&fakes[i], "vary"));
  }
  for (unsigned i = 0; i <= COMPRESS_STREAMS_MAX; i++)
    fake_free(&fakes[i]);
  assert_int_equal(compressor.streams, 0);
  assert_int_equal(compressor.counters.begun, COMPRESS_STREAMS_MAX);
  assert_int_equal(compressor.counters.busy, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_which_are_compressed),
      TEST(test_fields),
      TEST(test_bodies_in_pieces),
      TEST(test_it_is_flushed),
      TEST(test_it_fails_with_the_handler),
      TEST(test_it_may_be_closed_any_time),
      TEST(test_bodies_are_bounded),
      TEST(test_around_a_handler),
      TEST(test_what_is_made),
  };
  return cmocka_run_group_tests_name("serve/coding/compress", tests, NULL, NULL);
}
