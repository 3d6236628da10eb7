/*
 * chat.c - a room that speaks WebSocket, over HTTP/1.1 and HTTP/2 alike: what one says, all hear.
 *
 *     chat [ADDR:PORT]         127.0.0.1:8080 unless said otherwise; ends when its input does
 *
 * Open the page that it serves in two windows of a browser.
 *
 * One worker, so that all connections are on one thread. A guest that does not read is let go: while too much
 * waits for it, ws_send() takes nothing more.
 */
#include <stdio.h>
#include <stdlib.h>

#include <weir/weir.h>

struct guest {
  struct ws *ws;
  struct guest *next;
};

static struct guest *room;

static const char page[] =
    "<!doctype html><meta charset=utf-8><title>chat</title>\n"
    "<form><input autofocus><button>Say</button></form><ul></ul>\n"
    "<script>\n"
    "const ws = new WebSocket(location.origin.replace(/^http/, 'ws') + '/chat', 'chat');\n"
    "const line = (text) => {\n"
    "  document.querySelector('ul').append(Object.assign(document.createElement('li'),\n"
    "    { textContent: text }));\n"
    "};\n"
    "ws.onmessage = (event) => line(event.data);\n"
    "ws.onclose = (event) => line('The end: ' + event.code + ' ' + event.reason);\n"
    "document.forms[0].onsubmit = (event) => {\n"
    "  event.preventDefault();\n"
    "  ws.send(event.target[0].value);\n"
    "  event.target[0].value = '';\n"
    "};\n"
    "</script>\n";

static void on_message(struct ws *ws, enum ws_kind kind, struct span bytes, bool end) {
  (void)ws, (void)end; /* messages come whole */
  for (struct guest *guest = room; guest; guest = guest->next)
    if (!ws_send(guest->ws, kind, bytes))
      ws_close(guest->ws, WS_POLICY_VIOLATION, span_text("you do not read"));
}

static void on_closed(struct ws *ws, unsigned code, struct span reason) {
  struct guest **at = &room, *guest = ws_user(ws);
  while (*at != guest)
    at = &(*at)->next;
  *at = guest->next;
  free(guest);
  printf("one leaves: %u %.*s\n", code, (int)reason.len, (const char *)reason.base);
}

static const char *const subprotocols[] = {"chat", NULL};
static const struct ws_events events = {.message = on_message, .closed = on_closed};
static struct ws_settings settings = {
    .events = &events, .protocols = subprotocols, .message_bytes_max = 4096};

static void enter(struct stream *stream, const struct request *request) {
  struct guest *guest = malloc(sizeof *guest);
  struct ws *ws = guest ? ws_accept(stream, request, &settings, guest) : NULL;
  if (!guest) stream_reset(stream, 2); /* INTERNAL_ERROR */
  if (!ws) {
    free(guest);
    return;
  }
  *guest = (struct guest){.ws = ws, .next = room};
  room = guest;
}

static void handle(void *ctx, struct stream *stream, const struct request *request,
                   uint64_t now_ns) {
  (void)ctx, (void)now_ns;
  struct header type = header_of(TOKEN_CONTENT_TYPE, span_text("text/html; charset=utf-8"));
  if (request->protocol.len > 0) {
    enter(stream, request);
    return;
  }
  struct body_bytes *body = malloc(sizeof *body);
  if (!body)
    stream_reset(stream, 2);
  else
    (void)stream_respond(stream, 200, &type, 1, body_bytes(body, span_text(page), free, body));
}

int main(int argc, char **argv) {
  char error[WEIR_ERROR_BYTES] = "";
  static const char *const protocols[] = {"websocket", NULL};
  const struct handler handler = {.request = handle, .protocols = protocols};
  struct weir_server_settings serve = {
      .http = argc > 1 ? argv[1] : "127.0.0.1:8080", .handler = &handler, .workers = 1};
  settings.memory = weir_memory();
  struct weir_server *server = weir_server_start(&serve, error, sizeof error);
  if (!server) return fprintf(stderr, "chat: %s\n", error), 1;
  printf("http://localhost:%u/; Ctrl-D ends it\n", weir_server_http_port(server));
  fflush(stdout);
  while (getchar() != EOF) {
  }
  weir_server_stop(server, 1);
}
