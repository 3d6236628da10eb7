/*
 * serve/front.h - one worker's handler: the current router, and those before it whose streams go on.
 *
 * The next configuration is first made ready (front_prepare(), which can fail) and later put in force
 * (front_swap(), which cannot), so that all workers change or none does.
 */
#ifndef WEIR_TOOLS_SERVE_FRONT_H
#define WEIR_TOOLS_SERVE_FRONT_H

#include "tools/serve/router.h"

struct front {
  struct handler handler; /* for the engine */
  struct router *current;
  struct front_retired {
    struct router *router;
    struct front_retired *before;
  } * retired;
  struct router *next;        /* ready, but not in force; */
  struct front_retired *room; /* and where the current one goes then */
};

/* Takes the router. `protocols` is as in struct handler. */
void front_init(struct front *front, struct router *router, const char *const *protocols);

/* Takes the next router. False when memory was refused: it has been destroyed. */
__attribute__((warn_unused_result)) bool front_prepare(struct front *front, struct router *next);

/* The next router, if there is one, answers what comes from now on. */
void front_swap(struct front *front);

/* Destroys the next router, if there is one. */
void front_forget(struct front *front);

/* Gives memory back, and destroys routers whose streams have ended; about once a second. */
void front_second(struct front *front, uint64_t now_ns);

/* All streams must have ended, and the loop must have answered all reads (asserted). */
void front_destroy(struct front *front);

#endif
