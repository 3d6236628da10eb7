/*
 * lib/response.h - what came of a response, as weir.h hands it out. Freed by weir_response_free().
 */
#ifndef WEIR_LIB_RESPONSE_H
#define WEIR_LIB_RESPONSE_H

#include "tools/lib/weir.h"

/* Copies the fields, in place of those that were kept before. False without memory. */
__attribute__((warn_unused_result)) bool response_keep(struct weir_fields *kept,
                                                       const struct headers *fields);

/* Adds to the body, for which `*capacity` bytes are allocated (0 at first) and `max` are allowed. False with
 * response->error. */
__attribute__((warn_unused_result)) bool
response_add(struct weir_response *response, struct span bytes, size_t *capacity, size_t max);

/* Says what is wrong. Only the first call counts. */
__attribute__((format(printf, 2, 3))) void response_blame(struct weir_response *response,
                                                          const char *format, ...);

#endif
