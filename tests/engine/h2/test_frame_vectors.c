/*
 * h2/test_frame_vectors.c - frames from others (tests/vectors/frames, from the
 * http2-frame-test-case collection). Each is decoded against a guard page, compared with its file,
 * and encoded again. Each invalid one must cause one of the codes that its file allows.
 */
#include "engine/http/headers.h"
#include "tests/support/cmocka.h"
#include "tests/support/guard.h"

#include "engine/base/wire.h"
#include "engine/h2/frame.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define VECTORS "tests/vectors/frames"

static struct guard guard;

/* ---- one vector ------------------------------------------------------------------------------ */

static size_t unhex(const char *text, uint8_t *out) {
  size_t len = 0;
  for (; text[0]; text += 2) {
    unsigned byte;
    assert_int_equal(sscanf(text, "%2x", &byte), 1);
    out[len++] = (uint8_t)byte;
  }
  return len;
}

static json_int_t number(const json_t *object, const char *name) {
  const json_t *value = json_object_get(object, name);
  assert_true(json_is_integer(value));
  return json_integer_value(value);
}

static bool given(const json_t *payload, const char *name) {
  const json_t *value = json_object_get(payload, name);
  return value && !json_is_null(value);
}

static void check_text(const json_t *payload, const char *name, struct span bytes) {
  const char *expected = json_string_value(json_object_get(payload, name));
  assert_non_null(expected);
  assert_int_equal(bytes.len, strlen(expected));
  assert_memory_equal(bytes.base ? (const void *)bytes.base : "", expected, bytes.len);
}

static void check_dependency(const json_t *payload, const char *name,
                             struct h2_dependency dependency) {
  assert_int_equal(dependency.stream_id, number(payload, name));
  assert_int_equal(dependency.weight, number(payload, "weight"));
  assert_int_equal(dependency.exclusive, json_is_true(json_object_get(payload, "exclusive")));
}

static void check_settings(const json_t *payload, struct span settings) {
  const json_t *list = json_object_get(payload, "settings");
  assert_int_equal(settings.len, 6 * json_array_size(list));
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *entry = json_array_get(list, i);
    const uint8_t *bytes = settings.base + 6 * i;
    assert_int_equal(wire_get16(bytes), json_integer_value(json_array_get(entry, 0)));
    assert_int_equal(wire_get32(bytes + 2), json_integer_value(json_array_get(entry, 1)));
  }
}

static void check_headers(const struct h2_frame *frame, const json_t *payload) {
  check_text(payload, "header_block_fragment", frame->headers.fragment);
  const bool prioritized = frame->header.flags & H2_FLAG_PRIORITY;
  assert_int_equal(prioritized, given(payload, "weight"));
  if (prioritized) check_dependency(payload, "stream_dependency", frame->headers.dependency);
}

static void check_payload(const struct h2_frame *frame, const json_t *payload) {
  switch (frame->header.type) {
  case H2_DATA: check_text(payload, "data", frame->data); break;
  case H2_HEADERS: check_headers(frame, payload); break;
  case H2_PRIORITY: check_dependency(payload, "stream_dependency", frame->priority); break;
  case H2_RST_STREAM: assert_int_equal(frame->error_code, number(payload, "error_code")); break;
  case H2_SETTINGS: check_settings(payload, frame->settings); break;
  case H2_PUSH_PROMISE:
    assert_int_equal(frame->push_promise.promised_id, number(payload, "promised_stream_id"));
    check_text(payload, "header_block_fragment", frame->push_promise.fragment);
    break;
  case H2_PING: check_text(payload, "opaque_data", span_of(frame->ping, 8)); break;
  case H2_GOAWAY:
    assert_int_equal(frame->goaway.last_stream_id, number(payload, "last_stream_id"));
    assert_int_equal(frame->goaway.error_code, number(payload, "error_code"));
    check_text(payload, "additional_debug_data", frame->goaway.debug);
    break;
  case H2_WINDOW_UPDATE:
    assert_int_equal(frame->increment, number(payload, "window_size_increment"));
    break;
  case H2_CONTINUATION: check_text(payload, "header_block_fragment", frame->continuation); break;
  default: fail_msg("no such type");
  }
}

/* The re-encoded frame is the same except for the padding's content, which we send as zeros. */
static void check_encoded(const struct h2_frame *frame, struct span wire) {
  uint8_t expected[512], encoded[512];
  assert_true(wire.len <= sizeof expected);
  memcpy(expected, wire.base, wire.len);
  if (frame->padding_bytes)
    memset(expected + wire.len - (frame->padding_bytes - 1u), 0, frame->padding_bytes - 1u);
  assert_ptr_equal(h2_frame_encode(encoded, frame), encoded + wire.len);
  assert_memory_equal(encoded, expected, wire.len);
}

/* Checks and decodes a frame as its receiver does; only clients receive PUSH_PROMISE. */
static struct h2_verdict receive(struct span wire, struct h2_frame *frame) {
  const struct h2_frame_header header = h2_frame_header_decode(wire.base);
  const enum h2_role role = header.type == H2_PUSH_PROMISE ? H2_CLIENT : H2_SERVER;
  const struct h2_verdict verdict = h2_frame_check(&header, role, H2_FRAME_BYTES_MIN);
  if (verdict.scope != H2_ACCEPT) return verdict;
  assert_int_equal(header.length, wire.len - H2_FRAME_HEADER_BYTES);
  return h2_frame_decode(&header, span_of(wire.base + H2_FRAME_HEADER_BYTES, header.length), frame);
}

static void run_good(const json_t *expected, struct span wire) {
  struct h2_frame frame;
  const struct h2_verdict verdict = receive(wire, &frame);
  assert_int_equal(verdict.scope, H2_ACCEPT);
  assert_int_equal(frame.header.type, number(expected, "type"));
  assert_int_equal(frame.header.flags, number(expected, "flags"));
  assert_int_equal(frame.header.length, number(expected, "length"));
  assert_int_equal(frame.header.stream_id, number(expected, "stream_identifier"));
  const json_t *payload = json_object_get(expected, "frame_payload");
  if (given(payload, "padding_length"))
    assert_int_equal(frame.padding_bytes, number(payload, "padding_length") + 1);
  else
    assert_int_equal(frame.padding_bytes, 0);
  check_payload(&frame, payload);
  check_encoded(&frame, wire);
}

static void run_bad(const char *name, const json_t *codes, struct span wire) {
  struct h2_frame frame;
  const struct h2_verdict verdict = receive(wire, &frame);
  assert_true(verdict.scope == H2_STREAM_ERROR || verdict.scope == H2_CONNECTION_ERROR);
  bool allowed = false;
  for (size_t i = 0; i < json_array_size(codes); i++)
    allowed |= json_integer_value(json_array_get(codes, i)) == (json_int_t)verdict.code;
  if (!allowed) fail_msg("%s: %s", name, h2_error_name(verdict.code));
}

static void run_file(const char *path, const char *name) {
  json_error_t error;
  json_t *vector = json_load_file(path, 0, &error);
  if (!vector) fail_msg("%s: %s", path, error.text);
  uint8_t bytes[512];
  const char *text = json_string_value(json_object_get(vector, "wire"));
  assert_true(text && strlen(text) <= 2 * sizeof bytes);
  const struct span wire = guard_put(&guard, span_of(bytes, unhex(text, bytes)));
  const json_t *expected = json_object_get(vector, "frame");
  if (json_is_object(expected))
    run_good(expected, wire);
  else
    run_bad(name, json_object_get(vector, "error"), wire);
  json_decref(vector);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static unsigned run_folder(const char *folder) {
  char path[512];
  snprintf(path, sizeof path, VECTORS "/%.64s", folder);
  DIR *directory = opendir(path);
  if (!directory) fail_msg("no folder %s", path);
  unsigned count = 0;
  for (const struct dirent *entry; (entry = readdir(directory));) {
    if (!strstr(entry->d_name, ".json")) continue;
    snprintf(path, sizeof path, VECTORS "/%.64s/%.255s", folder, entry->d_name);
    run_file(path, entry->d_name);
    count++;
  }
  closedir(directory);
  return count;
}

static void good_frames(void **state) {
  (void)state;
  static const char *const folders[] = {"continuation", "data",         "goaway",     "headers",
                                        "ping",         "priority",     "rst_stream", "settings",
                                        "push_promise", "window_update"};
  unsigned count = 0;
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
    count += run_folder(folders[i]);
  assert_int_equal(count, 12);
}

static void bad_frames(void **state) {
  (void)state;
  assert_int_equal(run_folder("error"), 22);
}

int main(void) {
  guard_init(&guard, 4096);
  const struct CMUnitTest tests[] = {cmocka_unit_test(good_frames), cmocka_unit_test(bad_frames)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  guard_destroy(&guard);
  return failed;
}
