/*
 * h1/message.c - see h1/message.h.
 */
#include "tests/engine/h1/message.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void message_begin(struct message *message, enum h1_head_kind kind, struct h1_asked asked) {
  message->kind = kind;
  message->asked = asked;
  message->step = MESSAGE_HEAD;
  message->kept_len = message->trailers_len = message->body_len = 0;
  headers_init(&message->fields, message->at, READING_FIELDS, message->arena, READING_ARENA,
               READING_LIST);
  headers_init(&message->trailers, message->trailers_at, READING_FIELDS, message->trailers_arena,
               READING_ARENA, READING_LIST);
  h1_head_begin(&message->head, kind, &message->fields);
  h1_chunked_begin(&message->chunked);
}

/* ---- read ------------------------------------------------------------------------------------ */

static void refuse(struct message *message, struct h1_verdict verdict) {
  assert(verdict.status >= 400 && verdict.reason);
  message->step = MESSAGE_REFUSED;
  message->verdict = verdict;
}

static void head_complete(struct message *message) {
  struct h1_verdict verdict;
  if (message->kind == H1_REQUEST) {
    verdict = h1_framing_request(&message->head, &message->fields, 0, &message->framing);
    if (verdict.outcome == H1_COMPLETE)
      verdict =
          h1_target_read(&message->head, message->framing.host, &message->fields, &message->target);
  } else {
    verdict =
        h1_framing_response(&message->head, &message->fields, 0, message->asked, &message->framing);
  }
  if (verdict.outcome == H1_REFUSED) {
    refuse(message, verdict);
    return;
  }
  message->left = message->framing.content_length;
  const bool none =
      message->framing.body == H1_BODY_NONE || message->framing.body == H1_BODY_TUNNEL;
  message->step = none ? MESSAGE_DONE : MESSAGE_BODY;
}

/* Reads a head or trailers, whose bytes are kept from the first on. Returns how many it took. */
static size_t read_head(struct message *message, struct h1_head *head, uint8_t *kept, size_t *len,
                        struct span bytes) {
  const size_t before = *len;
  assert(before + bytes.len <= MESSAGE_BYTES);
  memcpy(kept + before, bytes.base, bytes.len);
  *len += bytes.len;
  const struct h1_verdict verdict = h1_head_read(head, span_of(kept, *len));
  if (verdict.outcome == H1_INCOMPLETE) return bytes.len;
  if (verdict.outcome == H1_REFUSED) {
    refuse(message, verdict);
    return bytes.len;
  }
  *len = head->bytes;
  return head->bytes - before;
}

static void keep_body(struct message *message, struct span data) {
  assert(message->body_len + data.len <= MESSAGE_BYTES);
  if (data.len) memcpy(message->body + message->body_len, data.base, data.len);
  message->body_len += data.len;
}

static size_t read_chunked(struct message *message, struct span bytes) {
  struct span left = bytes, data;
  const enum h1_chunked_result result = h1_chunked_read(&message->chunked, &left, &data);
  keep_body(message, data);
  assert(result == H1_CHUNKED_DATA ? data.len > 0 : data.len == 0);
  if (result == H1_CHUNKED_MORE) assert(left.len == 0);
  if (result == H1_CHUNKED_END) message->step = MESSAGE_DONE;
  if (result == H1_CHUNKED_REFUSED) refuse(message, h1_refuse(400, message->chunked.reason));
  if (result == H1_CHUNKED_TRAILERS) {
    h1_head_begin(&message->trailing, H1_TRAILERS, &message->trailers);
    message->step = MESSAGE_TRAILERS;
  }
  return bytes.len - left.len;
}

static size_t read_body(struct message *message, struct span bytes) {
  if (message->framing.body == H1_BODY_CHUNKED) return read_chunked(message, bytes);
  size_t take = bytes.len;
  if (message->framing.body == H1_BODY_LENGTH && take > (uint64_t)message->left)
    take = (size_t)message->left;
  keep_body(message, span_of(bytes.base, take));
  message->left -= (int64_t)take;
  if (message->framing.body == H1_BODY_LENGTH && message->left == 0) message->step = MESSAGE_DONE;
  return take;
}

static size_t read_trailers(struct message *message, struct span bytes) {
  const size_t took =
      read_head(message, &message->trailing, message->trailers_kept, &message->trailers_len, bytes);
  if (message->step != MESSAGE_TRAILERS || message->trailing.bytes == 0) return took;
  const struct h1_verdict verdict = h1_framing_trailers(&message->trailers);
  message->step = MESSAGE_DONE;
  if (verdict.outcome == H1_REFUSED) refuse(message, verdict);
  return took;
}

static size_t read_some(struct message *message, struct span bytes) {
  if (message->step == MESSAGE_BODY) return read_body(message, bytes);
  if (message->step == MESSAGE_TRAILERS) return read_trailers(message, bytes);
  const size_t took = read_head(message, &message->head, message->kept, &message->kept_len, bytes);
  if (message->step == MESSAGE_HEAD && message->head.bytes > 0) head_complete(message);
  return took;
}

size_t message_give(struct message *message, struct span bytes) {
  size_t used = 0;
  while (used < bytes.len && message->step < MESSAGE_DONE)
    used += read_some(message, span_of(bytes.base + used, bytes.len - used));
  return used;
}

void message_end(struct message *message) {
  if (message->step == MESSAGE_BODY && message->framing.body == H1_BODY_CLOSE)
    message->step = MESSAGE_DONE;
}

/* ---- as text --------------------------------------------------------------------------------- */

static void put(char *out, struct span text, const char *after) {
  const size_t len = strlen(out);
  assert(len + text.len + strlen(after) < MESSAGE_TEXT);
  if (text.len) memcpy(out + len, text.base, text.len);
  strcpy(out + len + text.len, after);
}

static void put_fields(char *out, const struct headers *fields) {
  put(out, span_text("|"), "");
  for (uint32_t i = 0; i < fields->count; i++) {
    put(out, fields->at[i].name, "=");
    put(out, fields->at[i].value, "|");
  }
}

static void put_or_dash(char *out, struct span text) {
  put(out, text.len ? text : span_text("-"), " ");
}

void message_text(const struct message *message, char *text) {
  if (message->step != MESSAGE_DONE) {
    const bool refused = message->step == MESSAGE_REFUSED;
    snprintf(text, MESSAGE_TEXT, refused ? "%u" : "?", message->verdict.status);
    return;
  }
  char number[32];
  *text = '\0';
  if (message->kind == H1_REQUEST) {
    put(text, message->head.method, " ");
    put_or_dash(text, message->target.scheme);
    put_or_dash(text, message->target.authority);
    put_or_dash(text, message->target.path);
  } else {
    snprintf(number, sizeof number, "%u ", message->head.status);
    put(text, span_text(number), "");
  }
  snprintf(number, sizeof number, "1.%u %s", message->head.minor,
           message->framing.keep ? "keep" : "close");
  put(text, span_text(number), "");
  put_fields(text, &message->fields);
  put(text, span_of(message->body, message->body_len), "");
  put_fields(text, &message->trailers);
}
