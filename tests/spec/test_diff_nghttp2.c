/*
 * spec/test_diff_nghttp2.c - the same random, mostly valid bytes to weir and to libnghttp2, both as
 * servers and both as clients: after every frame both have handed the same messages to their
 * applications and have sent the same errors. Where they differ, the first difference has to be one
 * of the few below, with the section that justifies weir.
 *
 * A failure prints the seed; WEIR_SEED=n runs that one connection and shows it.
 */
#include "tests/spec/diff_source.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS = 30000, FRAMES_MAX = 24 };

/* ---- frames ---------------------------------------------------------------------------------- */

static void request_section(struct section *section) {
  static const char *const methods[] = {"GET", "POST", "HEAD", "OPTIONS", "PUT", "X-TOKEN"};
  static const char *const paths[] = {"/", "/a/b?c=d", "/index.html", "/%41~"};
  *section = (struct section){.count = 0};
  const char *names[4] = {":method", ":scheme", ":authority", ":path"};
  const char *values[4] = {PICK(methods), one_in(4) ? "http" : "https", "example.com", PICK(paths)};
  for (unsigned i = 3; i > 0; i--) { /* in any order */
    unsigned k = below(i + 1);
    const char *name = names[i], *value = values[i];
    names[i] = names[k], values[i] = values[k];
    names[k] = name, values[k] = value;
  }
  unsigned left_out = one_in(60) ? below(4) : 9;
  for (unsigned i = 0; i < 4; i++)
    if (i != left_out) add(section, names[i], values[i]);
  if (left_out < 4) describe("without %s, ", names[left_out]);
  for (unsigned i = below(6); i > 0; i--)
    add_regular(section);
}

static bool any_open(void) {
  for (uint32_t id = 1; id < DIFF_STREAMS * 2; id += 2)
    if (diff_weir.streams[id] && !diff_weir.complete[id]) return true;
  return false;
}

static uint32_t opened_below(void) {
  return source.role == H2_SERVER ? source.id_next : source.requests * 2 + 1;
}

/* A stream on which something may still arrive; now and then any that was opened, or even one that
 * was not. */
static uint32_t any_id(void) {
  uint32_t open[DIFF_STREAMS * 2], count = 0;
  for (uint32_t id = 1; id < DIFF_STREAMS * 2; id++)
    if (diff_weir.streams[id] && !diff_weir.complete[id]) open[count++] = id;
  if (count && !one_in(12)) return open[below(count)];
  uint32_t below_id = opened_below();
  if (below_id == 1 || one_in(30)) return below_id;
  return 1 + 2 * below(below_id / 2);
}

/* Any stream that lives, for what may arrive even after the peer's end. */
static uint32_t live_id(void) {
  uint32_t live[DIFF_STREAMS * 2], count = 0;
  for (uint32_t id = 1; id < DIFF_STREAMS * 2; id++)
    if (diff_weir.streams[id]) live[count++] = id;
  return count && !one_in(12) ? live[below(count)] : any_id();
}

static void put_message(void) {
  struct section section;
  uint32_t id = source.id_next;
  bool end = one_in(2), may_have_length = true;
  if (source.role == H2_SERVER) {
    if (id >= DIFF_STREAMS * 2) return;
    request_section(&section);
    source.id_next += 2;
  } else {
    static const char *const statuses[] = {"200", "204", "404", "103", "100", "304", "500", "200"};
    id = any_id();
    section = (struct section){.count = 0};
    const char *status = PICK(statuses);
    if (id < DIFF_STREAMS * 2 && source.answered[id] && !one_in(40)) return;
    if (*status == '1' && !one_in(20)) end = false;
    if (*status != '1' && id < DIFF_STREAMS * 2) source.answered[id] = true;
    may_have_length = strchr("245", *status) && strcmp(status, "204") != 0;
    add(&section, ":status", status);
    for (unsigned i = below(6); i > 0; i--)
      add_regular(&section);
  }
  if (one_in(6) && (may_have_length || one_in(20))) {
    char length[16];
    snprintf(length, sizeof length, "%u", end && !one_in(5) ? 0 : below(3) * 10);
    describe("content-length %s, ", length);
    add(&section, "content-length", length);
  }
  if (one_in(15)) spoil(&section);
  describe("HEADERS %u%s", id, end ? " end" : "");
  put_section(H2_HEADERS, id, 0, &section, end);
}

static void put_trailers(void) {
  struct section section = {.count = 0};
  uint32_t id = any_id();
  bool end = !one_in(12);
  if (id >= opened_below() && id % 2 == 1) return; /* it would be a new message */
  if (source.role == H2_CLIENT && !source.answered[id]) return;
  add(&section, "x-sum", "42");
  if (one_in(10)) spoil(&section);
  describe("trailers %u%s", id, end ? " end" : "");
  put_section(H2_HEADERS, id, 0, &section, end);
}

static void put_data(void) {
  static uint8_t payload[16384];
  uint32_t id = any_id();
  size_t len = one_in(6) ? below(3000) : below(3) * 10;
  bool padded = one_in(5), end = one_in(4);
  uint8_t padding = padded ? (uint8_t)below(60) : 0;
  if (source.role == H2_CLIENT && !source.answered[id] && !one_in(40)) return;
  size_t whole = padded ? 1u + len + padding : len;
  struct diff_log *logs[] = {&diff_weir.log, &diff_peer.log};
  for (unsigned i = 0; i < 2; i++)
    if ((int64_t)whole > logs[i]->connection_credit || (int64_t)whole > logs[i]->stream_credit[id])
      return; /* too much for one of them: not what this is about */
  for (unsigned i = 0; i < 2; i++) {
    logs[i]->connection_credit -= (int64_t)whole;
    logs[i]->stream_credit[id] -= (int64_t)whole;
  }
  uint8_t *at = payload;
  if (padded) *at++ = padding;
  for (size_t i = 0; i < len; i++)
    *at++ = (uint8_t)below(256);
  memset(at, 0, padding);
  if (padded && one_in(20)) {
    payload[0] = 255;
    if (whole > 255) payload[0] = 0;
    describe("badly padded, ");
  }
  describe("DATA %u %zu%s%s", id, len, end ? " end" : "", padded ? " padded" : "");
  put_frame(H2_DATA, (uint8_t)((end ? H2_FLAG_END_STREAM : 0) | (padded ? H2_FLAG_PADDED : 0)), id,
            payload, whole);
}

static void put_control(void) {
  uint8_t payload[32] = {0};
  uint32_t id = live_id();
  switch (below(9)) {
  case 0:
    describe("PING");
    wire_put32(payload, below(1u << 30));
    put_frame(H2_PING, one_in(4) ? H2_FLAG_ACK : 0, 0, payload, 8);
    break;
  case 1:
    describe("PRIORITY %u", id);
    wire_put32(payload, id + 2);
    put_frame(H2_PRIORITY, 0, id, payload, 5);
    break;
  case 2:
    describe("RST_STREAM %u", id);
    wire_put32(payload, below(20));
    put_frame(H2_RST_STREAM, 0, id, payload, 4);
    break;
  case 3:
    id = one_in(2) ? 0 : id;
    describe("WINDOW_UPDATE %u", id);
    wire_put32(payload, 1 + below(1000));
    put_frame(H2_WINDOW_UPDATE, 0, id, payload, 4);
    break;
  case 4:
    describe("SETTINGS");
    wire_put32(wire_put16(payload, H2_INITIAL_WINDOW_SIZE), below(100000));
    wire_put32(wire_put16(payload + 6, one_in(2) ? 0x99 : H2_HEADER_TABLE_SIZE), below(9000));
    put_frame(H2_SETTINGS, 0, 0, payload, below(3) * 6);
    break;
  case 5:
    describe("unknown type");
    put_frame((uint8_t)(0x20 + below(200)), (uint8_t)below(256), one_in(2) ? 0 : id, payload,
              below(20));
    break;
  default: put_data(); break;
  }
}

/* Things that no peer may do. */
static void put_nonsense(void) {
  static const struct {
    const char *what;
    uint8_t type, flags;
    bool on_stream;
    uint8_t length;
    uint8_t payload[12];
  } list[] = {
      {"DATA on 0", H2_DATA, 0, false, 3, {0}},
      {"HEADERS on 0", H2_HEADERS, H2_FLAG_END_HEADERS, false, 1, {0x82}},
      {"RST_STREAM on 0", H2_RST_STREAM, 0, false, 4, {0}},
      {"RST_STREAM too short", H2_RST_STREAM, 0, true, 3, {0}},
      {"RST_STREAM too long", H2_RST_STREAM, 0, true, 5, {0}},
      {"PRIORITY on 0", H2_PRIORITY, 0, false, 5, {0, 0, 0, 9, 0}},
      {"SETTINGS on a stream", H2_SETTINGS, 0, true, 0, {0}},
      {"SETTINGS of 5", H2_SETTINGS, 0, false, 5, {0}},
      {"SETTINGS ACK with a payload", H2_SETTINGS, 1, false, 6, {0}},
      {"SETTINGS ACK for nothing", H2_SETTINGS, 1, false, 0, {0}},
      {"window too large", H2_SETTINGS, 0, false, 6, {0, 4, 0x80}},
      {"frame size too small", H2_SETTINGS, 0, false, 6, {0, 5, 0, 0, 1, 0}},
      {"push 2", H2_SETTINGS, 0, false, 6, {0, 2, 0, 0, 0, 2}},
      {"PING on a stream", H2_PING, 0, true, 8, {0}},
      {"PING of 7", H2_PING, 0, false, 7, {0}},
      {"GOAWAY on a stream", H2_GOAWAY, 0, true, 8, {0}},
      {"GOAWAY of 7", H2_GOAWAY, 0, false, 7, {0}},
      {"WINDOW_UPDATE of 0 on 0", H2_WINDOW_UPDATE, 0, false, 4, {0}},
      {"WINDOW_UPDATE of 0", H2_WINDOW_UPDATE, 0, true, 4, {0}},
      {"WINDOW_UPDATE of 5", H2_WINDOW_UPDATE, 0, false, 5, {0}},
      {"WINDOW_UPDATE too large on 0", H2_WINDOW_UPDATE, 0, false, 4, {0x7f, 0xff, 0xff, 0xff}},
      {"WINDOW_UPDATE too large", H2_WINDOW_UPDATE, 0, true, 4, {0x7f, 0xff, 0xff, 0xff}},
      {"CONTINUATION alone", H2_CONTINUATION, H2_FLAG_END_HEADERS, true, 1, {0x82}},
      {"CONTINUATION on 0", H2_CONTINUATION, H2_FLAG_END_HEADERS, false, 1, {0x82}},
      {"bad block", H2_HEADERS, H2_FLAG_END_HEADERS, true, 1, {0x80}},
      {"empty padded HEADERS", H2_HEADERS, H2_FLAG_END_HEADERS | H2_FLAG_PADDED, true, 0, {0}},
      {"short priority", H2_HEADERS, H2_FLAG_END_HEADERS | H2_FLAG_PRIORITY, true, 3, {0}},
      {"PUSH_PROMISE on 0", H2_PUSH_PROMISE, H2_FLAG_END_HEADERS, false, 4, {0, 0, 0, 2}},
      {"PUSH_PROMISE of 0", H2_PUSH_PROMISE, H2_FLAG_END_HEADERS, true, 4, {0}},
  };
  size_t i = below(sizeof list / sizeof *list);
  uint32_t id = list[i].on_stream ? any_id() : 0;
  describe("%s, stream %u", list[i].what, id);
  put_frame(list[i].type, list[i].flags, id, list[i].payload, list[i].length);
}

static void put_promise(void) {
  struct section section;
  request_section(&section);
  bool foreign = one_in(10); /* of another origin than ask()'s, nearly always */
  for (size_t i = 0; i < section.count; i++) {
    struct span *value = &section.fields[i].value;
    if (span_is(section.fields[i].name, ":method") && !one_in(10))
      *value = span_text(one_in(3) ? "HEAD" : "GET");
    if (span_is(section.fields[i].name, ":scheme") && !foreign) *value = span_text("https");
    if (span_is(section.fields[i].name, ":authority"))
      *value = span_text(!foreign ? "a" : one_in(3) ? "a:443" : "b");
  }
  if (foreign) describe("of another origin, ");
  if (one_in(12)) spoil(&section);
  uint32_t id = any_id();
  if (source.promise_next >= DIFF_STREAMS * 2) return;
  describe("PUSH_PROMISE %u %u", id, source.promise_next);
  put_section(H2_PUSH_PROMISE, id, source.promise_next, &section, false);
  source.promise_next += 2;
}

/* ---- the applications ------------------------------------------------------------------------ */

/* Both answer a request that is complete, or give a stream up. */
static void act(void) {
  uint32_t id = live_id();
  struct stream *stream = id < DIFF_STREAMS * 2 ? diff_weir.streams[id] : NULL;
  if (!stream) return;
  if (source.role == H2_SERVER && diff_weir.complete[id]) {
    nghttp2_nv status = {(uint8_t *)":status", (uint8_t *)"204", 7, 3, NGHTTP2_NV_FLAG_NONE};
    describe("application answers %u", id);
    assert_true(stream_respond(stream, 204, NULL, 0, BODY_NONE));
    assert_int_equal(nghttp2_submit_response(diff_peer.session, (int32_t)id, &status, 1, NULL), 0);
  } else {
    describe("application resets %u", id);
    stream_reset(stream, H2_CANCEL);
    assert_int_equal(
        nghttp2_submit_rst_stream(diff_peer.session, NGHTTP2_FLAG_NONE, (int32_t)id, H2_CANCEL), 0);
  }
  diff_weir_pump();
  diff_peer_pump();
}

/* Client role: both ask for the same. */
static void ask(void) {
  struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("a")), header_of(TOKEN_PATH, span_text("/"))};
  nghttp2_nv nv[4];
  if (source.requests * 2 + 1 >= DIFF_STREAMS * 2) return;
  bool head = one_in(8);
  if (head) fields[0].value = span_text("HEAD");
  for (int i = 0; i < 4; i++)
    nv[i] = (nghttp2_nv){(uint8_t *)(uintptr_t)fields[i].name.base,
                         (uint8_t *)(uintptr_t)fields[i].value.base, fields[i].name.len,
                         fields[i].value.len, NGHTTP2_NV_FLAG_NONE};
  describe("application asks%s", head ? " for the head" : "");
  struct stream *stream =
      h2_request(h2_of(&diff_weir.machine), fields, 4, BODY_NONE, &diff_weir_events, NULL);
  assert_non_null(stream);
  diff_weir.streams[stream->id] = stream;
  assert_int_equal(nghttp2_submit_request(diff_peer.session, NULL, nv, 4, NULL, NULL), stream->id);
  source.requests++;
  diff_weir_pump();
  diff_peer_pump();
}

/* ---- differences that are allowed ------------------------------------------------------------ */

struct allowed {
  const char *what;  /* the frame's description: a pattern as of a shell, like the next two */
  const char *weir;  /* what weir's log goes on with */
  const char *other; /* what nghttp2's does */
  const char *why;   /* the section that justifies weir */
  unsigned count;
};

static struct allowed allowed[] = {
#include "tests/spec/diff_allowed.h"
};

static struct allowed *allow(const char *what, const char *weir, const char *other) {
  for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
    if (fnmatch(allowed[i].what, what, 0) == 0 && fnmatch(allowed[i].weir, weir, 0) == 0 &&
        fnmatch(allowed[i].other, other, 0) == 0)
      return &allowed[i];
  return NULL;
}

/* ---- one connection -------------------------------------------------------------------------- */

enum verdict { SAME, ALLOWED, DIFFERENT };

/* Compares what the last frame brought about. */
static enum verdict compare(uint64_t seed, size_t weir_before, size_t other_before) {
  const char *weir = diff_weir.log.text + weir_before, *other = diff_peer.log.text + other_before;
  if (source.loud) printf("%s\n  weir  %s  other %s", source.what, weir, other);
  if (strcmp(weir, other) == 0) return SAME;
  struct allowed *row = allow(source.what, weir, other);
  if (row) {
    row->count++;
    return ALLOWED;
  }
  print_error("seed %llu, %s\nweir:\n%s\nnghttp2:\n%s\n", (unsigned long long)seed, source.what,
              weir, other);
  return DIFFERENT;
}

static void step(void) {
  source.what[0] = '\0';
  if (one_in(40))
    put_nonsense();
  else if (one_in(12))
    act();
  else if (source.role == H2_CLIENT && (!any_open() || one_in(5)))
    ask();
  else if (source.role == H2_CLIENT && one_in(12))
    put_promise();
  else if (one_in(3))
    put_message();
  else if (one_in(8))
    put_trailers();
  else
    put_control();
}

static void begin(uint64_t seed, enum h2_role role) {
  state64 = seed * 0x9e3779b97f4a7c15ull + 1;
  for (int i = 0; i < 8; i++)
    (void)below(2);
  bool loud = source.loud;
  source = (struct source){.role = role, .id_next = 1, .promise_next = 2, .loud = loud};
  counted_init(&source.memory);
  hpack_encoder_init(&source.encoder, &source.memory.memory);
  if (one_in(2)) assert_int_equal(nghttp2_hd_deflate_new(&source.deflater, 4096), 0);
  diff_weir_begin(role);
  diff_peer_begin(role);
  if (role == H2_SERVER) both((const uint8_t *)H2_PREFACE, H2_PREFACE_BYTES);
  put_frame(H2_SETTINGS, 0, 0, NULL, 0);
  put_frame(H2_SETTINGS, H2_FLAG_ACK, 0, NULL, 0);
}

static void end(void) {
  diff_weir_end_of();
  nghttp2_session_del(diff_peer.session);
  if (source.deflater) nghttp2_hd_deflate_del(source.deflater);
  hpack_encoder_destroy(&source.encoder);
  assert_int_equal(source.memory.count, 0);
}

static enum verdict run(uint64_t seed, enum h2_role role) {
  enum verdict verdict = SAME;
  begin(seed, role);
  for (unsigned i = 0; i < FRAMES_MAX && verdict == SAME; i++) {
    size_t weir = diff_weir.log.len, other = diff_peer.log.len;
    step();
    verdict = compare(seed, weir, other);
    if (diff_weir.log.goaway) break;
  }
  end();
  return verdict;
}

static void run_all(enum h2_role role) {
  unsigned counts[3] = {0};
  const char *one = getenv("WEIR_SEED");
  if (one) {
    source.loud = true;
    assert_int_not_equal(run(strtoull(one, NULL, 10), role), DIFFERENT);
    return;
  }
  for (uint64_t seed = 1; seed <= CONNECTIONS && counts[DIFFERENT] < 10; seed++)
    counts[run(seed, role)]++;
  for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
    if (allowed[i].count) print_message("%6u %s\n", allowed[i].count, allowed[i].why);
  print_message("%u alike to the end, %u differ as allowed\n", counts[SAME], counts[ALLOWED]);
  assert_int_equal(counts[DIFFERENT], 0);
  assert_true(counts[SAME] > CONNECTIONS / 2); /* or else this compares nothing */
}

static void test_servers(void **state) {
  (void)state;
  run_all(H2_SERVER);
}

static void test_clients(void **state) {
  (void)state;
  run_all(H2_CLIENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_servers),
      cmocka_unit_test(test_clients),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
