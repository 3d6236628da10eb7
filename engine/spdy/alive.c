/*
 * spdy/alive.c - see spdy/alive.h.
 */
#include "engine/spdy/alive.h"

#include "engine/spdy/connection.h"
#include "engine/spdy/fault.h"
#include "engine/spdy/queue.h"

void spdy_alive_init(struct spdy *spdy) {
  spdy->alive = (struct spdy_alive){.heard_ns = spdy->now_ns};
}

void spdy_alive_heard(struct spdy *spdy) {
  spdy->alive.heard_ns = spdy->now_ns;
  spdy->alive.ping_id = 0;
}

void spdy_alive_sent(struct spdy *spdy) {
  struct spdy_alive *alive = &spdy->alive;
  if (!alive->ping_id || !alive->left_at) return;
  alive->waits_ns = spdy->now_ns;
  if (spdy->sent_bytes >= alive->left_at) alive->left_at = 0;
}

void spdy_alive_reads(struct spdy *spdy, bool reads) {
  struct spdy_alive *alive = &spdy->alive;
  if (reads && alive->deaf) {
    spdy_alive_heard(spdy);
    if (spdy->reader.begun_ns) spdy->reader.begun_ns = spdy->now_ns; /* its rest may have waited */
  }
  alive->deaf = !reads;
}

/* When the session is lost, after a PING. */
static uint64_t lost_ns(const struct spdy *spdy) {
  return spdy->alive.waits_ns + spdy->session.ping_ns;
}

uint64_t spdy_alive_deadline_ns(const struct spdy *spdy) {
  const struct spdy_alive *alive = &spdy->alive;
  if (!spdy->session.ping_ns || alive->deaf || spdy->eof) return MACHINE_NO_DEADLINE;
  if (!alive->ping_id) return alive->heard_ns + spdy->session.ping_ns;
  bool again = !alive->left_at && alive->again_ns < lost_ns(spdy);
  return again ? alive->again_ns : lost_ns(spdy);
}

/* The time for the answer runs from when what waits now has left. */
static void await(struct spdy *spdy) {
  struct spdy_alive *alive = &spdy->alive;
  alive->left_at = spdy->sent_bytes + spdy->out.bytes + spdy->queue.bytes;
  alive->waits_ns = spdy->now_ns;
}

static void judge(struct spdy *spdy, bool output_waits) {
  if (spdy->session.patient && output_waits)
    await(spdy);
  else
    spdy_lose(spdy);
}

void spdy_alive_run(struct spdy *spdy, bool output_waits) {
  struct spdy_alive *alive = &spdy->alive;
  if (alive->ping_id && spdy->now_ns >= lost_ns(spdy)) {
    judge(spdy, output_waits);
    return;
  }
  bool first = !alive->ping_id;
  alive->ping_id = spdy_ping(spdy);
  alive->again_ns = spdy->now_ns + spdy->session.ping_ns / SPDY_PINGS_UNANSWERED;
  if (first) await(spdy);
}
