/*
 * handlers.c - what a handler does besides answering at once:
 *
 *     GET  /count/N    a body that is made while it is sent: the numbers 1 to N, a line each. A slow
 *                      reader costs no memory.
 *     GET  /later      an answer a second after the request, by the stream's timer
 *     POST /sum        takes the request's body as it comes and answers with how many bytes it was
 *
 *     handlers [ADDR:PORT]     127.0.0.1:8080 unless said otherwise; ends when its input does
 *
 * Each request has one `struct exchange`. The stream holds it until closed(), the body until its
 * close(); these two come in any order, and the later one frees it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/weir.h>

struct exchange {
  unsigned holders;
  unsigned long next, last; /* /count: the next number, and the last one */
  unsigned long received;   /* /sum */
  struct body_bytes bytes;
  char text[64];
};

static void let_go(void *held) {
  struct exchange *exchange = held;
  if (--exchange->holders == 0) free(exchange);
}

static void on_closed(struct stream *stream, uint32_t error_code) {
  (void)error_code;
  let_go(stream->user);
}

/* Answers with what lies in exchange->text. */
static void answer_text(struct stream *stream, unsigned status) {
  struct exchange *exchange = stream->user;
  struct header type = header_of(TOKEN_CONTENT_TYPE, span_text("text/plain"));
  exchange->holders++;
  (void)stream_respond(stream, status, &type, 1,
                       body_bytes(&exchange->bytes, span_text(exchange->text), let_go, exchange));
}

/* ---- /count ---------------------------------------------------------------------------------- */

/* Called when there is room on the connection, for at most chunk->max bytes. */
static enum body_result count_pull(void *self, struct body_chunk *chunk) {
  struct exchange *exchange = self;
  size_t used = 0;
  while (exchange->next <= exchange->last) {
    char line[24];
    size_t len = (size_t)snprintf(line, sizeof line, "%lu\n", exchange->next);
    if (used + len > chunk->max) break;
    memcpy(chunk->room + used, line, len);
    used += len;
    exchange->next++;
  }
  chunk->bytes = span_of(chunk->room, used);
  return exchange->next > exchange->last ? BODY_END : BODY_MORE;
}

static const struct body_ops count_ops = {.pull = count_pull, .close = let_go};

static void answer_count(struct stream *stream, unsigned long last) {
  struct exchange *exchange = stream->user;
  struct header type = header_of(TOKEN_CONTENT_TYPE, span_text("text/plain"));
  exchange->next = 1;
  exchange->last = last;
  exchange->holders++;
  (void)stream_respond(stream, 200, &type, 1, (struct body){&count_ops, exchange});
}

/* ---- /later ---------------------------------------------------------------------------------- */

static void later_timer(struct stream *stream, uint64_t now_ns) {
  (void)now_ns;
  struct exchange *exchange = stream->user;
  strcpy(exchange->text, "later\n");
  answer_text(stream, 200);
}

/* ---- /sum ------------------------------------------------------------------------------------ */

static void sum_data(struct stream *stream, struct span bytes, bool end) {
  struct exchange *exchange = stream->user;
  exchange->received += bytes.len;
  if (!end) return;
  snprintf(exchange->text, sizeof exchange->text, "%lu bytes\n", exchange->received);
  answer_text(stream, 200);
}

/* ---- the handler ----------------------------------------------------------------------------- */

static const struct stream_events events = {.closed = on_closed};
static const struct stream_events later_events = {.timer = later_timer, .closed = on_closed};
static const struct stream_events sum_events = {.data = sum_data, .closed = on_closed};

static void handle(void *ctx, struct stream *stream, const struct request *request,
                   uint64_t now_ns) {
  (void)ctx;
  struct exchange *exchange = calloc(1, sizeof *exchange);
  if (!exchange) {
    stream_reset(stream, 2); /* INTERNAL_ERROR */
    return;
  }
  exchange->holders = 1;
  stream->user = exchange;
  stream->events = &events;
  char path[64];
  snprintf(path, sizeof path, "%.*s", (int)request->path.len, (const char *)request->path.base);
  unsigned long last;
  if (sscanf(path, "/count/%lu", &last) == 1) {
    answer_count(stream, last);
  } else if (strcmp(path, "/later") == 0) {
    stream->events = &later_events;
    stream_timer(stream, now_ns + 1000000000);
  } else if (strcmp(path, "/sum") == 0 && !request->end) {
    stream->events = &sum_events;
  } else {
    strcpy(exchange->text, "There is /count/N, /later, and POST /sum.\n");
    answer_text(stream, 404);
  }
}

int main(int argc, char **argv) {
  char error[WEIR_ERROR_BYTES] = "";
  const struct handler handler = {.request = handle};
  struct weir_server_settings settings = {.http = argc > 1 ? argv[1] : "127.0.0.1:8080",
                                          .handler = &handler};
  struct weir_server *server = weir_server_start(&settings, error, sizeof error);
  if (!server) return fprintf(stderr, "handlers: %s\n", error), 1;
  printf("http://localhost:%u/; Ctrl-D ends it\n", weir_server_http_port(server));
  fflush(stdout);
  while (getchar() != EOF) {
  }
  weir_server_stop(server, 10);
}
