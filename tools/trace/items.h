/*
 * trace/items.h - the resources of one run: requests each at its time, and records what arrives.
 *
 *     waiting --trigger--> timed --start time--> queued --connection--> asked --closed--> done
 *
 * After the start everything happens on the worker's thread: in timers and stream events.
 */
#ifndef WEIR_TRACE_ITEMS_H
#define WEIR_TRACE_ITEMS_H

#include "engine/http/first_scan.h"
#include "tools/trace/origin.h"

enum trace_phase {
  PHASE_WAITING, /* for its trigger */
  PHASE_TIMED,   /* its start time is known */
  PHASE_QUEUED,  /* due, but the connection is full or not ready */
  PHASE_ASKED,
  PHASE_DONE,
};

struct trace_item {
  struct trace_items *all;
  size_t index; /* in manifest and record */
  enum trace_phase phase;
  struct url *url;
  struct trace_origin *first;  /* connection to its origin */
  struct trace_origin *origin; /* PHASE_ASKED: the connection that it is on */
  struct stream *stream;       /* while PHASE_ASKED */
  uint64_t start_ns;           /* PHASE_TIMED: on the record's clock */
  unsigned refusals;           /* REFUSED_STREAM, so far */
  unsigned events;             /* bits 1 << enum trace_event that have happened */
  uint8_t *prefix;             /* of an image, while its dimensions are looked for */
  size_t prefix_bytes;
  bool sizing;
  struct first_scan scan; /* of an image, while its first scan is looked for */
};

struct trace_items {
  struct trace_run *run;
  struct trace_item *at; /* as many as the manifest has resources */
  size_t done;
  struct timer start_timer; /* until the next one's start time */
};

/* Before the run: resolves the URLs relative to `base`, and finds their origins. False with one
 * line in `failure`. Call trace_items_free() in either case. */
__attribute__((warn_unused_result)) bool
trace_items_init(struct trace_items *items, struct trace_run *run, struct trace_origins *origins,
                 const struct url *base, const struct failure *failure);

/* The run begins. */
void trace_items_begin(struct trace_items *items);

/* Requests every resource that is due and whose connection has room, in the manifest's order. Ends
 * the run when all are done. */
void trace_items_ask(struct trace_items *items);

/* The time is up: gives up the resources that are not done. */
void trace_items_give_up(struct trace_items *items);

void trace_items_free(struct trace_items *items);

#endif
