/*
 * tls/schedule.c - see tls/schedule.h. What OpenSSL asks for comes all at once, as parameters, so there is no state.
 */
#include "io/tls/schedule.h"

#include <pthread.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "io/tls/hkdf.h"

static _Thread_local struct tls_secrets *noted;

void tls_schedule_note(struct tls_secrets *secrets) {
  noted = secrets;
}

/* ---- what is asked for ----------------------------------------------------------------------- */

struct request {
  int mode;
  const struct tls_hash *hash;
  struct span key, salt;
  struct tls_hkdf_label label;
};

/* Empty without the parameter. */
static struct span bytes_of(const OSSL_PARAM *params, const char *name) {
  const void *base = NULL;
  size_t len = 0;
  const OSSL_PARAM *found = OSSL_PARAM_locate_const(params, name);
  if (found && OSSL_PARAM_get_octet_string_ptr(found, &base, &len) == 1) return span_of(base, len);
  return span_of(NULL, 0);
}

/* False if it cannot be done here. */
static bool read_request(struct request *request, const OSSL_PARAM *params) {
  const OSSL_PARAM *mode = OSSL_PARAM_locate_const(params, OSSL_KDF_PARAM_MODE);
  const OSSL_PARAM *digest = OSSL_PARAM_locate_const(params, OSSL_KDF_PARAM_DIGEST);
  const char *name;
  *request = (struct request){.mode = -1};
  if (!mode || OSSL_PARAM_get_int(mode, &request->mode) != 1) return false;
  if (!digest || OSSL_PARAM_get_utf8_string_ptr(digest, &name) != 1) return false;
  request->hash = tls_hash_named(name);
  request->key = bytes_of(params, OSSL_KDF_PARAM_KEY);
  request->salt = bytes_of(params, OSSL_KDF_PARAM_SALT);
  request->label.prefix = bytes_of(params, OSSL_KDF_PARAM_PREFIX);
  request->label.label = bytes_of(params, OSSL_KDF_PARAM_LABEL);
  request->label.context = bytes_of(params, OSSL_KDF_PARAM_DATA);
  return request->hash;
}

/* ---- deriving -------------------------------------------------------------------------------- */

static bool is(struct span label, const char *text) {
  return label.len == strlen(text) && memcmp(label.base, text, label.len) == 0;
}

static void note(struct span label, const uint8_t *secret, size_t len) {
  if (!noted) return;
  if (is(label, "c ap traffic")) tls_secret_set(&noted->client, span_of(secret, len));
  if (is(label, "s ap traffic")) tls_secret_set(&noted->server, span_of(secret, len));
}

static bool derive_secret(const struct request *request, uint8_t *out, size_t len) {
  if (request->key.len > tls_hash_bytes(request->hash)) return false;
  if (!tls_hkdf_expand(request->hash, request->key, &request->label, out, len)) return false;
  note(request->label.label, out, len);
  return true;
}

/* The schedule's next secret: its salt is derived of the one before it. Zeros stand for what there is not. */
static bool next_secret(const struct request *request, uint8_t *out, size_t len) {
  static const uint8_t zeros[TLS_HASH_BYTES_MAX];
  const struct tls_hash *hash = request->hash;
  const struct span none = span_of(zeros, tls_hash_bytes(hash));
  uint8_t derived[TLS_HASH_BYTES_MAX];
  struct tls_hkdf_label label = request->label;
  label.context = tls_hash_of_nothing(hash);
  if (len != none.len || request->salt.len > none.len) return false;
  bool made =
      !request->salt.base || tls_hkdf_expand(hash, request->salt, &label, derived, none.len);
  struct span salt = request->salt.base ? span_of(derived, none.len) : none;
  made = made && tls_hkdf_extract(hash, salt, request->key.base ? request->key : none, out);
  OPENSSL_cleanse(derived, sizeof derived);
  return made;
}

static int derive(void *self, unsigned char *out, size_t len, const OSSL_PARAM params[]) {
  struct request request;
  (void)self;
  if (!read_request(&request, params)) return 0;
  if (request.mode == EVP_KDF_HKDF_MODE_EXPAND_ONLY) return derive_secret(&request, out, len);
  if (request.mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY) return next_secret(&request, out, len);
  return 0;
}

/* ---- the provider ---------------------------------------------------------------------------- */

/* Anything but NULL stands for a context. */
static void *make_context(void *self) {
  return self;
}

static void free_context(void *self) {
  (void)self;
}

static const OSSL_DISPATCH functions[] = {
    {OSSL_FUNC_KDF_NEWCTX, (void (*)(void))make_context},
    {OSSL_FUNC_KDF_FREECTX, (void (*)(void))free_context},
    {OSSL_FUNC_KDF_DERIVE, (void (*)(void))derive},
    {0, NULL},
};

static const OSSL_ALGORITHM algorithms[] = {
    {OSSL_KDF_NAME_TLS1_3_KDF, "provider=weir", functions, "weir's"},
    {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM *query(void *self, int operation, int *no_cache) {
  (void)self;
  *no_cache = 0;
  return operation == OSSL_OP_KDF ? algorithms : NULL;
}

static const OSSL_DISPATCH provider_functions[] = {
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
    {0, NULL},
};

static int begin(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
                 void **self) {
  (void)handle, (void)in;
  *out = provider_functions;
  *self = (void *)(uintptr_t)provider_functions;
  return 1;
}

static OSSL_PROVIDER *provider; /* stays until the process ends */

static void install(void) {
  const int with_default = 1; /* OpenSSL's own go on being there by themselves */
  if (OSSL_PROVIDER_add_builtin(NULL, "weir", begin) == 1)
    provider = OSSL_PROVIDER_try_load(NULL, "weir", with_default);
  if (!provider) ERR_clear_error();
}

void tls_schedule_install(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
}
