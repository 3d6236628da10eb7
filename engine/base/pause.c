/*
 * base/pause.c - see base/pause.h.
 */
#include "engine/base/pause.h"

#include "engine/base/limits.h"
#include "engine/base/machine.h"

#include <assert.h>

static void begin(struct pause *pause, uint64_t now_ns, uint64_t *pauses) {
  counter_add(pauses, 1);
  pause->on = true;
  pause->since_ns = now_ns;
  pause->until_ns = now_ns + PEER_PAUSE_NS;
}

bool pause_begin(struct pause *pause, uint64_t now_ns, uint64_t *slowed, uint64_t *pauses) {
  if (pause->on) return true;
  uint64_t read_ns = now_ns - pause->until_ns;
  pause->slowed_ns -= read_ns < pause->slowed_ns ? read_ns : pause->slowed_ns;
  if (pause->slowed_ns >= PEER_SLOWED_NS) return false;
  if (pause->slowed_ns == 0) counter_add(slowed, 1);
  pause->slowed_ns += PEER_PAUSE_NS;
  begin(pause, now_ns, pauses);
  return true;
}

void pause_rest(struct pause *pause, uint64_t now_ns, uint64_t *pauses) {
  if (!pause->on) begin(pause, now_ns, pauses);
}

void pause_move(const struct pause *pause, uint64_t now_ns, uint64_t *since_ns) {
  if (*since_ns == 0) return;
  uint64_t moved_ns = *since_ns + (now_ns - pause->since_ns);
  *since_ns = moved_ns < now_ns ? moved_ns : now_ns;
}

void pause_end(struct pause *pause, uint64_t now_ns) {
  assert(pause->on && now_ns >= pause->until_ns);
  pause->on = false;
  pause->until_ns = now_ns;
}
