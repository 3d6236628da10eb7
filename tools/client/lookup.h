/*
 * client/lookup.h - resolves host names. It blocks, so it is called before a run starts.
 */
#ifndef WEIR_TOOLS_LOOKUP_H
#define WEIR_TOOLS_LOOKUP_H

#include "io/base/address.h"
#include "tools/common/failure.h"

/* Resolves a name or an address literal into up to `max` addresses, in the resolver's order.
 * Returns their number; 0 with one line in `failure` when there are none. */
__attribute__((warn_unused_result)) unsigned lookup_host(const char *host, uint16_t port,
                                                         struct address *addresses, unsigned max,
                                                         const struct failure *failure);

#endif
