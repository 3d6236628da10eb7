/*
 * http/nested.c - see http/nested.h.
 */
#include "engine/http/nested.h"

#include <string.h>

/* Spans of one peek: a frame's header and its bytes, a few times. */
enum { SPANS = 8 };

bool nested_make(struct nested *nested, struct machine_factory factory,
                 const struct machine_peer *peer, const char *protocol, uint64_t now_ns) {
  struct machine_peer own = peer ? *peer : (struct machine_peer){0};
  own.application_protocol = protocol;
  return factory.create(factory.ctx, &own, &nested->host, now_ns, &nested->machine);
}

unsigned nested_wants(const struct nested *nested) {
  return nested->machine.ops ? nested->machine.ops->wants(nested->machine.self) : 0;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void kept_free(struct nested *nested) {
  memory_free(nested->memory, nested->kept, nested->room);
  nested->kept = NULL;
  nested->at = nested->len = nested->room = 0;
}

/* Offers bytes for as long as the machine reads. Returns how many are done with. */
static size_t offer(struct nested *nested, struct span bytes, uint64_t now_ns) {
  struct machine *machine = &nested->machine;
  size_t used = 0;
  while (used < bytes.len) {
    unsigned wants = nested_wants(nested);
    if (!machine->ops || wants & (MACHINE_DONE | MACHINE_RESET)) return bytes.len;
    if (!(wants & MACHINE_RECV)) break;
    used += machine->ops->recv(machine->self, span_of(bytes.base + used, bytes.len - used), now_ns);
  }
  return used;
}

/* Room for `more` bytes behind what is kept, which moves to the front. */
static bool reserve(struct nested *nested, size_t more) {
  size_t waiting = nested->len - nested->at, room = nested->room ? nested->room : 4096;
  if (nested->at > 0) memmove(nested->kept, nested->kept + nested->at, waiting);
  nested->at = 0;
  nested->len = waiting;
  if (waiting + more <= nested->room) return true;
  while (room < waiting + more)
    room *= 2;
  uint8_t *larger = memory_alloc(nested->memory, room);
  if (!larger) return false;
  if (waiting > 0) memcpy(larger, nested->kept, waiting);
  memory_free(nested->memory, nested->kept, nested->room);
  nested->kept = larger;
  nested->room = room;
  return true;
}

size_t nested_go_on(struct nested *nested, uint64_t now_ns) {
  size_t used = offer(nested, span_of(nested->kept + nested->at, nested->len - nested->at), now_ns);
  nested->at += used;
  if (nested->at < nested->len) return used;
  kept_free(nested);
  bool tell = nested->end_due && !nested->end_told && nested->machine.ops;
  if (!tell || nested_wants(nested) & (MACHINE_DONE | MACHINE_RESET)) return used;
  nested->end_told = true;
  nested->machine.ops->recv_eof(nested->machine.self, now_ns);
  return used;
}

size_t nested_give(struct nested *nested, struct span bytes, uint64_t now_ns) {
  size_t used = nested_go_on(nested, now_ns), taken = 0;
  if (!nested->kept) taken = offer(nested, bytes, now_ns);
  if (taken == bytes.len) return used + taken;
  if (!reserve(nested, bytes.len - taken)) return SIZE_MAX;
  memcpy(nested->kept + nested->len, bytes.base + taken, bytes.len - taken);
  nested->len += bytes.len - taken;
  return used + taken;
}

void nested_end(struct nested *nested) {
  nested->end_due = true;
}

/* ---- sending --------------------------------------------------------------------------------- */

static size_t copy(const struct span *spans, size_t count, uint8_t *out, size_t max) {
  size_t done = 0;
  for (size_t i = 0; i < count && done < max; i++) {
    size_t take = spans[i].len < max - done ? spans[i].len : max - done;
    if (take > 0) memcpy(out + done, spans[i].base, take);
    done += take;
  }
  return done;
}

size_t nested_peek(struct nested *nested, struct span *spans, size_t max, size_t bytes_max,
                   uint64_t now_ns) {
  struct machine *machine = &nested->machine;
  if (!(nested_wants(nested) & MACHINE_SEND)) return 0;
  return machine->ops->send_peek(machine->self, spans, max, bytes_max, now_ns);
}

void nested_sent(struct nested *nested, size_t bytes, uint64_t now_ns) {
  nested->machine.ops->send_ack(nested->machine.self, bytes, now_ns);
}

size_t nested_read(struct nested *nested, uint8_t *out, size_t max, uint64_t now_ns) {
  struct span spans[SPANS];
  size_t done = 0;
  while (done < max) {
    size_t count = nested_peek(nested, spans, SPANS, max - done, now_ns);
    size_t copied = copy(spans, count, out + done, max - done);
    if (copied == 0) break;
    nested_sent(nested, copied, now_ns);
    done += copied;
  }
  return done;
}

/* ---- time and the end ------------------------------------------------------------------------ */

uint64_t nested_deadline_ns(const struct nested *nested) {
  const struct machine *machine = &nested->machine;
  return machine->ops ? machine->ops->deadline_ns(machine->self) : MACHINE_NO_DEADLINE;
}

void nested_tick(struct nested *nested, uint64_t now_ns) {
  if (now_ns >= nested_deadline_ns(nested)) nested->machine.ops->tick(nested->machine.self, now_ns);
}

void nested_drain(struct nested *nested, uint64_t now_ns) {
  if (nested->machine.ops) nested->machine.ops->drain(nested->machine.self, now_ns);
}

void nested_close(struct nested *nested) {
  struct machine machine = nested->machine;
  nested->machine = (struct machine){0};
  kept_free(nested);
  if (machine.ops) machine.ops->close(machine.self);
}
