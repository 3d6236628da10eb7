/*
 * h2/test_sets.c - responses whose fields are a set that repeats (stream_respond_set()): the client
 * sees the same fields as if they had been copied, whatever happens in between, and a set is never
 * used after its body was closed.
 */
#include "engine/h2/message.h"
#include "engine/http/body.h"
#include "tests/support/cmocka.h"
#include "tests/support/loopback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 12, FIELDS_MAX = 40 };

/* The answer to the path "/N". */
struct answer {
  unsigned status;
  struct header fields[FIELDS_MAX];
  struct header_set set;
  char texts[FIELDS_MAX][32];
};

static struct loopback loop;
static struct answer answers[SETS];
static unsigned bodies_open;
static char date[HTTP_DATE_BYTES + 1];

/* What the client received. */
static unsigned answered, resets;
static bool bodyless;

/* ---- the server ------------------------------------------------------------------------------ */

/* A set that lives exactly as long as its body. It is freed, so that AddressSanitizer sees later
 * uses. */
struct lent {
  struct body_bytes body;
  struct header_set set;
  struct header fields[FIELDS_MAX];
};

static void lent_free(void *ctx) {
  bodies_open--;
  free(ctx);
}

static void shared_free(void *ctx) {
  bodies_open--;
  free(ctx);
}

static unsigned number_of(struct span path) {
  unsigned number = 0;
  for (size_t i = 1; i < path.len; i++)
    number = number * 10 + (path.base[i] - '0');
  return number % SETS;
}

static void serve(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  (void)ctx, (void)now_ns;
  struct answer *answer = &answers[number_of(request->path)];
  if (span_is(request->method, "HEAD")) {
    assert_true(stream_respond_set(stream, answer->status, &answer->set, BODY_NONE));
    return;
  }
  static const uint8_t text[100];
  struct lent *lent = calloc(1, sizeof *lent);
  bodies_open++;
  if (span_is(request->method, "PUT")) { /* a set of its own, used once */
    memcpy(lent->fields, answer->fields, sizeof lent->fields);
    lent->set = (struct header_set){.at = lent->fields, .count = answer->set.count};
    (void)stream_respond_set(stream, answer->status, &lent->set,
                             body_bytes(&lent->body, span_of(text, sizeof text), lent_free, lent));
  } else {
    (void)stream_respond_set(
        stream, answer->status, &answer->set,
        body_bytes(&lent->body, span_of(text, sizeof text), shared_free, lent));
  }
}

static const struct handler handler = {.request = serve};

/* ---- the client ------------------------------------------------------------------------------ */

static const struct header *expect(const struct headers *got, uint32_t *at, enum header_token token,
                                   struct span value) {
  assert_true(*at < got->count);
  const struct header *field = &got->at[(*at)++];
  assert_int_equal(field->token, token);
  assert_true(span_equal(field->value, value));
  return field;
}

static void on_response(struct stream *stream, unsigned status, const struct headers *got,
                        bool end) {
  const struct answer *answer = stream->user;
  bool says_date = false, says_server = false;
  uint32_t at = 1; /* :status */
  assert_int_equal(status, answer->status);
  for (uint32_t i = 0; i < answer->set.count; i++) {
    const struct header *sent = &answer->fields[i];
    if (header_token_is_of_connection(sent->token)) continue; /* is omitted */
    const struct header *field = expect(got, &at, (enum header_token)sent->token, sent->value);
    assert_true(span_equal(field->name, sent->name));
    says_date |= sent->token == TOKEN_DATE;
    says_server |= sent->token == TOKEN_SERVER;
  }
  if (!says_server) expect(got, &at, TOKEN_SERVER, span_text("weir"));
  if (!says_date) expect(got, &at, TOKEN_DATE, span_of(date, HTTP_DATE_BYTES));
  assert_int_equal(at, got->count);
  assert_int_equal(end, bodyless);
  answered++;
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  (void)stream;
  resets += error_code != 0;
}

static const struct stream_events client_events = {.response = on_response, .closed = on_closed};

static struct stream *ask(const char *method, unsigned number) {
  char path[16];
  snprintf(path, sizeof path, "/%u", number);
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text(method)), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text(path))};
  struct stream *stream =
      h2_request(h2_of(&loop.client), fields, 4, BODY_NONE, &client_events, &answers[number]);
  assert_non_null(stream);
  return stream;
}

/* ---- answers --------------------------------------------------------------------------------- */

static void set_date(int64_t seconds) {
  engine_set_date(&loop.server_engine, seconds);
  memcpy(date, loop.server_engine.http.date, HTTP_DATE_BYTES);
}

static void add(struct answer *answer, struct header field) {
  assert_true(answer->set.count < FIELDS_MAX);
  answer->fields[answer->set.count++] = field;
}

static void make_answers(void) {
  for (unsigned i = 0; i < SETS; i++) {
    struct answer *answer = &answers[i];
    *answer = (struct answer){.status = 200 + i % 2, .set = {.at = answer->fields}};
    snprintf(answer->texts[0], sizeof answer->texts[0], "\"%u-%u\"", i, i * 7919);
    add(answer, header_of(TOKEN_CONTENT_TYPE, span_text(i % 3 ? "text/html" : "image/png")));
    add(answer, header_of(TOKEN_ETAG, span_text(answer->texts[0])));
  }
  add(&answers[3], header_of(TOKEN_DATE, span_text("yesterday")));
  add(&answers[4], header_of(TOKEN_SERVER, span_text("other")));
  add(&answers[5], header_of(TOKEN_PRIORITY, span_text("u=1, i")));
  struct header secret = header_of(TOKEN_SET_COOKIE, span_text("id=1"));
  add(&answers[6], secret);
  add(&answers[7], (struct header){.name = span_text("x-mine"), .value = span_text("1")});
  for (unsigned i = 1; i < FIELDS_MAX - 2; i++) { /* more indices than are kept */
    char *text = answers[8].texts[i];
    snprintf(text, sizeof answers[8].texts[i], "</%u>", i);
    add(&answers[8], header_of(TOKEN_LINK, span_text(text)));
  }
  add(&answers[9], header_of(TOKEN_CONNECTION, span_text("keep-alive")));
  add(&answers[9], header_of(TOKEN_KEEP_ALIVE, span_text("timeout=5")));
  add(&answers[9], header_of(TOKEN_TRANSFER_ENCODING, span_text("chunked")));
}

static void begin(void) {
  answered = resets = 0;
  bodyless = false;
  make_answers();
  loopback_open(&loop, &handler, NULL);
  set_date(784111777);
  loopback_run(&loop);
}

static void end(void) {
  loopback_close(&loop);
  assert_int_equal(bodies_open, 0);
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* Every set many times, in a changing order. The clock ticks in between. */
static void test_repeated(void **state) {
  (void)state;
  begin();
  unsigned asked = 0;
  for (unsigned round = 0; round < 400; round++) {
    if (round % 50 == 49) set_date(784111777 + round);
    for (unsigned i = 0; i < 5; i++, asked++)
      ask((round + i) % 7 == 0 ? "PUT" : "GET", round * (i + 1) % SETS);
    loopback_run(&loop);
  }
  assert_int_equal(answered, asked);
  assert_int_equal(resets, 0);
  end();
}

/* A repeated response costs a byte per field: its block consists of indices. */
static void test_short_on_the_wire(void **state) {
  (void)state;
  begin();
  for (unsigned i = 0; i < 4; i++) {
    ask("GET", 1);
    loopback_run(&loop);
  }
  uint64_t before = loop.moved;
  ask("GET", 1);
  loopback_run(&loop);
  /* Two frame headers, five fields, the body; and the request: a frame header and five bytes. */
  assert_true(loop.moved - before <= 9 + 6 + 9 + 100 + 9 + 8);
  end();
}

static void test_head(void **state) {
  (void)state;
  begin();
  for (unsigned i = 0; i < 3 * SETS; i++) {
    bodyless = i % 2;
    ask(bodyless ? "HEAD" : "GET", i % SETS);
    loopback_run(&loop);
  }
  assert_int_equal(answered, 3 * SETS);
  end();
}

/* The client resets while fields wait to be sent, and never sees them. */
static void test_reset_before_sent(void **state) {
  (void)state;
  begin();
  for (unsigned round = 0; round < 50; round++) {
    struct stream *gone = ask("PUT", round % SETS);
    ask("GET", round % SETS);
    loopback_move(&loop, &loop.client, &loop.server);
    stream_reset(gone, 8);
    loopback_move(&loop, &loop.client, &loop.server);
    loopback_run(&loop);
    assert_int_equal(answered, round + 1);
  }
  end();
}

/* Fields that are too large to be sent are refused, like copied ones. */
static void test_too_large(void **state) {
  (void)state;
  begin();
  static uint8_t huge[64 * KIB];
  memset(huge, 'a', sizeof huge);
  add(&answers[2], header_of(TOKEN_LINK, span_of(huge, sizeof huge)));
  ask("GET", 2);
  loopback_run(&loop);
  assert_int_equal(answered, 0);
  assert_int_equal(resets, 1);
  ask("GET", 1);
  loopback_run(&loop);
  assert_int_equal(answered, 1);
  end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_repeated),  cmocka_unit_test(test_short_on_the_wire),
      cmocka_unit_test(test_head),      cmocka_unit_test(test_reset_before_sent),
      cmocka_unit_test(test_too_large),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
