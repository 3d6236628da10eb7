/*
 * load/test_form.c - requests as they are made of drafts and filled in: fields, bodies, variables.
 */
#include "tests/support/cmocka.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/load/form.h"

static struct load_options options;
static struct load_bodies bodies;
static struct load_csv csv;
static struct load_rules rules;
static struct load_buffer form;
static char error[512];
static const struct failure failure = {.text = error, .size = sizeof error};

static void forget(void) {
  load_buffer_free(&rules.text);
  load_buffer_free(&form);
  load_bodies_free(&bodies);
  options = (struct load_options){0};
  rules = (struct load_rules){.options = &options, .bodies = &bodies};
}

static enum load_form_result make(const struct load_draft *draft) {
  form.len = 0;
  error[0] = 0;
  return load_form_make(&rules, draft, &form, &failure);
}

static void write_text(char text[8192], const struct header *fixed, struct load_values *values) {
  struct load_instance instance = {0};
  assert_true(load_form_fill((const struct load_form *)form.at, fixed, &rules, values, &instance));
  const struct load_target *target = &instance.target;
  text[0] = 0;
  for (size_t i = 0; i < target->field_count; i++) {
    const struct header *field = &target->fields[i];
    assert_true(field->token == header_token_of(field->name));
    sprintf(text + strlen(text), "%.*s=%.*s ", (int)field->name.len, (const char *)field->name.base,
            (int)field->value.len, (const char *)field->value.base);
  }
  if (target->has_body)
    sprintf(text + strlen(text), "+%.*s", (int)(target->body.base ? target->body.len : 0),
            (const char *)target->body.base);
  free(instance.at);
}

/* The request as text: "METHOD scheme://authority/path name=value ... body". It is the same when what does not vary
 * is taken from the form. */
static const char *fill(struct load_values *values) {
  static char text[8192], again[8192];
  static struct load_values copy;
  struct header *fixed = load_form_fix((const struct load_form *)form.at);
  assert_non_null(fixed);
  if (values) copy = *values;
  write_text(again, fixed, values ? &copy : NULL);
  write_text(text, NULL, values);
  assert_string_equal(again, text);
  free(fixed);
  return text;
}

static struct load_draft draft_of(const char *url) {
  struct load_draft draft;
  load_draft_clear(&draft);
  draft.url = span_text(url);
  return draft;
}

static void add(struct load_draft *draft, const char *name, const char *value) {
  draft->fields[draft->field_count++] =
      (struct load_draft_field){span_text(name), span_text(value)};
}

/* ---- fields ---------------------------------------------------------------------------------- */

static void test_fields(void **state) {
  (void)state;
  static const struct {
    const char *method, *name, *value, *options[3], *expected;
  } rows[] = {
      {"",
       NULL,
       NULL,
       {NULL},
       ":method=GET :scheme=http :authority=h :path=/ user-agent=weir-load "},
      {"PUT",
       "A",
       " b ",
       {NULL},
       ":method=PUT :scheme=http :authority=h :path=/ user-agent=weir-load a=b "},
      {"",
       "User-Agent",
       "x",
       {NULL},
       ":method=GET :scheme=http :authority=h :path=/ user-agent=x "},
      {"",
       "Host",
       "v",
       {NULL},
       ":method=GET :scheme=http :authority=v :path=/ user-agent=weir-load "},
      {"",
       "Connection",
       "close",
       {NULL},
       ":method=GET :scheme=http :authority=h :path=/ user-agent=weir-load "},
      {"",
       "content-length",
       "5",
       {NULL},
       ":method=GET :scheme=http :authority=h :path=/ user-agent=weir-load "},
      {"",
       "te",
       "trailers",
       {NULL},
       ":method=GET :scheme=http :authority=h :path=/ user-agent=weir-load te=trailers "},
      {"",
       "te",
       "gzip",
       {NULL},
       ":method=GET :scheme=http :authority=h :path=/ user-agent=weir-load "},
      {"",
       "a",
       "file",
       {"A: 1", "a:2", NULL},
       ":method=GET :scheme=http :authority=h :path=/ user-agent=weir-load a=1 a=2 "},
      {"",
       "a",
       "file",
       {":method: HEAD", "host: x", "user-agent: y"},
       ":method=HEAD :scheme=http :authority=x :path=/ user-agent=y a=file "},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct load_draft draft = draft_of("http://h/");
    forget();
    draft.method = span_text(rows[i].method);
    if (rows[i].name) add(&draft, rows[i].name, rows[i].value);
    for (unsigned k = 0; k < 3 && rows[i].options[k]; k++)
      options.fields[options.field_count++] = rows[i].options[k];
    assert_int_equal(make(&draft), LOAD_FORM_MADE);
    assert_string_equal(fill(NULL), rows[i].expected);
  }
}

static void test_wrong_fields(void **state) {
  (void)state;
  static const struct {
    const char *method, *name, *value, *expected;
  } rows[] = {
      {"G T", "a", "b", "G T: no such method"},
      {"", "a b", "c", "the field a b has a byte that is not allowed"},
      {"", "a", "b\nc", "the field a has a byte that is not allowed"},
      {"", "", "c", "a field's name is longer than 63 bytes, or empty"},
      {"", "a", "{nothing}",
       "{nothing}: no such variable or CSV column; for a plain brace write {{"},
      {"", "a", "{rand:9-1}",
       "{rand:9-1}: no such variable or CSV column; for a plain brace write {{"},
      {"", "a", "{rand:1}", "{rand:1}: no such variable or CSV column; for a plain brace write {{"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct load_draft draft = draft_of("http://h/");
    forget();
    draft.method = span_text(rows[i].method);
    add(&draft, rows[i].name, rows[i].value);
    assert_int_equal(make(&draft), LOAD_FORM_WRONG);
    assert_string_equal(error, rows[i].expected);
  }
}

/* ---- URLs ------------------------------------------------------------------------------------ */

static void test_urls(void **state) {
  (void)state;
  struct load_draft first = draft_of("http://h/dir/a"), relative = draft_of("b?c"),
                    other = draft_of("http://other/x"), none = draft_of("wss://h/"),
                    only = draft_of("b");
  forget();
  assert_int_equal(make(&only), LOAD_FORM_WRONG);
  assert_string_equal(error, "b: expected http://HOST/PATH or https://HOST/PATH");
  assert_int_equal(make(&first), LOAD_FORM_MADE);
  assert_int_equal(make(&relative), LOAD_FORM_MADE);
  assert_non_null(strstr(fill(NULL), ":authority=h :path=/dir/b?c "));
  assert_int_equal(make(&other), LOAD_FORM_WRONG);
  assert_string_equal(error,
                      "http://other/x: what is read as a stream has one server, here http://h");
  assert_int_equal(make(&none), LOAD_FORM_WRONG);
  other.foreign = none.foreign = true;
  assert_int_equal(make(&other), LOAD_FORM_LEFT_OUT);
  assert_int_equal(make(&none), LOAD_FORM_LEFT_OUT);
  relative.absolute = true;
  assert_int_equal(make(&relative), LOAD_FORM_WRONG);

  rules.base_wins = true;
  add(&other, "host", "other");
  assert_int_equal(make(&other), LOAD_FORM_MADE);
  assert_non_null(strstr(fill(NULL), ":authority=h :path=/x "));
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static char path[] = "/tmp/weir-test-form-XXXXXX";

static void test_bodies(void **state) {
  (void)state;
  struct load_draft draft = draft_of("http://h/");
  struct load_values values;
  load_values_init(&values, NULL, 0, 1, 1);
  forget();
  draft.has_body = true;
  draft.body = span_text("x{seq}y{{");
  assert_int_equal(make(&draft), LOAD_FORM_MADE);
  load_values_next(&values);
  assert_string_equal(fill(&values), ":method=POST :scheme=http :authority=h :path=/ "
                                     "user-agent=weir-load content-length=4 +x1y{");
  draft.literal = true;
  assert_int_equal(make(&draft), LOAD_FORM_MADE);
  assert_non_null(strstr(fill(NULL), "content-length=9 +x{seq}y{{"));

  draft = draft_of("http://h/");
  draft.body_zero_bytes = 30;
  assert_int_equal(make(&draft), LOAD_FORM_MADE);
  assert_non_null(strstr(fill(NULL), "content-length=30 +"));

  draft.body_path = span_text(path); /* "a{seq}" */
  assert_int_equal(make(&draft), LOAD_FORM_MADE);
  assert_non_null(strstr(fill(NULL), "content-length=6 +a{seq}"));
  options.body_variables = true;
  assert_int_equal(make(&draft), LOAD_FORM_MADE);
  assert_non_null(strstr(fill(&values), "content-length=2 +a1"));

  draft = draft_of("http://h/");
  options.data_path = path;
  assert_int_equal(make(&draft), LOAD_FORM_MADE);
  assert_non_null(strstr(fill(&values), ":method=POST"));
  options.data_path = "/nowhere/x";
  assert_int_equal(make(&draft), LOAD_FORM_WRONG);
  assert_string_equal(error, "cannot read /nowhere/x: No such file or directory");
}

/* A body of zeros is lent in parts. */
static void test_zeros(void **state) {
  (void)state;
  const struct load_target target = {.body = span_of(NULL, LOAD_ZERO_BYTES + 5), .has_body = true};
  assert_int_equal(load_target_body(&target, 0, SIZE_MAX).len, LOAD_ZERO_BYTES);
  assert_int_equal(load_target_body(&target, 0, 7).len, 7);
  struct span rest = load_target_body(&target, LOAD_ZERO_BYTES, SIZE_MAX);
  assert_int_equal(rest.len, 5);
  assert_memory_equal(rest.base, "\0\0\0\0\0", 5);
}

/* ---- variables ------------------------------------------------------------------------------- */

/* The path that a URL's path, sequence number and CSV row become. */
static void test_variables(void **state) {
  (void)state;
  static const struct {
    const char *path, *field, *expected_path, *expected_field;
  } rows[] = {
      {"/{seq}/{seq}", "x", "/7/7", "x"},
      {"/", "{rand:5-5}{rand:0-0}", "/", "50"},
      {"/{name}", "{name}", "/a%20b", "a b"},
      {"/{odd}", "<{odd}>", "/%0A%7B%C3%A9", "< {\xc3\xa9>"},
      {"/{{seq}", "{{name}", "/{seq}", "{name}"},
      {"/{", "{", "/{", "{"},
      {"/{1}{\"a\":{seq}}", "{ name}", "/{1}{\"a\":7}", "{ name}"},
      {"/{empty}x", "a{empty}", "/x", "a"},
      {"/", "{empty} {name}{empty}", "/", "a b"},
  };
  struct load_values values;
  load_values_init(&values, &csv, 2, 4, 1);
  load_values_next(&values);
  load_values_next(&values); /* 3, 7 */
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char url[128], expected[256];
    forget();
    rules.csv = &csv;
    snprintf(url, sizeof url, "http://h%s", rows[i].path);
    struct load_draft draft = draft_of(url);
    add(&draft, "f", rows[i].field);
    assert_int_equal(make(&draft), LOAD_FORM_MADE);
    snprintf(expected, sizeof expected,
             ":method=GET :scheme=http :authority=h :path=%s user-agent=weir-load f=%s ",
             rows[i].expected_path, rows[i].expected_field);
    assert_string_equal(fill(&values), expected);
  }
}

static void test_uuid(void **state) {
  (void)state;
  struct load_values values;
  struct load_draft draft = draft_of("http://h/{uuid}");
  char seen[2][64];
  forget();
  add(&draft, "x", "{uuid}");
  assert_int_equal(make(&draft), LOAD_FORM_MADE);
  load_values_init(&values, NULL, 0, 1, 1);
  for (unsigned i = 0; i < 2; i++) {
    load_values_next(&values);
    const char *uuid = strstr(fill(&values), ":path=/") + strlen(":path=/");
    snprintf(seen[i], sizeof seen[i], "%.36s", uuid);
    for (unsigned k = 0; k < 36; k++) {
      bool dash = k == 8 || k == 13 || k == 18 || k == 23;
      assert_true(dash ? uuid[k] == '-' : isxdigit((unsigned char)uuid[k]));
    }
    assert_int_equal(uuid[14], '4');
    assert_non_null(strchr("89ab", uuid[19]));
    assert_memory_equal(strstr(uuid, "x=") + 2, uuid, 36);
  }
  assert_string_not_equal(seen[0], seen[1]);
}

/* All values of a range come, and none outside. */
static void test_random(void **state) {
  (void)state;
  struct load_values values;
  const struct load_variable variable = {.kind = LOAD_RAND, .low = 3, .high = 8};
  unsigned counts[10] = {0};
  load_values_init(&values, NULL, 0, 1, 42);
  for (unsigned i = 0; i < 6000; i++) {
    uint8_t digit;
    assert_int_equal(load_values_write(&values, &variable, &digit), 1);
    counts[digit - '0']++;
  }
  for (unsigned i = 0; i < 10; i++)
    assert_in_range(counts[i], i >= 3 && i <= 8 ? 850 : 0, i >= 3 && i <= 8 ? 1150 : 0);
}

/* A CSV that is used once has as many requests as rows, over all workers. */
static void test_once(void **state) {
  (void)state;
  unsigned requests = 0;
  struct load_csv once = csv;
  once.once = true;
  for (unsigned worker = 0; worker < 4; worker++) {
    struct load_values values;
    load_values_init(&values, &once, worker, 4, 1);
    for (; !load_values_are_out(&values); requests++)
      load_values_next(&values);
  }
  assert_int_equal(requests, csv.row_count);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

static void test_bounds(void **state) {
  (void)state;
  static char text[LOAD_FORM_BYTES_MAX + 1];
  struct load_draft draft = draft_of("http://h/");
  memset(text, '{', sizeof text);
  forget();
  draft.has_body = draft.literal = true;
  draft.body = span_of((const uint8_t *)text, LOAD_FORM_BYTES_MAX - 4096);
  assert_int_equal(make(&draft), LOAD_FORM_MADE);
  draft.body.len = LOAD_FORM_BYTES_MAX;
  assert_int_equal(make(&draft), LOAD_FORM_WRONG);
  assert_non_null(strstr(error, "bytes in one request: use a body file"));

  draft = draft_of("http://h/");
  memset(text, 'A', LOAD_METHOD_BYTES_MAX + 1);
  draft.method = span_of((const uint8_t *)text, LOAD_METHOD_BYTES_MAX);
  assert_int_equal(make(&draft), LOAD_FORM_MADE);
  draft.method.len++;
  assert_int_equal(make(&draft), LOAD_FORM_WRONG);

  /* Five fields by default, and two pieces for each variable at most. */
  for (unsigned extra = 0; extra < 2; extra++) {
    draft = draft_of("http://h/");
    draft.has_body = true;
    draft.body = span_of((const uint8_t *)text, 0);
    for (unsigned i = 0; i < LOAD_PIECES_MAX - 6 + extra; i++, draft.body.len += 5)
      memcpy(text + draft.body.len, "{seq}", 5);
    assert_int_equal(make(&draft), extra ? LOAD_FORM_WRONG : LOAD_FORM_MADE);
  }
  assert_non_null(strstr(error, "fields and variables"));

  /* A name that is too long for a variable is none. */
  for (unsigned extra = 0; extra < 2; extra++) {
    draft = draft_of("http://h/");
    text[0] = '{';
    memset(text + 1, 'a', LOAD_VARIABLE_BYTES_MAX - 1 + extra);
    memcpy(text + LOAD_VARIABLE_BYTES_MAX + extra, "}", 2);
    add(&draft, "a", text);
    assert_int_equal(make(&draft), extra ? LOAD_FORM_MADE : LOAD_FORM_WRONG);
  }

  memset(text, 'p', LOAD_PATH_BYTES_MAX);
  draft = draft_of("http://h/");
  draft.body_path = span_of((const uint8_t *)text, LOAD_PATH_BYTES_MAX);
  assert_int_equal(make(&draft), LOAD_FORM_WRONG);
  assert_string_equal(error, "the path of a file with a body is too long");
}

/* Different names of one file count as files. */
static void test_body_files(void **state) {
  (void)state;
  forget();
  struct load_draft draft = draft_of("http://h/");
  for (unsigned i = 0; i <= LOAD_BODY_FILES_MAX; i++) {
    char name[LOAD_PATH_BYTES_MAX] = "/tmp/";
    for (unsigned bit = 0; bit < 14; bit++)
      strcat(name, i >> bit & 1 ? "./" : "/");
    strcat(name, strrchr(path, '/') + 1);
    draft.body_path = span_text(name);
    assert_int_equal(make(&draft), i < LOAD_BODY_FILES_MAX ? LOAD_FORM_MADE : LOAD_FORM_WRONG);
    if (i == 1) assert_int_equal(make(&draft), LOAD_FORM_MADE);
  }
  assert_non_null(strstr(error, "files with bodies"));
}

static int begin(void **state) {
  (void)state;
  static char csv_path[] = "/tmp/weir-test-form-XXXXXX";
  static const char table[] =
      "name,odd,empty\nq,q,q\n\"a b\",\"\n{\xc3\xa9\",\n1,2,3\n4,5,6\n7,8,9\n";
  int body = mkstemp(path), file = mkstemp(csv_path);
  if (body < 0 || file < 0 || write(body, "a{seq}", 6) != 6) return 1;
  if (write(file, table, sizeof table - 1) != sizeof table - 1) return 1;
  close(body);
  close(file);
  bool good = load_csv_open(&csv, csv_path, false, &failure);
  unlink(csv_path);
  return !good;
}

static int end(void **state) {
  (void)state;
  forget();
  load_csv_close(&csv);
  return unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fields),     cmocka_unit_test(test_wrong_fields),
      cmocka_unit_test(test_urls),       cmocka_unit_test(test_bodies),
      cmocka_unit_test(test_zeros),      cmocka_unit_test(test_variables),
      cmocka_unit_test(test_uuid),       cmocka_unit_test(test_random),
      cmocka_unit_test(test_once),       cmocka_unit_test(test_bounds),
      cmocka_unit_test(test_body_files),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
