/*
 * load/options_parse.c - see load/options_parse.h.
 */
#include "tools/load/options_parse.h"

#include <assert.h>
#include <string.h>

#include "engine/h2/frame.h"
#include "engine/hpack/limits.h"
#include "tools/load/options_families.h"
#include "tools/load/options_help.h"

/* The rows of all families. A row's code is its letter, or its place beyond all letters. */
struct reader {
  struct load_options *options;
  const struct load_option *rows[LOAD_OPTIONS_MAX];
  struct option names[LOAD_OPTIONS_MAX + 1];
  unsigned count;
};

enum { CODE_OF_FIRST_ROW = 256 };

static int needs_value(const struct load_option *row) {
  if (!row->value) return no_argument;
  return strncmp(row->value, "[=", 2) == 0 ? optional_argument : required_argument;
}

static void add_family(struct reader *reader, const struct load_option_family *family) {
  for (size_t i = 0; i < family->count; i++) {
    const struct load_option *row = &family->options[i];
    assert(reader->count < LOAD_OPTIONS_MAX);
    int code = row->letter ? row->letter : CODE_OF_FIRST_ROW + (int)reader->count;
    reader->rows[reader->count] = row;
    reader->names[reader->count++] = (struct option){row->name, needs_value(row), NULL, code};
  }
}

static const struct load_option *row_of(const struct reader *reader, int code) {
  if (code >= CODE_OF_FIRST_ROW) return reader->rows[code - CODE_OF_FIRST_ROW];
  unsigned i = 0;
  while (reader->rows[i]->letter != code)
    i++;
  return reader->rows[i];
}

static bool take(struct options *parser, int code, char *value) {
  struct reader *reader = parser->out;
  const struct load_option_action *action = &row_of(reader, code)->action;
  void *member = (char *)reader->options + action->offset;
  switch (action->kind) {
  case LOAD_OPTION_FLAG: *(bool *)member = true; return true;
  case LOAD_OPTION_COUNT:
    return options_count(parser, (unsigned)action->min, (unsigned)action->max, member);
  case LOAD_OPTION_NUMBER: return options_number(parser, action->min, action->max, member);
  case LOAD_OPTION_SECONDS: return options_seconds(parser, member);
  case LOAD_OPTION_RATE: return options_rate(parser, LOAD_RATE_MAX, member);
  case LOAD_OPTION_TEXT: *(const char **)member = value; return true;
  case LOAD_OPTION_FILE: return options_file(parser, member);
  case LOAD_OPTION_TAKE: return action->take(parser, reader->options, value);
  case LOAD_OPTION_INSTEAD: return options_wrong(parser, "%s", action->instead);
  }
  return false;
}

static bool check(struct load_options *options, const struct failure *failure) {
  if (options->url_count == 0 && !options->input_path)
    return failure_set(failure, "no URL given; see weir load --help");
  if (options->url_count > LOAD_URLS_MAX)
    return failure_set(failure, "more than %d URLs", LOAD_URLS_MAX);
  for (const struct load_option_family *const *at = load_option_families; *at; at++)
    if ((*at)->check && !(*at)->check(options, failure)) return false;
  return true;
}

/* --help, perhaps with a topic: --help=TOPIC, or --help TOPIC. */
static enum options_result help(struct load_options *options, const struct options *parser) {
  options->topic = parser->value;
  if (!parser->value && parser->next && load_options_help(parser->next))
    options->topic = parser->next;
  if (load_options_help(options->topic)) return OPTIONS_HELP;
  (void)options_wrong(parser, "no such topic; see weir load --help");
  return OPTIONS_WRONG;
}

enum options_result load_options_parse(struct load_options *options, int argc, char **argv,
                                       const struct failure *failure) {
  struct reader reader = {.options = options};
  struct options parser = {.out = &reader, .failure = failure};
  *options = (struct load_options){.connections = 1,
                                   .streams = 1,
                                   .threads = 1,
                                   .speed = 1,
                                   .batch_wait_seconds = LOAD_BATCH_AUTO,
                                   .frame_bytes = H2_FRAME_BYTES_MIN,
                                   .decoder_table_bytes = HPACK_TABLE_BYTES_MAX,
                                   .encoder_table_bytes = HPACK_TABLE_BYTES_MAX,
                                   .flow = FLOW_CONSUME,
                                   .timeout_seconds = LOAD_TIMEOUT_SECONDS};
  for (const struct load_option_family *const *at = load_option_families; *at; at++)
    add_family(&reader, *at);
  enum options_result result = options_read(&parser, argc, argv, reader.names, take);
  if (result == OPTIONS_HELP) return help(options, &parser);
  if (result != OPTIONS_RUN) return result;
  options->urls = parser.operands;
  options->url_count = (size_t)parser.operand_count;
  return check(options, failure) ? OPTIONS_RUN : OPTIONS_WRONG;
}
