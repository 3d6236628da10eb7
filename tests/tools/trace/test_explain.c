/*
 * trace/test_explain.c - the reasons of resources whose streams ended early.
 */
#include "tests/support/cmocka.h"

#include <stdio.h>

#include "engine/h2/frame.h"
#include "tools/trace/explain.h"

/* A RST_STREAM of stream 1 that was recorded, the code that the engine gave, and what is told. */
static const struct row {
  bool recorded, sent;
  uint32_t on_wire, given;
  const char *connection;
  const char *told;
  uint32_t code;
} rows[] = {
    {true, false, H2_INTERNAL_ERROR, H2_INTERNAL_ERROR, "",
     "the server sent RST_STREAM (INTERNAL_ERROR)", H2_INTERNAL_ERROR},
    {true, false, H2_NO_ERROR, H2_CANCEL, "", "the server sent RST_STREAM (NO_ERROR)", H2_NO_ERROR},
    {true, true, H2_PROTOCOL_ERROR, H2_PROTOCOL_ERROR, "lost",
     "invalid response: weir sent RST_STREAM (PROTOCOL_ERROR)", H2_PROTOCOL_ERROR},
    {false, false, 0, H2_CANCEL, "the server closed the connection",
     "the server closed the connection", H2_CANCEL},
    {false, false, 0, H2_REFUSED_STREAM, "", "as it was", H2_REFUSED_STREAM},
};

static void check(const struct row *row) {
  struct trace_record record;
  assert_true(trace_record_init(&record, "test", 1));
  record.connection_count = 1;
  snprintf(record.connections[0].error, sizeof record.connections[0].error, "%s", row->connection);
  struct trace_result *result = &record.results[0];
  result->stream_id = 1;
  result->failed = result->cut = true;
  result->error_code = row->given;
  snprintf(result->error, sizeof result->error, "as it was");
  if (row->recorded) {
    uint8_t payload[] = {0, 0, 0, (uint8_t)row->on_wire};
    struct trace_frame frame = {
        .stream_id = 1, .length = sizeof payload, .type = H2_RST_STREAM, .sent = row->sent};
    trace_record_frame(&record, frame, payload, sizeof payload);
  }
  trace_explain(&record);
  assert_string_equal(result->error, row->told);
  assert_int_equal(result->error_code, row->code);
  trace_record_free(&record);
}

static void test_reasons(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    check(&rows[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_reasons)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
