/*
 * load/plan.h - what a run requests, and from which server. Made from the options before the
 * workers start, and read-only from then on.
 *
 * Ownership: keeps the options and their strings until load_plan_free().
 */
#ifndef WEIR_LOAD_PLAN_H
#define WEIR_LOAD_PLAN_H

#include "io/base/address.h"
#include "tools/client/limits.h"
#include "tools/common/failure.h"
#include "tools/common/option_values.h"
#include "tools/load/limits.h"
#include "tools/load/options.h"
#include "tools/load/target.h"

struct tls_context;

/* One URL of the command line, and what its request is made of. */
struct load_made {
  struct url url;
  struct header fields[8 + LOAD_FIELDS_MAX];
  char names[LOAD_FIELDS_MAX][OPTION_FIELD_NAME_BYTES]; /* of --header, in lower case */
};

struct load_plan {
  const struct load_options *options;
  struct load_target *targets; /* at least one; all of one origin */
  struct load_made *made;      /* of each target */
  unsigned target_count;
  struct url base; /* the first URL: it names the server */
  struct address addresses[CLIENT_ADDRESSES_MAX];
  unsigned address_count;
  struct tls_context *tls; /* NULL: http */
  uint8_t *data;           /* of --data; NULL: no body */
  size_t data_bytes;
  char data_length[24]; /* data_bytes in digits */
  uint64_t timeout_ns, duration_ns, warm_up_ns;
};

/* Loads the file of --data. False with one line in `failure`. Call load_plan_free() in either
 * case. */
__attribute__((warn_unused_result)) bool load_plan_init(struct load_plan *plan,
                                                        const struct load_options *options,
                                                        const struct failure *failure);

/* Builds the requests. False with one line in `failure` when the command line is wrong. */
__attribute__((warn_unused_result)) bool load_plan_targets(struct load_plan *plan,
                                                           const struct failure *failure);

/* Resolves the host and prepares TLS. May block. False with one line in `failure`. */
__attribute__((warn_unused_result)) bool load_plan_look_up(struct load_plan *plan,
                                                           const struct failure *failure);

void load_plan_free(struct load_plan *plan);

#endif
