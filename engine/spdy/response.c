/*
 * spdy/response.c - see spdy/response.h.
 */
#include "engine/spdy/response.h"

#include "engine/spdy/connection.h"
#include "engine/spdy/message.h"
#include "engine/spdy/named.h"
#include "engine/spdy/queue.h"

/* `date`, `server`, and the two pseudo-header fields of a response: derived from the functions below. */
enum { ADDED_MAX = 4 + SPDY_NAMED_FIELDS_MAX };

/* Copies the fields that a handler gave, and adds those that every response has. Returns their number. */
static size_t complete(const struct http_shared *http, const struct header *fields, size_t count,
                       struct header *out) {
  bool date = http->date[0] == 0, server = false;
  for (size_t i = 0; i < count; i++) {
    out[i] = fields[i];
    enum header_token token = header_token_by_name(&fields[i]);
    out[i].token = (uint16_t)token;
    date |= token == TOKEN_DATE;
    server |= token == TOKEN_SERVER;
  }
  if (!date) out[count++] = http->date_field;
  if (!server) out[count++] = http->server_field;
  return count;
}

bool spdy_response_queue(struct spdy_stream *stream, unsigned status, const struct header *fields,
                         size_t count, bool fin) {
  struct header given[SPDY_SEND_FIELDS_MAX + ADDED_MAX], sent[SPDY_SEND_FIELDS_MAX + ADDED_MAX];
  struct spdy_named_text named;
  uint8_t digits[3];
  if (count > SPDY_SEND_FIELDS_MAX) return false;
  size_t all = complete(stream->spdy->http, fields, count, given);
  all += spdy_named_fields(stream, fields, count, &named, given + all);
  const struct spdy_plan plan = {
      .type = stream->own ? SPDY_HEADERS : SPDY_SYN_REPLY,
      .flags = fin ? SPDY_FLAG_FIN : 0,
      .fields = sent,
      .count = spdy_message_put_response(status, given, all, digits, sent),
  };
  return spdy_queue_block(stream, &plan);
}
