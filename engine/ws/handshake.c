/*
 * ws/handshake.c - the opening handshake; see ws/handshake.h.
 */
#include "engine/ws/handshake.h"

#include <assert.h>
#include <string.h>

#include "engine/http/field_list.h"
#include "engine/ws/sha1.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Base64 with padding (RFC 4648 section 4). */
static void base64(const uint8_t *in, size_t len, uint8_t *out) {
  for (size_t i = 0; i < len; i += 3, out += 4) {
    size_t left = len - i;
    uint32_t bits = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                    (left > 2 ? in[i + 2] : 0u);
    out[0] = (uint8_t)letters[bits >> 18];
    out[1] = (uint8_t)letters[bits >> 12 & 63];
    out[2] = (uint8_t)(left > 1 ? letters[bits >> 6 & 63] : '=');
    out[3] = (uint8_t)(left > 2 ? letters[bits & 63] : '=');
  }
}

void ws_key_text(const uint8_t nonce[WS_NONCE_BYTES], uint8_t out[WS_KEY_TEXT_BYTES]) {
  base64(nonce, WS_NONCE_BYTES, out);
}

bool ws_key_is_valid(struct span value) {
  if (value.len != WS_KEY_TEXT_BYTES) return false;
  for (size_t i = 0; i < WS_KEY_TEXT_BYTES - 2; i++)
    if (!memchr(letters, value.base[i], sizeof letters - 1)) return false;
  /* The 22nd letter holds 2 bits. Its other 4 are 0 in what encoders make, and not looked at. */
  return value.base[22] == '=' && value.base[23] == '=';
}

void ws_accept_text(struct span key, uint8_t out[WS_ACCEPT_TEXT_BYTES]) {
  static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* section 1.3 */
  uint8_t text[WS_KEY_TEXT_BYTES + sizeof guid - 1], digest[SHA1_BYTES];
  assert(key.len == WS_KEY_TEXT_BYTES);
  memcpy(text, key.base, WS_KEY_TEXT_BYTES);
  memcpy(text + WS_KEY_TEXT_BYTES, guid, sizeof guid - 1);
  ws_sha1(span_of(text, sizeof text), digest);
  base64(digest, sizeof digest, out);
}

/* The only field of that name: NULL when there is none; *twice when there are several. */
static const struct header *only(const struct headers *fields, enum header_token token,
                                 bool *twice) {
  const struct header *found = NULL;
  for (uint32_t i = 0; i < fields->count; i++) {
    if (fields->at[i].token != token) continue;
    if (found) *twice = true;
    found = &fields->at[i];
  }
  return found;
}

/* The element of all fields of this name that equals `text`, or an empty span. Subprotocols compare
 * with case (section 4.1, item 10 of the client's list). */
static struct span element_of(const struct headers *fields, enum header_token token,
                              const char *text) {
  for (uint32_t i = 0; i < fields->count; i++) {
    if (fields->at[i].token != token) continue;
    struct span list = fields->at[i].value, element;
    while (field_next(&list, &element))
      if (span_is(element, text)) return element;
  }
  return span_of(NULL, 0);
}

struct ws_request ws_request_read(const struct request *request, const char *const *protocols) {
  struct ws_request read = {0};
  bool twice = false;
  const struct header *version = only(request->fields, TOKEN_SEC_WEBSOCKET_VERSION, &twice);
  const struct header *key = only(request->fields, TOKEN_SEC_WEBSOCKET_KEY, &twice);
  bool has_key = !span_is(request->method, "CONNECT"); /* not over HTTP/2: RFC 8441 section 5 */
  bool other_method = has_key && !span_is(request->method, "GET"); /* section 4.2.1, item 1 */
  bool key_is_wrong = has_key && !(key && ws_key_is_valid(key->value));
  bool ended = !has_key && request->end; /* closed before it is open: RFC 8441 section 5 */
  if (version && !twice && !span_is(version->value, "13"))
    read.status = 426;
  else if (!version || twice || key_is_wrong || other_method || ended)
    read.status = 400;
  if (read.status) return read;
  if (has_key) read.key = key->value;
  for (; protocols && *protocols && read.protocol.len == 0; protocols++)
    read.protocol = element_of(request->fields, TOKEN_SEC_WEBSOCKET_PROTOCOL, *protocols);
  return read;
}

static bool is_offered(struct span protocol, const char *const *protocols) {
  for (; protocols && *protocols; protocols++)
    if (span_is(protocol, *protocols)) return true;
  return false;
}

const char *ws_response_read(unsigned status, const struct headers *fields, struct span key,
                             const char *const *protocols, struct span *protocol) {
  bool twice = false;
  uint8_t expected[WS_ACCEPT_TEXT_BYTES];
  const struct header *accept = only(fields, TOKEN_SEC_WEBSOCKET_ACCEPT, &twice);
  const struct header *chosen = only(fields, TOKEN_SEC_WEBSOCKET_PROTOCOL, &twice);
  *protocol = chosen ? chosen->value : span_of(NULL, 0);
  if (key.len > 0 ? status != 101 : status < 200 || status > 299)
    return "the server does not open a WebSocket";
  if (twice) return "a field of the handshake came twice";
  if (key.len > 0) ws_accept_text(key, expected);
  if (key.len > 0 && !(accept && span_equal(accept->value, span_of(expected, sizeof expected))))
    return "the server's Sec-WebSocket-Accept is wrong";
  if (chosen && !is_offered(chosen->value, protocols))
    return "the server chose a subprotocol that was not offered";
  return NULL;
}
