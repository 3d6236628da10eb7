/*
 * load/test_csv.c - the file of --data-csv: its values, and what is refused where.
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/load/csv.h"

static const struct row {
  const char *name, *text, *expected; /* rows of values, "|" and ";"; or "!LINE: mistake" */
} rows[] = {
    {"plain", "a,b\n1,2\n3,4\n", "a|b;1|2;3|4;"},
    {"no last newline", "a\n1", "a;1;"},
    {"CRLF", "a,b\r\n1,2\r\n", "a|b;1|2;"},
    {"blank lines", "\na,b\n\n1,2\n\n", "a|b;1|2;"},
    {"empty values", "a,b\n,\n1,\n", "a|b;|;1|;"},
    {"an empty value of one column", "a\n\"\"\nx\n", "a;;x;"},
    {"quotes", "a,b\n\"x, y\",\"he said \"\"no\"\"\"\n", "a|b;x, y|he said \"no\";"},
    {"a newline in quotes", "a,b\n\"x\ny\",1\r\n2,3\n", "a|b;x\ny|1;2|3;"},
    {"quotes and CRLF", "a,\"b\"\r\n1,\"2\"\r\n", "a|b;1|2;"},
    {"UTF-8's mark",
     "\xef\xbb\xbf"
     "a\n1\n",
     "a;1;"},
    {"a quote within a value", "a\nx\"y\n", "a;x\"y;"},
    {"empty", "", "!1: no row of values follows the columns' names"},
    {"names only", "a,b\n", "!2: no row of values follows the columns' names"},
    {"too few", "a,b\n1,2\n3\n", "!3: 1 value, but the first row names 2 columns"},
    {"too many", "a,b\n1,2,3\n", "!2: 3 values, but the first row names 2 columns"},
    {"after a newline in quotes", "a\n\"x\ny\"\n1,2\n",
     "!4: 2 values, but the first row names 1 column"},
    {"an open quote", "a\n\"x\n", "!2: a quote is not closed"},
    {"text after a quote", "a\n\"x\"y\n", "!2: text follows a closing quote"},
};

static char path[] = "/tmp/weir-test-csv-XXXXXX";

static void write_file(const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  assert_int_equal(fclose(file), 0);
}

static void put(char *out, const struct load_cell *cells, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    uint8_t value[64];
    size_t len = load_cell_write(cells[i], value);
    sprintf(out + strlen(out), "%.*s%s", (int)len, (const char *)value, i + 1 < count ? "|" : ";");
  }
}

static void check(const struct row *row) {
  struct load_csv csv;
  char error[256] = "", got[512] = "";
  const struct failure failure = {.text = error, .size = sizeof error};
  write_file(row->text);
  if (load_csv_open(&csv, path, false, &failure)) {
    put(got, csv.names, csv.column_count);
    for (size_t i = 0; i < csv.row_count; i++) {
      struct load_cell cells[LOAD_CSV_COLUMNS_MAX];
      load_csv_row(&csv, i, cells);
      put(got, cells, csv.column_count);
    }
    load_csv_close(&csv);
  } else {
    assert_memory_equal(error, path, strlen(path));
    sprintf(got, "!%s", error + strlen(path) + 1);
  }
  if (strcmp(got, row->expected) != 0) fail_msg("%s: %s", row->name, got);
}

static void test_rows(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    check(&rows[i]);
}

static void test_columns(void **state) {
  (void)state;
  for (unsigned extra = 0; extra < 2; extra++) {
    struct load_csv csv;
    char error[256] = "", text[4 * LOAD_CSV_COLUMNS_MAX + 16] = "a";
    const struct failure failure = {.text = error, .size = sizeof error};
    for (unsigned line = 0; line < 2; line++) {
      for (unsigned i = 1; i < LOAD_CSV_COLUMNS_MAX + extra; i++)
        strcat(text, ",b");
      strcat(text, line ? "\n" : "\na");
    }
    write_file(text);
    assert_int_equal(load_csv_open(&csv, path, false, &failure), !extra);
    if (extra)
      assert_string_equal(error + strlen(path), ":1: too many columns");
    else
      load_csv_close(&csv);
  }
}

static void test_find(void **state) {
  (void)state;
  struct load_csv csv;
  uint32_t column;
  char error[256] = "";
  const struct failure failure = {.text = error, .size = sizeof error};
  assert_false(load_csv_open(&csv, "/nowhere/x", false, &failure));
  assert_string_equal(error, "cannot read /nowhere/x: No such file or directory");
  write_file("a,b\n1,2\n");
  assert_true(load_csv_open(&csv, path, false, &failure));
  assert_true(load_csv_find(&csv, span_text("b"), &column));
  assert_int_equal(column, 1);
  assert_false(load_csv_find(&csv, span_text("B"), &column));
  load_csv_close(&csv);
}

static int begin(void **state) {
  (void)state;
  return mkstemp(path) < 0;
}

static int end(void **state) {
  (void)state;
  return unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows),
      cmocka_unit_test(test_columns),
      cmocka_unit_test(test_find),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
