/*
 * load/page.c - see load/page.h.
 */
#include "tools/load/page.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/load/limits.h"

enum { NAME_COLUMNS = 12 };

static void write_word(const char *word, size_t len, FILE *to) {
  for (size_t i = 0; i < len; i++) {
    unsigned char byte = (unsigned char)word[i];
    fputc(byte == LOAD_PAGE_JOINT[0] ? ' ' : byte < ' ' || byte == 0x7f ? '?' : byte, to);
  }
}

/* Writes the words of `text` after the first `column` columns of a line. */
static void write_words(const char *text, unsigned column, unsigned indent, FILE *to) {
  bool first = true;
  for (size_t len; *text; text += len) {
    text += strspn(text, " ");
    len = strcspn(text, " ");
    if (len == 0) break;
    if (!first && column + 1 + len > LOAD_PAGE_COLUMNS) {
      fprintf(to, "\n%*s", (int)indent, "");
      column = indent;
      first = true;
    }
    if (!first) fputc(' ', to);
    write_word(text, len, to);
    column += (unsigned)len + !first;
    first = false;
  }
  fputc('\n', to);
}

static char *text_of(const char *format, va_list arguments) {
  char *text = NULL;
  size_t size;
  FILE *to = open_memstream(&text, &size);
  if (!to) return NULL;
  vfprintf(to, format, arguments);
  if (fclose(to) == 0) return text;
  free(text);
  return NULL;
}

void load_page_row(FILE *to, const char *name, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *text = text_of(format, arguments);
  va_end(arguments);
  fprintf(to, "%-*s", NAME_COLUMNS, name);
  write_words(text ? text : "out of memory", NAME_COLUMNS, NAME_COLUMNS, to);
  free(text);
}

void load_page_line(FILE *to, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *text = text_of(format, arguments);
  va_end(arguments);
  write_words(text ? text : "out of memory", 0, 2, to);
  free(text);
}
