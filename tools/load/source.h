/*
 * load/source.h - where the requests of one worker come from: the plan's list, or the ring of the
 * thread that reads a large file or a pipe.
 *
 * Each connection takes the URLs of the command line that are its origin's in turn. The requests of a
 * file are dealt out to all workers: worker w of W takes the places w, w + W ... of the list. If they are for
 * several origins, each of these has a list, and the workers with a connection to it share that.
 *
 * Requests without variables from the list are lent as they are. All others are made when they are
 * taken, in memory that is used again.
 *
 * Owner: embedded in the worker's books; one thread.
 */
#ifndef WEIR_LOAD_SOURCE_H
#define WEIR_LOAD_SOURCE_H

#include "tools/load/plan.h"
#include "tools/load/variables.h"

/* A worker's way through the requests to one origin. */
struct load_lane {
  uint64_t place;       /* of the next one in their order, counted on through all passes */
  unsigned step;        /* workers that share them */
  unsigned connections; /* of this worker to the origin, that have not ended for good */
};

/* A request of this worker that has not been taken yet: the next one, or one further ahead. */
struct load_spot {
  uint64_t place;   /* of the list */
  uint64_t batch;   /* of the ring: counted from its start */
  size_t at;        /* in the batch */
  uint32_t repeats; /* how often the form there was taken: its weight */
};

struct load_source {
  const struct load_plan *plan;
  unsigned worker;
  bool endless; /* always ready: a list that is repeated, with values that do not run out */
  struct load_lane lanes[LOAD_ORIGINS_MAX]; /* of the plan's origins, in their order */
  struct load_queue *queue;                 /* NULL: the list is used */
  struct load_spot next;                    /* with a queue: the next request */
  struct load_values values;                /* of variables */
  struct load_instance *free, *all;
};

/* Where a connection is in its requests. */
struct load_turn {
  uint64_t count;                   /* requests that it has taken */
  const struct load_origin *origin; /* of its own URLs; NULL: all are */
};

enum load_source_state {
  LOAD_SOURCE_READY,
  LOAD_SOURCE_WAITS, /* the file is read more slowly than its requests are made */
  LOAD_SOURCE_ENDED, /* there are no more requests */
};

/* Keeps the plan. */
void load_source_init(struct load_source *source, const struct load_plan *plan, unsigned worker);

/* No target is used any more. */
void load_source_free(struct load_source *source);

/* For the connection at `turn`; NULL: for any. */
enum load_source_state load_source_state(const struct load_source *source,
                                         const struct load_turn *turn);

/* The next request of the connection at `turn`, whose count it increments. The source must be
 * ready. NULL when memory was refused. Must be released. */
const struct load_target *load_source_next(struct load_source *source, struct load_turn *turn);

/* The connection at `turn` has ended for good. With the last one to its origin, the requests to it are given
 * up: returns how many of a single pass those are. */
uint64_t load_source_leave(struct load_source *source, const struct load_turn *turn);

/* The next request. */
void load_spot_begin(struct load_spot *spot, const struct load_source *source);

/* --replay: how long after the first request this one is due. False: there is none, or it has not been
 * read yet. */
__attribute__((warn_unused_result)) bool
load_spot_since_ns(const struct load_spot *spot, const struct load_source *source, uint64_t *out);

/* Goes on by one. There must be a request at the spot. */
void load_spot_next(struct load_spot *spot, const struct load_source *source);

/* The request is over: no body of it is lent, and it will not be repeated. NULL is allowed. */
void load_source_release(struct load_source *source, const struct load_target *target);

#endif
