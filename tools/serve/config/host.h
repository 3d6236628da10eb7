/*
 * serve/config/host.h - the one normal form of a host's name, in which configured names are kept and in which a
 * request's authority is looked up.
 * Spec: RFC 3986 sections 3.2.2 and 6.2.2.1, RFC 9110 section 7.2.
 *
 * Lower case, no port, no dot at the end; an IPv6 address in brackets as inet_ntop() writes it.
 */
#ifndef WEIR_TOOLS_SERVE_CONFIG_HOST_H
#define WEIR_TOOLS_SERVE_CONFIG_HOST_H

#include "engine/base/machine.h"
#include "tools/serve/limits.h"

/* Writes the normal form to `room`. An empty authority has an empty one. False: it names no host that
 * could be configured. */
__attribute__((warn_unused_result)) bool host_normal(struct span authority,
                                                     char room[HOST_BYTES_MAX], struct span *out);

#endif
