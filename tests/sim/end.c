/*
 * end.c - a host without sockets; see end.h.
 */
#include "tests/sim/end.h"

#include "tests/sim/fail.h"

#include <stdlib.h>

static uint64_t now_of(const struct sim_end *end) {
  return *end->side.scene->now_ns;
}

static const char *name_of(const struct sim_end *end) {
  return end->client ? "client" : "server";
}

static void on_wake(struct machine_host *host) {
  ((struct sim_end *)(void *)host)->wakes++;
}

void sim_end_open(struct sim_end *end, struct machine machine, bool client,
                  struct party_scene *scene) {
  struct sim_end *peer = end->peer;
  struct sim_pipe *in = end->in;
  uint8_t *shadow = end->shadow;
  *end = (struct sim_end){.host = {.wake = on_wake},
                          .machine = machine,
                          .side = {.scene = scene},
                          .peer = peer,
                          .in = in,
                          .client = client,
                          .open = true,
                          .shadow = shadow};
  wire_init(&end->wire, client);
}

/* Around a call of the machine, any of which may hand requests over. */
static void call_begins(struct sim_end *end) {
  party_accepting = &end->side;
}

static void call_ends(void) {
  party_accepting = NULL;
}

static unsigned wants_of(const struct sim_end *end) {
  return end->machine.ops->wants(end->machine.self);
}

/* ---- sending ------------------------------------------------------------------------------------
 */

static bool has_wire(const struct sim_end *end) {
  return !end->h1 && !end->spdy;
}

static const struct out *out_of(const struct sim_end *end) {
  if (end->spdy) return &sim_end_spdy(end)->out;
  return end->h1 ? &sim_end_h1(end)->out : &sim_end_h2(end)->out;
}

/* Enters what the engine has composed since the last look into the books and the shadow. Reads
 * the ring in place, because a peek with few spans shows only its beginning. */
static void look_at_composed(struct sim_end *end) {
  const struct out *out = out_of(end);
  size_t known = end->shadow_len;
  sim_check(out->bytes >= known, "composed bytes vanished: %zu of %zu", out->bytes, known);
  if (end->shadow_at + out->bytes > SIM_SHADOW_BYTES) {
    memmove(end->shadow, end->shadow + end->shadow_at, known);
    end->shadow_at = 0;
  }
  size_t at = 0;
  for (uint32_t i = 0; i < out->count; i++) {
    const struct span bytes = out->segments[(out->first + i) % OUT_SEGMENTS].bytes;
    size_t skip = at < known ? known - at : 0;
    at += bytes.len;
    if (skip >= bytes.len) continue;
    memcpy(end->shadow + end->shadow_at + end->shadow_len, bytes.base + skip, bytes.len - skip);
    end->shadow_len += bytes.len - skip;
    if (has_wire(end)) wire_sent(&end->wire, bytes.base + skip, bytes.len - skip);
  }
}

static void check_spans(const struct sim_end *end) {
  const uint8_t *shadow = end->shadow + end->shadow_at;
  size_t at = 0;
  for (size_t i = 0; i < end->span_count; i++) {
    sim_check(at + end->spans[i].len <= end->shadow_len, "spans exceed what was composed");
    sim_check(memcmp(end->spans[i].base, shadow + at, end->spans[i].len) == 0,
              "lent bytes changed (%s)", name_of(end));
    at += end->spans[i].len;
  }
}

static size_t sum_spans(const struct sim_end *end) {
  size_t bytes = 0;
  for (size_t i = 0; i < end->span_count; i++)
    bytes += end->spans[i].len;
  return bytes;
}

bool sim_end_submit(struct sim_end *end, struct random *random, bool whole) {
  if (!end->open || end->closing || end->sending) return false;
  if (!(wants_of(end) & MACHINE_SEND)) return false;
  size_t max = whole ? SIM_SPANS_MAX : 1 + random_below(random, SIM_SPANS_MAX);
  size_t budget = whole ? 64 * KIB : random_size(random, 48 * KIB);
  call_begins(end);
  end->span_count =
      end->machine.ops->send_peek(end->machine.self, end->spans, max, budget, now_of(end));
  call_ends();
  sim_check(end->span_count <= max, "too many spans");
  look_at_composed(end);
  check_spans(end);
  end->span_bytes = sum_spans(end);
  sim_note("%s submits %zu bytes in %zu spans", name_of(end), end->span_bytes, end->span_count);
  end->sending = end->span_bytes > 0;
  /* An engine with nothing to send must not claim otherwise: a host would ask again and again. */
  sim_check(end->sending || !(wants_of(end) & MACHINE_SEND), "%s wants to send nothing",
            name_of(end));
  return end->sending;
}

/* Moves the first `bytes` of the spans to the peer, except the frames to be dropped. */
static void carry(struct sim_end *end, size_t bytes) {
  for (size_t i = 0; i < end->span_count && bytes > 0; i++) {
    const uint8_t *at = end->spans[i].base;
    size_t len = end->spans[i].len < bytes ? end->spans[i].len : bytes;
    bytes -= len;
    while (len > 0) {
      size_t piece = len, skip = 0;
      for (uint32_t d = 0; d < end->wire.drop_count; d++) {
        uint64_t drop = end->wire.drops[d];
        if (end->sent_offset >= drop && end->sent_offset < drop + 9) {
          size_t rest = (size_t)(drop + 9 - end->sent_offset);
          skip = rest < len ? rest : len;
          if (skip == rest) end->wire.drops[d] = end->wire.drops[--end->wire.drop_count];
          break;
        }
        if (drop > end->sent_offset && drop - end->sent_offset < piece)
          piece = (size_t)(drop - end->sent_offset);
      }
      if (skip) piece = skip;
      if (!skip && end->peer->open) sim_pipe_put(end->peer->in, at, (uint32_t)piece);
      end->sent_offset += piece;
      at += piece;
      len -= piece;
    }
  }
}

bool sim_end_complete(struct sim_end *end, struct random *random, bool whole) {
  if (!end->open || !end->sending) return false;
  check_spans(end);
  if (end->closing) { /* the send that completes after the close */
    end->sending = false;
    sim_end_close(end, false);
    return true;
  }
  size_t room = end->peer->open ? sim_pipe_room(end->peer->in) : SIZE_MAX;
  size_t most = end->span_bytes < room ? end->span_bytes : room;
  if (most == 0) return false;
  size_t bytes = whole || random_one_in(random, 2) ? most : random_size(random, (uint32_t)most);
  carry(end, bytes);
  end->shadow_at += bytes;
  end->shadow_len -= bytes;
  if (end->shadow_len == 0) end->shadow_at = 0;
  end->sending = false;
  sim_note("%s sent %zu of %zu", name_of(end), bytes, end->span_bytes);
  call_begins(end);
  end->machine.ops->send_ack(end->machine.self, bytes, now_of(end));
  call_ends();
  if (!end->peer->open && end->in_lost) sim_end_close(end, true); /* EPIPE */
  return true;
}

/* ---- receiving ----------------------------------------------------------------------------------
 */

static size_t give(struct sim_end *end, const uint8_t *bytes, size_t len) {
  uint8_t *copy = malloc(len); /* of exactly this size, so that reading beyond it is caught */
  sim_check(copy, "out of memory");
  memcpy(copy, bytes, len);
  bool reads = has_wire(end) && !sim_end_h2(end)->dead && !sim_end_h2(end)->lost;
  call_begins(end);
  size_t took = end->machine.ops->recv(end->machine.self, span_of(copy, len), now_of(end));
  call_ends();
  sim_check(took <= len, "consumed more than there was");
  if (reads) wire_received(&end->wire, bytes, took);
  sim_check(took == len || !(wants_of(end) & MACHINE_RECV), "%zu of %zu consumed", took, len);
  memset(copy, 0xee, len); /* borrowed only until here */
  free(copy);
  return took;
}

static bool give_end(struct sim_end *end) {
  if (!end->in_ended || end->eof_given) return false;
  end->eof_given = true;
  sim_note("%s reads the end", name_of(end));
  if (end->in_lost) {
    sim_end_close(end, true);
    return true;
  }
  call_begins(end);
  end->machine.ops->recv_eof(end->machine.self, now_of(end));
  call_ends();
  return true;
}

bool sim_end_receive(struct sim_end *end, struct random *random, bool whole) {
  if (!end->open || end->closing) return false;
  if (!(wants_of(end) & MACHINE_RECV)) return false;
  struct sim_pipe *in = end->in;
  if (in->len == 0) return give_end(end);
  uint32_t most = in->len < 16384 ? in->len : 16384;
  uint32_t len = whole || random_one_in(random, 2) ? most : random_size(random, most);
  size_t took = give(end, in->bytes + in->at, len);
  sim_note("%s receives %zu of %u", name_of(end), took, len);
  sim_pipe_drop(in, (uint32_t)took);
  return took > 0;
}

bool sim_end_inject(struct sim_end *end, const uint8_t *frame, size_t len) {
  if (!end->open || end->closing || !wire_in_boundary(&end->wire)) return false;
  if (!(wants_of(end) & MACHINE_RECV) || end->wire.settings_received == 0) return false;
  if (frame[3] == H2_SETTINGS) {
    if (end->wire.injected_count + end->wire.drop_count >= WIRE_DROPS / 2) return false;
    wire_inject_settings(&end->wire);
  }
  sim_note("%s is told type %u, %zu bytes", name_of(end), frame[3], len);
  size_t took = give(end, frame, len);
  sim_check(took == len || sim_end_h2(end)->dead, "an injected frame was not consumed");
  return true;
}

/* ---- the rest
 * ------------------------------------------------------------------------------------ */

bool sim_end_tick(struct sim_end *end, uint64_t now_ns) {
  if (!end->open || end->closing) return false;
  if (end->machine.ops->deadline_ns(end->machine.self) > now_ns) return false;
  sim_note("%s ticks", name_of(end));
  call_begins(end);
  end->machine.ops->tick(end->machine.self, now_ns);
  call_ends();
  bool done = wants_of(end) & MACHINE_DONE;
  sim_check(done || end->machine.ops->deadline_ns(end->machine.self) > now_ns,
            "a tick did not move its deadline (%s)", name_of(end));
  return true;
}

bool sim_end_rest(struct sim_end *end) {
  if (!end->open || end->closing || end->sending || !(wants_of(end) & MACHINE_MOVES)) return false;
  sim_note("%s rests", name_of(end));
  const struct h2 *before = sim_end_h2(end);
  uint64_t idle_since_ns = before->idle_since_ns, opened_ns = before->opened_ns;
  end->machine.ops->move(end->machine.self, &end->machine);
  sim_check(wants_of(end) == MACHINE_RECV, "at rest it wants %u", wants_of(end));
  call_begins(end);
  (void)end->machine.ops->recv(end->machine.self, span_of(NULL, 0), now_of(end));
  call_ends();
  const struct h2 *after = sim_end_h2(end);
  sim_check(after->idle_since_ns == idle_since_ns && after->opened_ns == opened_ns,
            "it has forgotten its past");
  return true;
}

void sim_end_drain(struct sim_end *end) {
  if (!end->open || end->closing) return;
  sim_note("%s drains", name_of(end));
  end->side.drained = end->peer->side.peer_drained = true;
  call_begins(end);
  end->machine.ops->drain(end->machine.self, now_of(end));
  call_ends();
}

void sim_end_close(struct sim_end *end, bool reset) {
  if (!end->open) return;
  if (end->sending) {
    end->closing = true;
    end->in_lost |= reset;
    return;
  }
  sim_note("%s closes%s", name_of(end), reset ? " with a reset" : "");
  end->open = end->closing = false;
  end->machine.ops->close(end->machine.self);
  wire_free(&end->wire);
  end->shadow_len = end->shadow_at = 0;
  sim_check(end->side.parties.count == 0, "%u streams outlive their connection (%s)",
            end->side.parties.count, name_of(end));
  sim_check(end->side.talk_count == 0, "a WebSocket outlives its connection");
  end->peer->in_ended = true;
  end->peer->in_lost |= reset;
  if (reset) sim_pipe_drop(end->peer->in, end->peer->in->len);
  end->in->len = 0;
}

void sim_end_settle_wants(struct sim_end *end) {
  if (!end->open || end->closing || end->sending) return;
  unsigned wants = wants_of(end);
  if (!(wants & MACHINE_DONE)) return;
  sim_check((wants & ~(unsigned)MACHINE_SILENT) == MACHINE_DONE, "DONE together with %u", wants);
  sim_end_close(end, false);
}
