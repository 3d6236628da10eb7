/*
 * common/mistakes.c - see common/mistakes.h.
 */
#include "tools/common/mistakes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/output.h"

static bool is_known(const struct mistakes *mistakes, const struct mistake *mistake) {
  for (unsigned i = 0; i < mistakes->kept; i++) {
    const struct mistake *known = &mistakes->at[i];
    if (known->place.line == mistake->place.line && known->place.column == mistake->place.column &&
        strcmp(known->text, mistake->text) == 0)
      return true;
  }
  return false;
}

bool mistakes_add_list(struct mistakes *mistakes, struct place place, const char *format,
                       va_list arguments) {
  struct mistake mistake = {.place = place};
  vsnprintf(mistake.text, sizeof mistake.text, format, arguments);
  output_tame(mistake.text, strlen(mistake.text), '?');
  if (is_known(mistakes, &mistake)) return false;
  mistakes->count++;
  if (mistakes->kept < MISTAKES_MAX) mistakes->at[mistakes->kept++] = mistake;
  return false;
}

bool mistakes_add(struct mistakes *mistakes, struct place place, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  mistakes_add_list(mistakes, place, format, arguments);
  va_end(arguments);
  return false;
}

static int compare(const void *left, const void *right) {
  const struct place *a = &((const struct mistake *)left)->place;
  const struct place *b = &((const struct mistake *)right)->place;
  if (a->line != b->line) return a->line < b->line ? -1 : 1;
  return (a->column > b->column) - (a->column < b->column);
}

void mistakes_sort(struct mistakes *mistakes) {
  qsort(mistakes->at, mistakes->kept, sizeof *mistakes->at, compare);
}

void mistakes_tell(const struct mistakes *mistakes, const char *source,
                   void (*tell)(void *ctx, const char *line), void *ctx) {
  char line[MISTAKE_BYTES + MISTAKE_SOURCE_BYTES];
  for (unsigned i = 0; i < mistakes->kept; i++) {
    const struct mistake *mistake = &mistakes->at[i];
    if (mistake->place.line > 0)
      snprintf(line, sizeof line, "%s:%u:%u: %s", source, mistake->place.line,
               mistake->place.column, mistake->text);
    else
      snprintf(line, sizeof line, "%s: %s", source, mistake->text);
    tell(ctx, line);
  }
  unsigned more = mistakes->count - mistakes->kept;
  if (more == 0) return;
  snprintf(line, sizeof line, "%s: %u more mistake%s", source, more, more == 1 ? "" : "s");
  tell(ctx, line);
}
