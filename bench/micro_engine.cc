/* micro_engine.cc - a whole request over HTTP/2, from its HEADERS frame to the last byte of a response of 128 bytes,
 * without sockets: decoding, checks, a stream's life, the scheduler, encoding, flow control. Batches are requests that
 * one receive brings.
 *
 *     micro_engine --requests N     makes N requests and prints nothing, for callgrind
 */
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "engine/base/decimal.h"
#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/h2/frame.h"
#include "engine/hpack/encode.h"
#include "engine/http/body.h"
}

namespace {

constexpr uint64_t now_ns = UINT64_C(1000000000);
constexpr size_t body_bytes_each = 128;
constexpr size_t most = 128; /* requests in a batch: SETTINGS_MAX_CONCURRENT_STREAMS */

void *take(void *, size_t bytes) {
  return std::malloc(bytes);
}
void give(void *, void *object, size_t) {
  std::free(object);
}
const struct memory memory = {nullptr, take, give};

const std::string text(body_bytes_each, 'x');

/* The states of bodies under way, taken in turn. */
struct body_bytes bodies[2 * most];
size_t bodies_taken;

void answer(void *, struct stream *stream, const struct request *, uint64_t) {
  uint8_t length[DECIMAL_BYTES_MAX];
  struct body_bytes *state = &bodies[bodies_taken++ % (2 * most)];
  const struct header fields[] = {
      header_of(TOKEN_CONTENT_TYPE, span_text("text/plain")),
      header_of(TOKEN_CONTENT_LENGTH, span_of(length, decimal_put(length, text.size()))),
  };
  static const struct stream_events none = {};
  stream->events = &none;
  if (!stream_respond(stream, 200, fields, 2,
                      body_bytes(state, span_of(text.data(), text.size()), nullptr, nullptr)))
    std::abort();
}

/* What a client sends. */
struct client {
  struct hpack_encoder encoder;
  uint8_t block[256];
  size_t block_bytes = 0;
  uint32_t next_id = 1;
  std::vector<uint8_t> bytes; /* on their way to the server */

  client() {
    hpack_encoder_init(&encoder, &memory);
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    bytes.assign(preface, preface + sizeof preface - 1);
    put_frame(H2_SETTINGS, 0, 0, nullptr, 0);
    put_frame(H2_SETTINGS, 1, 0, nullptr, 0);
    put_credit(INT32_MAX - 65535);
  }
  ~client() { hpack_encoder_destroy(&encoder); }
  client(const client &) = delete;
  client &operator=(const client &) = delete;

  void encode() {
    const struct header fields[] = {
        header_of(TOKEN_METHOD, span_text("GET")),
        header_of(TOKEN_SCHEME, span_text("http")),
        header_of(TOKEN_AUTHORITY, span_text("127.0.0.1:8080")),
        header_of(TOKEN_PATH, span_text("/index.html")),
        header_of(TOKEN_USER_AGENT, span_text("h2load nghttp2/1.52.0")),
    };
    block_bytes = hpack_encode(&encoder, fields, 5, block);
  }

  void put_requests(size_t count) {
    for (size_t i = 0; i < count; i++, next_id += 2)
      put_frame(H2_HEADERS, 5 /* END_STREAM, END_HEADERS */, next_id, block, block_bytes);
  }

  void put_frame(uint8_t type, uint8_t flags, uint32_t stream, const uint8_t *payload, size_t len) {
    struct h2_frame_header header = {};
    header.length = static_cast<uint32_t>(len);
    header.type = type;
    header.flags = flags;
    header.stream_id = stream;
    const size_t at = bytes.size();
    bytes.resize(at + H2_FRAME_HEADER_BYTES + len);
    h2_frame_header_encode(&bytes[at], header);
    if (len > 0) std::memcpy(&bytes[at + H2_FRAME_HEADER_BYTES], payload, len);
  }

  void put_credit(uint32_t increment) {
    uint8_t frame[H2_FRAME_HEADER_BYTES + 4];
    h2_frame_window_update_encode(frame, 0, increment);
    bytes.insert(bytes.end(), frame, frame + sizeof frame);
  }
};

/* A server's connection with its client. */
class connection {
public:
  connection() {
    const struct engine_config config = engine_config_default();
    handler.request = answer;
    if (!engine_init(&engine, &memory, &config, &handler) || !create()) std::abort();
    receive();
    /* From the third on all fields are in the table, and the block stays the same. */
    for (int i = 0; i < 3; i++) {
      client.encode();
      serve(1);
    }
  }
  ~connection() {
    machine.ops->close(machine.self);
    engine_destroy(&engine);
  }

  void serve(size_t count) {
    client.put_requests(count);
    receive();
    if (send() < count * body_bytes_each) std::abort();
    owed += count * body_bytes_each;
    if (owed < 1u << 30) return;
    client.put_credit(static_cast<uint32_t>(owed));
    receive();
    owed = 0;
  }

private:
  struct client client;
  struct engine engine;
  struct machine_host host = {};
  struct machine machine;
  struct handler handler = {};
  size_t owed = 0; /* bytes of the connection's window */

  bool create() {
    const struct machine_factory factory = conn_factory(&engine);
    struct machine_peer peer = {};
    peer.application_protocol = "h2";
    host.wake = [](struct machine_host *) {};
    return factory.create(factory.ctx, &peer, &host, now_ns, &machine);
  }

  void receive() {
    const struct span bytes = span_of(client.bytes.data(), client.bytes.size());
    if (machine.ops->recv(machine.self, bytes, now_ns) != bytes.len) std::abort();
    client.bytes.clear();
  }

  size_t send() {
    struct span spans[64];
    size_t total = 0;
    while (machine.ops->wants(machine.self) & MACHINE_SEND) {
      size_t len = 0;
      const size_t count = machine.ops->send_peek(machine.self, spans, 64, 65536, now_ns);
      for (size_t i = 0; i < count; i++)
        len += spans[i].len;
      if (len == 0) break;
      machine.ops->send_ack(machine.self, len, now_ns);
      total += len;
    }
    return total;
  }
};

/* Identifiers end after 2^30 requests, so a connection is made for each run. */
void request(benchmark::State &state) {
  connection connection;
  const size_t count = static_cast<size_t>(state.range(0));
  for (auto _ : state)
    connection.serve(count);
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["each"] = benchmark::Counter(static_cast<double>(state.range(0)),
                                              benchmark::Counter::kIsIterationInvariantRate |
                                                  benchmark::Counter::kInvert);
}
BENCHMARK(request)->Arg(1)->Arg(10)->Arg(100);

} // namespace

int main(int argc, char **argv) {
  if (argc == 3 && std::strcmp(argv[1], "--requests") == 0) {
    connection connection;
    for (long left = std::atol(argv[2]); left > 0; left -= 10)
      connection.serve(10);
    return 0;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
