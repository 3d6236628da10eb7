/*
 * common/options.c - see common/options.h.
 */
#include "tools/common/options.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "engine/base/text.h"
#include "tools/common/commands.h"
#include "tools/common/option_values.h"
#include "tools/common/output.h"

/* ---- what is wrong --------------------------------------------------------------------------- */

bool options_wrong(const struct options *options, const char *format, ...) {
  char *text = options->failure->text;
  size_t size = options->failure->size;
  int len = snprintf(text, size, "%s%s%s: ", options->option, options->value ? " " : "",
                     options->value ? failure_shown(options->value) : "");
  va_list arguments;
  if (len < 0 || (size_t)len >= size) return false;
  va_start(arguments, format);
  vsnprintf(text + len, size - (size_t)len, format, arguments);
  va_end(arguments);
  return false;
}

/* getopt_long() leaves the option in `optopt`: the letter, also inside a group such as -xq, whose
 * word it has not passed yet; or, of a long option, the code if it is known. */
static void complain(const struct failure *failure, char *const *argv, int result,
                     const char *letters) {
  const char *word = argv[optind - 1];
  bool is_letter = optopt > ' ' && optopt < 127;
  if (result == ':')
    failure_set(failure, "%s needs a value", word);
  else if (is_letter && !strchr(letters, optopt))
    failure_set(failure, "-%c: no such option; see weir %s --help", optopt, argv[0]);
  else if (optopt)
    failure_set(failure, "%s: that option takes no value", word);
  else
    failure_set(failure, "%s: no such option; see weir %s --help", word, argv[0]);
}

/* ---- the line -------------------------------------------------------------------------------- */

/* The short options in getopt()'s format. The leading colon suppresses its messages. */
static void find_letters(const struct option *names, char letters[OPTION_LETTERS_BYTES]) {
  size_t len = 0;
  letters[len++] = ':';
  for (; names->name; names++) {
    letters[len] = 0;
    if (names->val <= ' ' || names->val >= 127 || strchr(letters, names->val)) continue;
    assert(len + 3 <= OPTION_LETTERS_BYTES);
    letters[len++] = (char)names->val;
    if (names->has_arg == required_argument) letters[len++] = ':';
  }
  letters[len] = 0;
}

static void set_name(struct options *options, const struct option *names, int code, int index) {
  if (index >= 0)
    snprintf(options->option, sizeof options->option, "--%s", names[index].name);
  else
    snprintf(options->option, sizeof options->option, "-%c", code);
}

enum options_result options_read(struct options *options, int argc, char **argv,
                                 const struct option *names,
                                 bool (*take)(struct options *options, int code, char *value)) {
  char letters[OPTION_LETTERS_BYTES];
  find_letters(names, letters);
  optind = 0; /* start over, even if getopt() was used before */
  opterr = 0;
  for (int code, index = -1; (code = getopt_long(argc, argv, letters, names, &index)) != -1;
       index = -1) {
    if (code == ':' || code == '?') {
      complain(options->failure, argv, code, letters);
      return OPTIONS_WRONG;
    }
    options->value = optarg;
    options->next = optind < argc ? argv[optind] : NULL;
    set_name(options, names, code, index);
    if (code == 'h') return OPTIONS_HELP;
    if (code == 'V') return OPTIONS_VERSION;
    if (!take(options, code, optarg)) return options->impossible ? OPTIONS_FAILED : OPTIONS_WRONG;
  }
  options->operands = argv + optind;
  options->operand_count = argc - optind;
  return OPTIONS_RUN;
}

int options_answer(enum options_result result, const char *command, const char *help,
                   const struct failure *failure) {
  switch (result) {
  case OPTIONS_HELP: return output_text(command, help);
  case OPTIONS_VERSION: return output_text(command, "weir " WEIR_VERSION "\n");
  case OPTIONS_WRONG: return output_complain(command, EXIT_USAGE, "%s", failure->text);
  case OPTIONS_FAILED: return output_complain(command, EXIT_FAILED, "%s", failure->text);
  case OPTIONS_RUN: break;
  }
  return EXIT_DONE;
}

/* ---- values ---------------------------------------------------------------------------------- */

bool options_file(const struct options *options, const char **out) {
  bool good = options->value[0] && !strstr(options->value, "://");
  *out = options->value;
  return good || options_wrong(options, "expected the name of a file");
}

bool options_number(const struct options *options, uint64_t min, uint64_t max, uint64_t *out) {
  if (decimal_within(span_text(options->value), min, max, out)) return true;
  return options_wrong(options, "expected a number from %llu to %llu", (unsigned long long)min,
                       (unsigned long long)max);
}

bool options_count(const struct options *options, unsigned min, unsigned max, unsigned *out) {
  uint64_t value;
  if (!options_number(options, min, max, &value)) return false;
  *out = (unsigned)value;
  return true;
}

bool options_seconds(const struct options *options, double *out) {
  double seconds;
  if (option_seconds(options->value, &seconds) && seconds >= 1e-6) {
    *out = seconds;
    return true;
  }
  return options_wrong(options,
                       "expected a time from 1us to 24h, such as 10, 500ms, 100us or 1m30s");
}

bool options_rate(const struct options *options, double max, double *out) {
  double rate;
  if (option_rate(options->value, &rate) && rate >= OPTION_RATE_MIN && rate <= max) {
    *out = rate;
    return true;
  }
  return options_wrong(
      options, "expected a rate, such as 500, 0.5, 2k or 30/1m, from one a day to %.0f a second",
      max);
}
