// hello.cc - hello.c in C++17.
#include <cstdio>
#include <cstdlib>

#include <weir/weir.h>

static void hello(void *, struct stream *stream, const struct request *, uint64_t) {
  struct header type = header_of(TOKEN_CONTENT_TYPE, span_text("text/plain"));
  auto *body = static_cast<struct body_bytes *>(std::malloc(sizeof(struct body_bytes)));
  if (!body) {
    stream_reset(stream, 2); // INTERNAL_ERROR
    return;
  }
  if (!stream_respond(stream, 200, &type, 1,
                      body_bytes(body, span_text("hello\n"), std::free, body)))
    std::fprintf(stderr, "hello: the answer was refused\n");
}

int main(int argc, char **argv) {
  char error[WEIR_ERROR_BYTES] = "";
  struct handler handler = {};
  handler.request = hello;
  struct weir_server_settings settings = {};
  settings.http = argc > 1 ? argv[1] : "127.0.0.1:8080";
  settings.handler = &handler;
  struct weir_server *server = weir_server_start(&settings, error, sizeof error);
  if (!server) return std::fprintf(stderr, "hello: %s\n", error), 1;
  std::printf("http://localhost:%u/ (weir %s); Ctrl-D ends it\n", weir_server_http_port(server),
              weir_version());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  weir_server_stop(server, 10); // seconds for what is under way
}
