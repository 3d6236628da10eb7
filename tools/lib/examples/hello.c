/*
 * hello.c - the smallest server: every request gets the same bytes.
 *
 *     hello [ADDR:PORT]        127.0.0.1:8080 unless said otherwise; ends when its input does
 */
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

static void hello(void *ctx, struct stream *stream, const struct request *request,
                  uint64_t now_ns) {
  (void)ctx, (void)request, (void)now_ns;
  struct header type = header_of(TOKEN_CONTENT_TYPE, span_text("text/plain"));
  struct body_bytes *body = malloc(sizeof *body);
  if (!body) {
    stream_reset(stream, 2); /* INTERNAL_ERROR */
    return;
  }
  if (!stream_respond(stream, 200, &type, 1, body_bytes(body, span_text("hello\n"), free, body)))
    fprintf(stderr, "hello: the answer was refused\n");
}

int main(int argc, char **argv) {
  char error[WEIR_ERROR_BYTES] = "";
  const struct handler handler = {.request = hello};
  struct weir_server_settings settings = {.http = argc > 1 ? argv[1] : "127.0.0.1:8080",
                                          .handler = &handler};
  struct weir_server *server = weir_server_start(&settings, error, sizeof error);
  if (!server) return fprintf(stderr, "hello: %s\n", error), 1;
  printf("http://localhost:%u/ (weir %s); Ctrl-D ends it\n", weir_server_http_port(server),
         weir_version());
  fflush(stdout);
  while (getchar() != EOF) {
  }
  weir_server_stop(server, 10); /* seconds for what is under way */
}
