/*
 * sched/sched.h - which stream sends next. Knows weights, urgency and bytes, and nothing of frames.
 * Spec: RFC 9218 (extensible priorities), RFC 7540 section 5.3 (dependencies and weights).
 *
 * A node is embedded in its stream. While it is *ready* it has bytes to send that no window blocks.
 * sched_next() says which stream sends, and how much; sched_sent() is told what it sent:
 *
 *     sched_open, sched_declare, sched_hint      its signals
 *     sched_ready, sched_next, sched_sent ...    its turns
 *     sched_idle, sched_close
 *
 * Three kinds of signal make one order. A stream's place comes from the first of these rules that
 * applies:
 *
 * 1. The response's own `priority` field changes the parameters that it names (sched_merge).
 * 2. A client that has sent any RFC 9218 signal, on whatever stream, is judged by those alone. Of
 *    field and PRIORITY_UPDATE the later counts; silence means urgency 3, not incremental. Its
 *    dependencies are ignored from then on. Chromium (from 124), Firefox and Safari of today all
 *    send the field; Chromium's exclusive chain and Firefox's groups say the same with less
 *    precision. One exception: Chromium tells HTTP/2 servers of a changed priority in PRIORITY
 *    frames, always exclusive, its eight priorities spread over the weights 256 .. 1. Such a frame
 *    for a stream under this rule changes its urgency accordingly.
 * 3. A client that uses dependencies (a parent other than 0, the exclusive flag, or PRIORITY for an
 *    idle stream) gets the tree of RFC 7540 section 5.3, in which streams without a signal have the
 *    default place. The tree as a whole stands at urgency 3. Chromium before 124 (a chain in order
 *    of priority) and Firefox before the field (groups under idle streams 3 .. 13) get this.
 * 4. A client that only ever sends weights (Safari before the field) says how to share, not which
 *    stream comes first. The class of the content decides that (sched/class.h), and streams of one
 *    urgency share by weight.
 * 5. A client that sends no signal gets urgency and sharing by the class of the content, and until
 *    that is known urgency 3, shared.
 *
 * Streams of one urgency: sched/urgency.h has the mixing rule, sched/share.h the fairness; those
 * that do not share go by identifier. A head start (sched/head_start.h) gives the first bytes of a
 * response a second place, at an urgency of their own, until they have been sent (sched/heads.h).
 * The rules that keep head starts from delaying critical streams are in sched/sched.c.
 *
 * Cost: sched_next() and sched_sent() have a bound that does not depend on the number of ready
 * streams: a few walks along the bits of a key (sched/order.h), in the tree times the depth, which
 * is bounded. So have sched_ready() and sched_idle(). The tree takes memory from the pools of
 * sched_memory as it grows; decisions take none. Every bound is in sched/limits.h; a signal that
 * exceeds one is ignored, and the result says so.
 */
#ifndef WEIR_SCHED_H
#define WEIR_SCHED_H

#include "engine/base/machine.h"
#include "engine/http/priority_field.h"
#include "engine/sched/class.h"
#include "engine/sched/heads.h"
#include "engine/sched/memory.h"
#include "engine/sched/node.h"
#include "engine/sched/tree.h"
#include "engine/sched/update.h"
#include "engine/sched/urgency.h"

/* Which members of a sched_priority the client has sent. */
enum {
  SCHED_GIVEN_EXTENSIBLE = 1, /* urgency, incremental */
  SCHED_GIVEN_DEPENDENCY = 2, /* weight, parent_id, exclusive */
};

/* The client's signals for one stream, in the terms of either RFC. */
struct sched_priority {
  uint8_t urgency;    /* RFC 9218 section 4.1: 0 (first) .. 7, default 3 */
  bool incremental;   /* section 4.2: shares with its equals instead of going one after another */
  uint8_t given;      /* SCHED_GIVEN_* */
  bool exclusive;     /* RFC 7540 section 5.3.1 */
  uint16_t weight;    /* RFC 7540 section 5.3.2: 1 .. 256, default 16 */
  uint32_t parent_id; /* 0: depends on no stream */
};

#define SCHED_PRIORITY_DEFAULT ((struct sched_priority){.urgency = 3, .weight = 16})

struct sched {
  struct sched_urgency urgency;
  struct sched_heads heads;
  struct sched_node *sequence[SCHED_LEVEL_COUNT]; /* orders by identifier */
  struct sched_share shared[SCHED_LEVEL_COUNT];
  struct sched_tree tree;
  struct sched_updates updates;
  struct sched_node *loose;        /* streams that join the tree as soon as there is one */
  const struct sched_node *chosen; /* by the last sched_next() */
  enum sched_queue chosen_queue;   /* as which it was chosen */
  bool chosen_alone;               /* no other was ready then */
  bool chosen_beside;              /* head starts then only went beside something critical */
  uint64_t head_debt_bytes;        /* to be sent by others before the next of these goes */
  uint32_t ready_count;
  uint32_t critical_count; /* ready ones of a critical class */
  uint32_t open_count;
  uint32_t churn_left;      /* signals that the client may still send */
  bool extensible_seen;     /* rule 2 */
  bool tree_used;           /* rule 3 */
  bool ignore_dependencies; /* SETTINGS_NO_RFC7540_PRIORITIES */
};

/* ---- life ------------------------------------------------------------------------------------ */

/* A scheduler without memory: it has no tree, and ignores PRIORITY_UPDATE for idle streams. */
void sched_init(struct sched *sched);

/* Lends it memory, and a way to find the nodes of open streams by identifier. Both are kept until
 * sched_destroy(). Before the first sched_open(). */
void sched_attach(struct sched *sched, struct sched_memory *pools, sched_find *find, void *ctx);

/* Forgets what sched_attach() gave it, and nothing else. No stream is open (asserted), and nothing may be called before
 * the next sched_attach(). */
void sched_detach(struct sched *sched);

/* Gives all memory back; every node must have been closed (asserted). May be called twice. */
void sched_destroy(struct sched *sched);

/* SETTINGS_NO_RFC7540_PRIORITIES = 1 was sent or received: dependencies and weights mean nothing
 * from now on (RFC 9218 section 2.1). */
void sched_ignore_dependencies(struct sched *sched);

/* ---- streams and their signals --------------------------------------------------------------- */

/* A stream begins to take part; not ready yet. `id` is its stream identifier, `priority` the
 * signals of its header section and HEADERS frame. The stream takes part whatever the result. */
enum sched_result sched_open(struct sched *sched, struct sched_node *node, uint32_t id,
                             struct sched_priority priority);

/* The signals of the stream's header section and HEADERS frame, where these are known only after
 * sched_open(). */
enum sched_result sched_declare(struct sched *sched, struct sched_node *node,
                                struct sched_priority priority);

/* The stream is gone. */
void sched_close(struct sched *sched, struct sched_node *node);

/* PRIORITY for any stream (RFC 7540 section 6.3). `id` is not 0. */
__attribute__((warn_unused_result)) enum sched_result
sched_depend(struct sched *sched, uint32_t id, const struct sched_dependency *dependency);

/* PRIORITY_UPDATE for any stream (RFC 9218 section 7.1); remembered if it is idle. `id` is not 0.
 * sched->updates.count is the number of idle streams so prioritised. */
__attribute__((warn_unused_result)) enum sched_result
sched_update(struct sched *sched, uint32_t id, const struct priority_field *field);

/* The response's own `priority` field (RFC 9218 section 8). */
void sched_merge(struct sched *sched, struct sched_node *node, const struct priority_field *field);

/* The class of the content that the stream carries. */
void sched_hint(struct sched *sched, struct sched_node *node, enum sched_class class_of_content);

/* The next `bytes` bytes of the stream go at `urgency`, too, if that is more urgent than its
 * own. */
void sched_set_head_start(struct sched *sched, struct sched_node *node, uint32_t bytes,
                          uint8_t urgency);

/* Extends the head start: `rest_bytes` after what is left of it go early too, but only after the
 * head starts of all others. Every image's dimensions come before any image's first scan.
 * Replaces an earlier extension; bytes that the stream sends count off. sched_set_head_start()
 * removes it. */
void sched_extend_head_start(struct sched *sched, struct sched_node *node, uint32_t rest_bytes);

/* ---- streams that do not take part -------------------------------------------------------------
 *
 * A stream about which nobody says anything, and which has all of its bytes ready, need not be opened at all: its
 * owner sends them while whatever is ready here is less urgent. Owners see to it themselves that such streams go in
 * the order of their places, and that they are opened before a signal is passed on. */

/* Where a stream stands among all. */
struct sched_place {
  uint8_t urgency;
  bool shared; /* with others of that urgency; else these go by identifier */
};

/* The place of a stream of that class that has no signal, if it were opened now. False: the tree decides. */
__attribute__((warn_unused_result)) bool sched_place_of(const struct sched *sched,
                                                        enum sched_class class_of_content,
                                                        struct sched_place *out);

/* The most urgent of all that is ready, head starts included; SCHED_LEVEL_COUNT: nothing is. */
unsigned sched_urgency_ready(const struct sched *sched);

/* Stream `id`, which was not opened, has sent all of its bytes. */
void sched_passed(struct sched *sched, uint32_t id, size_t bytes);

/* ---- decisions ------------------------------------------------------------------------------- */

/* The node has bytes to send, or has none (or is blocked). Both are idempotent. */
void sched_ready(struct sched *sched, struct sched_node *node);
void sched_idle(struct sched *sched, struct sched_node *node);

/* The node to send next, and the most bytes it should send before asking again:
 * SCHED_QUANTUM_BYTES, more when no other is ready, less at the end of a head start. NULL when none
 * is ready. */
struct sched_node *sched_next(struct sched *sched, size_t *quantum_bytes);

/* The node sent `bytes` bytes. It stays ready until sched_idle(). */
void sched_sent(struct sched *sched, struct sched_node *node, size_t bytes);

/* The node sent its last bytes: both in one, for the many streams that send once. */
void sched_sent_last(struct sched *sched, struct sched_node *node, size_t bytes);

#endif
