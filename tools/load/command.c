/*
 * load/command.c - see load/command.h.
 */
#include "tools/load/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

unsigned load_command_field_bytes(const char *field) {
  static const char *const secrets[] = {
      "authorization:", "proxy-authorization:", "cookie:", "x-api-key:"};
  for (unsigned i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
    if (strncasecmp(field, secrets[i], strlen(secrets[i])) == 0)
      return (unsigned)strlen(secrets[i]);
  return (unsigned)strlen(field);
}

/* Where the field of -HFIELD, --header=FIELD or a word by itself begins. */
static const char *field_of(const char *word) {
  const char *equals = strchr(word, '=');
  if (strncmp(word, "--", 2) == 0) return equals ? equals + 1 : word;
  return strncmp(word, "-H", 2) == 0 ? word + 2 : word;
}

/* Writes `len` bytes as one word of a shell's line. */
static void write_word(const char *word, size_t len, FILE *to) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "_-+=,./:@%";
  if (len > 0 && strspn(word, plain) >= len) {
    fwrite(word, 1, len, to);
    return;
  }
  fputc('\'', to);
  for (size_t i = 0; i < len; i++)
    if (word[i] == '\'')
      fputs("'\\''", to);
    else
      fputc(word[i], to);
  fputc('\'', to);
}

char *load_command_text(int argc, char *const *argv) {
  char *text = NULL;
  size_t size;
  FILE *to = open_memstream(&text, &size);
  if (!to) return NULL;
  fputs("weir", to);
  for (int i = 0; i < argc; i++) {
    const char *field = field_of(argv[i]);
    size_t shown = load_command_field_bytes(field);
    fputc(' ', to);
    write_word(argv[i], (size_t)(field - argv[i]) + shown, to);
    if (field[shown]) fputs("...", to);
  }
  if (fclose(to) == 0) return text;
  free(text);
  return NULL;
}
