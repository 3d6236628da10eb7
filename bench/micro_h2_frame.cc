/* micro_h2_frame.cc - checking frame headers, decoding payloads, writing PING. */
#include <benchmark/benchmark.h>

#include <vector>

extern "C" {
#include "engine/h2/frame.h"
}

namespace {

std::vector<uint8_t> frame(uint8_t type, uint8_t flags, uint32_t stream, size_t payload_bytes) {
  std::vector<uint8_t> bytes(H2_FRAME_HEADER_BYTES + payload_bytes, 1);
  struct h2_frame_header header = {};
  header.length = static_cast<uint32_t>(payload_bytes);
  header.type = type;
  header.flags = flags;
  header.stream_id = stream;
  h2_frame_header_encode(bytes.data(), header);
  return bytes;
}

void decode(benchmark::State &state, const std::vector<uint8_t> &bytes) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    struct h2_frame_header header = h2_frame_header_decode(bytes.data());
    struct h2_verdict verdict = h2_frame_check(&header, H2_SERVER, H2_FRAME_BYTES_MIN);
    struct h2_frame decoded;
    if (verdict.scope == H2_ACCEPT)
      verdict = h2_frame_decode(
          &header, span_of(bytes.data() + H2_FRAME_HEADER_BYTES, header.length), &decoded);
    if (verdict.scope != H2_ACCEPT) state.SkipWithError(verdict.reason);
    benchmark::DoNotOptimize(decoded);
  }
}

void encode_ping(benchmark::State &state) {
  uint8_t out[64];
  const uint8_t opaque[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  for (auto _ : state) {
    benchmark::DoNotOptimize(h2_frame_ping_encode(out, true, opaque));
    benchmark::ClobberMemory();
  }
}

BENCHMARK_CAPTURE(decode, headers, frame(H2_HEADERS, 5, 1, 40));
BENCHMARK_CAPTURE(decode, data, frame(H2_DATA, 0, 1, 16384));
BENCHMARK_CAPTURE(decode, window_update, frame(H2_WINDOW_UPDATE, 0, 1, 4));
BENCHMARK_CAPTURE(decode, settings, frame(H2_SETTINGS, 0, 0, 36));
BENCHMARK(encode_ping);

} // namespace

BENCHMARK_MAIN();
