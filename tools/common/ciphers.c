/*
 * common/ciphers.c - see common/ciphers.h.
 */
#include "tools/common/ciphers.h"

#include <stdio.h>
#include <string.h>

static void append(char *list, const char *name, size_t len) {
  size_t at = strlen(list);
  snprintf(list + at, CIPHERS_BYTES - at, "%s%.*s", at ? ":" : "", (int)len, name);
}

/* The names of TLS 1.3 begin with TLS_. */
bool ciphers_sort_out(struct ciphers *ciphers, const char *list) {
  if (strlen(list) >= CIPHERS_BYTES) return false;
  for (size_t len; *list; list += len + (list[len] == ':')) {
    len = strcspn(list, ":");
    append(strncmp(list, "TLS_", 4) == 0 ? ciphers->of_1_3 : ciphers->of_1_2, list, len);
  }
  return true;
}
