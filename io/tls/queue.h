/*
 * tls/queue.h - the handshakes of one worker, a few in each turn.
 *
 * A step of a handshake takes up to half a millisecond of signing and key exchange, a thousand times what
 * other input takes. Where thousands of clients connect at once, all other connections would wait for
 * them. So a turn takes steps for TLS_TURN_HANDSHAKES_NS; the others wait in the order in which they came.
 *
 *     enter() -- true --> the step is taken
 *         \-- false --> waits, due: at a time after this turn, enter() again
 *                   \-> waits, behind those: its host is woken once it is due
 *
 * At most TLS_HANDSHAKES_DUE places are due, so a turn touches no more than that, however many wait. A turn
 * is known by its time, which is read once.
 *
 * Ownership: the queue is in its factory, a place in its machine; nothing is allocated, nothing fails.
 */
#ifndef WEIR_TLS_QUEUE_H
#define WEIR_TLS_QUEUE_H

#include "engine/base/machine.h"
#include "io/base/list.h"

struct tls_queue {
  struct list_node due, rest; /* places; the rest is empty while fewer are due than may be */
  uint32_t due_count;
  uint64_t turn_ns;           /* the last turn with a step */
  uint64_t begun_ns;          /* by `clock_ns`, when its first one began */
  uint64_t (*clock_ns)(void); /* clock_now_ns(); another in tests */
};

/* One handshake's. All zero, but for the host: it does not wait. */
struct tls_place {
  struct list_node node;
  struct machine_host *host;
  uint64_t since_ns; /* the turn in which it became due, or was refused last */
  uint64_t begun_ns; /* the turn in which it began to wait; 0: it does not wait */
  bool is_due;
};

void tls_queue_init(struct tls_queue *queue);

/* Whether a step may be taken in the turn at `now_ns`; if so, the place does not wait any more. Else it
 * waits. */
__attribute__((warn_unused_result)) bool tls_queue_enter(struct tls_queue *queue,
                                                         struct tls_place *place, uint64_t now_ns);

/* It does not wait any more: the next one is due. Idempotent. */
void tls_queue_leave(struct tls_queue *queue, struct tls_place *place);

/* When a place that waits may enter again; MACHINE_NO_DEADLINE: not before its host was woken. */
static inline uint64_t tls_place_again_ns(const struct tls_place *place) {
  return place->is_due ? place->since_ns + 1 : MACHINE_NO_DEADLINE;
}

#endif
