/*
 * tls/aead_mb.c - the ciphers of Intel's ipsec-mb. Where the processor has VAES and AVX512, its AES-GCM takes a third
 * of the time of OpenSSL 3.0's, and a fifth for small records.
 *
 * Its manager only finds the functions for this processor, and tests them. They are called by themselves, by any
 * thread; what they share is the library's imb_errno, one word that each call clears and nobody reads. So a record
 * should take few calls: small spans are put together first.
 */
#include "io/tls/aead_cipher.h"
#include "io/tls/limits.h"

#ifdef WEIR_IPSEC_MB

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>

/* Derived from the header. */
enum { HEADER_BYTES = TLS_AEAD_HEADER_BYTES, TAG_BYTES = TLS_AEAD_TAG_BYTES };

/* The functions for a length of AES's key. */
struct gcm {
  aes_gcm_pre_t prepare;
  aes_gcm_enc_dec_t seal, open; /* a whole record */
  aes_gcm_init_t begin;
  aes_gcm_enc_dec_update_t update;
  aes_gcm_enc_dec_finalize_t end;
};

static struct {
  struct tls_aead_ops ops[TLS_AEAD_CIPHERS]; /* library NULL: not for this processor */
  struct gcm gcm[TLS_AEAD_CIPHERS];
  chacha_poly_init_t chacha_begin;
  chacha_poly_enc_dec_update_t chacha_seal, chacha_open;
  chacha_poly_finalize_t chacha_end;
} found;

struct state {
  union {
    struct gcm_key_data gcm;
    uint8_t chacha[TLS_AEAD_KEY_BYTES];
  } key;
  const struct gcm *gcm; /* NULL: ChaCha20-Poly1305 */
};

/* A record under way. */
union running {
  struct gcm_context_data gcm;
  struct chacha20_poly1305_context_data chacha;
};

/* ---- keys ------------------------------------------------------------------------------------ */

static void forget(void *self) {
  OPENSSL_cleanse(self, sizeof(struct state));
}

static void destroy(void *self) {
  if (self) forget(self);
  free(self);
}

static void *prepare(void *self, enum tls_aead_cipher cipher, const uint8_t *key, bool seals) {
  enum { LINE = 64 }; /* fixed by the library: the alignment of its keys */
  struct state *state = self;
  const struct gcm *gcm = cipher == TLS_AEAD_CHACHA20 ? NULL : &found.gcm[cipher];
  (void)seals;
  if (state)
    forget(state);
  else
    state = aligned_alloc(LINE, (sizeof *state + LINE - 1) / LINE * LINE);
  if (!state) return NULL;
  state->gcm = gcm;
  if (gcm)
    gcm->prepare(key, &state->key.gcm);
  else
    memcpy(state->key.chacha, key, TLS_AEAD_KEY_BYTES);
  return state;
}

/* What OPENSSL_cleanse() does, for the few bytes that each record leaves: the compiler may not leave it out. */
static void wipe(void *bytes, size_t len) {
  memset(bytes, 0, len);
  __asm__ volatile("" : : "r"(bytes) : "memory");
}

static void finish(const struct state *state, union running *running) {
  if (state->gcm)
    wipe(&running->gcm, sizeof running->gcm);
  else
    wipe(&running->chacha, sizeof running->chacha);
}

/* ---- records --------------------------------------------------------------------------------- */

static void begin(const struct state *state, union running *running,
                  const struct tls_aead_record *record) {
  if (state->gcm)
    state->gcm->begin(&state->key.gcm, &running->gcm, record->nonce, record->header, HEADER_BYTES);
  else
    found.chacha_begin(state->key.chacha, &running->chacha, record->nonce, record->header,
                       HEADER_BYTES);
}

static void encrypt(const struct state *state, union running *running, const uint8_t *in,
                    size_t len, uint8_t *out) {
  if (len == 0) return;
  if (state->gcm)
    state->gcm->update(&state->key.gcm, &running->gcm, out, in, len);
  else
    found.chacha_seal(state->key.chacha, &running->chacha, out, in, len);
}

static void end(const struct state *state, union running *running, uint8_t *tag) {
  if (state->gcm)
    state->gcm->end(&state->key.gcm, &running->gcm, tag, TAG_BYTES);
  else
    found.chacha_end(&running->chacha, tag, TAG_BYTES);
}

/* What is small is copied to where its ciphertext will be, and encrypted there with its neighbours. */
static bool seal(void *self, const struct tls_aead_record *record, const struct span *spans,
                 size_t len, uint8_t *out) {
  const struct state *state = self;
  union running running;
  uint8_t *at = out, *copied = out; /* from `copied` to `at`: not encrypted yet */
  bool begun = false;
  for (; len > 0; spans++) {
    const size_t part = spans->len < len ? spans->len : len;
    len -= part;
    if (part < TLS_AEAD_COPIED_BYTES) {
      if (part > 0) memcpy(at, spans->base, part);
      at += part;
      continue;
    }
    if (!begun) begin(state, &running, record);
    begun = true;
    encrypt(state, &running, copied, (size_t)(at - copied), copied);
    encrypt(state, &running, spans->base, part, at);
    copied = at += part;
  }
  *at++ = record->type;
  const size_t rest = (size_t)(at - copied);
  if (!begun && state->gcm) {
    state->gcm->seal(&state->key.gcm, &running.gcm, copied, copied, rest, record->nonce,
                     record->header, HEADER_BYTES, at, TAG_BYTES);
  } else {
    if (!begun) begin(state, &running, record);
    encrypt(state, &running, copied, rest, copied);
    end(state, &running, at);
  }
  finish(state, &running);
  return true;
}

/* Tags are compared in constant time. */
static bool open(void *self, const struct tls_aead_record *record, const uint8_t *in, size_t len,
                 uint8_t *out) {
  const struct state *state = self;
  union running running;
  uint8_t tag[TAG_BYTES], expected[TAG_BYTES];
  memcpy(tag, in + len, TAG_BYTES);
  if (state->gcm) {
    state->gcm->open(&state->key.gcm, &running.gcm, out, in, len, record->nonce, record->header,
                     HEADER_BYTES, expected, TAG_BYTES);
  } else {
    begin(state, &running, record);
    found.chacha_open(state->key.chacha, &running.chacha, out, in, len);
    end(state, &running, expected);
  }
  const bool same = CRYPTO_memcmp(tag, expected, TAG_BYTES) == 0;
  finish(state, &running);
  wipe(expected, sizeof expected); /* of a forgery, the tag that would pass */
  return same;
}

/* ---- which functions ------------------------------------------------------------------------- */

static void offer(enum tls_aead_cipher cipher, const char *library) {
  found.ops[cipher] = (struct tls_aead_ops){
      .library = library,
      .prepare = prepare,
      .seal = seal,
      .open = open,
      .forget = forget,
      .destroy = destroy,
  };
}

static void offer_gcm(const IMB_MGR *manager, const char *library) {
  found.gcm[TLS_AEAD_AES_128] = (struct gcm){
      .prepare = manager->gcm128_pre,
      .seal = manager->gcm128_enc,
      .open = manager->gcm128_dec,
      .begin = manager->gcm128_init,
      .update = manager->gcm128_enc_update,
      .end = manager->gcm128_enc_finalize,
  };
  found.gcm[TLS_AEAD_AES_256] = (struct gcm){
      .prepare = manager->gcm256_pre,
      .seal = manager->gcm256_enc,
      .open = manager->gcm256_dec,
      .begin = manager->gcm256_init,
      .update = manager->gcm256_enc_update,
      .end = manager->gcm256_enc_finalize,
  };
  offer(TLS_AEAD_AES_128, library);
  offer(TLS_AEAD_AES_256, library);
}

static void offer_chacha(const IMB_MGR *manager, const char *library) {
  found.chacha_begin = manager->chacha20_poly1305_init;
  found.chacha_seal = manager->chacha20_poly1305_enc_update;
  found.chacha_open = manager->chacha20_poly1305_dec_update;
  found.chacha_end = manager->chacha20_poly1305_finalize;
  offer(TLS_AEAD_CHACHA20, library);
}

/* With less than AVX, OpenSSL does all; with less than AVX512, its ChaCha20-Poly1305 is faster. */
static void find(void) {
  static const char *const libraries[IMB_ARCH_NUM] = {
#if IMB_VERSION_NUM < IMB_VERSION(2, 0, 0)
    [IMB_ARCH_AVX] = "ipsec-mb with AVX",
#endif
    [IMB_ARCH_AVX2] = "ipsec-mb with AVX2",
    [IMB_ARCH_AVX512] = "ipsec-mb with AVX512",
  };
  IMB_MGR *manager = alloc_mb_mgr(0);
  IMB_ARCH arch = IMB_ARCH_NONE;
  if (!manager) return;
  init_mb_mgr_auto(manager, &arch);
  const bool works =
      imb_get_errno(manager) == 0 && (manager->features & IMB_FEATURE_SELF_TEST_PASS);
  if (works && libraries[arch]) offer_gcm(manager, libraries[arch]);
  if (works && arch == IMB_ARCH_AVX512) offer_chacha(manager, libraries[arch]);
  free_mb_mgr(manager);
}

const struct tls_aead_ops *tls_aead_mb(enum tls_aead_cipher cipher) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, find);
  return found.ops[cipher].library ? &found.ops[cipher] : NULL;
}

#else

const struct tls_aead_ops *tls_aead_mb(enum tls_aead_cipher cipher) {
  (void)cipher;
  return NULL;
}

#endif
