// micro_h1.cc - the cost of reading one HTTP/1.1 head, a tool's or a browser's: whole, byte by byte, and with a
// server's work on it. Also the scanners beside their plain twins.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "engine/h1/chunked.h"
#include "engine/h1/framing.h"
#include "engine/h1/scan.h"
#include "engine/h1/target.h"
}

namespace {

const std::string curl_head = "GET /index.html HTTP/1.1\r\n"
                              "Host: localhost:8080\r\n"
                              "User-Agent: curl/7.88.1\r\n"
                              "Accept: */*\r\n"
                              "\r\n";

const std::string browser_head = "GET /assets/application-3f6c1b9e.css HTTP/1.1\r\n"
                                 "Host: www.example.com\r\n"
                                 "Connection: keep-alive\r\n"
                                 "sec-ch-ua: \"Chromium\";v=\"124\", \"Not-A.Brand\";v=\"99\"\r\n"
                                 "sec-ch-ua-mobile: ?0\r\n"
                                 "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 "
                                 "(KHTML, like Gecko) Chrome/124.0.0.0 "
                                 "Safari/537.36\r\n"
                                 "sec-ch-ua-platform: \"Linux\"\r\n"
                                 "Accept: text/css,*/*;q=0.1\r\n"
                                 "Sec-Fetch-Site: same-origin\r\n"
                                 "Sec-Fetch-Mode: no-cors\r\n"
                                 "Sec-Fetch-Dest: style\r\n"
                                 "Referer: https://www.example.com/index.html\r\n"
                                 "Accept-Encoding: gzip, deflate, br, zstd\r\n"
                                 "Accept-Language: en-GB,en;q=0.9\r\n"
                                 "Cookie: session=7d0c2f2e5a1b4c3d9e8f7a6b5c4d3e2f\r\n"
                                 "\r\n";

const std::string response_head = "HTTP/1.1 200 OK\r\n"
                                  "Server: weir\r\n"
                                  "Date: Mon, 21 Oct 2013 20:13:21 GMT\r\n"
                                  "Content-Type: text/html; charset=utf-8\r\n"
                                  "Content-Length: 10240\r\n"
                                  "ETag: \"5265a6c1-2800\"\r\n"
                                  "\r\n";

struct reader {
  struct header at[128];
  uint8_t arena[16384];
  struct headers fields;
  struct h1_head head;

  void begin(enum h1_head_kind kind) {
    headers_init(&fields, at, 128, arena, sizeof arena, 64 * 1024);
    h1_head_begin(&head, kind, &fields);
  }
  bool read(const std::string &text, size_t len) {
    struct h1_verdict verdict =
        h1_head_read(&head, span_of(reinterpret_cast<const uint8_t *>(text.data()), len));
    return verdict.outcome == H1_COMPLETE;
  }
};

void count(benchmark::State &state, const std::string &text) {
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}

void head(benchmark::State &state, enum h1_head_kind kind, const std::string &text) {
  reader r;
  for (auto _ : state) {
    r.begin(kind);
    if (!r.read(text, text.size())) state.SkipWithError("head refused");
    benchmark::DoNotOptimize(r.fields.count);
  }
  count(state, text);
}

// A server's work on a request's head: framing, target, and the fields that handlers see.
void request(benchmark::State &state, const std::string &text) {
  reader r;
  for (auto _ : state) {
    struct h1_framing framing;
    struct h1_target target;
    r.begin(H1_REQUEST);
    bool ok = r.read(text, text.size()) &&
              h1_framing_request(&r.head, &r.fields, 0, &framing).outcome == H1_COMPLETE &&
              h1_target_read(&r.head, framing.host, &r.fields, &target).outcome == H1_COMPLETE;
    if (!ok) state.SkipWithError("request refused");
    h1_framing_strip(&r.fields, 0);
    benchmark::DoNotOptimize(target.path);
    benchmark::DoNotOptimize(r.fields.count);
  }
  count(state, text);
}

void byte_by_byte(benchmark::State &state, const std::string &text) {
  reader r;
  for (auto _ : state) {
    r.begin(H1_REQUEST);
    for (size_t len = 1; len < text.size(); len++)
      if (r.read(text, len)) state.SkipWithError("complete too early");
    if (!r.read(text, text.size())) state.SkipWithError("head refused");
  }
  count(state, text);
}

// A field line that grows by a byte each time: the exponent must stay at one.
void endless_line(benchmark::State &state) {
  const std::string text =
      "GET / HTTP/1.1\r\nx: " + std::string(static_cast<size_t>(state.range(0)), 'y');
  reader r;
  for (auto _ : state) {
    r.begin(H1_REQUEST);
    for (size_t len = 1; len <= text.size(); len++)
      if (r.read(text, len)) state.SkipWithError("complete");
  }
  state.SetComplexityN(state.range(0));
}

using finder = const uint8_t *(*)(const uint8_t *, const uint8_t *);

void scan(benchmark::State &state, finder find) {
  const std::vector<uint8_t> text(static_cast<size_t>(state.range(0)), 'x');
  const uint8_t *begin = text.data(), *end = begin + text.size();
  for (auto _ : state) {
    benchmark::DoNotOptimize(begin);
    benchmark::DoNotOptimize(find(begin, end));
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

using name_finder = size_t (*)(const uint8_t *, const uint8_t *, uint8_t *);

void scan_name(benchmark::State &state, name_finder find) {
  const std::string text = "Accept-Encoding: gzip, deflate, br, zstd\r\n";
  const uint8_t *begin = reinterpret_cast<const uint8_t *>(text.data()), *end = begin + text.size();
  uint8_t lower[H1_SCAN_NAME_BYTES];
  for (auto _ : state) {
    benchmark::DoNotOptimize(begin);
    benchmark::DoNotOptimize(find(begin, end, lower));
    benchmark::DoNotOptimize(lower);
  }
}

// Chunks of `range` bytes each.
void chunks(benchmark::State &state) {
  const size_t size = static_cast<size_t>(state.range(0));
  char line[32];
  std::string text;
  snprintf(line, sizeof line, "%zx\r\n", size);
  while (text.size() < 65536)
    text += line + std::string(size, 'x') + "\r\n";
  for (auto _ : state) {
    struct h1_chunked chunked;
    struct span left = span_of(reinterpret_cast<const uint8_t *>(text.data()), text.size()), data;
    h1_chunked_begin(&chunked);
    while (h1_chunked_read(&chunked, &left, &data) == H1_CHUNKED_DATA)
      benchmark::DoNotOptimize(data);
    if (chunked.reason) state.SkipWithError(chunked.reason);
  }
  count(state, text);
}

BENCHMARK_CAPTURE(head, curl, H1_REQUEST, curl_head);
BENCHMARK_CAPTURE(head, browser, H1_REQUEST, browser_head);
BENCHMARK_CAPTURE(head, response, H1_RESPONSE, response_head);
BENCHMARK_CAPTURE(request, curl, curl_head);
BENCHMARK_CAPTURE(request, browser, browser_head);
BENCHMARK_CAPTURE(byte_by_byte, curl, curl_head);
BENCHMARK_CAPTURE(byte_by_byte, browser, browser_head);
BENCHMARK(endless_line)->RangeMultiplier(4)->Range(1024, 65536)->Complexity(benchmark::oN);
#define TWINS(name)                                                                                \
  BENCHMARK_CAPTURE(scan, name, h1_scan_##name)->Arg(8)->Arg(24)->Arg(80)->Arg(1000);              \
  BENCHMARK_CAPTURE(scan, name##_plain, h1_scan_##name##_plain)->Arg(8)->Arg(24)->Arg(80)->Arg(1000)
TWINS(text);
TWINS(target);
BENCHMARK_CAPTURE(scan_name, name, h1_scan_name);
BENCHMARK_CAPTURE(scan_name, name_plain, h1_scan_name_plain);
BENCHMARK(chunks)->Arg(1)->Arg(100)->Arg(10000);

} // namespace

BENCHMARK_MAIN();
