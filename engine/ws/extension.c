/*
 * ws/extension.c - negotiates permessage-deflate; see ws/extension.h.
 *
 * An element of the field is a name and parameters, separated by semicolons. Both sides read it the same
 * way; only a client's offer may name client_max_window_bits without a value.
 */
#include "engine/ws/extension.h"

#include <string.h>

#include "engine/base/decimal.h"
#include "engine/http/field_list.h"
#include "engine/ws/limits.h"

static const char name[] = "permessage-deflate";

/* The parameters of one element. Bits are 0 where none were named. */
struct parameters {
  bool server_no_takeover, client_no_takeover;
  bool server_bits_named, client_bits_named;
  uint8_t server_bits, client_bits;
};

/* Sets a parameter that may stand once. */
static bool once(bool *named) {
  bool first = !*named;
  *named = true;
  return first;
}

/* 8 .. 15, without leading zeros, perhaps quoted (RFC 6455 section 9.1). */
static bool read_bits(struct span value, uint8_t *bits) {
  uint64_t number;
  if (value.len >= 2 && value.base[0] == '"' && value.base[value.len - 1] == '"')
    value = span_of(value.base + 1, value.len - 2);
  if (value.len == 0 || value.base[0] == '0' || !decimal_get(value, &number)) return false;
  if (number < WS_WINDOW_BITS_MIN || number > WS_WINDOW_BITS_MAX) return false;
  *bits = (uint8_t)number;
  return true;
}

static bool read_parameter(struct parameters *parameters, struct span text, bool offer) {
  struct span key = text, value = span_of(NULL, 0);
  bool has_value = span_cut(text, '=', &key, &value);
  key = field_trim(key);
  value = field_trim(value);
  if (span_is(key, "server_no_context_takeover"))
    return !has_value && once(&parameters->server_no_takeover);
  if (span_is(key, "client_no_context_takeover"))
    return !has_value && once(&parameters->client_no_takeover);
  if (span_is(key, "server_max_window_bits"))
    return once(&parameters->server_bits_named) && read_bits(value, &parameters->server_bits);
  if (!span_is(key, "client_max_window_bits") || !once(&parameters->client_bits_named))
    return false;
  return (offer && !has_value) || read_bits(value, &parameters->client_bits);
}

/* The parameters behind the name. False when one is not of the extension, or malformed. */
static bool read_parameters(struct parameters *parameters, struct span text, bool offer) {
  *parameters = (struct parameters){0};
  while (text.len > 0)
    if (!read_parameter(parameters, field_split(&text, ';'), offer)) return false;
  return true;
}

static uint8_t least(uint8_t a, uint8_t b) {
  return a < b ? a : b;
}

/* ---- writing --------------------------------------------------------------------------------- */

static size_t put(uint8_t *out, size_t at, const char *text) {
  size_t len = strlen(text);
  memcpy(out + at, text, len);
  return at + len;
}

static size_t put_bits(uint8_t *out, size_t at, const char *text, uint8_t bits) {
  at = put(out, at, text);
  return at + decimal_put(out + at, bits);
}

static size_t write_terms(const struct ws_deflate_terms *terms, const struct parameters *parameters,
                          uint8_t *out) {
  size_t at = put(out, 0, name);
  if (terms->server_no_takeover) at = put(out, at, "; server_no_context_takeover");
  if (terms->client_no_takeover) at = put(out, at, "; client_no_context_takeover");
  if (parameters->server_bits_named)
    at = put_bits(out, at, "; server_max_window_bits=", terms->server_bits);
  if (parameters->client_bits_named && terms->client_bits < WS_WINDOW_BITS_MAX)
    at = put_bits(out, at, "; client_max_window_bits=", terms->client_bits);
  return at;
}

/* ---- server ---------------------------------------------------------------------------------- */

/* zlib has no raw window of 2^8 bytes, so that an offer that asks for it cannot be fulfilled. */
static bool can_fulfil(const struct parameters *offer) {
  return !offer->server_bits_named || offer->server_bits > WS_WINDOW_BITS_MIN;
}

static struct ws_deflate_terms agree(const struct parameters *offer,
                                     const struct ws_deflate_wish *wish) {
  struct ws_deflate_terms terms = {
      .on = true,
      .server_no_takeover = offer->server_no_takeover || !wish->takeover,
      .client_no_takeover = offer->client_no_takeover || !wish->takeover,
      .server_bits = wish->window_bits,
      .client_bits = WS_WINDOW_BITS_MAX,
  };
  if (offer->server_bits_named) terms.server_bits = least(offer->server_bits, wish->window_bits);
  if (offer->client_bits_named) terms.client_bits = wish->window_bits;
  if (offer->client_bits) terms.client_bits = least(offer->client_bits, wish->window_bits);
  return terms;
}

size_t ws_extension_answer(const struct headers *fields, const struct ws_deflate_wish *wish,
                           struct ws_deflate_terms *terms, uint8_t *out) {
  unsigned looks = 0;
  *terms = (struct ws_deflate_terms){0};
  for (uint32_t i = 0; wish->on && i < fields->count; i++) {
    if (fields->at[i].token != TOKEN_SEC_WEBSOCKET_EXTENSIONS) continue;
    struct span list = fields->at[i].value, element;
    while (field_next(&list, &element) && looks++ < WS_OFFERS_MAX) {
      struct parameters offer;
      if (!span_is(field_split(&element, ';'), name)) continue;
      if (!read_parameters(&offer, element, true) || !can_fulfil(&offer)) continue;
      *terms = agree(&offer, wish);
      return write_terms(terms, &offer, out);
    }
  }
  return 0;
}

/* ---- client ---------------------------------------------------------------------------------- */

size_t ws_extension_offer(const struct ws_deflate_wish *wish, uint8_t *out) {
  if (!wish->on) return 0;
  size_t at = put(out, 0, name);
  if (!wish->takeover)
    at = put(out, at, "; server_no_context_takeover; client_no_context_takeover");
  return put(out, at, "; client_max_window_bits");
}

static const char *read_answer(struct span element, const struct ws_deflate_wish *wish,
                               struct ws_deflate_terms *terms) {
  struct parameters answer;
  if (!wish->on || terms->on || !span_is(field_split(&element, ';'), name))
    return "the server chose an extension that was not offered";
  if (!read_parameters(&answer, element, false))
    return "the server's permessage-deflate is malformed";
  if (!wish->takeover && !answer.server_no_takeover)
    return "the server keeps its window between messages";
  /* Ours is smaller if it may be; zlib has none of 2^8, and then we do not compress. */
  uint8_t ours = answer.client_bits ? answer.client_bits : WS_WINDOW_BITS_MAX;
  *terms = (struct ws_deflate_terms){
      .on = true,
      .server_no_takeover = answer.server_no_takeover,
      .client_no_takeover = answer.client_no_takeover || !wish->takeover,
      .server_bits = answer.server_bits ? answer.server_bits : WS_WINDOW_BITS_MAX,
      .client_bits = least(ours, wish->window_bits),
  };
  return NULL;
}

const char *ws_extension_read(const struct headers *fields, const struct ws_deflate_wish *wish,
                              struct ws_deflate_terms *terms) {
  *terms = (struct ws_deflate_terms){0};
  for (uint32_t i = 0; i < fields->count; i++) {
    if (fields->at[i].token != TOKEN_SEC_WEBSOCKET_EXTENSIONS) continue;
    struct span list = fields->at[i].value, element;
    while (field_next(&list, &element)) {
      const char *fault = read_answer(element, wish, terms);
      if (fault) return fault;
    }
  }
  return NULL;
}
