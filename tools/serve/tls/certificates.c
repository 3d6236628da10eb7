/*
 * serve/tls/certificates.c - see serve/tls/certificates.h.
 */
#include "tools/serve/tls/certificates.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io/base/error.h"
#include "io/tls/context.h"
#include "tools/common/output.h"
#include "tools/serve/config/config.h"
#include "tools/serve/tls/watch.h"

/* A certificate with its key, and what its files were when they were read. */
struct pair {
  char *certificate_path, *key_path; /* NULL: made in memory */
  struct file_stamp certificate_stamp, key_stamp;
  struct certificate certificate;
  struct io_error refused; /* what was last said of a new one that is not used */
  bool expired;            /* that has been said */
};

struct certificates {
  pthread_mutex_t lock;        /* held while pairs are looked at or replaced */
  struct tls_context *context; /* NULL: not yet in use */
  unsigned count;
  struct pair pairs[];
};

/* ---- reading --------------------------------------------------------------------------------- */

/* The stamps are from before the files are read: what changes meanwhile is seen the next time. */
static void stamp(struct pair *pair) {
  pair->certificate_stamp = file_stamp_of(pair->certificate_path);
  pair->key_stamp = file_stamp_of(pair->key_path);
}

static bool has_changed(const struct pair *pair) {
  if (!pair->certificate_path) return false;
  const struct file_stamp certificate = file_stamp_of(pair->certificate_path);
  const struct file_stamp key = file_stamp_of(pair->key_path);
  return !file_stamp_is_equal(&certificate, &pair->certificate_stamp) ||
         !file_stamp_is_equal(&key, &pair->key_stamp);
}

static bool load(struct pair *pair, struct certificate *out, struct io_error *error) {
  stamp(pair);
  return certificate_load(out, pair->certificate_path, pair->key_path, error);
}

/* That it has expired already is in its warning. */
static void put(struct pair *pair, const struct certificate *certificate) {
  pair->certificate = *certificate;
  pair->expired = certificate->expires_seconds < (int64_t)time(NULL);
}

static bool open_pair(struct pair *pair, struct io_error *error) {
  struct certificate made;
  bool good =
      pair->certificate_path ? load(pair, &made, error) : certificate_self_signed(&made, error);
  if (good) put(pair, &made);
  return good;
}

static bool copy_names(struct pair *pair, const struct serve_certificate *files,
                       struct io_error *error) {
  pair->certificate_path = strdup(files->certificate);
  pair->key_path = strdup(files->key);
  return (pair->certificate_path && pair->key_path) ||
         io_error_set(error, ENOMEM, "no memory for certificates");
}

/* ---- life ------------------------------------------------------------------------------------ */

struct certificates *certificates_open(const struct serve_certificate *files, unsigned count,
                                       struct io_error *error) {
  unsigned pairs = count > 0 ? count : 1;
  struct certificates *certificates =
      calloc(1, sizeof *certificates + pairs * sizeof *certificates->pairs);
  if (!certificates) {
    io_error_set(error, ENOMEM, "no memory for certificates");
    return NULL;
  }
  pthread_mutex_init(&certificates->lock, NULL);
  for (; certificates->count < pairs; certificates->count++) {
    struct pair *pair = &certificates->pairs[certificates->count];
    bool good = count == 0 || copy_names(pair, &files[certificates->count], error);
    if (good && open_pair(pair, error)) continue;
    certificates->count++;
    certificates_close(certificates);
    return NULL;
  }
  return certificates;
}

void certificates_close(struct certificates *certificates) {
  if (!certificates) return;
  for (unsigned i = 0; i < certificates->count; i++) {
    struct pair *pair = &certificates->pairs[i];
    certificate_free(&pair->certificate);
    free(pair->certificate_path);
    free(pair->key_path);
  }
  pthread_mutex_destroy(&certificates->lock);
  free(certificates);
}

const struct certificate *certificates_first(const struct certificates *certificates) {
  return &certificates->pairs[0].certificate;
}

static bool give(const struct certificates *certificates, struct io_error *error) {
  const struct certificate **list = malloc(certificates->count * sizeof(struct certificate *));
  if (!list) return io_error_set(error, ENOMEM, "no memory for certificates");
  for (unsigned i = 0; i < certificates->count; i++)
    list[i] = &certificates->pairs[i].certificate;
  bool good = tls_context_set_certificates(certificates->context, list, certificates->count, error);
  free(list);
  return good;
}

bool certificates_use(struct certificates *certificates, struct tls_context *context,
                      struct io_error *error) {
  certificates->context = context;
  return give(certificates, error);
}

size_t certificates_paths(const struct certificates *certificates, const char **paths) {
  size_t count = 0;
  for (unsigned i = 0; i < certificates->count; i++) {
    const struct pair *pair = &certificates->pairs[i];
    if (!pair->certificate_path) continue;
    if (paths) paths[count] = pair->certificate_path;
    if (paths) paths[count + 1] = pair->key_path;
    count += 2;
  }
  return count;
}

static void warn(const struct certificate *certificate) {
  if (certificate->warning[0]) output_say(STDOUT_FILENO, "warning: %s", certificate->warning);
}

static const char *name_of(const struct pair *pair) {
  return pair->certificate_path ? pair->certificate_path : "self-signed";
}

void certificates_warn(struct certificates *certificates) {
  pthread_mutex_lock(&certificates->lock);
  for (unsigned i = 0; i < certificates->count; i++)
    warn(&certificates->pairs[i].certificate);
  pthread_mutex_unlock(&certificates->lock);
}

void certificates_print(struct certificates *certificates) {
  pthread_mutex_lock(&certificates->lock);
  for (unsigned i = 0; i < certificates->count; i++) {
    const struct pair *pair = &certificates->pairs[i];
    const struct certificate *certificate = &pair->certificate;
    warn(certificate);
    output_say(STDOUT_FILENO, "certificate %s, SHA-256 %s", name_of(pair),
               certificate->fingerprint);
  }
  pthread_mutex_unlock(&certificates->lock);
}

/* ---- changes --------------------------------------------------------------------------------- */

/* The same is said once only, however often a file is tried while it is being written. */
static void refuse(struct pair *pair, const struct io_error *why) {
  if (strcmp(pair->refused.text, why->text) != 0)
    output_say(STDERR_FILENO, "weir serve: %s; the old certificate stays in force", why->text);
  pair->refused = *why;
}

static bool load_again(struct pair *pair, struct certificate *out, struct io_error *why) {
  stamp(pair);
  return file_is_ready(pair->certificate_path, why) && file_is_ready(pair->key_path, why) &&
         load(pair, out, why);
}

/* Whether there is a new certificate. */
static bool read_anew(struct pair *pair) {
  struct certificate fresh;
  struct io_error why = {0};
  if (!load_again(pair, &fresh, &why)) {
    refuse(pair, &why);
    return false;
  }
  bool same = strcmp(fresh.fingerprint, pair->certificate.fingerprint) == 0;
  pair->refused.text[0] = 0;
  certificate_free(&pair->certificate);
  put(pair, &fresh);
  if (same) return true; /* its chain may be another */
  warn(&pair->certificate);
  output_say(STDOUT_FILENO, "certificate %s was replaced, SHA-256 %s", name_of(pair),
             fresh.fingerprint);
  return true;
}

static void warn_of_expiry(struct pair *pair, int64_t wall_seconds) {
  if (pair->expired || pair->certificate.expires_seconds >= wall_seconds) return;
  pair->expired = true;
  output_say(STDOUT_FILENO, "warning: certificate %s has expired", name_of(pair));
}

void certificates_look(struct certificates *certificates, int64_t wall_seconds) {
  struct io_error error = {0};
  bool any = false;
  pthread_mutex_lock(&certificates->lock);
  for (unsigned i = 0; i < certificates->count; i++) {
    struct pair *pair = &certificates->pairs[i];
    if (has_changed(pair) && read_anew(pair)) any = true;
    warn_of_expiry(pair, wall_seconds);
  }
  if (any && !give(certificates, &error)) output_say(STDERR_FILENO, "weir serve: %s", error.text);
  pthread_mutex_unlock(&certificates->lock);
}
