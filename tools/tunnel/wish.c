/*
 * tunnel/wish.c - see tunnel/wish.h.
 */
#include "tools/tunnel/wish.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "engine/base/text.h"

static bool read_port(struct span text, uint16_t *out) {
  uint64_t port;
  if (!decimal_within(text, 1, UINT16_MAX, &port)) return false;
  *out = (uint16_t)port;
  return true;
}

/* As a kubelet reads streams of clients that send no requestid. */
static void implied_request(struct wish *wish, uint64_t stream_id) {
  if (wish->side == WISH_DATA) stream_id -= 2;
  snprintf(wish->request, sizeof wish->request, "%llu", (unsigned long long)stream_id);
}

const char *wish_read(const struct headers *fields, uint64_t stream_id, struct wish *wish) {
  const struct header *type = headers_find_name(fields, "streamtype"),
                      *port = headers_find_name(fields, "port"),
                      *request = headers_find_name(fields, "requestid");
  if (!type) return "streamtype is missing";
  bool error = span_is(type->value, "error");
  if (!error && !span_is(type->value, "data")) return "streamtype is neither error nor data";
  wish->side = error ? WISH_ERROR : WISH_DATA;
  if (!port) return "port is missing";
  if (!read_port(port->value, &wish->port)) return "port is not a number from 1 to 65535";
  if (!request || request->value.len == 0) {
    implied_request(wish, stream_id);
    return NULL;
  }
  if (request->value.len > TUNNEL_REQUEST_BYTES_MAX) return "requestid is too long";
  memcpy(wish->request, request->value.base, request->value.len);
  wish->request[request->value.len] = 0;
  return NULL;
}
