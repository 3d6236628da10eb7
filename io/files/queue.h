/*
 * files/queue.h - lookups that found no room wait until there is some or their time is over. Clients take
 * turns, and the lookups of each come first in, first out.
 *
 * When the queue is full, a lookup takes the place of the latest of the client that has most in it, if that
 * is two more than its own client has. The other one's time is then over.
 *
 * The queue knows no more of a lookup than how it is tried again. It is run when room may have come,
 * and once a second. One run tries no more than FILES_QUEUE_RUN of them; the loop goes on with the rest
 * in its next turn.
 */
#ifndef WEIR_FILES_QUEUE_H
#define WEIR_FILES_QUEUE_H

#include "engine/base/machine.h"
#include "io/base/list.h"
#include "io/files/holders.h"
#include "io/files/result.h"
#include "io/ring/loop.h"

struct files_lookup;

typedef enum files_result files_queue_attempt(void *self, struct span path, uint64_t now_ns,
                                              struct files_lookup *lookup);

struct files_queue {
  struct list_node waiting; /* of struct files_queued; the one whose time is over first is first */
  struct holders holders;   /* of places */
  uint32_t count;
  uint32_t leaving; /* of those: they have lost their place, and are told in the next turn */
  files_queue_attempt *attempt; /* any result; FILES_BUSY: no room yet */
  void *self;
  struct loop *loop; /* NULL: nothing is ever added */
  struct loop_op op; /* its next turn */
  bool op_under_way;
  uint64_t now_ns; /* for that turn */
};

void files_queue_init(struct files_queue *queue, struct loop *loop, files_queue_attempt *attempt,
                      void *self);

/* No lookup may wait, and the loop may owe no turn (asserted). */
void files_queue_destroy(struct files_queue *queue);

/* Copies the path. False when the queue is full or memory is refused. */
__attribute__((warn_unused_result)) bool files_queue_add(struct files_queue *queue,
                                                         struct span path, uint64_t now_ns,
                                                         struct files_lookup *lookup);

/* Takes a lookup out of its queue; one that is in none stays as it is. */
void files_queue_remove(struct files_lookup *lookup);

/* Tries the lookups until there is no room. Calls done() of those that have a result. */
void files_queue_run(struct files_queue *queue, uint64_t now_ns);

/* The same in the loop's next turn. Where the ring takes nothing, the next run comes within a second. */
void files_queue_go_on(struct files_queue *queue, uint64_t now_ns);

#endif
