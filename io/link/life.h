/*
 * link/life.h - a link's birth, what is due in between, and its end.
 *
 * Everything that happens to a link (a completion, a timer, a wake-up, a drain, a cut) marks it
 * dirty, and settling does what is then due, in one order: time, input, end of input, output,
 * farewell, receiving, next timer. So no call into a machine is ever made from within another one,
 * and a link is freed in one place only.
 */
#ifndef WEIR_IO_LINK_LIFE_H
#define WEIR_IO_LINK_LIFE_H

#include "io/link/links.h"

/* Makes a link of a connected socket and starts it. Takes `fd`: on failure (the cap on links, no
 * memory, the factory refuses) it has been closed and NULL is returned. */
struct link *link_create(struct links *links, int fd, const struct machine_factory *factory);

/* The machine is to finish; the link closes itself when the machine is done. */
void link_drain(struct link *link);

/* Drains the link if nothing has been under way for IO_SHED_IDLE_NS; whether it did. */
__attribute__((warn_unused_result)) bool link_shed(struct link *link);

/* Gives a dirty link its part of the turn. May free it. */
void link_settle(struct link *link);

/* A completion of kind OP_LINK_CANCEL. */
void link_on_cancel(struct link *link, const struct ring_completion *completion);

#endif
