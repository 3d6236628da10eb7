/* micro_hpack_stories.cc - HPACK on the field lists of recorded sessions (tests/vectors/hpack), beside nghttp2's
 * inflater and deflater. A session begins with an empty table each time. `each` is the time of one field. Run it from
 * the project's folder. */
#include <benchmark/benchmark.h>
#include <jansson.h>
#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" {
#include "engine/hpack/decode.h"
#include "engine/hpack/encode.h"
}

namespace {

constexpr size_t fields_max = 128, arena_bytes = 65536;

void *take(void *, size_t bytes) {
  return std::malloc(bytes);
}
void give(void *, void *object, size_t) {
  std::free(object);
}
const struct memory memory = {nullptr, take, give};

struct field_text {
  std::string name, value;
};

struct message {
  std::vector<uint8_t> wire;
  std::vector<field_text> texts;
  std::vector<struct header> fields; /* point into `texts` */
  std::vector<nghttp2_nv> pairs;     /* too */
};

using story = std::vector<message>;

std::vector<uint8_t> bytes_of(const char *hex) {
  std::vector<uint8_t> bytes;
  for (unsigned byte; std::sscanf(hex, "%2x", &byte) == 1; hex += 2)
    bytes.push_back(static_cast<uint8_t>(byte));
  return bytes;
}

message read_message(json_t *from) {
  message message;
  size_t i;
  json_t *field, *value;
  const char *name;
  message.wire = bytes_of(json_string_value(json_object_get(from, "wire")));
  json_array_foreach (json_object_get(from, "headers"), i, field)
    json_object_foreach (field, name, value)
      message.texts.push_back({name, json_string_value(value)});
  for (field_text &text : message.texts) {
    struct header header = {};
    header.name = span_of(text.name.data(), text.name.size());
    header.value = span_of(text.value.data(), text.value.size());
    header.token = static_cast<uint16_t>(header_token_of(header.name));
    message.fields.push_back(header);
    message.pairs.push_back({reinterpret_cast<uint8_t *>(&text.name[0]),
                             reinterpret_cast<uint8_t *>(&text.value[0]), text.name.size(),
                             text.value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  return message;
}

std::vector<story> read_stories(const std::string &encoder) {
  std::vector<story> stories;
  for (const char *name : {"00", "03", "07", "09"}) {
    const std::string path = "tests/vectors/hpack/" + encoder + "/story_" + name + ".json";
    json_t *root = json_load_file(path.c_str(), 0, nullptr), *message;
    size_t i;
    if (!root) {
      std::fprintf(stderr,
                   "micro_hpack_stories: cannot read %s; run it from the project's folder\n",
                   path.c_str());
      std::exit(1);
    }
    stories.emplace_back();
    json_array_foreach (json_object_get(root, "cases"), i, message)
      stories.back().push_back(read_message(message));
    json_decref(root);
  }
  return stories;
}

size_t fields_in(const std::vector<story> &stories) {
  size_t count = 0;
  for (const story &story : stories)
    for (const message &message : story)
      count += message.fields.size();
  return count;
}

void report(benchmark::State &state, const std::vector<story> &stories) {
  state.counters["each"] = benchmark::Counter(static_cast<double>(fields_in(stories)),
                                              benchmark::Counter::kIsIterationInvariantRate |
                                                  benchmark::Counter::kInvert);
}

/* ---- decoding -------------------------------------------------------------------------------- */

bool decode(const story &story) {
  static struct header fields[fields_max];
  static uint8_t arena[arena_bytes];
  struct hpack_decoder decoder;
  struct headers headers;
  bool right = true;
  hpack_decoder_init(&decoder, &memory);
  headers_init(&headers, fields, fields_max, arena, arena_bytes, arena_bytes);
  for (const message &message : story) {
    const char *reason = nullptr;
    const struct span block = span_of(message.wire.data(), message.wire.size());
    headers_clear(&headers);
    right = right && hpack_decode(&decoder, block, &headers, &reason) == HPACK_OK &&
            headers.count == message.fields.size();
  }
  hpack_decoder_destroy(&decoder);
  return right;
}

size_t inflate_message(nghttp2_hd_inflater *inflater, const message &message) {
  const uint8_t *at = message.wire.data();
  size_t left = message.wire.size(), count = 0;
  for (;;) {
    nghttp2_nv pair;
    int flags = 0;
    const ssize_t taken = nghttp2_hd_inflate_hd2(inflater, &pair, &flags, at, left, 1);
    if (taken < 0) return 0;
    at += taken;
    left -= static_cast<size_t>(taken);
    count += (flags & NGHTTP2_HD_INFLATE_EMIT) != 0;
    if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
  }
  nghttp2_hd_inflate_end_headers(inflater);
  return count;
}

bool inflate(const story &story) {
  nghttp2_hd_inflater *inflater;
  bool right = nghttp2_hd_inflate_new(&inflater) == 0;
  for (const message &message : story)
    right = right && inflate_message(inflater, message) == message.fields.size();
  nghttp2_hd_inflate_del(inflater);
  return right;
}

/* ---- encoding -------------------------------------------------------------------------------- */

bool encode(const story &story) {
  static uint8_t block[arena_bytes];
  struct hpack_encoder encoder;
  hpack_encoder_init(&encoder, &memory);
  for (const message &message : story)
    benchmark::DoNotOptimize(
        hpack_encode(&encoder, message.fields.data(), message.fields.size(), block));
  hpack_encoder_destroy(&encoder);
  return true;
}

bool deflate(const story &story) {
  static uint8_t block[arena_bytes];
  nghttp2_hd_deflater *deflater;
  bool right = nghttp2_hd_deflate_new(&deflater, 4096) == 0;
  for (const message &message : story)
    right = right && nghttp2_hd_deflate_hd(deflater, block, sizeof block, message.pairs.data(),
                                           message.pairs.size()) > 0;
  nghttp2_hd_deflate_del(deflater);
  return right;
}

/* ---- running --------------------------------------------------------------------------------- */

void run(benchmark::State &state, bool work(const story &), const char *encoder) {
  const std::vector<story> stories = read_stories(encoder);
  for (auto _ : state)
    for (const story &story : stories)
      if (!work(story)) state.SkipWithError("not what the story says");
  report(state, stories);
}

BENCHMARK_CAPTURE(run, decode_a, decode, "nghttp2")->Name("decode/nghttp2's/weir");
BENCHMARK_CAPTURE(run, inflate_a, inflate, "nghttp2")->Name("decode/nghttp2's/nghttp2");
BENCHMARK_CAPTURE(run, decode_b, decode, "go-hpack")->Name("decode/go-hpack's/weir");
BENCHMARK_CAPTURE(run, inflate_b, inflate, "go-hpack")->Name("decode/go-hpack's/nghttp2");
BENCHMARK_CAPTURE(run, encode, encode, "nghttp2")->Name("encode/weir");
BENCHMARK_CAPTURE(run, deflate, deflate, "nghttp2")->Name("encode/nghttp2");

} // namespace

BENCHMARK_MAIN();
