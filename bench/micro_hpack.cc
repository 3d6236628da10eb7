// micro_hpack.cc - the cost of HPACK per message: typical requests and responses, first and repeated, and
// their parts.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

extern "C" {
#include "engine/hpack/decode.h"
#include "engine/hpack/encode.h"
#include "engine/hpack/huffman.h"
}

namespace {

void *allocate(void *, size_t bytes) {
  return std::malloc(bytes);
}
void release(void *, void *object, size_t) {
  std::free(object);
}
const struct memory memory = {nullptr, allocate, release};

struct header field_of(const char *name, const char *value) {
  struct header field = {};
  field.name = span_text(name);
  field.value = span_text(value);
  field.token = static_cast<uint16_t>(header_token_of(field.name));
  return field;
}

using list_t = std::vector<struct header>;

// The fields of a load generator or an API client.
const list_t request_list = {
    field_of(":method", "GET"),
    field_of(":scheme", "https"),
    field_of(":path", "/api/v1/items?page=3"),
    field_of(":authority", "www.example.com"),
    field_of("user-agent", "h2load nghttp2/1.52.0"),
    field_of("accept", "application/json, text/plain, */*"),
    field_of("accept-encoding", "gzip, deflate, br"),
};

// The fields of a browser.
const list_t browser_list = {
    field_of(":method", "GET"),
    field_of(":authority", "www.example.com"),
    field_of(":scheme", "https"),
    field_of(":path", "/assets/application-3f6c1b9e.css"),
    field_of("sec-ch-ua", "\"Chromium\";v=\"124\", \"Not-A.Brand\";v=\"99\""),
    field_of("sec-ch-ua-mobile", "?0"),
    field_of("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
                           "Chrome/124.0.0.0 Safari/537.36"),
    field_of("sec-ch-ua-platform", "\"Linux\""),
    field_of("accept", "text/css,*/*;q=0.1"),
    field_of("sec-fetch-site", "same-origin"),
    field_of("sec-fetch-mode", "no-cors"),
    field_of("sec-fetch-dest", "style"),
    field_of("referer", "https://www.example.com/index.html"),
    field_of("accept-encoding", "gzip, deflate, br, zstd"),
    field_of("accept-language", "en-GB,en;q=0.9"),
    field_of("cookie", "session=7d0c2f2e5a1b4c3d9e8f7a6b5c4d3e2f"),
};

const list_t response_list = {
    field_of(":status", "200"),
    field_of("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
    field_of("server", "weir"),
    field_of("content-type", "text/html; charset=utf-8"),
    field_of("content-length", "10240"),
    field_of("last-modified", "Mon, 21 Oct 2013 20:13:21 GMT"),
    field_of("etag", "\"5265a6c1-2800\""),
    field_of("cache-control", "max-age=3600"),
};

struct exchange {
  struct hpack_encoder encoder;
  struct hpack_decoder decoder;
  struct header fields[64];
  uint8_t arena[16384];
  uint8_t block[8192];
  struct headers headers;

  exchange() {
    hpack_encoder_init(&encoder, &memory);
    hpack_decoder_init(&decoder, &memory);
    headers_init(&headers, fields, 64, arena, sizeof arena, 64 * 1024);
  }
  ~exchange() {
    hpack_encoder_destroy(&encoder);
    hpack_decoder_destroy(&decoder);
  }
  size_t encode(const list_t &list) {
    return hpack_encode(&encoder, list.data(), list.size(), block);
  }
  bool decode(size_t len, size_t count) {
    const char *reason = nullptr;
    headers_clear(&headers);
    return hpack_decode(&decoder, span_of(block, len), &headers, &reason) == HPACK_OK &&
           headers.count == count;
  }
};

void count(benchmark::State &state, size_t fields, size_t bytes) {
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(fields));
  state.counters["block_bytes"] = static_cast<double>(bytes);
}

// From the third time on: everything is in the table.
void decode_repeated(benchmark::State &state, const list_t &list) {
  exchange x;
  size_t len = 0;
  for (int i = 0; i < 3; i++) {
    len = x.encode(list);
    if (!x.decode(len, list.size())) state.SkipWithError("block refused");
  }
  for (auto _ : state)
    if (!x.decode(len, list.size())) state.SkipWithError("block refused");
  count(state, list.size(), len);
}

// The first time: every field is a Huffman-coded literal that is inserted.
void decode_first(benchmark::State &state, const list_t &list) {
  exchange x;
  const size_t len = x.encode(list);
  for (auto _ : state)
    if (!x.decode(len, list.size())) state.SkipWithError("block refused");
  count(state, list.size(), len);
}

void encode_repeated(benchmark::State &state, const list_t &list) {
  exchange x;
  size_t len = 0;
  for (int i = 0; i < 3; i++)
    len = x.encode(list);
  for (auto _ : state)
    benchmark::DoNotOptimize(x.encode(list));
  count(state, list.size(), len);
}

// Changing the limit to 0 and back empties the table before each block.
void encode_first(benchmark::State &state, const list_t &list) {
  exchange x;
  size_t len = 0;
  for (auto _ : state) {
    hpack_encoder_set_limit(&x.encoder, 0);
    hpack_encoder_set_limit(&x.encoder, 4096);
    benchmark::DoNotOptimize(len = x.encode(list));
  }
  count(state, list.size(), len);
}

// One field is new each time, like a path.
void encode_changing_path(benchmark::State &state) {
  exchange x;
  list_t list = request_list;
  char path[] = "/api/v1/items?page=00000000";
  uint32_t number = 0;
  size_t len = 0;
  for (auto _ : state) {
    for (uint32_t rest = ++number, i = 0; i < 8; i++, rest >>= 4)
      path[sizeof path - 2 - i] = "0123456789abcdef"[rest & 15];
    list[2].value = span_text(path);
    benchmark::DoNotOptimize(len = x.encode(list));
  }
  count(state, list.size(), len);
}

const char text[] =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124";

std::vector<uint8_t> huffman_coded(struct span plain) {
  std::vector<uint8_t> coded(huffman_encode_len(plain) + HUFFMAN_ENCODE_SLACK);
  coded.resize(coded.size() - HUFFMAN_ENCODE_SLACK);
  if (!huffman_encode(plain, coded.data(), coded.size())) std::abort();
  return coded;
}

void huffman_decode_text(benchmark::State &state) {
  const struct span plain = span_of(text, static_cast<size_t>(state.range(0)));
  std::vector<uint8_t> coded = huffman_coded(plain), out(256);
  bool rare = false;
  for (auto _ : state)
    benchmark::DoNotOptimize(
        huffman_decode(span_of(coded.data(), coded.size()), out.data(), &rare));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void huffman_encode_text(benchmark::State &state) {
  const struct span plain = span_of(text, static_cast<size_t>(state.range(0)));
  std::vector<uint8_t> coded(256);
  for (auto _ : state)
    benchmark::DoNotOptimize(huffman_encode(plain, coded.data(), plain.len));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void token_of(benchmark::State &state) {
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(header_token_of(browser_list[i].name));
    i = i + 1 == browser_list.size() ? 0 : i + 1;
  }
}

// The cost of a hostile block by its length; the exponent must stay at one. Most fields do not fit the list,
// as on a real connection.
void decode_hostile(benchmark::State &state, const char *unit, size_t unit_bytes) {
  std::vector<uint8_t> block;
  while (block.size() + unit_bytes <= static_cast<size_t>(state.range(0)))
    block.insert(block.end(), unit, unit + unit_bytes);
  exchange x;
  headers_init(&x.headers, x.fields, 64, x.arena, sizeof x.arena, SIZE_MAX);
  for (auto _ : state) {
    const char *reason = nullptr;
    headers_clear(&x.headers);
    if (hpack_decode(&x.decoder, span_of(block.data(), block.size()), &x.headers, &reason))
      state.SkipWithError(reason);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
  state.SetComplexityN(state.range(0));
}

// One string of 20-bit codes, the longest common codes.
void huffman_decode_hostile(benchmark::State &state) {
  const std::vector<uint8_t> plain(static_cast<size_t>(state.range(0)), 0x80);
  const struct span text_span = span_of(plain.data(), plain.size());
  std::vector<uint8_t> coded = huffman_coded(text_span), out(plain.size() * 5);
  bool rare = false;
  for (auto _ : state)
    if (huffman_decode(span_of(coded.data(), coded.size()), out.data(), &rare) != plain.size())
      state.SkipWithError("not what was encoded");
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(coded.size()));
  state.SetComplexityN(state.range(0));
}

BENCHMARK_CAPTURE(decode_repeated, request, request_list);
BENCHMARK_CAPTURE(decode_repeated, browser, browser_list);
BENCHMARK_CAPTURE(decode_repeated, response, response_list);
BENCHMARK_CAPTURE(decode_first, request, request_list);
BENCHMARK_CAPTURE(decode_first, browser, browser_list);
BENCHMARK_CAPTURE(decode_first, response, response_list);
BENCHMARK_CAPTURE(encode_repeated, request, request_list);
BENCHMARK_CAPTURE(encode_repeated, browser, browser_list);
BENCHMARK_CAPTURE(encode_repeated, response, response_list);
BENCHMARK_CAPTURE(encode_first, request, request_list);
BENCHMARK_CAPTURE(encode_first, browser, browser_list);
BENCHMARK_CAPTURE(encode_first, response, response_list);
BENCHMARK(encode_changing_path);
BENCHMARK(huffman_decode_text)->Arg(8)->Arg(24)->Arg(80);
BENCHMARK(huffman_encode_text)->Arg(8)->Arg(24)->Arg(80);
BENCHMARK(token_of);
#define HOSTILE(name, unit)                                                                        \
  BENCHMARK_CAPTURE(decode_hostile, name, unit, sizeof unit - 1)                                   \
      ->RangeMultiplier(4)                                                                         \
      ->Range(1024, 65536)                                                                         \
      ->Complexity(benchmark::oN)
HOSTILE(empty_fields, "\0\0\0");
HOSTILE(empty_insertions, "\x40\0\0");
HOSTILE(short_insertions, "\x40\1a\1b");
BENCHMARK(huffman_decode_hostile)
    ->RangeMultiplier(4)
    ->Range(1024, 65536)
    ->Complexity(benchmark::oN);

} // namespace

BENCHMARK_MAIN();
