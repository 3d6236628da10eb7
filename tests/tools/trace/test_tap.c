/*
 * trace/test_tap.c - the traffic between a client and a server as the tap records it; the link's
 * rate; and the windows that are computed from the frames.
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <string.h>

#include "engine/http/body.h"
#include "tests/support/loopback.h"
#include "tools/trace/frames.h"
#include "tools/trace/outside.h"
#include "tools/trace/tap.h"
#include "tools/trace/windows.h"

/* ---- a whole exchange ------------------------------------------------------------------------ */

static void answer(void *ctx, struct stream *stream, const struct request *request,
                   uint64_t now_ns) {
  static const uint8_t text[20000];
  (void)ctx;
  (void)now_ns;
  (void)request;
  static struct body_bytes state;
  struct body body = body_bytes(&state, span_of(text, sizeof text), NULL, NULL);
  assert_true(stream_respond(stream, 200, NULL, 0, body));
}

static void count_bytes(struct stream *stream, struct span bytes, bool end) {
  (void)end;
  *(size_t *)stream->user += bytes.len;
}

/* "> SETTINGS 0" for every frame of one direction, in order. */
static const char *sequence(const struct trace_record *record, bool sent) {
  static char text[4000];
  size_t len = 0;
  text[0] = 0;
  for (size_t i = 0; i < record->frame_count; i++) {
    const struct trace_frame *frame = &record->frames[i];
    if (frame->sent != sent) continue;
    len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %u", len ? ", " : "",
                            h2_frame_name(frame->type), frame->stream_id);
    assert_true(len < sizeof text);
  }
  return text;
}

static void exchange(struct trace_record *record, size_t piece_bytes) {
  static const struct handler handler = {.request = answer};
  static const struct stream_events events = {.data = count_bytes};
  struct loopback loop;
  struct trace_tap tap = {0};
  size_t received = 0;
  assert_true(trace_record_init(record, "test", 1));
  loopback_open(&loop, &handler, NULL);
  loop.piece_bytes = piece_bytes;
  record->origin_ns = loop.now_ns;
  struct h2 *h2 = h2_of(&loop.client);
  trace_cutter_init(&tap.in, record, 3, false);
  trace_cutter_init(&tap.out, record, 3, true);
  trace_tap_around(&tap, &loop.client);
  const struct header fields[] = {
      header_of(TOKEN_METHOD, span_text("GET")), header_of(TOKEN_SCHEME, span_text("https")),
      header_of(TOKEN_AUTHORITY, span_text("h")), header_of(TOKEN_PATH, span_text("/"))};
  struct stream *stream = h2_request(h2, fields, 4, BODY_NONE, &events, &received);
  assert_non_null(stream);
  h2_request_depend(stream,
                    (struct h2_dependency){.stream_id = 0, .weight = 220, .exclusive = true});
  loopback_run(&loop);
  assert_int_equal(received, 20000);
  loop.now_ns += 5 * MILLISECOND_NS;
  h2_ping(h2, (const uint8_t *)"\1\2\3\4\5\6\7\xff");
  loopback_run(&loop);
  loopback_close(&loop);
}

static void test_exchange(void **state) {
  (void)state;
  static const size_t pieces[] = {0, 1, 7, 1000};
  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
    struct trace_record record;
    char text[TRACE_FRAME_TEXT_BYTES];
    exchange(&record, pieces[i]);
    const char *sent = sequence(&record, true);
    assert_int_equal(strncmp(sent, "SETTINGS 0, WINDOW_UPDATE 0, HEADERS 1, SETTINGS 0", 50), 0);
    assert_non_null(strstr(sent, "PING 0"));
    const char *received = sequence(&record, false);
    assert_non_null(strstr(received, "HEADERS 1, DATA 1, DATA 1"));
    uint64_t bytes = 0;
    unsigned named = 0;
    for (size_t k = 0; k < record.frame_count; k++) {
      const struct trace_frame *frame = &record.frames[k];
      const char *details = trace_frame_details(&record, frame, text);
      assert_int_equal(frame->connection, 3);
      assert_true(frame->begin_ns <= frame->end_ns);
      if (frame->type == H2_DATA) bytes += frame->length;
      if (frame->type == H2_HEADERS && frame->sent) {
        assert_string_equal(details,
                            "END_STREAM END_HEADERS PRIORITY depends on 0 exclusively, weight 220");
        named++;
      }
      if (frame->type != H2_PING || strstr(details, "01020304050607ff") == NULL) continue;
      assert_int_equal(frame->end_ns, 5 * MILLISECOND_NS);
      named++;
    }
    assert_int_equal(bytes, 20000);
    assert_int_equal(named, 3); /* HEADERS, PING, and its answer */
    trace_record_free(&record);
  }
}

/* ---- times of frames ------------------------------------------------------------------------- */

static void pass_slowly(struct trace_cutter *cutter, const uint8_t *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) /* the byte n passes at n + 100 ns */
    trace_cutter_pass(cutter, span_of(bytes + i, 1), 100 + i, 100 + i);
}

static void test_times(void **state) {
  (void)state;
  struct trace_record record;
  struct trace_cutter cutter;
  uint8_t bytes[200], *end = bytes;
  assert_true(trace_record_init(&record, "test", 0));
  record.origin_ns = 100;
  trace_cutter_init(&cutter, &record, 0, false);
  end = h2_frame_rst_stream_encode(end, 5, H2_CANCEL);                              /* 0 .. 12 */
  end = h2_frame_header_encode(end, (struct h2_frame_header){.type = H2_SETTINGS}); /* .. 21 */
  end = h2_frame_header_encode(
      end, (struct h2_frame_header){.type = H2_DATA, .length = 10, .stream_id = 7}); /* .. 30 */
  memset(end, 'x', 10);
  pass_slowly(&cutter, bytes, (size_t)(end - bytes) + 10);
  assert_int_equal(record.frame_count, 3);
  assert_int_equal(record.frames[0].begin_ns, 0);
  assert_int_equal(record.frames[0].end_ns, 12);
  assert_int_equal(record.frames[1].begin_ns, 13);
  assert_int_equal(record.frames[1].end_ns, 21);
  assert_int_equal(record.frames[2].begin_ns, 22);
  assert_int_equal(record.frames[2].end_ns, 40);
  assert_int_equal(record.frames[2].payload_bytes, 0); /* nothing of DATA is kept */
  trace_record_free(&record);
}

/* Two frames in one record, which took from 1000 to 2000 ns. The second began half-way. */
static void test_times_in_a_record(void **state) {
  (void)state;
  struct trace_record record;
  struct trace_cutter cutter;
  uint8_t bytes[34];
  assert_true(trace_record_init(&record, "test", 0));
  trace_cutter_init(&cutter, &record, 0, false);
  h2_frame_ping_encode(bytes, false, (const uint8_t *)"12345678");
  h2_frame_ping_encode(bytes + 17, true, (const uint8_t *)"12345678");
  trace_cutter_pass(&cutter, span_of(bytes, sizeof bytes), 1000, 2000);
  assert_int_equal(record.frame_count, 2);
  assert_int_equal(record.frames[0].begin_ns, 1000);
  assert_int_equal(record.frames[1].begin_ns, 1500);
  assert_int_equal(record.frames[0].end_ns, 2000);
  assert_int_equal(record.frames[1].end_ns, 2000);
  trace_record_free(&record);
}

static void test_preface_is_no_frame(void **state) {
  (void)state;
  struct trace_record record;
  struct trace_cutter cutter;
  uint8_t ping[17];
  assert_true(trace_record_init(&record, "test", 0));
  trace_cutter_init(&cutter, &record, 0, true);
  trace_cutter_pass(&cutter, span_text(H2_PREFACE), 1, 1);
  assert_int_equal(record.frame_count, 0);
  h2_frame_ping_encode(ping, false, (const uint8_t *)"12345678");
  trace_cutter_pass(&cutter, span_of(ping, sizeof ping), 2, 3);
  assert_int_equal(record.frames[0].begin_ns, 2);
  assert_int_equal(record.frames[0].end_ns, 3);
  assert_int_equal(record.frame_count, 1);
  assert_int_equal(record.frames[0].type, H2_PING);
  trace_record_free(&record);
}

/* Whatever a peer sends, its line is printable ASCII. */
static void test_details_of_anything(void **state) {
  (void)state;
  struct trace_record record;
  char text[TRACE_FRAME_TEXT_BYTES];
  uint8_t payload[300];
  assert_true(trace_record_init(&record, "test", 0));
  for (size_t i = 0; i < sizeof payload; i++)
    payload[i] = (uint8_t)(i * 37);
  for (unsigned type = 0; type < 256; type++)
    for (uint32_t len = 0; len < sizeof payload; len += len < 12 ? 1 : 96) {
      struct trace_frame frame = {.type = (uint8_t)type, .flags = 0xff, .length = len};
      trace_record_frame(&record, frame, payload, len);
      trace_frame_line(&record, &record.frames[record.frame_count - 1], text);
      assert_true(strlen(text) < sizeof text);
      for (const char *at = text; *at; at++)
        if (*at < ' ' || *at > '~') fail_msg("type %u, %u bytes: %s", type, len, text);
    }
  trace_record_free(&record);
}

/* ---- TLS records ----------------------------------------------------------------------------- */

/* Three records, where byte n comes at n ns. A call that completes a record reports when that
 * record began. */
static void test_records(void **state) {
  (void)state;
  static const uint8_t bytes[] = "\x17\3\3\0\4abcd"
                                 "\x17\3\3\0\0"
                                 "\x17\3\3\0\2xy";
  struct trace_tls_records records = {.on = true};
  for (size_t i = 0; i < sizeof bytes - 1; i++) {
    trace_tls_records_pass(&records, span_of(bytes + i, 1), i);
    size_t begun = i == 8 ? 0 : i == 13 ? 9 : i == 20 ? 14 : i;
    assert_int_equal(records.since_ns, begun);
  }
  records = (struct trace_tls_records){.on = true};
  trace_tls_records_pass(&records, span_of(bytes, 7), 1000);
  trace_tls_records_pass(&records, span_of(bytes + 7, sizeof bytes - 8), 2000);
  assert_int_equal(records.since_ns, 1000);
  records = (struct trace_tls_records){.on = false};
  trace_tls_records_pass(&records, span_of(bytes, 7), 1000);
  trace_tls_records_pass(&records, span_of(bytes + 7, sizeof bytes - 8), 2000);
  assert_int_equal(records.since_ns, 2000);
}

/* ---- the link's rate ------------------------------------------------------------------------- */

struct sink {
  size_t bytes;
  bool closed;
};

static size_t sink_recv(void *self, struct span in, uint64_t now_ns) {
  (void)now_ns;
  ((struct sink *)self)->bytes += in.len;
  return in.len;
}

static void sink_tick(void *self, uint64_t now_ns) {
  (void)self;
  (void)now_ns;
  fail_msg("the sink has no deadline");
}

static uint64_t sink_deadline_ns(const void *self) {
  (void)self;
  return MACHINE_NO_DEADLINE;
}

static unsigned sink_wants(const void *self) {
  (void)self;
  return MACHINE_RECV;
}

static void sink_close(void *self) {
  ((struct sink *)self)->closed = true;
}

static const struct machine_ops sink_ops = {.recv = sink_recv,
                                            .tick = sink_tick,
                                            .deadline_ns = sink_deadline_ns,
                                            .wants = sink_wants,
                                            .close = sink_close};

/* For one second, offers bytes whenever they are wanted, as a host does. */
static size_t received_in_a_second(uint64_t rate, size_t *calls) {
  static const uint8_t bytes[100000];
  const uint64_t begin_ns = 50 * SECOND_NS;
  struct sink sink = {0};
  struct trace_bucket bucket;
  uint64_t counted = 0, now_ns = begin_ns;
  struct trace_outside outside = {.bucket = &bucket, .bytes_in = &counted};
  trace_bucket_init(&bucket, rate, now_ns);
  struct machine machine = {&sink_ops, &sink};
  trace_outside_around(&outside, &machine);
  while (now_ns < begin_ns + SECOND_NS && *calls < 1000000) {
    ++*calls;
    if (machine.ops->wants(machine.self) & MACHINE_RECV) {
      size_t took = machine.ops->recv(machine.self, span_of(bytes, sizeof bytes), now_ns);
      /* The contract: it takes less than offered only while it wants nothing. */
      if (took < sizeof bytes) assert_false(machine.ops->wants(machine.self) & MACHINE_RECV);
      continue;
    }
    uint64_t deadline_ns = machine.ops->deadline_ns(machine.self);
    assert_true(deadline_ns != MACHINE_NO_DEADLINE);
    now_ns =
        (deadline_ns > now_ns ? deadline_ns : now_ns) + MILLISECOND_NS; /* a timer's lateness */
    machine.ops->tick(machine.self, now_ns);
  }
  assert_int_equal(counted, sink.bytes);
  machine.ops->close(machine.self);
  assert_true(sink.closed);
  return sink.bytes;
}

static void test_rate(void **state) {
  (void)state;
  static const uint64_t rates[] = {2000, 200000, 1000000, 20000000};
  for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
    size_t calls = 0, bytes = received_in_a_second(rates[i], &calls);
    uint64_t burst = 2 * TRACE_SEGMENT_BYTES + rates[i] / 100;
    if (bytes > rates[i] + burst || bytes + burst < rates[i] * 9 / 10)
      fail_msg("%zu bytes at a rate of %llu", bytes, (unsigned long long)rates[i]);
  }
}

/* Time missed while bytes were waiting is made up for. An idle link saves nothing up. */
static void test_lateness(void **state) {
  (void)state;
  struct trace_bucket bucket;
  trace_bucket_init(&bucket, 100000, 0);
  trace_bucket_take(&bucket, trace_bucket_room(&bucket, 0));
  assert_int_equal(trace_bucket_room(&bucket, 100 * MILLISECOND_NS), 10000);
  assert_int_equal(trace_bucket_room(&bucket, 10 * SECOND_NS), 20000);
  trace_bucket_take(&bucket, 19000);
  assert_int_equal(trace_bucket_room(&bucket, 20 * SECOND_NS), 2 * TRACE_SEGMENT_BYTES);
}

static void test_no_rate(void **state) {
  (void)state;
  struct trace_bucket bucket;
  trace_bucket_init(&bucket, 0, 1);
  trace_bucket_take(&bucket, 1 << 30);
  assert_true(trace_bucket_room(&bucket, 1) == UINT64_MAX);
}

/* ---- windows --------------------------------------------------------------------------------- */

static void add(struct trace_record *record, bool sent, uint8_t type, uint32_t stream, uint32_t n,
                uint64_t begin_ns, uint64_t end_ns, uint8_t flags) {
  uint8_t frame_bytes[32];
  struct trace_frame frame = {.type = type,
                              .sent = sent,
                              .stream_id = stream,
                              .length = type == H2_DATA ? n : 4,
                              .begin_ns = begin_ns,
                              .end_ns = end_ns,
                              .flags = flags};
  h2_frame_window_update_encode(frame_bytes, stream, n);
  trace_record_frame(record, frame, frame_bytes + H2_FRAME_HEADER_BYTES, type == H2_DATA ? 0 : 4);
}

static void test_stalls(void **state) {
  (void)state;
  struct trace_record record;
  struct trace_windows windows;
  assert_true(trace_record_init(&record, "test", 2));
  record.window_bytes = 1000;
  record.connection_window_bytes = 65535;
  record.connection_count = 1;
  record.end_ns = 1000;
  for (int i = 0; i < 2; i++) {
    record.results[i].stream_id = (uint32_t)(2 * i + 1);
    record.results[i].asked_ns = 0;
    record.results[i].end_ns = i ? 900 : 600;
  }
  add(&record, false, H2_DATA, 1, 600, 100, 110, 0);
  add(&record, false, H2_DATA, 3, 1000, 120, 130, 0); /* stream 3 has none left */
  add(&record, false, H2_DATA, 1, 400, 140, 150, 0);  /* nor has stream 1 */
  add(&record, true, H2_WINDOW_UPDATE, 1, 500, 200, 200, 0);
  add(&record, false, H2_DATA, 1, 500, 300, 310, H2_FLAG_END_STREAM); /* ends: no stall */
  add(&record, true, H2_WINDOW_UPDATE, 3, 70000, 400, 400, 0);
  add(&record, false, H2_DATA, 3, 65535 - 2500, 500, 510, 0); /* the connection's window is used
                                                               * up */
  add(&record, true, H2_WINDOW_UPDATE, 0, 100, 700, 700, 0);
  assert_true(trace_windows_init(&windows, &record));
  static const struct trace_stall expected[] = {
      {.begin_ns = 150, .update_ns = 200, .end_ns = 300, .result = 0},
      {.begin_ns = 130, .update_ns = 400, .end_ns = 500, .result = 1},
      {.begin_ns = 510, .update_ns = 700, .end_ns = 1000, .result = -1},
  };
  assert_int_equal(windows.stall_count, 3);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(windows.stalls[i].begin_ns, expected[i].begin_ns);
    assert_int_equal(windows.stalls[i].update_ns, expected[i].update_ns);
    assert_int_equal(windows.stalls[i].end_ns, expected[i].end_ns);
    assert_int_equal(windows.stalls[i].result, expected[i].result);
  }
  assert_int_equal(windows.level_count, 6); /* five DATA, one WINDOW_UPDATE of the connection */
  assert_int_equal(windows.levels[4].bytes, 0);
  assert_int_equal(windows.levels[5].bytes, 100);
  assert_int_equal(trace_result_of(&windows, 0, 3), 1);
  assert_int_equal(trace_result_of(&windows, 0, 2), -1);
  assert_int_equal(trace_result_of(&windows, 0, 5), -1);
  assert_int_equal(trace_result_of(&windows, 1, 1), -1);
  assert_int_equal(trace_result_of(&windows, 0, H2_STREAM_ID_MAX), -1);
  trace_windows_free(&windows);
  trace_record_free(&record);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_exchange),
      cmocka_unit_test(test_times),
      cmocka_unit_test(test_times_in_a_record),
      cmocka_unit_test(test_preface_is_no_frame),
      cmocka_unit_test(test_details_of_anything),
      cmocka_unit_test(test_records),
      cmocka_unit_test(test_rate),
      cmocka_unit_test(test_lateness),
      cmocka_unit_test(test_no_rate),
      cmocka_unit_test(test_stalls),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
