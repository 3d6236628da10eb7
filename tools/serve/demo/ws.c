/*
 * serve/demo/ws.c - a WebSocket that echoes, and its page; see serve/demo/ws.h.
 */
#include "tools/serve/demo/ws.h"

#include "engine/base/text.h"
#include "tools/serve/limits.h"

const char *const demo_ws_protocols[] = {"websocket", NULL};

/* ---- memory with a bound --------------------------------------------------------------------- */

static void *bounded_alloc(void *ctx, size_t bytes) {
  struct demo_ws *demo = ctx;
  if (bytes > DEMO_WS_BYTES_MAX - demo->bytes) return NULL;
  void *object = memory_alloc(demo->below, bytes);
  if (object) demo->bytes += bytes;
  return object;
}

static void bounded_free(void *ctx, void *object, size_t bytes) {
  struct demo_ws *demo = ctx;
  demo->bytes -= bytes;
  memory_free(demo->below, object, bytes);
}

/* ---- the echo -------------------------------------------------------------------------------- */

/* ws_send() refuses nothing here: while too much waits, no message is handed over. */
static void on_message(struct ws *ws, enum ws_kind kind, struct span bytes, bool end) {
  (void)end; /* messages come whole */
  if (!ws_send(ws, kind, bytes))
    ws_close(ws, WS_INTERNAL_ERROR, span_text("the message cannot be sent back"));
}

void demo_ws_init(struct demo_ws *demo, const struct memory *memory) {
  static const struct ws_events events = {.message = on_message};
  static const char *const subprotocols[] = {"echo", NULL};
  *demo = (struct demo_ws){
      .memory = {.ctx = demo, .alloc = bounded_alloc, .free = bounded_free},
      .below = memory,
      .plain = {.memory = &demo->memory, .events = &events, .protocols = subprotocols},
  };
  demo->deflate = demo->plain;
  demo->deflate.deflate = true;
}

void demo_ws_accept(struct demo_ws *demo, struct stream *stream, const struct request *request) {
  bool deflate = span_is(request->path, "/ws?deflate");
  (void)ws_accept(stream, request, deflate ? &demo->deflate : &demo->plain, NULL);
}

/* ---- the page -------------------------------------------------------------------------------- */

static const char page[] =
    "<!doctype html>\n"
    "<html lang=en>\n"
    "<meta charset=utf-8>\n"
    "<meta name=viewport content='width=device-width, initial-scale=1'>\n"
    "<title>weir: WebSocket</title>\n"
    "<link rel=icon href='data:,'>\n"
    "<style>\n"
    ":root { color-scheme: light dark; --ink: #14242e; --soft: #5b6f7b; --paper: #fbfcfc;\n"
    "  --card: #fff; --line: #dbe4e8; --water: #0b7285; --foam: #d0f2f7 }\n"
    "@media (prefers-color-scheme: dark) { :root { --ink: #e3edf1; --soft: #8fa5b1;\n"
    "  --paper: #0f171b; --card: #152026; --line: #263640; --water: #3bc9db;\n"
    "  --foam: #123c46 } }\n"
    "* { box-sizing: border-box }\n"
    "body { margin: 0; background: var(--paper); color: var(--ink);\n"
    "  font: 17px/1.6 system-ui, sans-serif }\n"
    "main { max-width: 46rem; margin: 0 auto; padding: 4rem 1.5rem }\n"
    "h1 { font-size: 2.2rem; line-height: 1.1; letter-spacing: -.03em; margin: 0 0 1rem }\n"
    "p { margin: 0 0 1rem }\n"
    ".soft { color: var(--soft) }\n"
    "a { color: var(--water) }\n"
    "code { font: .88em ui-monospace, Menlo, Consolas, monospace }\n"
    "form { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1.5rem 0 1rem }\n"
    "input { flex: 1 1 14rem; font: inherit; color: inherit; background: var(--card);\n"
    "  border: 1px solid var(--line); border-radius: .5rem; padding: .45rem .8rem }\n"
    "button { font: inherit; font-weight: 600; color: var(--paper); background: var(--water);\n"
    "  border: 0; border-radius: .5rem; padding: .45rem 1.1rem; cursor: pointer }\n"
    "button[type=button] { color: var(--water); background: none; border: 1px solid var(--line) }\n"
    "button:disabled { opacity: .55; cursor: default }\n"
    "ol { list-style: none; margin: 0; padding: 0; border-top: 1px solid var(--line) }\n"
    "li { display: flex; gap: .8rem; padding: .45rem 0; border-bottom: 1px solid var(--line);\n"
    "  overflow-wrap: anywhere }\n"
    "li b { flex: none; width: 1.2rem; color: var(--water) }\n"
    "li span { flex: 1 }\n"
    "li time { flex: none; color: var(--soft); font-variant-numeric: tabular-nums }\n"
    "</style>\n"
    "<main>\n"
    "<h1>WebSocket echo</h1>\n"
    "<p>What you send to <code>/ws</code> comes back. The same handler serves WebSockets over\n"
    "HTTP/1.1 (<code>Upgrade</code>) and over HTTP/2 (extended <code>CONNECT</code>).\n"
    "<a href=/>Back to the site</a></p>\n"
    "<p class=soft id=state aria-live=polite>connecting &hellip;</p>\n"
    "<form id=form><input id=text value='Hello, weir!' aria-label=Message>\n"
    "<button id=send disabled>Send</button>\n"
    "<button id=many type=button disabled>1,000 messages</button>\n"
    "<button id=shut type=button disabled>Close</button></form>\n"
    "<ol id=log></ol>\n"
    "</main>\n"
    "<script>\n"
    "const $ = (id) => document.getElementById(id);\n"
    "const sent = [];\n"
    "let run = null;\n"
    "const ws = new WebSocket(location.origin.replace(/^http/, 'ws') + '/ws' + location.search,\n"
    "  'echo');\n"
    "const line = (mark, text, time) => {\n"
    "  const row = document.createElement('li');\n"
    "  for (const [name, content] of [['b', mark], ['span', text], ['time', time]]) {\n"
    "    const part = document.createElement(name);\n"
    "    part.textContent = content;\n"
    "    row.append(part);\n"
    "  }\n"
    "  $('log').prepend(row);\n"
    "  while ($('log').childElementCount > 50) $('log').lastChild.remove();\n"
    "};\n"
    "const enable = (on) => { for (const id of ['send', 'many', 'shut']) $(id).disabled = !on; };\n"
    "const push = (text) => { sent.push(performance.now()); ws.send(text); };\n"
    "ws.onopen = () => {\n"
    "  $('state').textContent = 'open' + (ws.extensions ? ', with ' + ws.extensions : '') + '.';\n"
    "  enable(true);\n"
    "  if (location.hash == '#start') { $('form').requestSubmit(); $('many').click(); }\n"
    "};\n"
    "ws.onmessage = (event) => {\n"
    "  const took = performance.now() - sent.shift();\n"
    "  if (!run) { line('\\u2190', event.data, took.toFixed(1) + ' ms'); return; }\n"
    "  if (event.data != 'message ' + run.back++) run.wrong++;\n"
    "  if (run.back < run.count) return;\n"
    "  const ms = performance.now() - run.began;\n"
    "  line('\\u2190', run.count + ' messages' + (run.wrong ? ', ' + run.wrong + ' wrong' :\n"
    "    ', each as it was sent'), ms.toFixed(0) + ' ms');\n"
    "  run = null;\n"
    "  enable(true);\n"
    "};\n"
    "ws.onclose = (event) => {\n"
    "  $('state').textContent = 'closed: ' + event.code + (event.reason && ' ' + event.reason) +\n"
    "    '. Reload the page to connect again.';\n"
    "  enable(false);\n"
    "};\n"
    "$('form').onsubmit = (event) => {\n"
    "  event.preventDefault();\n"
    "  line('\\u2192', $('text').value, '');\n"
    "  push($('text').value);\n"
    "};\n"
    "$('many').onclick = () => {\n"
    "  if (sent.length) { setTimeout($('many').onclick, 10); return; }\n"
    "  enable(false);\n"
    "  run = { count: 1000, back: 0, wrong: 0, began: performance.now() };\n"
    "  for (let i = 0; i < run.count; i++) push('message ' + i);\n"
    "};\n"
    "$('shut').onclick = () => ws.close(1000, 'done');\n"
    "</script>\n"
    "</html>\n";

struct span demo_ws_page(void) {
  return span_of(page, sizeof page - 1);
}
