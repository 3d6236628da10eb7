/*
 * tls/key_log.c - see tls/key_log.h.
 *
 * A line is one writev() to a file that is only appended to, so lines of several threads and processes do not mix.
 */
#include "io/tls/key_log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "io/base/error.h"

/* Where an SSL_CTX keeps its descriptor, plus one. */
static int place = -1;

static void close_with(void *context, void *value, CRYPTO_EX_DATA *data, int index, long argument,
                       void *pointer) {
  (void)context, (void)data, (void)index, (void)argument, (void)pointer;
  if (value) close((int)(intptr_t)value - 1);
}

static void make_place(void) {
  place = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, close_with);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* OpenSSL says each secret of a connection. */
static void write_line(const SSL *ssl, const char *line) {
  intptr_t value = (intptr_t)SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), place);
  const struct iovec parts[] = {{.iov_base = (char *)line, .iov_len = strlen(line)},
                                {.iov_base = "\n", .iov_len = 1}};
  if (value) (void)!writev((int)value - 1, parts, 2);
}

/* Takes the descriptor. */
static bool install(SSL_CTX *ssl, int fd, struct io_error *error) {
  if (place < 0 || SSL_CTX_set_ex_data(ssl, place, (void *)(intptr_t)(fd + 1)) != 1) {
    close(fd);
    return io_error_set(error, 0, "no memory for TLS");
  }
  SSL_CTX_set_keylog_callback(ssl, write_line);
  return true;
}

bool tls_key_log_open(struct ssl_ctx_st *ssl, const char *path, struct io_error *error) {
  pthread_once(&once, make_place);
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0)
    return io_error_set(error, errno, "cannot write keys to %s: %s", path, strerror(errno));
  return install(ssl, fd, error);
}

bool tls_key_log_share(struct ssl_ctx_st *ssl, struct ssl_ctx_st *other, struct io_error *error) {
  pthread_once(&once, make_place);
  intptr_t value = place < 0 ? 0 : (intptr_t)SSL_CTX_get_ex_data(other, place);
  if (!value) return true;
  int fd = fcntl((int)value - 1, F_DUPFD_CLOEXEC, 0);
  return fd >= 0 ? install(ssl, fd, error)
                 : io_error_set(error, errno, "cannot write keys: %s", strerror(errno));
}
