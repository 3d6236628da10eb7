/*
 * h1/diff_source.c - see h1/diff_source.h.
 */
#include "tests/engine/h1/diff_source.h"

#include <assert.h>
#include <string.h>

static const char *const methods[] = {"GET",  "POST",    "HEAD", "PUT",  "OPTIONS", "DELETE", "GET",
                                      "POST", "CONNECT", "get",  "BREW", "G",       ""};
static const char *const targets[] = {
    "/",    "/a?b=c", "/",         "/a/b", "*",    "http://a/", "http://a?b",      "http://b/",
    "a:80", "/a#b",   "/\xc3\xa4", "a",    "/a b", "//c",       "https://a:443/x", ""};
static const char *const versions[] = {"HTTP/1.1", "HTTP/1.1",  "HTTP/1.1", "HTTP/1.1", "HTTP/1.1",
                                       "HTTP/1.0", "HTTP/1.0",  "HTTP/1.2", "HTTP/2.0", "HTTP/0.9",
                                       "http/1.1", "HTTP/1.10", "HTTP/1",   ""};
static const char *const statuses[] = {
    "200 OK",        "200 OK",       "204 No Content",  "304 Not Modified",
    "404 Not Found", "100 Continue", "103 Early Hints", "500",
    "200 ",          "999 x",        "20 OK",           "2000 OK",
    "200x",          " 200 OK",      "101 Switching",   ""};
static const char *const fields[] = {"Content-Length: 3",
                                     "Content-Length: 0",
                                     "content-length: 5",
                                     "Content-Length: +3",
                                     "Content-Length: 3, 3",
                                     "Content-Length: 0x3",
                                     "Content-Length:",
                                     "Content-Length: 99999999999999999999",
                                     "Content-Length: 3 ",
                                     "Content-Length: 3 3",
                                     "Content-Length : 3",
                                     "Content-Length: 3;",
                                     "Transfer-Encoding: chunked",
                                     "Transfer-Encoding: chunked",
                                     "transfer-encoding:chunked",
                                     "Transfer-Encoding: Chunked",
                                     "Transfer-Encoding: gzip",
                                     "Transfer-Encoding: gzip, chunked",
                                     "Transfer-Encoding: chunked, identity",
                                     "Transfer-Encoding: xchunked",
                                     "Transfer-Encoding: chunked,",
                                     "Transfer-Encoding : chunked",
                                     "Transfer-Encoding: identity",
                                     "Transfer-Encoding:\tchunked",
                                     "Connection: close",
                                     "Connection: keep-alive",
                                     "Connection: upgrade",
                                     "Connection: close, upgrade",
                                     "Upgrade: websocket",
                                     "Upgrade: h2c",
                                     "Expect: 100-continue",
                                     "Expect: x",
                                     "Host: a",
                                     "Host: b",
                                     "Host:",
                                     "Accept: */*",
                                     "X: y",
                                     "X-Long-Name-Of-A-Field: and a value with words",
                                     "X:",
                                     "X: \t y\t ",
                                     " folded",
                                     "\tfolded",
                                     "X y: z",
                                     "X\x01: y",
                                     "X: \x01",
                                     "X: \x7f",
                                     "X: \xff",
                                     ": y",
                                     "no colon",
                                     "X: y\rZ: z",
                                     "X: y\nZ: z",
                                     "X(: y",
                                     "TE: trailers",
                                     "Trailer: X"};
static const char *const bodies[] = {"3\r\nabc\r\n0\r\n\r\n",
                                     "3\r\nabc\r\n0\r\n\r\n",
                                     "3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n",
                                     "0\r\n\r\n",
                                     "A\r\n0123456789\r\n00\r\n\r\n",
                                     "3\nabc\r\n0\r\n\r\n",
                                     "+3\r\nabc\r\n0\r\n\r\n",
                                     "3 \r\nabc\r\n0\r\n\r\n",
                                     "0x3\r\nabc\r\n0\r\n\r\n",
                                     "3\r\nabcd\r\n0\r\n\r\n",
                                     "4\r\nabc\r\n0\r\n\r\n",
                                     "3\r\nabc\n0\r\n\r\n",
                                     "3;\nabc\r\n0\r\n\r\n",
                                     "0\r\nContent-Length: 3\r\n\r\n",
                                     "0\r\nTransfer-Encoding: chunked\r\n\r\n",
                                     "0\r\nHost: b\r\n\r\n",
                                     "ffffffffffffffff\r\nabc",
                                     "8000000000000000\r\nabc",
                                     "0\n\n",
                                     "3;a=\"b c\"\r\nabc\r\n0\r\n\r\n",
                                     "0\r\n X: y\r\n\r\n",
                                     "3; a\r\nabc\r\n0\r\n\r\n",
                                     "3\r\nabc\r\n0\r\nX: y\n\r\n",
                                     "abc",
                                     "abcde",
                                     ""};
static const char nasty[] = "\0\x01\t\n\v\f\r \"#%(),/:;<=>?@[\\]_{}~\x7f\x80\xa0\xff"
                            "019aAgGZ+-";

#define PICK(random, list) list[random_below(random, sizeof(list) / sizeof *(list))]

static void put(struct diff_message *message, const char *text) {
  const size_t len = strlen(text);
  assert(message->len + len <= DIFF_BYTES);
  memcpy(message->bytes + message->len, text, len);
  message->len += len;
}

static void put_line_end(struct diff_message *message, struct random *random) {
  put(message, random_one_in(random, 150) ? "\n" : random_one_in(random, 300) ? "\r" : "\r\n");
}

static void put_start(struct diff_message *message, struct random *random) {
  const bool plain = !random_one_in(random, 4);
  if (message->kind == H1_REQUEST) {
    put(message, plain ? (random_one_in(random, 2) ? "GET" : "POST") : PICK(random, methods));
    put(message, " ");
    put(message, plain ? "/" : PICK(random, targets));
    put(message, " ");
  }
  put(message, random_one_in(random, 8) ? PICK(random, versions) : "HTTP/1.1");
  if (message->kind == H1_RESPONSE) {
    put(message, " ");
    put(message, plain ? "200 OK" : PICK(random, statuses));
  }
  put_line_end(message, random);
}

static void put_fields(struct diff_message *message, struct random *random) {
  if (message->kind == H1_REQUEST && !random_one_in(random, 20)) put(message, "Host: a\r\n");
  for (uint32_t count = random_below(random, 4); count > 0; count--) {
    put(message, PICK(random, fields));
    put_line_end(message, random);
  }
  if (random_one_in(random, 3)) put(message, "Transfer-Encoding: chunked\r\n");
  put_line_end(message, random);
}

/* Replaces, removes or inserts a byte. */
static void spoil(struct diff_message *message, struct random *random) {
  const size_t at = random_below(random, (uint32_t)message->len);
  const uint8_t byte = (uint8_t)nasty[random_below(random, sizeof nasty - 1)];
  uint8_t *place = message->bytes + at;
  switch (random_below(random, 3)) {
  case 0: *place = byte; break;
  case 1:
    memmove(place, place + 1, message->len - at - 1);
    message->len--;
    break;
  default:
    if (message->len == DIFF_BYTES) break;
    memmove(place + 1, place, message->len - at);
    *place = byte;
    message->len++;
    break;
  }
}

void diff_source_make(struct diff_message *message, struct random *random) {
  message->len = 0;
  message->kind = random_one_in(random, 3) ? H1_RESPONSE : H1_REQUEST;
  if (random_one_in(random, 50)) put(message, "\r\n");
  put_start(message, random);
  put_fields(message, random);
  put(message, random_one_in(random, 2) ? bodies[0] : PICK(random, bodies));
  put(message, "GET /next HTTP/1.1\r\n");
  while (random_one_in(random, 3))
    spoil(message, random);
}
