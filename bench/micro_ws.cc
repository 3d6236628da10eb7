// micro_ws.cc - the cost of a WebSocket's bytes: masking, UTF-8, frame headers; with and without vectors.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "engine/ws/frame.h"
#include "engine/ws/mask.h"
#include "engine/ws/utf8.h"
}

namespace {

const struct ws_key key = {{0x37, 0xfa, 0x21, 0x3d}};

template <void mask(uint8_t *, const uint8_t *, size_t, struct ws_key, uint64_t)>
void masking(benchmark::State &state) {
  std::vector<uint8_t> in(static_cast<size_t>(state.range(0)), 'x'), out(in.size());
  for (auto _ : state) {
    mask(out.data(), in.data(), in.size(), key, 3);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(masking<ws_mask>)->Name("mask/vectors")->Arg(16)->Arg(128)->Arg(4096)->Arg(65536);
BENCHMARK(masking<ws_mask_portable>)->Name("mask/plain")->Arg(16)->Arg(128)->Arg(4096)->Arg(65536);

void validating(benchmark::State &state, const std::string &text,
                bool (*valid)(struct ws_utf8 *, struct span)) {
  for (auto _ : state) {
    struct ws_utf8 utf8 = {};
    benchmark::DoNotOptimize(valid(&utf8, span_of(text.data(), text.size())));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}

std::string repeated(const char *text, size_t bytes) {
  std::string all;
  while (all.size() < bytes)
    all += text;
  return all;
}

const std::string ascii = repeated("{\"user\": 17, \"text\": \"hello\"} ", 4096);
const std::string german = repeated("Über größere Wörter läßt sich streiten. ", 4096);
const std::string greek = repeated("Ελληνικά και άλλα ", 4096);
BENCHMARK_CAPTURE(validating, ascii_ws_utf8, ascii, ws_utf8)->Name("utf8/ASCII");
BENCHMARK_CAPTURE(validating, ascii_ws_utf8_portable, ascii, ws_utf8_portable)
    ->Name("utf8/ASCII, plain");
BENCHMARK_CAPTURE(validating, german_ws_utf8, german, ws_utf8)->Name("utf8/German");
BENCHMARK_CAPTURE(validating, greek_ws_utf8, greek, ws_utf8)->Name("utf8/Greek");

void header(benchmark::State &state) {
  uint8_t bytes[] = {0x81, 0xfe, 0x01, 0x00, 1, 2, 3, 4};
  const struct ws_frame_rules rules = {true, false};
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes);
    struct ws_frame frame;
    size_t used = 0;
    const char *reason = nullptr;
    benchmark::DoNotOptimize(
        ws_frame_decode(span_of(bytes, sizeof bytes), rules, &frame, &used, &reason));
  }
}
BENCHMARK(header)->Name("frame header");

} // namespace

BENCHMARK_MAIN();
