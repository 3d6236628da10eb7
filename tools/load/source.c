/*
 * load/source.c - see load/source.h.
 */
#include "tools/load/source.h"

void load_source_init(struct load_source *source, const struct load_plan *plan) {
  *source = (struct load_source){.plan = plan};
}

const struct load_target *load_source_next(struct load_source *source, uint64_t *turn) {
  const struct load_plan *plan = source->plan;
  return &plan->targets[(*turn)++ % plan->target_count];
}

/* The plan's targets last for the whole run. */
void load_source_release(struct load_source *source, const struct load_target *target) {
  (void)source;
  (void)target;
}
