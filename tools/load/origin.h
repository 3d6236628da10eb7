/*
 * load/origin.h - a server of a run: scheme, host and port of URLs, and where to connect for them.
 *
 * Owner: the plan; read-only once the workers run.
 */
#ifndef WEIR_LOAD_ORIGIN_H
#define WEIR_LOAD_ORIGIN_H

#include "io/base/address.h"
#include "tools/client/connection.h"
#include "tools/load/options.h"

struct load_origin {
  struct url url;       /* of any of its resources */
  const char *tls_name; /* to ask for, and to verify */
  struct address addresses[CLIENT_ADDRESSES_MAX];
  unsigned address_count;
};

/* Resolves the host, or that of --connect-to. `url` must be set. Keeps the options. May block. False
 * with one line in `failure`. */
__attribute__((warn_unused_result)) bool load_origin_look_up(struct load_origin *origin,
                                                             const struct load_options *options,
                                                             const struct failure *failure);

/* Prepares TLS as the options say. The caller frees it. NULL with one line in `failure`. */
__attribute__((warn_unused_result)) struct tls_context *
load_origin_tls(const struct load_options *options, const struct failure *failure);

#endif
