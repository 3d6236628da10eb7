/*
 * load/source.c - see load/source.h.
 */
#include "tools/load/source.h"

/* How many of the first `count` connections are to origin `index`. */
static unsigned connections_below(const struct load_plan *plan, unsigned index, unsigned count) {
  const unsigned origins = plan->origins.count;
  return count / origins + (count % origins > index);
}

static unsigned connections_of(const struct load_plan *plan, unsigned index, unsigned worker) {
  unsigned first, count = load_plan_connections(plan, worker, &first);
  return connections_below(plan, index, first + count) - connections_below(plan, index, first);
}

static void begin_lane(struct load_source *source, unsigned index) {
  const struct load_plan *plan = source->plan;
  struct load_lane *lane = &source->lanes[index];
  for (unsigned i = 0; i < plan->options->threads; i++) {
    unsigned count = connections_of(plan, index, i);
    if (count > 0 && i < source->worker) lane->place++;
    if (count > 0) lane->step++;
    if (i == source->worker) lane->connections = count;
  }
}

void load_source_init(struct load_source *source, const struct load_plan *plan, unsigned worker) {
  *source = (struct load_source){.plan = plan, .worker = worker};
  if (plan->reader) source->queue = load_reader_queue(plan->reader, worker);
  load_values_init(&source->values, plan->rules.csv, worker, plan->options->threads, plan->seed);
  const struct load_csv *csv = source->values.csv;
  source->endless = !source->queue && !plan->one_pass && !(csv && csv->once);
  for (unsigned i = 0; i < plan->origins.count; i++)
    begin_lane(source, i);
}

void load_source_free(struct load_source *source) {
  while (source->all) {
    struct load_instance *instance = source->all;
    source->all = instance->older;
    free(instance->at);
    free(instance);
  }
}

/* ---- lanes ----------------------------------------------------------------------------------- */

/* Of the origin of a turn. */
static unsigned lane_index(const struct load_turn *turn) {
  return turn->origin ? turn->origin->number : 0;
}

/* How many requests it has in a pass. */
static size_t pass_count(const struct load_plan *plan, unsigned index) {
  const struct load_origin *origin = &plan->origins.at[index];
  return origin->items ? origin->item_count : plan->list.order_count;
}

static bool is_over(const struct load_source *source, unsigned index) {
  const struct load_lane *lane = &source->lanes[index];
  return source->plan->one_pass &&
         (lane->connections == 0 || lane->place >= pass_count(source->plan, index));
}

static bool all_are_over(const struct load_source *source) {
  unsigned index = 0;
  while (index < source->plan->origins.count && is_over(source, index))
    index++;
  return index == source->plan->origins.count;
}

enum load_source_state load_source_state(const struct load_source *source,
                                         const struct load_turn *turn) {
  struct load_queue *queue = source->queue;
  if (load_values_are_out(&source->values)) return LOAD_SOURCE_ENDED;
  if (!queue) {
    bool over = turn ? is_over(source, lane_index(turn)) : all_are_over(source);
    return over ? LOAD_SOURCE_ENDED : LOAD_SOURCE_READY;
  }
  if (load_queue_peek(queue)) return LOAD_SOURCE_READY;
  return load_queue_is_over(queue) ? LOAD_SOURCE_ENDED : LOAD_SOURCE_WAITS;
}

uint64_t load_source_leave(struct load_source *source, const struct load_turn *turn) {
  unsigned index = lane_index(turn);
  struct load_lane *lane = &source->lanes[index];
  bool over = source->queue || is_over(source, index);
  lane->connections--;
  if (over || !is_over(source, index)) return 0;
  uint64_t left = pass_count(source->plan, index) - lane->place;
  return (left + lane->step - 1) / lane->step;
}

/* ---- what comes next ------------------------------------------------------------------------- */

/* A place in a pass of `count`. A division takes longer than all else here. */
static uint64_t turned(uint64_t place, uint64_t count) {
  if (count == 1) return 0;
  return place < count ? place : place % count;
}

/* The next item of the list. */
static uint32_t next_item(const struct load_source *source, const struct load_lane *lane,
                          const struct load_turn *turn) {
  const struct load_list *list = &source->plan->list;
  const struct load_origin *origin = turn->origin;
  uint64_t place = source->plan->by_connection ? turn->count : lane->place;
  if (origin && origin->items) return origin->items[turned(place, origin->item_count)];
  return list->order[turned(place, list->order_count)];
}

/* ---- looking ahead --------------------------------------------------------------------------- */

void load_spot_begin(struct load_spot *spot, const struct load_source *source) {
  *spot = source->next;
  spot->place = source->lanes[0].place;
}

static const struct load_form *form_at(const struct load_spot *spot,
                                       const struct load_source *source) {
  const struct load_list *list = &source->plan->list;
  if (source->queue) {
    const struct load_buffer *batch = load_queue_look(source->queue, spot->batch);
    return batch ? (const struct load_form *)(batch->at + spot->at) : NULL;
  }
  return spot->place < list->order_count ? load_list_form(list, list->order[spot->place]) : NULL;
}

/* In a recording that is not in the order of time, a request may be older than the first. */
bool load_spot_since_ns(const struct load_spot *spot, const struct load_source *source,
                        uint64_t *out) {
  const struct load_plan *plan = source->plan;
  const struct load_form *form = form_at(spot, source);
  if (!form) return false;
  uint64_t begin_ns = plan->replay_begin_ns;
  double since_ns = form->time_ns > begin_ns ? (double)(form->time_ns - begin_ns) : 0;
  *out = (uint64_t)(since_ns / plan->options->speed + 0.5);
  return true;
}

void load_spot_next(struct load_spot *spot, const struct load_source *source) {
  const struct load_form *form = form_at(spot, source);
  spot->place += source->plan->options->threads;
  if (!source->queue || ++spot->repeats < form->weight) return;
  spot->repeats = 0;
  spot->at += form->bytes;
  if (spot->at < load_queue_look(source->queue, spot->batch)->len) return;
  spot->at = 0;
  spot->batch++;
}

/* ---- going on -------------------------------------------------------------------------------- */

/* A batch that has been passed is given back. */
static void step(struct load_source *source) {
  uint64_t batch = source->next.batch;
  load_spot_next(&source->next, source);
  if (source->next.batch == batch) return;
  load_queue_take(source->queue);
  load_reader_wake(source->plan->reader);
}

/* ---- making requests ------------------------------------------------------------------------- */

static struct load_instance *take_instance(struct load_source *source) {
  struct load_instance *instance = source->free;
  if (instance) {
    source->free = instance->next;
  } else if ((instance = calloc(1, sizeof *instance))) {
    instance->older = source->all;
    source->all = instance;
  }
  return instance;
}

static const struct load_target *make(struct load_source *source, const struct load_form *form,
                                      const struct header *fixed, uint32_t index) {
  struct load_instance *instance = take_instance(source);
  if (!instance) return NULL;
  if (form->varies) load_values_next(&source->values);
  bool filled = load_form_fill(form, fixed, &source->plan->rules, &source->values, instance);
  instance->target.index = index;
  if (filled) return &instance->target;
  load_source_release(source, &instance->target);
  return NULL;
}

/* Not inlined: then requests that are lent as they are need no stack. */
__attribute__((noinline)) static const struct load_target *
next_of_queue(struct load_source *source) {
  const struct load_target *target = make(source, form_at(&source->next, source), NULL, 0);
  step(source);
  return target;
}

const struct load_target *load_source_next(struct load_source *source, struct load_turn *turn) {
  const struct load_list *list = &source->plan->list;
  if (source->queue) return next_of_queue(source);
  struct load_lane *lane = &source->lanes[lane_index(turn)];
  uint32_t item = next_item(source, lane, turn);
  const struct load_item *at = &list->items[item];
  lane->place += lane->step;
  turn->count++;
  if (at->prepared) return &at->prepared->target;
  return make(source, load_list_form(list, item), at->fixed, item);
}

void load_source_release(struct load_source *source, const struct load_target *target) {
  struct load_instance *instance = (struct load_instance *)target;
  if (!target || target->prepared) return;
  instance->next = source->free;
  source->free = instance;
}
