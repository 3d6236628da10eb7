/*
 * client/h2c.c - see client/h2c.h.
 */
#include "tools/client/h2c.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/h1/framing.h"
#include "engine/h1/head.h"
#include "engine/h2/h2.h"
#include "engine/h2/upgrade.h"

enum state { ASKING, SWITCHED, REFUSED };

/* Needed until the request has left and its answer has come. */
struct question {
  char request[URL_BYTES_MAX + CLIENT_UPGRADE_FIELDS_BYTES];
  uint8_t answer[CLIENT_UPGRADE_ANSWER_BYTES];
  size_t have; /* bytes of the answer */
};

struct h2c {
  struct wrap wrap; /* first */
  struct client_connection *connection;
  struct engine *engine;
  enum state state;
  bool draining;
  size_t request_bytes, sent;
  struct question *question; /* or NULL */
};

/* ---- the request ----------------------------------------------------------------------------- */

/* False when it is too long. */
static bool write_request(struct h2c *h2c, const char *target) {
  struct question *question = h2c->question;
  uint8_t settings[H2_UPGRADE_SETTINGS_BYTES];
  size_t settings_len = h2_upgrade_settings(h2_of(&h2c->wrap.inner), settings);
  int len = snprintf(question->request, sizeof question->request,
                     "HEAD %s HTTP/1.1\r\n"
                     "Host: %s\r\n"
                     "Connection: Upgrade, HTTP2-Settings\r\n"
                     "Upgrade: h2c\r\n"
                     "HTTP2-Settings: %.*s\r\n"
                     "\r\n",
                     target, h2c->connection->server->authority, (int)settings_len,
                     (const char *)settings);
  h2c->request_bytes = (size_t)len;
  return (size_t)len < sizeof question->request;
}

static void forget_question(struct h2c *h2c) {
  if (h2c->state == ASKING || h2c->sent < h2c->request_bytes) return;
  free(h2c->question);
  h2c->question = NULL;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static bool switches(const struct h1_head *head, const struct headers *fields) {
  const struct header *upgrade = headers_find(fields, TOKEN_UPGRADE);
  return head->status == 101 && upgrade && h1_framing_upgrade_has(upgrade->value, "h2c");
}

/* The inner machine reads the answer, which is no HTTP/2, and ends by it. */
static void refuse(struct h2c *h2c, uint64_t now_ns) {
  const struct question *question = h2c->question;
  h2c->state = REFUSED;
  (void)wrap_recv(h2c, span_of(question->answer, question->have), now_ns);
}

/* Reads a head of what has come. False when it is not complete. */
static bool read_head(struct h2c *h2c, struct h1_head *head, uint64_t now_ns) {
  const struct question *question = h2c->question;
  struct headers *fields = &h2c->engine->http.headers;
  bool full = question->have == sizeof question->answer;
  headers_clear(fields);
  h1_head_begin(head, H1_RESPONSE, fields);
  struct h1_verdict verdict = h1_head_read(head, span_of(question->answer, question->have));
  if (verdict.outcome == H1_COMPLETE) return true;
  if (verdict.outcome == H1_INCOMPLETE && !full) return false;
  client_blame(h2c->connection, "the server's answer to Upgrade: h2c is not valid: %s",
               verdict.outcome == H1_INCOMPLETE ? "it is too long" : verdict.reason);
  refuse(h2c, now_ns);
  return false;
}

/* Informational responses before the answer are dropped. */
static void read_answer(struct h2c *h2c, uint64_t now_ns) {
  struct question *question = h2c->question;
  struct h1_head head;
  while (h2c->state == ASKING && read_head(h2c, &head, now_ns)) {
    if (switches(&head, &h2c->engine->http.headers)) {
      h2c->state = SWITCHED;
    } else if (head.status >= 200 || head.status == 101) {
      client_blame(h2c->connection,
                   "the server stays with HTTP/1.1: its answer to Upgrade: h2c has status %u",
                   head.status);
      refuse(h2c, now_ns);
      return;
    }
    question->have -= head.bytes;
    memmove(question->answer, question->answer + head.bytes, question->have);
  }
}

/* ---- the machine ----------------------------------------------------------------------------- */

/* What follows the 101 is HTTP/2, and came with its last bytes. */
static size_t h2c_recv(void *self, struct span in, uint64_t now_ns) {
  struct h2c *h2c = self;
  struct question *question = h2c->question;
  if (h2c->state == SWITCHED) return wrap_recv(self, in, now_ns);
  if (h2c->state == REFUSED) return in.len;
  size_t room = sizeof question->answer - question->have;
  size_t taken = in.len < room ? in.len : room;
  memcpy(question->answer + question->have, in.base, taken);
  question->have += taken;
  read_answer(h2c, now_ns);
  if (h2c->state == ASKING) return taken;
  if (h2c->state == REFUSED) return in.len;
  assert(question->have <= taken);
  struct span rest = span_skip(in, taken - question->have);
  forget_question(h2c);
  return in.len - rest.len + (rest.len ? wrap_recv(self, rest, now_ns) : 0);
}

static size_t h2c_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                            uint64_t now_ns) {
  struct h2c *h2c = self;
  size_t left = h2c->request_bytes - h2c->sent, count = left > 0 && max > 0;
  if (count) out[0] = span_of(h2c->question->request + h2c->sent, left);
  if (h2c->state != SWITCHED || count == max) return count;
  return count + wrap_send_peek(self, out + count, max - count, budget_bytes, now_ns);
}

static void h2c_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct h2c *h2c = self;
  size_t left = h2c->request_bytes - h2c->sent, ours = bytes < left ? bytes : left;
  h2c->sent += ours;
  forget_question(h2c);
  if (bytes > ours) wrap_send_ack(self, bytes - ours, now_ns);
}

static unsigned h2c_wants(const void *self) {
  const struct h2c *h2c = self;
  unsigned wants = wrap_wants(self), more = h2c->sent < h2c->request_bytes ? MACHINE_SEND : 0;
  if (h2c->state == SWITCHED) return wants | more;
  bool over = h2c->state == REFUSED || h2c->draining || h2c->connection->eof;
  return over || !(wants & MACHINE_RECV) ? MACHINE_RESET : MACHINE_RECV | more;
}

static void h2c_drain(void *self, uint64_t now_ns) {
  struct h2c *h2c = self;
  h2c->draining = true;
  wrap_drain(self, now_ns);
}

static void h2c_close(void *self) {
  struct h2c *h2c = self;
  wrap_close(self);
  free(h2c->question);
  free(h2c);
}

static const struct machine_ops h2c_ops = {
    .recv = h2c_recv,
    .recv_eof = wrap_recv_eof,
    .send_peek = h2c_send_peek,
    .send_ack = h2c_send_ack,
    .tick = wrap_tick,
    .deadline_ns = wrap_deadline_ns,
    .wants = h2c_wants,
    .drain = h2c_drain,
    .idle_since_ns = wrap_idle_since_ns,
    .close = h2c_close,
};

static bool begin(struct h2c *h2c, const char *target) {
  static const struct stream_events events = {0};
  return h2c->question && write_request(h2c, target) &&
         h2_upgrade_request(h2_of(&h2c->wrap.inner), true, &events, NULL);
}

bool client_h2c_around(struct client_connection *connection, struct engine *engine,
                       const char *target, struct machine *machine) {
  struct machine inner = *machine;
  struct h2c *h2c = calloc(1, sizeof *h2c);
  if (!h2c) return false;
  h2c->connection = connection;
  h2c->engine = engine;
  h2c->question = calloc(1, sizeof *h2c->question);
  wrap_around(&h2c->wrap, &h2c_ops, machine);
  if (begin(h2c, target)) return true;
  *machine = inner;
  free(h2c->question);
  free(h2c);
  return false;
}
