/*
 * http/nested.c - see http/nested.h.
 */
#include "engine/http/nested.h"

#include <string.h>

#include "engine/base/limits.h"

bool nested_make(struct nested *nested, struct machine_factory factory, const struct stream *stream,
                 const char *protocol) {
  struct machine_peer own = stream->peer ? *stream->peer : (struct machine_peer){0};
  own.application_protocol = protocol;
  if (!stream->sends_vaulted || nested->copies) own.vault = NULL;
  return factory.create(factory.ctx, &own, &nested->host, stream_now_ns(stream), &nested->machine);
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

size_t nested_takes_vaulted(const struct nested *nested) {
  const struct machine *machine = &nested->machine;
  const unsigned wants = nested_wants(nested);
  bool reads = wants & MACHINE_RECV && !(wants & (MACHINE_DONE | MACHINE_RESET)) && !nested->kept;
  return reads && machine->ops->takes_vaulted ? machine->ops->takes_vaulted(machine->self) : 0;
}

void nested_end(struct nested *nested) {
  nested->end_due = true;
}

/* ---- sending --------------------------------------------------------------------------------- */

/* The machine was not told at once, for a loan counts from the end of the pull on. */
static void settle_loan(struct nested *nested, uint64_t now_ns) {
  size_t lent = nested->lent;
  nested->lent = 0;
  if (lent > 0) nested->machine.ops->send_ack(nested->machine.self, lent, now_ns);
}

static uint32_t *loans_of(const struct nested *nested, size_t which) {
  const struct machine *machine = &nested->machine;
  return machine->ops->send_loans ? machine->ops->send_loans(machine->self, which) : NULL;
}

/* Cuts the spans off where no more can be copied, and where some can be lent: few bytes are copied. */
static void choose(const struct nested *nested, struct nested_gift *gift, size_t count, size_t room,
                   size_t lend_max) {
  for (; gift->count < count && gift->copied < room; gift->count++) {
    struct span *span = &gift->spans[gift->count];
    uint32_t *loans = loans_of(nested, gift->count);
    bool vaulted = span_is_vaulted(*span), much = vaulted || span->len > OUT_COPY_BYTES_MAX;
    size_t left = lend_max > gift->copied ? lend_max - gift->copied : 0;
    if (loans && much && left > 0) {
      gift->lent = span_of(span->base, span->len < left ? span->len : left);
      gift->loans = loans;
    }
    if (gift->loans || vaulted) return;
    if (span->len > room - gift->copied) span->len = room - gift->copied;
    gift->copied += span->len;
  }
}

void nested_look(struct nested *nested, struct nested_gift *gift, size_t bytes_max, size_t room,
                 size_t lend_max, uint64_t now_ns) {
  const struct machine *machine = &nested->machine;
  gift->count = gift->copied = 0;
  gift->lent = span_of(NULL, 0);
  gift->loans = NULL;
  if (!machine->ops) return;
  settle_loan(nested, now_ns);
  if (!(nested_wants(nested) & MACHINE_SEND)) return;
  size_t count =
      machine->ops->send_peek(machine->self, gift->spans, NESTED_SPANS, bytes_max, now_ns);
  choose(nested, gift, count, room, lend_max);
}

void nested_gave(struct nested *nested, const struct nested_gift *gift, uint64_t now_ns) {
  nested->lent = gift->lent.len;
  if (gift->copied > 0) nested->machine.ops->send_ack(nested->machine.self, gift->copied, now_ns);
}

void nested_copy(const struct nested_gift *gift, uint8_t *out) {
  for (size_t i = 0; i < gift->count; i++) {
    if (gift->spans[i].len > 0) memcpy(out, gift->spans[i].base, gift->spans[i].len);
    out += gift->spans[i].len;
  }
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
