/*
 * attack/h1.c - attacks in HTTP/1.1.
 */
#include "tests/helpers/attack/attack.h"
#include "tests/helpers/attack/units.h"

#include <stdio.h>
#include <string.h>

/* There is no preface. */
static void begin_h1(struct peer *peer) {
  peer->made = 0;
  peer->h1 = true;
}

static void put_text(struct peer *peer, const char *text) {
  peer_put(peer, text, strlen(text));
}

static void put_request(struct peer *peer, const char *method, const char *path,
                        const char *fields) {
  char head[512];
  snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, path, fields);
  put_text(peer, head);
}

/* Requests, one after the other, without waiting for an answer. */
static bool step_get(struct peer *peer) {
  put_request(peer, "GET", peer->options->path, "");
  return true;
}

/* What never ends. variant 0: a target; 1: a method; 2: a field's value; 3: fields; 4: white space before a
 * value; 5: a trailer section. */
static bool step_endless(struct peer *peer) {
  static const char *const beginnings[] = {
      "GET /", "", "GET / HTTP/1.1\r\nX: ", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nX:", ""};
  static const char *const units[] = {"aaaaaaaaaaaaaaaa", "AAAAAAAAAAAAAAAA", "xxxxxxxxxxxxxxxx",
                                      "a:\r\n",           "                ", "x: y\r\n"};
  const unsigned variant = peer->options->variant;
  if (peer->units == 0) put_text(peer, beginnings[variant]);
  if (peer->units == 0 && variant == 5) {
    put_request(peer, "POST", "/sink", "Transfer-Encoding: chunked\r\n");
    put_text(peer, "0\r\n");
  }
  for (int i = 0; i < 64; i++)
    put_text(peer, units[variant]);
  return true;
}

/* A chunked body. variant 0: chunks of one byte; 1: the same, with extensions of 8 bytes, within what is
 * allowed; 2: with extensions of 8 KiB (CVE-2023-39326). */
static bool step_chunks(struct peer *peer) {
  if (peer->units == 0) put_request(peer, "POST", "/sink", "Transfer-Encoding: chunked\r\n");
  put_text(peer, "1");
  if (peer->options->variant > 0) put_text(peer, ";a=");
  if (peer->options->variant == 1) peer_put_zeros(peer, 'b', 5);
  if (peer->options->variant == 2) peer_put_zeros(peer, 'b', 8192);
  put_text(peer, "\r\nx\r\n");
  return true;
}

/* One malformed request, and others behind it, which must not be read. */
static bool step_bad(struct peer *peer) {
  if (peer->units == 0)
    put_request(peer, "GET", "/plaintext", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n");
  put_request(peer, "GET", "/plaintext", "");
  return true;
}

/* An upload that is refused at once, and goes on. */
static bool step_upload(struct peer *peer) {
  if (peer->units == 0)
    put_request(peer, "POST", "/plaintext", "Content-Length: 1000000000000\r\n");
  peer_put_zeros(peer, 'x', 16384);
  return true;
}

/* One byte per second of something that is never complete. variant 0: a head; 1: a body; 2: a chunk's size. */
static bool step_slow(struct peer *peer) {
  if (!units_wait_for(peer, 1000)) return false;
  if (peer->units == 0 && peer->options->variant == 0) put_text(peer, "GET / HTTP/1.1\r\nX: ");
  if (peer->units == 0 && peer->options->variant == 1)
    put_request(peer, "POST", "/sink", "Content-Length: 100000\r\n");
  if (peer->units == 0 && peer->options->variant == 2)
    put_request(peer, "POST", "/sink", "Transfer-Encoding: chunked\r\n");
  put_text(peer, "0");
  return true;
}

static const struct attack attacks[] = {
    {"h1-get", "pipelined requests", step_get, begin_h1, true},
    {"h1-endless", "lines and heads without an end", step_endless, begin_h1, true},
    {"h1-chunks", "chunks of one byte (CVE-2023-39326)", step_chunks, begin_h1, true},
    {"h1-bad", "requests behind a malformed one", step_bad, begin_h1, true},
    {"h1-upload", "an upload that was answered", step_upload, begin_h1, true},
    {"h1-slow", "slow heads and bodies (CVE-2007-6750)", step_slow, begin_h1, true},
};

const struct attack_list attack_h1 = ATTACK_LIST(attacks);
