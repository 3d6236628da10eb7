/*
 * ws/test_handshake.c - keys, requests and responses of the opening handshake.
 */
#include <stdio.h>
#include <string.h>

#include "engine/ws/handshake.h"
#include "tests/support/cmocka.h"

enum { FIELDS = 8 };

/* RFC 6455 sections 1.3 and 4.1: a nonce of 0x01 .. 0x10, and "the sample nonce". */
static void keys_of_the_rfc(void **state) {
  (void)state;
  static const uint8_t counting[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  uint8_t key[WS_KEY_TEXT_BYTES], accept[WS_ACCEPT_TEXT_BYTES];
  ws_key_text(counting, key);
  assert_memory_equal(key, "AQIDBAUGBwgJCgsMDQ4PEA==", sizeof key);
  ws_key_text((const uint8_t *)"the sample nonce", key);
  assert_memory_equal(key, "dGhlIHNhbXBsZSBub25jZQ==", sizeof key);
  ws_accept_text(span_of(key, sizeof key), accept);
  assert_memory_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", sizeof accept);
}

static void valid_keys(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool valid;
  } rows[] = {
      {"dGhlIHNhbXBsZSBub25jZQ==", true},
      {"++++////0000zzzzZZZZaA==", true},
      {"", false},
      {"dGhlIHNhbXBsZSBub25jZQ=", false},
      {"dGhlIHNhbXBsZSBub25jZQ===", false},
      {"dGhlIHNhbXBsZSBub25jZQ=A", false},
      {"dGhlIHNhbXBsZSBub25jZQA=", false},
      {"dGhl-HNhbXBsZSBub25jZQ==", false},
      {"dGhl HNhbXBsZSBub25jZQ==", false},
      {"dGhl=HNhbXBsZSBub25jZQ==", false},
      {"dGhlIHNhbXBsZSBub25jZQAA", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (ws_key_is_valid(span_text(rows[i].text)) != rows[i].valid) fail_msg("%s", rows[i].text);
}

/* Reads "name: value\n..." into a list. */
static void fields_of(const char *text, struct headers *headers, struct header *at) {
  headers_init(headers, at, FIELDS, NULL, 0, 65536);
  struct span left = span_text(text), line;
  while (span_cut(left, '\n', &line, &left)) {
    struct header field = {0};
    assert_true(span_cut(line, ':', &field.name, &field.value));
    field.value = span_of(field.value.base + 1, field.value.len - 1);
    field.token = (uint16_t)header_token_of(field.name);
    headers_add(headers, field);
  }
}

#define KEY      "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\n"
#define VERSION  "sec-websocket-version: 13\n"
#define PROTOCOL "sec-websocket-protocol: "

static const char *const two[] = {"superchat", "chat", NULL};

static const struct {
  const char *name, *method, *fields;
  unsigned status;
  const char *key, *protocol;
} requests[] = {
    {"the RFC's", "GET", KEY VERSION PROTOCOL "chat, superchat\n", 0,
     "dGhlIHNhbXBsZSBub25jZQ==", "superchat"},
    {"no subprotocol", "GET", KEY VERSION, 0, "dGhlIHNhbXBsZSBub25jZQ==", ""},
    {"none that is known", "GET", KEY VERSION PROTOCOL "wamp\n", 0, "dGhlIHNhbXBsZSBub25jZQ==", ""},
    {"subprotocols in two fields", "CONNECT", VERSION PROTOCOL "wamp\n" PROTOCOL "chat\n", 0, "",
     "chat"},
    {"case matters", "CONNECT", VERSION PROTOCOL "Chat\n", 0, "", ""},
    {"a name within another", "CONNECT", VERSION PROTOCOL "superchats, hat\n", 0, "", ""},
    {"over HTTP/2", "CONNECT", VERSION, 0, "", ""},
    {"over HTTP/2 the key is not looked at", "CONNECT", VERSION "sec-websocket-key: x\n", 0, "",
     ""},
    {"no version", "GET", KEY, 400, "", ""},
    {"no version over HTTP/2", "CONNECT", "", 400, "", ""},
    {"version 8", "GET", KEY "sec-websocket-version: 8\n", 426, "", ""},
    {"version 013", "GET", KEY "sec-websocket-version: 013\n", 426, "", ""},
    {"a list of versions", "GET", KEY "sec-websocket-version: 13, 8\n", 426, "", ""},
    {"version 7 over HTTP/2", "CONNECT", "sec-websocket-version: 7\n", 426, "", ""},
    {"two versions", "GET", KEY VERSION VERSION, 400, "", ""},
    {"no key", "GET", VERSION, 400, "", ""},
    {"two keys", "GET", KEY KEY VERSION, 400, "", ""},
    {"by POST", "POST", KEY VERSION, 400, "", ""}, /* section 4.2.1 */
    {"a short key", "GET", VERSION "sec-websocket-key: AAAA\n", 400, "", ""},
};

static void requests_mean_what_they_say(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
    struct header at[FIELDS];
    struct headers fields;
    fields_of(requests[i].fields, &fields, at);
    struct request request = {.method = span_text(requests[i].method), .fields = &fields};
    request.end = span_is(request.method, "GET"); /* over HTTP/1.1 it has no content */
    struct ws_request read = ws_request_read(&request, two);
    if (read.status != requests[i].status) fail_msg("%s: %u", requests[i].name, read.status);
    if (!span_is(read.key, requests[i].key)) fail_msg("%s: another key", requests[i].name);
    if (!span_is(read.protocol, requests[i].protocol))
      fail_msg("%s: another subprotocol", requests[i].name);
    if (read.status == 0) assert_int_equal(ws_request_read(&request, NULL).protocol.len, 0);
  }
}

/* RFC 8441 section 5: END_STREAM is what closing TCP is, so no message can come. */
static void ended_requests_are_refused(void **state) {
  (void)state;
  struct header at[FIELDS];
  struct headers fields;
  fields_of(VERSION, &fields, at);
  struct request request = {.method = span_text("CONNECT"), .fields = &fields, .end = true};
  assert_int_equal(ws_request_read(&request, NULL).status, 400);
}

#define ACCEPT "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n"

static const struct {
  const char *name;
  unsigned status;
  const char *fields, *key, *fault;
} responses[] = {
    {"the RFC's", 101, ACCEPT PROTOCOL "chat\n", "dGhlIHNhbXBsZSBub25jZQ==", NULL},
    {"without subprotocol", 101, ACCEPT, "dGhlIHNhbXBsZSBub25jZQ==", NULL},
    {"over HTTP/2", 200, "", "", NULL},
    {"over HTTP/2, another 2xx", 204, "", "", NULL},
    {"200 over HTTP/1.1", 200, ACCEPT,
     "dGhlIHNhbXBsZSBub25jZQ==", "the server does not open a WebSocket"},
    {"404", 404, "", "", "the server does not open a WebSocket"},
    {"no accept", 101, "",
     "dGhlIHNhbXBsZSBub25jZQ==", "the server's Sec-WebSocket-Accept is wrong"},
    {"another accept", 101, "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOO=\n",
     "dGhlIHNhbXBsZSBub25jZQ==", "the server's Sec-WebSocket-Accept is wrong"},
    {"accept in another case", 101, "sec-websocket-accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n",
     "dGhlIHNhbXBsZSBub25jZQ==", "the server's Sec-WebSocket-Accept is wrong"},
    {"two accepts", 101, ACCEPT ACCEPT,
     "dGhlIHNhbXBsZSBub25jZQ==", "a field of the handshake came twice"},
    {"two subprotocols", 200, PROTOCOL "chat\n" PROTOCOL "superchat\n", "",
     "a field of the handshake came twice"},
    {"another subprotocol", 200, PROTOCOL "wamp\n", "",
     "the server chose a subprotocol that was not offered"},
    {"an empty subprotocol", 200, PROTOCOL "\n", "",
     "the server chose a subprotocol that was not offered"},
    {"a list of subprotocols", 200, PROTOCOL "chat, superchat\n", "",
     "the server chose a subprotocol that was not offered"},
};

static void responses_mean_what_they_say(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof responses / sizeof *responses; i++) {
    struct header at[FIELDS];
    struct headers fields;
    struct span protocol;
    fields_of(responses[i].fields, &fields, at);
    const char *fault =
        ws_response_read(responses[i].status, &fields, span_text(responses[i].key), two, &protocol);
    const char *expected = responses[i].fault;
    if (!fault != !expected || (fault && strcmp(fault, expected) != 0))
      fail_msg("%s: %s", responses[i].name, fault ? fault : "accepted");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys_of_the_rfc),
      cmocka_unit_test(valid_keys),
      cmocka_unit_test(requests_mean_what_they_say),
      cmocka_unit_test(ended_requests_are_refused),
      cmocka_unit_test(responses_mean_what_they_say),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
