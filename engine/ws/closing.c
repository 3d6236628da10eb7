/*
 * ws/closing.c - how an end ends; see ws/closing.h.
 */
#include "engine/ws/closing.h"

#include <assert.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/base/wire.h"
#include "engine/ws/limits.h"
#include "engine/ws/queue.h"

/* ---- clocks ---------------------------------------------------------------------------------- */

static uint64_t sooner(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

void ws_timer_arm(struct ws *ws) {
  uint64_t first = sooner(sooner(ws->close_ns, ws->pause_ns), sooner(ws->ping_ns, ws->timer_ns));
  if (ws->stream) stream_timer(ws->stream, first);
}

static uint64_t interval_ns(const struct ws *ws) {
  return ws->settings->ping_ns ? ws->settings->ping_ns : WS_PING_NS_DEFAULT;
}

void ws_clocks_begin(struct ws *ws) {
  bool never = ws->settings->ping_ns == MACHINE_NO_DEADLINE;
  ws->ping_ns = never ? MACHINE_NO_DEADLINE : stream_now_ns(ws->stream) + interval_ns(ws);
  ws_timer_arm(ws);
}

void ws_pause(struct ws *ws) {
  WS_COUNT(ws, paused);
  ws->pause_ns = stream_now_ns(ws->stream) + WS_INFLATE_PAUSE_NS;
  ws_timer_arm(ws);
}

static void give_up(struct ws *ws) {
  WS_COUNT(ws, silent);
  ws->state = WS_DONE;
  stream_reset(ws->stream, 0);
}

/* Since the last look, an interval ago. A peer whose bytes we do not read cannot be judged. */
static void look_for_life(struct ws *ws, uint64_t now_ns) {
  bool alive = ws->heard || ws_is_blocked(ws);
  if (!alive && ws->pinged) {
    give_up(ws);
    return;
  }
  ws->ping_ns = now_ns + interval_ns(ws);
  ws->pinged = !alive;
  ws->heard = false;
  if (alive) return;
  ws_queue_control(&ws->out.ping, span_of(NULL, 0));
  stream_resume(ws->stream);
}

/* A peer that takes what waits before our close frame has more time: a message may take longer. */
static bool is_too_late(struct ws *ws, uint64_t now_ns) {
  if (now_ns < ws->close_ns) return false;
  if (ws->out.bytes >= ws->close_bytes) return true;
  ws->close_bytes = ws->out.bytes;
  ws->close_ns = now_ns + WS_CLOSE_NS;
  return false;
}

void ws_clocks(struct ws *ws, uint64_t now_ns) {
  if (is_too_late(ws, now_ns)) {
    give_up(ws);
    return;
  }
  if (now_ns >= ws->ping_ns) look_for_life(ws, now_ns);
  if (ws->stream) ws_timer_arm(ws);
}

/* ---- close frames ---------------------------------------------------------------------------- */

/* At most `max` bytes of the text, cut between two characters. */
static size_t cut_text(struct span text, size_t max) {
  if (text.len <= max) return text.len;
  while (max > 0 && (text.base[max] & 0xc0) == 0x80)
    max--;
  return max;
}

/* Queues our close frame, if none is; the peer has from now on WS_CLOSE_NS. */
static void say_close(struct ws *ws, unsigned code, struct span reason) {
  uint8_t payload[WS_CONTROL_BYTES_MAX];
  size_t len = 0;
  if (code != WS_NO_CODE) {
    assert(ws_code_may_be_sent(code));
    wire_put16(payload, (uint16_t)code);
    len = 2 + cut_text(reason, sizeof payload - 2);
    if (len > 2) memcpy(payload + 2, reason.base, len - 2);
  }
  ws_queue_control(&ws->out.close, span_of(payload, len));
  ws->close_bytes = ws->out.bytes;
  ws->close_ns = stream_now_ns(ws->stream) + WS_CLOSE_NS;
  ws->ping_ns = MACHINE_NO_DEADLINE;
  ws_timer_arm(ws);
  stream_resume(ws->stream);
}

void ws_begin_close(struct ws *ws, unsigned code, struct span reason) {
  if (ws->state != WS_OPEN) return;
  ws->state = WS_CLOSING;
  say_close(ws, code, reason);
}

static void count_fault(const struct ws *ws, unsigned code) {
  if (code == WS_PROTOCOL_ERROR || code == WS_INVALID_DATA) WS_COUNT(ws, broken);
  if (code == WS_TOO_BIG) WS_COUNT(ws, too_big);
  if (code == WS_POLICY_VIOLATION) WS_COUNT(ws, flooded);
}

void ws_fail(struct ws *ws, unsigned code, const char *reason) {
  if (ws->state == WS_DONE) return;
  bool first = ws->state == WS_OPEN;
  count_fault(ws, code);
  ws->state = WS_DONE;
  ws->refused = true;
  ws->code = (uint16_t)code;
  ws->reason = span_text(reason);
  ws_queue_cut(ws);
  if (first)
    say_close(ws, code, ws->reason);
  else
    stream_resume(ws->stream); /* our close frame waits, or has left */
}

/* What is wrong with a close frame's payload; 0: nothing. */
static unsigned close_fault(struct span payload, const char **reason) {
  struct ws_utf8 utf8 = {0};
  if (payload.len == 0) return 0;
  *reason = "close frame without a whole code";
  if (payload.len == 1) return WS_PROTOCOL_ERROR;
  *reason = "close code that may not be sent";
  if (!ws_code_may_be_sent(wire_get16(payload.base))) return WS_PROTOCOL_ERROR;
  *reason = "reason is not UTF-8";
  bool valid = ws_utf8(&utf8, span_of(payload.base + 2, payload.len - 2));
  return valid && ws_utf8_is_whole(&utf8) ? 0 : WS_INVALID_DATA;
}

void ws_peer_closes(struct ws *ws, struct span payload) {
  const char *reason;
  unsigned fault = close_fault(payload, &reason);
  if (fault) {
    ws_fail(ws, fault, reason);
    return;
  }
  bool first = ws->state == WS_OPEN;
  ws->state = WS_DONE;
  ws->peer_closed = true;
  ws->code = payload.len ? wire_get16(payload.base) : WS_NO_CODE;
  ws->reason = payload.len ? span_of(payload.base + 2, payload.len - 2) : span_of(NULL, 0);
  /* What waits may answer messages that came before, and still goes first (section 5.5.1). */
  if (first)
    say_close(ws, ws->code, span_of(NULL, 0));
  else
    stream_resume(ws->stream);
}

void ws_peer_ends(struct ws *ws) {
  ws->peer_ended = true;
  ws->state = WS_DONE;
  if (!ws->peer_closed && !ws->refused) { /* no close frame would be read */
    ws->abandoned = true;
    ws_queue_cut(ws);
  }
  if (ws->close_ns == MACHINE_NO_DEADLINE) ws->close_ns = stream_now_ns(ws->stream) + WS_CLOSE_NS;
  ws->ping_ns = MACHINE_NO_DEADLINE;
  ws_timer_arm(ws);
  stream_resume(ws->stream);
}

bool ws_is_over(const struct ws *ws) {
  if (ws->abandoned) return true;
  if (!ws->out.close_sent) return false;
  if (ws->refused) return true;
  return ws->peer_closed && (!ws->client || ws->peer_ended);
}
