/*
 * tls/bio.c - the BIO_METHOD behind every TLS connection; made once, never freed before the process
 * ends.
 */
#include "io/tls/bio.h"

#include <pthread.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "io/tls/seal.h"
#include "io/tls/sender.h"

static BIO_METHOD *method;

static int bio_read(BIO *self, char *out, size_t len, size_t *read_bytes) {
  struct tls_bio *bio = BIO_get_data(self);
  BIO_clear_retry_flags(self);
  struct span *input = bio->input;
  if (input->len == 0) {
    BIO_set_retry_read(self);
    return 0;
  }
  if (len > input->len) len = input->len;
  memcpy(out, input->base, len);
  input->base += len;
  input->len -= len;
  bio->input_bytes += len;
  *read_bytes = len;
  return 1;
}

/* ---- sealing --------------------------------------------------------------------------------- */

/* What OpenSSL says to a BIO that may have the kernel encrypt; openssl/bio.h lists some of it as internal. */
enum { SET_KEYS = 72, SEALS = 73, SET_CONTENT_TYPE = 74 };

static bool seal(struct tls_bio *bio, uint8_t type, const struct span *spans, size_t len) {
  return tls_seal_into(bio->output, &bio->seal, bio->aeads, type, spans, len);
}

bool tls_bio_seal(struct tls_bio *bio, const struct span *spans, size_t len) {
  return seal(bio, SSL3_RT_APPLICATION_DATA, spans, len);
}

/* A KeyUpdate is the last record with these keys. OpenSSL has the next ones, and encrypts with them. */
static bool is_key_update(uint8_t type, const char *in, size_t len) {
  return type == SSL3_RT_HANDSHAKE && len > 0 && in[0] == SSL3_MT_KEY_UPDATE;
}

/* One record of plaintext. */
static int write_sealed(BIO *self, struct tls_bio *bio, const char *in, size_t len,
                        size_t *written_bytes) {
  const uint8_t type = bio->control ? bio->control : SSL3_RT_APPLICATION_DATA;
  const struct span plaintext = span_of(in, len);
  *written_bytes = 0;
  if (!seal(bio, type, &plaintext, len)) {
    if (bio->output->base) BIO_set_retry_write(self);
    return 0;
  }
  bio->control = 0;
  if (is_key_update(type, in, len)) tls_aead_end(&bio->seal);
  *written_bytes = len;
  return 1;
}

/* ---- the method ------------------------------------------------------------------------------ */

static int bio_write(BIO *self, const char *in, size_t len, size_t *written_bytes) {
  struct tls_bio *bio = BIO_get_data(self);
  BIO_clear_retry_flags(self);
  if (tls_aead_is_on(&bio->seal)) return write_sealed(self, bio, in, len, written_bytes);
  *written_bytes = tls_slab_append(bio->output, in, len);
  if (*written_bytes > 0) return 1;
  if (bio->output->base) BIO_set_retry_write(self);
  return 0;
}

/* Of the many commands of a BIO only the flush at the end of a flight matters here, and sealing. The keys of the
 * peer's direction (`number` is 0) are not taken: OpenSSL decrypts. */
static long bio_control(BIO *self, int command, long number, void *pointer) {
  struct tls_bio *bio = BIO_get_data(self);
  switch (command) {
  case BIO_CTRL_FLUSH: return 1;
  case SEALS: return tls_aead_is_on(&bio->seal);
  case SET_KEYS: return number && tls_seal_begin(&bio->seal, bio->aeads, pointer);
  case SET_CONTENT_TYPE: bio->control = (uint8_t)number; return 0;
  default: return 0;
  }
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

void tls_bio_clear(struct tls_bio *bio) {
  tls_aead_end(&bio->seal);
}
