/*
 * load/options_request.c - what to request.
 */
#include "tools/common/option_values.h"
#include "tools/load/options_rows.h"

/* A field, or one of the two pseudo-header fields that may differ from the URL. */
static bool add_field(struct options *parser, struct load_options *options, char *text) {
  if (options->field_count == LOAD_FIELDS_MAX)
    return options_wrong(parser, "more than %d fields", LOAD_FIELDS_MAX);
  const char *value = load_options_pseudo(text, NULL);
  if (!(value ? *value != 0 && option_field_check(text + 1) : option_field_check(text)))
    return options_wrong(parser, "expected \"name: value\"");
  options->fields[options->field_count++] = text;
  return true;
}

static const struct load_option rows[] = {
    {"header", 'H', "FIELD", LOAD_TAKE(add_field),
     "add a request field, \"name: value\", or replace a default.\n"
     "May be repeated; each is sent. \":method: HEAD\" and\n"
     "\"host: HOST\" (or :authority) override the URL"},
    {"data", 'd', "FILE", LOAD_TEXT(data_path), "POST the content of FILE"},
};

const struct load_option_family load_options_request = {
    .topic = "requests", .title = "What to request", LOAD_OPTIONS(rows)};
