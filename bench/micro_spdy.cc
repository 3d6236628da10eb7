// micro_spdy.cc - the cost of a SPDY request's header block, inflated and compressed, and of frame headers.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

extern "C" {
#include "engine/spdy/block.h"
#include "engine/spdy/frame.h"
}

namespace {

void *allocate(void *, size_t bytes) {
  return std::malloc(bytes);
}
void release(void *, void *object, size_t) {
  std::free(object);
}
const struct memory memory = {nullptr, allocate, release};

struct header field(const char *name, const char *value) {
  return {span_text(name), span_text(value), 0, 0, 0};
}

// A stream of a forwarded port, and a browser's request.
const std::vector<struct header> forward = {field("streamtype", "data"), field("port", "8080"),
                                            field("requestid", "1234")};
const std::vector<struct header> browser = {
    field(":method", "GET"),
    field(":scheme", "https"),
    field(":host", "www.example.org"),
    field(":path", "/images/photograph-17.jpg"),
    field(":version", "HTTP/1.1"),
    field("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    field("accept", "image/avif,image/webp,*/*"),
    field("accept-language", "de,en-US;q=0.7,en;q=0.3"),
    field("accept-encoding", "gzip, deflate, br"),
    field("referer", "https://www.example.org/"),
};

void writing(benchmark::State &state, const std::vector<struct header> &fields) {
  struct spdy_block_writer writer;
  spdy_block_writer_init(&writer, &memory);
  if (!spdy_block_writer_ready(&writer)) std::abort();
  std::vector<uint8_t> out(spdy_block_bound(fields.data(), fields.size()));
  size_t bytes = 0;
  for (auto _ : state) {
    const uint8_t *end = spdy_block_write(&writer, fields.data(), fields.size(), out.data());
    bytes = static_cast<size_t>(end - out.data());
  }
  state.counters["bytes"] = static_cast<double>(bytes);
  spdy_block_writer_destroy(&writer);
}
BENCHMARK_CAPTURE(writing, forward, forward)->Name("write/forward");
BENCHMARK_CAPTURE(writing, browser, browser)->Name("write/browser");

// The second block of a stream again and again: it refers to the one before it, which is the same.
void reading(benchmark::State &state, const std::vector<struct header> &fields) {
  struct spdy_block_writer writer;
  struct spdy_block_reader reader;
  std::vector<uint8_t> scratch(SPDY_SCRATCH_BYTES(65536)), arena(1024);
  const struct spdy_scratch lent = {scratch.data(), scratch.size()};
  spdy_block_writer_init(&writer, &memory);
  if (!spdy_block_writer_ready(&writer)) std::abort();
  spdy_block_reader_init(&reader, &memory, &lent, 65536);
  std::vector<uint8_t> out(spdy_block_bound(fields.data(), fields.size()));
  struct header received[64];
  struct headers list;
  const char *reason = nullptr;
  const uint8_t *end = out.data();
  for (int i = 0; i < 8; i++) {
    end = spdy_block_write(&writer, fields.data(), fields.size(), out.data());
    headers_init(&list, received, 64, arena.data(), arena.size(), 65536);
    if (i == 7) break;
    const struct span block = span_of(out.data(), static_cast<size_t>(end - out.data()));
    if (spdy_block_read(&reader, block, true, &list, &reason) != SPDY_BLOCK_DONE) std::abort();
  }
  const struct span block = span_of(out.data(), static_cast<size_t>(end - out.data()));
  for (auto _ : state) {
    headers_init(&list, received, 64, arena.data(), arena.size(), 65536);
    if (spdy_block_read(&reader, block, true, &list, &reason) != SPDY_BLOCK_DONE) std::abort();
    benchmark::DoNotOptimize(list.count);
  }
  spdy_block_writer_destroy(&writer);
  spdy_block_reader_destroy(&reader);
}
BENCHMARK_CAPTURE(reading, forward, forward)->Name("read/forward");
BENCHMARK_CAPTURE(reading, browser, browser)->Name("read/browser");

void data_header(benchmark::State &state) {
  uint8_t bytes[] = {0, 0, 0, 1, 0, 0, 0x40, 0};
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes);
    const struct spdy_frame_header header = spdy_frame_header_decode(bytes);
    benchmark::DoNotOptimize(spdy_frame_check(&header));
  }
}
BENCHMARK(data_header)->Name("frame header");

} // namespace

BENCHMARK_MAIN();
