/*
 * tls/bio.c - the BIO_METHOD behind every TLS connection; made once, never freed before the process
 * ends.
 */
#include "io/tls/bio.h"

#include <pthread.h>
#include <string.h>

#include <openssl/bio.h>

static BIO_METHOD *method;

static int bio_read(BIO *self, char *out, size_t len, size_t *read_bytes) {
  struct tls_bio *bio = BIO_get_data(self);
  BIO_clear_retry_flags(self);
  if (bio->input.len == 0) {
    BIO_set_retry_read(self);
    return 0;
  }
  if (len > bio->input.len) len = bio->input.len;
  memcpy(out, bio->input.base, len);
  bio->input.base += len;
  bio->input.len -= len;
  bio->input_bytes += len;
  *read_bytes = len;
  return 1;
}

static int bio_write(BIO *self, const char *in, size_t len, size_t *written_bytes) {
  struct tls_bio *bio = BIO_get_data(self);
  BIO_clear_retry_flags(self);
  *written_bytes = tls_slab_append(&bio->output, in, len);
  if (*written_bytes > 0) return 1;
  if (bio->output.base) BIO_set_retry_write(self);
  return 0;
}

/* Of the many commands of a BIO only the flush at the end of a flight matters here. */
static long bio_control(BIO *self, int command, long number, void *pointer) {
  (void)self, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH;
}

static void make_method(void) {
  BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir");
  if (made && BIO_meth_set_read_ex(made, bio_read) && BIO_meth_set_write_ex(made, bio_write) &&
      BIO_meth_set_ctrl(made, bio_control))
    method = made;
  else
    BIO_meth_free(made);
}

struct bio_st *tls_bio_create(struct tls_bio *bio) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_method);
  BIO *made = method ? BIO_new(method) : NULL;
  if (!made) return NULL;
  BIO_set_data(made, bio);
  BIO_set_init(made, 1);
  return made;
}
