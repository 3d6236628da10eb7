/*
 * serve/tls/ticket_file.c - see serve/tls/ticket_file.h.
 */
#include "tools/serve/tls/ticket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/tls/context.h"
#include "io/tls/limits.h"
#include "io/tls/tickets.h"
#include "tools/common/output.h"

/* The length, or -1 with errno. Up to `size` bytes. */
static ssize_t read_file(const char *path, char *out, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -1;
  ssize_t len = 0, more;
  while ((more = read(fd, out + len, size - (size_t)len)) > 0)
    len += more;
  int code = errno;
  close(fd);
  errno = code;
  return more < 0 ? -1 : len;
}

/* Reads a byte more than fits, so that a file that is too long shows. Without a context, the keys are only tried. */
static bool load(const char *path, struct tls_context *context, struct io_error *error) {
  char keys[TLS_TICKET_GIVEN_MAX * TLS_TICKET_KEY_BYTES + 1];
  struct io_error why = {0};
  ssize_t len = read_file(path, keys, sizeof keys);
  if (len < 0)
    return io_error_set(error, errno, "cannot read ticket keys %s: %s", path, strerror(errno));
  bool good = context ? tls_context_set_ticket_keys(context, keys, (size_t)len, &why)
                      : tls_tickets_fit(keys, (size_t)len, &why);
  explicit_bzero(keys, sizeof keys);
  return good || io_error_set(error, 0, "ticket keys %s: %s", path, why.text);
}

bool ticket_file_try(const char *path, struct io_error *error) {
  return load(path, NULL, error);
}

bool ticket_file_open(struct ticket_file *file, const char *path, struct tls_context *context,
                      struct io_error *error) {
  *file = (struct ticket_file){.path = strdup(path)};
  if (!file->path) return io_error_set(error, ENOMEM, "no memory for ticket keys");
  file->stamp = file_stamp_of(path);
  return load(path, context, error);
}

void ticket_file_close(struct ticket_file *file) {
  free(file->path);
}

void ticket_file_look(struct ticket_file *file, struct tls_context *context) {
  if (!file->path) return;
  const struct file_stamp stamp = file_stamp_of(file->path);
  if (file_stamp_is_equal(&stamp, &file->stamp)) return;
  struct io_error why = {0};
  file->stamp = stamp;
  bool good = load(file->path, context, &why);
  if (good)
    output_say(STDOUT_FILENO, "ticket keys %s were replaced", file->path);
  else if (strcmp(file->refused.text, why.text) != 0)
    output_say(STDERR_FILENO, "weir serve: %s; the old keys stay in force", why.text);
  file->refused = why;
}
