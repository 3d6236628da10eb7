/*
 * fuzz/config.c - any bytes as a configuration file of `weir serve`.
 *
 * Beyond not crashing: what is refused has a mistake; what is accepted can be printed, and what was printed reads as the
 * same configuration. No file that the text names is opened.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "tools/serve/config/file.h"
#include "tools/serve/config/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* The caller's to free. */
static char *print(const struct serve_config *config) {
  char *text = NULL, error[256];
  size_t len;
  const struct failure failure = {error, sizeof error};
  FILE *out = open_memstream(&text, &len);
  if (!out || !config_print(config, out, &failure) || fclose(out) != 0) abort();
  return text;
}

static void check_mistakes(const struct mistakes *mistakes) {
  assert(mistakes->count > 0 && mistakes->kept > 0);
  for (unsigned i = 0; i < mistakes->kept; i++) {
    const char *text = mistakes->at[i].text;
    assert(text[0]);
    for (; *text; text++)
      assert((unsigned char)*text >= ' ');
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct mistakes mistakes = {0}, none = {0};
  struct serve_config *config = config_file_parse(span_of(bytes, len), &mistakes);
  if (!config) {
    check_mistakes(&mistakes);
    return 0;
  }
  assert(mistakes.count == 0);
  char *text = print(config);
  struct serve_config *same = config_file_parse(span_text(text), &none);
  if (!same) abort();
  char *again = print(same);
  assert(strcmp(text, again) == 0);
  assert(config->route_count == same->route_count && config->host_count == same->host_count);
  config_release(config);
  config_release(same);
  free(text);
  free(again);
  return 0;
}
