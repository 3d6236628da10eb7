/*
 * fuzz/h1_head.c - whole messages of HTTP/1.1, requests and responses: what is read does not depend on how the
 * bytes come.
 *
 * An input is 2 bytes of choices (kind, and seed of the cuts), then the bytes of a message. Each
 * piece is in memory of its own size. Both ways must read the same, or both refuse; one may only
 * wait where the other has refused already. Asserts check that the result keeps to the grammar.
 */
#include "engine/http/syntax.h"
#include "tests/engine/h1/message.h"
#include "tests/support/random.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct message whole, pieces;
static char whole_text[MESSAGE_TEXT], pieces_text[MESSAGE_TEXT];

static size_t give(struct message *message, const uint8_t *bytes, size_t len) {
  uint8_t *copy = malloc(len);
  assert(copy);
  memcpy(copy, bytes, len);
  const size_t used = message_give(message, span_of(copy, len));
  free(copy);
  assert(used <= len);
  return used;
}

static void give_in_pieces(const uint8_t *bytes, size_t len, uint8_t seed) {
  struct random random = {.state = seed};
  while (len > 0 && pieces.step < MESSAGE_DONE) {
    const size_t piece = random_size(&random, (uint32_t)len);
    const size_t used = give(&pieces, bytes, piece);
    bytes += used;
    len -= used;
    if (used < piece) break;
  }
  if (len == 0) message_end(&pieces);
}

static void check_fields(const struct headers *fields) {
  for (uint32_t i = 0; i < fields->count; i++) {
    const struct header *field = &fields->at[i];
    assert(syntax_is_token(field->name));
    assert(field->token == header_token_of(field->name));
    assert(header_name_flags(field->name) == 0 && header_value_flags(field->value) == 0);
  }
}

static void check_message(const struct message *message) {
  if (message->step != MESSAGE_DONE) return;
  check_fields(&message->fields);
  check_fields(&message->trailers);
  if (message->kind == H1_RESPONSE) {
    assert(message->head.status >= 100 && message->head.status <= 999);
    return;
  }
  const struct h1_target *target = &message->target;
  assert(syntax_is_token(message->head.method));
  assert(target->path.len > 0 || target->form == H1_FORM_AUTHORITY);
  assert(target->authority.len > 0 || message->head.minor == 0);
  assert(target->path.len == 0 || syntax_is_path(target->path) || span_is(target->path, "*"));
  assert(target->authority.len == 0 || syntax_is_authority(target->authority, false));
}

static bool is_refused(const struct message *message) {
  return message->step == MESSAGE_REFUSED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 3 || size > MESSAGE_BYTES / 2) return 0;
  const enum h1_head_kind kind = data[0] & 1 ? H1_RESPONSE : H1_REQUEST;
  const struct h1_asked asked = {.head = data[0] & 2, .connect = data[0] & 4};
  message_begin(&whole, kind, asked);
  const size_t used = give(&whole, data + 2, size - 2);
  if (used == size - 2) message_end(&whole);
  message_begin(&pieces, kind, asked);
  give_in_pieces(data + 2, size - 2, data[1]);
  check_message(&whole);
  check_message(&pieces);
  if (is_refused(&whole) || is_refused(&pieces)) {
    assert(whole.step != MESSAGE_DONE && pieces.step != MESSAGE_DONE);
    return 0;
  }
  message_text(&whole, whole_text);
  message_text(&pieces, pieces_text);
  assert(strcmp(whole_text, pieces_text) == 0);
  if (kind == H1_REQUEST && whole.step == MESSAGE_DONE) {
    h1_framing_strip(&whole.fields, 0);
    assert(!headers_find(&whole.fields, TOKEN_CONNECTION));
    assert(!headers_find(&whole.fields, TOKEN_HOST));
  }
  return 0;
}
