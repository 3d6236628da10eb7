/*
 * serve/rules/refusals.c - see serve/rules/refusals.h.
 */
#include "tools/serve/rules/refusals.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/output.h"
#include "tools/serve/limits.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t told[SERVE_REFUSALS_MAX]; /* hashes of paths */
static unsigned told_count;

/* FNV-1a. Of two paths that share a hash only one is told. */
static uint64_t hash_of(struct span path) {
  uint64_t hash = 14695981039346656037u;
  for (size_t i = 0; i < path.len; i++)
    hash = (hash ^ path.base[i]) * 1099511628211u;
  return hash;
}

static bool was_told(uint64_t hash) {
  for (unsigned i = 0; i < told_count; i++)
    if (told[i] == hash) return true;
  return false;
}

static const char *reason_of(int error) {
  switch (error) {
  case EACCES: return "the server may not read it";
  case EXDEV: return "it leads outside of the directory";
  case ELOOP: return "a symbolic link on the way may not be followed";
  case EPERM: return "it is neither a file nor a directory";
  default: return strerror(error);
  }
}

/* The path as a client would write it, so that a line stays a line. */
static void escape(struct span path, char out[SERVE_REFUSAL_BYTES_MAX + 1]) {
  static const char hex[] = "0123456789ABCDEF";
  size_t len = 0;
  for (size_t i = 0; i < path.len && len + 3 <= SERVE_REFUSAL_BYTES_MAX; i++) {
    uint8_t byte = path.base[i];
    if (byte > ' ' && byte < 0x7f && byte != '%') {
      out[len++] = (char)byte;
      continue;
    }
    out[len++] = '%';
    out[len++] = hex[byte >> 4];
    out[len++] = hex[byte & 15];
  }
  out[len] = 0;
}

void refusals_tell(struct span path, int error) {
  char text[SERVE_REFUSAL_BYTES_MAX + 1];
  uint64_t hash = hash_of(path);
  pthread_mutex_lock(&lock);
  if (told_count < SERVE_REFUSALS_MAX && !was_told(hash)) {
    told[told_count++] = hash;
    escape(path, text);
    output_say(STDOUT_FILENO, "403 for /%s: %s", text, reason_of(error));
    if (told_count == SERVE_REFUSALS_MAX) output_say(STDOUT_FILENO, "no more 403 are told");
  }
  pthread_mutex_unlock(&lock);
}
