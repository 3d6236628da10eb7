/*
 * h1/test_limits.c - bounds on a peer's messages: at each bound a message is read, one byte beyond
 * it is refused, and an endless one is refused when it gets there. Bytes are inspected once,
 * however they come.
 */
#include "engine/h1/limits.h"
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "engine/h1/chunked.h"
#include "engine/h1/head.h"

enum { FIELDS = 1000, LIST = 1 << 16, TEXT = 1 << 18 };

static struct h1_head head;
static struct headers fields;
static struct header at[FIELDS];
static uint8_t arena[LIST];
static uint8_t text[TEXT];
static size_t text_len;

static void begin(enum h1_head_kind kind) {
  headers_init(&fields, at, FIELDS, arena, sizeof arena, LIST);
  h1_head_begin(&head, kind, &fields);
  text_len = 0;
}

static void put(const char *piece) {
  const size_t len = strlen(piece);
  assert_true(text_len + len <= TEXT);
  memcpy(text + text_len, piece, len);
  text_len += len;
}

static void put_many(char byte, size_t count) {
  assert_true(text_len + count <= TEXT);
  memset(text + text_len, byte, count);
  text_len += count;
}

/* 200: read. 100: incomplete. */
static unsigned read_status(void) {
  const struct h1_verdict verdict = h1_head_read(&head, span_of(text, text_len));
  if (verdict.outcome == H1_REFUSED) return verdict.status;
  return verdict.outcome == H1_COMPLETE ? 200 : 100;
}

/* What `byte` that never ends gives after what was put, given by 100 bytes; and sets text_len to where. */
static unsigned flood(char byte) {
  unsigned status = read_status();
  while (status == 100 && text_len + 100 <= TEXT) {
    put_many(byte, 100);
    status = read_status();
  }
  return status;
}

/* ---- the request line ------------------------------------------------------------------------ */

static unsigned status_of_line(size_t method, size_t target) {
  begin(H1_REQUEST);
  put_many('M', method);
  put(" /");
  put_many('t', target - 1);
  put(" HTTP/1.1\r\n\r\n");
  return read_status();
}

static void test_request_line(void **state) {
  (void)state;
  assert_int_equal(status_of_line(H1_METHOD_BYTES_MAX, H1_TARGET_BYTES_MAX), 200);
  assert_int_equal(head.method.len, H1_METHOD_BYTES_MAX);
  assert_int_equal(head.target.len, H1_TARGET_BYTES_MAX);
  assert_int_equal(status_of_line(H1_METHOD_BYTES_MAX + 1, 1), 501);
  assert_int_equal(status_of_line(1, H1_TARGET_BYTES_MAX + 1), 414);
  assert_int_equal(status_of_line(1, 100000), 414);
}

/* The longest line, byte by byte: each is looked at once. */
static void test_longest_line(void **state) {
  (void)state;
  assert_int_equal(status_of_line(H1_METHOD_BYTES_MAX, H1_TARGET_BYTES_MAX), 200);
  const size_t len = text_len;
  h1_head_begin(&head, H1_REQUEST, &fields);
  for (text_len = 1; text_len < len - 2; text_len++) { /* up to the line's own end */
    assert_int_equal(read_status(), 100);
    assert_int_equal(head.looked, text_len - (text[text_len - 1] == '\r'));
  }
}

/* Lines that never end are refused soon after the bound. */
static void test_endless_lines(void **state) {
  (void)state;
  const size_t line_max = H1_METHOD_BYTES_MAX + H1_TARGET_BYTES_MAX + 200;
  begin(H1_REQUEST);
  assert_int_equal(flood('M'), 501);
  assert_true(text_len < line_max);
  begin(H1_REQUEST);
  put("GET /");
  assert_int_equal(flood('t'), 414);
  assert_true(text_len < line_max);
  begin(H1_REQUEST);
  put("\r\nGET /");
  assert_int_equal(flood('t'), 414);
  begin(H1_REQUEST);
  put("GET / HTTP/1.1");
  assert_int_equal(flood('1'), 400);
  assert_true(text_len < line_max);
  begin(H1_REQUEST);
  put("GET /");
  assert_int_equal(flood(' '), 400);
  begin(H1_REQUEST);
  assert_int_equal(flood('('), 400);
  begin(H1_RESPONSE);
  put("HTTP/1.1 200 ");
  assert_int_equal(flood('x'), 502);
  assert_true(text_len <= LIST + 200);
}

static void test_empty_lines(void **state) {
  (void)state;
  for (unsigned more = 0; more < 2; more++) {
    begin(H1_REQUEST);
    for (unsigned i = 0; i < H1_EMPTY_LINES_MAX + more; i++)
      put("\r\n");
    assert_false(h1_head_has_begun(&head));
    put("GET / HTTP/1.1\r\n\r\n");
    assert_int_equal(read_status(), more ? 400 : 200);
  }
}

/* ---- fields ---------------------------------------------------------------------------------- */

static void test_count(void **state) {
  (void)state;
  for (unsigned more = 0; more < 2; more++) {
    begin(H1_REQUEST);
    put("GET / HTTP/1.1\r\n");
    for (unsigned i = 0; i < FIELDS + more; i++)
      put("a:\r\n");
    put("\r\n");
    assert_int_equal(read_status(), more ? 431 : 200);
    assert_int_equal(fields.count, FIELDS);
  }
}

static unsigned status_of_value(enum h1_head_kind kind, size_t len) {
  begin(kind);
  if (kind == H1_REQUEST) put("GET / HTTP/1.1\r\n");
  if (kind == H1_RESPONSE) put("HTTP/1.1 200 OK\r\n");
  put("a: ");
  put_many('v', len);
  put("\r\n\r\n");
  return read_status();
}

static void test_list_bytes(void **state) {
  (void)state;
  const size_t most = LIST - HEADER_OVERHEAD_BYTES - 1;
  assert_int_equal(status_of_value(H1_REQUEST, most), 200);
  assert_int_equal(status_of_value(H1_REQUEST, most + 1), 431);
  assert_int_equal(status_of_value(H1_RESPONSE, most + 1), 502);
  assert_int_equal(status_of_value(H1_TRAILERS, most), 200);
  assert_int_equal(status_of_value(H1_TRAILERS, most + 1), 431);
}

/* Bytes that no list counts are bounded, too: white space around values. */
static void test_head_bytes(void **state) {
  (void)state;
  for (unsigned more = 0; more < 2; more++) {
    begin(H1_REQUEST);
    put("GET / HTTP/1.1\r\na:");
    put_many(' ', LIST - 6 + more);
    put("\r\n\r\n");
    assert_int_equal(read_status(), more ? 431 : 200);
  }
  begin(H1_REQUEST);
  put("GET / HTTP/1.1\r\na:");
  assert_int_equal(flood(' '), 431);
  assert_true(text_len < LIST + 200);
  begin(H1_REQUEST);
  put("GET / HTTP/1.1\r\n");
  assert_int_equal(flood('a'), 431);
  assert_true(text_len < LIST + 200);
}

/* An arena that is too small for the names. */
static void test_arena(void **state) {
  (void)state;
  for (unsigned more = 0; more < 2; more++) {
    begin(H1_REQUEST);
    fields.arena_max = 3;
    put("GET / HTTP/1.1\r\nabc: x\r\nHost: a\r\n");
    put(more ? "d: x\r\n\r\n" : "\r\n");
    assert_int_equal(read_status(), more ? 431 : 200);
  }
}

/* A long name that fills it. */
static void test_arena_full(void **state) {
  (void)state;
  begin(H1_REQUEST);
  fields.arena_max = 100;
  arena[100] = 77;
  put("GET / HTTP/1.1\r\n");
  put_many('N', 100);
  put(": x\r\n\r\n");
  assert_int_equal(read_status(), 200);
  assert_int_equal(arena[99], 'n');
  assert_int_equal(arena[100], 77);
}

/* A name takes its place in the arena once, however often its line was inspected. */
static void test_arena_once(void **state) {
  (void)state;
  begin(H1_REQUEST);
  fields.arena_max = 6;
  put("GET / HTTP/1.1\r\nabcdef: x\r\n\r\n");
  const size_t len = text_len;
  for (text_len = 1; text_len < len; text_len++)
    assert_int_equal(read_status(), 100);
  assert_int_equal(read_status(), 200);
  assert_int_equal(fields.arena_used, 6);
}

/* The list keeps what it had, also when the head is read a second time because it moved. */
static void test_fields_before(void **state) {
  (void)state;
  headers_init(&fields, at, FIELDS, arena, sizeof arena, LIST);
  headers_add(&fields, header_of(TOKEN_METHOD, span_text("GET")));
  assert_non_null(headers_room(&fields, 5));
  const size_t list_bytes = fields.list_bytes;
  h1_head_begin(&head, H1_REQUEST, &fields);
  text_len = 0;
  put("GET / HTTP/1.1\r\nabc: x\r\n");
  assert_int_equal(read_status(), 100);
  put("\r\n");
  static uint8_t moved[64];
  memcpy(moved, text, text_len);
  memset(text, 'X', text_len);
  assert_int_equal(h1_head_read(&head, span_of(moved, text_len)).outcome, H1_COMPLETE);
  assert_int_equal(fields.count, 2);
  assert_true(span_is(at[0].value, "GET"));
  assert_true(span_is(at[1].name, "abc"));
  assert_true(at[1].value.base > moved && at[1].value.base < moved + sizeof moved);
  assert_true(head.method.base == moved);
  assert_int_equal(fields.arena_used, 5 + 3);
  assert_int_equal(fields.list_bytes, list_bytes + 3 + 1 + HEADER_OVERHEAD_BYTES);
}

/* A head that stays where it is is not read again at its end. */
static void test_stays(void **state) {
  (void)state;
  begin(H1_REQUEST);
  put("GET / HTTP/1.1\r\nX: y\r\n\r\n");
  const size_t len = text_len;
  for (text_len = 1; text_len < len; text_len++) {
    assert_int_equal(read_status(), 100);
    assert_false(head.moved);
  }
  assert_int_equal(read_status(), 200);
  assert_false(head.moved);
}

/* Inspected bytes are not inspected again, or a peer that sends single bytes would cost
 * quadratic time. */
static void test_looked(void **state) {
  (void)state;
  static const char *const starts[] = {"GET /", "GET / HTTP/1.1\r\na: ", "GET / HTTP/1.1\r\n"};
  for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
    begin(H1_REQUEST);
    put(starts[i]);
    for (int more = 0; more < 2000; more++) {
      assert_int_equal(read_status(), 100);
      assert_int_equal(head.looked, text_len);
      put_many('x', 1);
    }
    put("\r");
    assert_int_equal(read_status(), 100);
    assert_int_equal(head.looked, text_len - 1); /* LF may follow */
  }
}

static void test_has_begun(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    bool begun;
  } rows[] = {{"", false},      {"\r", false}, {"\r\n", false},
              {"\r\nG", true},  {"G", true},   {"GET / HTTP/1.1\r\n", true},
              {"\r\n\r", false}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    begin(H1_REQUEST);
    put(rows[i].bytes);
    assert_int_equal(read_status(), 100);
    assert_int_equal(h1_head_has_begun(&head), rows[i].begun);
  }
}

/* ---- chunks ---------------------------------------------------------------------------------- */

static struct h1_chunked chunked;

static enum h1_chunked_result read_chunks(const char *bytes, size_t len) {
  struct span left = span_of(bytes, len), data;
  enum h1_chunked_result result;
  do {
    result = h1_chunked_read(&chunked, &left, &data);
  } while (result == H1_CHUNKED_DATA);
  return result;
}

static void test_chunk_digits(void **state) {
  (void)state;
  char size[H1_CHUNK_DIGITS_MAX + 1];
  memset(size, '0', sizeof size);
  h1_chunked_begin(&chunked);
  assert_int_equal(read_chunks(size, H1_CHUNK_DIGITS_MAX), H1_CHUNKED_MORE);
  h1_chunked_begin(&chunked);
  assert_int_equal(read_chunks(size, H1_CHUNK_DIGITS_MAX + 1), H1_CHUNKED_REFUSED);
  h1_chunked_begin(&chunked);
  assert_int_equal(read_chunks("7fffffffffffffff\r\n", 18), H1_CHUNKED_MORE);
  assert_int_equal(chunked.left, INT64_MAX);
  assert_true(h1_chunked_in_data(&chunked));
  h1_chunked_begin(&chunked);
  assert_int_equal(read_chunks("8000000000000000", 16), H1_CHUNKED_REFUSED);
  assert_non_null(chunked.reason);
}

/* Each byte as a size. */
static void test_chunk_sizes(void **state) {
  (void)state;
  static const char digits[] = "0123456789abcdef";
  for (unsigned byte = 0; byte < 256; byte++) {
    const char line[] = {(char)byte, '\r', '\n'};
    const char *digit =
        byte ? strchr(digits, byte | (byte >= 'A' && byte <= 'F' ? 0x20 : 0)) : NULL;
    h1_chunked_begin(&chunked);
    assert_int_equal(read_chunks(line, sizeof line), digit ? H1_CHUNKED_MORE : H1_CHUNKED_REFUSED);
    if (digit) assert_int_equal(chunked.left, digit - digits);
  }
}

/* Extensions of `count` bytes in one line, after a chunk of one byte. */
static enum h1_chunked_result read_extension(size_t count) {
  h1_chunked_begin(&chunked);
  assert_int_equal(read_chunks("1\r\nx\r\n0;", 8), H1_CHUNKED_MORE);
  for (size_t i = 0; i < count; i++)
    if (read_chunks("e", 1) != H1_CHUNKED_MORE) return H1_CHUNKED_REFUSED;
  return read_chunks("\r\n\r\n", 4);
}

static void test_chunk_extensions(void **state) {
  (void)state;
  const size_t most = H1_CHUNK_EXTENSION_BYTES + H1_CHUNK_EXTENSION_BYTES_PER_BYTE;
  assert_int_equal(read_extension(most + H1_CHUNK_EXTENSION_BYTES_PER_BYTE - 2), H1_CHUNKED_END);
  assert_int_equal(read_extension(most + H1_CHUNK_EXTENSION_BYTES_PER_BYTE), H1_CHUNKED_REFUSED);
}

/* What a connection charges: bytes that are not data, and chunks. */
static void test_chunk_counts(void **state) {
  (void)state;
  h1_chunked_begin(&chunked);
  const char *one = "1\r\nx\r\n";
  for (int i = 0; i < 100; i++)
    assert_int_equal(read_chunks(one, 6), H1_CHUNKED_MORE);
  assert_int_equal(chunked.data_bytes, 100);
  assert_int_equal(chunked.extra_bytes, 500);
  assert_int_equal(chunked.chunks, 100);
  assert_int_equal(chunked.extension_bytes, 0);
  assert_int_equal(read_chunks("0;ab\r\n\r\n", 8), H1_CHUNKED_END);
  assert_int_equal(chunked.chunks, 100);
  assert_int_equal(chunked.extra_bytes, 508);
}

static void test_chunk_in_data(void **state) {
  (void)state;
  static const char bytes[] = "12;a\r\n";
  h1_chunked_begin(&chunked);
  for (size_t i = 0; i < sizeof bytes - 1; i++) {
    assert_false(h1_chunked_in_data(&chunked));
    assert_int_equal(read_chunks(bytes + i, 1), H1_CHUNKED_MORE);
  }
  assert_true(h1_chunked_in_data(&chunked));
  assert_int_equal(read_chunks("123456789012345678", 18), H1_CHUNKED_MORE);
  assert_false(h1_chunked_in_data(&chunked));
}

/* A body that ended, or was refused, stays so. */
static void test_chunk_ends(void **state) {
  (void)state;
  h1_chunked_begin(&chunked);
  assert_int_equal(read_chunks("0\r\n\r\n", 5), H1_CHUNKED_END);
  struct span left = span_of("1\r\n", 3), data;
  assert_int_equal(h1_chunked_read(&chunked, &left, &data), H1_CHUNKED_END);
  assert_int_equal(left.len, 3);
  h1_chunked_begin(&chunked);
  assert_int_equal(read_chunks("x", 1), H1_CHUNKED_REFUSED);
  assert_int_equal(read_chunks("1", 1), H1_CHUNKED_REFUSED);
}

/* Data is lent where it lies. */
static void test_chunk_data(void **state) {
  (void)state;
  const char *bytes = "5\r\nhello\r\n";
  struct span left = span_of(bytes, 6), data;
  h1_chunked_begin(&chunked);
  assert_int_equal(h1_chunked_read(&chunked, &left, &data), H1_CHUNKED_DATA);
  assert_ptr_equal(data.base, bytes + 3);
  assert_int_equal(data.len, 3);
  assert_int_equal(left.len, 0);
  assert_true(h1_chunked_in_data(&chunked));
  left = span_of(bytes + 6, 4);
  assert_int_equal(h1_chunked_read(&chunked, &left, &data), H1_CHUNKED_DATA);
  assert_int_equal(data.len, 2);
  assert_int_equal(left.len, 2);
  assert_false(h1_chunked_in_data(&chunked));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_request_line),
      cmocka_unit_test(test_longest_line),
      cmocka_unit_test(test_endless_lines),
      cmocka_unit_test(test_empty_lines),
      cmocka_unit_test(test_count),
      cmocka_unit_test(test_list_bytes),
      cmocka_unit_test(test_head_bytes),
      cmocka_unit_test(test_arena),
      cmocka_unit_test(test_arena_full),
      cmocka_unit_test(test_arena_once),
      cmocka_unit_test(test_fields_before),
      cmocka_unit_test(test_has_begun),
      cmocka_unit_test(test_looked),
      cmocka_unit_test(test_stays),
      cmocka_unit_test(test_chunk_digits),
      cmocka_unit_test(test_chunk_sizes),
      cmocka_unit_test(test_chunk_extensions),
      cmocka_unit_test(test_chunk_counts),
      cmocka_unit_test(test_chunk_ends),
      cmocka_unit_test(test_chunk_data),
      cmocka_unit_test(test_chunk_in_data),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
