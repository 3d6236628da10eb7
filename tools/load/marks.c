/*
 * load/marks.c - see load/marks.h.
 */
#include "tools/load/marks.h"

#include <stdlib.h>

/* The shape's segments without the warm-up. */
static const struct load_segment *segment_of(const struct load_marks *marks, unsigned stage) {
  const struct load_plan *plan = marks->books->plan;
  return &plan->shape.segments[stage + (plan->warm_up_ns > 0)];
}

static void arm(struct load_marks *marks) {
  const struct load_books *books = marks->books;
  if (marks->taken == marks->count) return;
  const struct load_segment *segment = segment_of(marks, marks->taken);
  double end_seconds = segment->begin_seconds + segment->seconds;
  timer_arm(&books->io->loop.timers, &marks->timer,
            books->begin_ns + (uint64_t)(end_seconds * 1e9));
}

static void take(struct load_marks *marks) {
  load_second_take(&marks->tally, marks->books, &marks->stages[marks->taken++]);
}

/* The last stage ends with the run. */
static void on_timer(struct timer *timer, uint64_t now_ns) {
  struct load_marks *marks = LIST_OWNER(timer, struct load_marks, timer);
  (void)now_ns;
  if (marks->books->over || marks->taken + 1 >= marks->count) return;
  take(marks);
  arm(marks);
}

bool load_marks_init(struct load_marks *marks, const struct load_books *books) {
  const struct load_plan *plan = books->plan;
  *marks = (struct load_marks){.books = books};
  timer_init(&marks->timer, on_timer);
  if (plan->options->stage_count == 0) return true;
  marks->count = plan->shape.count - (plan->warm_up_ns > 0);
  marks->stages = calloc(marks->count, sizeof *marks->stages);
  return marks->stages;
}

void load_marks_begin(struct load_marks *marks) {
  arm(marks);
}

void load_marks_end(struct load_marks *marks) {
  if (marks->books->measuring && marks->taken < marks->count) take(marks);
  marks->count = marks->taken;
}

void load_marks_free(struct load_marks *marks) {
  free(marks->stages);
  marks->stages = NULL;
}
