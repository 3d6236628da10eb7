/*
 * fuzz/load_requests.c - any bytes as a file of requests of `weir load`, in each of its forms.
 *
 * Beyond not crashing: every request that is accepted can be made, its fields are ones that may be
 * sent, and what is refused has a message with a line.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tools/load/form.h"
#include "tools/load/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_fields(const struct load_target *target) {
  assert(target->field_count >= 4);
  for (size_t i = 0; i < target->field_count; i++) {
    const struct header *field = &target->fields[i];
    assert(field->name.base[0] == ':' || header_name_flags(field->name) == 0);
    assert(header_value_flags(field->value) == 0);
  }
}

/* The request is the same when what does not vary is taken from the form. */
static void check(const struct load_form *form, const struct load_rules *rules) {
  struct load_values values, same;
  struct load_instance whole = {0}, patched = {0};
  struct header *fixed = load_form_fix(form);
  load_values_init(&values, NULL, 0, 1, 1);
  load_values_next(&values);
  same = values;
  assert(form->weight >= 1 && form->weight <= LOAD_WEIGHT_MAX);
  if (!fixed || !load_form_fill(form, NULL, rules, &values, &whole)) abort();
  if (!load_form_fill(form, fixed, rules, &same, &patched)) abort();
  check_fields(&whole.target);
  for (size_t i = 0; i < whole.target.field_count; i++)
    assert(span_equal(whole.target.fields[i].value, patched.target.fields[i].value));
  assert(whole.target.body.len == patched.target.body.len);
  assert(!form->path_varies || form->varies);
  free(whole.at);
  free(patched.at);
  free(fixed);
}

/* Without -d, and without files for bodies: fuzzing is to open none. */
static void read_all(struct load_input *input) {
  static struct load_draft draft;
  static struct load_options options;
  char error[512] = "";
  const struct failure failure = {.text = error, .size = sizeof error};
  struct load_rules rules = {.options = &options, .has_base = true};
  struct load_parser parser;
  enum load_read result;
  if (!url_parse(&rules.base, "http://host/dir/")) abort();
  load_parser_init(&parser, input);
  while ((result = load_parser_next(&parser, &draft, &failure)) == LOAD_READ_ONE) {
    struct load_buffer form = {0};
    draft.body_path.len = 0;
    rules.base_wins = draft.time_ns % 2;
    if (load_form_make(&rules, &draft, &form, &failure) == LOAD_FORM_MADE)
      check((const struct load_form *)form.at, &rules);
    load_buffer_free(&form);
  }
  assert(result == LOAD_READ_END || strncmp(error, "in:", 3) == 0);
  load_parser_free(&parser);
  load_buffer_free(&rules.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct load_input input = {.name = "in", .fd = -1, .stop_fd = -1, .next_line = 1, .eof = true};
  if (!load_buffer_reserve(&input.bytes, len + 1) || !load_buffer_add(&input.bytes, bytes, len))
    abort();
  read_all(&input);
  load_buffer_free(&input.bytes);
  return 0;
}
