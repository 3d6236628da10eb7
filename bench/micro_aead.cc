/* micro_aead.cc - TLS 1.3 records, sealed and opened by the library that weir chooses on this processor, and by
 * OpenSSL's EVP functions. */
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <vector>

extern "C" {
#include "io/tls/aead.h"
}

namespace {

/* Which library a row is of. */
enum { CHOSEN, OPENSSL };

struct worker {
  struct tls_aead_pool pool;
  std::vector<struct tls_aead> keys;

  worker(int library, tls_aead_cipher cipher, size_t connections) : keys(connections) {
    static const uint8_t secret[TLS_AEAD_KEY_BYTES] = {1, 2, 3};
    tls_aead_pool_init(&pool);
    if (library == OPENSSL) pool.ops[cipher] = tls_aead_evp(cipher);
    for (auto &key : keys)
      if (!tls_aead_begin(&key, &pool, cipher, secret, secret, 0)) abort();
  }
  ~worker() {
    for (auto &key : keys)
      tls_aead_end(&key);
    tls_aead_pool_destroy(&pool);
  }
};

void label(benchmark::State &state, const worker &worker, tls_aead_cipher cipher, size_t bytes) {
  state.SetLabel(worker.pool.ops[cipher]->library);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes));
}

/* What a response makes: headers of HTTP/2 in a small span, and a body. */
void seal(benchmark::State &state, tls_aead_cipher cipher, size_t connections) {
  const auto bytes = static_cast<size_t>(state.range(1));
  worker worker(static_cast<int>(state.range(0)), cipher, connections);
  std::vector<uint8_t> text(bytes), out(tls_aead_bytes(bytes));
  const struct span spans[] = {span_of(text.data(), 40), span_of(text.data() + 40, bytes - 40)};
  size_t i = 0;
  for (auto _ : state) {
    if (!tls_aead_seal(&worker.keys[i], &worker.pool, 23, spans, bytes, out.data())) abort();
    i = i + 1 == connections ? 0 : i + 1;
  }
  label(state, worker, cipher, bytes);
}

void open(benchmark::State &state, tls_aead_cipher cipher) {
  const auto bytes = static_cast<size_t>(state.range(1));
  worker worker(static_cast<int>(state.range(0)), cipher, 2);
  std::vector<uint8_t> text(bytes), record(tls_aead_bytes(bytes)), out(bytes + 1);
  const struct span span = span_of(text.data(), bytes);
  struct tls_aead_content content;
  if (!tls_aead_seal(&worker.keys[0], &worker.pool, 23, &span, bytes, record.data())) abort();
  for (auto _ : state) {
    worker.keys[1].sequence = 0;
    if (!tls_aead_open(&worker.keys[1], &worker.pool, span_of(record.data(), record.size()),
                       out.data(), &content))
      abort();
  }
  label(state, worker, cipher, bytes);
}

/* Bytes of content: a small response, a segment, a middle one, the largest record. */
const std::vector<std::vector<int64_t>> rows = {{CHOSEN, OPENSSL}, {128, 1400, 10240, 16384}};

#define ROWS ArgsProduct(rows)->ArgNames({"openssl", "bytes"})
BENCHMARK_CAPTURE(seal, aes_128_gcm, TLS_AEAD_AES_128, 1)->ROWS;
BENCHMARK_CAPTURE(seal, aes_256_gcm, TLS_AEAD_AES_256, 1)->ROWS;
BENCHMARK_CAPTURE(seal, chacha20_poly1305, TLS_AEAD_CHACHA20, 1)->ROWS;
BENCHMARK_CAPTURE(open, aes_128_gcm, TLS_AEAD_AES_128)->ROWS;
BENCHMARK_CAPTURE(open, aes_256_gcm, TLS_AEAD_AES_256)->ROWS;
BENCHMARK_CAPTURE(open, chacha20_poly1305, TLS_AEAD_CHACHA20)->ROWS;
/* More connections than there are contexts: each record prepares a key. */
BENCHMARK_CAPTURE(seal, aes_128_gcm_other_key, TLS_AEAD_AES_128, TLS_AEAD_CONTEXTS + 1)->ROWS;

} // namespace

BENCHMARK_MAIN();
