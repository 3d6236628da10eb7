/*
 * client/lookup.h - the addresses of a host, before a run starts: it may block.
 */
#ifndef WEIR_TOOLS_LOOKUP_H
#define WEIR_TOOLS_LOOKUP_H

#include "io/base/address.h"
#include "tools/common/failure.h"

/* Fills at most `max` addresses of a name or literal, in the resolver's order. Returns how many; 0
 * with one line in `failure` when there is none. */
__attribute__((warn_unused_result)) unsigned lookup_host(const char *host, uint16_t port,
                                                         struct address *addresses, unsigned max,
                                                         const struct failure *failure);

#endif
