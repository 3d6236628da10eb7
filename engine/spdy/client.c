/*
 * spdy/client.c - see spdy/client.h.
 */
#include "engine/spdy/client.h"

#include "engine/spdy/connection.h"

#include <assert.h>

void spdy_client_listen(struct spdy *spdy, const struct spdy_client_events *events, void *ctx) {
  assert(!spdy->server);
  spdy->client = events;
  spdy->client_ctx = ctx;
}

/* After the server's GOAWAY it is no surprise that the session ends. */
void spdy_client_end(struct spdy *spdy, enum spdy_end_reason reason, uint32_t code,
                     const char *what) {
  if (!spdy->client || !spdy->client->ended || spdy->end_told) return;
  bool expected = reason == SPDY_END_EOF || reason == SPDY_END_CLOSED;
  struct spdy_end end = {.reason = reason, .code = code, .what = what};
  if (expected && spdy->goaway_sent) end.reason = SPDY_END_DONE;
  if (expected && spdy->goaway_received)
    end = (struct spdy_end){.reason = SPDY_END_GOAWAY, .code = spdy->goaway_code};
  spdy->end_told = true;
  spdy->client->ended(spdy->client_ctx, spdy, &end);
}

void spdy_client_closing(struct spdy *spdy) {
  if (spdy->client && spdy->client->closing) spdy->client->closing(spdy->client_ctx, spdy);
}

void spdy_client_room(struct spdy *spdy) {
  spdy->room_wanted = false;
  if (spdy->client && spdy->client->room) spdy->client->room(spdy->client_ctx, spdy);
}
